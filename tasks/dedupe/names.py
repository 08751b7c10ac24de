"""What is it that two texts say differently in one place? Names and things tell articles apart, wording does not."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from enum import Enum
from functools import lru_cache
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from sys import intern
from typing import Final, NamedTuple

from config.settings import CONFIG
from tasks.dedupe.skeleton import folded

LATIN: Final = "A"
"""Stands for a word of Latin letters in a sentence."""
NUMBER: Final = "0"
"""Stands for a number in a sentence."""
_NAME_TAGS: Final = ("nr", "ns", "nt")
"""Tags of jieba's dictionary: people, places, institutions."""
_NOUN_TAGS: Final = ("n", "j", "q", "s", "t")
"""Tags of what can be the subject of an article: nouns, abbreviations, units (currencies), places, times."""
_LONGEST: Final = 6


class Difference(Enum):
    """What differs in a place."""

    NAME = "name"
    """A person, place, company or product: known names, or words that no dictionary has."""
    THING = "thing"
    """Common nouns, or a name for a word: the subject, as in two price lists, or a word that an editor chose."""
    WORDING = "wording"
    """The same said in other words."""
    SLIP = "slip"
    """Nothing: two words for one thing, or one character of a word that is mistyped."""


class _Kind(Enum):
    NAME = 1
    UNKNOWN = 2
    NOUN = 3
    OTHER = 4


class Place(NamedTuple):
    """Characters start..stop of a sentence (Simplified; see LATIN and NUMBER)."""

    sentence: str
    start: int
    stop: int


class _Lexicon(NamedTuple):
    weights: dict[str, float]
    """Logarithm of the relative frequency of words; minus infinity for what only longer words begin with."""
    tags: dict[str, str]
    unknown: float
    surnames: frozenset[str]
    equivalents: dict[str, frozenset[str]]
    """Terms that are said otherwise elsewhere, with what is said there."""
    countless: frozenset[str]
    """Words with numerals that count nothing."""
    grammar: frozenset[str]
    """Characters that are no part of an unknown name."""


@lru_cache(maxsize=1)
def _lexicon() -> _Lexicon:
    spec = find_spec("jieba")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("jieba is needed for its dictionary")
    counts: dict[str, int] = {}
    tags: dict[str, str] = {}
    # The texts compared are folded by the same table (乾隆 is 干隆).
    for line in folded((Path(spec.origin).parent / "dict.txt").read_text(encoding="utf-8")).splitlines():
        word, count, tag = line.split(" ")
        if len(word) <= _LONGEST:
            # Of two words that fold to one, a name is more telling.
            if word not in tags or tag.startswith(_NAME_TAGS):
                tags[word] = intern(tag)
            counts[word] = int(count)
    total = math.log(sum(counts.values()))
    single, double = [folded(row) for row in _rows("surnames.txt")]
    equivalents: defaultdict[str, set[str]] = defaultdict(set)
    for row in _rows("regional_terms.tsv"):
        one, other = row.split("\t")
        equivalents[one].add(other)
        equivalents[other].add(one)
    weights = {word: math.log(count or 1) - total for word, count in counts.items()}
    for word in counts:
        for stop in range(2, len(word)):
            weights.setdefault(word[:stop], -math.inf)
    return _Lexicon(
        weights=weights,
        tags=tags,
        unknown=-total,
        surnames=frozenset([*single, *double.split(" ")]),
        equivalents={one: frozenset(others) for one, others in equivalents.items()},
        countless=frozenset(folded(" ".join(_rows("numeral_words.txt"))).split()),
        grammar=frozenset(folded("".join(_rows("function_characters.txt")))),
    )


def _rows(name: str) -> list[str]:
    lines = (CONFIG / "lexicon" / name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if not line.startswith("#")]


def difference(a: Place, b: Place) -> Difference:
    """What the texts of two places that stand for each other differ in."""
    if _equivalent(a, b):
        return Difference.SLIP
    ours, theirs = _kind(a), _kind(b)
    kinds = {ours, theirs}
    if kinds <= {_Kind.NAME, _Kind.UNKNOWN}:
        return Difference.NAME
    if _Kind.UNKNOWN in kinds and a.stop - a.start == 1 == b.stop - b.start:
        return Difference.SLIP
    return Difference.WORDING if kinds == {_Kind.OTHER} else Difference.THING


def counts_nothing(place: Place) -> bool:
    """Whether the numerals of a place belong to a word that is no number (十分)."""
    words = _lexicon().countless
    return any(part in words for part in _parts(place))


def words(text: str) -> Iterator[tuple[int, int]]:
    """Start and stop of the words of a text: the most probable split by word frequencies."""
    lexicon = _lexicon()
    best = [0.0] * (len(text) + 1)
    step = [1] * (len(text) + 1)
    for start in range(len(text) - 1, -1, -1):
        best[start] = lexicon.weights.get(text[start], lexicon.unknown) + best[start + 1]
        for stop in range(start + 2, min(len(text), start + _LONGEST) + 1):
            weight = lexicon.weights.get(text[start:stop])
            if weight is None:
                break  # no word begins so
            if weight + best[stop] > best[start]:
                best[start], step[start] = weight + best[stop], stop - start
    start = 0
    while start < len(text):
        yield start, start + step[start]
        start += step[start]


def _kind(place: Place) -> _Kind:
    """What the words that touch a place are."""
    lexicon = _lexicon()
    spans = list(words(place.sentence))
    if _holds_name(place, spans):
        return _Kind.NAME
    touching = [number for number, (_, stop) in enumerate(spans) if stop > place.start]
    touching = [number for number in touching if spans[number][0] < place.stop]
    found = [place.sentence[slice(*spans[number])] for number in touching]
    if LATIN in found:
        return _Kind.NAME
    # Loose characters beside the place belong to the same unknown word (the 恒 of 恒盛 and 恒泰).
    first, last = touching[0], touching[-1]
    while first > 0 and _is_loose(place.sentence[slice(*spans[first - 1])]):
        first -= 1
    while last + 1 < len(spans) and _is_loose(place.sentence[slice(*spans[last + 1])]):
        last += 1
    run = [_is_loose(place.sentence[slice(*span)]) for span in spans[first : last + 1]]
    if any(one and other for one, other in pairwise(run)):
        return _Kind.UNKNOWN
    last_tag = lexicon.tags.get(found[-1], "")
    return _Kind.NOUN if len(found[-1]) > 1 and last_tag.startswith(_NOUN_TAGS) else _Kind.OTHER


def _is_loose(word: str) -> bool:
    """Whether a word is a single character that may be a part of an unknown name."""
    return len(word) == 1 and word not in (LATIN, NUMBER) and word not in _lexicon().grammar


def _holds_name(place: Place, spans: list[tuple[int, int]]) -> bool:
    """Whether a word of the place is a known name, or a family name and one or two loose characters."""
    lexicon = _lexicon()
    for number, (start, stop) in enumerate(spans):
        word = place.sentence[start:stop]
        touches = stop > place.start and start < place.stop
        if touches and len(word) > 1 and lexicon.tags.get(word, "").startswith(_NAME_TAGS):
            return True
        if word in lexicon.surnames:
            end = stop
            for following in spans[number + 1 : number + 3]:
                if following[1] - following[0] > 1 and not start >= place.start:
                    break
                if following[1] - stop <= 2:
                    end = following[1]
            if end > stop and end > place.start and start < place.stop:
                return True
    return False


def _equivalent(a: Place, b: Place) -> bool:
    equivalents = _lexicon().equivalents
    known = [part for part in _parts(a) if part in equivalents]
    theirs = set(_parts(b)) if known else set()
    return any(not equivalents[one].isdisjoint(theirs) for one in known)


def _parts(place: Place) -> list[str]:
    """All pieces of the sentence, up to the length of a term, that touch the place."""
    text = place.sentence
    return [
        text[start:stop]
        for start in range(max(0, place.start - _LONGEST + 1), place.stop)
        for stop in range(max(start + 2, place.start + 1), min(len(text), start + _LONGEST) + 1)
    ]


__all__ = ["LATIN", "NUMBER", "Difference", "Place", "counts_nothing", "difference", "words"]
