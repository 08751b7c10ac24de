"""Text spun by synonym substitution: it cannot be undone, so it is scored and flagged."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

from tasks.clean.lexicon import fold, spun

_EVEN: Final = 2.0
_PER_HAN: Final = 1500.0
_AGAIN: Final = 0.25
_MOST: Final = 5


@dataclass(frozen=True, slots=True)
class SpunScore:
    """How likely a text is spun, and the phrases that say so."""

    score: float
    """0..1; three certain phrases in a text of 1,500 Han characters give one half."""
    evidence: tuple[tuple[str, str, int], ...]
    """(phrase, what probably stood there, how often), the weightiest first."""


def score_spun(text: str, han: int, *, simplified: bool = False) -> SpunScore:
    """Weigh the phrases of config/lexicon/spun.tsv in `text`, which has `han` Han characters.

    `simplified` says that the text needs no folding (which costs more than the search).
    score = w / (w + 2 + han / 1500), where w adds the weight of each different phrase, and a quarter
    of it for each repetition up to the fifth.
    """
    lexicon = spun()
    text = text if simplified else fold(text)
    counts: Counter[int] = Counter(
        found for found, _start, _end in lexicon.matcher.find_matches_as_indexes(text)
    )
    if not counts:
        return SpunScore(0.0, ())
    entries = lexicon.entries
    weight = sum(
        entries[found][2] * (1 + _AGAIN * (min(count, _MOST) - 1)) for found, count in counts.items()
    )
    rows = sorted(counts.items(), key=lambda row: (-entries[row[0]][2], -row[1], entries[row[0]][0]))
    evidence = tuple((entries[found][0], entries[found][1], count) for found, count in rows)
    return SpunScore(weight / (weight + _EVEN + han / _PER_HAN), evidence)
