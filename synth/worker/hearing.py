"""What was heard of one task and is not taken yet: bounded, so that whoever brings more waits, and with it the worker.

One brings and one takes. A worker may say as much of a segment as one frame holds, in however many pieces, and nothing behind it.
"""

import asyncio
from typing import TypeAlias

from indextts_hub.errors import HubError
from synth.worker.wire import LARGEST_FRAME, Cancelled, Done, Failed, SegmentReady, WireError

__all__ = ["UNTAKEN", "Ending", "Hearing"]

UNTAKEN = 16
"""Pieces that may lie untaken. Whoever takes them keeps up with a worker, and has one or two; more is a service that is overrun."""

# What a piece counts as at least, in bytes: empty ones are endless, too.
_LEAST = 1024

Ending: TypeAlias = Done | Cancelled | Failed | HubError
"""How a task ends: as the worker says, or as the worker itself did."""


class Hearing:
    """The pieces of one task, and its end behind them."""

    def __init__(self, segments: int) -> None:
        """Begin to hear of a task of so many segments."""
        self._frames: asyncio.Queue[SegmentReady | Ending] = asyncio.Queue(UNTAKEN + 1)
        self._room = asyncio.Semaphore(UNTAKEN)
        self._left = False
        # Bytes that may still be said of each segment; none of one that is over.
        self._allowed = [LARGEST_FRAME] * segments

    async def put(self, piece: SegmentReady) -> None:
        """Take in a piece as soon as there is room for it.

        Raises:
            WireError: of a segment that nobody asked for, behind its end, or more of it than there may be.
        """
        size = max(len(piece.speech.samples), _LEAST)
        if not 0 <= piece.index < len(self._allowed) or size > self._allowed[piece.index]:
            raise WireError("more was said than there may be")
        self._allowed[piece.index] = 0 if piece.speech.ends else self._allowed[piece.index] - size
        if self._left:
            return
        await self._room.acquire()
        if not self._left:
            self._frames.put_nowait(piece)

    def end(self, how: Ending) -> None:
        """Take in the end, for which there is always room."""
        self._frames.put_nowait(how)

    async def take(self) -> SegmentReady | Ending:
        """Wait for what was heard next."""
        frame = await self._frames.get()
        if isinstance(frame, SegmentReady):
            self._room.release()
        return frame

    def leave(self) -> None:
        """Nobody takes any more: what comes is forgotten, and nobody waits for room."""
        self._left = True
        self._room.release()
