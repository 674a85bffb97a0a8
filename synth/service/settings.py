"""What a deployment may choose about the service. Values; read at the edge and handed down."""

from dataclasses import dataclass, field
from pathlib import Path

from synth.audio.label import Marks
from synth.service.edge import Bounds
from synth.service.limits import Allowance
from synth.worker.process import TimeLimits
from synth.worker.weights import Holding

__all__ = ["ServiceSettings"]


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """How the service behaves.

    Attributes:
        audio: folder for the audio files of finished tasks.
        voices: folder for the clips of voices and the recordings of consents.
        database_url: where tasks are recorded.
        queue: requests that may wait for one version; more are told to come back. Sixteen sentences are about a minute's work.
        longest_wait: seconds that one may wait for its turn.
        longest_text: characters of one request.
        bodies: of requests: the longest text in JSON, with all of it escaped, and room.
        uploads: of requests with clips or batch files: a clip and a recorded consent of 10 MiB each.
        limits: how long to wait for an engine.
        allowance: how much one asker may have.
        marks: how speech is labelled.
        keep_deleted: days after which what was deleted is purged; None for never.
        holding: how the files that are served are kept what they were.
        asks_for_keys: whether requests need an API key or a session.
        hosts: names under which the service may be addressed; none: any. A service without keys that only this machine reaches
            has some, so that no web page can reach it under a name of its own.
    """

    audio: Path
    voices: Path
    database_url: str
    queue: int = 16
    longest_wait: float = 600.0
    longest_text: int = 20_000
    bodies: Bounds = Bounds(2**20, 30.0)  # noqa: RUF009 - frozen
    uploads: Bounds = Bounds(21 * 2**20, 120.0)  # noqa: RUF009 - frozen
    limits: TimeLimits = field(default_factory=TimeLimits)
    allowance: Allowance = Allowance()  # noqa: RUF009 - frozen
    marks: Marks = Marks()  # noqa: RUF009 - frozen
    keep_deleted: float | None = 30.0
    holding: Holding = Holding.AUTO
    asks_for_keys: bool = False
    hosts: tuple[str, ...] = ()
