"""`batch`: the lines of a file into audio and captions."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
    Speak,
    Speed,
    Volume,
    Wish,
    drawn,
    speaker,
)
from indextts_hub.errors import NotFound, UsageError

if TYPE_CHECKING:
    from synth.batch import LineAudio, LineDone
    from synth.lines import Line

__all__ = ["batch"]

_MOODS = {"emotion", "emotion_voice", "emotion_text"}


def batch(  # noqa: PLR0913, PLR0917 - a command has as many options as it has
    file: Annotated[Path, typer.Argument(help="CSV whose first row names `text`, JSON Lines, or SRT.", show_default=False)],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FOLDER", help="Where it goes; FILE's name if left out.")
    ] = None,
    model: Model = None,
    emotion: Annotated[str | None, typer.Option("--emotion", help="Of lines that name none.")] = None,
    intensity: Intensity = 0.5,
    speed: Speed = 1.0,
    voice: Annotated[str | None, typer.Option("--voice", metavar="ID_OR_FILE", help="Of lines that name none.")] = None,
    emotion_voice: EmotionVoice = None,
    emotion_text: EmotionText = None,
    pitch: Pitch = 0.0,
    volume: Volume = 0.0,
    language: Language = "",
    sampling: Sampled = [],  # noqa: B006
    segment_length: SegmentLength = None,
    form: Annotated[str, typer.Option("--format", metavar="F", help="wav, flac, mp3, ogg, opus, aac or pcm.")] = "wav",
    join: Annotated[bool, typer.Option("--join", help="Also one file of all lines; an SRT's at its times. Only wav.")] = False,
    cache_dir: CacheDir = None,
    quiet: Quiet = False,
    to_json: ToJson = False,
) -> None:
    """Speak the lines of a file: audio and captions for each, and captions for all of them. Run it again to go on.

    A line may name its files, and whatever of this holds for it, by the options' names; what it leaves out is as they say.
    """
    from indextts_hub.store.durable import write_durably
    from synth.audio.captions import Caption, to_srt
    from synth.audio.formats import format_named
    from synth.batch import join_waves, placed, speak_lines

    chosen = format_named(form)
    if join and chosen.name != "wav":
        raise UsageError("only wav files are joined", remedy="leave --format out", code="E_FORMAT")
    lines = _lines(file)
    folder = output or file.with_suffix("")
    common = Wish(
        text="",
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
    done: list[LineDone] = []
    with speaker(model, cache_dir) as speak:
        for line in speak_lines(lines, folder, chosen.suffix, repr(common), lambda line: _spoken(line, common, speak)):
            done.append(line)
            if not (quiet or to_json):
                sys.stderr.write(f"{len(done)}/{len(lines)} {line.file}: {line.duration:.1f} s{' before' if line.before else ''}\n")
    starts = placed(done)
    captions = [
        Caption(at.text, start + at.start, start + at.end) for line, start in zip(done, starts, strict=True) for at in line.captions
    ]
    write_durably(folder / "all.srt", to_srt(captions).encode())
    if join:
        join_waves(folder, done, folder / "all.wav")
    _tell(folder, done, to_json=to_json, quiet=quiet)


def _lines(file: Path) -> "tuple[Line, ...]":
    from synth.lines import read_lines

    try:
        body = file.read_bytes()
    except OSError as error:
        raise NotFound(f"{file} can't be read: {error.strerror}", remedy="give a file that is there", code="E_NO_FILE") from None
    try:
        content = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        # What spreadsheets on Chinese systems save as CSV.
        content = body.decode("gb18030", errors="replace")
        if "\ufffd" in content:
            raise UsageError(f"{file} is no text", remedy="save it as UTF-8", code="E_BATCH") from None
    return read_lines(content, file.suffix.lower().removeprefix("."))


def _spoken(line: "Line", common: Wish, speak: Speak) -> "LineAudio":
    from synth.batch import LineAudio

    own = line.asked()
    asked = {name: getattr(common, name) for name in Wish.__slots__} | {"text": line.text}
    # A line's own emotion stands in place of the common one, whichever way either is given.
    unsaid = dict.fromkeys(_MOODS) if own.keys() & _MOODS else {}
    said = speak(Wish(**{**asked, **unsaid, **own}))
    for warning in said.warnings:
        sys.stderr.write(f"note: line {line.number}: {warning}\n")
    return LineAudio(said.audio, said.duration, said.segments)


def _tell(folder: Path, done: "list[LineDone]", *, to_json: bool, quiet: bool) -> None:
    seconds = sum(line.duration for line in done)
    if to_json:
        rows = [
            {"line": line.line.number, "file": line.file, "duration": line.duration, "before": line.before}
            | {"segments": [asdict(at) for at in line.captions]}
            for line in done
        ]
        write_json({"path": folder, "lines": rows, "duration": round(seconds, 3)})
    elif not quiet:
        write_line(f"{folder}: {len(done)} lines, {seconds:.1f} s of speech, captions in all.srt")
