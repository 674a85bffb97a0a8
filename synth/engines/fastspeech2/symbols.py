"""From syllables to the symbols that the network was trained on, by the mapper that comes with the weights."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from indextts_hub.errors import IntegrityError
from synth.text.pinyin import Break, Syllable

__all__ = ["SILENCE", "Mapper", "Spelling", "read_mapper"]

SILENCE = -1
"""In `Spelling.syllables`: a symbol of no syllable."""


@dataclass(frozen=True, slots=True)
class Spelling:
    """An utterance in symbols.

    Attributes:
        ids: the number of each symbol.
        syllables: which syllable each symbol is of, counted from 0, or `SILENCE`. The joint behind a syllable is of it: the
            network was aligned so that vowels end there.
        finals: where the final of each syllable stands among the symbols.
        emphasised: syllables that the text emphasises.
        word_ends: syllables that end a word behind which a voice may stop.
    """

    ids: tuple[int, ...]
    syllables: tuple[int, ...]
    finals: tuple[int, ...]
    emphasised: frozenset[int] = frozenset()
    word_ends: frozenset[int] = frozenset()

    @property
    def ends(self) -> frozenset[int]:
        """Syllables that a silence follows."""
        pairs = zip(self.syllables, (*self.syllables[1:], SILENCE), strict=True)
        return frozenset(here for here, behind in pairs if behind == SILENCE and here != SILENCE)


@dataclass(frozen=True, slots=True)
class Mapper:
    """Symbols by name, and how a syllable is spelled in them.

    Attributes:
        ids: the number of each symbol.
        parts: initial and final of each toneless pinyin.
    """

    ids: Mapping[str, int]
    parts: Mapping[str, tuple[str, str]]

    def spell(self, sounds: Iterable[Syllable | Break]) -> Spelling:
        """Spell an utterance: silence, initial and final of each syllable with a joint or a break between two, silence, end.

        Raises:
            KeyError: a syllable that Mandarin does not have.
        """
        symbols: list[tuple[str, int]] = [("sil", SILENCE)]
        number, joint = -1, None
        finals: list[int] = []
        emphasised: set[int] = set()
        word_ends: set[int] = set()
        for sound in sounds:
            if isinstance(sound, Break):
                joint = f"#{sound.level}" if joint else None
                continue
            if joint:
                symbols.append((joint, SILENCE if joint == "#3" else number))
            number += 1
            # 的 and 了 lean on the word before them.
            if sound.tone == "5":
                word_ends.discard(number - 1)
            initial, final = self.parts[sound.pinyin[:-1]]
            symbols += [(initial, number), (f"{final}{sound.pinyin[-1]}", number)]
            finals.append(len(symbols) - 1)
            if sound.emphasis:
                emphasised.add(number)
            if sound.ends_word:
                word_ends.add(number)
            joint = "#0"
        symbols += [("sil", SILENCE), ("eos", SILENCE)]
        names, syllables = zip(*symbols, strict=True)
        return Spelling(
            tuple(self.ids[name] for name in names), syllables, tuple(finals), frozenset(emphasised), frozenset(word_ends)
        )


def read_mapper(path: Path) -> Mapper:
    """Read `baker_mapper.json`.

    Raises:
        IntegrityError: E_WEIGHTS, if it is not what this engine knows.
    """
    try:
        document = json.loads(path.read_bytes())
        ids = {str(name): int(number) for name, number in document["symbol_to_id"].items()}
        parts = {str(pinyin): (str(initial), str(final)) for pinyin, (initial, final) in document["pinyin_dict"].items()}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise IntegrityError(
            f"{path.name} is not the mapper this engine knows: {error}",
            remedy="run `indextts-hub verify --repair` on the version",
            code="E_WEIGHTS",
        ) from None
    return Mapper(ids, parts)
