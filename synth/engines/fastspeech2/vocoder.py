"""Multi-band MelGAN: a mel spectrogram in, samples out. The whole network, top to bottom.

    mel [F, 80] → conv → ×3 → ×5 → ×5, residual stacks after each → four bands at 6 kHz → PQMF synthesis → samples [300 F] at 24 kHz

After Yang et al., "Multi-band MelGAN: Faster Waveform Generation for High-Quality Text-to-Speech" (SLT 2021), with the weights and
the pseudo quadrature mirror filters of TensorFlowTTS.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["SHORTEST", "Vocoder"]

SHORTEST = 10
"""Frames: the first stack reflects 27 samples at three samples a frame, and must have more than it reflects."""

CHANNELS = 384
UPSAMPLING = (3, 5, 5)
DILATIONS = (1, 3, 9, 27)
BANDS = 4
TAPS = 62
SLOPE = 0.2


class Vocoder(nn.Module):
    """The generator and the synthesis filters. `speak` is its one verb."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv1d(80, CHANNELS, 7)
        widths = [CHANNELS >> i for i in range(len(UPSAMPLING) + 1)]
        self.stages = nn.ModuleList(Stage(a, b, r) for a, b, r in zip(widths, widths[1:], UPSAMPLING, strict=False))
        self.last = nn.Conv1d(widths[-1], BANDS, 7)
        self.synthesis = nn.Conv1d(BANDS, 1, TAPS + 1, padding=TAPS // 2, bias=False)

    @torch.inference_mode()
    def speak(self, mel: Tensor) -> Tensor:
        """Turn a mel spectrogram into sound.

        Args:
            mel: float32 [F, 80].

        Returns:
            float32 [300 F], about -1 to 1.
        """
        frames = len(mel)
        if frames < SHORTEST:
            mel = torch.cat([mel, mel[-1:].expand(SHORTEST - frames, -1)])
        x = self.first(reflect(mel.T[None], 3))  # [1, 384, F]
        for stage in self.stages:
            x = stage(x)  # [1, 192, 3 F], [1, 96, 15 F], [1, 48, 75 F]
        x = torch.tanh(self.last(reflect(functional.leaky_relu(x, SLOPE), 3)))  # [1, 4, 75 F]

        # Each band at the full rate: three zeros between its samples, four times as loud for it; then its filter, and the sum.
        spread = x.new_zeros(1, BANDS, x.shape[-1], BANDS)
        spread[..., 0] = x * BANDS
        samples: Tensor = self.synthesis(spread.flatten(2))[0, 0]
        return samples[: frames * 300]


class Stage(nn.Module):
    """Upsampling by `rate` from `width` to `narrow` channels, then residual stacks that see ever further."""

    def __init__(self, width: int, narrow: int, rate: int) -> None:
        super().__init__()
        # TensorFlow's 'same' transposed convolution: of the `rate` samples too many, the smaller half is cut in front.
        self.front = rate // 2
        self.rate = rate
        self.up = nn.ConvTranspose1d(width, narrow, 2 * rate, stride=rate)
        self.stacks = nn.ModuleList(ResidualStack(narrow, dilation) for dilation in DILATIONS)

    def forward(self, x: Tensor) -> Tensor:
        """[1, width, N] → [1, narrow, rate N]."""
        length = x.shape[-1] * self.rate
        x = self.up(functional.leaky_relu(x, SLOPE))[..., self.front : self.front + length]
        for stack in self.stacks:
            x = stack(x)
        return x


class ResidualStack(nn.Module):
    """A dilated and a pointwise convolution beside a pointwise shortcut."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.dilation = dilation
        self.dilated = nn.Conv1d(width, width, 3, dilation=dilation)
        self.pointwise = nn.Conv1d(width, width, 1)
        self.shortcut = nn.Conv1d(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """[1, width, N] → [1, width, N]."""
        y = self.dilated(reflect(functional.leaky_relu(x, SLOPE), self.dilation))
        sum_of_both: Tensor = self.shortcut(x) + self.pointwise(functional.leaky_relu(y, SLOPE))
        return sum_of_both


def reflect(x: Tensor, width: int) -> Tensor:
    """Continue [1, C, N] by `width` samples on both sides, mirrored at the first and the last."""
    return functional.pad(x, (width, width), mode="reflect")
