"""Who speaks for `say` and `batch`: a running service if there is one that serves the version, else a worker of their own."""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from indextts_hub.errors import Busy, PolicyError, UsageError

if TYPE_CHECKING:
    import httpx2

    from indextts_hub.settings import Settings
    from synth import Caption, Synthesizer
    from synth.audio.formats import Format

__all__ = [
    "EmotionText",
    "EmotionVoice",
    "Intensity",
    "Language",
    "Model",
    "Pitch",
    "Said",
    "Sampled",
    "SegmentLength",
    "Speak",
    "Speed",
    "Volume",
    "Wish",
    "clip_of",
    "drawn",
    "speaker",
]

_VOICE_ID = re.compile(r"voice_[0-9a-f]{1,40}")

Model = Annotated[str | None, typer.Option("--model", metavar="REF", help="The version that speaks.", show_default=False)]
Intensity = Annotated[float, typer.Option("--intensity", min=0, max=1, help="How strong the emotion is.")]
Speed = Annotated[float, typer.Option("--speed", min=0.5, max=2, help="Above 1 is faster.")]
EmotionVoice = Annotated[
    str | None, typer.Option("--emotion-voice", metavar="ID_OR_FILE", help="Whose mood is taken.", show_default=False)
]
EmotionText = Annotated[str | None, typer.Option("--emotion-text", help="A text whose mood is taken.", show_default=False)]
Pitch = Annotated[float, typer.Option("--pitch", min=-12, max=12, help="Semitones.")]
Volume = Annotated[float, typer.Option("--volume", min=-20, max=20, help="Decibels.")]
Language = Annotated[str, typer.Option("--language", metavar="TAG", help="zh, en, …; the version's first.", show_default=False)]
SegmentLength = Annotated[
    int | None, typer.Option("--segment-length", min=10, max=200, help="Characters of one segment, at most.", show_default=False)
]
Sampled = Annotated[
    list[str], typer.Option("--sampling", metavar="NAME=NUMBER", help="How it draws: temperature, top_p, top_k, ….")
]


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be spoken, and how; None is the speaker's own way. A voice is an id that a service keeps, or a clip's path."""

    text: str
    form: "Format"
    model: str | None = None
    emotion: str | None = None
    intensity: float = 0.5
    speed: float = 1.0
    voice: str | None = None
    seed: int = 0
    emotion_voice: str | None = None
    emotion_text: str | None = None
    pitch: float = 0.0
    volume: float = 0.0
    language: str = ""
    sampling: Mapping[str, float] = field(default_factory=dict)
    segment_length: int | None = None

    @property
    def clips(self) -> bool:
        """Whether a voice is named by a file of this machine, which no service keeps."""
        return any(voice is not None and Path(voice).is_file() for voice in (self.voice, self.emotion_voice))


@dataclass(frozen=True, slots=True)
class Said:
    """What was spoken: a whole labelled file, its length in seconds, by which version, when each segment is heard."""

    by: str
    audio: bytes
    duration: float
    version: str
    digest: str
    segments: "tuple[Caption, ...]"
    warnings: tuple[str, ...]


Speak: TypeAlias = Callable[[Wish], Said]


def drawn(said: list[str]) -> Mapping[str, float]:
    """What `--sampling` says.

    Raises:
        UsageError: E_CONTROL, for what is no number.
    """
    found: dict[str, float] = {}
    for each in said:
        name, _, value = each.partition("=")
        try:
            found[name] = float(value)
        except ValueError:
            raise UsageError(f"{each[:40]!a} says no number", remedy="write temperature=0.7", code="E_CONTROL") from None
    return found


@contextmanager
def speaker(model: str | None, cache_dir: Path | None) -> Iterator[Speak]:
    """Something that speaks wishes, one after the other. It asks a service as long as one serves them; then a worker is started.

    Raises:
        HubError: as what speaks says it.
    """
    from indextts_hub.settings import Settings

    settings = Settings()
    with ExitStack() as opened:
        service = _service(settings, opened)
        worker: Synthesizer | None = None

        def speak(wish: Wish) -> Said:
            nonlocal worker
            if worker is None:
                said = None if service is None or wish.clips else _by_service(wish, service, settings)
                if said is not None:
                    return said
                worker = opened.enter_context(_worker(model, cache_dir, settings))
            voice, emotion_voice = clip_of(wish.voice, cache_dir), clip_of(wish.emotion_voice, cache_dir)
            return _by_worker(replace(wish, voice=voice, emotion_voice=emotion_voice), worker)

        yield speak


def clip_of(voice: str | None, cache_dir: Path | None) -> str | None:
    """The clip of a voice: a file of this machine, or the one that a service of this store keeps under that id."""
    if voice is None or Path(voice).is_file() or not _VOICE_ID.fullmatch(voice):
        return voice
    from indextts_hub import Hub

    kept = Hub(cache_dir=cache_dir).store.root / "voices" / f"{voice}.wav"
    return str(kept) if kept.is_file() else voice


def _service(settings: "Settings", opened: ExitStack) -> "httpx2.Client | None":
    import httpx2

    # A long text may take as long as it takes; that somebody is there is seen within a second.
    limits = httpx2.Timeout(1.0, read=600.0)
    headers = {"Authorization": f"Bearer {settings.key.get_secret_value()}"} if settings.key else {}
    client = opened.enter_context(httpx2.Client(base_url=settings.server, timeout=limits, headers=headers))
    try:
        # Whether anybody is there is seen at once; a machine that is busy may take a while to say who.
        is_ours = client.get("/healthz", timeout=httpx2.Timeout(1.0, read=5.0)).json().get("service") == "indextts-hub"
    except (httpx2.HTTPError, ValueError, AttributeError):
        return None
    return client if is_ours else None


def _by_service(wish: Wish, client: "httpx2.Client", settings: "Settings") -> Said | None:
    from pydantic import TypeAdapter

    from synth import Caption
    from synth.engines.able import sampling_of

    asked = {each.name: getattr(wish, each.name) for each in fields(wish) if each.name not in {"form", "sampling"}}
    asked |= {"format": wish.form.name, "sampling": sampling_of(wish.sampling).given()}
    answer = _answer(client, asked, settings.wait)
    if answer.status_code in {404, 503}:
        return None  # it serves other versions, or none yet; a worker of our own can do it
    if answer.status_code in {401, 403}:
        raise PolicyError(
            f"the service at {settings.server} does not let this in: {answer.json()['title']}",
            remedy="set INDEXTTS_HUB_KEY to a key of the service, or INDEXTTS_HUB_SERVER to another",
            code=answer.json()["code"],
        )
    if answer.status_code == 429:
        raise Busy(answer.json()["title"], remedy=answer.json()["remedy"], code=answer.json()["code"])
    if answer.status_code != 200:
        problem = answer.json()
        raise UsageError(problem["title"], remedy=problem["remedy"], code=problem["code"])
    spoken = answer.json()
    audio = client.get(spoken["audio_url"])
    audio.raise_for_status()
    used = spoken["model"]
    captions = TypeAdapter(tuple[Caption, ...]).validate_python(spoken["segments"])
    return Said("service", audio.content, spoken["duration"], used["version"], used["digest"], captions, tuple(spoken["warnings"]))


def _answer(client: "httpx2.Client", asked: dict[str, object], patience: float) -> "httpx2.Response":
    """The service's answer; where it says to come back later, that is done, as long as patience lasts in seconds."""
    end = time.monotonic() + patience
    while True:
        answer = client.post("/synthesize", json=asked)
        wait = float(answer.headers.get("retry-after", "1"))
        if answer.status_code != 429 or time.monotonic() + wait > end:
            return answer
        time.sleep(wait)


def _worker(model: str | None, cache_dir: Path | None, settings: "Settings") -> "Synthesizer":
    from synth import Marks, Synthesizer
    from synth.audio.cue import Cue

    return Synthesizer(model or "lite", cache_dir=cache_dir, marks=Marks(settings.producer, Cue(settings.cue)))


def _by_worker(wish: Wish, worker: "Synthesizer") -> Said:
    from synth.audio.encode import check_encoder
    from synth.emotion import NEUTRAL
    from synth.engines.able import sampling_of

    check_encoder(wish.form)
    speech = worker.synthesize(
        wish.text,
        emotion=wish.emotion or NEUTRAL,
        intensity=wish.intensity,
        speed=wish.speed,
        seed=wish.seed,
        voice=wish.voice,
        emotion_voice=wish.emotion_voice,
        emotion_text=wish.emotion_text,
        pitch=wish.pitch,
        volume=wish.volume,
        language=wish.language,
        sampling=sampling_of(wish.sampling),
        segment_length=wish.segment_length,
    )
    audio, used = speech.encoded(wish.form), speech.model
    return Said("worker", audio, speech.duration, used.version, used.digest, speech.segments, speech.warnings)
