"""A word-pair model of Chinese: which word follows which, punctuation included.

P(w | v) = (n(v w) - D) / n(v) + b(v) P(w), absolute discounting (Ney, Essen and Kneser 1994), where
b(v) is the mass not given to kept pairs and P(w) mixes the word list with the counts of the same
table. The counts are in config/lexicon/repair_pairs.txt.gz, made by tasks/clean/repair/train.py.
"""

from __future__ import annotations

import gzip
import math
from functools import lru_cache
from typing import Final

from config.settings import CONFIG
from tasks.clean.repair.codepage import WIDE
from tasks.clean.repair.language import LanguageModel

_DISCOUNT: Final = 0.75
_FROM_COUNTS: Final = 0.5
"""Share of the table's own counts in the probability of a word without context."""
_MARKS_TOGETHER: Final = -7.0
"""Added where two sentence marks meet that never met in the table."""
_MARKS: Final = frozenset("。，、；：？！")
_SPELLED: Final = {"¶": "\n", "␣": " "}


class _Counts:
    """The table: how often a word stood, and the words that followed it."""

    def __init__(self) -> None:
        self.times: dict[str, int] = {}
        self.rows: dict[str, str] = {}
        with gzip.open(
            CONFIG / "lexicon" / "repair_pairs.txt.gz", "rt", encoding="utf-8", newline="\n"
        ) as lines:
            for line in lines:
                head, _, row = line.rstrip("\n").partition("\t")
                word, _, times = head.rpartition(" ")
                word = _SPELLED.get(word, word)
                self.times[word] = int(times)
                if row:
                    self.rows[word] = row
        self.total: Final = sum(self.times.values())


@lru_cache(1)
def _counts() -> _Counts:
    return _Counts()


@lru_cache(4096)
def _after(word: str) -> tuple[float, dict[str, float]]:
    """Mass left for words not listed after `word`, and the probabilities of those listed."""
    counts = _counts()
    row = counts.rows.get(word)
    if row is None:
        return 1.0, {}
    times = counts.times[word]
    items = row.split(" ")
    listed = {
        _SPELLED.get(follower, follower): (int(seen) - _DISCOUNT) / times
        for follower, seen in zip(items[::2], items[1::2], strict=True)
    }
    return max(1.0 - sum(listed.values()), 1e-4), listed


def plain_forms() -> dict[int, str]:
    """Digits as 0, Latin letters as a, punctuation full-width, any space as one: a table for str.translate."""
    table = {ord(narrow): wide for narrow, wide in WIDE.items() if narrow in ",;:?!()"}
    for code in range(0x30, 0x7B):
        if chr(code).isalnum():
            shown = "0" if code < 0x3A else "a"
            table[code] = table[ord(WIDE[chr(code)])] = shown
    return table | {0x3000: " ", 0xA0: " "}


class SequenceModel:
    """Scores of short texts; slower and better than `LanguageModel`, on whose word list it stands."""

    def __init__(self, model: LanguageModel) -> None:
        self._model = model
        self._table: Final = plain_forms()

    def normal(self, text: str) -> str:
        """The text as the table writes it; as long as it was."""
        return self._model.simplify(text).translate(self._table)

    def score(self, text: str) -> float:
        """Natural logarithm of the probability of a text of either script, under its best segmentation."""
        text = self.normal(text)
        counts = _counts()
        share = _FROM_COUNTS / counts.total
        ends: list[dict[str, float]] = [{} for _ in range(len(text) + 1)]
        ends[0][""] = 0.0
        for index, here in enumerate(ends[:-1]):
            if not here:
                continue
            befores = [(before, cost, *_after(before)) for before, cost in here.items()]
            for word, cost in self._model.words(text, index):
                alone = (1 - _FROM_COUNTS) * math.exp(cost) + share * counts.times.get(word, 0)
                best = -math.inf
                for before, reached, left, listed in befores:
                    after = reached + math.log(listed.get(word, 0.0) + left * alone)
                    if word in _MARKS and before in _MARKS and word not in listed:
                        after += _MARKS_TOGETHER
                    best = max(best, after)
                ends[index + len(word)][word] = best
        return max(ends[-1].values(), default=0.0)


__all__ = ["SequenceModel", "plain_forms"]
