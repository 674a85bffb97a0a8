"""FastSpeech 2 as TensorFlowTTS trained it on the Baker corpus: symbols in, a mel spectrogram out. The whole network.

    ids [T] → embed → encoder → durations, f0, energy [T] → repeat each symbol → decoder → mel [F, 80] → postnet

After Ren et al., "FastSpeech 2: Fast and High-Quality End-to-End Text to Speech" (ICLR 2021), without its wavelets: f0 and energy
are one value a symbol, normalised over the corpus. Two habits of the published model are kept, because the speech depends on them:

- Its weights are int8, and it multiplies integers: what goes into a product is scaled to -127…127 and rounded first (`rounded`).
  Sums of whole numbers are the same in any order, so a processor that multiplies bytes may do so, and any other computes the same
  in float32 (`WHOLE`).
- Half of the f0 and energy embeddings are dropped, at inference too. The original draws anew each time; here the draw is fixed
  (`kept_channels`), so that the same symbols give the same speech. docs/decisions/0050 has the figures.

Shapes: T symbols, F frames of 300 samples at 24 kHz, H = 256 hidden channels. One utterance at a time.
"""

import hashlib
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["FRAME", "HIDDEN", "LONGEST", "MELS", "SAMPLE_RATE", "Acoustics", "FastSpeech2", "Prediction"]

SAMPLE_RATE = 24_000
FRAME = 300
"""Samples a frame."""

MELS = 80
HIDDEN = 256
HEADS = 2
HEAD_SIZE = 16
FEED_FORWARD = 1024
POSTNET = 512
SYMBOLS = 219
# Rows of the table of positions that the weights carry; row 0 is for padding.
POSITIONS = 2049
LONGEST = POSITIONS - 1
"""Most symbols of one utterance, and the most frames at its best quality."""

QUERIES = 512
EPSILON = 1e-5
DRAW = b"lite 2"


def multiplies_bytes() -> bool:
    """Whether this processor has products of bytes that are exact: older ones add pairs of them in 16 bits, which are too few."""
    can = torch.cpu.get_capabilities()
    if not (can.get("avx512_vnni") or can.get("avx_vnni")):
        return False
    extremes = torch.tensor([127, -127], dtype=torch.int8).repeat_interleave(64)[:, None].expand(-1, 768).contiguous()
    return torch.equal(torch._int_mm(extremes, extremes.T), extremes.int() @ extremes.int().T)  # noqa: SLF001 - as in `product`


WHOLE = torch.int8 if multiplies_bytes() else torch.float32
"""How this processor holds whole numbers that it multiplies."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the network expects of each symbol before it is spoken: to be bent, then decoded.

    Attributes:
        hidden: float32 [T, H], the encoder's.
        frames: float32 [T], how long each symbol is, not yet rounded, 0 or more.
        f0: float32 [T], normalised: 0 is the corpus' mean, 1 its standard deviation.
        energy: float32 [T], normalised.
    """

    hidden: Tensor
    frames: Tensor
    f0: Tensor
    energy: Tensor


@dataclass(frozen=True, slots=True)
class Acoustics:
    """What the network makes of an utterance.

    Attributes:
        mel: float32 [F, 80], what the vocoder takes.
        durations: int64 [T], frames a symbol.
        f0: float32 [T], normalised.
        energy: float32 [T], normalised.
    """

    mel: Tensor
    durations: Tensor
    f0: Tensor
    energy: Tensor


class FastSpeech2(nn.Module):
    """The acoustic model: `predict`, then `decode`."""

    def __init__(self) -> None:
        super().__init__()
        self.symbols = nn.Embedding(SYMBOLS, HIDDEN)
        self.positions = nn.Embedding(POSITIONS, HIDDEN)
        self.encoder = nn.ModuleList(Layer() for _ in range(3))
        self.duration = Predictor()
        self.f0 = Predictor()
        self.energy = Predictor()
        self.f0_embedding = Conv(1, HIDDEN, 9)
        self.energy_embedding = Conv(1, HIDDEN, 9)
        self.register_buffer("kept", kept_channels(), persistent=False)
        self.decoder = nn.ModuleList(Layer() for _ in range(3))
        self.mel = Dense(HIDDEN, MELS)
        self.postnet = Postnet()

    @torch.inference_mode()
    def predict(self, ids: Tensor) -> Prediction:
        """Say how long, how high and how loud each symbol would be.

        Args:
            ids: int64 [T], 1 to `LONGEST` symbols.
        """
        x = self.symbols(ids) + self.positions.weight[1 : len(ids) + 1]  # [T, H]
        for layer in self.encoder:
            x = layer(x)
        # The duration is predicted as log(frames + 1).
        return Prediction(x, functional.relu(torch.exp(self.duration(x)) - 1.0), self.f0(x), self.energy(x))

    @torch.inference_mode()
    def decode(self, predicted: Prediction) -> Acoustics:
        """Make the mel spectrogram of what was predicted, and perhaps bent since.

        Returns:
            At least one frame.
        """
        durations = torch.round(predicted.frames).long()  # [T]; TensorFlow's round, like torch's, takes halves to the even number
        f0, energy = predicted.f0, predicted.energy
        kept = self.get_buffer("kept")[:, : len(f0)]  # [2, T, H]
        added = self.f0_embedding(f0[:, None]) * kept[0] + self.energy_embedding(energy[:, None]) * kept[1]  # [T, H]

        if not int(durations.sum()):
            durations[-1] = 1
        x = torch.repeat_interleave(predicted.hidden + added, durations, dim=0)  # [F, H]
        # Beyond the table, at 25 s, the last position stands for all later ones: worse speech, but none is lost.
        x = x + self.positions.weight[torch.arange(1, len(x) + 1).clamp_max(LONGEST)]
        for layer in self.decoder:
            x = layer(x)

        mel = self.mel(x)  # [F, 80]
        return Acoustics(mel + self.postnet(mel), durations, f0, energy)


class Layer(nn.Module):
    """Self-attention, then two convolutions with mish between them; each added to what came in and normalised."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv = Dense(HIDDEN, 3 * HEADS * HEAD_SIZE)
        self.out = Dense(HEADS * HEAD_SIZE, HIDDEN)
        self.norm1 = Norm()
        self.conv1 = Conv(HIDDEN, FEED_FORWARD, 3)
        self.conv2 = Conv(FEED_FORWARD, HIDDEN, 3)
        self.norm2 = Norm()

    def forward(self, x: Tensor) -> Tensor:
        """[N, H] → [N, H]."""
        n = len(x)
        q, k, v = self.qkv(x).view(n, 3, HEADS, HEAD_SIZE).permute(1, 2, 0, 3)  # each [heads, N, 16]
        # Part by part of the queries, so that memory grows with the length and not with its square.
        parts = [torch.softmax((part @ k.mT) * HEAD_SIZE**-0.5, -1) @ v for part in q.split(QUERIES, 1)]
        heads = torch.cat(parts, 1)  # [heads, N, 16]
        x = self.norm1(self.out(heads.transpose(0, 1).reshape(n, HEADS * HEAD_SIZE)) + x)
        normalised: Tensor = self.norm2(self.conv2(functional.mish(self.conv1(x))) + x)
        return normalised


class Predictor(nn.Module):
    """One number a symbol: two convolutions, each with ReLU and a normalisation, and a projection."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = Conv(HIDDEN, HIDDEN, 3)
        self.norm1 = Norm()
        self.conv2 = Conv(HIDDEN, HIDDEN, 3)
        self.norm2 = Norm()
        self.out = nn.Linear(HIDDEN, 1)

    def forward(self, x: Tensor) -> Tensor:
        """[T, H] → [T]."""
        x = self.norm1(functional.relu(self.conv1(x)))
        x = self.norm2(functional.relu(self.conv2(x)))
        value: Tensor = self.out(x)[:, 0]
        return value


class Postnet(nn.Module):
    """Five convolutions that sharpen the mel; their batch normalisations are folded into them when the weights are read."""

    def __init__(self) -> None:
        super().__init__()
        widths = (MELS, POSTNET, POSTNET, POSTNET, POSTNET, MELS)
        self.convs = nn.ModuleList(Conv(a, b, 5) for a, b in pairwise(widths))

    def forward(self, mel: Tensor) -> Tensor:
        """[F, 80] → [F, 80], to be added to it."""
        x = mel
        for conv in self.convs[:-1]:
            x = torch.tanh(conv(x))
        sharpened: Tensor = self.convs[-1](x)
        return sharpened


class Dense(nn.Module):
    """A dense layer on integers: `weight` holds -127…127, `scale` what one step of each output is worth."""

    def __init__(self, width: int, out: int) -> None:
        super().__init__()
        self.register_buffer("weight", torch.empty(out, width, dtype=WHOLE))
        self.scale = nn.Parameter(torch.empty(out))
        self.bias = nn.Parameter(torch.empty(out))

    def forward(self, x: Tensor) -> Tensor:
        """[N, width] → [N, out]; each row is rounded on its own."""
        whole, step = rounded(x, x.abs().amax(-1, keepdim=True))
        weight = self.get_buffer("weight")
        return product(whole.to(weight.dtype), weight).mul_(step * self.scale).add_(self.bias)


class Conv(nn.Module):
    """A convolution on integers, as long after as before; its weight is stored as the product takes it, [out, kernel x width]."""

    def __init__(self, width: int, out: int, kernel: int) -> None:
        super().__init__()
        self.kernel = kernel
        self.register_buffer("weight", torch.empty(out, kernel * width, dtype=WHOLE))
        self.scale = nn.Parameter(torch.empty(out))
        self.bias = nn.Parameter(torch.empty(out))

    def forward(self, x: Tensor) -> Tensor:
        """[N, width] → [N, out]; all of x is rounded by its one largest value."""
        whole, step = rounded(x, x.abs().amax())
        weight, margin = self.get_buffer("weight"), self.kernel // 2
        padded = functional.pad(whole.to(weight.dtype), (0, 0, margin, margin))  # [N + kernel - 1, width]
        # Each row is `kernel` rows of what was padded; a product does not take rows that lie over each other.
        windows = padded.unfold(0, self.kernel, 1).transpose(1, 2).flatten(1).contiguous()  # [N, kernel x width]
        return product(windows, weight).mul_(step * self.scale).add_(self.bias)


class Norm(nn.Module):
    """A layer normalisation in the original's order of operations: in another, the last bit differs, and rounds otherwise."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(HIDDEN))
        self.bias = nn.Parameter(torch.empty(HIDDEN))

    def forward(self, x: Tensor) -> Tensor:
        """[N, H] → [N, H]."""
        mean = x.mean(-1, keepdim=True)
        gain = torch.rsqrt((x - mean).square().mean(-1, keepdim=True) + EPSILON) * self.weight
        return x * gain + (self.bias - mean * gain)


def rounded(x: Tensor, largest: Tensor) -> tuple[Tensor, Tensor]:
    """Scale x so that `largest` becomes 127, and round: whole numbers, and what one step is worth.

    TensorFlow Lite's dynamic-range quantisation.
    """
    step = (largest / 127).clamp_min(torch.finfo(x.dtype).tiny)
    return (x / step).round_(), step


def product(whole: Tensor, weight: Tensor) -> Tensor:
    """Whole numbers [N, K] by whole numbers [out, K]: float32 [N, out].

    In float32 the sums stay below 2^24 in practice, where it is exact, so the result does not depend on the order of adding.
    """
    if whole.dtype == torch.int8:
        return torch._int_mm(whole, weight.T).float()  # noqa: SLF001 - torch has no public name for it
    return functional.linear(whole, weight)


def kept_channels() -> Tensor:
    """Which channels of the two embeddings are kept at each position, and doubled: float32 [2, `LONGEST`, H] of 0 and 2.

    One draw of the original's dropout of one half, the same on every machine.
    """
    drawn = hashlib.shake_256(DRAW).digest(2 * LONGEST * HIDDEN // 8)
    bits = np.unpackbits(np.frombuffer(drawn, np.uint8)).reshape(2, LONGEST, HIDDEN)
    return torch.from_numpy(bits).float() * 2
