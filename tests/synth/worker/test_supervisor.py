"""A real worker process with a small engine, through the supervisor that keeps it."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest

from indextts_hub.errors import HubError, IntegrityError, UsageError
from synth.engines.protocol import Segment, SegmentSpeech, Settings
from synth.worker.process import Launch, TimeLimits, WorkerDied, WorkerError
from synth.worker.supervisor import Recycling, Supervisor, WorkerState

SINE = "tests.synth.worker.sine"
ROOT = Path(__file__).parents[3]


def launch(snapshot: Path, **changes: str) -> Launch:
    return Launch(**{"engine": SINE, "snapshot": snapshot, "environment": {**os.environ, "PYTHONPATH": str(ROOT)}, **changes})


@asynccontextmanager
async def running(started: Launch, limits: TimeLimits | None = None) -> AsyncIterator[Supervisor]:
    supervisor = Supervisor(started, limits)
    supervisor.start()
    try:
        yield supervisor
    finally:
        await supervisor.stop()


async def spoken(supervisor: Supervisor, *texts: str) -> list[SegmentSpeech]:
    return [speech async for _, speech in supervisor.speak([Segment(text) for text in texts], Settings())]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_segments_come_one_by_one_and_prints_do_not_disturb_them(tmp_path: Path) -> None:
    async def story() -> None:
        async with running(launch(tmp_path)) as supervisor:
            assert (await supervisor.ready()).emotions == ("neutral", "happy")
            first, second = await spoken(supervisor, "你好", "世界再见")
            assert len(first.samples) == 4 * 4800
            assert len(second.samples) == 4 * 9600

    asyncio.run(story())


def test_an_engine_that_says_no_is_heard_with_its_own_code_and_goes_on(tmp_path: Path) -> None:
    async def story() -> None:
        async with running(launch(tmp_path)) as supervisor:
            with pytest.raises(UsageError, match="can't be spoken") as refused:
                await spoken(supervisor, "不能说")
            assert refused.value.code == "E_TEXT"
            with pytest.raises(WorkerError, match="ZeroDivisionError") as failed:
                await spoken(supervisor, "错")
            assert failed.value.code == "E_ENGINE"
            assert len(await spoken(supervisor, "好")) == 1
            assert supervisor.restarts == 0

    asyncio.run(story())


def test_a_file_where_the_program_was_called_is_not_taken_for_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of downloads may have a `msgpack.py` in it."""
    (tmp_path / "msgpack.py").write_text("import pathlib; pathlib.Path('ran').touch()")
    monkeypatch.chdir(tmp_path)

    async def story() -> None:
        async with running(launch(tmp_path)) as supervisor:
            assert len(await spoken(supervisor, "好")) == 1

    asyncio.run(story())
    assert not (tmp_path / "ran").exists()


def test_what_was_loaded_is_not_looked_through_for_garbage_while_it_speaks(tmp_path: Path) -> None:
    async def story() -> None:
        async with running(launch(tmp_path, engine="tests.synth.worker.telling")) as supervisor:
            (said,) = await spoken(supervisor, "你好")
            found = json.loads(said.warnings[0])
            assert (found["while loaded"], found["while speaking"]) == (False, True)
            assert found["objects"] < 1000

    asyncio.run(story())


@pytest.mark.parametrize("decided", [{}, {"OMP_WAIT_POLICY": "ACTIVE"}, {"GOMP_SPINCOUNT": "7"}])
def test_how_threads_wait_is_the_engine_s_unless_somebody_decided(tmp_path: Path, decided: dict[str, str]) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"}}
    engine = Launch(
        "tests.synth.worker.telling",
        tmp_path,
        environment={**environment, "PYTHONPATH": str(ROOT), **decided},
        defaults={"GOMP_SPINCOUNT": "3000"},
    )

    async def story() -> None:
        async with running(engine) as supervisor:
            (said,) = await spoken(supervisor, "你好")
            assert json.loads(said.warnings[0])["waiting"] == (decided or {"GOMP_SPINCOUNT": "3000"})

    asyncio.run(story())


def test_a_worker_that_is_killed_comes_back_and_the_task_goes_on_where_it_was(tmp_path: Path) -> None:
    async def story() -> None:
        async with running(launch(tmp_path)) as supervisor:
            speeches = await spoken(supervisor, "你", "一次就好", "我")
            assert [len(speech.samples) // 9600 for speech in speeches] == [1, 4, 1]
            assert supervisor.restarts == 1

    asyncio.run(story())


def test_a_worker_killed_while_idle_is_replaced(tmp_path: Path) -> None:
    async def story() -> None:
        async with running(launch(tmp_path)) as supervisor:
            await supervisor.ready()
            first = supervisor.pid
            assert first is not None
            os.kill(first, signal.SIGKILL)
            assert len(await spoken(supervisor, "好")) == 1
            assert supervisor.pid != first

    asyncio.run(story())


def test_a_text_that_kills_two_workers_fails_with_their_last_words(tmp_path: Path) -> None:
    async def story() -> None:
        async with running(launch(tmp_path)) as supervisor:
            with pytest.raises(WorkerDied, match="status 7: out of luck"):
                await spoken(supervisor, "死")
            assert len(await spoken(supervisor, "好")) == 1

    asyncio.run(story())


def test_leaving_early_stops_the_worker_before_its_next_segment(tmp_path: Path) -> None:
    (tmp_path / "slow").write_text("0.2")
    (tmp_path / "able").touch()

    async def story() -> None:
        async with running(launch(tmp_path)) as supervisor:
            await supervisor.ready()
            async with aclosing(supervisor.speak([Segment("你"), *[Segment("慢")] * 50], Settings())) as stream:
                await anext(stream)
            assert len(await spoken(supervisor, "好")) == 1
            assert len(await spoken(supervisor, "好", "好")) == 2
            assert supervisor.restarts == 0

    asyncio.run(story())
    told = [json.loads(line)["text"] for line in (tmp_path / "told").read_text().splitlines()]
    assert told[-3:] == ["好", "好", "好"]


def test_a_segment_that_takes_too_long_costs_the_worker_its_life(tmp_path: Path) -> None:
    (tmp_path / "slow").write_text("30")

    async def story() -> None:
        async with running(launch(tmp_path), TimeLimits(start=30, segment=0.5)) as supervisor:
            await supervisor.ready()
            with pytest.raises(WorkerDied, match="not spoken within"):
                await spoken(supervisor, "慢")
            assert len(await spoken(supervisor, "好")) == 1

    asyncio.run(story())


def test_weights_that_an_engine_refuses_are_told_with_its_own_code(tmp_path: Path) -> None:
    (tmp_path / "broken").touch()

    async def story() -> None:
        async with running(launch(tmp_path)) as supervisor:
            with pytest.raises(IntegrityError) as refused:
                await supervisor.ready()
            assert refused.value.code == "E_WEIGHTS"
            assert supervisor.state is WorkerState.FAILING
            (tmp_path / "broken").unlink()
            await until_ready(supervisor)

    asyncio.run(story())


async def until_ready(supervisor: Supervisor) -> None:
    async with asyncio.timeout(20):
        while supervisor.state is not WorkerState.READY:  # noqa: ASYNC110 - what a user would see who asks now and then
            await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"engine": "no.such.engine"}, "E_ENGINE"), ({"python": "/nowhere/python"}, "E_WORKER")],
)
def test_an_engine_that_cannot_be_started_is_a_clear_error(tmp_path: Path, changes: dict[str, str], code: str) -> None:
    async def story() -> None:
        async with running(launch(tmp_path, **changes)) as supervisor:
            with pytest.raises(HubError) as failed:
                await supervisor.ready()
            assert failed.value.code == code

    asyncio.run(story())


def test_an_engine_that_never_loads_is_given_up(tmp_path: Path) -> None:
    (tmp_path / "hangs").touch()

    async def story() -> None:
        async with running(launch(tmp_path), TimeLimits(start=1.0)) as supervisor:
            with pytest.raises(WorkerDied, match="not ready after 1 s"):
                await supervisor.ready()

    asyncio.run(story())


def test_an_engine_that_is_killed_for_memory_while_it_loads_is_failing_and_its_parent_lives(tmp_path: Path) -> None:
    """S23."""
    (tmp_path / "too large").touch()

    async def story() -> None:
        async with running(launch(tmp_path)) as supervisor:
            with pytest.raises(WorkerDied):
                await supervisor.ready()
            assert supervisor.state is WorkerState.FAILING
            (tmp_path / "too large").unlink()
            await until_ready(supervisor)

    asyncio.run(story())


def test_stopping_leaves_no_process_behind(tmp_path: Path) -> None:
    async def story() -> int:
        async with running(launch(tmp_path)) as supervisor:
            await supervisor.ready()
            assert supervisor.pid is not None
            return supervisor.pid

    assert not alive(asyncio.run(story()))


def test_a_worker_dies_with_its_parent(tmp_path: Path) -> None:
    program = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from synth.worker.process import Launch, TimeLimits, Worker\n"
        "async def main():\n"
        "    worker = await Worker.start(Launch(sys.argv[1], Path(sys.argv[2])), TimeLimits())\n"
        "    print(worker.pid, flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )

    async def story() -> None:
        parent = await asyncio.create_subprocess_exec(
            sys.executable, "-c", program, SINE, str(tmp_path),
            stdout=asyncio.subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        assert parent.stdout is not None
        worker = int(await parent.stdout.readline())
        assert alive(worker)
        parent.kill()
        await parent.wait()
        async with asyncio.timeout(5):
            while alive(worker):  # noqa: ASYNC110 - another process tells no event
                await asyncio.sleep(0.02)

    asyncio.run(story())


def test_a_worker_that_the_system_kills_for_want_of_memory_comes_back_with_more_thrift(tmp_path: Path) -> None:
    kills = iter([0, 1, 1, 1])

    async def story() -> None:
        supervisor = Supervisor(launch(tmp_path), oom_kills=lambda: next(kills))
        supervisor.start()
        await supervisor.ready()
        assert supervisor.pid is not None
        os.kill(supervisor.pid, signal.SIGKILL)
        while supervisor.restarts == 0:
            await supervisor.ready()
            await asyncio.sleep(0.01)
        assert (await supervisor.ready()).thrift == ("in small pieces",)
        await supervisor.stop()

    asyncio.run(story())


def test_a_worker_that_anybody_else_kills_comes_back_as_it_was(tmp_path: Path) -> None:
    async def story() -> None:
        async with running(launch(tmp_path)) as supervisor:
            await supervisor.ready()
            assert supervisor.pid is not None
            os.kill(supervisor.pid, signal.SIGKILL)
            while supervisor.restarts == 0:
                await supervisor.ready()
                await asyncio.sleep(0.01)
            assert (await supervisor.ready()).thrift == ()

    asyncio.run(story())


def test_a_worker_may_be_stopped_and_started_again(tmp_path: Path) -> None:
    async def story() -> None:
        async with running(launch(tmp_path)) as supervisor:
            await supervisor.ready()
            await supervisor.stop()
            assert supervisor.state is WorkerState.STOPPED
            supervisor.start()
            assert len(await spoken(supervisor, "好")) == 1

    asyncio.run(story())


def test_a_worker_that_has_spoken_enough_is_replaced_between_two_tasks(tmp_path: Path) -> None:
    async def story() -> None:
        supervisor = Supervisor(launch(tmp_path), recycling=Recycling(turns=1))
        supervisor.start()
        await supervisor.ready()
        first = supervisor.pid
        for _ in range(2):
            assert len(await spoken(supervisor, "好", "好")) == 2
        await supervisor.ready()
        assert supervisor.pid != first
        assert supervisor.restarts == 0
        await supervisor.stop()

    asyncio.run(story())


def test_a_segment_that_broke_off_goes_on_at_the_sample_where_it_was(tmp_path: Path) -> None:
    async def story() -> None:
        async with running(launch(tmp_path)) as supervisor:
            undisturbed = b"".join(piece.samples for piece in await spoken(supervisor, "一段三四"))
            pieces = await spoken(supervisor, "断段三四")
            assert supervisor.restarts == 1
            assert b"".join(piece.samples for piece in pieces) == undisturbed
            assert "".join(time.text for piece in pieces for time in piece.times) == "断段三四"
            assert [piece.ends for piece in pieces].count(True) == 1

    asyncio.run(story())


def test_an_engine_that_never_comes_to_an_end_is_ended_and_the_next_text_is_spoken(tmp_path: Path) -> None:
    async def story() -> None:
        async with running(launch(tmp_path)) as supervisor:
            with pytest.raises(WorkerDied) as died:
                await spoken(supervisor, "滔滔不绝")
            assert died.value.code == "E_WORKER_PROTOCOL"
            assert len(await spoken(supervisor, "好")) == 1

    asyncio.run(story())


def test_a_worker_that_is_made_to_wait_can_be_stopped(tmp_path: Path) -> None:
    async def story() -> None:
        supervisor = Supervisor(launch(tmp_path))
        supervisor.start()
        async with aclosing(supervisor.speak([Segment("滔滔不绝")], Settings())) as stream:
            await anext(stream)
            await asyncio.sleep(0.3)
            await supervisor.stop()

    asyncio.run(story())
