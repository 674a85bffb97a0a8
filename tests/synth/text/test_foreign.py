"""Text in other languages than Chinese keeps its letters; what is not written out is said."""

import pytest

from synth.text.foreign import is_foreign, written_out
from synth.text.parts import to_parts
from synth.text.script import Manner


@pytest.mark.parametrize(
    ("language", "text", "spoken"),
    [
        ("en", "I paid $3 for 12 apples.", "I paid three dollars for twelve apples."),
        ("en-GB", "Dr. Smith’s 3rd try", "doctor Smith's third try"),
        ("en", "Wait a <minute|M IH1 . N AH0 T>, 5 times.", "Wait a <minute|M IH1 . N AH0 T>, five times."),
        ("es", "¿Qué tal, señor Núñez?  ¡Vámonos!", "¿Qué tal, señor Núñez? ¡Vámonos!"),
        ("ar", "السلام عليكم، كيف الحال؟", "السلام عليكم، كيف الحال؟"),
    ],
)
def test_letters_stay_and_english_numbers_are_written_out(language: str, text: str, spoken: str) -> None:
    assert is_foreign(language)
    assert written_out(text, language).text == spoken
    assert written_out(text, language).warnings == ()


def test_numbers_that_nobody_writes_out_and_signs_that_are_left_out_are_said() -> None:
    written = written_out("Son las 3 ☕", "es")
    assert written.text == "Son las 3"
    assert written.warnings == ("left out, as nothing reads them aloud: ☕", "numbers are not written out in this language: es")


@pytest.mark.parametrize("language", ["", "zh", "zh-CN"])
def test_chinese_is_read_elsewhere(language: str) -> None:
    assert not is_foreign(language)


def test_a_foreign_text_is_cut_and_marks_hold_in_it() -> None:
    parts = to_parts("Buenos días. [happy 0.8]¡Qué alegría!<break 1s>", Manner(), {}, 0.5, 100, language="es").parts
    assert [segment.text for part in parts for segment in part.segments] == ["Buenos días.", "¡Qué alegría!"]
    assert (parts[1].manner.vector.weights[0], parts[1].segments[-1].pause) == (0.8, 1.0)
    spelled = to_parts("Wait a <minute|M IH1 . N AH0 T>. Go.", Manner(), {}, 0.5, 100, language="en").segments
    assert [segment.text for segment in spelled] == ["Wait a <minute|M IH1 . N AH0 T>.", "Go."]
    english = to_parts("It cost 5 dollars. " * 9, Manner(), {}, 0.5, 40, language="en")
    assert len(english.segments) == 9
    assert english.segments[0].text == "It cost five dollars."
