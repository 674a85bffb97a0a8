"""What an engine takes of a machine. Pure, and imports nothing: it is asked before anything of an engine is installed."""

__all__ = ["memory_needed"]

# Python, torch, and room to compute, besides the weights. A guess until it was loaded once.
_ENGINE_BYTES = 400 * 2**20
_WEIGHTS_FACTOR = 1.5


def memory_needed(weights: int) -> int:
    """Bytes of memory that a worker takes, roughly, for so many bytes of weights."""
    return _ENGINE_BYTES + round(weights * _WEIGHTS_FACTOR)
