"""A version is named by name, by name and digest, or by alias."""

import pytest

from indextts_hub.errors import UsageError
from indextts_hub.reference import VersionRef


@pytest.mark.parametrize("text", ["lite", "v23", "indextts-2.5", "v23@sha256:01234567", "v23@sha256:" + "a" * 64])
def test_a_reference_reads_back(text: str) -> None:
    assert str(VersionRef.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    ["", "V23", "-x", "x-", "a/b", "../x", "a..b", "v23@", "v23@sha256:0123456", "v23@md5:01234567",
     "v23@sha256:ABCDEF01", "a" * 65,
     "v23@sha256:" + "a" * 65, "v23\n", "版本"],
)  # fmt: skip
def test_anything_else_is_wrong_usage(text: str) -> None:
    with pytest.raises(UsageError):
        VersionRef.parse(text)
