"""Hashing the whole store again over time: a little on each run, always what was longest not looked at.

What was found good, and when, stands in `scrub.json`; losing it loses nothing but that order.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime

from indextts_hub.errors import HubError
from indextts_hub.manifest import ByteCount, Digest, Json, canonical_json, check_digest, load_strict_json
from indextts_hub.store.blobs import BlobFinding, open_regular
from indextts_hub.store.check import check_blobs, put_aside_bad
from indextts_hub.store.durable import write_durably
from indextts_hub.store.opening import SCRUB, Store
from indextts_hub.store.trouble import storage_errors

__all__ = ["ScrubReport", "scrub"]

# 200,000 blobs; the file is read and written once a run.
LARGEST_STATE = 32 * 2**20


@dataclass(frozen=True, slots=True)
class ScrubReport:
    """What a run of `scrub` did.

    Attributes:
        checked: blobs hashed, and their bytes.
        checked_bytes: their sizes together.
        left: blobs that the budget did not reach this time.
        bad: those that are not what they should be; they are in the quarantine now.
        oldest: when the blob that was longest not looked at was last found good, UTC; None if one never was.
    """

    checked: int
    checked_bytes: ByteCount
    left: int
    bad: tuple[BlobFinding, ...]
    oldest: str | None


def scrub(store: Store, *, budget: float, clock: Callable[[], float] = time.monotonic) -> ScrubReport:
    """Hash blobs again, those longest not looked at first, until `budget` seconds are over; put bad ones aside.

    At least one blob is hashed, so that repeated runs always get round.

    Raises:
        Busy, StorageError: a bad blob could not be put aside, or the disk failed.
    """
    deadline = clock() + budget
    seen = _read_state(store)
    blobs = sorted(store.blobs, key=lambda blob: (seen.get(blob[0], ""), blob[0]))
    checked, checked_bytes, bad = 0, 0, []
    good = {digest: seen[digest] for digest, _ in blobs if digest in seen}
    with closing(check_blobs(store, blobs)) as findings:
        for (digest, size), finding in zip(blobs, findings, strict=False):
            checked, checked_bytes = checked + 1, checked_bytes + size
            if finding.ok:
                good[digest] = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
            else:
                bad.append(finding)
                good.pop(digest, None)
            if clock() >= deadline:
                break
    put_aside_bad(store, bad)
    _write_state(store, good)
    oldest = min((good.get(digest, "") for digest, _ in blobs), default="")
    return ScrubReport(checked, ByteCount(checked_bytes), len(blobs) - checked, tuple(bad), oldest or None)


def _read_state(store: Store) -> dict[Digest, str]:
    try:
        with open_regular(store.root / SCRUB) as file, storage_errors(store.root):
            document = load_strict_json(file.read(LARGEST_STATE + 1), largest=LARGEST_STATE)
        return dict(_good(document))
    except HubError:
        # Lost or damaged: everything is looked at anew.
        return {}


def _write_state(store: Store, good: dict[Digest, str]) -> None:
    moments: dict[str, Json] = {digest: at for digest, at in good.items()}  # noqa: C416 - a dict of other types to mypy
    write_durably(store.root / SCRUB, canonical_json({"schema": 1, "good": moments}) + b"\n")


def _good(document: Json) -> Iterator[tuple[Digest, str]]:
    match document:
        case {"schema": 1, "good": {**good}}:
            for digest, at in good.items():
                if isinstance(digest, str) and isinstance(at, str):
                    yield check_digest(digest), at
