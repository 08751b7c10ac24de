"""Quality figures of a text, and the rules that reject on them."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from config.settings import QualitySettings
from tasks.clean.characters import HAN
from tasks.clean.lexicon import adverts, fold

_GRAM: Final = 10
_PRIME: Final = np.uint64(0x9E3779B97F4A7C15)
_STOP_HAN: Final = 200
_REPETITION_HAN: Final = 100
# Function characters of modern and classical Chinese, both scripts: keyword lists have next to none of them.
_STOP: Final = frozenset(
    "的是了在和有不这這我他你也就都而与與及为為以于於对對从從中上到说說要会會着之其者所则則乃若何此曰矣焉"
)
_STOP_MARKS: Final = frozenset("。，！？；：、…,.!?;:")
_SPACE: Final = re.compile(r"\s+")
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

    def row(self) -> dict[str, Any]:
        """The figures as a dict in the shape of QUALITY, shares rounded to four places."""
        values = asdict(self)
        return {
            name: round(value, 4) if isinstance(value, float) else value for name, value in values.items()
        }


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
    simplified: bool = False,
) -> Quality:
    """Figures of a clean text. What extraction, repair and the spun score know is passed in.

    `simplified` says that the text is in Simplified already, which saves folding it.
    """
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    solid = codes[_table("solid")[np.minimum(codes, 0xFFFF)]]
    low = np.minimum(solid, 0xFFFF)
    characters = int(solid.size)
    han = _table("han")[low] | ((solid >= 0x20000) & (solid < 0x40000))
    count = int(han.sum())
    of = max(characters, 1)
    return Quality(
        characters=characters,
        han=count,
        han_share=count / of,
        line_repetition=_line_repetition(text, of),
        ngram_repetition=_gram_repetition(solid[han]),
        symbol_share=float(_table("symbol")[low].sum()) / of,
        digit_share=float(_table("digit")[low].sum()) / of,
        latin_share=float(_table("latin")[low].sum()) / of,
        stop_share=float(_table("stop")[low].sum()) / max(count, 1),
        punctuation_share=float(_table("marks")[low].sum()) / of,
        link_density=link_density,
        damage=damage,
        unrepaired=unrepaired,
        spun=spun,
        list_page=list_score if list_score is not None else _list_score(text),
        advert=_advert_score(text, of, simplified),
    )


def judge(quality: Quality, settings: QualitySettings) -> Verdict | None:
    """The first reject rule that a text breaks, or None; rules that need a longer text are skipped on short ones."""
    q, s = quality, settings
    lower: list[tuple[str, float, float, bool, str]] = [
        ("min_han", q.han, s.min_han, True, "only {0:.0f} Han characters, fewer than {1:.0f}"),
        ("min_han_share", q.han_share, s.min_han_share, True, "only {0:.0%} of the characters are Han, less than {1:.0%}"),
        ("min_stop_share", q.stop_share, s.min_stop_share, q.han >= _STOP_HAN,
         "only {0:.1%} function characters, less than {1:.1%}: a list of keywords, not sentences"),
    ]  # fmt: skip
    long = q.han >= _REPETITION_HAN
    broken = q.unrepaired / max(q.characters, 1)
    upper: list[tuple[str, float, float, bool, str]] = [
        ("max_unrepaired_share", broken, s.max_unrepaired_share, True, "{0:.1%} of the characters are damaged beyond repair, more than {1:.1%}"),
        ("max_advert", q.advert, s.max_advert, True, "advertising score {0:.2f}, more than {1:.2f}"),
        ("max_line_repetition", q.line_repetition, s.max_line_repetition, long, "{0:.0%} of the text is repeated lines, more than {1:.0%}"),
        ("max_ngram_repetition", q.ngram_repetition, s.max_ngram_repetition, long, "{0:.0%} of the text repeats itself, more than {1:.0%}"),
        ("max_symbol_share", q.symbol_share, s.max_symbol_share, True, "{0:.0%} symbols, more than {1:.0%}"),
        ("max_digit_share", q.digit_share, s.max_digit_share, True, "{0:.0%} digits, more than {1:.0%}"),
        ("max_link_density", q.link_density or 0.0, s.max_link_density, True, "{0:.0%} of the text stands in links, more than {1:.0%}"),
        ("max_list_page", q.list_page, s.max_list_page, True, "list page score {0:.2f}, more than {1:.2f}"),
        ("max_spun", q.spun, s.max_spun, True, "synonym spinning score {0:.2f}, more than {1:.2f}"),
    ]  # fmt: skip
    for name, figure, threshold, applies, reason in lower:
        if applies and figure < threshold:
            return Verdict(f"quality.{name}", reason.format(figure, threshold), figure, threshold)
    for name, figure, threshold, applies, reason in upper:
        if applies and figure > threshold:
            return Verdict(f"quality.{name}", reason.format(figure, threshold), figure, threshold)
    return None


def _build_tables() -> dict[str, np.ndarray[Any, np.dtype[np.bool_]]]:
    names = ("solid", "han", "symbol", "digit", "latin", "stop", "marks")
    tables = {name: np.zeros(0x10000, bool) for name in names}
    is_han = re.compile(f"[{HAN}]")
    for code in range(0x10000):
        char = chr(code)
        solid = not char.isspace()
        tables["solid"][code] = solid
        if not solid:
            continue
        tables["han"][code] = is_han.match(char) is not None
        tables["digit"][code] = char.isdigit()
        tables["latin"][code] = char.isalpha() and code < 0x250
        tables["stop"][code] = char in _STOP
        tables["marks"][code] = char in _STOP_MARKS
        # Quotation marks, brackets and the like belong to sentences; what is left are symbols.
        tables["symbol"][code] = (
            not char.isalnum()
            and char not in _STOP_MARKS
            and char not in "“”‘’（）()《》〈〉「」『』【】[]〔〕—·～-\"'"
        )
    return tables


_TABLES: dict[str, np.ndarray[Any, np.dtype[np.bool_]]] = {}


def _table(name: str) -> np.ndarray[Any, np.dtype[np.bool_]]:
    if not _TABLES:
        _TABLES.update(_build_tables())
    return _TABLES[name]


def _line_repetition(text: str, of: int) -> float:
    seen: Counter[str] = Counter(_SPACE.sub("", line) for line in text.split("\n"))
    again = sum(len(line) * (count - 1) for line, count in seen.items() if count > 1)
    return min(1.0, again / of)


def _gram_repetition(han: np.ndarray[Any, np.dtype[np.uint32]]) -> float:
    """Share of 10-grams of Han characters (other characters left out) that occurred before."""
    total = han.size - _GRAM + 1
    if total < 1:
        return 0.0
    hashes = np.zeros(total, np.uint64)
    for offset in range(_GRAM):
        hashes = (hashes + han[offset : offset + total].astype(np.uint64)) * _PRIME
        hashes ^= hashes >> np.uint64(29)
    return float(total - np.unique(hashes).size) / total


def _list_score(text: str) -> float:
    """Share of lines that are short and end in no sentence mark, from 8 lines on; squared to leave prose alone."""
    rows = [row for row in text.split("\n") if row]
    if len(rows) < _LIST_LINES:
        return 0.0
    titles = sum(len(row) <= _LIST_LINE and row[-1] not in "。！？!?…；;：:”」，,、" for row in rows)
    return float((titles / len(rows)) ** 2)


def _advert_score(text: str, of: int, simplified: bool) -> float:
    """1 - 2^(-share / 0.08), where share is the part of the text inside advertising words, three different ones or more."""
    found = adverts().matcher.find_matches_as_indexes(text if simplified else fold(text).lower())
    if len({number for number, _start, _end in found}) < 3:
        return 0.0
    share = sum(end - start for _number, start, end in found) / of
    return 1 - math.exp2(-share / _ADVERT_HALF)
