"""The native engine: `lite`'s one Mandarin voice at 24 kHz. Deterministic: the same segment and settings give the same samples."""

from dataclasses import dataclass, replace
from pathlib import Path

import torch

from indextts_hub.errors import UsageError
from synth.emotion import EMOTIONS, NEUTRAL
from synth.engines.fastspeech2.model import LONGEST, SAMPLE_RATE, FastSpeech2
from synth.engines.fastspeech2.profiles import prosody
from synth.engines.fastspeech2.symbols import Mapper, read_mapper
from synth.engines.fastspeech2.vocoder import Vocoder
from synth.engines.fastspeech2.weights import load_acoustic_model, load_vocoder
from synth.engines.protocol import Capabilities, Segment, SegmentSpeech, Settings
from synth.text.pinyin import to_syllables

__all__ = ["CAPABILITIES", "FastSpeech2Engine", "load"]

CAPABILITIES = Capabilities(
    sample_rate=SAMPLE_RATE,
    emotions=(NEUTRAL, *EMOTIONS),
    cloning=False,
    # 60 syllables at half speed are 24 s: below the 25 s that the network's table of positions covers.
    longest_segment=60,
    languages=("zh",),
    notes=("one female voice; a reference clip can't change its timbre", "the seed changes nothing: speech is deterministic"),
    levels=1,
)


# Half as long a segment takes half the memory beyond the weights: the mel and the vocoder's layers grow with it.
_THRIFTY = replace(CAPABILITIES, longest_segment=30, thrift=("memory is short: sentences are cut every 30 characters",))


@dataclass(frozen=True, slots=True)
class FastSpeech2Engine:
    """The two networks and the mapper between text and them."""

    mapper: Mapper
    acoustic: FastSpeech2
    vocoder: Vocoder
    capabilities: Capabilities = CAPABILITIES

    def speak(self, segment: Segment, settings: Settings) -> SegmentSpeech:
        """Speak one segment, its pause as silence behind it.

        Raises:
            UsageError: E_TEXT, if the segment is longer than the network's table of positions.
        """
        symbols = self.mapper.symbols(to_syllables(segment.text))
        if len(symbols) > LONGEST:
            raise UsageError(
                f"a segment of {len(symbols)} symbols, and this engine speaks at most {LONGEST} in one go",
                remedy="put punctuation into the text",
                code="E_TEXT",
            )
        acoustics = self.acoustic.speak(torch.tensor(symbols), prosody(settings.emotion, settings.speed))
        samples = self.vocoder.speak(acoustics.mel)  # [300 F]
        samples = samples / samples.abs().amax().clamp_min(1.0)
        silence = torch.zeros(round(segment.pause * SAMPLE_RATE))
        return SegmentSpeech(torch.cat([samples, silence]).numpy().astype("<f4").tobytes())


def load(snapshot: Path, thrift: int = 0) -> FastSpeech2Engine:
    """Load `lite` from its snapshot and speak once, so that the first real segment is not slower than the next.

    Args:
        thrift: above 0 it takes shorter segments.

    Raises:
        IntegrityError: E_WEIGHTS, if a file does not hold what this engine knows.
    """
    engine = FastSpeech2Engine(
        read_mapper(snapshot / "baker_mapper.json"),
        load_acoustic_model(snapshot / "fastspeech2_quan.tflite"),
        load_vocoder(snapshot / "mb_melgan.tflite"),
        _THRIFTY if thrift else CAPABILITIES,
    )
    engine.speak(Segment("你好"), Settings())
    return engine
