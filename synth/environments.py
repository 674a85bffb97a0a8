"""From the engine a manifest names to what a worker is started with: which module speaks, and with which Python."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from indextts_hub.errors import NotFound
from synth.worker.process import Launch, Proof

__all__ = ["ENGINES", "launch_for"]

ENGINES: Mapping[str, str] = MappingProxyType({"fastspeech2": "synth.engines.fastspeech2.engine"})
"""The engines this program can start, by the name that manifests give them, and the module whose `load` makes each."""


def launch_for(engine: str, snapshot: Path, proof: Proof | None = None) -> Launch:
    """Return how a worker is started for the files of a version.

    Args:
        proof: what they must turn out to be while they are loaded.

    Raises:
        NotFound: E_NO_ENGINE, naming the engines there are.
    """
    module = ENGINES.get(engine)
    if module is None:
        raise NotFound(
            f"there is no engine {engine[:60]!a} here that could speak this version",
            remedy=f"choose a version for one of these engines: {', '.join(sorted(ENGINES))}",
            code="E_NO_ENGINE",
        )
    return Launch(module, snapshot, proof=proof)
