"""The Python API over a real worker with the tests' small engine."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from indextts_hub.errors import NotFound, UsageError
from synth import ModelUsed, Synthesizer
from synth.audio.label import read_label, read_provenance
from synth.environments import launch_for
from synth.worker.process import Launch

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def synthesizer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Synthesizer]:
    snapshot = tmp_path_factory.mktemp("snapshot")
    launch = Launch("tests.synth.worker.sine", snapshot, environment={**os.environ, "PYTHONPATH": str(ROOT)})
    with Synthesizer.of(launch, ModelUsed("sine", "ab" * 32)) as opened:
        yield opened


def test_a_text_becomes_speech_with_its_segments(synthesizer: Synthesizer) -> None:
    speech = synthesizer.synthesize("你好。世界再见。", emotion="高兴", intensity=0.7)
    assert speech.samples.dtype == np.float32
    assert speech.samples.shape == (round(speech.duration * speech.sample_rate),)
    assert [segment.text for segment in speech.segments] == ["你好。", "世界再见。"]
    assert speech.segments[-1].end == pytest.approx(speech.duration)
    assert speech.model == ModelUsed("sine", "ab" * 32)


def test_it_is_saved_in_the_format_its_name_says_and_is_labelled(synthesizer: Synthesizer, tmp_path: Path) -> None:
    speech = synthesizer.synthesize("你好")
    speech.save(tmp_path / "hello.flac")
    assert soundfile.info(tmp_path / "hello.flac").format == "FLAC"
    written = (tmp_path / "hello.flac").read_bytes()
    assert read_label(written) is not None
    provenance = read_provenance(written)
    assert provenance is not None
    assert provenance.digest == "ab" * 32


@pytest.mark.parametrize(
    "wrong", [{"emotion": "sad"}, {"emotion": "bored"}, {"speed": 9.0}, {"voice": "me.wav"}, {"intensity": 2.0}]
)
def test_what_it_can_not_do_is_refused(synthesizer: Synthesizer, wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        synthesizer.synthesize("你好", **wrong)  # type: ignore[arg-type]


def test_it_works_beside_a_running_event_loop(synthesizer: Synthesizer) -> None:
    async def notebook() -> float:
        return synthesizer.synthesize("你好").duration

    assert asyncio.run(notebook()) > 0


def test_a_version_that_is_not_here_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(NotFound) as missing:
        Synthesizer("lite", cache_dir=tmp_path / "hub")
    assert "indextts-hub pull lite" in missing.value.remedy


def test_the_real_version_speaks(lite_snapshot: Path) -> None:
    launch = launch_for("fastspeech2", lite_snapshot)
    with Synthesizer.of(launch, ModelUsed("lite", "ab" * 32)) as opened:
        speech = opened.synthesize("欢迎使用语音合成服务。", emotion="happy")
    assert speech.sample_rate == 24_000
    assert 1.5 < speech.duration < 5
    assert 0.05 < float(np.abs(speech.samples).max()) <= 1
