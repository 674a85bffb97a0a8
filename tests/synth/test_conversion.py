"""`convert`: what torch saved comes out as safetensors, bit for bit and the same every time; what is hostile gets nowhere."""

import json
import subprocess
import sys
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from indextts_hub.errors import HubError, UsageError
from indextts_hub.gate import UnsafeFile, check
from indextts_hub.manifest import Json
from synth.conversion import Bounds, Converted, convert
from synth.engines.conversion import TYPES, flattened
from synth.worker.process import WorkerError
from tests.hub.gate.corpus import samples
from tests.hub.gate.pickling import checkpoint, put, tensor
from tests.hub.gate.test_checkpoints import CHECKPOINTS, LIES, saved

pytestmark = pytest.mark.slow

BY_NAME = {name: dtype for dtype, name in TYPES.items()}


class Log(list[tuple[str, str, str, Mapping[str, Json]]]):
    def __call__(self, act: str, subject: str, outcome: str, details: Mapping[str, Json]) -> None:
        self.append((act, subject, outcome, dict(details)))


def converted(tmp_path: Path, body: bytes, log: Log | None = None, bounds: Bounds | None = None) -> Converted:
    (tmp_path / "gpt.pth").write_bytes(body)
    with (tmp_path / "gpt.pth").open("rb") as source:
        return convert(source, "gpt.pth", tmp_path / "gpt.safetensors", Log() if log is None else log, bounds or Bounds())


def tensors(path: Path) -> dict[str, torch.Tensor]:
    """A file of safetensors, read by its format and not by what wrote it."""
    body = path.read_bytes()
    length = int.from_bytes(body[:8], "little")
    head, rest = json.loads(body[8 : 8 + length]), body[8 + length :]
    head.pop("__metadata__")
    found = {}
    for name, said in head.items():
        begin, end = said["data_offsets"]
        flat = torch.frombuffer(bytearray(rest[begin:end]), dtype=BY_NAME[said["dtype"]]) if end > begin else torch.empty(0)
        found[name] = flat.to(BY_NAME[said["dtype"]]).reshape(said["shape"])
    return found


def same_bits(one: torch.Tensor, other: torch.Tensor) -> bool:
    whole = [each.detach().contiguous().reshape(-1) for each in (one, other)]
    return one.dtype == other.dtype and one.shape == other.shape and bytes_of(whole[0]) == bytes_of(whole[1])


def bytes_of(flat: torch.Tensor) -> bytes:
    return flat.view(torch.uint8).numpy().tobytes() if flat.numel() else b""


# torch writes them in its older form and can't read them there itself (2.13: AttributeError, with `weights_only` and without).
NO_OLDER_FORM = {"other types", "types of one byte"}
HOLDS_TENSORS = sorted(set(CHECKPOINTS) - {"plain values", "types and devices"})


@pytest.mark.parametrize("older", [False, True])
@pytest.mark.parametrize("name", HOLDS_TENSORS)
def test_p03_a_good_checkpoint_comes_out_bit_for_bit_and_with_the_same_digest_again(name: str, older: bool, tmp_path: Path) -> None:
    torch.manual_seed(7)
    value = CHECKPOINTS[name]()
    body = saved(value, older=older)
    if older and name in NO_OLDER_FORM:
        with pytest.raises(UsageError, match="can't be converted"):
            converted(tmp_path, body)
        return
    first = converted(tmp_path, body)
    expected, left_out = flattened(value)
    found = tensors(tmp_path / "gpt.safetensors")
    assert found.keys() == expected.keys()
    assert all(same_bits(found[name], expected[name]) for name in found)
    assert (first.tensors, first.left_out_count) == (len(expected), len(left_out))
    assert first.source == sha256(body).hexdigest()
    assert first.result == sha256((tmp_path / "gpt.safetensors").read_bytes()).hexdigest()
    with (tmp_path / "gpt.safetensors").open("rb") as file:
        assert check(file, "gpt.safetensors").ok
    assert converted(tmp_path, body).result == first.result
    # Both forms of one checkpoint hold the same tensors, and so does a copy that somebody else saved.
    other = saved(value, older=not older and name not in NO_OLDER_FORM)
    assert converted(tmp_path, other).result == first.result


def test_everybody_s_reader_takes_it(tmp_path: Path) -> None:
    value = {"a": torch.ones(3, dtype=torch.bfloat16), "b": [torch.tensor(True), torch.arange(5)]}
    converted(tmp_path, saved(value))
    read = load_file(tmp_path / "gpt.safetensors")
    assert {name: str(each.dtype) for name, each in read.items()} == {
        "a": "torch.bfloat16",
        "b.0": "torch.bool",
        "b.1": "torch.int64",
    }


def test_both_digests_are_written_down_and_what_was_left_out(tmp_path: Path) -> None:
    log = Log()
    done = converted(tmp_path, saved({"a": torch.ones(2), "step": 3}), log)
    ((act, subject, outcome, details),) = log
    assert (act, subject, outcome) == ("convert", "gpt.pth", "done")
    assert (details["from"], details["to"], details["left_out"]) == (done.source, done.result, 1)
    assert done.left_out == ("step",)


@pytest.mark.parametrize("name", sorted(samples(Path("canary"))))
def test_p01_a_bad_sample_is_refused_before_anything_reads_it(name: str, tmp_path: Path) -> None:
    log = Log()
    with pytest.raises(UnsafeFile):
        converted(tmp_path, samples(tmp_path / "canary")[name], log)
    assert [path.name for path in tmp_path.iterdir()] == ["gpt.pth"]
    assert log[0][2] in {"E_PICKLE", "E_ARCHIVE"}


@pytest.mark.parametrize("lie", LIES)
def test_p02_an_archive_that_lies_is_not_converted(lie: str, tmp_path: Path) -> None:
    with pytest.raises(UnsafeFile):
        converted(tmp_path, LIES[lie])
    assert [path.name for path in tmp_path.iterdir()] == ["gpt.pth"]


@pytest.mark.parametrize(
    "value",
    [
        {"a": 1},
        {"a.b": torch.ones(1), "a": {"b": torch.ones(1)}},
        {"a\nb": torch.ones(1)},
        {"a": torch.ones(1, dtype=torch.complex128)},
    ],
    ids=["no tensor", "one name twice", "a name of two lines", "a type that it has not"],
)
def test_what_has_no_place_in_safetensors_is_said_and_nothing_is_written(value: object, tmp_path: Path) -> None:
    log = Log()
    with pytest.raises(UsageError) as refused:
        converted(tmp_path, saved(value), log)
    assert refused.value.code == log[0][2] == "E_CONVERT"
    assert [path.name for path in tmp_path.iterdir()] == ["gpt.pth"]


def wide(rows: int) -> bytes:
    """One row that stands for many."""
    return b"\x80\x02}" + put("wide") + tensor(size=(rows, 2), stride=(0, 1)) + b"s."


@pytest.mark.parametrize("bounds", [Bounds(length=1 << 20), Bounds(memory=1 << 20)], ids=["a long file", "much memory"])
def test_s23_what_becomes_larger_than_it_may_fails_without_harm(bounds: Bounds, tmp_path: Path) -> None:
    """One row that stands for a hundred million: 4 bytes a row in the checkpoint's words, 400 MB in those of safetensors."""
    body = checkpoint(wide(50_000_000))
    log = Log()
    with pytest.raises(HubError) as refused:
        converted(tmp_path, body, log, bounds)
    assert isinstance(refused.value, UsageError | WorkerError)
    assert log[0][2] == refused.value.code
    assert [path.name for path in tmp_path.iterdir()] == ["gpt.pth"]


def test_a_child_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    """Importing torch alone takes more of a processor than this."""
    with pytest.raises(WorkerError) as refused:
        converted(tmp_path, checkpoint(wide(50_000_000)), bounds=Bounds(seconds=1))
    assert refused.value.code in {"E_WORKER_SLOW", "E_WORKER_DIED"}
    assert [path.name for path in tmp_path.iterdir()] == ["gpt.pth"]


SHUT_IN = """
import ctypes, os, socket, subprocess, sys
from pathlib import Path
from synth.engines.confinement import confine
native = ctypes.CDLL(None, use_errno=True)
# Python's own events would end the process when a function is looked up.
tries = {name: getattr(native, name) for name in ("open", "socket", "fork", "execl", "unlink", "kill", "getppid")}
print(*confine(1 << 30, 1 << 20, 60), flush=True)
def by_the_kernel():
    print("read", tries["open"](b"/etc/passwd", 0), flush=True)
    print("write", tries["open"](b"canary", 65, 0o600), flush=True)
    print("socket", tries["socket"](2, 1, 0), flush=True)
    print("fork", tries["fork"](), flush=True)
    print("exec", tries["execl"](b"/bin/true", b"true", None), flush=True)
    print("unlink", tries["unlink"](b"kept"), flush=True)
    print("kill", tries["kill"](1, 0), flush=True)
"""


def shut_in(tmp_path: Path, then: str) -> subprocess.CompletedProcess[str]:
    (tmp_path / "kept").touch()
    return subprocess.run(
        [sys.executable, "-I", "-c", SHUT_IN + then], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )


def test_the_kernel_refuses_native_code_everything_but_reading_and_writing_what_is_open(tmp_path: Path) -> None:
    done = shut_in(tmp_path, "by_the_kernel()")
    walls, *lines = done.stdout.splitlines()
    if "seccomp" not in walls:
        pytest.skip("no seccomp here")
    assert len(lines) == 7, done.stderr
    assert all(line.endswith(" -1") for line in lines), lines
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


@pytest.mark.parametrize(
    "attempt",
    ["open('kept')", "import antigravity", "socket.socket()", "subprocess.run(['true'])", "os.unlink('kept')", "exec('1')"],
)
def test_python_ends_at_the_first_thing_that_is_no_reading(attempt: str, tmp_path: Path) -> None:
    done = shut_in(tmp_path, f"\n{attempt}\nprint('still here')")
    assert done.returncode == 97
    assert "it tried" in done.stderr
    assert "still here" not in done.stdout
    assert (tmp_path / "kept").exists()
