"""A catalogue is read whole, or refused with file, line, column and what was probably meant."""

from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indextts_hub.catalog import Catalog, find_catalog, load_catalog
from indextts_hub.catalog.tree import read_tree
from indextts_hub.errors import HubError, NotFound, UsageError
from indextts_hub.shipped import shipped

A, B = "a" * 64, "b" * 64

GOOD = f"""\
schema: 1
mirrors:
  cdn: {{kind: http, base: "https://cdn.example.com/tts", limit_rate: 20M}}
  usb: {{kind: file, base: /media/usb}}
versions:
  one:
    title: One
    engine: fastspeech2
    aliases: [first]
    license: {{name: MIT, commercial: true}}
    sources:
      - {{mirror: cdn, path: "one/{{path}}"}}
      - {{mirror: usb}}
    files:
      - {{path: model.bin, size: 10, sha256: {A}, chunks: {{size: 8, sha256: [{A}, {B}]}}}}
      - {{path: sub/config.yaml, size: 5, sha256: {B}, sources: [{{mirror: usb, path: "{{name}}"}}]}}
"""


def read(tmp_path: Path, text: str) -> Catalog:
    (tmp_path / "mirrors.yaml").write_text(dedent(text))
    return load_catalog(tmp_path / "mirrors.yaml")


def refused(tmp_path: Path, text: str) -> UsageError:
    with pytest.raises(UsageError) as error:
        read(tmp_path, text)
    assert error.value.code == "E_CATALOG"
    return error.value


def test_a_version_knows_its_files_and_where_each_may_be_got(tmp_path: Path) -> None:
    catalog = read(tmp_path, GOOD)
    version = catalog.version("first")
    assert (version.name, version.manifest.size, version.accept) == ("one", 15, False)
    model, config = version.manifest.files
    assert model.chunks is not None
    assert [(remote.path, source.mirror, source.locate(remote)) for remote, source in version.places(model)] == [
        ("model.bin", "cdn", "one/model.bin"),
        ("model.bin", "usb", "model.bin"),
    ]
    assert [(source.mirror, source.locate(remote)) for remote, source in version.places(config)] == [("usb", "config.yaml")]
    assert catalog.mirrors["cdn"].limit_rate == 20 << 20


def test_sources_and_chunks_are_no_part_of_the_digest(tmp_path: Path) -> None:
    first = read(tmp_path, GOOD).version("one").manifest.digest
    changed = GOOD.replace("https://cdn.example.com", "https://else.example.com").replace(
        f", chunks: {{size: 8, sha256: [{A}, {B}]}}", ""
    )
    assert read(tmp_path, changed).version("one").manifest.digest == first


def test_parts_are_laid_out_below_their_folders_with_their_own_licences(tmp_path: Path) -> None:
    catalog = read(
        tmp_path,
        f"""\
        schema: 1
        mirrors: {{usb: {{kind: file, base: /media}}}}
        versions:
          two:
            title: Two
            engine: indextts2
            license: {{name: bilibili}}
            parts:
              - {{at: "", sources: [{{mirror: usb}}], files: [{{path: gpt.pth, size: 1, sha256: {A}}}]}}
              - at: hf_cache/w2v
                license: {{name: MIT}}
                sources: [{{mirror: usb, path: "w2v/{{path}}"}}]
                files: [{{path: model.bin, size: 2, sha256: {B}}}]
              - at: hf_cache
                license: {{name: CC-BY-NC-4.0, commercial: false, accept: true}}
                sources: [{{mirror: usb, path: semantic_codec/model.bin}}]
                files: [{{path: codec.bin, size: 3, sha256: {B}}}]
              - at: hf_cache
                license: {{name: Apache-2.0}}
                sources: [{{mirror: usb}}]
                files: [{{path: camp.bin, size: 3, sha256: {B}}}]
        """,
    )
    version = catalog.version("two")
    assert version.accept
    assert [(part.at, part.license.name) for part in version.manifest.parts] == [
        ("hf_cache/camp.bin", "Apache-2.0"),
        ("hf_cache/codec.bin", "CC-BY-NC-4.0"),
        ("hf_cache/w2v", "MIT"),
    ]
    codec, model = version.manifest.file("hf_cache/codec.bin"), version.manifest.file("hf_cache/w2v/model.bin")
    assert codec is not None
    assert model is not None
    assert [source.locate(remote) for remote, source in version.places(codec)] == ["semantic_codec/model.bin"]
    assert [source.locate(remote) for remote, source in version.places(model)] == ["w2v/model.bin"]


@pytest.mark.parametrize(
    ("old", "new", "place", "message", "remedy"),
    [
        ("sources:", "source:", "11:5", "no key 'source'", "did you mean sources?"),
        ("  cdn: {kind: http, base", "  cdn: {kind: http, bsae", "3:21", "no key 'bsae'", "did you mean base?"),
        ("commercial: true", "comercial: true", "10:26", "no key 'comercial'", "did you mean commercial?"),
        ("kind: file", "kind: flie", "4:15", "flie", "file"),
        ("mirror: cdn", "mirror: cnd", "12:18", "no mirror 'cnd'", "did you mean cdn?"),
        (f"size: 5, sha256: {B}", f"size: 5, sha256: {B[:-1]}", "16:50", "is not a SHA-256", ""),
        ("size: 10", "size: ten", "15:33", "valid integer", ""),
        ("size: 10", "size: -1", "15:119", "chunk", ""),
        ("size: 5", "size: 0", "16:39", "size", ""),
        ("model.bin", "../model.bin", "15:16", "'..' part", "rename"),
        ("sub/config.yaml", "MODEL.bin", "7:5", "same file", ""),
        ("engine: fastspeech2\n", "engine: fastspeech2\n    engine: x\n", "9:5", "stands twice", "keep one"),
        ("title: One", "title: 1", "7:12", "valid string", "in quotes"),
        ("    title: One\n", "", "7:5", "'title' is missing", "add it"),
        ("schema: 1", "schema: 2", "1:9", "schema", ""),
        ("aliases: [first]", "aliases: [one]", "9:15", "taken by one", ""),
        ("  one:\n", "  One:\n", "6:3", "not a name", ""),
        ("schema: 1", "schema: [1", "2:8", "no YAML", ""),
        ("schema: 1", "? [a]\n: 1", "1:3", "a key that is no text", ""),
    ],
)  # fmt: skip
def test_what_is_wrong_is_pointed_at(tmp_path: Path, old: str, new: str, place: str, message: str, remedy: str) -> None:
    """K05, K06, K09, and a wrong key, type or reference."""
    assert old in GOOD
    error = refused(tmp_path, GOOD.replace(old, new, 1))
    assert f"mirrors.yaml:{place}: " in error.message, error.message
    assert message in error.message
    assert remedy in error.remedy


# Each line refers to the one before it forty times: a hundred million values in 600 bytes.
BOMB = b"a: &x0 [1]\n" + b"".join(b"a%d: &x%d [%s]\n" % (n, n, b",".join([b"*x%d" % (n - 1)] * 40)) for n in range(1, 6))


@pytest.mark.parametrize(
    "body",
    [
        b"\xff\xfe", b"[" * 5000, b"a: " * 3000, b"\0", b"--- 1\n--- 2", b"&a [*a]", b"x: !!python/object:os.system y", b"- 1",
        b"7", BOMB, b" " * (17 << 20),
    ],
    ids=["not UTF-8", "deep", "nested maps", "NUL", "two documents", "itself", "a tag", "a list", "a number", "bomb", "large"],
)  # fmt: skip
def test_hostile_yaml_is_refused_in_bounded_time(tmp_path: Path, body: bytes) -> None:
    """K04."""
    (tmp_path / "mirrors.yaml").write_bytes(body)
    with pytest.raises(UsageError):
        load_catalog(tmp_path / "mirrors.yaml")


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda body: body.decode("latin-1")))
def test_no_text_makes_it_fail_in_another_way(text: str) -> None:
    try:
        read_tree(text.encode("utf-8", "replace"), "drawn.yaml")
    except HubError as error:
        message = error.message
    else:
        message = "drawn.yaml:"
    assert message.startswith("drawn.yaml:")


def test_text_that_yaml_reads_otherwise_stays_text() -> None:
    tree = read_tree(b"{a: 1.0, b: yes, c: 2026-11-23, d: 0x10, e: 1_000, f: 'true', g: true, h: ~, i: 10, j: '10', k: 0.0.1}", "x")
    assert tree.value == {
        "a": "1.0", "b": "yes", "c": "2026-11-23", "d": "0x10", "e": "1_000", "f": "true", "g": True, "h": None, "i": 10, "j": "10",
        "k": "0.0.1",
    }  # fmt: skip


def test_a_file_extends_what_it_includes_and_stands_before_it(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(GOOD)
    catalog = read(tmp_path, "schema: 1\ninclude: [base.yaml]\nmirrors: {cdn: {kind: http, base: 'https://own.example.com'}}\n")
    assert catalog.mirrors["cdn"].base == "https://own.example.com"  # type: ignore[attr-defined]
    assert "usb" in catalog.mirrors
    assert catalog.version("one").name == "one"
    assert "lite" in read(tmp_path, "schema: 1\ninclude: [packaged]\n").versions


def test_a_file_that_includes_itself_is_refused(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("schema: 1\ninclude: [mirrors.yaml]\n")
    assert "includes itself" in refused(tmp_path, "schema: 1\ninclude: [base.yaml]\n").message


def test_an_unknown_version_is_not_found_and_the_nearest_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound) as unknown:
        read(tmp_path, GOOD).version("frist")
    assert unknown.value.remedy == "did you mean first?"


def test_the_catalogue_is_looked_for_where_one_expects_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    assert find_catalog(None, {}, tmp_path) == "packaged"
    (tmp_path / "mirrors.yaml").write_text(GOOD)
    assert find_catalog(None, {}, tmp_path) == "mirrors.yaml"
    (tmp_path / "catalogue.json").write_text("{}")
    assert find_catalog(None, {}, tmp_path) == "signed"
    assert find_catalog(None, {"INDEXTTS_HUB_CATALOG": "a.yaml"}, tmp_path) == "a.yaml"
    assert find_catalog("b.yaml", {"INDEXTTS_HUB_CATALOG": "a.yaml"}, tmp_path) == "b.yaml"
    with pytest.raises(UsageError, match=r"c\.yaml can't be read"):
        load_catalog("c.yaml")


@pytest.mark.parametrize(
    ("name", "size", "files", "engine"),
    [
        ("lite", 16_052_448 + 7_528_584 + 14_252, 3, "fastspeech2"),
        ("v15", 1_707_884_463, 4, "indextts15"),
        # The repository's own files, the licence that must go with them, and what the engine reads besides.
        ("v23", 5_895_796_506 + 10_553 + 2_322_065_885 + 177_183_712 + 28_036_335 + 449_229_576, 26, "indextts2"),
        ("v25", 5_491_165_949 + 10_553 + 2_322_065_885 + 28_036_335 + 449_229_576, 26, "indextts25"),
    ],
)
def test_the_catalogue_that_comes_with_the_program_is_whole(name: str, size: int, files: int, engine: str) -> None:
    version = load_catalog(shipped("mirrors.yaml")).version(name)
    assert (version.manifest.size, len(version.manifest.files), version.manifest.engine) == (size, files, engine)
    assert all(version.places(file) for file in version.manifest.files)
    assert version.accept == (name in {"v23", "v25"})


def test_two_releases_of_a_model_share_what_they_have_in_common() -> None:
    catalog = load_catalog("packaged")
    v23, v25 = (dict(catalog.version(name).manifest.blobs()) for name in ("v23", "v25"))
    assert sum(size for digest, size in v23.items() if digest in v25) > 4_000_000_000
