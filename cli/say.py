"""`say`: a text into a file, by a running service if there is one, else by a worker of its own."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cli.options import CacheDir, Quiet, ToJson
from cli.render import write_json, write_line
from cli.speaking import (
    EmotionText,
    EmotionVoice,
    Intensity,
    Language,
    Model,
    Pitch,
    Sampled,
    SegmentLength,
    Speed,
    Volume,
    Wish,
    drawn,
    speaker,
)

__all__ = ["say"]


class By(StrEnum):
    """What a caption shows."""

    SEGMENT = "segment"
    WORD = "word"


def say(  # noqa: PLR0913, PLR0917 - a command has as many options as it has
    text: Annotated[str, typer.Argument(help="What is spoken; - reads it from standard input.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Where the speech goes.")] = Path("speech.wav"),
    model: Model = None,
    emotion: Annotated[
        str | None, typer.Option("--emotion", help="neutral, happy, … or 高兴, …; auto: by the words.", show_default=False)
    ] = None,
    intensity: Intensity = 0.5,
    speed: Speed = 1.0,
    voice: Annotated[str | None, typer.Option("--voice", metavar="ID_OR_FILE", help="Whose voice.", show_default=False)] = None,
    emotion_voice: EmotionVoice = None,
    emotion_text: EmotionText = None,
    pitch: Pitch = 0.0,
    volume: Volume = 0.0,
    language: Language = "",
    sampling: Sampled = [],  # noqa: B006
    segment_length: SegmentLength = None,
    form: Annotated[
        str | None,
        typer.Option("--format", metavar="F", help="wav, flac, mp3, ogg, opus, aac or pcm; by FILE's end.", show_default=False),
    ] = None,
    captions: Annotated[
        Path | None, typer.Option("--captions", metavar="FILE", help="Write captions, too: .srt or .vtt.", show_default=False)
    ] = None,
    captions_by: Annotated[By, typer.Option("--captions-by", help="What a caption shows: a segment, or a word.")] = By.SEGMENT,
    cache_dir: CacheDir = None,
    quiet: Quiet = False,
    to_json: ToJson = False,
) -> None:
    """Speak a text into a file.

    In the text, `[happy 0.8]` changes the emotion, `<break 500ms>` is silence, `<行|XING2>` fixes a reading.
    """
    from indextts_hub.store.durable import write_durably
    from synth.audio.captions import by_word, captions_for
    from synth.audio.formats import format_named, format_of_path

    spoken = sys.stdin.read() if text == "-" else text
    chosen = format_named(form) if form else format_of_path(output)
    written = None if captions is None else captions_for(captions)
    wish = Wish(
        text=spoken,
        form=chosen,
        model=model,
        emotion=emotion,
        intensity=intensity,
        speed=speed,
        voice=voice,
        emotion_voice=emotion_voice,
        emotion_text=emotion_text,
        pitch=pitch,
        volume=volume,
        language=language,
        sampling=drawn(sampling),
        segment_length=segment_length,
    )
    began = time.monotonic()
    with _busy(quiet=quiet or to_json), speaker(model, cache_dir) as speak:
        said = speak(wish)
    write_durably(output, said.audio)
    if captions is not None and written is not None:
        shown = by_word(said.segments) if captions_by is By.WORD else said.segments
        write_durably(captions, written(shown).encode())
    seconds = time.monotonic() - began
    for warning in said.warnings:
        sys.stderr.write(f"note: {warning}\n")
    if to_json:
        write_json(
            {
                "path": output,
                "format": chosen.name,
                "duration": said.duration,
                "model": {"version": said.version, "digest": said.digest},
                "segments": [asdict(segment) for segment in said.segments],
                "warnings": list(said.warnings),
                "by": said.by,
                "seconds": round(seconds, 3),
            }
        )
    elif not quiet:
        write_line(f"{output}: {said.duration:.1f} s of speech by {said.version}, in {seconds:.1f} s")


@contextmanager
def _busy(*, quiet: bool) -> Iterator[None]:
    if quiet or not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status("speaking…"):
        yield
