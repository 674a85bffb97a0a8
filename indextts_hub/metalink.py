"""Metalinks: a version's files with their sizes, digests and addresses, for aria2 and other clients that read RFC 5854."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self
from xml.etree import ElementTree

from indextts_hub.errors import NotFound
from indextts_hub.manifest import FileEntry
from indextts_hub.sources import RemoteFile, Source

__all__ = ["LinkedFile", "metalink"]

NAMESPACE = "urn:ietf:params:xml:ns:metalink"


@dataclass(frozen=True, slots=True)
class LinkedFile:
    """A file and where anybody can get it.

    Attributes:
        addresses: the preferred first.
    """

    entry: FileEntry
    addresses: tuple[str, ...]

    @classmethod
    def of(cls, entry: FileEntry, sources: Iterable[tuple[RemoteFile, Source]]) -> Self:
        """A file at those of its sources that anybody may ask.

        Raises:
            NotFound: E_NO_ADDRESS, if there is none.
        """
        addresses = tuple(address for remote, source in sources if (address := source.address(remote)))
        if not addresses:
            raise NotFound(
                f"no mirror has an address of {entry.path} that needs no secret",
                remedy="other clients can't fetch it: use `indextts-hub pull`",
                code="E_NO_ADDRESS",
            )
        return cls(entry, addresses)


def metalink(files: Sequence[LinkedFile]) -> bytes:
    """A Metalink document of some files, as UTF-8 XML.

    The format: RFC 5854. Paths are kept, so that a client lays the files out as the version has them. Where a file has chunk
    digests they are its pieces: a client can then mend a bad one.
    """
    root = ElementTree.Element("metalink", xmlns=NAMESPACE)
    ElementTree.SubElement(root, "generator").text = "indextts-hub"
    for file in files:
        element = ElementTree.SubElement(root, "file", name=file.entry.path)
        ElementTree.SubElement(element, "size").text = str(file.entry.size)
        ElementTree.SubElement(element, "hash", type="sha-256").text = file.entry.sha256
        if file.entry.chunks is not None:
            pieces = ElementTree.SubElement(element, "pieces", length=str(file.entry.chunks.size), type="sha-256")
            for digest in file.entry.chunks.sha256:
                ElementTree.SubElement(pieces, "hash").text = digest
        for priority, address in enumerate(file.addresses, start=1):
            ElementTree.SubElement(element, "url", priority=str(priority)).text = address
    ElementTree.indent(root)
    body: str = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'.encode()
