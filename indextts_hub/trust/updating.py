"""Taking a signed catalogue over: fetch → verify → hold to the mark → check what it says → write → mark.

What a place sends is believed as far as The Update Framework's workflow goes (https://theupdateframework.io), which python-tuf
does: roots are followed one by one, each signed by the one before; nothing older, expired, mixed or without enough signatures is
taken. On top of that:

1. Metadata is strict JSON: no duplicate key, no NaN, bounded in size, depth and numbers.
2. Nothing goes back behind the mark, even if all metadata here was lost; unless the role's keys were changed by a newer root, which
   is how its owners recover from a stolen key.
3. One version of the targets never names two sets of documents.
4. Every document has a SHA-256; no other digest counts.
5. Each version of the catalogue is the manifest that was signed under its name.
6. The clock is not before the time of the last update.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from tuf.api.exceptions import (
    BadVersionNumberError,
    DownloadError,
    DownloadHTTPError,
    ExpiredMetadataError,
    RepositoryError,
    UnsignedMetadataError,
)
from tuf.api.metadata import Metadata, Root, Snapshot, TargetFile, Targets, Timestamp
from tuf.ngclient import FetcherInterface, Updater, UpdaterConfig

from indextts_hub.catalog.checking import check_bound
from indextts_hub.catalog.signed import DOCUMENT, Mark, document_path, write_mark
from indextts_hub.errors import HubError, IntegrityError, PolicyError, SourceError, UsageError
from indextts_hub.manifest import Digest, load_strict_json
from indextts_hub.paths import check_no_collisions, portable_path
from indextts_hub.store.durable import make_folder, remove_file, write_durably
from indextts_hub.store.opening import SIGNED_CATALOG
from indextts_hub.store.trouble import storage_errors
from indextts_hub.trust.places import Place

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Update", "client", "tuf_errors", "update"]

# Manifests of the largest catalogues are a few megabytes each; nothing honest has more of them, or larger ones.
MOST_DOCUMENTS = 10_000
LARGEST_DOCUMENT = 32 << 20
LARGEST_IN_ALL = 256 << 20
# A clock that was wrong by time zones, or put right by a few hours, is no attack.
CLOCK_TOLERANCE = timedelta(days=1)
_DIGESTS = frozenset({"sha256", "sha512"})
_METADATA = "metadata/"
_ROOT = re.compile(r"([1-9][0-9]{0,9})\.root\.json")


@dataclass(frozen=True, slots=True)
class Update:
    """What an update did.

    Attributes:
        mark: how far the store has come now.
        is_new: whether any document is another than before.
    """

    mark: Mark
    is_new: bool


@dataclass(frozen=True, slots=True)
class _Told:
    """The metadata that a place sent, verified."""

    root: Metadata[Root]
    timestamp: Metadata[Timestamp]
    snapshot: Metadata[Snapshot]
    targets: Metadata[Targets]

    @property
    def versions(self) -> dict[str, int]:
        return {
            "root": self.root.signed.version,
            "timestamp": self.timestamp.signed.version,
            "snapshot": self.snapshot.signed.version,
            "targets": self.targets.signed.version,
        }

    @property
    def expires(self) -> datetime:
        return min(each.signed.expires for each in (self.root, self.timestamp, self.snapshot, self.targets))


class _Fetcher(FetcherInterface):
    """Fetches for python-tuf from a place.

    Args:
        strict: what is fetched from below it must be strict JSON.
    """

    def __init__(self, place: Place, strict: str) -> None:
        self._place = place
        self._strict = strict

    def _fetch(self, url: str) -> Iterator[bytes]:
        body = self._place.read(url, LARGEST_DOCUMENT)
        if body is None:
            raise DownloadHTTPError(f"{self._place.name} has no {url}", 404)
        if url.startswith(self._strict):
            load_strict_json(body, largest=LARGEST_DOCUMENT)
        return iter((body,))


def update(store: Path, place: Place, mark: Mark | None, root: bytes | None, now: datetime) -> Update:
    """Take the newest catalogue of a place over into the store at this folder; only one process at a time may.

    Args:
        mark: what was read of the store's; None if it has no signed catalogue yet.
        root: the root metadata that somebody trusts; needed the first time, and if given later it must be the same.

    Raises:
        UsageError: E_NO_ROOT, if nobody said whom to trust.
        PolicyError: E_ROOT if the store trusts another root, E_SIGNATURE, E_ROLLBACK, E_CATALOG_EXPIRED, E_CLOCK_BACKWARDS.
        IntegrityError: E_METADATA, E_JSON, E_CATALOG_DAMAGED: it is not what was signed, or breaks a rule.
        SourceError: the place does not answer, or lacks something.
        StorageError: the disk would not take it; the catalogue is what it was.
    """
    _check_clock(mark, now)
    first = _first(mark, root)
    folder = store / SIGNED_CATALOG
    with TemporaryDirectory() as work:
        local = Path(work)
        if mark is not None:
            _lay_out(folder / "metadata", local, mark)
        with tuf_errors(place.name):
            client(place, work, _METADATA, first if mark is None else mark.root).refresh()
            told = _read(local)
            metadata = dict(_metadata(local, told))
        files = _listed(told)
        _check_floor(mark, told, files)
        documents = dict(_fetched(place, told.targets.signed.targets))
    check_bound(documents, f"signed:{told.versions['targets']}")
    trusted = Digest(sha256(first).hexdigest()) if mark is None else mark.first
    after = Mark(place.name, metadata[f"{told.versions['root']}.root.json"], trusted, told.versions, told.expires, now, files)
    _write(folder, documents, files, metadata)
    write_mark(store, after)
    _sweep(folder, after, metadata)
    return Update(after, mark is None or mark.files != files)


def client(place: Place, local: str, metadata: str, root: bytes | None, targets: str | None = None) -> Updater:
    """The client of The Update Framework, as `update` uses it; raises what python-tuf raises: see `tuf_errors`.

    Args:
        local: the folder for metadata, as python-tuf keeps it.
        metadata: what stands before the names of metadata at the place.
        root: the metadata to begin with; None: what `local` has.
        targets: the folder for documents, where python-tuf is to fetch them.
    """
    config = UpdaterConfig(targets_max_length=LARGEST_DOCUMENT, app_user_agent="indextts-hub")
    return Updater(local, metadata, targets, fetcher=_Fetcher(place, metadata), config=config, bootstrap=root)


@contextmanager
def tuf_errors(place: str) -> Iterator[None]:
    """What python-tuf raises, as errors of the hub.

    Raises:
        PolicyError, IntegrityError, SourceError: as `update`.
    """
    try:
        yield
    except ExpiredMetadataError as error:
        raise PolicyError(
            f"what {place} has is out of date: {error}",
            remedy="ask whoever publishes it to publish it anew, and look at this machine's clock",
            code="E_CATALOG_EXPIRED",
        ) from None
    except BadVersionNumberError as error:
        raise PolicyError(
            f"what {place} has is older than what was taken over before: {error}",
            remedy="use a place that has the newest",
            code="E_ROLLBACK",
        ) from None
    except UnsignedMetadataError as error:
        raise PolicyError(
            f"what {place} has is not signed by enough of the keys that count: {error}",
            remedy="get it from who publishes it; don't use this one",
            code="E_SIGNATURE",
        ) from None
    except DownloadHTTPError as error:
        raise SourceError(str(error), remedy="look whether it is a catalogue's folder", code="E_NOT_THERE") from None
    except DownloadError as error:
        if isinstance(error.__cause__, HubError):
            raise error.__cause__ from None
        raise _bad(place, str(error)) from None
    except (RepositoryError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise _bad(place, str(error)) from None


def _check_clock(mark: Mark | None, now: datetime) -> None:
    if mark is not None and now < mark.seen - CLOCK_TOLERANCE:
        raise PolicyError(
            f"the clock says {now:%Y-%m-%d}, and the catalogue was taken over on {mark.seen:%Y-%m-%d}",
            remedy="set this machine's clock: what is out of date can't be told by a wrong one",
            code="E_CLOCK_BACKWARDS",
        )


def _first(mark: Mark | None, root: bytes | None) -> bytes:
    """The root that somebody chose to trust."""
    if mark is not None:
        if root is not None and sha256(root).hexdigest() != mark.first:
            raise PolicyError(
                "this store trusts another root already",
                remedy="leave --root out; to trust another one, take `catalogue.json` out of the store first",
                code="E_ROOT",
            )
        return mark.root
    if root is None:
        raise UsageError(
            "nobody has said whose catalogue to trust here",
            remedy="name the root that you got from whoever publishes it: --root 1.root.json",
            code="E_NO_ROOT",
        )
    load_strict_json(root)
    return root


def _lay_out(metadata: Path, local: Path, mark: Mark) -> None:
    """Put what was taken over before where python-tuf compares with it. What is lost or torn is left out: the mark holds."""
    places = {"timestamp.json": "timestamp.json"}
    places |= {f"{mark.versions[role]}.{role}.json": f"{role}.json" for role in ("snapshot", "targets")}
    for name, plain in places.items():
        place = metadata / name
        if place.is_file():
            (local / plain).write_bytes(place.read_bytes())


def _read(local: Path) -> _Told:
    def one(role: str) -> bytes:
        return (local / f"{role}.json").read_bytes()

    return _Told(
        Metadata[Root].from_bytes(one("root")),
        Metadata[Timestamp].from_bytes(one("timestamp")),
        Metadata[Snapshot].from_bytes(one("snapshot")),
        Metadata[Targets].from_bytes(one("targets")),
    )


def _metadata(local: Path, told: _Told) -> Iterator[tuple[str, bytes]]:
    """All metadata, under the names it is published by."""
    yield "timestamp.json", (local / "timestamp.json").read_bytes()
    for role in ("snapshot", "targets"):
        yield f"{told.versions[role]}.{role}.json", (local / f"{role}.json").read_bytes()
    for path in (local / "root_history").iterdir():
        yield path.name, path.read_bytes()


def _listed(told: _Told) -> dict[str, Digest]:
    """The digest of each document.

    Raises:
        IntegrityError: E_METADATA, if one has no SHA-256, or something is known by a weak digest only.
        UsageError: E_PATH, if a path means something else on some system.
    """
    targets = told.targets.signed.targets
    if not told.root.signed.consistent_snapshot:
        raise _bad("the catalogue", "its snapshots are not consistent")
    if len(targets) > MOST_DOCUMENTS or sum(file.length for file in targets.values()) > LARGEST_IN_ALL:
        raise _bad("the catalogue", "it has too many documents, or too large ones")
    metas = (told.timestamp.signed.snapshot_meta, *told.snapshot.signed.meta.values())
    used = {
        name for hashes in (*(meta.hashes or {} for meta in metas), *(file.hashes for file in targets.values())) for name in hashes
    }
    if weak := sorted(used - _DIGESTS):
        raise _bad("the catalogue", f"it uses the digest {weak[0][:40]!a}")
    if lacking := [path for path, file in targets.items() if "sha256" not in file.hashes]:
        raise _bad("the catalogue", f"{lacking[0][:80]!a} has no SHA-256")
    check_no_collisions([portable_path(path) for path in targets])
    if DOCUMENT not in targets:
        raise _bad("the catalogue", f"it has no {DOCUMENT}")
    return {path: Digest(file.hashes["sha256"]) for path, file in sorted(targets.items())}


def _check_floor(mark: Mark | None, told: _Told, files: Mapping[str, Digest]) -> None:
    if mark is None:
        return
    before = Metadata[Root].from_bytes(mark.root).signed
    after = told.root.signed
    changed = {role for role in ("timestamp", "snapshot") if _keys(before, role) != _keys(after, role)}
    floors = {"root": mark.versions["root"]}
    if "timestamp" not in changed:
        floors["timestamp"] = mark.versions["timestamp"]
    if not changed:
        floors |= {role: mark.versions[role] for role in ("snapshot", "targets")}
    for role, floor in floors.items():
        if told.versions[role] < floor:
            raise PolicyError(
                f"the {role} is version {told.versions[role]}, and {floor} was taken over before",
                remedy="use a place that has the newest",
                code="E_ROLLBACK",
            )
    if told.versions["targets"] == floors.get("targets") and files != mark.files:
        raise PolicyError(
            f"version {told.versions['targets']} of the targets was signed twice, with other documents",
            remedy="show both to whoever publishes it: one of their keys may be in other hands",
            code="E_SPLIT_VIEW",
        )


def _keys(root: Root, role: str) -> tuple[frozenset[str], int]:
    delegated = root.get_delegated_role(role)
    return frozenset(delegated.keyids), delegated.threshold


def _fetched(place: Place, targets: Mapping[str, TargetFile]) -> Iterator[tuple[str, bytes]]:
    for path, file in targets.items():
        where = document_path(path, Digest(file.hashes["sha256"]))
        body = place.read(where, file.length)
        if body is None:
            raise SourceError(f"{place.name} lacks {where}", remedy="use another place", code="E_NOT_THERE")
        with tuf_errors(place.name):
            file.verify_length_and_hashes(body)
        yield path, body


def _write(folder: Path, documents: Mapping[str, bytes], files: Mapping[str, Digest], metadata: Mapping[str, bytes]) -> None:
    for name, body in documents.items():
        path = folder / document_path(name, files[name])
        make_folder(path.parent)
        write_durably(path, body)
    make_folder(folder / "metadata")
    for name, body in metadata.items():
        write_durably(folder / "metadata" / name, body)


def _sweep(folder: Path, mark: Mark, metadata: Mapping[str, bytes]) -> None:
    """Take away what the mark no longer names; each root stays, for whoever takes the catalogue over from here."""
    kept = {folder / document_path(name, digest) for name, digest in mark.files.items()}
    kept |= {folder / "metadata" / name for name in metadata}
    with storage_errors(folder):
        found: Sequence[Path] = [path for path in folder.rglob("*") if path.is_file()]
    for path in found:
        if path not in kept and not _ROOT.fullmatch(path.name):
            remove_file(path)


def _bad(place: str, why: str) -> IntegrityError:
    return IntegrityError(
        f"what {place} has is no good metadata: {' '.join(why.split())[:300]}",
        remedy="get it from who publishes it; don't use this one",
        code="E_METADATA",
    )
