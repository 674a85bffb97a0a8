"""`say`: a text into a file, by a running service if there is one, else by a worker of its own."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import CacheDir, Quiet, ToJson
from cli.render import write_json, write_line
from indextts_hub.errors import PolicyError, UsageError

if TYPE_CHECKING:
    from synth.audio.formats import Format

__all__ = ["say"]


@dataclass(frozen=True, slots=True)
class _Wish:
    text: str
    model: str | None
    emotion: str | None
    intensity: float
    speed: float
    voice: str | None
    form: "Format"


@dataclass(frozen=True, slots=True)
class _Said:
    """What was spoken: the file's bytes are on the disk by then."""

    by: str
    duration: float
    version: str
    digest: str
    segments: list[dict[str, str | float]]
    warnings: list[str]


def say(  # noqa: PLR0913, PLR0917 - a command has as many options as it has
    text: Annotated[str, typer.Argument(help="What is spoken; - reads it from standard input.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Where the speech goes.")] = Path("speech.wav"),
    model: Annotated[
        str | None, typer.Option("--model", metavar="REF", help="The version that speaks.", show_default=False)
    ] = None,
    emotion: Annotated[str | None, typer.Option("--emotion", help="neutral, happy, … or 高兴, ….", show_default=False)] = None,
    intensity: Annotated[float, typer.Option("--intensity", min=0, max=1, help="How strong the emotion is.")] = 0.5,
    speed: Annotated[float, typer.Option("--speed", min=0.5, max=2, help="Above 1 is faster.")] = 1.0,
    voice: Annotated[str | None, typer.Option("--voice", metavar="ID_OR_FILE", help="Whose voice.", show_default=False)] = None,
    form: Annotated[
        str | None,
        typer.Option("--format", metavar="F", help="wav, flac, mp3, ogg, opus or pcm; by FILE's end.", show_default=False),
    ] = None,
    cache_dir: CacheDir = None,
    quiet: Quiet = False,
    to_json: ToJson = False,
) -> None:
    """Speak a text into a file."""
    from synth.audio.formats import format_named, format_of_path

    spoken = sys.stdin.read() if text == "-" else text
    chosen = format_named(form) if form else format_of_path(output)
    wish = _Wish(spoken, model, emotion, intensity, speed, voice, chosen)
    began = time.monotonic()
    with _busy(quiet=quiet or to_json):
        said = _by_service(wish, output) or _by_worker(wish, output, cache_dir)
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
                "segments": said.segments,
                "warnings": said.warnings,
                "by": said.by,
                "seconds": round(seconds, 3),
            }
        )
    elif not quiet:
        write_line(f"{output}: {said.duration:.1f} s of speech by {said.version}, in {seconds:.1f} s")


def _by_service(wish: _Wish, output: Path) -> _Said | None:
    """Ask the service, if one answers that serves the version."""
    import httpx2

    from indextts_hub.settings import Settings
    from indextts_hub.store.durable import write_durably

    asked = {
        "text": wish.text,
        "model": wish.model,
        "emotion": wish.emotion,
        "intensity": wish.intensity,
        "speed": wish.speed,
        "voice": wish.voice,
        "format": wish.form.name,
    }
    # A long text may take as long as it takes; that somebody is there is seen within a second.
    limits = httpx2.Timeout(1.0, read=600.0)
    settings = Settings()
    headers = {"Authorization": f"Bearer {settings.key.get_secret_value()}"} if settings.key else {}
    with httpx2.Client(base_url=settings.server, timeout=limits, headers=headers) as client:
        try:
            if client.get("/healthz", timeout=1.0).json().get("service") != "indextts-hub":
                return None
        except (httpx2.HTTPError, ValueError, AttributeError):
            return None
        answer = client.post("/synthesize", json=asked)
        if answer.status_code in {404, 503}:
            return None  # it serves other versions, or none yet; a worker of our own can do it
        if answer.status_code in {401, 403}:
            raise PolicyError(
                f"the service at {settings.server} does not let this in: {answer.json()['title']}",
                remedy="set INDEXTTS_HUB_KEY to a key of the service, or INDEXTTS_HUB_SERVER to another",
                code=answer.json()["code"],
            )
        if answer.status_code != 200:
            problem = answer.json()
            raise UsageError(problem["title"], remedy=problem["remedy"], code=problem["code"])
        spoken = answer.json()
        audio = client.get(spoken["audio_url"])
        audio.raise_for_status()
    write_durably(output, audio.content)
    used = spoken["model"]
    return _Said("service", spoken["duration"], used["version"], used["digest"], spoken["segments"], spoken["warnings"])


def _by_worker(wish: _Wish, output: Path, cache_dir: Path | None) -> _Said:
    from dataclasses import asdict

    from synth import Synthesizer
    from synth.emotion import NEUTRAL

    with Synthesizer(wish.model or "lite", cache_dir=cache_dir) as synthesizer:
        speech = synthesizer.synthesize(
            wish.text,
            emotion=wish.emotion or NEUTRAL,
            intensity=wish.intensity,
            speed=wish.speed,
            voice=wish.voice,
        )
    speech.save(output, wish.form)
    segments = [asdict(segment) for segment in speech.segments]
    return _Said("worker", speech.duration, speech.model.version, speech.model.digest, segments, list(speech.warnings))


@contextmanager
def _busy(*, quiet: bool) -> Iterator[None]:
    if quiet or not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status("speaking…"):
        yield
