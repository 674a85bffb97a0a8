"""Voices, consents, roles and batches, in both databases."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from indextts_hub.db import Database
from indextts_hub.db.batches import add_batch, batch_tasks, cancel_batch, find_batch, list_batches, next_line
from indextts_hub.db.tasks import DONE, QUEUED, RoleSettings, SpokenTask, TaskFilter, TaskSettings, search_tasks, update_task
from indextts_hub.db.voices import (
    ConsentRecord,
    VoiceRecord,
    add_consent,
    add_voice,
    find_voice,
    forget_consent,
    forget_role,
    forget_voice,
    keep_role,
    list_consents,
    list_roles,
    list_voices,
)
from indextts_hub.errors import NotFound

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
CONSENT = ConsentRecord("cons_1", "王小明", "我同意。", "zh-CN", NOON, "studio")
VOICE = VoiceRecord("voice_1", "旁白", NOON, "studio", "cons_1", 2.5, 24_000, "ab" * 32)
HAPPY = (0.8, *(0.0,) * 7)


def task(number: int, **changes: object) -> SpokenTask:
    values = {
        "id": f"task{number}", "created": NOON, "status": QUEUED, "text": f"第{number}行", "model": "lite", "background": True,
        "settings": TaskSettings("wav", HAPPY, roles=(RoleSettings("小明", HAPPY, 1.2, "voice_1"),)),
        "batch": "batch_1", "line": number,
    }  # fmt: skip
    return SpokenTask(**{**values, **changes})


def test_a_voice_is_found_until_it_is_forgotten(database: Database) -> None:
    add_consent(database, CONSENT)
    add_voice(database, VOICE)
    assert (list_consents(database), list_voices(database), find_voice(database, "voice_1")) == ((CONSENT,), (VOICE,), VOICE)
    assert forget_voice(database, "voice_1") == VOICE
    with pytest.raises(NotFound):
        find_voice(database, "voice_1")
    assert list_consents(database) == (CONSENT,)


def test_a_voice_needs_a_consent_and_goes_with_it(database: Database) -> None:
    with pytest.raises(NotFound):
        add_voice(database, VOICE)
    add_consent(database, CONSENT)
    add_voice(database, VOICE)
    assert forget_consent(database, "cons_1") == (CONSENT, (VOICE,))
    assert list_voices(database) == ()


def test_what_named_a_voice_names_none_when_it_is_forgotten(database: Database) -> None:
    add_consent(database, CONSENT)
    add_voice(database, VOICE)
    keep_role(database, RoleSettings("小明", HAPPY, 1.0, "voice_1"))
    settings = replace(task(1).settings, emotion_voice="voice_1")
    add_batch(database, "batch_1", "", [task(1, voice="voice_1", settings=settings)])
    forget_voice(database, "voice_1")
    assert list_roles(database) == (RoleSettings("小明", HAPPY),)
    (kept,) = batch_tasks(database, "batch_1")
    assert (kept.voice, kept.settings.emotion_voice, kept.settings.roles) == (None, None, (RoleSettings("小明", HAPPY, 1.2),))
    assert kept.settings.emotion == HAPPY


def test_a_role_is_replaced_and_forgotten(database: Database) -> None:
    keep_role(database, RoleSettings("小明", HAPPY, 1.5))
    keep_role(database, RoleSettings("小明", speed=0.8))
    assert list_roles(database) == (RoleSettings("小明", speed=0.8),)
    forget_role(database, "小明")
    with pytest.raises(NotFound):
        forget_role(database, "小明")


def test_the_lines_of_a_batch_are_taken_in_their_order_the_oldest_batch_first(database: Database) -> None:
    add_batch(database, "batch_1", "eins", [task(1), task(2)])
    later = NOON + timedelta(seconds=1)
    add_batch(database, "batch_2", "zwei", [task(3, batch="batch_2", line=1, created=later)])
    taken = []
    while (line := next_line(database)) is not None:
        assert line.settings.roles[0].voice == "voice_1"
        taken.append(line.id)
        update_task(database, task(int(line.id[-1]), batch=line.batch, line=line.line, created=line.created, status=DONE))
    assert taken == ["task1", "task2", "task3"]
    assert find_batch(database, "batch_1").is_over
    assert [batch.id for batch in list_batches(database, 10)] == ["batch_2", "batch_1"]
    assert search_tasks(database, TaskFilter(batch="batch_1")).total == 2


def test_a_cancelled_batch_waits_no_more(database: Database) -> None:
    add_batch(database, "batch_1", "", [task(number) for number in range(1, 6)])
    cancel_batch(database, "batch_1", NOON)
    assert next_line(database) is None
    assert find_batch(database, "batch_1").states["cancelled"] == 5
