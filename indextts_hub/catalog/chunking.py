"""Writing chunk digests into a catalogue's text, which keeps its comments, its order and its style otherwise. Pure."""

from collections.abc import Iterator, Mapping

import yaml

from indextts_hub.catalog.tree import read_tree
from indextts_hub.errors import UsageError
from indextts_hub.manifest import ChunkDigests, Digest

__all__ = ["with_chunks"]

# So many digests a line: their hex digits fill an editor's window and no more.
A_LINE = 2


def with_chunks(text: str, origin: str, chunks: Mapping[Digest, ChunkDigests]) -> str:
    """The text of a catalogue in which each file with one of these digests has its chunk digests; those it had are replaced.

    Args:
        origin: the file's name, for errors.

    Raises:
        UsageError: E_CATALOG, if the text is no catalogue, does not list all of the files itself, or is written so that nothing can
            be added in its place.
    """
    read_tree(text.encode(), origin)
    found = yaml.compose(text, Loader=yaml.SafeLoader)
    if absent := set(chunks) - {_digest(node) for node in _files(found)}:
        raise UsageError(
            f"{origin} does not list {len(absent)} of the version's files itself",
            remedy="name the file that does with --catalog",
            code="E_CATALOG",
        )
    edits = {edit for node in _files(found) if (edit := _edit(node, chunks))}
    for start, stop, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[stop:]
    written = [_chunk_count(node) for node in _files(yaml.compose(text, Loader=yaml.SafeLoader)) if _digest(node) in chunks]
    expected = [len(chunks[digest].sha256) for node in _files(found) if (digest := _digest(node)) in chunks]
    if written != expected:
        raise UsageError(
            f"{origin} is written in a way that chunk digests can't be added to",
            remedy="write each file as {path: …, size: …, sha256: …}",
            code="E_CATALOG",
        )
    return text


def _files(node: yaml.Node | None) -> Iterator[yaml.MappingNode]:
    """All mappings that have a `path` and a `sha256`, wherever they stand."""
    if isinstance(node, yaml.MappingNode):
        if {"path", "sha256"} <= {str(key.value) for key, _ in node.value}:
            yield node
        for _, value in node.value:
            yield from _files(value)
    elif isinstance(node, yaml.SequenceNode):
        for part in node.value:
            yield from _files(part)


def _digest(node: yaml.MappingNode) -> Digest:
    return Digest(next(str(value.value) for key, value in node.value if key.value == "sha256"))


def _chunk_count(node: yaml.MappingNode) -> int:
    listed = next((value for key, value in node.value if key.value == "chunks"), None)
    digests = next((value for key, value in listed.value if key.value == "sha256"), None) if listed is not None else None
    return len(digests.value) if isinstance(digests, yaml.SequenceNode) else 0


def _edit(node: yaml.MappingNode, chunks: Mapping[Digest, ChunkDigests]) -> tuple[int, int, str] | None:
    """Where in the text something is replaced, and by what."""
    if (known := chunks.get(_digest(node))) is None:
        return None
    indent = " " * (node.start_mark.column + 1)
    lines = [", ".join(known.sha256[at : at + A_LINE]) for at in range(0, len(known.sha256), A_LINE)]
    digests = f",\n{indent}  ".join(lines)
    new = f"{{size: {known.size}, sha256: [\n{indent}  {digests}]}}"
    for key, value in node.value:
        if key.value == "chunks":
            return (
                value.start_mark.index,
                value.end_mark.index,
                new if value.flow_style else f"{new}\n{' ' * key.start_mark.column}",
            )
    last = node.value[-1][1].end_mark.index
    if node.flow_style:
        return last, last, f",\n{indent}chunks: {new}"
    key_column = node.value[0][0].start_mark.column
    end = max(value.end_mark.index for _, value in node.value if isinstance(value, yaml.ScalarNode))
    return end, end, f"\n{' ' * key_column}chunks: {new}"
