"""What was done is in the log before it is reported done, and whoever changes the log is found."""

import errno
import multiprocessing
import os
import random
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indextts_hub.audit import AuditEvent, AuditLog
from indextts_hub.audit.events import encode_event, parse_event
from indextts_hub.errors import IntegrityError, StorageError
from indextts_hub.manifest import Digest

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def log(tmp_path: Path) -> AuditLog:
    return AuditLog(tmp_path)


def lines_of(log: AuditLog) -> list[bytes]:
    return log.path.read_bytes().splitlines(keepends=True)


def test_what_was_done_is_read_back_in_order(log: AuditLog) -> None:
    log.append("pull", "v23", details={"digest": "a" * 64, "bytes": 5})
    log.append("pull", "v25", outcome="E_SOURCE", actor="me@here", at=NOON)
    first, second = log.events()
    assert (first.seq, first.act, first.subject, first.outcome, first.details["bytes"]) == (0, "pull", "v23", "done", 5)
    assert (second.seq, second.actor, second.at, second.outcome) == (1, "me@here", NOON, "E_SOURCE")
    finding = log.verify()
    assert finding.ok
    assert finding.events == 2


def test_an_empty_log_is_right(log: AuditLog) -> None:
    assert log.verify().ok
    assert list(log.events()) == []


@pytest.mark.parametrize("change", ["edit", "delete", "insert", "swap", "double"])
@pytest.mark.parametrize("at", [0, 3])
def test_a_change_is_found_where_it_begins(log: AuditLog, change: str, at: int) -> None:
    """L01."""
    for number in range(6):
        log.append("pull", f"v{number}", at=NOON, actor="me@here")
    lines = lines_of(log)
    match change:
        case "edit":
            lines[at] = lines[at].replace(b'"pull"', b'"push"')
        case "delete":
            del lines[at]
        case "insert":
            lines.insert(at, encode_event(AuditEvent(at, NOON, "me@here", "pull", "x", "done", {}, Digest("e" * 64))))
        case "swap":
            lines[at], lines[at + 1] = lines[at + 1], lines[at]
        case "double":
            lines.insert(at, lines[at])
    log.path.write_bytes(b"".join(lines))
    finding = log.verify()
    # An edited line is well-formed: the line behind it is the first that does not follow from it.
    assert finding.first_bad == (at + 1 if change in {"edit", "double"} else at)
    assert finding.problem


def test_a_line_that_was_being_written_when_the_power_went_is_no_damage_and_gives_way(log: AuditLog) -> None:
    """L05."""
    log.append("pull", "v23")
    log.append("pull", "v25")
    whole = log.path.read_bytes()
    log.path.write_bytes(whole[:-20])
    assert log.verify().torn
    assert log.verify().ok
    log.append("pull", "v25")
    assert [event.subject for event in log.events()] == ["v23", "v25"]
    assert log.verify().ok


def test_nothing_is_written_behind_a_damaged_line(log: AuditLog) -> None:
    log.append("pull", "v23")
    with log.path.open("ab") as file:
        file.write(b"scribble\n")
    before = log.path.read_bytes()
    with pytest.raises(IntegrityError):
        log.append("pull", "v25")
    assert log.path.read_bytes() == before
    assert log.verify().first_bad == 1


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_what_could_not_be_synced_is_not_in_the_log(log: AuditLog, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """L05, S05: no action is reported done without its entry."""
    log.append("pull", "v23")
    before = log.path.read_bytes()

    def broken(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(StorageError):
        log.append("pull", "v25")
    assert log.path.read_bytes() == before


def _write_ten(folder: Path) -> None:
    for number in range(10):
        AuditLog(folder).append("pull", f"v{number}")


def test_many_writers_write_one_chain(log: AuditLog) -> None:
    """L05."""
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write_ten, args=(log.folder,)) for _ in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    finding = log.verify()
    assert finding.ok
    assert finding.events == 30


def test_a_name_with_line_feeds_and_terminal_codes_is_one_harmless_line(log: AuditLog) -> None:
    """L06."""
    log.append("pull", 'v23\n{"act":"forged"}\x1b[2J\u202e\ud800', details={"url": "x" * 2**20})
    log.append("pull", "v25")
    assert len(lines_of(log)) == 2
    assert log.verify().ok
    assert next(log.events()).subject.startswith("v23\\u000a{")
    assert len(lines_of(log)[0]) < 2000


def test_a_long_line_does_not_hide_the_one_before_it(log: AuditLog) -> None:
    log.append("pull", "v23", details={"files": ["x" * 900] * 200})
    log.append("pull", "v25")
    assert log.verify().events == 2


texts = st.text(max_size=30) | st.text(min_size=240, max_size=260) | st.text(min_size=990, max_size=1010)
details = st.dictionaries(st.text(max_size=5), st.none() | st.booleans() | st.integers(-(2**62), 2**62) | texts, max_size=4)


@given(st.integers(0, 2**40), st.datetimes(timezones=st.just(UTC)), texts, texts, details)
def test_an_event_has_one_encoding(seq: int, at: datetime, actor: str, subject: str, more: dict) -> None:  # type: ignore[type-arg]
    line = encode_event(AuditEvent(seq, at, actor, "pull", subject, "done", more))
    assert line.count(b"\n") == 1
    assert encode_event(parse_event(line)) == line


@given(st.randoms(use_true_random=False))
def test_no_byte_of_a_line_can_change_unseen(chance: random.Random) -> None:
    line = bytearray(encode_event(AuditEvent(3, NOON, "me@here", "pull", "v23", "done", {"bytes": 7})))
    line[chance.randrange(len(line))] ^= 1 << chance.randrange(8)
    try:
        changed = parse_event(bytes(line))
    except IntegrityError:
        return
    assert encode_event(changed) == bytes(line)
