"""What a clip sounds like is told from its samples alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from synth.engines.fastspeech2.listening import RATE, heard, tracked


def buzz(hertz: NDArray[np.float64]) -> NDArray[np.float32]:
    """A voice-like sound whose pitch is `hertz` at each sample: twenty harmonics that get softer."""
    phase = 2 * np.pi * np.cumsum(hertz) / RATE
    return sum(np.sin(k * phase) / k for k in range(1, 21)).astype(np.float32) * 0.1


def syllables(count: int, hertz: float, each: float = 0.2) -> NDArray[np.float32]:
    """So many syllables, each with a rise and a fall of the level."""
    size = int(each * RATE)
    swell = np.tile(0.05 + np.sin(np.pi * np.arange(size) / size) ** 2, count)
    return (buzz(np.full(size * count, hertz)) * swell).astype(np.float32)


@pytest.mark.parametrize("hertz", [90.0, 140.0, 220.0, 330.0, 500.0])
def test_the_pitch_of_a_voice_is_found_to_a_tenth_of_a_semitone(hertz: float) -> None:
    found = tracked(buzz(np.full(RATE, hertz))).hertz[5:-5]
    assert (np.abs(12 * np.log2(found / hertz)) < 0.1).all()


def test_a_pitch_that_glides_is_followed() -> None:
    course = np.geomspace(120, 240, RATE)
    found = tracked(buzz(course)).hertz
    middles = course[np.arange(len(found)) * 160 + 320]
    assert (np.abs(12 * np.log2(found / middles)) < 0.3).all()


def test_noise_and_silence_have_no_pitch() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, RATE).astype(np.float32)
    assert (tracked(noise).hertz > 0).mean() < 0.05
    assert heard(noise) is None
    assert heard(np.zeros(RATE, np.float32)) is None
    assert heard(np.zeros(100, np.float32)) is None


@pytest.mark.parametrize(("count", "each"), [(10, 0.2), (8, 0.3), (12, 0.16)])
def test_syllables_are_counted(count: int, each: float) -> None:
    found = heard(syllables(count, 200.0, each))
    assert found is not None
    assert found.rate == pytest.approx(1 / each, rel=0.12)


def test_a_pause_is_told_from_a_closure() -> None:
    spoken = syllables(6, 200.0)
    found = heard(np.concatenate([spoken, np.zeros(RATE // 2, np.float32), spoken]))
    assert found is not None
    assert found.pauses == pytest.approx(0.5 / 2.4, rel=0.25)
    without = heard(np.concatenate([spoken, spoken]))
    assert without is not None
    assert without.pauses == 0.0


def test_a_rise_at_the_end_is_told() -> None:
    level, rising = np.full(RATE, 200.0), np.geomspace(200, 300, RATE // 4)
    found = heard(buzz(np.concatenate([level, rising])))
    assert found is not None
    assert found.final_pitch > 2.5


def test_noise_in_the_voice_lowers_its_harmonicity() -> None:
    clear = buzz(np.full(RATE, 200.0))
    noise = np.random.default_rng(0).normal(0, 0.05, RATE).astype(np.float32)
    one, other = heard(clear), heard(clear + noise)
    assert one is not None
    assert other is not None
    assert other.harmonicity < one.harmonicity - 3


@given(st.lists(st.floats(-1, 1, width=32), max_size=4000))
def test_any_samples_are_heard_or_said_to_hold_no_voice(values: list[float]) -> None:
    found = heard(np.array(values, np.float32))
    assert found is None or np.isfinite(found.pitch)


def test_a_darker_voice_has_a_lower_tilt_and_a_hiss_beside_it_changes_nothing() -> None:
    plain = syllables(8, 200.0)
    spectrum = np.fft.rfft(plain)
    hertz = np.fft.rfftfreq(len(plain), 1 / RATE)
    darker = np.fft.irfft(spectrum * np.where(hertz > 900, 0.5, 1.0), len(plain)).astype(np.float32)
    hiss = np.random.default_rng(0).normal(0, 0.05, RATE // 2).astype(np.float32)
    found = [heard(samples) for samples in (plain, darker, np.concatenate([plain, hiss]))]
    tilts = [of.tilt for of in found if of is not None]
    assert tilts[1] - tilts[0] == pytest.approx(-6.0, abs=0.5)
    assert tilts[2] == pytest.approx(tilts[0], abs=0.2)
