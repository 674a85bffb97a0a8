"""Places that signed metadata and documents are fetched from: a folder, an address, or what somebody read out of a bundle."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import quote, urlsplit

from indextts_hub.errors import NotFound, SourceError
from indextts_hub.paths import portable_path
from indextts_hub.sources.transport import Request, Transport
from indextts_hub.store.blobs import open_regular
from indextts_hub.store.trouble import storage_errors

__all__ = ["Address", "Carried", "Folder", "Place", "fetched", "place_of"]

IDLE_SECONDS = 20.0


class Place(Protocol):
    """Documents by their paths."""

    @property
    def name(self) -> str:
        """What messages call it."""
        ...

    def read(self, path: str, largest: int) -> bytes | None:
        """A document's bytes, at most one more than `largest`; None if there is none.

        Raises:
            SourceError, StorageError, UsageError: it can't be read, or its name is none.
        """
        ...


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder, as `catalogue publish` writes it."""

    path: Path

    @property
    def name(self) -> str:
        """The folder."""
        return str(self.path)

    def read(self, path: str, largest: int) -> bytes | None:
        """See `Place`."""
        place = self.path / portable_path(path)
        try:
            with open_regular(place) as file, storage_errors(place):
                return file.read(largest + 1)
        except NotFound:
            return None


@dataclass(frozen=True, slots=True)
class Address:
    """A folder behind an HTTP address."""

    url: str

    @property
    def name(self) -> str:
        """The address; whatever secret stands in it does not."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}{parts.path}"

    def read(self, path: str, largest: int) -> bytes | None:
        """See `Place`."""
        return fetched(f"{self.url.rstrip('/')}/{quote(path)}", largest)


@dataclass(frozen=True, slots=True)
class Carried:
    """Documents that were read out of something else, such as a bundle."""

    name: str
    documents: Mapping[str, bytes]

    def read(self, path: str, largest: int) -> bytes | None:  # noqa: ARG002 - they were bounded when they were read
        """See `Place`."""
        return self.documents.get(path)


def fetched(url: str, largest: int) -> bytes | None:
    """The document behind an address; None if there is none.

    Raises:
        SourceError: it can't be fetched, or is larger than `largest` bytes.
    """
    host = urlsplit(url).hostname or ""
    transport = Transport(frozenset({host}), IDLE_SECONDS)
    try:
        return transport.document(Request(host, url), largest)
    except SourceError as error:
        # Who may not list a bucket gets 403 from S3 for what is not there.
        if error.code in {"E_NOT_THERE", "E_HTTP_403"}:
            return None
        raise
    finally:
        transport.close()


def place_of(text: str) -> Folder | Address:
    """The place that somebody wrote down: an address, else a folder, which is the same one from wherever it is asked for later."""
    return Address(text) if urlsplit(text).scheme in {"http", "https"} else Folder(Path(text).expanduser().absolute())
