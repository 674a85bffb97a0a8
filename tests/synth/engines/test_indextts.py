"""IndexTTS 2.5 and 2: the real packages' code in workers of their own, on weights as `tests/synth/engines/tiny25.py` makes them."""

import asyncio
import io
import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from indextts_hub.errors import HubError, IntegrityError, UsageError
from indextts_hub.gate import assert_checkpoint
from synth.emotion import EMOTIONS
from synth.engines.able import check_able
from synth.engines.indextts import BIAS, CONTROLS, emotion_vector
from synth.engines.protocol import Segment, SegmentSpeech, Settings
from synth.environments import ENGINES, launch_for
from synth.worker.process import TimeLimits, Worker
from tests.synth.audio.voices import tone
from tests.synth.engines.environments import ROOT, Tried, tried

__all__ = ["tried"]

pytestmark = [pytest.mark.slow, pytest.mark.network, pytest.mark.timeout(900)]

LIMITS = TimeLimits(start=240, segment=240)
VERSIONS = {"indextts25": "5.23.0", "indextts2": "5.14.1"}
NEUTRAL = [0.0] * 8


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Reference clips: two that differ, and one that is too long."""
    folder = tmp_path_factory.mktemp("voice")
    noise = np.random.default_rng(0).normal(0, 0.1, 48_000).astype(np.float32)
    for name, samples in {"voice": tone(24_000, 3.0), "mood": noise, "long": tone(24_000, 17.0)}.items():
        soundfile.write(folder / f"{name}.wav", samples, 24_000)
    return {name: str(folder / f"{name}.wav") for name in ("voice", "mood", "long")}


def spoken(tried: Tried, snapshot: Path, settings: Sequence[Settings]) -> list[SegmentSpeech]:
    """What one worker says with each of these settings."""
    launch = replace(launch_for(tried.engine, snapshot, tried.engines), environment=dict(os.environ))

    async def speak() -> list[SegmentSpeech]:
        worker = await Worker.start(launch, LIMITS)
        try:
            for each in settings:
                check_able(worker.capabilities, each)
            return [speech for each in settings async for speech in worker.speak([Segment("你好，世界。", 0.1)], each)]
        finally:
            await worker.stop()

    return asyncio.run(speak())


@pytest.fixture(scope="module")
def said(tried: Tried, clips: dict[str, str]) -> dict[str, SegmentSpeech]:
    """What one worker says in many ways, by what is special about each."""
    voice = clips["voice"]
    ways = {
        "one": Settings(voice=voice, seed=1),
        "two": Settings(voice=voice, seed=2),
        "again": Settings(voice=voice, seed=1),
        "slow": Settings(voice=voice, speed=0.5, seed=1),
        "fast": Settings(voice=voice, speed=2.0, seed=1),
        "low": Settings(voice=voice, volume=-6.0, seed=1),
        "loud": Settings(voice=voice, volume=20.0, seed=1),
        "long": Settings(voice=clips["long"], seed=1),
        "moody": Settings(voice=voice, emotion_voice=clips["long"], seed=1),
    }
    return dict(zip(ways, spoken(tried, tried.weights, list(ways.values())), strict=True))


def heard(speech: SegmentSpeech) -> "np.ndarray[tuple[int], np.dtype[np.float32]]":
    return np.frombuffer(speech.samples, "<f4")


def test_the_environment_shares_torch_and_has_what_the_engine_was_tried_with(tried: Tried) -> None:
    code = "import torch, transformers; print(torch.__file__, transformers.__version__, transformers.__file__, sep='\\n')"
    done = subprocess.run([tried.python, "-c", code], capture_output=True, text=True, check=True)
    torch_file, version, own = done.stdout.splitlines()
    assert not torch_file.startswith(str(tried.engines))
    assert version == VERSIONS[tried.engine]
    assert own.startswith(str(tried.engines))


def test_the_same_seed_gives_the_same_bytes_and_another_one_others(
    tried: Tried, said: dict[str, SegmentSpeech], clips: dict[str, str]
) -> None:
    assert said["one"].samples == said["again"].samples
    assert said["one"].samples != said["two"].samples
    samples = heard(said["one"])
    assert np.isfinite(samples).all()
    assert 0 < np.abs(samples).max() <= 1
    assert not samples[-2205:].any()
    (elsewhere,) = spoken(tried, tried.weights, [Settings(voice=clips["voice"], seed=1)])
    assert elsewhere.samples == said["one"].samples


def test_faster_is_shorter(said: dict[str, SegmentSpeech]) -> None:
    slow, plain, fast = (len(heard(said[way])) - 2205 for way in ("slow", "one", "fast"))
    assert 1.8 < slow / plain < 2.2
    assert 0.45 < fast / plain < 0.55


def test_louder_is_louder_and_never_beyond_one(said: dict[str, SegmentSpeech]) -> None:
    plain, low, loud = (heard(said[way]) for way in ("one", "low", "loud"))
    np.testing.assert_allclose(low, plain * 10 ** (-6 / 20), atol=1e-6)
    assert np.abs(plain).max() < np.abs(loud).max() < 1
    quiet = np.abs(plain) * 10 < 0.8
    np.testing.assert_allclose(loud[quiet], plain[quiet] * 10, atol=1e-5)


def test_of_a_long_clip_the_beginning_counts_which_is_said(said: dict[str, SegmentSpeech]) -> None:
    assert "the reference is 17 s long, of which the first 15 count" in said["long"].warnings
    assert "the clip of the mood is 17 s long, of which the first 15 count" in said["moody"].warnings
    assert not any("long" in warning for warning in said["one"].warnings)


def test_what_an_engine_can_not_do_is_refused_with_what_it_can(tried: Tried, clips: dict[str, str]) -> None:
    can = import_module(ENGINES[tried.engine].module).CAPABILITIES
    with pytest.raises(UsageError) as refused:
        check_able(can, Settings())
    assert refused.value.code == "E_VOICE"
    with pytest.raises(UsageError) as refused:
        check_able(can, Settings(voice=clips["voice"], pitch=2.0))
    assert refused.value.code == "E_CONTROL"
    assert all(control in refused.value.remedy for control in CONTROLS)
    by_text = Settings(voice=clips["voice"], emotion_text="我很高兴")
    if tried.engine == "indextts2":
        check_able(can, by_text)
        return
    with pytest.raises(UsageError) as refused:
        check_able(can, by_text)
    assert refused.value.message == "this version does not follow emotion_text"


# ---- what reaches the network


@pytest.fixture(scope="module")
def reached(tried: Tried, clips: dict[str, str]) -> tuple[dict[str, Any], list[Any], list[list[float]]]:
    """What the networks were given for each way of asking, the vectors that emotions are mixed of, and the moods that were read."""
    labels = {label: {"emotion": [float(at == number) for at in range(8)]} for number, label in enumerate(EMOTIONS)}
    drawn = {"temperature": 0.5, "top_p": 0.6, "top_k": 7, "num_beams": 2, "repetition_penalty": 3.0, "length_penalty": 1.0}
    ways: dict[str, tuple[str, dict[str, Any]]] = {
        "plain": ("你好", {}),
        **{label: ("你好", how) for label, how in labels.items()},
        "mixed": ("你好", {"emotion": [0.5, 0.5, 0, 0, 0, 0, 0, 0.25]}),
        "other voice": ("你好", {"voice": clips["mood"]}),
        "of a voice": ("你好", {"emotion_voice": clips["mood"], "intensity": 0.6}),
        "drawn": ("你好", {"sampling": {**drawn, "max_mel_tokens": 50}}),
        "marked": ("<行|XING2>", {}),
        "english": ("the fox", {}),
        "spelled": ("the <minute|M IH1 . N AH0 T>", {}),
    }
    if tried.engine == "indextts2":
        ways["of a text"] = ("你好", {"emotion_text": "两样", "intensity": 0.5})
        ways["of noise"] = ("你好", {"emotion_text": "无话", "intensity": 0.8})
    else:
        ways |= {f"in {tag}": ("hola", {"language": tag}) for tag in ("zh", "en", "es", "ar")}
    asked = [(text, {"voice": clips["voice"], **how}) for text, how in ways.values()]
    command = [tried.python, "-m", "tests.synth.engines.watched", tried.engine, tried.weights]
    done = subprocess.run(command, input=json.dumps(asked), capture_output=True, text=True, timeout=600, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    return dict(zip(ways, found["told"], strict=True)), found["matrix"], found["moods"]


def is_mixed_of(vector: Sequence[float], weights: Sequence[float], plain: Sequence[float], matrix: Sequence[Any]) -> bool:
    """Upstream's formula: the sum of each emotion's vector by its weight, and of the reference's own what is left of one.

    Which of an emotion's vectors is the nearest to the voice is upstream's choice: one of each.
    """
    rest = np.array(vector) - (1 - sum(weights)) * np.array(plain)
    choices = [
        [weight * np.array(row) for row in part] if weight else [np.zeros(len(plain))]
        for weight, part in zip(weights, matrix, strict=True)
    ]
    return min(np.abs(rest - sum(chosen)).max() for chosen in product(*choices)) < 1e-3


@pytest.mark.parametrize("label", EMOTIONS)
def test_each_emotion_reaches_the_network_as_its_own_vector(reached: tuple[dict[str, Any], list[Any], Any], label: str) -> None:
    told, matrix, _ = reached
    weights = emotion_vector([float(each == label) for each in EMOTIONS])
    assert weights is not None
    assert is_mixed_of(told[label]["vector"], weights, told["plain"]["vector"], matrix)
    others = [emotion_vector([float(each == other) for each in EMOTIONS]) for other in EMOTIONS if other != label]
    assert not any(is_mixed_of(told[label]["vector"], other, told["plain"]["vector"], matrix) for other in others if other)


def test_a_mixture_reaches_the_network_biased_and_bounded(reached: tuple[dict[str, Any], list[Any], Any]) -> None:
    told, matrix, _ = reached
    weights = emotion_vector([0.5, 0.5, 0, 0, 0, 0, 0, 0.25])
    assert weights is not None
    assert sum(weights) == pytest.approx(0.8)
    assert is_mixed_of(told["mixed"]["vector"], weights, told["plain"]["vector"], matrix)


def test_a_mood_of_another_voice_is_blended_by_its_intensity(reached: tuple[dict[str, Any], list[Any], Any]) -> None:
    told, *_ = reached
    plain, other, blended = (np.array(told[way]["vector"]) for way in ("plain", "other voice", "of a voice"))
    apart = np.abs(other - plain).max()
    assert apart > 1e-3
    # IndexTTS 2 resamples a clip for its timbre otherwise than for its mood.
    assert np.abs(blended - (plain + 0.6 * (other - plain))).max() < 0.05 * apart


def test_a_mood_of_a_text_reaches_the_network_as_it_was_read(tried: Tried, reached: tuple[dict[str, Any], list[Any], Any]) -> None:
    if tried.engine != "indextts2":
        pytest.skip("only IndexTTS 2 takes moods from texts")
    told, matrix, moods = reached
    for way, mood, intensity in (("of a text", [0.6, 0, 0.3, 0, 0, 0, 0, 0], 0.5), ("of noise", moods[1], 0.8)):
        weights = [weight * intensity for weight in mood]
        assert sum(weights) > 0
        assert is_mixed_of(told[way]["vector"], weights, told["plain"]["vector"], matrix)


def test_numbers_by_which_is_drawn_reach_the_network(tried: Tried, reached: tuple[dict[str, Any], list[Any], Any]) -> None:
    told, *_ = reached
    own = {"temperature": 0.8, "top_p": 0.8, "top_k": 30, "num_beams": 3, "repetition_penalty": 10.0, "length_penalty": 0.0}
    asked = {"temperature": 0.5, "top_p": 0.6, "top_k": 7, "num_beams": 2, "repetition_penalty": 3.0, "length_penalty": 1.0}
    for way, numbers, most in (("plain", own, 60), ("drawn", asked, 50)):
        assert {name: told[way]["drawn"][name] for name in numbers} == numbers
        assert told[way]["drawn"]["max_generate_length"] == most


def test_marks_reach_the_network_as_syllables(tried: Tried, reached: tuple[dict[str, Any], list[Any], Any]) -> None:
    told, *_ = reached
    marked = told["marked"]["text"]
    spelled = told["spelled"]["text"]
    if tried.engine == "indextts25":
        assert "<|SPECIAL_TOKEN_2|>XING2<|SPECIAL_TOKEN_2|>" in marked
        assert "<|SPECIAL_TOKEN_1|>M IH1 . N AH0 T<|SPECIAL_TOKEN_1|>" in spelled
    else:
        assert "XING2" in marked
        # It knows no readings of English: the word stays. (The small vocabulary has no M.)
        assert not {"1", "0", "|", "<"} & set(spelled.replace("<unk>", ""))


def test_the_language_reaches_the_network(tried: Tried, reached: tuple[dict[str, Any], list[Any], Any]) -> None:
    told, *_ = reached
    if tried.engine == "indextts2":
        assert {way["language"] for way in told.values()} == {None}  # it has no such argument: it reads both
        return
    # Whisper's order of languages.
    assert [told[f"in {tag}"]["language"] for tag in ("en", "zh", "es", "ar")] == [0, 1, 3, 13]
    assert told["in es"]["text"] == "<|es|> HOLA"
    assert (told["plain"]["language"], told["english"]["language"]) == (1, 0)


def test_weights_are_biased_and_bounded_as_upstream_has_it() -> None:
    assert emotion_vector((0.0,) * 8) is None
    half = emotion_vector((0.5, 0, 0, 0, 0, 0, 0, 0))
    assert half == [0.5 * BIAS[0], 0, 0, 0, 0, 0, 0, 0]
    both = emotion_vector((1.0,) * 8)
    assert both is not None
    assert abs(sum(both) - 0.8) < 1e-9
    assert len(EMOTIONS) == len(BIAS)


# ---- files that are not what they should be


def without(weights: Path, folder: Path, path: str, body: bytes | None = None) -> Path:
    shutil.copytree(weights, folder)
    (folder / path).unlink()
    if body is not None:
        (folder / path).write_bytes(body)
    return folder


@pytest.mark.parametrize("path", ["hf_cache/bigvgan/bigvgan_generator.pt", "hf_cache/w2v-bert-2.0/model.safetensors", "feat2.pt"])
def test_a_missing_file_is_named_before_anything_is_loaded(tried: Tried, tmp_path: Path, path: str) -> None:
    with pytest.raises(IntegrityError) as refused:
        spoken(tried, without(tried.weights, tmp_path / "broken", path), [])
    assert path in refused.value.message


def test_a_checkpoint_that_would_run_something_is_not_loaded(tried: Tried, tmp_path: Path) -> None:
    import torch

    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.system, (f"touch {tmp_path / 'ran'}",)

    body = io.BytesIO()
    torch.save({"x": Evil()}, body)
    with pytest.raises(HubError) as refused:
        spoken(tried, without(tried.weights, tmp_path / "evil", "s2mel.pth", body.getvalue()), [])
    assert refused.value.code == "E_PICKLE"
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("path", ["gpt.pth", "s2mel.pth"])
def test_another_networks_weights_are_said_not_to_fit(tried: Tried, tmp_path: Path, path: str) -> None:
    """The package of IndexTTS 2 would leave out silently what has another shape."""
    import torch

    kept = torch.load(tried.weights / path, weights_only=True)
    part = kept["net"]["length_regulator"] if path == "s2mel.pth" else kept
    name = max(part, key=lambda name: part[name].numel())
    part[name] = torch.zeros(3, 5)
    body = io.BytesIO()
    torch.save(kept, body)
    with pytest.raises(IntegrityError) as refused:
        spoken(tried, without(tried.weights, tmp_path / "other", path, body.getvalue()), [])
    assert refused.value.code == "E_WEIGHTS"


def test_no_good_checkpoint_is_refused_by_the_gate(tried: Tried) -> None:
    found = [path for path in tried.weights.rglob("*") if path.suffix in {".pth", ".pt", ".bin"}]
    assert len(found) >= 7
    for path in found:
        with path.open("rb") as file:
            assert_checkpoint(file, path.name)


def test_the_worker_reaches_no_network(tried: Tried) -> None:
    """Without its auxiliary weights a package would ask the Hub: here the process may not even look a name up."""
    code = (
        "import socket, sys, urllib.request; from synth.worker.guard import watch; watch()\n"
        "try: socket.getaddrinfo('localhost', 80)\n"
        "except RuntimeError as error: print(error)\n"
        "try: socket.create_connection(('127.0.0.1', 9))\n"
        "except RuntimeError as error: print(error)\n"
        "import pickle\n"
        "try: pickle.loads(b'cos\\nsystem\\n.')\n"
        "except RuntimeError as error: print(error)\n"
    )
    done = subprocess.run([tried.python, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert [line.split("(")[-1] for line in done.stdout.splitlines()] == [
        "socket.getaddrinfo)",
        "socket.getaddrinfo)",
        "the engine tried to unpickle os.system",
    ]


def test_loading_leaves_no_tensor_for_the_collector_of_garbage(tried: Tried) -> None:
    """A worker loads without it: a tensor that only it could free would take its memory for good."""
    code = (
        "import gc, sys; gc.disable()\n"
        "from importlib import import_module; from pathlib import Path; from synth.environments import ENGINES\n"
        "engine = import_module(ENGINES[sys.argv[1]].module).load(Path(sys.argv[2]))\n"
        "import torch; gc.set_debug(gc.DEBUG_SAVEALL); gc.collect()\n"
        "left = [part for part in gc.garbage if isinstance(part, torch.Tensor | torch.nn.Module | torch.storage.UntypedStorage)]\n"
        "large = [part for part in gc.garbage if isinstance(part, bytes | bytearray | str) and len(part) > 1 << 20]\n"
        "print(len(gc.garbage) > 0, len(left), len(large))\n"
    )
    command = [tried.python, "-c", code, tried.engine, tried.weights]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, timeout=300)
    assert done.stdout.splitlines()[-1] == "True 0 0"


def test_what_stands_in_for_torchaudio_has_its_numbers(tried: Tried) -> None:
    """The package of IndexTTS 2.5 has a copy of torchaudio's own code, said to be the same to the last bit."""
    if tried.engine != "indextts25":
        pytest.skip("the copy to compare with is in the environment of IndexTTS 2.5")
    code = (
        "import torch; from indextts25.utils.common import kaldi_fbank, resample; from synth.engines.indextts2.sound import *\n"
        "torch.manual_seed(0)\n"
        "for rate in (8000, 22050, 24000, 44100, 48000):\n"
        "    wave = torch.randn(1, rate) * 0.1\n"
        "    for to in (16000, 22050):\n"
        "        ours, theirs = Resample(rate, to)(wave), resample(wave, rate, to)\n"
        "        print(ours.shape == theirs.shape, float((ours - theirs).abs().max()) if ours.shape == theirs.shape else None)\n"
        "wave = torch.randn(1, 16000) * 0.1\n"
        "print(True, float((fbank(wave, 80, 0, 16000) - kaldi_fbank(wave, 80, 16000)).abs().max()))\n"
    )
    done = subprocess.run([tried.python, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT, timeout=300)
    rows = [line.split() for line in done.stdout.splitlines()]
    assert len(rows) == 11
    assert all(same == "True" and float(error) < 1e-4 for same, error in rows), rows
