"""What a deployment may choose about the service. Values; read at the edge and handed down."""

from dataclasses import dataclass, field
from pathlib import Path

from synth.worker.process import TimeLimits

__all__ = ["ServiceSettings"]


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """How the service behaves.

    Attributes:
        audio: folder for the audio files of finished tasks.
        database_url: where tasks are recorded.
        queue: requests that may wait for one version; more are told to come back. Sixteen sentences are about a minute's work.
        longest_text: characters of one request.
        largest_body: bytes of one request's body: the longest text in JSON, with all of it escaped, and room.
        body_seconds: how long a body may take to arrive.
        limits: how long to wait for an engine.
        asks_for_keys: whether requests need an API key or a session.
        hosts: names under which the service may be addressed; none: any. A service without keys that only this machine reaches
            has some, so that no web page can reach it under a name of its own.
    """

    audio: Path
    database_url: str
    queue: int = 16
    longest_text: int = 20_000
    largest_body: int = 2**20
    body_seconds: float = 30.0
    limits: TimeLimits = field(default_factory=TimeLimits)
    asks_for_keys: bool = False
    hosts: tuple[str, ...] = ()
