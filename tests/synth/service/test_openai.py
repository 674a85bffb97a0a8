"""OpenAI's own client, unchanged, against a real service."""

import base64
import io
import json
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import av
import httpx2
import openai
import pytest

from indextts_hub.db import open_database, sqlite_url
from indextts_hub.db.keys import Scope, create_key
from synth.audio.label import read_label
from tests.synth.service.conftest import RunningService, configured_service


@pytest.fixture
def theirs(service: RunningService) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{service.address}/v1", api_key="none", max_retries=0) as client:
        yield client


FORMS = ["mp3", "opus", "flac", "wav", "aac"]


@pytest.mark.parametrize("form", FORMS)
def test_speech_comes_in_the_format_that_was_asked_for_and_is_labelled(theirs: openai.OpenAI, form: str) -> None:
    spoken = theirs.audio.speech.create(model="tts-1", voice="alloy", input="你好。世界再见。", response_format=form)  # type: ignore[arg-type]
    body = spoken.read()
    with av.open(io.BytesIO(body)) as file:
        assert file.streams.audio[0].codec_context.name in {form, f"{form}float", "pcm_s16le"}
        assert sum(frame.samples for frame in file.decode(audio=0)) > 24_000
    assert read_label(body) is not None


def test_bare_samples_are_24_khz(theirs: openai.OpenAI) -> None:
    body = theirs.audio.speech.create(model="sine", voice="alloy", input="你好", response_format="pcm").read()
    assert len(body) == 2 * 4800


def test_a_stream_begins_before_the_text_is_spoken_to_its_end(theirs: openai.OpenAI) -> None:
    with theirs.audio.speech.with_streaming_response.create(
        model="sine", voice="alloy", input="你好。" + "慢。" * 8, response_format="pcm"
    ) as stream:
        first = next(stream.iter_bytes(1024))
        assert len(first) == 1024
        assert stream.headers["x-model-digest"] == "ab" * 32


def test_events_carry_the_audio_and_end_with_what_was_used(client: httpx2.Client) -> None:
    asked = {"model": "sine", "voice": "alloy", "input": "你好。世界再见。", "response_format": "pcm", "stream_format": "sse"}
    answer = client.post("/v1/audio/speech", json=asked)
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = [json.loads(line.removeprefix("data: ")) for line in answer.text.splitlines() if line]
    assert [event["type"] for event in events] == ["speech.audio.delta", "speech.audio.delta", "speech.audio.done"]
    assert sum(len(base64.b64decode(event["audio"])) for event in events[:-1]) > 2 * 4800
    assert set(events[-1]["usage"]) == {"input_tokens", "output_tokens", "total_tokens"}


def test_errors_are_those_that_the_client_knows(theirs: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError):
        theirs.audio.speech.create(model="gpt-9", voice="alloy", input="你好")
    with pytest.raises(openai.BadRequestError, match="nothing in the text"):
        theirs.audio.speech.create(model="sine", voice="alloy", input="😀")
    with pytest.raises(openai.InternalServerError) as failed:
        theirs.audio.speech.create(model="sine", voice="alloy", input="错")
    assert failed.value.request_id


def test_who_may_not_and_who_asks_too_much_meets_the_error_of_its_own_class(tmp_path: Path) -> None:
    with configured_service(tmp_path, "keys", requests="1/minute") as service:
        with closing(open_database(sqlite_url(tmp_path / "hub.sqlite3"))) as database:
            _, speaks = create_key(database, "speaks", frozenset({Scope.SPEAK}), datetime.now(UTC), None)
            _, reads = create_key(database, "reads", frozenset({Scope.READ}), datetime.now(UTC), None)

        def speak(key: str) -> None:
            with openai.OpenAI(base_url=f"{service.address}/v1", api_key=key, max_retries=0) as client:
                client.audio.speech.create(model="sine", voice="alloy", input="你好")

        with pytest.raises(openai.AuthenticationError):
            speak("ihk_none")
        with pytest.raises(openai.PermissionDeniedError):
            speak(reads)
        speak(speaks)
        with pytest.raises(openai.RateLimitError) as limited:
            speak(speaks)
        assert int(limited.value.response.headers["retry-after"]) > 0


def test_the_models_are_listed_with_their_aliases(theirs: openai.OpenAI) -> None:
    assert [model.id for model in theirs.models.list()] == ["sine", "stable"]
    assert theirs.models.retrieve("stable").id == "stable"
    with pytest.raises(openai.NotFoundError):
        theirs.models.retrieve("gpt-9")


def test_who_leaves_a_stream_takes_the_work_along(client: httpx2.Client) -> None:
    """A06."""
    asked = {"model": "sine", "voice": "alloy", "input": "慢。" * 60, "response_format": "pcm"}
    with client.stream("POST", "/v1/audio/speech", json=asked) as stream:
        task = stream.headers["x-task-id"]
        next(stream.iter_raw())
    while (status := client.get(f"/api/tasks/{task}").json()["status"]) == "running":
        time.sleep(0.05)
    assert status == "cancelled"
