"""From syllables to the symbols that the network was trained on, by the mapper that comes with the weights."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from indextts_hub.errors import IntegrityError
from synth.text.pinyin import Break, Syllable

__all__ = ["Mapper", "read_mapper"]


@dataclass(frozen=True, slots=True)
class Mapper:
    """Symbols by name, and how a syllable is spelled in them.

    Attributes:
        ids: the number of each symbol.
        spelling: initial and final of each toneless pinyin.
    """

    ids: Mapping[str, int]
    spelling: Mapping[str, tuple[str, str]]

    def symbols(self, sounds: Iterable[Syllable | Break]) -> list[int]:
        """Spell an utterance: silence, initial and final of each syllable with a break between two, silence, end.

        Raises:
            KeyError: a syllable that Mandarin does not have.
        """
        names, joint = ["sil"], None
        for sound in sounds:
            if isinstance(sound, Break):
                joint = f"#{sound.level}" if joint else None
                continue
            if joint:
                names.append(joint)
            initial, final = self.spelling[sound.pinyin[:-1]]
            names += [initial, f"{final}{sound.pinyin[-1]}"]
            joint = "#0"
        return [self.ids[name] for name in (*names, "sil", "eos")]


def read_mapper(path: Path) -> Mapper:
    """Read `baker_mapper.json`.

    Raises:
        IntegrityError: E_WEIGHTS, if it is not what this engine knows.
    """
    try:
        document = json.loads(path.read_bytes())
        ids = {str(name): int(number) for name, number in document["symbol_to_id"].items()}
        spelling = {str(pinyin): (str(initial), str(final)) for pinyin, (initial, final) in document["pinyin_dict"].items()}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise IntegrityError(
            f"{path.name} is not the mapper this engine knows: {error}",
            remedy="run `indextts-hub verify --repair` on the version",
            code="E_WEIGHTS",
        ) from None
    return Mapper(ids, spelling)
