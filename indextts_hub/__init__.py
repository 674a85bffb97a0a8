"""indextts-hub: verified IndexTTS model versions from whichever mirror works, kept, carried and proved.

from indextts_hub import Hub

snapshot = Hub().pull("lite")
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from indextts_hub.hub import Hub
    from indextts_hub.store import Snapshot

__all__ = ["Hub", "Snapshot", "__version__"]

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    # Looked up when it is asked for: `import indextts_hub` is on the way of every module below, and must cost nothing.
    if name == "Hub":
        from indextts_hub.hub import Hub

        return Hub
    if name == "Snapshot":
        from indextts_hub.store import Snapshot

        return Snapshot
    raise AttributeError(name)
