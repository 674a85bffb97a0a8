"""How a request says the way something is spoken: the keys that `/synthesize`, OpenAI's API and roles have in common."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from indextts_hub.db.tasks import RoleSettings
from indextts_hub.errors import UsageError
from synth.emotion import ALIASES, AUTO, AUTO_NAMES, EmotionVector, emotion_label, is_auto
from synth.engines.able import BOUNDS
from synth.engines.protocol import Sampling
from synth.text.script import Manner

__all__ = ["Emotion", "Expression", "Further", "RoleManner", "Weight"]

Weight = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False, strict=True)]
# Written as the document's `enum`; what counts is `emotion_label`, which also takes capitals.
Emotion = Annotated[str, WithJsonSchema({"type": "string", "enum": [*AUTO_NAMES, *ALIASES]})]
_VoiceId = Annotated[str, Field(max_length=64)]
# A mood is told in a sentence or two.
_MoodText = Annotated[str, Field(min_length=1, max_length=500)]
_Tag = Annotated[str, Field(max_length=35, description="As BCP 47 writes it, `zh` or `en`; the version's first if left out.")]


def _number(name: str) -> object:
    least, most = BOUNDS[name]
    return Field(ge=least, le=most, allow_inf_nan=False, strict=True)


class Expression(BaseModel):
    """With one emotion or several, how high, how loud."""

    emotion: Annotated[
        Emotion | None,
        Field(description="`neutral`, `happy`, …, or a Chinese name of it such as 高兴; `auto`: each sentence's, by its words."),
    ] = None
    intensity: Annotated[Weight, Field(description="How strong the emotion is, or how much of a mood is taken.")] = 0.5
    emotion_vector: Annotated[
        dict[Emotion, Weight] | None, Field(max_length=16, description="Several emotions at once, each with its weight.")
    ] = None
    pitch: Annotated[float, _number("pitch"), Field(description="Semitones, for engines that can; above 0 is higher.")] = 0.0
    volume: Annotated[float, _number("volume"), Field(description="Decibels, for engines that can; above 0 is louder.")] = 0.0

    def vector(self) -> EmotionVector:
        """The emotions and their weights.

        Raises:
            UsageError: an emotion has no such name, or two ways of giving one were used.
        """
        if self.emotion_vector is None:
            named = None if self.emotion is None or is_auto(self.emotion) else self.emotion
            return EmotionVector() if named is None else EmotionVector.of(named, self.intensity)
        if self.emotion is not None:
            raise UsageError("both `emotion` and `emotion_vector` are given", remedy="give one of them", code="E_EMOTION")
        return EmotionVector.mixture(self.emotion_vector)


class RoleManner(Expression):
    """How a role speaks: with which emotion, how fast, how high, how loud, in whose voice."""

    model_config = ConfigDict(extra="forbid")

    voice: Annotated[_VoiceId | None, Field(description="A voice's id, for engines that can speak with it.")] = None
    speed: Annotated[float, _number("speed"), Field(description="Above 1 is faster.")] = 1.0

    def role(self, name: str) -> RoleSettings:
        """The role of that name that speaks so. Raises UsageError as `vector`."""
        return RoleSettings(name, self.vector().weights, self.speed, self.voice, self.pitch, self.volume)


class AskedSampling(BaseModel):
    """How an engine that draws its speech from probabilities draws it; what is left out is as the engine has it."""

    model_config = ConfigDict(extra="forbid")

    temperature: Annotated[float, _number("temperature")] | None = None
    top_p: Annotated[float, _number("top_p")] | None = None
    top_k: Annotated[int, _number("top_k")] | None = None
    num_beams: Annotated[int, _number("num_beams")] | None = None
    repetition_penalty: Annotated[float, _number("repetition_penalty")] | None = None
    length_penalty: Annotated[float, _number("length_penalty")] | None = None
    max_mel_tokens: Annotated[int, _number("max_mel_tokens")] | None = None

    def drawn(self) -> Sampling:
        """The same, in the terms of the house."""
        return Sampling(**self.model_dump())


class Further(Expression):
    """What only some engines follow, and what holds for a whole text."""

    emotion_text: Annotated[_MoodText | None, Field(description="A text whose mood is taken, for engines that can.")] = None
    emotion_voice: Annotated[_VoiceId | None, Field(description="A voice's id whose mood is taken, for engines that can.")] = None
    language: _Tag = ""
    sampling: AskedSampling = AskedSampling()
    segment_length: Annotated[
        int | None, _number("segment_length"), Field(description="Characters of one segment, at most; fewer are heard sooner.")
    ] = None
    seed: Annotated[int, Field(ge=0, lt=2**31, strict=True, description="For engines that draw random numbers.")] = 0

    def manner(self, speed: float, voice: str | None) -> Manner:
        """How what no role and no mark says otherwise is spoken.

        Raises:
            UsageError: an emotion has no such name, or two ways of giving one were used.
        """
        names = ("emotion", "emotion_vector", "emotion_text", "emotion_voice")
        given = [name for name in names if getattr(self, name) is not None]
        if len(given) > 1:
            said = " and ".join(f"`{name}`" for name in given)
            raise UsageError(f"both {said} are given", remedy="give one of them", code="E_EMOTION")
        return Manner(
            vector=self.vector(),
            speed=speed,
            voice=voice,
            emotion_voice=self.emotion_voice,
            emotion_text=self.emotion_text,
            intensity=1.0 if self.emotion_voice is None and self.emotion_text is None else self.intensity,
            pitch=self.pitch,
            volume=self.volume,
            suggested=self.emotion is not None and is_auto(self.emotion),
        )

    def label(self) -> str | None:
        """The label of the one emotion that was asked for, or `auto`. Raises UsageError, E_EMOTION."""
        if self.emotion is None:
            return None
        return AUTO if is_auto(self.emotion) else emotion_label(self.emotion)
