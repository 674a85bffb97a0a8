"""What has been spoken so far of one text: samples in order, when each segment is heard, and the cue that says it is generated."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from synth.audio.captions import Caption
from synth.audio.cue import Cue, rhythm_cue
from synth.engines.protocol import Segment, SegmentSpeech
from synth.text.marks import without_marks

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Spoken", "Take"]


@dataclass(frozen=True, slots=True)
class Spoken:
    """Something is spoken: float32 samples [n] in -1 to 1; a segment of the text, or the cue behind the last one."""

    caption: Caption | None
    samples: "NDArray[np.float32]"


@dataclass(slots=True)
class Take:
    """Collects the segments of one text.

    Attributes:
        rate: of all samples, in Hz.
        silence: seconds before the first segment.
        captions: when each segment is heard.
        warnings: what the text's author should know, each once.
    """

    rate: int
    silence: float
    cue: Cue
    warnings: dict[str, None] = field(default_factory=dict)
    captions: list[Caption] = field(default_factory=list)
    _pieces: "list[NDArray[np.float32]]" = field(default_factory=list)
    _length: int = 0

    def add(self, segment: Segment, speech: SegmentSpeech) -> Spoken:
        """Take a segment as the engine spoke it, its pause included; return it as it is to be heard."""
        import numpy as np

        samples = np.frombuffer(speech.samples, "<f4")
        before = np.zeros(0, np.float32) if self.captions else self._before()
        start = self._length + len(before)
        caption = Caption(without_marks(segment.text), round(start / self.rate, 4), round((start + len(samples)) / self.rate, 4))
        self.captions.append(caption)
        self.warnings.update(dict.fromkeys(speech.warnings))
        return Spoken(caption, self._put(np.concatenate([before, samples])))

    def append(self, samples: "NDArray[np.float32]", captions: Sequence[Caption], pause: float) -> None:
        """Take float32 samples [n] that were spoken before, and when their parts are heard, after so many seconds of silence."""
        import numpy as np

        self._put(np.zeros(round(pause * self.rate), np.float32))
        before = self._length / self.rate
        self.captions += [Caption(at.text, round(before + at.start, 4), round(before + at.end, 4)) for at in captions]
        self._put(samples)

    def end(self) -> Spoken | None:
        """The cue, if it stands at the end."""
        return Spoken(None, self._put(rhythm_cue(self.rate))) if self.cue is Cue.END else None

    def samples(self) -> "NDArray[np.float32]":
        """All of it: float32 [n]."""
        import numpy as np

        return np.concatenate(self._pieces)

    @property
    def seconds(self) -> float:
        """How long it is by now."""
        return round(self._length / self.rate, 4)

    def _put(self, samples: "NDArray[np.float32]") -> "NDArray[np.float32]":
        self._pieces.append(samples)
        self._length += len(samples)
        return samples

    def _before(self) -> "NDArray[np.float32]":
        import numpy as np

        silence = np.zeros(round(self.silence * self.rate), np.float32)
        return np.concatenate([rhythm_cue(self.rate), silence]) if self.cue is Cue.START else silence
