"""Several tasks at once with one worker: their turns, their order, and what the trouble of one is to the others."""

import asyncio
from contextlib import aclosing
from pathlib import Path

import pytest

from synth.engines.protocol import Segment, Settings
from synth.worker.process import WorkerDied
from tests.synth.worker.test_supervisor import launch, running, spoken


def several_at_once(folder: Path, slow: str = "0.3") -> None:
    (folder / "at once").write_text("2")
    (folder / "slow").write_text(slow)


def test_segments_come_in_their_order_although_later_ones_are_ready_before(tmp_path: Path) -> None:
    several_at_once(tmp_path)

    async def story() -> None:
        async with running(launch(tmp_path)) as supervisor:
            speeches = await spoken(supervisor, "很慢的", "好", "世界", "一二三四")
            assert [len(speech.samples) // 9600 for speech in speeches] == [3, 1, 2, 4]

    asyncio.run(story())


def test_a_short_task_does_not_wait_for_the_end_of_a_long_one(tmp_path: Path) -> None:
    several_at_once(tmp_path)

    async def story() -> None:
        async with running(launch(tmp_path)) as supervisor:
            await supervisor.ready()
            long = asyncio.create_task(spoken(supervisor, *["慢"] * 6))
            await asyncio.sleep(0.1)
            assert len(await spoken(supervisor, "好")) == 1
            assert not long.done()
            assert len(await long) == 6

    asyncio.run(story())


def test_leaving_one_of_several_tasks_leaves_the_others(tmp_path: Path) -> None:
    several_at_once(tmp_path, "0.1")

    async def story() -> None:
        async with running(launch(tmp_path)) as supervisor:
            await supervisor.ready()
            staying = asyncio.create_task(spoken(supervisor, *["慢"] * 4))
            async with aclosing(supervisor.speak([Segment("慢")] * 50, Settings())) as stream:
                await anext(stream)
            assert len(await staying) == 4
            assert supervisor.restarts == 0

    asyncio.run(story())


def test_a_text_that_kills_workers_fails_alone_and_whoever_was_spoken_for_beside_it_is_heard(tmp_path: Path) -> None:
    several_at_once(tmp_path)

    async def story() -> None:
        async with running(launch(tmp_path)) as supervisor:
            await supervisor.ready()
            beside = [asyncio.create_task(spoken(supervisor, "慢", "慢", "好")) for _ in range(3)]
            await asyncio.sleep(0.1)
            with pytest.raises(WorkerDied, match="status 7"):
                await spoken(supervisor, "死")
            for other in beside:
                assert [len(speech.samples) // 9600 for speech in await other] == [1, 1, 1]
            assert supervisor.restarts == 2

    asyncio.run(story())


def test_tasks_that_run_out_of_memory_together_have_the_engine_started_anew_once(tmp_path: Path) -> None:
    several_at_once(tmp_path)

    async def story() -> None:
        async with running(launch(tmp_path)) as supervisor:
            await supervisor.ready()
            both = await asyncio.gather(spoken(supervisor, "大大大大大大大"), spoken(supervisor, "大大大大大大大大"))
            assert [sum(len(speech.samples) for speech in speeches) // 9600 for speeches in both] == [7, 8]
            assert supervisor.thrift == 1

    asyncio.run(story())


def test_a_worker_that_is_made_to_wait_goes_on_for_others_when_that_task_is_left(tmp_path: Path) -> None:
    several_at_once(tmp_path)

    async def story() -> None:
        async with running(launch(tmp_path)) as supervisor:
            await supervisor.ready()
            async with aclosing(supervisor.speak([Segment("滔滔不绝")], Settings())) as stream:
                await anext(stream)
                # Nobody takes more of it, so that the worker waits, and this with it.
                other = asyncio.create_task(spoken(supervisor, "好"))
                await asyncio.sleep(0.3)
            assert len(await other) == 1
            assert supervisor.restarts == 0

    asyncio.run(story())
