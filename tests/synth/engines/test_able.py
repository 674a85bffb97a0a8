"""What an engine can't do is refused before it is asked, with what it can."""

import pytest

from indextts_hub.errors import UsageError
from synth.engines.able import BOUNDS, check_able, sampling_of
from synth.engines.protocol import Capabilities, Sampling, Settings

LITTLE = Capabilities(24_000)
MUCH = Capabilities(22_050, languages=("zh", "en"), controls=("emotion_voice", "temperature", "top_k"))


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        (Settings(emotion=(1.0, *[0.0] * 7)), "E_EMOTION"),
        (Settings(voice="clip.wav"), "E_VOICE"),
        (Settings(speed=2.5), "E_SPEED"),
        (Settings(language="ja"), "E_LANGUAGE"),
        (Settings(pitch=2.0), "E_CONTROL"),
        (Settings(volume=-3.0), "E_CONTROL"),
        (Settings(emotion_text="我很高兴"), "E_CONTROL"),
        (Settings(emotion_voice="clip.wav"), "E_CONTROL"),
        (Settings(sampling=Sampling(top_k=1)), "E_CONTROL"),
        (Settings(emotion_voice="clip.wav", emotion_text="我很高兴"), "E_EMOTION"),
    ],
)
def test_what_an_engine_does_not_do_is_refused(settings: Settings, code: str) -> None:
    with pytest.raises(UsageError) as refused:
        check_able(LITTLE, settings)
    assert refused.value.code == code


def test_what_it_follows_is_let_through_and_said_to_who_asks_for_something_else() -> None:
    check_able(MUCH, Settings(emotion_voice="clip.wav", language="en", sampling=Sampling(temperature=0.5, top_k=30)))
    with pytest.raises(UsageError) as refused:
        check_able(MUCH, Settings(pitch=1.0, sampling=Sampling(num_beams=2)))
    assert refused.value.message == "this version does not follow pitch, num_beams"
    assert "emotion_voice, temperature, top_k" in refused.value.remedy


@pytest.mark.parametrize("name", [name for name in BOUNDS if name not in {"speed", "intensity", "segment_length"}])
def test_a_number_beyond_its_bounds_is_refused_with_them(name: str) -> None:
    can = Capabilities(22_050, controls=tuple(BOUNDS))
    least, most = BOUNDS[name]
    for number, fits in ((least, True), (most, True), (least - 1, False), (most + 1, False)):
        drawn = name not in {"pitch", "volume"}
        settings = Settings(sampling=sampling_of({name: number})) if drawn else Settings(**{name: number})  # type: ignore[arg-type]
        if fits:
            check_able(can, settings)
            continue
        with pytest.raises(UsageError) as refused:
            check_able(can, settings)
        assert (refused.value.code, f"{least:g} to {most:g}" in refused.value.remedy) == ("E_CONTROL", True)


@pytest.mark.parametrize("given", [{"luck": 1.0}, {"top_k": 0.5}])
def test_sampling_that_is_none_is_refused(given: dict[str, float]) -> None:
    with pytest.raises(UsageError) as refused:
        sampling_of(given)
    assert refused.value.code == "E_CONTROL"
