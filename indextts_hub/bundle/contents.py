"""What a bundle says that it holds, and the documents that say so: an OCI image layout. Pure.

    oci-layout                  that this is one
    index.json                  which versions, by name and digest; which packages; made when, good until when
    index.dsse.json             who signed index.json; only in a signed bundle
    install_offline.sh          installs the packages; only in a bundle with packages
    blobs/sha256/…              of each version its OCI manifest, then its canonical manifest; the manifests of the versions that
                                the other side must have; the OCI manifests of the packages and of the signed catalogue; then
                                all files, sorted by digest

Everything follows from a `Contents`: a reader makes the documents again and compares. The media types are OCI's
(https://github.com/opencontainers/image-spec) and our own.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from indextts_hub.bundle.tar import REMEDY
from indextts_hub.errors import IntegrityError
from indextts_hub.manifest import (
    LARGEST_FILE,
    ByteCount,
    Digest,
    Json,
    Manifest,
    canonical_json,
    check_digest,
    load_strict_json,
    parse_manifest,
)
from indextts_hub.paths import PortablePath, portable_path
from indextts_hub.reference import check_name

__all__ = [
    "INDEX_TYPE",
    "BundledVersion",
    "Contents",
    "Document",
    "Head",
    "LogState",
    "Member",
    "Package",
    "members",
    "read_contents",
]

# A version of 20,000 files has a manifest of 4 MB; nothing honest is larger than this.
LARGEST_INDEX = 16 << 20
LARGEST_DOCUMENT = 32 << 20
MOST_ENTRIES = 100_000
# A checkpoint of one signature has some 250 characters, a key 120.
LARGEST_NOTE = 600

LAYOUT = canonical_json({"imageLayoutVersion": "1.0.0"})
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
_OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_MANIFEST = "application/vnd.indextts-hub.manifest.v1+json"
_VERSION = "application/vnd.indextts-hub.version.v1"
_BASE = "application/vnd.indextts-hub.base.v1"
_PACKAGES = "application/vnd.indextts-hub.packages.v1"
_CATALOGUE = "application/vnd.indextts-hub.catalogue.v1"
_FILE = "application/octet-stream"
_EMPTY = "application/vnd.oci.empty.v1+json"
_NAME = "org.opencontainers.image.ref.name"
_TITLE = "org.opencontainers.image.title"
_CREATED = "dev.indextts-hub.created"
_EXPIRES = "dev.indextts-hub.expires"
_CHECKPOINT = "dev.indextts-hub.checkpoint"
_LOG_KEY = "dev.indextts-hub.log-key"
_SCRIPT = "dev.indextts-hub.install"
_EMPTY_DIGEST = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
_WHEEL = re.compile(r"[A-Za-z0-9_.+!-]{1,200}\.whl")


@dataclass(frozen=True, slots=True)
class BundledVersion:
    """A version under the name it was exported by."""

    name: str
    manifest: Manifest


@dataclass(frozen=True, slots=True)
class Package:
    """A wheel: its file's name, and its bytes by digest."""

    name: str
    size: ByteCount
    sha256: Digest


@dataclass(frozen=True, slots=True)
class Document:
    """A file of a signed catalogue: its path below `catalogue/`, and its bytes by digest."""

    path: PortablePath
    size: ByteCount
    sha256: Digest


@dataclass(frozen=True, slots=True)
class LogState:
    """What the audit log of whoever wrote a bundle was then: whoever keeps it is a witness.

    Attributes:
        checkpoint: the signed note (C2SP tlog-checkpoint).
        key: the log's key, `NAME+HASH+BASE64`.
    """

    checkpoint: str
    key: str


@dataclass(frozen=True, slots=True)
class Contents:
    """What a bundle holds.

    Attributes:
        versions: sorted by name and digest.
        bases: versions whose files are left out, since the other side has them.
        packages: sorted by name.
        script: `install_offline.sh`, or None.
        created, expires: in seconds since 1970, or None.
        log: what the writer's audit log was when it was written, or None.
        catalogue: the documents of a signed catalogue, sorted by path.
    """

    versions: tuple[BundledVersion, ...]
    bases: tuple[BundledVersion, ...] = ()
    packages: tuple[Package, ...] = ()
    script: bytes | None = None
    created: int | None = None
    expires: int | None = None
    log: LogState | None = None
    catalogue: tuple[Document, ...] = ()

    @property
    def files(self) -> Mapping[Digest, ByteCount]:
        """The size of each file that is in the bundle, sorted by digest; packages are files too."""
        there = {digest for base in self.bases for digest, _ in base.manifest.blobs()}
        found = {digest: size for version in self.versions for digest, size in version.manifest.blobs() if digest not in there}
        found |= {package.sha256: package.size for package in self.packages}
        found |= {document.sha256: document.size for document in self.catalogue}
        return dict(sorted(found.items()))

    def index(self) -> bytes:
        """`index.json`."""
        listed: list[Json] = [_described(_OCI_MANIFEST, _version(each), {_NAME: each.name}, _VERSION) for each in self.versions]
        listed += [_described(_MANIFEST, each.manifest.canonical(), {_NAME: each.name}, _BASE) for each in self.bases]
        if self.packages:
            script = hashlib.sha256(self.script or b"").hexdigest()
            listed.append(_described(_OCI_MANIFEST, _packages(self.packages), {_SCRIPT: f"sha256:{script}"}, _PACKAGES))
        if self.catalogue:
            listed.append(_described(_OCI_MANIFEST, _catalogue(self.catalogue), {_NAME: "catalogue"}, _CATALOGUE))
        document: dict[str, Json] = {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": listed}
        notes: dict[str, object] = {_CREATED: self.created, _EXPIRES: self.expires}
        if self.log is not None:
            notes |= {_CHECKPOINT: self.log.checkpoint, _LOG_KEY: self.log.key}
        if any(notes.values()):
            document["annotations"] = {key: str(note) for key, note in notes.items() if note is not None}
        return canonical_json(document)

    def documents(self) -> Iterator[bytes]:
        """The documents that the index lists, in order, and after each of a version's its canonical manifest."""
        for version in self.versions:
            yield _version(version)
            yield version.manifest.canonical()
        for base in self.bases:
            yield base.manifest.canonical()
        if self.packages:
            yield _packages(self.packages)
            yield b"{}"
        if self.catalogue:
            yield _catalogue(self.catalogue)
            yield b"{}"


@dataclass(frozen=True, slots=True)
class Member:
    """One file of the tar: what it holds, or, of a blob, which digest its bytes have."""

    name: str
    size: int
    holds: bytes | Digest


def members(contents: Contents, envelope: bytes | None) -> Iterator[Member]:
    """The files of the tar, in order."""
    for name, body in (("oci-layout", LAYOUT), ("index.json", contents.index()), ("index.dsse.json", envelope)):
        if body is not None:
            yield Member(name, len(body), body)
    if contents.script is not None:
        yield Member("install_offline.sh", len(contents.script), contents.script)
    written: set[str] = set()
    for body in contents.documents():
        digest = hashlib.sha256(body).hexdigest()
        if digest not in written:
            written.add(digest)
            yield Member(f"blobs/sha256/{digest}", len(body), body)
    for found, size in contents.files.items():
        if found not in written:
            yield Member(f"blobs/sha256/{found}", size, found)


class Head(Protocol):
    """The members of a bundle as they come."""

    def comes(self, name: str) -> bool:
        """Whether the next member has this name."""
        ...

    def take(self, name: str, largest: int) -> bytes:
        """The next member, which must have this name.

        Raises:
            IntegrityError: E_BUNDLE, if it is another, or larger.
        """
        ...


def read_contents(head: Head) -> tuple[Contents, bytes | None]:
    """Read all that comes before the files; return what the bundle holds, and the envelope if it is signed.

    Raises:
        IntegrityError: E_BUNDLE, if a document is not exactly what its contents make it.
    """
    if head.take("oci-layout", len(LAYOUT)) != LAYOUT:
        raise _bad("oci-layout", "it is of another version")
    index = head.take("index.json", LARGEST_INDEX)
    envelope = head.take("index.dsse.json", 2 * LARGEST_INDEX) if head.comes("index.dsse.json") else None
    script = head.take("install_offline.sh", LARGEST_INDEX) if head.comes("install_offline.sh") else None
    try:
        contents = _read(load_strict_json(index), script, _Documents(head))
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise _bad("index.json", f"it lacks something: {error}"[:120]) from None
    if (script is None) == bool(contents.packages):
        # Without packages the index names no script: one that stood here would be nobody's word.
        raise _bad("install_offline.sh", "it and the packages come together, or not at all")
    if contents.index() != index:
        raise _bad("index.json", "it is not what its contents make it")
    return contents, envelope


class _Documents:
    """The documents among the blobs, each read once and held to its digest."""

    def __init__(self, head: Head) -> None:
        self._head = head
        self._read: dict[str, bytes] = {}

    def named(self, reference: object) -> bytes:
        """The document of a reference `sha256:HEX`."""
        digest = check_digest(str(reference).removeprefix("sha256:"))
        if digest not in self._read:
            body = self._head.take(f"blobs/sha256/{digest}", LARGEST_INDEX)
            if hashlib.sha256(body).hexdigest() != digest:
                raise _bad(f"blobs/sha256/{digest}", "its bytes are others than its name says")
            self._read[digest] = body
        return self._read[digest]


def _read(index: Json, script: bytes | None, documents: _Documents) -> Contents:
    document = _object(index)
    versions: list[BundledVersion] = []
    bases: list[BundledVersion] = []
    packages: tuple[Package, ...] = ()
    catalogue: tuple[Document, ...] = ()
    for entry in map(_object, _list(document["manifests"])):
        body, notes = documents.named(entry["digest"]), _object(entry["annotations"])
        if entry["artifactType"] == _VERSION:
            config = _object(_object(load_strict_json(body))["config"])
            manifest = parse_manifest(documents.named(config["digest"]))
            versions.append(BundledVersion(check_name(str(notes[_NAME])), manifest))
        elif entry["artifactType"] == _BASE:
            bases.append(BundledVersion(check_name(str(notes[_NAME])), parse_manifest(body)))
        else:
            layers = [_object(layer) for layer in _list(_object(load_strict_json(body))["layers"])]
            if entry["artifactType"] == _CATALOGUE:
                catalogue = tuple(_document(layer) for layer in layers)
            else:
                packages = tuple(_package(layer) for layer in layers)
            documents.named(_EMPTY_DIGEST)
    times = _object(document.get("annotations", {}))
    created, expires = ((int(str(times[key])) if key in times else None) for key in (_CREATED, _EXPIRES))
    log = LogState(str(times[_CHECKPOINT]), str(times[_LOG_KEY])) if _CHECKPOINT in times else None
    if log is not None and max(len(log.checkpoint), len(log.key)) > LARGEST_NOTE:
        raise _bad("index.json", "its checkpoint is longer than any")
    return Contents(tuple(versions), tuple(bases), packages, script, created, expires, log, catalogue)


def _package(layer: dict[str, Json]) -> Package:
    name, size = str(_object(layer["annotations"])[_TITLE]), layer["size"]
    if not _WHEEL.fullmatch(name) or not isinstance(size, int) or not 0 < size <= LARGEST_FILE:
        raise _bad("the list of packages", f"it names {name[:60]!a}")
    return Package(name, ByteCount(size), check_digest(str(layer["digest"]).removeprefix("sha256:")))


def _document(layer: dict[str, Json]) -> Document:
    path, size = portable_path(str(_object(layer["annotations"])[_TITLE])), layer["size"]
    if not path.startswith(("metadata/", "targets/")) or not isinstance(size, int) or not 0 < size <= LARGEST_DOCUMENT:
        raise _bad("the list of the catalogue", f"it names {path[:60]!a}")
    return Document(path, ByteCount(size), check_digest(str(layer["digest"]).removeprefix("sha256:")))


def _version(version: BundledVersion) -> bytes:
    manifest = version.manifest
    layers: list[Json] = [_descriptor(_FILE, file.sha256, file.size, {_TITLE: file.path}) for file in manifest.files]
    config = _described(_MANIFEST, manifest.canonical())
    return _oci_manifest(_VERSION, config, layers)


def _packages(packages: tuple[Package, ...]) -> bytes:
    layers: list[Json] = [_descriptor(_FILE, package.sha256, package.size, {_TITLE: package.name}) for package in packages]
    return _oci_manifest(_PACKAGES, _described(_EMPTY, b"{}"), layers)


def _catalogue(documents: tuple[Document, ...]) -> bytes:
    layers: list[Json] = [_descriptor(_FILE, each.sha256, each.size, {_TITLE: each.path}) for each in documents]
    return _oci_manifest(_CATALOGUE, _described(_EMPTY, b"{}"), layers)


def _oci_manifest(kind: str, config: Json, layers: list[Json]) -> bytes:
    return canonical_json(
        {"schemaVersion": 2, "mediaType": _OCI_MANIFEST, "artifactType": kind, "config": config, "layers": layers}
    )


def _described(media_type: str, body: bytes, notes: dict[str, str] | None = None, kind: str | None = None) -> dict[str, Json]:
    described = _descriptor(media_type, hashlib.sha256(body).hexdigest(), len(body), notes)
    return described if kind is None else described | {"artifactType": kind}


def _descriptor(media_type: str, digest: str, size: int, notes: dict[str, str] | None) -> dict[str, Json]:
    described: dict[str, Json] = {"mediaType": media_type, "digest": f"sha256:{digest}", "size": size}
    return described | {"annotations": {**notes}} if notes else described


def _object(value: Json) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise TypeError("an object")
    return value


def _list(value: Json) -> list[Json]:
    if not isinstance(value, list) or len(value) > MOST_ENTRIES:
        raise TypeError("a list of bounded length")
    return value


def _bad(what: str, why: str) -> IntegrityError:
    return IntegrityError(f"{what} of the bundle is damaged: {why}", remedy=REMEDY, code="E_BUNDLE")
