"""The catalogue as values: mirrors, versions, and for each file the places that may have it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from indextts_hub.catalog.schema import nearest
from indextts_hub.errors import NotFound, PolicyError
from indextts_hub.manifest import Digest, FileEntry, License, Manifest
from indextts_hub.paths import PortablePath
from indextts_hub.sources import EntryOptions, MirrorOptions, RemoteFile

__all__ = ["Catalog", "Part", "Signed", "Version"]


@dataclass(frozen=True, slots=True)
class Part:
    """Files from one origin.

    Attributes:
        at: the folder they are laid out in; "" for the version's own.
        files: with their paths within the version.
        sources: where the part is, in the order they are written.
        license: the part's own, or None where it is the version's.
        accept: whether that licence must be accepted before a pull.
        own_sources: of single files, by path within the version; they stand instead of the part's.
    """

    at: PortablePath | str
    files: tuple[FileEntry, ...]
    sources: tuple[EntryOptions, ...]
    license: License | None = None
    accept: bool = False
    own_sources: Mapping[str, tuple[EntryOptions, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Version:
    """A version that can be pulled.

    Attributes:
        accept: whether a licence, of the version or a part, must be accepted before a pull.
        license_note: what a reader should know of the licence: conflicts, thresholds.
        revoked: digests that this name had and that are not to be used any more, each with why.
    """

    name: str
    title: str
    aliases: tuple[str, ...]
    license: License
    accept: bool
    manifest: Manifest
    parts: tuple[Part, ...]
    license_note: str | None = None
    revoked: Mapping[Digest, str] = field(default_factory=dict)

    def places(self, file: FileEntry) -> tuple[tuple[RemoteFile, EntryOptions], ...]:
        """Where a file of this version may be got: the file as each place knows it, and the place; as the catalogue orders them."""
        return tuple(
            (RemoteFile(_within(part, entry.path), entry.size, entry.sha256), source)
            for part in self.parts
            for entry in part.files
            if entry.path == file.path
            for source in part.own_sources.get(entry.path, part.sources)
        )


@dataclass(frozen=True, slots=True)
class Signed:
    """That a catalogue is signed, and until when its signers stand by it.

    Attributes:
        version: counts up with each that is published.
        place: where it was taken from.
    """

    version: int
    place: str
    expires: datetime


@dataclass(frozen=True, slots=True)
class Catalog:
    """All mirrors and versions, by name.

    Attributes:
        origin: the file or address it was read from.
        signed: None if nobody signed it.
    """

    mirrors: Mapping[str, MirrorOptions]
    versions: Mapping[str, Version]
    origin: str
    signed: Signed | None = None

    def check_fresh(self, now: datetime) -> None:
        """Hold a signed catalogue to its end: whoever holds a newer one back would like the old one to be used.

        Raises:
            PolicyError: E_CATALOG_EXPIRED.
        """
        if self.signed is not None and self.signed.expires < now:
            raise PolicyError(
                f"the signed catalogue ended on {self.signed.expires:%Y-%m-%d}: there is a newer one by now",
                remedy="get it with `indextts-hub catalogue update`, and look at this machine's clock",
                code="E_CATALOG_EXPIRED",
            )

    def version(self, name_or_alias: str) -> Version:
        """A version by its name, or by an alias that the catalogue gives it.

        Raises:
            NotFound: E_NO_VERSION, naming the nearest.
        """
        if found := self.versions.get(name_or_alias):
            return found
        for version in self.versions.values():
            if name_or_alias in version.aliases:
                return version
        names = sorted({*self.versions, *(alias for version in self.versions.values() for alias in version.aliases)})
        raise NotFound(
            f"the catalogue {self.origin} has no version {name_or_alias[:80]!a}",
            remedy=nearest(name_or_alias, names),
            code="E_NO_VERSION",
        )


def _within(part: Part, path: str) -> str:
    return path.removeprefix(f"{part.at}/") if part.at else path
