"""IndexTTS 2, spoken by the package `indextts2-inference` from a snapshot alone: any voice, eight emotions, a mood from a text.

    files are there, checkpoints pass the gate → lay out a cache → load → for each segment: mood → seed → infer → samples

Runs in an environment of its own (`synth.environments`); what it imports besides this project's own modules is there only. What the
package itself can't do is done at its edges: speed, by the length that a segment's frames are made for, as IndexTTS 2.5 does it; a
network that says nothing, which would be an error deep within.
"""

import logging
import re
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import Any

from indextts_hub.errors import IntegrityError
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

__all__ = ["CAPABILITIES", "IndexTTS2Engine", "load"]

CAPABILITIES = Capabilities(
    sample_rate=SAMPLE_RATE,
    emotions=(NEUTRAL, *EMOTIONS),
    cloning=True,
    longest_segment=100,
    languages=("zh", "en"),
    notes=("it needs a reference clip, of which the first 15 s count",),
    own_voice=False,
    controls=("emotion_text", *CONTROLS),
)

_CHECKPOINTS = (
    "gpt.pth",
    "s2mel.pth",
    "feat1.pt",
    "feat2.pt",
    "wav2vec2bert_stats.pt",
    "hf_cache/campplus_cn_common.bin",
    "hf_cache/bigvgan/bigvgan_generator.pt",
)
_READER = "qwen0.6bemo4-merge"
_OTHERS = (
    "config.yaml",
    "bpe.model",
    *(f"{_READER}/{name}" for name in ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")),
)
_CACHED = {
    "models--facebook--w2v-bert-2.0": {
        name: f"hf_cache/w2v-bert-2.0/{name}" for name in ("config.json", "model.safetensors", "preprocessor_config.json")
    },
    "models--amphion--MaskGCT": {"semantic_codec/model.safetensors": "hf_cache/semantic_codec_model.safetensors"},
    "models--funasr--campplus": {"campplus_cn_common.bin": "hf_cache/campplus_cn_common.bin"},
    "models--nvidia--bigvgan_v2_22khz_80band_256x": {
        name: f"hf_cache/bigvgan/{name}" for name in ("config.json", "bigvgan_generator.pt")
    },
}
"""What the package looks for in a cache of the Hugging Face Hub only, by repository and path, and where a version has it."""

_ANY_REVISION = "0" * 40

# The eight weights of a mood are some eighty tokens; the package would let a network that lost itself go on for 32,768.
_LONGEST_MOOD = 256
_MOODS_KEPT = 64

# A mark that fixes a reading, and one of a language whose readings it does not know.
_MARK = re.compile(r"<[^<>|\n]+\|([A-Za-zü:]+[1-5](?: [A-Za-zü:]+[1-5])*)>")

_OTHER_MARK = re.compile(r"<([^<>|\n]+)\|[^<>\n]+>")

_THRIFT = (
    (),
    ("memory is short: the network computes in half precision",),
    ("memory is short: the network computes in half precision", "the graphics card is left alone"),
)


@dataclass(slots=True)
class _Edges:
    """What is done at the package's edges while a segment is spoken.

    Attributes:
        stretch: by what the frames of a segment are more than at the voice's own speed; None while a clip is listened to.
    """

    stop: int
    stretch: float | None = None

    def stretched(self, _module: object, args: tuple[Any, ...], more: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Before the length regulator: ask it for another number of frames."""
        if self.stretch is None:
            return args, more
        return args, {**more, "ylens": (more["ylens"] * self.stretch).long()}

    def speaking(self, drawn: tuple[Any, Any]) -> tuple[Any, Any]:
        """Behind the GPT: see that it said something. Raises UsageError, E_TEXT."""
        codes, _ = drawn
        if codes.shape[1] == 0 or codes[0, 0] == self.stop:
            raise nothing_said()
        return drawn


@dataclass(frozen=True, slots=True)
class IndexTTS2Engine:
    """The package's networks, loaded."""

    tts: Any  # the package has no types
    edges: _Edges
    capabilities: Capabilities = CAPABILITIES
    _moods: dict[str, list[float]] = field(default_factory=dict)
    _heard: dict[str, int] = field(default_factory=dict)

    def speak(self, segment: Segment, settings: Settings) -> SegmentSpeech:
        """Speak one segment in the voice of the reference clip, its pause as silence behind it.

        Raises:
            UsageError: E_VOICE, without a clip; E_TEXT, if nothing was said of it.
        """
        import numpy as np
        import torch

        clip = reference(settings)
        vector, share = self._mood(settings)
        drawn = {"max_mel_tokens": MOST_CODES, **settings.sampling.given()}
        drawn["max_mel_tokens"] = min(drawn["max_mel_tokens"], self.tts.gpt.max_mel_tokens)
        with warnings.catch_warnings(record=True) as told, torch.inference_mode():
            warnings.simplefilter("always")
            self._listen(clip, settings.emotion_voice or clip)
            seeded(settings.seed)
            with self._at_speed(settings.speed):
                spoken = self.tts.infer_generator(
                    clip,
                    # It has no emphasis of words, and reads syllables that stand in the text.
                    _OTHER_MARK.sub(r"\1", _MARK.sub(_syllables, without_emphasis(segment.text))),
                    None,
                    emo_audio_prompt=settings.emotion_voice,
                    emo_alpha=share,
                    emo_vector=vector,
                    interval_silence=0,
                    stream_return=True,
                    **drawn,
                )
                # Between the pieces it gives lists of them, where silence would stand.
                pieces = [piece.reshape(-1).to(torch.float32).numpy() for piece in spoken if isinstance(piece, torch.Tensor)]
        said = list(heard_of(settings))
        if any("max_mel_tokens" in str(warning.message) for warning in told):
            said.append("a sentence may be cut short: the network did not come to its end")
        return handed_on(np.concatenate(pieces), segment, settings, said)

    def _mood(self, settings: Settings) -> tuple[list[float] | None, float]:
        """The vector that the network is given, and its share of the voice; as upstream has it, that of a text has no bias."""
        if (text := settings.emotion_text) is None:
            return emotion_vector(settings.emotion), settings.intensity
        if text not in self._moods:
            # Also what is read is drawn: the same text is read the same, whatever was spoken before.
            seeded(0)
            if len(self._moods) == _MOODS_KEPT:
                del self._moods[next(iter(self._moods))]
            self._moods[text] = [float(weight) for weight in self.tts.qwen_emo.inference(text).values()]
        return self._moods[text], settings.intensity

    def _listen(self, voice: str, mood: str) -> None:
        """Hear clips before anything is drawn: the package draws when it hears, and hears each once.

        It knows clips by their paths alone; one whose file was written anew is heard again.
        """
        written = {clip: Path(clip).stat().st_mtime_ns for clip in (voice, mood)}
        if self._heard != written:
            self.tts.cache_spk_audio_prompt = self.tts.cache_emo_audio_prompt = None
            self._heard.clear()
            self._heard.update(written)
        self.tts._get_speaker_conditioning(voice)  # noqa: SLF001 - as `infer_generator` does first
        self.tts._get_emotion_conditioning(mood)  # noqa: SLF001

    @contextmanager
    def _at_speed(self, speed: float) -> Iterator[None]:
        self.edges.stretch = 1 / speed
        try:
            yield
        finally:
            self.edges.stretch = None


def load(snapshot: Path, thrift: int = 0) -> IndexTTS2Engine:
    """Load the networks from a snapshot; nothing is looked for elsewhere.

    Args:
        thrift: with a graphics card, 1 computes in half precision, and 2 leaves it alone.

    Raises:
        IntegrityError: E_WEIGHTS, naming a file that is not there, or saying what does not fit.
        UnsafeFile: E_PICKLE, E_ARCHIVE, if a checkpoint would run something.
    """
    assert_loadable(snapshot, _CHECKPOINTS, (*_OTHERS, *(place for paths in _CACHED.values() for place in paths.values())))
    import torch

    levels = 2 if torch.cuda.is_available() else 0
    level = min(thrift, levels)
    package = import_module("synth.engines.indextts2.package").infer
    try:
        with _cache(snapshot), _listening(logging.getLogger("indextts.s2mel.modules.commons")) as left_out:
            tts = package.IndexTTS2(
                str(snapshot),
                use_fp16=level > 0,
                device="cpu" if level > 1 else None,
                # It would be compiled at the first start, for minutes, by a compiler that is not there.
                use_cuda_kernel=False,
            )
        _assert_all_taken(tts.s2mel, left_out.names)
    except (RuntimeError, KeyError, ValueError, EOFError, OSError) as error:
        raise unfitting("IndexTTS 2", error) from error
    return IndexTTS2Engine(tts, _edged(tts), replace(CAPABILITIES, thrift=_THRIFT[level], levels=levels))


def _edged(tts: Any) -> _Edges:
    """Do what is done at the package's edges."""
    edges = _Edges(tts.stop_mel_token)
    tts.s2mel.models["length_regulator"].register_forward_pre_hook(edges.stretched, with_kwargs=True)
    draw, read = tts.gpt.inference_speech, tts.qwen_emo.model.generate
    tts.gpt.inference_speech = lambda *args, **more: edges.speaking(draw(*args, **more))
    tts.qwen_emo.model.generate = lambda **more: read(**{**more, "max_new_tokens": _LONGEST_MOOD})
    return edges


@contextmanager
def _cache(snapshot: Path) -> Iterator[None]:
    """A cache of the Hugging Face Hub, of links to the version's files; while the block is run the package knows no other place."""
    constants: Any = import_module("huggingface_hub.constants")
    before = constants.HF_HUB_CACHE, constants.HF_HUB_OFFLINE
    with tempfile.TemporaryDirectory(prefix="indextts-hub-", ignore_cleanup_errors=True) as folder:
        for repo, paths in _CACHED.items():
            _written(Path(folder) / repo / "refs" / "main").write_text(_ANY_REVISION, "ascii")
            for path, place in paths.items():
                _written(Path(folder) / repo / "snapshots" / _ANY_REVISION / path).symlink_to((snapshot / place).absolute())
        constants.HF_HUB_CACHE, constants.HF_HUB_OFFLINE = folder, True
        try:
            yield
        finally:
            constants.HF_HUB_CACHE, constants.HF_HUB_OFFLINE = before


def _written(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


class _LeftOut(logging.Handler):
    """What the package says that it left out of a checkpoint: it goes on with weights that nobody trained."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.names: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """Take the names that a warning is about."""
        for said in record.args or ():
            if isinstance(said, set):
                self.names |= said


@contextmanager
def _listening(logger: logging.Logger) -> Iterator[_LeftOut]:
    left_out = _LeftOut()
    logger.addHandler(left_out)
    try:
        yield left_out
    finally:
        logger.removeHandler(left_out)


def _assert_all_taken(model: Any, left_out: set[str]) -> None:
    """See that nothing was left out that the code has a place for: it was of another shape."""
    wanted = {name for module in model.models.values() for name in module.state_dict()}
    if unfit := sorted(wanted & left_out):
        raise IntegrityError(
            f"the files are not those of IndexTTS 2: {unfit[0]} has another shape",
            remedy="run `indextts-hub verify --repair` on the version",
            code="E_WEIGHTS",
        )


def _syllables(mark: re.Match[str]) -> str:
    return " " + mark[1].upper().replace("U:", "V").replace("Ü", "V") + " "
