"""How text is read: from normalised Mandarin to syllables with tones and the breaks between phrases.

    text → marks `<行|XING2>` and Latin words by their own readings → words → what is alone by its neighbours → dictionary → sandhi

The dictionary is pypinyin's; `readings.tsv` has what it reads otherwise than people do, `latin.tsv` foreign words.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from itertools import accumulate, combinations, islice

from synth.text.alone import read_alone
from synth.text.marks import stretches
from synth.text.sandhi import spoken_together
from synth.text.syllable import Break, Syllable, Word
from synth.text.words import cut_words, table

__all__ = ["Break", "Syllable", "is_readable", "to_syllables"]


_TOKEN = re.compile(
    r"""
      <(?P<marked>[^<>|]+)\|(?P<reading>[A-Za-zü:]+[1-5](?:\ [A-Za-zü:]+[1-5])*)>
    | (?P<latin>[A-Za-z]+(?:-[A-Za-z]+)*)
    | (?P<han>[^\W\d_A-Za-z]+)
    | (?P<rest>.)
    """,
    re.DOTALL | re.VERBOSE,
)
# Short words in capitals are spelled: IT is no "it".
_SPELLED = re.compile("[A-Z]{1,4}")
# The words of a compound: GitHub, JavaScript, e-mail, HTTPServer.
_PARTS = re.compile("[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
# Syllables that the dictionary has and the corpus does not: the nearest that it has.
_NEAREST = {
    "n": "en",
    "m": "mu",
    "hm": "heng",
    "fiao": "fei",
    "nun": "nen",
    "cei": "sui",
    "wong": "weng",
    "din": "ding",
    "biang": "bian",
    "bong": "beng",
}


def to_syllables(text: str) -> tuple[Syllable | Break, ...]:
    """Read normalised text. What nothing can read is passed over; `is_readable` tells beforehand.

    Args:
        text: Han characters, Latin words, punctuation, and marks: `<字|ZI4>` fixes a reading, `<em>字</em>` emphasises.
    """
    pieces = list(stretches(text))
    strong = [emphasised for piece, emphasised in pieces for _ in piece]
    sounds: list[Syllable | Break] = []
    phrase: list[Word] = []
    for word in _words("".join(piece for piece, _ in pieces), strong):
        if word.syllables:
            phrase.append(word)
        elif phrase:
            sounds += [*_with_ends(phrase), Break(3)]
            phrase = []
    sounds += _with_ends(phrase)
    if sounds and isinstance(sounds[-1], Break):
        sounds.pop()
    return tuple(sounds)


def _with_ends(phrase: list[Word]) -> Iterator[Syllable]:
    """The syllables of a phrase as they are spoken together, those marked that end a word."""
    ends = set(accumulate(len(word.syllables) for word in phrase))
    for number, syllable in enumerate(spoken_together(phrase), 1):
        yield replace(syllable, ends_word=True) if number in ends else syllable


def is_readable(character: str) -> bool:
    """Whether the dictionary or the table of letters has a reading for it."""
    return ord(character) in _dictionary() or character.lower() in table("letters.tsv")


def _words(text: str, strong: list[bool]) -> Iterator[Word]:
    """The words of a text, of whose characters some are emphasised; an empty one where punctuation breaks it."""
    for token in _TOKEN.finditer(text):
        emphasis = strong[token.start()]
        if token["marked"]:
            yield _emphasised(_marked(token["marked"], token["reading"]), [emphasis])
        elif token["latin"]:
            yield from (_emphasised(word, [emphasis]) for word in _latin(token["latin"]))
        elif token["han"]:
            known = [at for at in range(*token.span()) if ord(text[at]) in _dictionary()]
            marked = (strong[at] for at in known)
            for word in _han("".join(text[at] for at in known)):
                yield _emphasised(word, list(islice(marked, len(word.syllables))))
        elif token["rest"].strip():
            yield Word(())


def _emphasised(word: Word, strong: list[bool]) -> Word:
    """The word with emphasis on its syllables, or on all by one value."""
    if not any(strong):
        return word
    each = strong if len(strong) == len(word.syllables) else strong[:1] * len(word.syllables)
    return replace(word, syllables=tuple(replace(sound, emphasis=on) for sound, on in zip(word.syllables, each, strict=True)))


def _marked(text: str, reading: str) -> Word:
    pinyin = reading.lower().replace("u:", "v").replace("ü", "v").split()
    return _spelled(text, tuple(map(_nearest, pinyin)))


def _latin(text: str) -> Iterator[Word]:
    """Words of the table as people say them, in a compound or a plural too; what is not in it letter by letter."""
    if text.lower() in table("latin.tsv") and not _SPELLED.fullmatch(text):
        yield _spelled(text, table("latin.tsv")[text.lower()])
        return
    for part in _PARTS.findall(text):
        yield from _latin_word(part)


def _latin_word(part: str) -> Iterator[Word]:
    words, letters = table("latin.tsv"), table("letters.tsv")
    known = part if _SPELLED.fullmatch(part) else part.lower()
    if known in words:
        yield _spelled(part, words[known])
    elif known[-1] == "s" and known[:-1] in words:
        yield _spelled(part, (*words[known[:-1]], "si5"))
    else:
        yield from (_spelled(letter, letters[letter.lower()]) for letter in part)


def _spelled(text: str, pinyin: tuple[str, ...]) -> Word:
    return Word(tuple(Syllable(sound, text if number == 0 else "") for number, sound in enumerate(pinyin)), fixed=True)


def _han(text: str) -> Iterator[Word]:
    at = 0
    before = ""
    for word in cut_words(text):
        alone = read_alone(text, at, before) if len(word) == 1 else None
        yield _looked_up(word) if alone is None else Word((Syllable(alone, word),))
        at += len(word)
        before = word


@cache
def _looked_up(word: str) -> Word:
    from pypinyin import Style, lazy_pinyin

    ours = table("readings.tsv")
    if word in ours:
        return Word(tuple(map(Syllable, ours[word], word)), fixed=True)
    read = lazy_pinyin(word, style=Style.TONE3, neutral_tone_with_five=True)
    return Word(tuple(Syllable(_nearest(sound), character) for sound, character in zip(_weakened(word, read), word, strict=True)))


def _weakened(word: str, read: list[str]) -> list[str]:
    """What is neutral in a word of ours is so inside a longer one: 生意 in 做生意. 儿 at the end is."""
    ours = table("readings.tsv")
    weak = list(read)
    for start, end in combinations(range(len(word) + 1), 2):
        for at, sound in enumerate(ours.get(word[start:end], ()) if end - start > 1 else (), start):
            if sound[-1] == "5" and sound[:-1] == weak[at][:-1]:
                weak[at] = sound
    if len(word) > 1 and weak[-1] == "er2" and word[-1] == "儿":
        weak[-1] = "er5"
    return weak


def _nearest(sound: str) -> str:
    return _NEAREST.get(sound[:-1], sound[:-1]) + sound[-1]


@cache
def _dictionary() -> Mapping[int, str]:
    from pypinyin.constants import PINYIN_DICT

    readings: Mapping[int, str] = PINYIN_DICT
    return readings
