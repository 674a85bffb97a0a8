"""What torch writes is let in, and nothing beside it: archives, the older form, and every lie either could tell."""

import io
import os
import struct
import warnings
import zipfile
import zlib
from collections import OrderedDict

import pytest
import torch

from indextts_hub.gate import Form, UnsafeFile, assert_checkpoint, assert_pickles, check, check_pickles
from tests.hub.gate.pickling import archive, call, checkpoint, flags_set, overlapping, put, stacked, tensor

GOOD = b"\x80\x02" + tensor() + b"."


def saved(value: object, *, older: bool = False) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer, _use_new_zipfile_serialization=not older)
    return buffer.getvalue()


def trained() -> dict[str, object]:
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.ones(2, 3)).sum().backward()
    optimizer.step()
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, [1, 2])
    return {"net": {"cfm": model.state_dict()}, "optimizer": optimizer.state_dict(), "schedule": schedule.state_dict(), "epoch": 3}


CHECKPOINTS = {
    "a state dictionary": lambda: torch.nn.Linear(3, 4).state_dict(),
    "a nested one": lambda: {"model": OrderedDict(a=torch.ones(2)), "generator": {"b": [torch.zeros(1)]}},
    "a training's state": trained,
    "a tensor": lambda: torch.ones(3, 4),
    "bfloat16": lambda: {"a": torch.ones(2, dtype=torch.bfloat16)},
    "types of one byte": lambda: {"a": torch.ones(2).to(torch.float8_e4m3fn), "b": torch.ones(2, dtype=torch.uint8)},
    "other types": lambda: [
        torch.ones(2, dtype=kind) for kind in (torch.float16, torch.int64, torch.bool, torch.complex64, torch.uint16)
    ],
    "a parameter": lambda: torch.nn.Parameter(torch.ones(2)),
    "no dimensions": lambda: {"0d": torch.tensor(3.0), "empty": torch.empty(0)},
    "one row for many": lambda: {"wide": torch.ones(1).expand(1000, 1000)},
    "views of one storage": lambda: torch.arange(12.0).reshape(3, 4)[1:, ::2].chunk(2),
    "plain values": lambda: {"a": [1, -2, 2**40, 2.5, None, True, "文", (1, 2)], "b": {1, 2}, "c": b"bytes", 5: torch.Size([1])},
    "types and devices": lambda: {"dtype": torch.float32, "device": torch.device("cpu")},
}


@pytest.mark.parametrize("older", [False, True])
@pytest.mark.parametrize("name", CHECKPOINTS)
def test_what_torch_saves_is_let_in(name: str, older: bool) -> None:
    """P03."""
    body = io.BytesIO(saved(CHECKPOINTS[name](), older=older))
    for called in ("gpt.pth", "campplus_cn_common.bin", "weights"):
        findings = check(body, called)
        assert findings.ok, findings.problem
        assert findings.form is (Form.LEGACY if older else Form.ARCHIVE)
    assert_checkpoint(body, "gpt.pth")
    # torch itself can't read its own older form with types that came after it.
    if not (older and "types" in name):
        assert torch.load(body, weights_only=True) is not None


def test_what_python_zips_as_torch_does_is_let_in() -> None:
    assert check(io.BytesIO(checkpoint(GOOD)), "gpt.pth").ok


@pytest.mark.parametrize("older", [False, True])
def test_a_whole_model_is_code_and_stays_out(older: bool) -> None:
    findings = check(io.BytesIO(saved(torch.nn.Linear(2, 2), older=older)), "model.pt")
    assert findings.problem is not None
    assert "torch.nn.modules.linear.Linear" in findings.problem.what


def test_torchscript_stays_out() -> None:
    """P02, and CVE-2025-32434: `weights_only` runs it all the same."""
    scripted = io.BytesIO()
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), scripted)
    findings = check(scripted, "model.pt")
    assert findings.problem is not None
    assert (findings.problem.code, "code/" in findings.problem.what) == ("E_ARCHIVE", True)


REAL = saved({"a": torch.arange(40.0), "b": torch.ones(3)})
LISTED = REAL.index(b"PK\x01\x02")
END64 = REAL.index(b"PK\x06\x06")


def replaced(at: int, new: bytes) -> bytes:
    return REAL[:at] + new + REAL[at + len(new) :]


LIES = {
    "a member's own name is another": REAL.replace(b"archive/data.pkl", b"archive/dota.pkl", 1),
    "its name in the directory is another": replaced(REAL.index(b"archive/data/0", LISTED), b"archive/data/7"),
    "a wrong checksum in both places": REAL[:-1000].replace(struct.pack("<L", zlib.crc32(bytes(4))), b"abcd") + b"",
    "a changed element": replaced(REAL.index(struct.pack("<4f", 1, 2, 3, 4)), b"\x01"),
    "flags in one place": replaced(LISTED + 8, b"\x00\x00"),
    "encrypted, it says": flags_set(REAL, 0x1),
    "patched, it says": flags_set(REAL, 0x20),
    "strongly encrypted, it says": flags_set(REAL, 0x40),
    "masked headers, it says": flags_set(REAL, 0x2000),
    "something behind the end": REAL + b"\x00",
    "something before the beginning": b"\x00" + REAL,
    "another archive behind it": REAL + REAL,
    "a comment": REAL[:-2] + b"\x04\x00" + b"text",
    "a second end record": REAL + REAL[-22:],
    "no end": REAL[:-22],
    "cut in the middle": REAL[: len(REAL) // 2],
    "the end records differ": replaced(END64 + 24, b"\x01"),
    "the zip64 record is elsewhere": replaced(END64 + 56 + 8, b"\x07"),
    "one member less, it says": replaced(END64 + 24, b"\x04" + bytes(7) + b"\x04" + bytes(7)),
    "compressed": archive(("archive/data.pkl", GOOD), ("archive/data/0", bytes(16)), method=zipfile.ZIP_DEFLATED),
    "two pickles": checkpoint(GOOD, ("archive/DATA.pkl", GOOD)),
    "one name twice": checkpoint(GOOD, ("archive/version", b"3\n")),
    "two folders": checkpoint(GOOD, ("other/data.pkl", GOOD)),
    "a pickle deeper down": checkpoint(GOOD, ("archive/data/data.pkl", GOOD)),
    "a way out": checkpoint(GOOD, ("archive/../data/1", b"")),
    "an absolute name": checkpoint(GOOD, ("/archive/data/1", b"")),
    "a backslash": checkpoint(GOOD, ("archive\\data\\1", b"")),
    "a folder": checkpoint(GOOD, ("archive/code/", b"")),
    "a program": checkpoint(GOOD, ("archive/code/__torch__.py", b"import os")),
    "constants": checkpoint(GOOD, ("archive/constants.pkl", GOOD)),
    "a package": checkpoint(GOOD, ("archive/.data/extern_modules", b"os")),
    "a long version": checkpoint(GOOD, ("archive/byteorder", b"l" * 65)),
    "written the other way round": checkpoint(GOOD, ("archive/byteorder", b"big")),
    "a storage is missing": archive(("archive/data.pkl", GOOD), ("archive/version", b"3\n")),
    "a storage is too short": checkpoint(GOOD, storage=bytes(15)),
    "a storage is too long": checkpoint(GOOD, storage=bytes(17)),
    "no pickle": archive(("archive/data/0", bytes(16))),
    "nothing in it": archive(),
    "something else": archive(("word/document.xml", b"<a/>"), ("[Content_Types].xml", b"<a/>")),
    "members that share bytes": overlapping(b"x" * 40),
    "a pickle behind the pickle": checkpoint(GOOD + call("posix", "system", "true", protocol=2)),
}


@pytest.mark.parametrize("lie", LIES)
def test_an_archive_that_could_be_read_in_two_ways_stays_out(lie: str) -> None:
    """P02."""
    assert check(io.BytesIO(REAL), "gpt.pth").ok
    for called in ("gpt.pth", "weights"):
        findings = check(io.BytesIO(LIES[lie]), called)
        assert findings.problem is not None
        assert findings.problem.code in {"E_ARCHIVE", "E_PICKLE"}


@pytest.mark.parametrize("lie", sorted(LIES.keys() - {"a changed element"}))
def test_before_a_load_no_lie_is_overlooked_but_one_about_numbers(lie: str) -> None:
    """P02."""
    assert check_pickles(io.BytesIO(REAL), "gpt.pth").ok
    for called in ("gpt.pth", "weights"):
        assert not check_pickles(io.BytesIO(LIES[lie]), called).ok
    with pytest.raises(UnsafeFile):
        assert_pickles(io.BytesIO(LIES[lie]), "weights")


class Counted(io.BytesIO):
    """Counts the bytes that are read."""

    count = 0

    def read(self, size: int | None = -1, /) -> bytes:
        body = super().read(size)
        self.count += len(body)
        return body


def test_before_a_load_tensors_are_not_read() -> None:
    large = Counted(saved({"a": torch.ones(4, 1 << 20), "b": torch.zeros(3)}))
    assert_pickles(large, "gpt.pth")
    assert large.count < 1 << 18
    assert large.tell() == 0
    assert check(large, "gpt.pth").ok
    assert large.count > 4 << 22


@pytest.mark.parametrize("member", ["data.pkl", "version", "byteorder"])
def test_before_a_load_whatever_is_no_tensor_has_its_checksum(member: str) -> None:
    at = REAL.index(f"archive/{member}".encode())
    at = REAL.index({"data.pkl": b"\x80\x02", "version": b"3\n", "byteorder": b"little"}[member], at)
    findings = check_pickles(io.BytesIO(replaced(at, bytes([REAL[at] ^ 1]))), "gpt.pth")
    assert findings.problem is not None
    assert (findings.problem.code, "checksum" in findings.problem.what) == ("E_ARCHIVE", True)


OLDER = saved({"a": torch.arange(40.0), "b": torch.ones(3)}, older=True)


@pytest.mark.parametrize(
    "body",
    [
        OLDER[:-1],
        OLDER + b"\x00",
        OLDER.replace(b"little_endianq\x02\x88", b"little_endianq\x02\x89"),
        OLDER.replace(b"M\xe9\x03.", b"M\xe8\x03.", 1),
        OLDER.replace((40).to_bytes(8, "little"), (41).to_bytes(8, "little")),
        OLDER[: OLDER.index(b"little")],
    ],
    ids=["cut", "longer", "big-endian", "another protocol", "another length", "cut in its head"],
)
def test_the_older_form_is_exact(body: bytes) -> None:
    """P02."""
    assert check(io.BytesIO(OLDER), "model.bin").ok
    assert not check(io.BytesIO(body), "model.bin").ok


def pickled(instructions: bytes) -> bytes:
    return checkpoint(b"\x80\x02" + instructions + b".")


HOOKS = b"ccollections\nOrderedDict\n)R"
PICKLES = {
    "entries into a tensor (CVE-2026-24747)": pickled(tensor() + put("a") + b"K\x01s"),
    "entries into a list": pickled(b"](" + put("a") + b"K\x01u"),
    "members into a tensor": pickled(tensor() + b"K\x01a"),
    "a state for a tensor": pickled(tensor() + b"}b"),
    "a state for a class": pickled(b"ccollections\nOrderedDict\n}b"),
    "methods for a dictionary": pickled(HOOKS + b"}" + put("__class__") + b"K\x01sb"),
    "more elements than bytes": pickled(tensor(count=5)),
    "a view beyond its storage": pickled(tensor(offset=1)),
    "a stride beyond its storage": pickled(tensor(stride=(2, 2))),
    "a negative offset": pickled(tensor(offset=-1)),
    "a negative stride": pickled(tensor(stride=(-1, 1))),
    "a tensor of a petabyte": pickled(tensor(size=(2**20, 2**30), stride=(0, 0))),
    "hooks": pickled(tensor().replace(HOOKS, b"ccollections\nOrderedDict\n](]K\x01aK\x02aeR".replace(b"R", b"\x85R"))),
    "a storage's path": pickled(tensor(key="../0")),
    "a storage of a class that is none": pickled(tensor().replace(b"FloatStorage", b"float32")),
    "another kind of reference": pickled(
        b"(" + put("module") + b"ctorch\nFloatStorage\n" + put("0") + put("x.py") + put("code") + b"tQ"
    ),
    "a new object": pickled(b"ccollections\nOrderedDict\n)\x81"),
    "a dotted name": checkpoint(b"\x80\x04" + stacked("torch", "_utils._rebuild_tensor_v2") + b"."),
    "a name with an escape": pickled(b"ctorch\n\\x46loatStorage\n"),
    "an import that is only named": pickled(b"cos\nsystem\n"),
    "a class called with code": pickled(b"ctorch\nFloatStorage\nK\x01\x85R"),
    "bytes by another codec": pickled(b"c_codecs\nencode\n(" + put("x") + put("rot13") + b"tR"),
    "an extension": pickled(b"\x82\x01"),
    "an old instance": pickled(b"(ios\nsystem\n"),
    "a mark too many": pickled(b"(("),
    "an empty stack": pickled(b"0"),
    "a memo that is not there": pickled(b"h\x09"),
    "two values": pickled(b"K\x01K\x02"),
    "a list that holds itself": pickled(b"]q\x00h\x00a"),
    "a nesting too deep": pickled(b"]" * 40 + b"a" * 39),
    "another protocol": checkpoint(b"\x80\x06K\x01."),
    "no protocol": checkpoint(b"K\x01."),
    "two protocols": pickled(b"\x80\x02K\x01"),
    "a number of a megabyte": pickled(b"\x8b" + (1 << 20).to_bytes(4, "little") + bytes(1 << 20)),
    "a text longer than the file": pickled(b"X\xff\xff\xff\x7fabc"),
}


@pytest.mark.parametrize("what", PICKLES)
def test_a_pickle_that_torch_never_writes_stays_out(what: str) -> None:
    """P01."""
    assert check(io.BytesIO(pickled(tensor())), "gpt.pth").ok
    with pytest.raises(UnsafeFile) as refused:
        assert_checkpoint(io.BytesIO(PICKLES[what]), "gpt.pth")
    with pytest.raises(UnsafeFile):
        assert_pickles(io.BytesIO(PICKLES[what]), "gpt.pth")
    assert refused.value.code == "E_PICKLE"
    assert refused.value.exit_code == 8
    assert "data.pkl" in refused.value.message or "storage" in refused.value.message


def test_lists_that_share_their_members_cost_no_more_than_they_are_long() -> None:
    """A pickle of 200 bytes that would be 2^20 lists to whoever walks over it member by member."""
    twice = b"".join(b"](h" + bytes([at]) + b"h" + bytes([at]) + b"eq" + bytes([at + 1]) for at in range(20))
    assert check(io.BytesIO(pickled(b"(]q\x00" + twice + b"t")), "gpt.pth").ok


@pytest.mark.parametrize("name", ["weights.tar", "model.gz", "model.pt"])
@pytest.mark.parametrize(
    "magic", [b"\x1f\x8b\x08", b"BZh9", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd", b"Rar!\x1a\x07\x01", b"\x00" * 257 + b"ustar\x0000"]
)
def test_what_can_t_be_looked_into_stays_out(magic: bytes, name: str) -> None:
    assert not check(io.BytesIO(magic + os.urandom(600)), name).ok
