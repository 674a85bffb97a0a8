"""IndexTTS 2.5, spoken by the package `indextts25-inference` from a snapshot alone: any voice, eight emotions, four languages.

    files are there, checkpoints pass the gate → load → for each segment: seed → vector → infer → samples

Runs in an environment of its own (`synth.environments`); what it imports besides this project's own modules is there only.
"""

import re
import warnings
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

from synth.emotion import EMOTIONS, NEUTRAL
from synth.engines.indextts import (
    CONTROLS,
    MOST_CODES,
    SAMPLE_RATE,
    assert_loadable,
    emotion_vector,
    handed_on,
    heard_of,
    nothing_said,
    reference,
    seeded,
    unfitting,
)
from synth.engines.protocol import Capabilities, Segment, SegmentSpeech, Settings
from synth.text.marks import without_emphasis

__all__ = ["CAPABILITIES", "IndexTTS25Engine", "load"]

CAPABILITIES = Capabilities(
    sample_rate=SAMPLE_RATE,
    emotions=(NEUTRAL, *EMOTIONS),
    cloning=True,
    longest_segment=100,
    languages=("zh", "en", "es", "ar"),
    notes=(
        "it needs a reference clip, of which the first 15 s count",
        "in es and ar numbers are not written out: write them in words",
    ),
    own_voice=False,
    controls=CONTROLS,
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
        import torch

        clip = reference(settings)
        drawn = {"max_mel_tokens": MOST_CODES, **settings.sampling.given()}
        drawn["max_mel_tokens"] = min(drawn["max_mel_tokens"], self.tts.gpt.max_mel_tokens)
        seeded(settings.seed)
        with warnings.catch_warnings(record=True) as told, torch.inference_mode():
            warnings.simplefilter("always")
            pieces = [
                piece.reshape(-1).to(torch.float32).numpy() / 32767
                for piece in self.tts.infer_generator(
                    spk_audio_prompt=clip,
                    # It has no emphasis of words.
                    text=without_emphasis(segment.text),
                    output_path=None,
                    lang=settings.language or ("zh" if _HAN.search(segment.text) else "en"),
                    emo_audio_prompt=settings.emotion_voice,
                    emo_alpha=settings.intensity,
                    emo_vector=emotion_vector(settings.emotion),
                    # Above 1 is slower there, faster here.
                    duration_factor=1 / settings.speed,
                    # It was normalised and cut already, the same for all engines.
                    text_normalization=False,
                    interval_silence=0,
                    stream_return=True,
                    **drawn,
                )
            ]
        if not pieces:
            raise nothing_said()
        said = list(heard_of(settings))
        if any("max_mel_tokens" in str(warning.message) for warning in told):
            said.append("a sentence may be cut short: the network did not come to its end")
        return handed_on(np.concatenate(pieces), segment, settings, said)


def load(snapshot: Path, thrift: int = 0) -> IndexTTS25Engine:
    """Load the network from a snapshot; nothing is looked for elsewhere.

    Args:
        thrift: with a graphics card, 1 computes in bfloat16, and 2 leaves it alone.

    Raises:
        IntegrityError: E_WEIGHTS, naming a file that is not there, or saying what does not fit.
        UnsafeFile: E_PICKLE, E_ARCHIVE, if a checkpoint would run something.
    """
    assert_loadable(snapshot, _CHECKPOINTS, _OTHERS)
    import torch

    levels = 2 if torch.cuda.is_available() else 0
    level = min(thrift, levels)
    package = import_module("indextts25")
    try:
        made = package.IndexTTS25(snapshot, fp16=level > 0, device="cpu" if level > 1 else None)
    except (RuntimeError, KeyError, ValueError, EOFError) as error:
        raise unfitting("IndexTTS 2.5", error) from error
    # What the package offers around it cuts and normalises texts, which is done already.
    return IndexTTS25Engine(made._tts, replace(CAPABILITIES, thrift=_THRIFT[level], levels=levels))  # noqa: SLF001
