"""What is known to be bad stays out, whatever it is called and packed in, and nothing of it is done."""

import io
from pathlib import Path

import pytest

from indextts_hub.gate import TORCH, Form, check, check_checkpoint
from tests.hub.gate.corpus import samples

NAMES = sorted(samples(Path("canary")))


def test_the_corpus_is_whole() -> None:
    """P01: 97 samples of picklescan's and more."""
    assert len(NAMES) >= 98


@pytest.mark.parametrize("name", NAMES)
def test_a_known_bad_sample_is_refused_under_every_name(name: str, tmp_path: Path) -> None:
    """P01."""
    body = samples(tmp_path / "canary")[name]
    # It breaks off before it calls anything: only who unpickles it would even import something.
    others = () if name == "broken_model.pkl" else ("model.bin", "README.md", "weights")
    for called in (name, "gpt.pth", *others):
        findings = check(io.BytesIO(body), called)
        assert not findings.ok, called
        assert findings.problem is not None
        assert findings.problem.code in {"E_PICKLE", "E_ARCHIVE"}
    assert not check_checkpoint(io.BytesIO(body), name).ok
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_known_bad_sample_whose_tail_is_broken_is_refused(name: str, tmp_path: Path) -> None:
    """P01: an unpickler does what stands before the break."""
    body = samples(tmp_path / "canary")[name]
    for tail in (body[:-1], body + b"\x00", body[:-1] + b"\xff\xff"):
        assert not check(io.BytesIO(tail), "gpt.pth").ok
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", [name for name in NAMES if name.endswith(".pkl")])
def test_a_known_bad_sample_says_what_it_imports(name: str, tmp_path: Path) -> None:
    findings = check(io.BytesIO(samples(tmp_path / "canary")[name]), name)
    assert findings.form is Form.PICKLE
    assert set(findings.imports[:-1]) <= TORCH.names


@pytest.mark.parametrize("body", [b"\x89PNG\r\n\x1a\n", b"cmod\n\xf8\n", b"", b"weights"])
def test_what_is_no_checkpoint_is_none_by_its_name(body: bytes) -> None:
    """`bad_pytorch.pt` and `not_a_pickle.bin` of the corpus."""
    assert not check(io.BytesIO(body), "model.pt").ok
    assert check(io.BytesIO(body), "model.bin").ok
