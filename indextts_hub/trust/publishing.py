"""The folder that a signed catalogue is published from: begin → sign → publish, and rotate whose keys count.

    staged/       metadata that still lacks signatures, and the documents that new targets name
    metadata/     what is published: every root, the newest targets and snapshots, `timestamp.json`
    targets/      the documents, each with its digest in its name

`metadata/` and `targets/` are what clients fetch, from any web server, folder or bundle. Roots and targets are signed offline, by
as many people as their thresholds ask for, on machines that need not see each other: the folder is carried from one to the next.
The snapshot and the timestamp are made and signed when it is published, by a key that is at hand.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from securesystemslib.signer._crypto_signer import CryptoSigner
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp
from tuf.api.serialization.json import JSONSerializer

from indextts_hub.catalog.checking import check_bound
from indextts_hub.catalog.signed import document_path
from indextts_hub.errors import NotFound, PolicyError, UsageError
from indextts_hub.manifest import Digest
from indextts_hub.store.blobs import open_regular
from indextts_hub.store.durable import make_folder, remove_file, remove_tree, write_durably
from indextts_hub.store.trouble import storage_errors

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from securesystemslib.signer._key import Key

__all__ = [
    "ROLES",
    "Published",
    "RoleKeys",
    "Staged",
    "begin",
    "publish",
    "roles_of",
    "rotate",
    "sign_staged",
    "stage_targets",
    "staged",
]

ROLES = ("root", "targets", "snapshot", "timestamp")
Kind = TypeVar("Kind", Root, Targets, Snapshot, Timestamp)
_SERIALIZER = JSONSerializer(compact=False)


@dataclass(frozen=True, slots=True)
class RoleKeys:
    """Whose signatures count for a role, and how many must be there."""

    keys: tuple["Key", ...]
    threshold: int = 1


@dataclass(frozen=True, slots=True)
class Staged:
    """Metadata that waits for signatures.

    Attributes:
        role: `root` or `targets`.
        missing: how many signatures it lacks.
        unsigned: the ids of the keys that may still sign.
    """

    role: str
    version: int
    missing: int
    unsigned: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Published:
    """What clients find from now on."""

    versions: Mapping[str, int]
    expires: datetime


def begin(folder: Path, roles: Mapping[str, RoleKeys], expires: datetime) -> None:
    """Stage the first root of a catalogue.

    Args:
        roles: of each of `ROLES`.

    Raises:
        UsageError: E_PUBLISH, if the folder has a catalogue already, or a threshold can't be reached.
    """
    if (folder / "metadata").exists() or (folder / "staged").exists():
        raise UsageError(
            f"{folder} has a catalogue already", remedy="use another folder; to change keys, `rotate`", code="E_PUBLISH"
        )
    root = Root(version=1, expires=expires, consistent_snapshot=True)
    for role in ROLES:
        for key in roles[role].keys:
            root.add_key(key, role)
        root.roles[role].threshold = roles[role].threshold
    _check_thresholds(root)
    _stage(folder, "root", Metadata(root))


def rotate(folder: Path, role: str, add: Sequence["Key"], remove: Sequence[str], threshold: int | None, expires: datetime) -> None:
    """Stage the next root, in which other keys count for a role. It needs the signatures of the old root and of the new one.

    Args:
        remove: ids of keys, or their beginnings.

    Raises:
        UsageError: E_PUBLISH, if there is no such role or key, or the threshold can't be reached.
    """
    metadata = _staged(folder, "root", Root) or _root(folder)
    if metadata is None:
        raise _nothing(folder)
    root = metadata.signed
    if role not in ROLES:
        raise UsageError(f"{role[:40]!a} is no role", remedy=f"one of {', '.join(ROLES)}", code="E_PUBLISH")
    for wanted in remove:
        found = [keyid for keyid in root.roles[role].keyids if wanted and keyid.startswith(wanted)]
        if len(found) != 1:
            raise UsageError(f"{wanted[:70]!a} is no key of {role}", remedy="see `indextts-hub catalogue show`", code="E_PUBLISH")
        root.revoke_key(found[0], role)
    for key in add:
        root.add_key(key, role)
    root.roles[role].threshold = threshold or root.roles[role].threshold
    published = _root(folder)
    root.version, root.expires = (1 if published is None else published.signed.version + 1), expires
    _check_thresholds(root)
    _stage(folder, "root", Metadata(root))


def stage_targets(folder: Path, documents: Mapping[str, bytes], expires: datetime) -> bool:
    """Stage the next targets, which name these documents; whether they are other ones than are published.

    Raises:
        UsageError, IntegrityError: as `check_bound`.
    """
    check_bound(documents, "signed:new")
    files = {path: TargetFile.from_data(path, body, ["sha256"]) for path, body in sorted(documents.items())}
    published = _newest(folder, "targets", Targets)
    if published is not None and published.signed.targets == files and published.signed.expires >= expires:
        return False
    for path, body in documents.items():
        place = folder / "staged" / document_path(path, Digest(files[path].hashes["sha256"]))
        make_folder(place.parent)
        write_durably(place, body)
    version = 1 if published is None else published.signed.version + 1
    _stage(folder, "targets", Metadata(Targets(version=version, expires=expires, targets=files)))
    return True


def sign_staged(folder: Path, keys: Iterable["Ed25519PrivateKey"], *, may_be_none: bool = False) -> tuple[str, ...]:
    """Sign what is staged with each key that counts for it; the roles that were signed.

    Args:
        may_be_none: whether keys that count for nothing that is staged are no trouble.

    Raises:
        PolicyError: E_SIGNATURE, if none of the keys counts for anything that is staged.
    """
    signers = [CryptoSigner(key) for key in keys]
    signed: list[str] = []
    for role, metadata in _waiting(folder):
        counted = _counted(folder, role)
        able = [signer for signer in signers if signer.public_key.keyid in counted]
        for signer in able:
            metadata.sign(signer, append=True)
        if able:
            _stage(folder, role, metadata)
            signed.append(role)
    if not signed and not may_be_none:
        raise PolicyError(
            "none of these keys counts for what is staged", remedy="see `indextts-hub catalogue show FOLDER`", code="E_SIGNATURE"
        )
    return tuple(signed)


def staged(folder: Path) -> tuple[Staged, ...]:
    """What waits for signatures, the root first."""
    found = []
    for role, metadata in _waiting(folder):
        missing, unsigned = _lacking(folder, role, metadata)
        found.append(Staged(role, metadata.signed.version, missing, tuple(sorted(unsigned))))
    return tuple(found)


def roles_of(folder: Path) -> dict[str, tuple[tuple[str, ...], int]]:
    """The ids of the keys that count for each role, and how many must sign; as staged, else as published.

    Raises:
        UsageError: E_PUBLISH, if the folder has no catalogue.
    """
    root = _staged(folder, "root", Root) or _root(folder)
    if root is None:
        raise _nothing(folder)
    return {role: (tuple(root.signed.roles[role].keyids), root.signed.roles[role].threshold) for role in ROLES}


def publish(folder: Path, keys: Iterable["Ed25519PrivateKey"], now: datetime, fresh: timedelta) -> Published:
    """Publish what is staged and signed, with a new snapshot and timestamp.

    Args:
        keys: those of the snapshot and the timestamp.
        fresh: how long clients may go on without hearing from here.

    Raises:
        PolicyError: E_SIGNATURE, if signatures are missing; nothing is published then.
        UsageError: E_PUBLISH, if there is nothing to publish.
    """
    for waiting in staged(folder):
        if waiting.missing:
            raise PolicyError(
                f"the {waiting.role} lacks {waiting.missing} of its signatures",
                remedy="let those who may, sign it: `indextts-hub catalogue sign FOLDER --key KEY`",
                code="E_SIGNATURE",
            )
    root = _staged(folder, "root", Root) or _root(folder)
    targets = _staged(folder, "targets", Targets) or _newest(folder, "targets", Targets)
    if root is None or targets is None:
        raise _nothing(folder)
    snapshot_before, timestamp_before = _newest(folder, "snapshot", Snapshot), _newest(folder, "timestamp", Timestamp)
    snapshot = Snapshot(
        version=1 if snapshot_before is None else snapshot_before.signed.version + 1,
        expires=now + fresh,
        meta={"targets.json": MetaFile(version=targets.signed.version)},
    )
    timestamp = Timestamp(
        version=1 if timestamp_before is None else timestamp_before.signed.version + 1,
        expires=now + fresh,
        snapshot_meta=MetaFile(version=snapshot.version),
    )
    signed_snapshot, signed_timestamp = Metadata(snapshot), Metadata(timestamp)
    for signer in [CryptoSigner(key) for key in keys]:
        if signer.public_key.keyid in root.signed.roles["snapshot"].keyids:
            signed_snapshot.sign(signer, append=True)
        if signer.public_key.keyid in root.signed.roles["timestamp"].keyids:
            signed_timestamp.sign(signer, append=True)
    _check_signed(root.signed, "snapshot", signed_snapshot)
    _check_signed(root.signed, "timestamp", signed_timestamp)
    _check_signed(root.signed, "targets", targets)
    _put_out(folder, root, targets, signed_snapshot, signed_timestamp)
    everything = (root.signed, targets.signed, snapshot, timestamp)
    return Published({each.type: each.version for each in everything}, min(each.expires for each in everything))


def _put_out(
    folder: Path, root: Metadata[Root], targets: Metadata[Targets], snapshot: Metadata[Snapshot], timestamp: Metadata[Timestamp]
) -> None:
    """The documents first and the timestamp last: a client in between finds the old state whole."""
    waiting = folder / "staged" / "targets"
    with storage_errors(folder):
        for path in sorted(waiting.rglob("*")) if waiting.is_dir() else ():
            if path.is_file():
                place = folder / "targets" / path.relative_to(waiting)
                make_folder(place.parent)
                write_durably(place, path.read_bytes())
    metadata = folder / "metadata"
    make_folder(metadata)
    for role, each in (("root", root), ("targets", targets), ("snapshot", snapshot)):
        write_durably(metadata / f"{each.signed.version}.{role}.json", each.to_bytes(_SERIALIZER))
    write_durably(metadata / "timestamp.json", timestamp.to_bytes(_SERIALIZER))
    if (folder / "staged").is_dir():
        with storage_errors(folder):
            remove_tree(folder / "staged")
    for role, each in (("targets", targets), ("snapshot", snapshot)):
        for path in metadata.glob(f"*.{role}.json"):
            if path.name != f"{each.signed.version}.{role}.json":
                remove_file(path)


def _counted(folder: Path, role: str) -> frozenset[str]:
    """The ids of the keys that count for what is staged of a role; for a root those of the one before, too."""
    counted: set[str] = set()
    for root in (_staged(folder, "root", Root), _root(folder)):
        if root is not None:
            counted |= set(root.signed.roles[role].keyids)
    return frozenset(counted)


def _lacking(folder: Path, role: str, metadata: Metadata[Root] | Metadata[Targets]) -> tuple[int, frozenset[str]]:
    published = _root(folder)
    if isinstance(metadata.signed, Root):
        before = published.signed if published is not None else None
        result = metadata.signed.get_root_verification_result(before, metadata.signed_bytes, metadata.signatures)
        return max(result.first.missing, result.second.missing), frozenset(result.unsigned)
    root = _staged(folder, "root", Root) or published
    if root is None:
        raise _nothing(folder)
    found = root.signed.get_verification_result(role, metadata.signed_bytes, metadata.signatures)
    return found.missing, frozenset(found.unsigned)


def _check_signed(root: Root, role: str, metadata: Metadata[Snapshot] | Metadata[Timestamp] | Metadata[Targets]) -> None:
    result = root.get_verification_result(role, metadata.signed_bytes, metadata.signatures)
    if not result:
        raise PolicyError(
            f"the {role} lacks {result.missing} of its signatures",
            remedy="give the keys of the snapshot and the timestamp with --key; sign targets with `catalogue sign`",
            code="E_SIGNATURE",
        )


def _check_thresholds(root: Root) -> None:
    for role in ROLES:
        keys, threshold = root.roles[role].keyids, root.roles[role].threshold
        if not 1 <= threshold <= len(keys):
            raise UsageError(
                f"{role} would want {threshold} signatures of {len(keys)} keys",
                remedy="give it as many keys as signatures are wanted, and one at least",
                code="E_PUBLISH",
            )


def _stage(folder: Path, role: str, metadata: Metadata[Root] | Metadata[Targets]) -> None:
    make_folder(folder / "staged")
    write_durably(folder / "staged" / f"{role}.json", metadata.to_bytes(_SERIALIZER))


def _staged(folder: Path, role: str, kind: type[Kind]) -> Metadata[Kind] | None:
    return _read(folder / "staged" / f"{role}.json", kind)


def _waiting(folder: Path) -> Iterator[tuple[str, Metadata[Root] | Metadata[Targets]]]:
    """What is staged, by role, the root first."""
    if (root := _staged(folder, "root", Root)) is not None:
        yield "root", root
    if (targets := _staged(folder, "targets", Targets)) is not None:
        yield "targets", targets


def _root(folder: Path) -> Metadata[Root] | None:
    return _newest(folder, "root", Root)


def _newest(folder: Path, role: str, kind: type[Kind]) -> Metadata[Kind] | None:
    """What is published of a role; None if nothing is."""
    if role == "timestamp":
        return _read(folder / "metadata" / "timestamp.json", kind)
    with storage_errors(folder):
        versions = [int(path.name.partition(".")[0]) for path in (folder / "metadata").glob(f"[0-9]*.{role}.json")]
    return _read(folder / "metadata" / f"{max(versions)}.{role}.json", kind) if versions else None


def _read(path: Path, kind: type[Kind]) -> Metadata[Kind] | None:
    try:
        with open_regular(path) as file, storage_errors(path):
            metadata: Metadata[Kind] = Metadata.from_bytes(file.read())
    except NotFound:
        return None
    except RepositoryError:
        raise UsageError(f"{path} is no metadata of a catalogue", remedy="put a copy of it back", code="E_PUBLISH") from None
    if not isinstance(metadata.signed, kind):
        raise UsageError(f"{path} is metadata of another role", remedy="put a copy of it back", code="E_PUBLISH")
    return metadata


def _nothing(folder: Path) -> UsageError:
    return UsageError(
        f"{folder} has nothing to publish",
        remedy="begin with `catalogue init`, then `catalogue publish --catalog`",
        code="E_PUBLISH",
    )
