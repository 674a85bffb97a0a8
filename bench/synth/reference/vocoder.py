"""Multi-band MelGAN: a mel spectrogram in, samples out. The whole network, top to bottom.

    mel [F, 80] → conv → ×3 → ×5 → ×5, residual stacks after each → four bands at 6 kHz → PQMF synthesis → samples [300 F] at 24 kHz

After Yang et al., "Multi-band MelGAN: Faster Waveform Generation for High-Quality Text-to-Speech" (SLT 2021), with the weights and
the pseudo quadrature mirror filters of TensorFlowTTS.

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

# The network looks some 20 frames ahead: a first piece of 32 gives out 11 frames of sound, and has enough for every reflection.
_FIRST_PIECE = 32
# Frames: the first stack reflects 27 samples at three samples a frame, and must have more than it reflects.
_SHORTEST = 10

CHANNELS = 384
UPSAMPLING = (3, 5, 5)
DILATIONS = (1, 3, 9, 27)
BANDS = 4
TAPS = 62
SLOPE = 0.2


class Vocoder(nn.Module):
    """The generator and the synthesis filters: `speak` at once, or `stream` in pieces."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv1d(80, CHANNELS, 7)
        widths = [CHANNELS >> i for i in range(len(UPSAMPLING) + 1)]
        self.stages = nn.ModuleList(Stage(a, b, r) for a, b, r in zip(widths, widths[1:], UPSAMPLING, strict=False))
        self.last = nn.Conv1d(widths[-1], BANDS, 7)
        self.synthesis = nn.Conv1d(BANDS, 1, TAPS + 1, bias=False)

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


class Stage(nn.Module):
    """Upsampling by `rate` from `width` to `narrow` channels, then residual stacks that see ever further."""

    def __init__(self, width: int, narrow: int, rate: int) -> None:
        super().__init__()
        # TensorFlow's 'same' transposed convolution: of the `rate` samples too many, the smaller half is cut in front.
        self.front = rate // 2
        self.rate = rate
        self.up = nn.ConvTranspose1d(width, narrow, 2 * rate, stride=rate)
        self.stacks = nn.ModuleList(ResidualStack(narrow, dilation) for dilation in DILATIONS)


class ResidualStack(nn.Module):
    """A dilated and a pointwise convolution beside a pointwise shortcut."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.dilation = dilation
        self.dilated = nn.Conv1d(width, width, 3, dilation=dilation)
        self.pointwise = nn.Conv1d(width, width, 1)
        self.shortcut = nn.Conv1d(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """[1, width, N], with its neighbours of `dilation` samples on both sides → [1, width, N - 2 dilation]."""
        y = self.dilated(functional.leaky_relu(x, SLOPE))
        x = x[..., self.dilation : -self.dilation]
        sum_of_both: Tensor = self.shortcut(x) + self.pointwise(functional.leaky_relu(y, SLOPE))
        return sum_of_both


class _UnderWay:
    """One utterance on its way through the network: what each layer still needs of what went by."""

    def __init__(self, network: Vocoder) -> None:
        self._network = network
        self._first = Tail(3, mirrored=True)
        self._stages = [_StageUnderWay(stage) for stage in network.stages if isinstance(stage, Stage)]
        self._last = Tail(3, mirrored=True)
        self._synthesis = Tail(TAPS // 2, mirrored=False)

    def push(self, mel: Tensor, *, ends: bool) -> Tensor:
        """Take frames [n, 80] and give out samples [m] that are final."""
        network = self._network
        x = network.first(self._first.extended(mel.T[None], ends=ends))  # [1, 384, n]
        for stage in self._stages:
            x = stage.push(x, ends=ends)  # [1, 192, 3 n], [1, 96, 15 n], [1, 48, 75 n]
        x = torch.tanh(network.last(self._last.extended(functional.leaky_relu(x, SLOPE), ends=ends)))  # [1, 4, 75 n]

        # Each band at the full rate: three zeros between its samples, four times as loud for it; then its filter, and the sum.
        spread = x.new_zeros(1, BANDS, x.shape[-1], BANDS)
        spread[..., 0] = x * BANDS
        samples: Tensor = network.synthesis(self._synthesis.extended(spread.flatten(2), ends=ends))[0, 0]
        return samples


class _StageUnderWay:
    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._tails = [Tail(dilation, mirrored=True) for dilation in DILATIONS]
        self._over: Tensor | None = None

    def push(self, x: Tensor, *, ends: bool) -> Tensor:
        """[1, width, n] → [1, narrow, about rate n]."""
        x = self._upsampled(functional.leaky_relu(x, SLOPE), ends=ends)
        for stack, tail in zip(self._stage.stacks, self._tails, strict=True):
            x = stack(tail.extended(x, ends=ends))
        return x

    def _upsampled(self, x: Tensor, *, ends: bool) -> Tensor:
        """Each input becomes 2 x rate samples that overlap with its neighbours' by half; the last half waits for the next input."""
        up, rate, front = self._stage.up, self._stage.rate, self._stage.front
        raised: Tensor = up(x)  # [1, narrow, rate (n + 1)]
        if self._over is None:
            start = front
        else:
            raised[..., :rate] += self._over
            start = 0
        # Where two inputs meet their halves are added, but the bias only once: it comes with the later one.
        self._over = raised[..., -rate:] - (0.0 if up.bias is None else up.bias[:, None])
        return raised[..., start : raised.shape[-1] - rate + front if ends else -rate]


class Tail:
    """The end of a layer's input, kept for the convolution that looks `width` samples to both sides."""

    def __init__(self, width: int, *, mirrored: bool) -> None:
        self.width = width
        self._mirrored = mirrored
        self._kept: Tensor | None = None

    def extended(self, x: Tensor, *, ends: bool) -> Tensor:
        """The samples with what was kept before them; at the first and the last of all mirrored, or zeros, instead."""
        before = self._edge(x[..., 1 : self.width + 1]) if self._kept is None else self._kept
        x = torch.cat([before, x], -1)
        if ends:
            return torch.cat([x, self._edge(x[..., -self.width - 1 : -1])], -1)
        self._kept = x[..., -2 * self.width :]
        return x

    def _edge(self, neighbours: Tensor) -> Tensor:
        return neighbours.flip(-1) if self._mirrored else torch.zeros_like(neighbours)
