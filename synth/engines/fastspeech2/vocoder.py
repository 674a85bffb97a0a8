"""Multi-band MelGAN: a mel spectrogram in, samples out. The whole network, top to bottom.

    mel [F, 80] → conv → ×3 → ×5 → ×5, residual stacks after each → four bands at 6 kHz → PQMF synthesis → samples [300 F] at 24 kHz

After Yang et al., "Multi-band MelGAN: Faster Waveform Generation for High-Quality Text-to-Speech" (SLT 2021), with the weights and
the pseudo quadrature mirror filters of TensorFlowTTS. Everything is [time, channels], so that a convolution is one product of
matrices; on a processor that multiplies bfloat16 the stages do, with sums, the mel and the synthesis in float32 (`PRECISION`).

The mel is spoken piece by piece, so that the first sound is there before the last is computed, and memory does not grow with the
utterance. Each convolution keeps the end of what it was given (`Tail`) and gives out what no later piece can change: nothing is
computed twice, nothing is faded over, and the pieces together are what the mel as a whole would give. `speak` puts the same pieces
together that `stream` gives out, so that both are equal bit for bit.
"""

from collections.abc import Iterator
from itertools import accumulate, pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["PIECE", "Vocoder"]

PIECE = 64
"""Frames of a piece, 0.8 s: shorter ones wait less, longer ones cost less each."""

PRECISION = torch.bfloat16 if torch.cpu.get_capabilities().get("avx512_bf16") else torch.float32
"""What the stages compute in. bfloat16 takes half the time where the processor multiplies it, and far more where it does not."""

# The network looks some 20 frames ahead: a first piece of 32 gives out 11 frames of sound, and has enough for every reflection.
_FIRST_PIECE = 32
# Frames: the first stack reflects 27 samples at three samples a frame, and must have more than it reflects.
_SHORTEST = 10

CHANNELS = 384
UPSAMPLING = (3, 5, 5)
DILATIONS = (1, 3, 9, 27)
BANDS = 4
SLOPE = 0.2
# Of the synthesis filters at the bands' own rate: how many samples they reach back, and ahead.
PAST, AHEAD = 7, 8


class Vocoder(nn.Module):
    """The generator and the synthesis filters: `speak` at once, or `stream` in pieces."""

    def __init__(self) -> None:
        super().__init__()
        self.first = Convolution(80, CHANNELS, 7)
        widths = [CHANNELS >> i for i in range(len(UPSAMPLING) + 1)]
        self.stages = nn.ModuleList(Stage(a, b, r) for a, b, r in zip(widths, widths[1:], UPSAMPLING, strict=False))
        self.last = Convolution(widths[-1], BANDS, 7)
        # Four samples of sound from each moment of the bands.
        self.synthesis = Convolution(BANDS, BANDS, PAST + 1 + AHEAD)
        self.stages.to(PRECISION)
        self.last.to(PRECISION)

    def speak(self, mel: Tensor, piece: int = PIECE) -> Tensor:
        """Turn a mel spectrogram into sound.

        Args:
            mel: float32 [F, 80].

        Returns:
            float32 [300 F], about -1 to 1.
        """
        return torch.cat(list(self.stream(mel, piece)))

    @torch.inference_mode()
    def stream(self, mel: Tensor, piece: int = PIECE) -> Iterator[Tensor]:
        """Turn a mel spectrogram into sound, piece by piece, the first one short.

        Args:
            mel: float32 [F, 80].
            piece: frames of each piece behind the first, 1 or more.

        Yields:
            float32, in all [300 F].
        """
        frames = len(mel)
        if frames < _SHORTEST:
            mel = torch.cat([mel, mel[-1:].expand(_SHORTEST - frames, -1)])
        under_way = _UnderWay(self)
        left = frames * 300
        starts = [0, *accumulate(_pieces(len(mel), piece))]
        for start, end in pairwise(starts):
            samples = under_way.push(mel[start:end], ends=end == len(mel))[:left]
            left -= len(samples)
            if len(samples):
                yield samples


def _pieces(frames: int, piece: int) -> Iterator[int]:
    """Lengths that sum up to `frames`."""
    size = _FIRST_PIECE
    while frames > size:
        yield size
        frames -= size
        size = piece
    yield frames


class Convolution(nn.Module):
    """A convolution over time, shorter after than before by what it sees around each moment."""

    def __init__(self, width: int, out: int, kernel: int, dilation: int = 1) -> None:
        super().__init__()
        # In two dimensions, one of them 1: torch knows channels behind the time only there.
        self.conv = nn.Conv2d(width, out, (1, kernel), dilation=(1, dilation))
        self.conv.weight = nn.Parameter(self.conv.weight.contiguous(memory_format=torch.channels_last))

    def forward(self, x: Tensor) -> Tensor:
        """[N + dilation (kernel - 1), width] → [N, out]."""
        y: Tensor = self.conv(x.T[None, :, None])[0, :, 0].T
        return y


class Stage(nn.Module):
    """Upsampling by `rate` from `width` to `narrow` channels, then residual stacks that see ever further."""

    def __init__(self, width: int, narrow: int, rate: int) -> None:
        super().__init__()
        self.rate = rate
        # A transposed convolution with a kernel of twice `rate`: each `rate` samples come of one input and of the one before.
        self.up = Convolution(width, rate * narrow, 2)
        self.stacks = nn.ModuleList(ResidualStack(narrow, dilation) for dilation in DILATIONS)


class ResidualStack(nn.Module):
    """A dilated and a pointwise convolution beside a pointwise shortcut; the last two are one product."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.dilation = dilation
        self.dilated = Convolution(width, width, 3, dilation)
        self.joined = nn.Linear(2 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """[N, width], with its neighbours of `dilation` samples on both sides → [N - 2 dilation, width]."""
        y = functional.leaky_relu_(self.dilated(functional.leaky_relu(x, SLOPE)), SLOPE)
        sum_of_both: Tensor = self.joined(torch.cat([x[self.dilation : -self.dilation], y], 1))
        return sum_of_both


class _UnderWay:
    """One utterance on its way through the network: what each layer still needs of what went by."""

    def __init__(self, network: Vocoder) -> None:
        self._network = network
        self._first = Tail(3, 3, mirrored=True)
        self._stages = [_StageUnderWay(stage) for stage in network.stages if isinstance(stage, Stage)]
        self._last = Tail(3, 3, mirrored=True)
        self._synthesis = Tail(PAST, AHEAD, mirrored=False)

    def push(self, mel: Tensor, *, ends: bool) -> Tensor:
        """Take frames [n, 80] and give out samples [m] that are final."""
        network = self._network
        x = network.first(self._first.extended(mel, ends=ends))  # [n, 384]
        for stage in self._stages:
            x = stage.push(x, ends=ends)  # [3 n, 192], [15 n, 96], [75 n, 48]
        x = torch.tanh(network.last(self._last.extended(functional.leaky_relu(x, SLOPE), ends=ends)).float())  # [75 n, 4]
        samples: Tensor = network.synthesis(self._synthesis.extended(x, ends=ends)).flatten()
        return samples


class _StageUnderWay:
    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._before = Tail(1, 0, mirrored=False)
        self._tails = [Tail(dilation, dilation, mirrored=True) for dilation in DILATIONS]
        # TensorFlow's 'same' transposed convolution: of the `rate` samples too many, the smaller half is cut in front.
        self._cut = stage.rate // 2

    def push(self, x: Tensor, *, ends: bool) -> Tensor:
        """[n, width] → [about rate n, narrow]."""
        x = self._upsampled(functional.leaky_relu(x, SLOPE).to(PRECISION), ends=ends)
        for stack, tail in zip(self._stage.stacks, self._tails, strict=True):
            x = stack(tail.extended(x, ends=ends))
        return x

    def _upsampled(self, x: Tensor, *, ends: bool) -> Tensor:
        if ends:
            x = functional.pad(x, (0, 0, 0, 1))
        rate = self._stage.rate
        raised: Tensor = self._stage.up(self._before.extended(x, ends=ends)).unflatten(1, (rate, -1)).flatten(0, 1)
        front, self._cut = self._cut, 0
        return raised[front : len(raised) - rate + rate // 2 if ends else len(raised)]


class Tail:
    """The end of a layer's input, kept for the convolution that looks so many samples `past` and `ahead` of each."""

    def __init__(self, past: int, ahead: int, *, mirrored: bool) -> None:
        self._past = past
        self._ahead = ahead
        self._mirrored = mirrored
        self._kept: Tensor | None = None

    def extended(self, x: Tensor, *, ends: bool) -> Tensor:
        """[n, width] with what was kept before them; at the first and the last of all mirrored, or zeros, instead."""
        before = self._edge(x[1 : self._past + 1], self._past) if self._kept is None else self._kept
        x = torch.cat([before, x])
        if ends and self._ahead:
            return torch.cat([x, self._edge(x[-self._ahead - 1 : -1], self._ahead)])
        self._kept = x[len(x) - self._past - self._ahead :]
        return x

    def _edge(self, neighbours: Tensor, count: int) -> Tensor:
        return neighbours.flip(0) if self._mirrored else neighbours.new_zeros(count, neighbours.shape[-1])
