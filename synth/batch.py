"""A batch file into a folder: audio and captions for each line, and captions for all of them; a run that was stopped goes on.

What is done stands in `batch.jsonl` in the folder, a line each, written when its audio is on the disk. A line is done if it was
asked for in the same way and its file still is what was written; everything else is spoken again.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import BaseModel, ValidationError

from indextts_hub.errors import UsageError
from indextts_hub.store.durable import make_folder, sync_descriptor, write_durably
from indextts_hub.store.trouble import storage_errors
from synth.audio.captions import Caption, to_srt
from synth.lines import Line

__all__ = ["JOURNAL", "LineAudio", "LineDone", "join_waves", "placed", "speak_lines"]

JOURNAL = "batch.jsonl"


@dataclass(frozen=True, slots=True)
class LineAudio:
    """A line as it was spoken: a whole file, its length in seconds, when each segment is heard."""

    audio: bytes
    duration: float
    captions: tuple[Caption, ...]


@dataclass(frozen=True, slots=True)
class LineDone:
    """A line that is done: its file's name in the folder, and whether it was before this run."""

    line: Line
    file: str
    duration: float
    captions: tuple[Caption, ...]
    before: bool


class _Entry(BaseModel):
    """A line of the journal."""

    asked: str
    file: str
    sha256: str
    duration: float
    captions: tuple[Caption, ...]


def speak_lines(
    lines: Sequence[Line], folder: Path, suffix: str, how: str, speak: Callable[[Line], LineAudio]
) -> Iterator[LineDone]:
    """Speak what is not done yet, giving each line as it is done.

    Args:
        folder: made if it is not there; its parent must be.
        suffix: of the audio files, with the dot.
        how: what else is asked for; lines that were spoken in another way are spoken again.

    Raises:
        HubError: of `speak`; what is done until then stays.
        StorageError: the folder can't be written.
    """
    make_folder(folder)
    entries = {entry.file: entry for entry in _journal(folder / JOURNAL)}
    for line in lines:
        name = line.name or f"{line.number:05}"
        file = f"{name}{suffix}"
        asked = hashlib.sha256(json.dumps([asdict(line), how], ensure_ascii=False).encode()).hexdigest()
        entry = entries.get(file)
        before = entry is not None and entry.asked == asked and _sha256(folder / file) == entry.sha256
        if entry is None or not before:
            spoken = speak(line)
            write_durably(folder / file, spoken.audio)
            entry = _Entry(
                asked=asked,
                file=file,
                sha256=hashlib.sha256(spoken.audio).hexdigest(),
                duration=spoken.duration,
                captions=spoken.captions,
            )
            write_durably(folder / f"{name}.srt", to_srt(spoken.captions).encode())
            _append(folder / JOURNAL, entry)
        yield LineDone(line, file, entry.duration, entry.captions, before)


def placed(done: Sequence[LineDone]) -> list[float]:
    """Where each line begins when all are heard in a row, in seconds: where an SRT has it, or behind the one before."""
    starts: list[float] = []
    end = 0.0
    for line in done:
        starts.append(max(end, line.line.start or 0.0))
        end = starts[-1] + line.duration
    return starts


def join_waves(folder: Path, done: Sequence[LineDone], output: Path) -> None:
    """Write the lines' WAV files as one, each where `placed` has it.

    Raises:
        UsageError: E_FORMAT, if they are not WAV files of one rate.
        StorageError: it can't be written.
    """
    import io

    import numpy as np
    import soundfile

    rate = 0
    pieces: list[np.ndarray[tuple[int, ...], np.dtype[np.int16]]] = []
    length = 0
    for line, start in zip(done, placed(done), strict=True):
        samples, own = soundfile.read(folder / line.file, dtype="int16")
        if rate not in {0, own} or not line.file.endswith(".wav"):
            raise UsageError("these files can't be joined", remedy="speak them as wav, by one version", code="E_FORMAT")
        rate = own
        silence = max(0, round(start * rate) - length)
        pieces += [np.zeros(silence, np.int16), samples]
        length += silence + len(samples)
    whole = io.BytesIO()
    soundfile.write(whole, np.concatenate(pieces), rate, format="WAV", subtype="PCM_16")
    write_durably(output, whole.getvalue())


def _journal(path: Path) -> Iterator[_Entry]:
    try:
        body = path.read_bytes()
    except FileNotFoundError:
        return
    for text in body.splitlines():
        try:
            yield _Entry.model_validate_json(text)
        except ValidationError:
            continue  # it was being written when the machine went down, or is somebody else's: its line is spoken again


def _append(path: Path, entry: _Entry) -> None:
    with storage_errors(path), path.open("ab") as file:
        # A line before it that was cut off when the machine went down must not take this one along.
        file.write(b"\n" + entry.model_dump_json().encode() + b"\n")
        file.flush()
        sync_descriptor(file.fileno())


def _sha256(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return None
