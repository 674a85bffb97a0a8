"""Bringing a version to a mirror, and looking whether mirrors have what they should. `sync` is one line over a version's files:

look what is there → put what is not right → read it back, or have it hashed there → event
"""

import random
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import BinaryIO, Literal

from indextts_hub.catalog import Version
from indextts_hub.catalog.schema import nearest
from indextts_hub.connections import Connections
from indextts_hub.errors import IntegrityError, NotFound, UsageError
from indextts_hub.hub import Hub
from indextts_hub.manifest import FileEntry
from indextts_hub.mirror.comparing import Comparison, Truth, compare, digest_there
from indextts_hub.mirror.destinations import Destination, destination, no_destination
from indextts_hub.sources import EntryOptions, RemoteFile, kind_module
from indextts_hub.sources import hub as hubs

__all__ = ["BY_DIGEST", "Checked", "Synced", "check", "sync"]

BY_DIGEST = "blobs/sha256/{sha256}"
"""Where files are put on a mirror that the catalogue does not name for them: no version overwrites another's there."""


@dataclass(frozen=True, slots=True)
class Synced:
    """A file that is on the mirror, and was read back, or hashed by the hub there.

    Attributes:
        status: `present` if it was right already.
        place: its path on the mirror.
        sent: bytes that had to be moved.
    """

    file: FileEntry
    status: Literal["put", "present"]
    place: str
    sent: int


@dataclass(frozen=True, slots=True)
class Checked:
    """What one mirror has of one file of a version."""

    mirror: str
    version: str
    file: FileEntry
    comparison: Comparison


def sync(hub: Hub, reference: str, name: str, rng: random.Random, *, whole: bool = False) -> Iterator[Synced]:
    """Bring a version that is in the store to a mirror; each file is told when it is there and was read back from it.

    Files lie where the catalogue has this version on that mirror, else by their digests (`BY_DIGEST`). What is there already is
    compared as `compare` does, with `whole` byte by byte.

    Raises:
        NotFound: E_NO_SNAPSHOT.
        UsageError: E_NO_MIRROR, E_KIND, E_NO_FOLDER, E_SECRET.
        IntegrityError: E_DIGEST_MISMATCH, if the mirror gives other bytes than were put there.
        SourceError, StorageError: the mirror would not take it; a second call goes on from there.
    """
    snapshot = hub.snapshot(reference)
    manifest = hub.store.manifests.read(snapshot.digest)
    known = hub.catalog.versions.get(snapshot.version)
    version = known if known is not None and known.manifest.digest == snapshot.digest else None
    sent, targets = 0, dict[str, Destination]()
    with (
        Connections(hub.catalog, [name]) as connections,
        hub.store.claim(snapshot.version, manifest, act="sync"),
        ExitStack() as opened,
    ):
        for file in manifest.files:
            remote, entry = _place(hub, version, file, name)
            source, key = connections.source(entry), entry.model_dump_json()
            if key not in targets:
                targets[key] = destination(name, hub.catalog.mirrors[name], entry, snapshot.version, manifest)
                opened.callback(targets[key].close)
            target = targets[key]
            with hub.store.blobs.open(file.sha256) as blob:
                if compare(source, remote, Truth(blob, None), rng, whole=whole).state == "right":
                    yield Synced(file, "present", entry.locate(remote), 0)
                    continue
                blob.seek(0)
                moved = target.put(remote, blob)
            if not target.verifies and (actual := digest_there(source, remote)) != file.sha256:
                raise IntegrityError(
                    f"{name} gives other bytes of {file.path} than were put there: expected {file.sha256}, got {actual}",
                    remedy="look after that mirror's disk, then run it again",
                    code="E_DIGEST_MISMATCH",
                )
            sent += moved
            yield Synced(file, "put", entry.locate(remote), moved)
        for target in targets.values():
            target.finish(snapshot.version, manifest)
    hub.books.log("mirrors sync", f"{snapshot.version}@sha256:{snapshot.digest}", details={"to": name, "bytes_sent": sent})


def check(hub: Hub, names: Sequence[str], rng: random.Random, *, whole: bool = False) -> Iterator[Checked]:
    """Compare what mirrors have with the catalogue's manifests; without names, all mirrors that the catalogue names.

    Raises:
        UsageError: E_NO_MIRROR.
    """
    catalog = hub.catalog
    for name in names:
        if name not in catalog.mirrors:
            raise UsageError(
                f"the catalogue has no mirror {name[:80]!a}", remedy=nearest(name, sorted(catalog.mirrors)), code="E_NO_MIRROR"
            )
    for name in names or catalog.mirrors:
        with Connections(catalog, [name]) as connections:
            for version in catalog.versions.values():
                for file in version.manifest.files:
                    for remote, entry in version.places(file):
                        if entry.mirror == name:
                            with ExitStack() as opened:
                                truth = _truth(hub, version, file, entry, opened)
                                found = compare(connections.source(entry), remote, truth, rng, whole=whole)
                            yield Checked(name, version.name, file, found)


def _place(hub: Hub, version: Version | None, file: FileEntry, name: str) -> tuple[RemoteFile, EntryOptions]:
    for remote, entry in version.places(file) if version is not None else ():
        if entry.mirror == name:
            return remote, entry
    mirror = hub.catalog.mirrors[name]
    remote = RemoteFile(file.path, file.size, file.sha256)
    if isinstance(mirror, hubs.Mirror):
        return remote, hubs.Entry(mirror=name)
    made = kind_module(mirror.kind).Entry
    if made.model_fields.keys() - {"mirror", "path", "prefix"}:
        # Of such a mirror more must be said than a path; nothing could be put there anyway.
        raise no_destination(name, mirror)
    return remote, made.model_validate({"mirror": name, "path": BY_DIGEST})


def _truth(hub: Hub, version: Version, file: FileEntry, entry: EntryOptions, opened: ExitStack) -> Truth:
    """What is known here of a file and of what stood in its place."""
    store = hub.store
    older: list[BinaryIO] = []
    if "{sha256}" not in entry.path:
        for name, digest in store.snapshots.list():
            other = store.manifests.read(digest).file(file.path) if name == version.name else None
            if other is not None and other.sha256 != file.sha256 and store.blobs.has(other.sha256, other.size):
                older.append(opened.enter_context(store.blobs.open(other.sha256)))
    try:
        blob = opened.enter_context(store.blobs.open(file.sha256))
    except NotFound:
        blob = None
    return Truth(blob, file.chunks, older)
