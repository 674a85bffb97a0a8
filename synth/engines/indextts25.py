"""IndexTTS 2.5, spoken by the package `indextts25-inference` from a snapshot alone: any voice, eight emotions, Chinese and English.

    files are there, checkpoints pass the gate → load → for each segment: seed → vector → infer → samples

Runs in an environment of its own (`synth.environments`); what it imports besides this project's own modules is there only.
"""

import random
import re
import warnings
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

from indextts_hub.errors import IntegrityError, UsageError
from indextts_hub.gate import assert_checkpoint
from synth.emotion import EMOTIONS, NEUTRAL
from synth.engines.protocol import Capabilities, Segment, SegmentSpeech, Settings
from synth.text.marks import without_emphasis

__all__ = ["BIAS", "CAPABILITIES", "LONGEST_REFERENCE", "IndexTTS25Engine", "emotion_vector", "load"]

SAMPLE_RATE = 22_050
LONGEST_REFERENCE = 15.0
"""Seconds of a reference clip that the package listens to."""

BIAS = (0.9375, 0.875, 1.0, 1.0, 0.9375, 0.9375, 0.6875, 0.5625)
"""By what each weight is multiplied, in the order of `EMOTIONS`: upstream's own, `IndexTTS2.normalize_emo_vec`."""

MOST_EMOTION = 0.8
"""What the weights sum up to at most: upstream's own; beyond it the voice loses itself."""

MOST_CODES = 1500
"""Codes for one segment, 60 s of speech: the package's own."""

CAPABILITIES = Capabilities(
    sample_rate=SAMPLE_RATE,
    emotions=(NEUTRAL, *EMOTIONS),
    cloning=True,
    longest_segment=100,
    languages=("zh", "en"),
    notes=("it needs a reference clip, of which the first 15 s count",),
    own_voice=False,
)

_CHECKPOINTS = (
    "gpt.pth",
    "codec.pth",
    "s2mel.pth",
    "feat1.pt",
    "feat2.pt",
    "wav2vec2bert_stats.pt",
    "hf_cache/campplus_cn_common.bin",
    "hf_cache/bigvgan/bigvgan_generator.pt",
)
_OTHERS = (
    "config.yaml",
    "multilingual_zh_ja_yue_char_del.tiktoken",
    "hf_cache/bigvgan/config.json",
    "hf_cache/w2v-bert-2.0/config.json",
    "hf_cache/w2v-bert-2.0/model.safetensors",
    "hf_cache/w2v-bert-2.0/preprocessor_config.json",
)
_HAN = re.compile("[\u3400-\u9fff]")
# What a graphics card may do without, one step after the other; a processor alone has nothing to give up.
_THRIFT = (
    (),
    ("memory is short: the network computes in bfloat16",),
    ("memory is short: the network computes in bfloat16", "the graphics card is left alone"),
)


@dataclass(frozen=True, slots=True)
class IndexTTS25Engine:
    """The package's network, loaded."""

    tts: Any  # the package has no types
    capabilities: Capabilities = CAPABILITIES

    def speak(self, segment: Segment, settings: Settings) -> SegmentSpeech:
        """Speak one segment in the voice of the reference clip, its pause as silence behind it.

        Raises:
            UsageError: E_VOICE, without a clip; E_TEXT, if nothing was said of it.
        """
        import numpy as np
        import soundfile
        import torch

        if settings.voice is None:
            raise UsageError("IndexTTS 2.5 speaks with a reference clip", remedy="name a voice that is kept", code="E_VOICE")
        seconds = soundfile.info(settings.voice).duration
        torch.manual_seed(settings.seed)
        random.seed(settings.seed)
        with warnings.catch_warnings(record=True) as told, torch.inference_mode():
            warnings.simplefilter("always")
            pieces = [
                piece.reshape(-1).to(torch.float32).numpy() / 32767
                for piece in self.tts.infer_generator(
                    spk_audio_prompt=settings.voice,
                    # It has no emphasis of words.
                    text=without_emphasis(segment.text),
                    output_path=None,
                    lang="zh" if _HAN.search(segment.text) else "en",
                    emo_vector=emotion_vector(settings.emotion),
                    # Above 1 is slower there, faster here.
                    duration_factor=1 / settings.speed,
                    # It was normalised and cut already, the same for all engines.
                    text_normalization=False,
                    interval_silence=0,
                    stream_return=True,
                    max_mel_tokens=min(MOST_CODES, self.tts.gpt.max_mel_tokens),
                )
            ]
        if not pieces:
            raise UsageError("nothing was said of this text", remedy="use another seed, or write it otherwise", code="E_TEXT")
        silence = np.zeros(round(segment.pause * SAMPLE_RATE), np.float32)
        samples = np.concatenate([*pieces, silence]).clip(-1, 1).astype("<f4")
        said = []
        if seconds > LONGEST_REFERENCE:
            said.append(f"the reference is {seconds:.0f} s long, of which the first {LONGEST_REFERENCE:.0f} count")
        if any("max_mel_tokens" in str(warning.message) for warning in told):
            said.append("a sentence may be cut short: the network did not come to its end")
        return SegmentSpeech(samples.tobytes(), tuple(said))


def emotion_vector(weights: tuple[float, ...]) -> list[float] | None:
    """The vector that the network is given; None for neutral, which leaves it to the reference how the voice feels.

    Args:
        weights: eight, from 0 to 1, in the order of `EMOTIONS`.
    """
    biased = [weight * bias for weight, bias in zip(weights, BIAS, strict=True)]
    if not (total := sum(biased)):
        return None
    scale = min(1.0, MOST_EMOTION / total)
    return [weight * scale for weight in biased]


def load(snapshot: Path, thrift: int = 0) -> IndexTTS25Engine:
    """Load the network from a snapshot; nothing is looked for elsewhere.

    Args:
        thrift: with a graphics card, 1 computes in bfloat16, and 2 leaves it alone.

    Raises:
        IntegrityError: E_WEIGHTS, naming a file that is not there, or saying what does not fit.
        UnsafeFile: E_PICKLE, E_ARCHIVE, if a checkpoint would run something.
    """
    import torch

    for path in (*_CHECKPOINTS, *_OTHERS):
        if not (snapshot / path).is_file():
            raise IntegrityError(f"the version has no {path}", remedy="run `indextts-hub verify --repair` on it", code="E_WEIGHTS")
    for path in _CHECKPOINTS:
        with (snapshot / path).open("rb") as file:
            assert_checkpoint(file, path)
    levels = 2 if torch.cuda.is_available() else 0
    level = min(thrift, levels)
    package = import_module("indextts25")
    try:
        made = package.IndexTTS25(snapshot, fp16=level > 0, device="cpu" if level > 1 else None)
    except (RuntimeError, KeyError, ValueError, EOFError) as error:
        raise IntegrityError(
            f"the files are not those of IndexTTS 2.5: {str(error).splitlines()[0][:200]}",
            remedy="run `indextts-hub verify --repair` on the version",
            code="E_WEIGHTS",
        ) from error
    # What the package offers around it cuts and normalises texts, which is done already.
    return IndexTTS25Engine(made._tts, replace(CAPABILITIES, thrift=_THRIFT[level], levels=levels))  # noqa: SLF001
