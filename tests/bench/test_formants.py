"""What `bench/emotion.py` says of formants is true of voices whose formants are known, at any pitch and tilt."""

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.formants import HERTZ, RATE, envelope, moved

# The first three formants of a woman's a, i, u, e, ü and o; the fourth and the fifth are the same in all.
VOWELS = ((950, 1450, 2900), (340, 2750, 3350), (400, 850, 2800), (520, 1350, 2950), (330, 2100, 2700), (600, 1000, 2900))
HIGHER = (3900, 4900)
EACH = RATE // 4


def heard(pitch: float, formants: float = 1.0, tilt: float = 0.0) -> NDArray[np.float64]:
    """The envelope of the six vowels, each falling by four semitones about a pitch in Hz, the tilt in dB an octave."""
    course = np.tile(pitch * 2 ** (np.linspace(2, -2, EACH) / 12), len(VOWELS))
    samples = np.concatenate([vowel(course[:EACH], [each * formants for each in (*three, *HIGHER)], tilt) for three in VOWELS])
    at = np.arange(0.03, len(samples) / RATE - 0.03, 0.02)
    spectrum: NDArray[np.float64] = envelope(samples, at, np.interp(at * RATE, np.arange(len(course)), course))
    return spectrum


def vowel(pitch: NDArray[np.float64], formants: list[float], tilt: float) -> NDArray[np.float64]:
    """Harmonics that fall by 6 dB an octave, through a cascade of resonances (Fant 1960; Klatt 1980)."""
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    samples = np.zeros(len(pitch))
    for number in range(1, int(0.98 * RATE / 2 / pitch.max())):
        hertz = number * pitch
        response = (hertz / 1000) ** (tilt / 6.02) / number + 0j
        for formant in formants:
            pole = -(30 + 0.02 * formant) + 1j * formant
            response *= abs(pole) ** 2 / ((1j * hertz - pole) * (1j * hertz - pole.conjugate()))
        samples += np.abs(response) * np.cos(number * phase + np.angle(response))
    return samples / np.abs(samples).max()


@pytest.fixture(scope="module")
def plain() -> NDArray[np.float64]:
    return heard(240.0)


@pytest.mark.parametrize("formants", [0.93, 1.0, 1.1])
@pytest.mark.parametrize("pitch", [200.0, 280.0, 380.0])
def test_formants_are_told_to_about_a_per_cent_at_any_pitch(plain: NDArray[np.float64], pitch: float, formants: float) -> None:
    assert moved(heard(pitch, formants), plain) == pytest.approx(100 * np.log(formants), abs=1.2)


@pytest.mark.parametrize("tilt", [-3.0, 3.0])
def test_a_darker_or_brighter_voice_has_the_same_formants(plain: NDArray[np.float64], tilt: float) -> None:
    assert moved(heard(240.0, tilt=tilt), plain) == pytest.approx(0.0, abs=0.3)


def test_small_moves_are_told_in_their_order(plain: NDArray[np.float64]) -> None:
    found = [moved(heard(240.0, 1 + step / 100), plain) for step in range(-4, 5)]
    assert found == sorted(found)
    assert np.abs(np.array(found) - 100 * np.log(1 + np.arange(-4, 5) / 100)).max() < 0.3


def test_what_is_laid_beside_itself_is_not_moved(plain: NDArray[np.float64]) -> None:
    assert len(plain) == len(HERTZ)
    assert moved(plain, plain) == pytest.approx(0.0, abs=0.01)
