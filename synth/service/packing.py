"""Speech in one ZIP file: audio and captions of many tasks, written while it is sent."""

import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

from indextts_hub.db.tasks import SpokenTask
from synth.audio.captions import Caption, Word, to_srt

__all__ = ["Entry", "captions_of", "entries", "file_name", "numbered_name", "zipped"]

Entry: TypeAlias = "tuple[str, Path | str]"
"""A name in the ZIP file, and the file that goes there, or its text."""

_PIECE = 1 << 20
# With the number and the suffix well below the 255 bytes that a name may have, in Chinese as well.
_LONGEST_NAME = 40


class _Sink(io.RawIOBase):
    """A file that is only ever written on, and emptied in between."""

    def __init__(self) -> None:
        self._held = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, body: "bytes | memoryview") -> int:  # type: ignore[override]  # the buffers zipfile hands over are these
        self._held += body
        return len(body)

    def taken(self) -> bytes:
        taken = bytes(self._held)
        self._held.clear()
        return taken


def zipped(packed: Iterable[Entry]) -> Iterator[bytes]:
    """Write a ZIP file piece by piece; no more than a piece of it is in memory.

    Raises:
        OSError: a file is gone; what was given out so far is then no whole ZIP file, as its end is missing.
    """
    sink = _Sink()
    # Audio is compressed already, or is to be had at once.
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as file:
        for name, content in packed:
            if isinstance(content, str):
                file.writestr(name, content)
                yield sink.taken()
                continue
            with content.open("rb") as source, file.open(zipfile.ZipInfo.from_file(content, name), "w") as into:
                while piece := source.read(_PIECE):
                    into.write(piece)
                    yield sink.taken()
    yield sink.taken()


def entries(spoken: Sequence[tuple[str, SpokenTask, Path]]) -> Iterator[Entry]:
    """What is packed of tasks that are done: each one's audio and captions under its name, and the captions of all in a row.

    Args:
        spoken: names without a suffix, and where the audio lies.
    """
    whole: list[Caption] = []
    before = 0.0
    for name, task, path in spoken:
        captions = captions_of(task)
        yield f"{name}{path.suffix}", path
        yield f"{name}.srt", to_srt(captions)
        whole += [caption.later(before) for caption in captions]
        before += task.duration or 0.0
    yield "all.srt", to_srt(whole)


def captions_of(task: SpokenTask) -> list[Caption]:
    """When each segment of a task is heard."""
    return [
        Caption(at.text, at.start, at.end, tuple(Word(word.text, word.start, word.end) for word in at.words))
        for at in task.segments
    ]


def file_name(task: SpokenTask) -> str:
    """A name without a suffix that any system takes: as the task is called, or else its id."""
    return _plain(task.name or "") or f"speech-{task.id[:8]}"


def numbered_name(number: int, task: SpokenTask) -> str:
    """The same with a number, for files that lie side by side; a task without a name goes by how its text begins."""
    return f"{number:04}-{_plain(task.name or task.text) or task.id[:8]}"


def _plain(text: str) -> str:
    return re.sub(r"[^\w-]+", "-", text)[:_LONGEST_NAME].strip("-")
