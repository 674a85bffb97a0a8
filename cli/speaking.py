"""Who speaks for `say` and `batch`: a running service if there is one that serves the version, else a worker of their own."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from indextts_hub.errors import Busy, PolicyError, UsageError

if TYPE_CHECKING:
    import httpx2

    from indextts_hub.settings import Settings
    from synth import Caption, Synthesizer
    from synth.audio.formats import Format

__all__ = ["Said", "Speak", "Wish", "speaker"]


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be spoken, and how; None is the speaker's own way."""

    text: str
    form: "Format"
    model: str | None = None
    emotion: str | None = None
    intensity: float = 0.5
    speed: float = 1.0
    voice: str | None = None
    seed: int = 0


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
            if worker is None and service is not None and (said := _by_service(wish, service, settings)) is not None:
                return said
            if worker is None:
                worker = opened.enter_context(_worker(model, cache_dir, settings))
            return _by_worker(wish, worker)

        yield speak


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
    from synth import Caption

    asked = {name: value for name, value in asdict(wish).items() if name != "form"} | {"format": wish.form.name}
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
    segments = tuple(Caption(at["text"], at["start"], at["end"]) for at in spoken["segments"])
    return Said("service", audio.content, spoken["duration"], used["version"], used["digest"], segments, tuple(spoken["warnings"]))


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

    check_encoder(wish.form)
    speech = worker.synthesize(
        wish.text,
        emotion=wish.emotion or NEUTRAL,
        intensity=wish.intensity,
        speed=wish.speed,
        seed=wish.seed,
        voice=wish.voice,
    )
    audio, used = speech.encoded(wish.form), speech.model
    return Said("worker", audio, speech.duration, used.version, used.digest, speech.segments, speech.warnings)
