"""A Metalink carries a version's digests and pieces to other clients: aria2 pulls from the same mirrors, and mends by them."""

import hashlib
import random
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest

from indextts_hub import Hub
from indextts_hub.bundles import metalink_of
from indextts_hub.errors import NotFound
from tests.origins.origin import Origin

CHUNK = 1 << 20  # aria2 takes no smaller pieces
BODY = random.Random(11).randbytes(3 * CHUNK + 77)
TAG = "{urn:ietf:params:xml:ns:metalink}"


def catalogue(place: Path, mirrors: dict[str, str], *, chunked: bool = True) -> Path:
    digests = ", ".join(hashlib.sha256(BODY[at : at + CHUNK]).hexdigest() for at in range(0, len(BODY), CHUNK))
    chunks = f", chunks: {{size: {CHUNK}, sha256: [{digests}]}}" if chunked else ""
    lines = "".join(f"  {name}: {options}\n" for name, options in mirrors.items())
    sources = ", ".join(f"{{mirror: {name}}}" for name in mirrors)
    place.write_text(
        f"schema: 1\nmirrors:\n{lines}versions:\n  v1:\n    title: t\n    engine: fastspeech2\n    license: {{name: MIT}}\n"
        f"    sources: [{sources}]\n    files:\n"
        f"      - {{path: sub/a b.bin, size: {len(BODY)}, sha256: {hashlib.sha256(BODY).hexdigest()}{chunks}}}\n"
    )
    return place


def test_it_names_path_size_digests_and_the_addresses_that_need_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY", "planted-secret")
    place = catalogue(
        tmp_path / "mirrors.yaml",
        {
            "open": '{kind: http, base: "https://cdn.example.com/tts"}',
            "guarded": '{kind: http, base: "https://guarded.example.com", token_env: KEY}',
            "usb": "{kind: file, base: /media/usb}",
        },
    )
    document = metalink_of(Hub(tmp_path / "cache", place), "v1")
    (file,) = ElementTree.fromstring(document).findall(f"{TAG}file")
    assert file.get("name") == "sub/a b.bin"
    assert file.findtext(f"{TAG}size") == str(len(BODY))
    assert file.findtext(f"{TAG}hash") == hashlib.sha256(BODY).hexdigest()
    assert [url.text for url in file.findall(f"{TAG}url")] == ["https://cdn.example.com/tts/sub/a%20b.bin"]
    pieces = file.find(f"{TAG}pieces")
    assert pieces is not None
    assert (pieces.get("length"), len(pieces)) == (str(CHUNK), 4)
    assert b"planted" not in document


def test_a_file_that_only_guarded_mirrors_have_is_said_to_have_no_address(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"a b\.bin"):
        metalink_of(Hub(tmp_path / "cache", catalogue(tmp_path / "m.yaml", {"usb": "{kind: file, base: /media/usb}"})), "v1")


@pytest.mark.slow
def test_aria2_pulls_by_it_and_mends_only_the_piece_that_went_bad(tmp_path: Path) -> None:
    with Origin({"sub/a b.bin": BODY}) as origin:
        place = catalogue(tmp_path / "m.yaml", {"cdn": f'{{kind: http, base: "{origin.url}"}}'})
        (tmp_path / "v1.meta4").write_bytes(metalink_of(Hub(tmp_path / "cache", place), "v1"))
        aria2(tmp_path)
        fetched = tmp_path / "out" / "sub" / "a b.bin"
        assert fetched.read_bytes() == BODY
        fetched.write_bytes(BODY[: CHUNK + 5] + b"!" + BODY[CHUNK + 6 :])
        origin.requests.clear()
        aria2(tmp_path)
        assert fetched.read_bytes() == BODY
        assert [asked.range for asked in origin.requests] == [(CHUNK, 2 * CHUNK)]


def aria2(folder: Path) -> None:
    command = ["aria2c", "-q", "--no-conf", "-V", "-d", str(folder / "out"), "-M", str(folder / "v1.meta4")]
    subprocess.run(command, check=True, timeout=60)
