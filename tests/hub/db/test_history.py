"""What was pulled from where is known afterwards, and who accepted what."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from indextts_hub.db import (
    AcceptedLicense,
    Database,
    FileTransfer,
    PullRecord,
    accept_license,
    accepted_licenses,
    pulls_of,
    record_pull,
    transfers_of_blob,
)
from indextts_hub.manifest import Digest

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
V23, BLOB = Digest("a" * 64), Digest("b" * 64)
FROM_TWO = (
    FileTransfer("bpe.model", BLOB, "modelscope", 5 * 2**30, 640, ("503, asked again",)),
    FileTransfer("bpe.model", BLOB, "hf-mirror", 0, 0, ("an HTML page, not weights",)),
)
PULL = PullRecord(NOON, "me@here", "v23", V23, "done", 61.5, 5 * 2**30, 5 * 2**30, 12, FROM_TWO)


def test_a_pull_is_read_back_with_what_each_mirror_gave(database: Database) -> None:
    later = replace(PULL, at=NOON + timedelta(hours=1), outcome="E_SOURCE", transfers=())
    record_pull(database, PULL)
    record_pull(database, later)
    assert pulls_of(database, V23) == [later, PULL]
    assert pulls_of(database, BLOB) == []
    assert transfers_of_blob(database, BLOB) == list(reversed(FROM_TWO))


def test_an_accepted_licence_is_remembered_for_that_version(database: Database) -> None:
    accepted = AcceptedLicense(NOON, "me@here", "v23", V23, "bilibili", "https://example.com/license")
    accept_license(database, accepted)
    assert accepted_licenses(database, V23) == [accepted]
    assert accepted_licenses(database, BLOB) == []
