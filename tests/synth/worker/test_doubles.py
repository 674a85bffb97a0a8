"""Segments that are spoken by processes which were forked from the worker's."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from indextts_hub.errors import UsageError
from synth.engines.fastspeech2.engine import load
from synth.engines.protocol import Segment, Settings
from synth.worker.doubles import CAN_FORK
from synth.worker.memory import held
from synth.worker.supervisor import Supervisor
from tests.synth.worker.test_supervisor import alive, launch, running, spoken
from tests.synth.worker.test_together import several_at_once

pytestmark = pytest.mark.skipif(not CAN_FORK, reason="this system forks no process with threads")


async def speakers(supervisor: Supervisor, folder: Path) -> set[int]:
    """The processes that speak two segments at once."""
    await spoken(supervisor, "谁慢", "谁慢")
    return {int(name.split()[1]) for name in os.listdir(folder) if name.startswith("speaker ")}


async def gone(pids: set[int]) -> None:
    async with asyncio.timeout(10):
        while any(map(alive, pids)):  # noqa: ASYNC110 - another process tells no event
            await asyncio.sleep(0.02)


def test_segments_at_once_are_spoken_by_two_processes_beside_the_worker_s(tmp_path: Path) -> None:
    several_at_once(tmp_path)

    async def story() -> None:
        async with running(launch(tmp_path)) as supervisor:
            await supervisor.ready()
            found = await speakers(supervisor, tmp_path)
            assert len(found) == 2
            assert supervisor.pid not in found

    asyncio.run(story())


def test_an_engine_that_speaks_one_at_a_time_has_no_double(tmp_path: Path) -> None:
    (tmp_path / "slow").write_text("0")

    async def story() -> None:
        async with running(launch(tmp_path)) as supervisor:
            await supervisor.ready()
            assert await speakers(supervisor, tmp_path) == {supervisor.pid}

    asyncio.run(story())


def test_where_nothing_can_be_forked_the_worker_s_own_threads_speak_beside_each_other(tmp_path: Path) -> None:
    several_at_once(tmp_path, "1.0")

    async def story() -> None:
        async with running(launch(tmp_path, engine="tests.synth.worker.unforked")) as supervisor:
            await supervisor.ready()
            assert await speakers(supervisor, tmp_path) == {supervisor.pid}
            slow = asyncio.create_task(spoken(supervisor, "慢"))
            assert len(await spoken(supervisor, "好")) == 1
            assert not slow.done()
            assert len(await slow) == 1

    asyncio.run(story())


def test_a_double_says_no_with_the_engine_s_own_code_and_goes_on(tmp_path: Path) -> None:
    several_at_once(tmp_path)

    async def story() -> None:
        async with running(launch(tmp_path)) as supervisor:
            with pytest.raises(UsageError, match="can't be spoken") as caught:
                await spoken(supervisor, "不能")
            assert caught.value.code == "E_TEXT"
            assert len(await spoken(supervisor, "好", "好", "好")) == 3
            assert supervisor.restarts == 0

    asyncio.run(story())


def test_a_double_that_is_killed_costs_the_worker_its_life_in_the_same_way_and_nobody_a_word(tmp_path: Path) -> None:
    several_at_once(tmp_path)

    async def story() -> None:
        async with running(launch(tmp_path)) as supervisor:
            await supervisor.ready()
            first = await speakers(supervisor, tmp_path)
            speaking = asyncio.create_task(spoken(supervisor, "谁慢", "谁慢", "谁慢"))
            await asyncio.sleep(0.1)
            os.kill(min(first), signal.SIGKILL)
            assert len(await speaking) == 3
            assert supervisor.restarts == 1
            await gone(first)

    asyncio.run(story())


@pytest.mark.parametrize("end", [signal.SIGKILL, None], ids=["killed", "stopped"])
def test_doubles_do_not_outlive_their_worker(tmp_path: Path, end: signal.Signals | None) -> None:
    several_at_once(tmp_path)

    async def story() -> None:
        async with running(launch(tmp_path)) as supervisor:
            await supervisor.ready()
            found = await speakers(supervisor, tmp_path)
            if end is not None:
                assert supervisor.pid is not None
                os.kill(supervisor.pid, end)
                await gone(found)
        await gone(found)

    asyncio.run(story())


def test_what_lite_says_is_the_same_by_a_double(lite_snapshot: Path) -> None:
    texts = ["今天天气很好。", "我们去公园散步吧。", "欢迎使用语音合成服务。"]
    engine = load(lite_snapshot)

    async def story() -> None:
        async with running(launch(lite_snapshot, engine="synth.engines.fastspeech2.engine")) as supervisor:
            await supervisor.ready()
            said = dict.fromkeys(texts, b"")
            async for segment, speech in supervisor.speak([Segment(text) for text in texts], Settings()):
                said[segment.text] += speech.samples
            assert said == {text: engine.speak(Segment(text), Settings()).samples for text in texts}

    asyncio.run(story())


def test_memory_that_doubles_share_with_their_worker_is_counted_once(tmp_path: Path) -> None:
    """What a process holds, with what it forked: a hundred megabytes that two of them can read are a hundred, not three hundred."""
    program = (
        "import os, sys\n"
        "large = os.urandom(100 * 2**20)\n"
        "if os.fork() and os.fork():\n"
        "    print(flush=True)\n"
        "sys.stdin.readline()\n"
    )

    async def story() -> None:
        parent = await asyncio.create_subprocess_exec(
            sys.executable, "-c", program, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        assert parent.stdout is not None
        await parent.stdout.readline()
        found = held(parent.pid)
        assert found is not None
        assert 100 * 2**20 < found < 180 * 2**20
        await parent.communicate(b"\n")

    asyncio.run(story())
