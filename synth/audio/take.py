"""What has been spoken so far of one text: samples in order, when segments and words are heard, and the cue: it is generated."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from synth.audio.captions import Caption, Word
from synth.audio.cue import Cue, rhythm_cue
from synth.engines.protocol import Segment, SegmentSpeech
from synth.text.marks import without_marks

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Spoken", "Take"]


@dataclass(frozen=True, slots=True)
class Spoken:
    """Something is spoken: float32 samples [n] in -1 to 1; a piece of a segment, or the cue behind the last one.

    Attributes:
        caption: of the segment that is over with this piece.
    """

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
    _begun: "_Begun | None" = None

    def add(self, segment: Segment, speech: SegmentSpeech) -> Spoken:
        """Take the next piece of a segment as the engine spoke it; return it as it is to be heard."""
        import numpy as np

        samples = np.frombuffer(speech.samples, "<f4")
        before = np.zeros(0, np.float32) if self._pieces else self._before()
        begun = self._begun = self._begun or _Begun((self._length + len(before)) / self.rate)
        begun.words += (Word(at.text, at.start, at.end) for at in speech.times)
        self.warnings.update(dict.fromkeys(speech.warnings))
        heard = self._put(np.concatenate([before, samples]))
        if not speech.ends:
            return Spoken(None, heard)
        self._begun = None
        seconds = self._length / self.rate - begun.start
        caption = Caption(without_marks(segment.text), 0.0, seconds, tuple(begun.words)).later(begun.start)
        self.captions.append(caption)
        return Spoken(caption, heard)

    def append(self, samples: "NDArray[np.float32]", captions: Sequence[Caption], pause: float) -> None:
        """Take float32 samples [n] that were spoken before, and when their parts are heard, after so many seconds of silence."""
        import numpy as np

        self._put(np.zeros(round(pause * self.rate), np.float32))
        before = self._length / self.rate
        self.captions += [caption.later(before) for caption in captions]
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


@dataclass(slots=True)
class _Begun:
    """A segment that is not over: when it began, in seconds, and its words so far, from there."""

    start: float
    words: list[Word] = field(default_factory=list)
