"""A path from outside is portable, or refused before anything is written."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indextts_hub.errors import UsageError
from indextts_hub.paths import portable_path


@pytest.mark.parametrize(
    "path", ["model.bin", "hf_cache/w2v-bert-2.0/config.json", "声音/你好.wav", "a b/c#d%e", "😀.bin", "x" * 255]
)
def test_ordinary_paths_are_taken_as_they_are(path: str) -> None:
    assert portable_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        "", "/etc/passwd", "../x", "a/../b", "a/./b", "a//b", "a/", ".", "..", "a\\b", "c:x", "a\0b", "a\nb", "a\tb",
        "CON", "nul.txt", "com1", "lpt9.bin", "COM¹", "a.", "a ", "a/b ./c", "．．/x", "a／b", "‥/x", "\u202eexe.bin", "\ud800",
        unicodedata.normalize("NFD", "é"), "x" * 256, "é" * 128, "/".join(["d" * 200] * 6), 'a"b', "a*b", "a?b", "a|b", "a<b",
    ],
)  # fmt: skip
def test_what_some_system_reads_otherwise_is_refused(path: str) -> None:
    with pytest.raises(UsageError, match="refused"):
        portable_path(path)


@given(st.text(max_size=40))
def test_an_accepted_path_stays_below_its_folder_on_any_system(text: str) -> None:
    try:
        path = portable_path(text)
    except UsageError:
        return
    for form in ("NFC", "NFKC"):
        parts = unicodedata.normalize(form, path).replace("\\", "/").split("/")
        assert all(part not in {"", ".", ".."} for part in parts)
        assert ":" not in path
