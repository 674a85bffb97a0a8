"""Live streams play in what people have: FFmpeg, as PyAV brings it. Browsers are in tests/web."""

import io

import av
import httpx2
import pytest

TEXT = "你好。世界再见。慢。"  # 0.3 + 0.3, 0.5 + 0.3, 0.2 seconds of the tests' engine and its pauses
SECONDS = 1.6


@pytest.mark.parametrize("form", ["wav", "flac", "mp3", "opus", "aac"])
def test_ffmpeg_plays_a_live_stream_to_its_end(client: httpx2.Client, form: str) -> None:
    asked = {"model": "sine", "voice": "alloy", "input": TEXT, "response_format": form}
    with client.stream("POST", "/v1/audio/speech", json=asked) as stream:
        assert stream.status_code == 200
        body = b"".join(stream.iter_raw())
    with av.open(io.BytesIO(body)) as file:
        frames = list(file.decode(audio=0))
        heard = sum(frame.samples for frame in frames) / file.streams.audio[0].rate
    assert heard == pytest.approx(SECONDS, abs=0.15)


@pytest.mark.parametrize("form", ["wav", "flac", "mp3", "opus", "ogg", "aac"])
def test_a_file_of_the_history_states_its_length(client: httpx2.Client, form: str) -> None:
    spoken = client.post("/synthesize", json={"text": TEXT, "format": form}).json()
    body = client.get(spoken["audio_url"]).content
    with av.open(io.BytesIO(body)) as file:
        assert file.duration is not None
        # ADTS has no header to state it in: FFmpeg reckons it from the bit rate.
        assert file.duration / av.time_base == pytest.approx(SECONDS, abs=0.5 if form == "aac" else 0.1)


def test_what_is_streamed_in_pieces_is_what_is_kept(client: httpx2.Client) -> None:
    asked = {"model": "sine", "voice": "alloy", "input": "一段三四。第二段", "response_format": "pcm"}
    with client.stream("POST", "/v1/audio/speech", json=asked) as stream:
        body = b"".join(stream.iter_raw())
        task = stream.headers["x-task-id"]
    assert client.get(f"/api/tasks/{task}/audio").content == body
