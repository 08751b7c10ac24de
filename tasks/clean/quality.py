"""Quality figures of a text, and the rules that reject on them."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from enum import IntEnum
from functools import lru_cache
from typing import Any, Final

import numpy as np

from config.settings import QualitySettings
from tasks.clean.characters import HAN, code_points
from tasks.clean.lexicon import adverts, fold

_GRAM: Final = 8 + 2
_PRIME: Final = np.uint64(0x9E3779B97F4A7C15)
_STOP_HAN: Final = 200
_REPETITION_HAN: Final = 100
# Function characters of modern and classical Chinese, both scripts: keyword lists have next to none of them.
_STOP: Final = frozenset(
    "的是了在和有不这這我他你也就都而与與及为為以于於对對从從中上到说說要会會着之其者所则則乃若何此曰矣焉"
)
_STOP_MARKS: Final = frozenset("。，！？；：、…,.!?;:")
_SENTENCE_MARKS: Final = frozenset("“”‘’（）()《》〈〉「」『』【】[]〔〕—·～-\"'")
"""Quotation marks, brackets and the like: they belong to sentences and are no symbols."""
_LIST_LINE: Final = 30
_LIST_LINES: Final = 8
_ADVERT_HALF: Final = 0.08
"""Share of the text inside advertising words at which the score is one half."""


@dataclass(frozen=True, slots=True)
class Quality:
    """The figures of QUALITY in tasks/tables.py; shares are 0..1."""

    characters: int
    han: int
    han_share: float
    line_repetition: float
    ngram_repetition: float
    symbol_share: float
    digit_share: float
    latin_share: float
    stop_share: float
    punctuation_share: float
    link_density: float | None
    damage: int
    unrepaired: int
    spun: float
    list_page: float
    advert: float
    spun_evidence: tuple[str, ...]

    def row(self) -> dict[str, Any]:
        """The figures as a dict in the shape of QUALITY, shares rounded to four places."""
        values = [(column.name, getattr(self, column.name)) for column in fields(self)]
        return {name: round(value, 4) if isinstance(value, float) else value for name, value in values}


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why a text is rejected."""

    rule: str
    reason: str
    figure: float
    threshold: float


def measure(
    text: str,
    *,
    link_density: float | None = None,
    list_score: float | None = None,
    damage: int = 0,
    unrepaired: int = 0,
    spun: float = 0.0,
    spun_evidence: Sequence[str] = (),
    simplified: bool = False,
) -> Quality:
    """Figures of a clean text. What extraction, repair and the spun score know is passed in.

    `simplified` says that the text is in Simplified already, which saves folding it.
    """
    codes = code_points(text)
    kinds = _kinds().take(codes, mode="clip")
    counts: list[int] = np.bincount(kinds, minlength=len(_Kind)).tolist()
    characters = len(text) - counts[_Kind.SPACE]
    count = counts[_Kind.HAN] + counts[_Kind.STOP]
    of = max(characters, 1)
    return Quality(
        characters=characters,
        han=count,
        han_share=count / of,
        line_repetition=_line_repetition(text, of),
        ngram_repetition=_gram_repetition(codes[(kinds == _Kind.HAN) | (kinds == _Kind.STOP)]),
        symbol_share=counts[_Kind.SYMBOL] / of,
        digit_share=counts[_Kind.DIGIT] / of,
        latin_share=counts[_Kind.LATIN] / of,
        stop_share=counts[_Kind.STOP] / max(count, 1),
        punctuation_share=counts[_Kind.MARK] / of,
        link_density=link_density,
        damage=damage,
        unrepaired=unrepaired,
        spun=spun,
        list_page=list_score if list_score is not None else _list_score(text),
        advert=_advert_score(text, of, simplified),
        spun_evidence=tuple(spun_evidence),
    )


def judge(quality: Quality, settings: QualitySettings) -> Verdict | None:
    """The first reject rule that a text breaks, in the order of `_RULES`, or None."""
    for name, reason, figure, least_han in _RULES:
        threshold = float(getattr(settings, name))
        value = float(figure(quality))
        beyond = value < threshold if name.startswith("min_") else value > threshold
        if beyond and quality.han >= least_han:
            return Verdict(f"quality.{name}", reason.format(value, threshold), value, threshold)
    return None


_RULES: Final[tuple[tuple[str, str, Callable[[Quality], float], int], ...]] = (
    ("min_han", "only {:.0f} Han characters, fewer than {:.0f}", lambda q: q.han, 0),
    ("min_han_share", "only {:.1%} of the characters are Han, less than {:.1%}", lambda q: q.han_share, 0),
    (
        "max_unrepaired_share",
        "{:.1%} of the characters are damaged beyond repair, more than {:.1%}",
        lambda q: q.unrepaired / max(q.characters, 1),
        0,
    ),
    ("max_advert", "advertising score {:.2f}, more than {:.2f}", lambda q: q.advert, 0),
    (
        "min_stop_share",
        "only {:.1%} function characters, less than {:.1%}: keywords, not sentences",
        lambda q: q.stop_share,
        _STOP_HAN,
    ),
    (
        "max_line_repetition",
        "{:.0%} of the text are repeated lines, more than {:.0%}",
        lambda q: q.line_repetition,
        _REPETITION_HAN,
    ),
    (
        "max_ngram_repetition",
        "{:.0%} of the text repeats itself, more than {:.0%}",
        lambda q: q.ngram_repetition,
        _REPETITION_HAN,
    ),
    ("max_symbol_share", "{:.0%} symbols, more than {:.0%}", lambda q: q.symbol_share, 0),
    ("max_digit_share", "{:.0%} digits, more than {:.0%}", lambda q: q.digit_share, 0),
    (
        "max_link_density",
        "{:.0%} of the text stand in links, more than {:.0%}",
        lambda q: q.link_density or 0.0,
        0,
    ),
    ("max_list_page", "list page score {:.2f}, more than {:.2f}", lambda q: q.list_page, 0),
    ("max_spun", "synonym spinning score {:.2f}, more than {:.2f}", lambda q: q.spun, 0),
)
"""(setting, reason with figure and threshold, figure, Han characters below which the rule is skipped)."""


class _Kind(IntEnum):
    """Kinds of characters, each in one of them."""

    SPACE = 0
    HAN = 1
    STOP = 2
    """A function character; Han too."""
    DIGIT = 3
    LATIN = 4
    MARK = 5
    """Sentence punctuation."""
    SYMBOL = 6
    OTHER = 7


@lru_cache(maxsize=1)
def _kinds() -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Kind of every code point."""
    is_han = re.compile(f"[{HAN}]")
    kinds = np.full(0x110000, _Kind.OTHER, np.uint8)
    kinds[0x20000:0x40000] = _Kind.HAN
    for code in range(0xFFFF):
        char = chr(code)
        if char.isspace():
            kinds[code] = _Kind.SPACE
        elif is_han.match(char):
            kinds[code] = _Kind.STOP if char in _STOP else _Kind.HAN
        elif char.isdigit():
            kinds[code] = _Kind.DIGIT
        elif char.isalpha():
            kinds[code] = _Kind.LATIN if code < 0x250 else _Kind.OTHER
        elif char in _STOP_MARKS:
            kinds[code] = _Kind.MARK
        elif not char.isalnum() and char not in _SENTENCE_MARKS:
            kinds[code] = _Kind.SYMBOL
    return kinds


def _line_repetition(text: str, of: int) -> float:
    seen = Counter(["".join(line.split()) for line in text.split("\n")])
    again = sum(len(line) * (count - 1) for line, count in seen.items() if count > 1)
    return min(1.0, again / of)


def _gram_repetition(han: np.ndarray[Any, np.dtype[np.uint32]]) -> float:
    """Share of 10-grams of Han characters (other characters left out) that occurred before."""
    if han.size < _GRAM:
        return 0.0
    one = _mixed(han.astype(np.uint64))
    two = _mixed(one[:-1] * _PRIME + one[1:])
    four = _mixed(two[:-2] * _PRIME + two[2:])
    eight = _mixed(four[:-4] * _PRIME + four[4:])
    grams = _mixed(eight[:-2] * _PRIME + two[8:])
    # Halves first: they sort in half the time, and nearly every text has no two alike.
    halves = np.sort((grams >> np.uint64(32)).astype(np.uint32))
    if not (halves[1:] == halves[:-1]).any():
        return 0.0
    grams.sort()
    return float(np.count_nonzero(grams[1:] == grams[:-1])) / grams.size


def _mixed(hashes: np.ndarray[Any, np.dtype[np.uint64]]) -> np.ndarray[Any, np.dtype[np.uint64]]:
    return hashes ^ (hashes >> np.uint64(29))


def _list_score(text: str) -> float:
    """Share of lines that are short and end in no sentence mark, squared; 0 below 8 lines."""
    rows = [row for row in text.split("\n") if row]
    if len(rows) < _LIST_LINES:
        return 0.0
    titles = sum(len(row) <= _LIST_LINE and row[-1] not in "。！？!?…；;：:”」，,、" for row in rows)
    return float((titles / len(rows)) ** 2)


def _advert_score(text: str, of: int, simplified: bool) -> float:
    """1 - 2^(-share / 0.08): share is the part of the text inside advertising words, three kinds at least."""
    found = adverts().matcher.find_matches_as_indexes(text if simplified else fold(text).lower())
    if len({number for number, _start, _end in found}) < 3:
        return 0.0
    share = sum(end - start for _number, start, end in found) / of
    return 1 - math.exp2(-share / _ADVERT_HALF)
