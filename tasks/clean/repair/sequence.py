"""A word model of Chinese: which word follows which two, punctuation included.

A back-off model (Katz 1987): P(w | u v) is listed, or left(u v) P(w | v); P(w | v) is listed, or
left(v) P(w), where P(w) mixes the word list with the counts of the texts. What is listed stands in
config/lexicon/repair_words.txt.gz, made by tasks/clean/repair/train.py.
"""

from __future__ import annotations

import gzip
import math
from functools import lru_cache
from typing import Final

from config.settings import CONFIG
from tasks.clean.repair.codepage import WIDE
from tasks.clean.repair.language import LanguageModel

STEP: Final = 0.1
"""Unit of the costs in the file, in natural logarithms."""
FROM_LIST: Final = 0.8
"""Share of the word list in the probability of a word without context; the rest is that of the texts."""
SPELLED: Final = {"¶": "\n", "␣": " "}
"""How the file writes a line break and a space."""
_MARKS_TOGETHER: Final = -7.0
"""Added where two sentence marks meet that never met in the texts."""
_MARKS: Final = frozenset("。，、；：？！")


class _Row:
    """What follows a word, or two words."""

    __slots__ = ("left", "listed")

    def __init__(self, left: float, listed: dict[str, float]) -> None:
        self.left = left
        """Added to the score of a word that is not listed."""
        self.listed = listed
        """Scores of words, natural logarithms of their probabilities."""


_EMPTY: Final = _Row(0.0, {})


def plain_forms() -> dict[int, str]:
    """Digits as 0, Latin letters as a, punctuation full-width, any space as one: a table for str.translate."""
    table = {ord(narrow): wide for narrow, wide in WIDE.items() if narrow in ",;:?!()"}
    for code in range(0x30, 0x7B):
        if chr(code).isalnum():
            shown = "0" if code < 0x3A else "a"
            table[code] = table[ord(WIDE[chr(code)])] = shown
    return table | {0x3000: " ", 0xA0: " "}


_PLAIN: Final = plain_forms()


def normal_form(model: LanguageModel, text: str) -> str:
    """The text as the table writes it, Simplified; as long as it was."""
    return model.simplify(text).translate(_PLAIN)


class _Table:
    """The file; its rows are taken apart when they are first asked for."""

    def __init__(self) -> None:
        self._lines: dict[str, str] = {}
        self._rows: dict[str, _Row] = {}
        self.times: dict[str, int] = {}
        self.total = 0
        path = CONFIG / "lexicon" / "repair_words.txt.gz"
        with gzip.open(path, "rt", encoding="utf-8", newline="\n") as lines:
            for line in lines:
                head, _, row = line.rstrip("\n").partition("\t")
                for written, word in SPELLED.items():
                    head = head.replace(written, word)
                if "|" not in head or head == "|":
                    times, _, row = row.partition("\t")
                    self.times[head] = int(times)
                    self.total += int(times)
                self._lines[head] = row

    def row(self, head: str) -> _Row:
        """The row of a word, or of two words with a bar between them."""
        found = self._rows.get(head)
        if found is None:
            found = self._rows[head] = self._parsed(self._lines.get(head))
        return found

    def _parsed(self, line: str | None) -> _Row:
        if line is None:
            return _EMPTY
        left, _, row = line.partition("\t")
        items = row.split(" ") if row else []
        listed = {
            SPELLED.get(word, word): -STEP * int(cost) for word, cost in zip(items[::2], items[1::2], strict=True)
        }  # fmt: skip
        return _Row(-STEP * int(left), listed)


@lru_cache(1)
def _table() -> _Table:
    return _Table()


class SequenceModel:
    """Scores of short texts; slower and better than `LanguageModel`, on whose word list it stands."""

    def __init__(self, model: LanguageModel) -> None:
        self._model = model
        self._alone: dict[str, float] = {}
        self._known: dict[str, float] = {}

    def _single(self, word: str, cost: float) -> float:
        found = self._alone.get(word)
        if found is None:
            table = _table()
            seen = table.times.get(word, 0) / table.total
            found = self._alone[word] = math.log(FROM_LIST * math.exp(cost) + (1 - FROM_LIST) * seen)
        return found

    def score(self, text: str) -> float:
        """Natural logarithm of the probability of a text of either script, under its best segmentation."""
        text = normal_form(self._model, text)
        known = self._known.get(text)
        if known is None:
            if len(self._known) > 20_000:
                self._known.clear()
            known = self._known[text] = self._best(text)
        return known

    def _best(self, text: str) -> float:
        size = len(text)
        if not size:
            return 0.0
        table = _table()
        ends: list[dict[tuple[str, str], float]] = [{} for _ in range(size + 1)]
        ends[0]["", ""] = 0.0
        for index in range(size):
            here = ends[index]
            if not here:
                continue
            befores = [
                (before, reached, table.row(before), table.row(f"{first}|{before}"))
                for (first, before), reached in here.items()
            ]
            for word, cost in self._model.words(text, index):
                alone = self._single(word, cost)
                end = ends[index + len(word)]
                for before, reached, pairs, triples in befores:
                    after = triples.listed.get(word)
                    if after is None:
                        after = pairs.listed.get(word)
                        if after is None:
                            after = pairs.left + alone
                            if word in _MARKS and before in _MARKS:
                                after += _MARKS_TOGETHER
                        after += triples.left
                    after += reached
                    key = (before, word)
                    best = end.get(key)
                    if best is None or after > best:
                        end[key] = after
        return max(ends[size].values())


__all__ = ["FROM_LIST", "SPELLED", "STEP", "SequenceModel", "normal_form"]
