"""What docs/sources.md teaches works: a kind of one module and one line takes part in a pull."""

import hashlib
import re
import sys
from pathlib import Path
from types import MappingProxyType, ModuleType

import pytest

from indextts_hub import Hub, sources

PAGE = Path(__file__).parents[3] / "docs" / "sources.md"


def test_the_example_of_a_new_kind_pulls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    module = ModuleType("shelf_of_the_docs")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(code, str(PAGE), "exec"), module.__dict__)
    monkeypatch.setattr(sources, "KINDS", MappingProxyType({**sources.KINDS, "shelf": module.__name__}))
    body = b"weights" * 1000
    digest = hashlib.sha256(body).hexdigest()
    (tmp_path / "shelf").mkdir()
    (tmp_path / "shelf" / digest).write_bytes(body)
    (tmp_path / "mirrors.yaml").write_text(
        f"schema: 1\nmirrors:\n  shelf: {{kind: shelf, folder: {tmp_path / 'shelf'}}}\nversions:\n  v1:\n    title: t\n"
        f"    engine: fastspeech2\n    license: {{name: MIT}}\n    sources: [{{mirror: shelf}}]\n"
        f"    files: [{{path: model.bin, size: {len(body)}, sha256: {digest}}}]\n"
    )
    snapshot = Hub(tmp_path / "cache", tmp_path / "mirrors.yaml").pull("v1")
    assert (snapshot.path / "model.bin").read_bytes() == body


def test_the_page_lists_every_kind_and_every_scheme() -> None:
    text = PAGE.read_text("utf-8")
    from indextts_hub.sources.signing import SCHEMES

    for name in (*sources.KINDS, *SCHEMES):
        assert f"`{name}`" in text, name
