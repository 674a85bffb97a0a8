"""The store held against the log, both ways: nothing is here that no event let in, and nothing is gone without one."""

from collections.abc import Iterator
from dataclasses import dataclass

from indextts_hub.audit.log import AuditLog
from indextts_hub.errors import HubError
from indextts_hub.manifest import Digest
from indextts_hub.store import Store, check_version

__all__ = ["Contradiction", "contradictions"]

_LET_IN = frozenset({"adopt", "import", "pull", "receive"})


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Something in which store and log differ.

    Attributes:
        subject: a version as `NAME@sha256:HEX`, or with the path of a file behind it.
    """

    subject: str
    problem: str


def contradictions(log: AuditLog, store: Store, *, blobs: bool) -> Iterator[Contradiction]:
    """What is in the store without an event, or gone without one; what is removed counts from its last event on.

    Args:
        blobs: also hash every file of every version: another valid file in the place of one has another digest.

    Raises:
        IntegrityError, StorageError: as `AuditLog.events`.
    """
    let_in, perhaps = _let_in(log)
    here = {f"{name}@sha256:{digest}": (name, digest) for name, digest in store.snapshots.list()}
    for version in sorted(here.keys() - let_in - perhaps):
        yield Contradiction(version, "is here, and no event let it in")
    for version in sorted(let_in - here.keys()):
        yield Contradiction(version, "was let in, and is gone without an event")
    for name, digest in here.values():
        yield from _wrong(store, name, digest, blobs=blobs)


def _let_in(log: AuditLog) -> tuple[set[str], set[str]]:
    """The versions that must be here, and those that may be."""
    there: set[str] = set()
    perhaps: set[str] = set()
    for event in log.events():
        if event.outcome != "done":
            continue
        if event.act == "adopt" and event.details.get("files") == 0:
            # Nothing was taken over: because the folder had nothing, or because all of it was here.
            perhaps.add(event.subject)
        elif event.act in _LET_IN:
            there.add(event.subject)
        elif event.act == "remove":
            there.discard(event.subject)
        elif event.act == "gc":
            gone = event.details.get("versions")
            there.difference_update(map(str, gone) if isinstance(gone, list) else ())
    return there, perhaps


def _wrong(store: Store, name: str, digest: Digest, *, blobs: bool) -> Iterator[Contradiction]:
    version = f"{name}@sha256:{digest}"
    try:
        store.manifests.read(digest)
        found = check_version(store, name, digest).files if blobs else ()
    except HubError as error:
        yield Contradiction(version, error.message)
        return
    for file in found:
        if not file.ok:
            yield Contradiction(f"{version} {file.path}", "has other bytes than its version says")
