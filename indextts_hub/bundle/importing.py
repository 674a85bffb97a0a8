"""Taking a bundle's versions into the store: look through → check who says so → copy, verify → commit. It goes on where it stopped.

A file under way is `partial/SHA256.part`, as of a pull: what a stopped import left of it is hashed again, and the rest follows. A
blob is committed when its digest is right, a version when all of its blobs are there; until then nothing of it can be seen.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from indextts_hub.bundle.contents import BundledVersion, Contents, LogState, Package
from indextts_hub.bundle.marks import Marks
from indextts_hub.bundle.packages import pin_of
from indextts_hub.bundle.reader import BundledFile, OpenBundle, open_bundle
from indextts_hub.bundle.tar import REMEDY
from indextts_hub.errors import IntegrityError, NotFound, PolicyError
from indextts_hub.manifest import Digest
from indextts_hub.paths import PortablePath, portable_path
from indextts_hub.store import Snapshot, Store, Told, admit, begun_of, unheard
from indextts_hub.store.durable import adopt_file, make_folder, temporary_beside, unlink
from indextts_hub.store.room import check_room
from indextts_hub.store.trouble import storage_errors
from indextts_hub.transfer import FileDone, FileStarted, Moved, Progress
from indextts_hub.trust import Trust

__all__ = ["ImportOptions", "ImportReport", "import_bundle"]

BUFFER = 1 << 20


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How to take a bundle in.

    Attributes:
        trust: who must have signed it; None: nobody.
        allow_older: take a bundle that is older than one of the same signer's that was taken in, or that has expired.
        packages: the folder for its packages, or None to leave them.
        chosen: which of them, as `NAME==VERSION`; None: all.
        wait: seconds to wait for others who write the same blobs.
    """

    trust: Trust | None = None
    allow_older: bool = False
    packages: Path | None = None
    chosen: frozenset[str] | None = None
    wait: float = 600.0


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What was taken in.

    Attributes:
        added, present: blobs that came from the bundle, and that were there.
        signers: the ids of the keys whose signatures counted.
        packages: what was written of the packages.
        log: what the audit log of whoever wrote it was, if they said so.
    """

    snapshots: tuple[Snapshot, ...]
    added: int
    present: int
    signers: tuple[str, ...]
    packages: tuple[Path, ...]
    log: LogState | None = None


def import_bundle(
    store: Store, path: Path, options: ImportOptions, now: float, progress: Progress, told: Told = unheard
) -> ImportReport:
    """Take a bundle's versions into the store.

    Args:
        now: seconds since 1970.
        told: what the gate found in each file that is taken in.

    Raises:
        UnsafeFile: the gate refuses a file of it; no version appears then.
        IntegrityError: E_BUNDLE or E_VOLUME; blobs that were right stay for the next try, and no version appears.
        PolicyError: E_SIGNATURE, E_STALE, E_ROLLBACK.
        NotFound: E_BASE_ABSENT, if it holds only the difference to a version that is not here; E_NO_FILE.
        StorageError: the disk would not take it.
    """
    bundle = open_bundle(path, options.trust)
    with bundle.volumes, ExitStack() as held:
        contents, marks = bundle.contents, Marks(store)
        if not options.allow_older:
            _check_age(contents, now)
            marks.check(contents, bundle.signers)
        _check_bases(store, contents)
        for version in contents.versions:
            held.enter_context(store.claim(version.name, version.manifest, act="import"))
        wanted = {digest for version in contents.versions for digest, _ in version.manifest.blobs()}
        files = [file for file in bundle.files if file.sha256 in wanted]
        absent = [file for file in files if not store.blobs.has(file.sha256, file.size)]
        check_room(store.partials, sum(file.size - begun_of(store.partials, file.sha256, file.size) for file in absent))
        added = _take(store, bundle, absent, options.wait, progress, told)
        packages = tuple(_packages(bundle, options.packages, options.chosen)) if options.packages else ()
        snapshots = tuple(store.snapshots.commit(each.name, each.manifest) for each in contents.versions)
        marks.advance(contents, bundle.signers)
    return ImportReport(snapshots, added, len(files) - added, bundle.signers, packages, contents.log)


def _check_age(contents: Contents, now: float) -> None:
    if contents.expires is not None and contents.expires < now:
        raise PolicyError(
            "the bundle has expired: whoever wrote it wants newer ones to be used by now",
            remedy="get a newer one, look at this machine's clock, or use --allow-older",
            code="E_STALE",
        )


def _check_bases(store: Store, contents: Contents) -> None:
    there = contents.files
    for version in contents.versions:
        lacking = [f for f in version.manifest.files if f.sha256 not in there and not store.blobs.has(f.sha256, f.size)]
        if lacking:
            names = " and ".join(f"{base.name}@sha256:{base.manifest.digest[:12]}" for base in contents.bases)
            raise NotFound(
                f"the bundle has only what {version.name} has more than {names}, and {len(lacking)} files of that are not here",
                remedy=f"import or pull {names} first",
                code="E_BASE_ABSENT",
            )


def _take(store: Store, bundle: OpenBundle, absent: Sequence[BundledFile], wait: float, progress: Progress, told: Told) -> int:
    """Copy what can be copied; then say what could not."""
    shown = _shown(bundle.contents.versions)
    troubles = list(bundle.unreadable)
    added = 0
    for file in absent:
        try:
            with store.locks.writing([file.sha256], act="import", wait=wait):
                # Another process may have brought it while this one waited.
                if not store.blobs.has(file.sha256, file.size):
                    _bring(store, bundle, file, shown[file.sha256], progress, told)
                    added += 1
        except IntegrityError as error:
            named = bundle.volumes.damaged(file.start, file.size)
            troubles += [f"{name} is damaged" for name in named] or [error.message]
    needed = (file for version in bundle.contents.versions for file in version.manifest.files)
    if troubles and not all(store.blobs.has(file.sha256, file.size) for file in needed):
        raise IntegrityError(
            f"the bundle can't be used whole: {'; '.join(dict.fromkeys(troubles))}",
            remedy="copy that again from where it was written, then import again: what was right is kept",
            code="E_VOLUME",
        )
    return added


def _bring(store: Store, bundle: OpenBundle, file: BundledFile, path: PortablePath, progress: Progress, told: Told) -> None:
    """One file into its blob, from where an earlier import stopped; from its start if that was wrong."""
    partial = store.partials / f"{file.sha256}.part"
    begun = begun_of(store.partials, file.sha256, file.size)
    if not begun:
        unlink(partial.with_suffix(".map"))
        unlink(partial)
    progress(FileStarted(path, file.size, begun))
    for start in dict.fromkeys((begun, 0)):
        if _copied(bundle, file, partial, start, lambda count: progress(Moved(path, "bundle", count))):
            admit(store.blobs, partial, path, file.sha256, file.size, told)
            progress(FileDone(path))
            return
        unlink(partial)
    raise IntegrityError(f"the bytes of {path} in the bundle are not what its name says", remedy=REMEDY, code="E_BUNDLE")


def _copied(bundle: OpenBundle, file: BundledFile, partial: Path, start: int, moved: Callable[[int], None]) -> bool:
    """Copy from `start` on; whether the whole is right."""
    hasher, buffer = hashlib.sha256(), memoryview(bytearray(BUFFER))
    with storage_errors(partial), partial.open("r+b" if start else "w+b", buffering=0) as target:
        left = start
        while left and (count := target.readinto(buffer[: min(left, BUFFER)])):
            hasher.update(buffer[:count])
            left -= count
        for piece in bundle.volumes.read(file.start + start, file.size - start, buffer):
            hasher.update(piece)
            target.write(piece)
            moved(len(piece))
    return hasher.hexdigest() == file.sha256


def _shown(versions: Sequence[BundledVersion]) -> Mapping[Digest, PortablePath]:
    return {file.sha256: file.path for version in versions for file in version.manifest.files}


def _packages(bundle: OpenBundle, folder: Path, chosen: frozenset[str] | None) -> Iterator[Path]:
    """Write the packages into a folder, under the names that are known to be those of wheels."""
    places = {file.sha256: file for file in bundle.files}
    for package in bundle.contents.packages:
        if chosen is not None and pin_of(package.name) not in chosen:
            continue
        make_folder(folder)
        yield _package(bundle, places.get(package.sha256), package, folder / portable_path(package.name))


def _package(bundle: OpenBundle, file: BundledFile | None, package: Package, final: Path) -> Path:
    beside = temporary_beside(final)
    try:
        if file is None or not _copied(bundle, file, beside, 0, lambda _: None):
            raise IntegrityError(f"the package {package.name} of the bundle is damaged", remedy=REMEDY, code="E_BUNDLE")
        adopt_file(beside, final)
    finally:
        unlink(beside)
    return final
