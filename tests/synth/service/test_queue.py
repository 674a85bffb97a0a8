"""Turns: one at a time, bounded, fair, and short work before long."""

import asyncio

import pytest

from synth.service.queue import QueueFull, Turns


async def speaks(turns: Turns, asker: str, said: list[str], *, turns_needed: int = 1, patient: bool = False) -> None:
    with turns.place():
        async with turns.turn(asker, patient=patient) as turn:
            for number in range(turns_needed):
                if number:
                    await turn.give_way()
                said.append(asker)
                await asyncio.sleep(0)


async def together(turns: Turns, *works: "asyncio.Future[None] | object") -> None:
    await asyncio.gather(*works)  # type: ignore[arg-type]
    assert (turns.waiting, turns.admitted) == (0, 0)


def test_askers_take_turns_whatever_each_has_queued() -> None:
    async def story() -> list[str]:
        said: list[str] = []
        turns = Turns(10)
        await together(turns, *(speaks(turns, asker, said) for asker in ("a", "a", "a", "a", "b", "c")))
        return said

    assert asyncio.run(story()) == ["a", "a", "b", "c", "a", "a"]


def test_a_long_one_gives_way_to_those_that_wait() -> None:
    async def story() -> list[str]:
        said: list[str] = []
        turns = Turns(10)
        await together(turns, speaks(turns, "book", said, turns_needed=4), speaks(turns, "line", said))
        return said

    assert asyncio.run(story()) == ["book", "line", "book", "book", "book"]


def test_a_patient_one_lets_all_others_go_first_but_not_for_ever() -> None:
    async def story() -> list[str]:
        said: list[str] = []
        turns = Turns(20)
        batch = speaks(turns, "batch", said, turns_needed=3, patient=True)
        await together(turns, batch, *(speaks(turns, "line", said) for _ in range(8)))
        return said

    assert asyncio.run(story()) == ["batch", *["line"] * 4, "batch", *["line"] * 4, "batch"]


def test_as_many_speak_at_once_as_the_engine_can_and_the_rest_in_rotation() -> None:
    async def story() -> tuple[list[str], int]:
        turns, said, speaking, most = Turns(10), [], 0, 0

        async def holds(asker: str) -> None:
            nonlocal speaking, most
            async with turns.turn(asker):
                said.append(asker)
                speaking += 1
                most = max(most, speaking)
                await asyncio.sleep(0.01)
                speaking -= 1

        turns.widen(2)
        await together(turns, *(holds(asker) for asker in ("a", "a", "a", "a", "b", "c")))
        return said, most

    # The first two came when nobody waited; then askers take turns.
    assert asyncio.run(story()) == (["a", "a", "a", "b", "c", "a"], 2)


def test_places_that_are_added_are_filled_at_once() -> None:
    async def story() -> None:
        turns = Turns(5)
        async with turns.turn("a"):
            second = asyncio.create_task(turns.turn("b").__aenter__())
            await asyncio.sleep(0)
            assert turns.waiting == 1
            turns.widen(2)
            assert turns.waiting == 0
            await second

    asyncio.run(story())


def test_a_full_queue_says_when_to_come_back() -> None:
    """A06."""

    async def story() -> None:
        turns = Turns(1)
        with turns.place(), turns.place():
            with pytest.raises(QueueFull) as full:
                turns.place().__enter__()
            assert full.value.retry_after >= 1
            with turns.promised_place():
                assert turns.admitted == 3
        with turns.promised_place(), turns.place(), turns.place():
            assert turns.admitted == 3

    asyncio.run(story())


def test_a_turn_that_does_not_come_is_not_waited_for_for_ever() -> None:
    async def story() -> None:
        turns = Turns(5, longest_wait=0.05)
        async with turns.turn("a"):
            with pytest.raises(QueueFull) as late:
                await turns.turn("b").__aenter__()
            assert late.value.code == "E_QUEUE_SLOW"
            assert turns.waiting == 0
        async with turns.turn("c"):
            pass

    asyncio.run(story())


def test_whoever_leaves_the_queue_holds_up_nobody() -> None:
    async def story() -> None:
        turns = Turns(5)
        said: list[str] = []
        async with turns.turn("a"):
            gone, there = (asyncio.create_task(speaks(turns, name, said)) for name in ("gone", "there"))
            await asyncio.sleep(0)
            gone.cancel()
            await asyncio.sleep(0)
        # Also one that leaves at the moment its turn comes.
        late = asyncio.create_task(speaks(turns, "late", said))
        await asyncio.sleep(0)
        late.cancel()
        await asyncio.gather(gone, there, late, return_exceptions=True)
        assert said == ["there"]
        async with turns.turn("next"):
            pass

    asyncio.run(story())
