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
from indextts_hub.db.history import mirror_uses
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


def test_the_last_pulls_of_each_mirror_are_told_with_all_they_gave(database: Database) -> None:
    for number in range(5):
        transfers = (
            FileTransfer("a", Digest("a" * 64), "cdn", number, 1),
            FileTransfer("b", Digest("b" * 64), "cdn", 100, 1, ("E_LIED", "E_LIED")),
            *([FileTransfer("b", Digest("b" * 64), "slow", 7, 1)] if number == 0 else []),
        )
        at = datetime(2026, 5, 1 + number, tzinfo=UTC)
        record_pull(database, PullRecord(at, "me", "v23", Digest("c" * 64), "done", 2.0, 1, 1, 0, transfers))
    found = mirror_uses(database, 3)
    assert [(use.at.day, use.bytes, use.errors) for use in found["cdn"]] == [
        (3, 102, ("E_LIED",)),
        (4, 103, ("E_LIED",)),
        (5, 104, ("E_LIED",)),
    ]
    assert [(use.at.day, use.bytes, use.errors) for use in found["slow"]] == [(1, 7, ())]
