"""What a worker says waits in bounded room until it is taken."""

import asyncio
from collections.abc import Coroutine

import pytest

from synth.engines.protocol import SegmentSpeech
from synth.worker.hearing import UNTAKEN, Hearing
from synth.worker.wire import LARGEST_FRAME, Done, SegmentReady, WireError


def piece(index: int = 0, samples: bytes = b"", *, ends: bool = False) -> SegmentReady:
    return SegmentReady("a", index, SegmentSpeech(samples, ends=ends))


async def settled(work: Coroutine[None, None, None]) -> asyncio.Task[None]:
    """The work, after it did all that it can do now."""
    task = asyncio.create_task(work)
    for _ in range(10):
        await asyncio.sleep(0)
    return task


async def full() -> tuple[Hearing, asyncio.Task[None]]:
    hearing = Hearing(1)
    for _ in range(UNTAKEN):
        await hearing.put(piece())
    return hearing, await settled(hearing.put(piece(samples=b"late")))


def test_whoever_brings_more_than_there_is_room_for_waits_until_some_is_taken() -> None:
    async def story() -> None:
        hearing, bringing = await full()
        assert not bringing.done()
        taken = [await hearing.take()]
        await bringing
        taken += [await hearing.take() for _ in range(UNTAKEN)]
        assert taken == [piece()] * UNTAKEN + [piece(samples=b"late")]

    asyncio.run(story())


def test_when_nobody_takes_any_more_nobody_waits_for_room() -> None:
    async def story() -> None:
        hearing, bringing = await full()
        hearing.leave()
        await bringing
        for _ in range(3 * UNTAKEN):
            await hearing.put(piece())
        hearing.end(Done("a"))
        assert [await hearing.take() for _ in range(UNTAKEN + 1)] == [piece()] * UNTAKEN + [Done("a")]

    asyncio.run(story())


def test_the_end_is_heard_behind_all_pieces_and_needs_no_room() -> None:
    async def story() -> None:
        hearing = Hearing(1)
        for _ in range(UNTAKEN):
            await hearing.put(piece())
        hearing.end(Done("a"))
        assert [await hearing.take() for _ in range(UNTAKEN + 1)][-1] == Done("a")

    asyncio.run(story())


@pytest.mark.parametrize(
    "said",
    [
        [piece(2)],
        [piece(-1)],
        [piece(1, ends=True), piece(1)],
        [piece(0, bytes(LARGEST_FRAME // 2))] * 3,
        [piece(0, bytes(LARGEST_FRAME), ends=True), piece(0, ends=True)],
    ],
)
def test_more_than_was_asked_for_or_than_there_may_be_is_an_error(said: list[SegmentReady]) -> None:
    async def story() -> None:
        hearing = Hearing(2)
        for one in said[:-1]:
            await hearing.put(one)
        with pytest.raises(WireError):
            await hearing.put(said[-1])

    asyncio.run(story())


def test_empty_pieces_have_an_end_too() -> None:
    async def story() -> None:
        hearing = Hearing(1)
        hearing.leave()
        for _ in range(LARGEST_FRAME):
            await hearing.put(piece())

    with pytest.raises(WireError):
        asyncio.run(story())
