"""Is what differs between two texts a name? Names of people, places and institutions tell articles apart."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final, NamedTuple

from config.settings import CONFIG
from tasks.dedupe.skeleton import characters

_NAME_TAGS: Final = ("nr", "ns", "nt")
"""Tags of jieba's dictionary: people, places, institutions."""
_LONGEST: Final = 6


class _Lexicon(NamedTuple):
    weights: dict[str, float]
    """Logarithm of the relative frequency of words."""
    names: frozenset[str]
    unknown: float
    surnames: frozenset[str]
    equivalents: frozenset[tuple[str, str]]


@lru_cache(maxsize=1)
def _lexicon() -> _Lexicon:
    spec = find_spec("jieba")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("jieba is needed for its dictionary")
    # The texts compared are folded by the same table (乾隆 is 干隆).
    folding = characters()
    counts: dict[str, int] = {}
    names: set[str] = set()
    with (Path(spec.origin).parent / "dict.txt").open(encoding="utf-8") as file:
        for line in file:
            written, count, tag = line.split(" ")
            word = written.translate(folding)
            if len(word) <= _LONGEST:
                counts[word] = int(count)
                if len(word) > 1 and tag.startswith(_NAME_TAGS):
                    names.add(word)
    total = math.log(sum(counts.values()))
    rows = (CONFIG / "lexicon" / "surnames.txt").read_text(encoding="utf-8").splitlines()
    single, double = [row.translate(folding) for row in rows if not row.startswith("#")]
    terms = (CONFIG / "lexicon" / "regional_terms.tsv").read_text(encoding="utf-8").splitlines()
    pairs = [tuple(row.split("\t")) for row in terms if not row.startswith("#")]
    return _Lexicon(
        weights={word: math.log(count or 1) - total for word, count in counts.items()},
        names=frozenset(names),
        unknown=-total,
        surnames=frozenset([*single, *double.split(" ")]),
        equivalents=frozenset((one, other) for one, other in [*pairs, *(pair[::-1] for pair in pairs)]),
    )


class Place(NamedTuple):
    """Characters start..stop of a sentence (Simplified)."""

    sentence: str
    start: int
    stop: int


def differs_in_name(a: Place, b: Place) -> bool:
    """Whether two places that differ hold names on both sides, and not two words for one thing."""
    return _holds_name(a) and _holds_name(b) and not _equivalent(a, b)


def words(text: str) -> Iterator[tuple[int, int]]:
    """Start and stop of the words of a text: the most probable split by word frequencies."""
    lexicon = _lexicon()
    best = [0.0] * (len(text) + 1)
    step = [1] * (len(text) + 1)
    for start in range(len(text) - 1, -1, -1):
        best[start] = lexicon.weights.get(text[start], lexicon.unknown) + best[start + 1]
        for stop in range(start + 2, min(len(text), start + _LONGEST) + 1):
            weight = lexicon.weights.get(text[start:stop])
            if weight is not None and weight + best[stop] > best[start]:
                best[start], step[start] = weight + best[stop], stop - start
    start = 0
    while start < len(text):
        yield start, start + step[start]
        start += step[start]


def _holds_name(place: Place) -> bool:
    """Whether a word of the place is a known name, or a family name and one or two loose characters."""
    lexicon = _lexicon()
    spans = list(words(place.sentence))
    for number, (start, stop) in enumerate(spans):
        if stop > place.start and start < place.stop and place.sentence[start:stop] in lexicon.names:
            return True
        if place.sentence[start:stop] in lexicon.surnames:
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
    lexicon = _lexicon()
    ours = _parts(a)
    theirs = _parts(b)
    return any((one, other) in lexicon.equivalents for one in ours for other in theirs)


def _parts(place: Place) -> set[str]:
    """All pieces of the sentence, up to the length of a term, that touch the place."""
    text = place.sentence
    return {
        text[start:stop]
        for start in range(len(text))
        for stop in range(start + 2, min(len(text), start + _LONGEST) + 1)
        if start < place.stop and stop > place.start
    }


__all__ = ["Place", "differs_in_name", "words"]
