"""Whose segment a worker speaks next, and when it says that a task is over."""

from synth.engines.protocol import Segment, Settings
from synth.worker.wire import Cancelled, Done, Failed, Speak
from synth.worker.work import Work


def task(name: str, segments: int) -> Speak:
    return Speak(name, (Segment("好"),) * segments, Settings())


def test_tasks_take_turns_by_the_segment() -> None:
    work = Work()
    for name, segments in (("book", 3), ("line", 1), ("page", 2)):
        work.add(task(name, segments))
    given = [work.next() for _ in range(6)]
    assert [(which.asked.task, index) for which, index in given] == [
        ("book", 0), ("line", 0), ("page", 0), ("book", 1), ("page", 1), ("book", 2),
    ]  # fmt: skip


def test_a_task_is_done_when_the_last_of_those_who_speak_for_it_is() -> None:
    work = Work()
    work.add(task("a", 2))
    first, second = work.next(), work.next()
    assert work.spoken(second[0]) is None
    assert work.spoken(first[0]) == Done("a")


def test_a_task_without_segments_is_done_at_once() -> None:
    assert Work().add(task("a", 0)) == Done("a")


def test_a_cancelled_task_is_over_when_nobody_speaks_for_it_and_others_go_on() -> None:
    work = Work()
    work.add(task("a", 3))
    work.add(task("b", 1))
    assert work.cancel("b") == Cancelled("b")
    spoken, _ = work.next()
    assert work.cancel("a") is None
    assert spoken.left is not None
    work.add(task("c", 1))
    assert work.next()[0].asked.task == "c"
    assert work.spoken(spoken) == Cancelled("a")
    assert work.cancel("a") is None


def test_the_first_failure_of_a_task_is_told_once_and_behind_all_it_said() -> None:
    work = Work()
    work.add(task("a", 3))
    one, two = work.next()[0], work.next()[0]
    assert work.spoken(one, Failed("a", 1, "E_ENGINE", "first", "")) is None
    assert work.spoken(two, Failed("a", 1, "E_ENGINE", "second", "")) == Failed("a", 1, "E_ENGINE", "first", "")
