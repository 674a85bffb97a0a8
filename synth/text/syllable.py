"""What text becomes on its way to speech: syllables, the words they make, and the breaks between phrases. Pure."""

from dataclasses import dataclass, replace

__all__ = ["Break", "Syllable", "Word"]


@dataclass(frozen=True, slots=True)
class Syllable:
    """One syllable.

    Attributes:
        pinyin: toneless, with `v` for ü, and a tone digit, 5 for the neutral tone.
        text: what it reads; empty for a further syllable of the same word in Latin letters.
        emphasis: whether the author marked its word as `<em>` emphasised.
        ends_word: whether it is the last of its word.
    """

    pinyin: str
    text: str
    emphasis: bool = False
    ends_word: bool = False

    @property
    def tone(self) -> str:
        """`1` to `5`."""
        return self.pinyin[-1]

    def with_tone(self, tone: str) -> "Syllable":
        """The same syllable in another tone."""
        return replace(self, pinyin=self.pinyin[:-1] + tone)


@dataclass(frozen=True, slots=True)
class Break:
    """A pause between two syllables: 1 between words, 2 between phrases, 3 at punctuation."""

    level: int


@dataclass(frozen=True, slots=True)
class Word:
    """Syllables that are said as one; `fixed` where the reading already has the tones as they are spoken."""

    syllables: tuple[Syllable, ...]
    fixed: bool = False

    @property
    def text(self) -> str:
        """The characters it reads."""
        return "".join(syllable.text for syllable in self.syllables)
