"""Writing versions into a bundle: the same versions give the same bytes, whoever writes them, whenever."""

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from indextts_hub.bundle.contents import INDEX_TYPE, BundledVersion, Contents, Document, LogState, Member, Package, members
from indextts_hub.bundle.tar import BLOCK, END, header, padding
from indextts_hub.bundle.volumes import LIST_TYPE, VolumeWriter, volume_list, write_list
from indextts_hub.errors import IntegrityError, NotFound
from indextts_hub.manifest import Digest
from indextts_hub.paths import PortablePath, portable_path
from indextts_hub.store import Store
from indextts_hub.store.blobs import open_regular
from indextts_hub.store.opening import SIGNED_CATALOG
from indextts_hub.store.trouble import storage_errors
from indextts_hub.transfer import FileDone, FileStarted, Moved, Progress
from indextts_hub.trust import sign

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

__all__ = ["ExportOptions", "ExportReport", "Wheels", "bundle_size", "export_bundle", "whole"]

BUFFER = 1 << 20


@dataclass(frozen=True, slots=True)
class Wheels:
    """Packages to put in: the folder they lie in, what they are, and the script that installs them."""

    folder: Path
    packages: tuple[Package, ...]
    script: bytes


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """How to write a bundle.

    Attributes:
        limit: bytes of a volume, or None for one file.
        keys: who signs it.
        created, expires: in seconds since 1970, or None; a bundle that is to be the same each time has none.
        wheels: the packages to put in, or None.
        documents: of the store's signed catalogue, to put in.
        log: what the audit log is now, or None.
    """

    limit: int | None = None
    keys: tuple["Ed25519PrivateKey", ...] = field(default=(), repr=False)
    created: int | None = None
    expires: int | None = None
    wheels: Wheels | None = None
    documents: tuple[Document, ...] = ()
    log: LogState | None = None


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What was written.

    Attributes:
        files: the bundle's, in order; the list of volumes last.
        digest: of its index, which names everything in it.
        size: bytes of all volumes.
    """

    files: tuple[Path, ...]
    digest: Digest
    size: int


def export_bundle(
    store: Store,
    versions: Sequence[BundledVersion],
    bases: Sequence[BundledVersion],
    output: Path,
    options: ExportOptions,
    progress: Progress,
) -> ExportReport:
    """Write versions that are whole in the store, but for what `bases` have too; every byte is checked as it is read.

    Raises:
        NotFound: E_NO_BLOB, if a version is not whole.
        IntegrityError: E_INTEGRITY, if a blob's bytes have changed. Nothing is written then.
        StorageError: the disk would not take it. Nothing is written then.
    """
    contents = _contents(versions, bases, options)
    index = contents.index()
    shown = {file.sha256: file.path for version in versions for file in version.manifest.files}
    envelope = sign(index, INDEX_TYPE, options.keys) if options.keys else None
    writer = VolumeWriter(output, options.limit)
    with ExitStack() as held:
        for version in versions:
            held.enter_context(store.claim(version.name, version.manifest, act="export"))
        try:
            for member in members(contents, envelope):
                _write(writer, store, member, options, shown, progress)
            writer.write(END)
            volumes = writer.finish()
        except BaseException:
            writer.discard()
            raise
    files = [volume.path for volume in volumes]
    if options.limit is not None:
        listed = volume_list(volumes)
        files.append(write_list(output, sign(listed, LIST_TYPE, options.keys) if options.keys else listed))
    return ExportReport(tuple(files), Digest(hashlib.sha256(index).hexdigest()), sum(volume.size for volume in volumes))


def bundle_size(versions: Sequence[BundledVersion], bases: Sequence[BundledVersion], options: ExportOptions) -> int:
    """How many bytes a bundle will have; what signatures take is not counted."""
    return len(END) + sum(
        BLOCK + member.size + padding(member.size) for member in members(_contents(versions, bases, options), None)
    )


def _contents(versions: Sequence[BundledVersion], bases: Sequence[BundledVersion], options: ExportOptions) -> Contents:
    unique = {(each.name, each.manifest.digest): each for each in versions}
    wheels = options.wheels
    return Contents(
        tuple(unique[key] for key in sorted(unique)),
        tuple(sorted(bases, key=lambda base: (base.name, base.manifest.digest))),
        tuple(sorted(wheels.packages, key=lambda package: package.name)) if wheels else (),
        wheels.script if wheels else None,
        options.created,
        options.expires,
        options.log,
        options.documents,
    )


def _write(
    writer: VolumeWriter,
    store: Store,
    member: Member,
    options: ExportOptions,
    shown: Mapping[Digest, PortablePath],
    progress: Progress,
) -> None:
    writer.write(header(member.name, member.size))
    if isinstance(member.holds, bytes):
        writer.write(member.holds)
    else:
        place = _place(store, member.holds, options)
        path = shown.get(member.holds) or portable_path(place.name)
        progress(FileStarted(path, member.size, 0))
        for count in _copied(writer, place, member.holds, member.size):
            progress(Moved(path, "export", count))
        progress(FileDone(path))
    writer.write(bytes(padding(member.size)))


def _place(store: Store, digest: Digest, options: ExportOptions) -> Path:
    wheels = options.wheels
    for package in wheels.packages if wheels else ():
        if package.sha256 == digest and wheels is not None:
            return wheels.folder / package.name
    for document in options.documents:
        if document.sha256 == digest:
            return store.root / SIGNED_CATALOG / document.path
    return store.blobs.path(digest)


def _copied(writer: VolumeWriter, place: Path, digest: Digest, size: int) -> Iterator[int]:
    """Copy a file, and tell the bytes of each piece; it must be what its digest says."""
    hasher, buffer, left = hashlib.sha256(), memoryview(bytearray(BUFFER)), size
    with open_regular(place) as file, storage_errors(place):
        if os.fstat(file.fileno()).st_size != size:
            raise _changed(place)
        while left and (count := file.readinto(buffer[: min(left, BUFFER)])):  # type: ignore[attr-defined]
            hasher.update(buffer[:count])
            writer.write(buffer[:count])
            left -= count
            yield count
    if left or hasher.hexdigest() != digest:
        raise _changed(place)


def _changed(place: Path) -> IntegrityError:
    return IntegrityError(
        f"the bytes of {place.name[:64]} have changed, so nothing was written",
        remedy="mend the store with `indextts-hub verify --repair`, then export again",
    )


def whole(store: Store, version: BundledVersion) -> BundledVersion:
    """A version all of whose files are in the store.

    Raises:
        NotFound: E_NO_BLOB.
    """
    if lacking := [file.path for file in version.manifest.files if not store.blobs.has(file.sha256, file.size)]:
        raise NotFound(
            f"{len(lacking)} files of {version.name} are not in the store, such as {lacking[0]}",
            remedy=f"get them with `indextts-hub pull {version.name}`",
            code="E_NO_BLOB",
        )
    return version
