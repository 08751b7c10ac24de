"""Makes config/lexicon/repair_words.txt.gz, the word model of the repair.

    python -m tasks.clean.repair.train lm_sc.arpa text.txt [...] > config/lexicon/repair_words.txt.gz

`lm_sc.arpa` is a word model without punctuation in ARPA format (the source package of libime holds
one), each line of the text files a paragraph, in either script. The texts say how words and
punctuation follow each other, the word model which words go together in a far larger corpus:

    P(w | v)   = (n(v w) - D + (K + D t(v)) Q(w | v)) / (n(v) + K)
    P(w | u v) = (n(u v w) - D + (K3 + D t(u v)) R(w | u v)) / (n(u v) + K3)

with n the counts, t the number of different followers, Q what the word model says of v w (P(w) where
one of them is no word) and R the greater of P(w | v) and what it says of u v w: Dirichlet smoothing
with absolute discounting. Kept are the pairs and triples that hold a character which a cut can
lose, and the pairs that say most about other words.
"""

from __future__ import annotations

import gzip
import heapq
import math
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from tasks.clean.repair.codepage import BYTES, TRIGGERS
from tasks.clean.repair.language import LanguageModel, language_model
from tasks.clean.repair.sequence import FROM_LIST, SPELLED, STEP, normal_form
from tasks.clean.repair.shift import Tables

_OFTEN: Final = 3
"""Pairs without a character that can be lost are kept from this count on."""
_OTHER_PAIRS: Final = 100_000
"""Pairs of the word model kept beside those that hold such a character."""
_DISCOUNT: Final = 0.6
_PRIOR: Final = 200.0
_PRIOR_OF_TRIPLES: Final = 3.0
_LINE: Final = "\n"
_MARKS: Final = frozenset("。，、；：？！“”‘’（）《》【】「」『』…—·0a \n")
_WRITTEN: Final = {after: before for before, after in SPELLED.items()}


class Arpa:
    """A word model in ARPA format, read as probabilities: words, pairs and triples the word list knows."""

    def __init__(self, path: Path, model: LanguageModel, lost: frozenset[str]) -> None:
        self.left: dict[str, float] = {}
        """Weight of words that are not listed after a word."""
        self.pairs: dict[str, dict[str, float]] = defaultdict(dict)
        self.triples: dict[tuple[str, str], dict[str, float]] = defaultdict(dict)
        self.alone: dict[str, float] = {}
        order = 0
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                if line.startswith("\\"):
                    order = int(line[1]) if line[1].isdigit() else 0
                    continue
                parts = line.rstrip("\n").split("\t")
                if not order or len(parts) < 2:
                    continue
                words = parts[1].split(" ")
                if not all(len(word) == 1 or model.knows(word) for word in words):
                    continue
                chance = 10 ** float(parts[0])
                if order == 1:
                    self.alone[words[0]] = chance
                    self.left[words[0]] = 10 ** float(parts[2])
                elif order == 2:
                    self.pairs[words[0]][words[1]] = chance
                elif not lost.isdisjoint(parts[1]):
                    self.triples[words[0], words[1]][words[2]] = chance

    def telling(self, count: int) -> set[tuple[str, str]]:
        """The `count` pairs that change most: P(v w) log(P(w | v) / (left(v) P(w)))."""
        rated = (
            (self.alone[first] * chance * math.log(chance / (self.left[first] * self.alone[second])), first, second)
            for first, row in self.pairs.items()
            for second, chance in row.items()
        )  # fmt: skip
        return {(first, second) for _, first, second in heapq.nlargest(count, rated)}


class Counts:
    """How often words, pairs and triples (those with a character that can be lost) stand in texts."""

    def __init__(self, model: LanguageModel, paragraphs: Iterable[str], lost: frozenset[str]) -> None:
        self.pairs: dict[str, Counter[str]] = defaultdict(Counter)
        self.triples: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        for paragraph in dict.fromkeys(paragraphs):
            text = re.sub(r"\s+", " ", normal_form(model, paragraph.strip()))
            if not text:
                continue
            words = [_LINE, *segment(model, text), _LINE]
            for at in range(1, len(words)):
                self.pairs[words[at - 1]][words[at]] += 1
                if at > 1 and not lost.isdisjoint(words[at - 2] + words[at - 1] + words[at]):
                    self.triples[words[at - 2], words[at - 1]][words[at]] += 1
        self.times: Counter[str] = Counter()
        for row in self.pairs.values():
            self.times.update(row)


def segment(model: LanguageModel, text: str) -> list[str]:
    """The likeliest words of a Simplified text."""
    best: list[tuple[float, str]] = [(0.0, "")] + [(-1e18, "")] * len(text)
    for index in range(len(text)):
        here = best[index][0]
        for word, cost in model.words(text, index):
            end = index + len(word)
            if here + cost > best[end][0]:
                best[end] = (here + cost, word)
    words = []
    end = len(text)
    while end:
        words.append(best[end][1])
        end -= len(words[-1])
    return words[::-1]


def _row(head: str, left: float, listed: dict[str, float]) -> str:
    written = " ".join(
        f"{_WRITTEN.get(word, word)} {round(-math.log(chance) / STEP)}" for word, chance in sorted(listed.items())
    )  # fmt: skip
    return f"{head}\t{round(-math.log(left) / STEP)}\t{written}\n"


def table(model: LanguageModel, arpa: Arpa, counts: Counts, lost: frozenset[str]) -> Iterator[str]:
    """The lines of the model: `word TAB times`, or `word|word`, then `TAB left TAB follower cost follower cost ...`."""
    total = counts.times.total()
    marks = sum(counts.times[mark] for mark in _MARKS) / total
    alone: dict[str, float] = {}

    def single(word: str) -> float:
        if word not in alone:
            alone[word] = (
                FROM_LIST * math.exp(model.cost(word)) + (1 - FROM_LIST) * counts.times[word] / total
            )
        return alone[word]

    def pair(first: str, second: str) -> float:
        row = counts.pairs.get(first, Counter())
        known = arpa.pairs.get(first)
        base = single(second)
        if known is not None and first not in _MARKS and second not in _MARKS:
            listed = known.get(second)
            base = (1 - marks) * listed if listed is not None else arpa.left[first] * base
        times, prior = row.total(), _PRIOR + _DISCOUNT * len(row)
        return (max(row[second] - _DISCOUNT, 0.0) + prior * base) / (times + _PRIOR)

    telling = arpa.telling(_OTHER_PAIRS)
    for first in sorted(counts.pairs.keys() | arpa.pairs.keys()):
        seen, known = counts.pairs.get(first, Counter()), arpa.pairs.get(first, {})
        kept = {word for word, times in seen.items() if times >= _OFTEN or not lost.isdisjoint(first + word)}
        kept |= {word for word in known if (first, word) in telling or not lost.isdisjoint(first + word)}
        if not kept and counts.times[first] < _OFTEN:
            continue
        listed = {word: pair(first, word) for word in kept}
        left = max(1 - sum(listed.values()), 1e-4) / max(1 - sum(map(single, kept)), 1e-4)
        yield _row(f"{_WRITTEN.get(first, first)}\t{counts.times[first]}", left, listed)
    for head in sorted(counts.triples.keys() | arpa.triples.keys()):
        row, model_row = counts.triples.get(head, Counter()), arpa.triples.get(head, {})
        if row.total() < 2 and not model_row:
            continue
        listed = {}
        prior = _PRIOR_OF_TRIPLES + _DISCOUNT * len(row)
        for word in row.keys() | model_row.keys():
            base = max(pair(head[1], word), (1 - marks) * model_row.get(word, 0.0))
            listed[word] = (max(row[word] - _DISCOUNT, 0.0) + prior * base) / (
                row.total() + _PRIOR_OF_TRIPLES
            )
        rest = max(1 - sum(pair(head[1], word) for word in listed), 1e-4)
        left = max(1 - sum(listed.values()), 1e-4) / rest
        yield _row("|".join(_WRITTEN.get(word, word) for word in head), left, listed)


def main() -> None:
    """Read the files named on the command line, write the model to standard output."""
    model = language_model()
    by_trail = Tables(model).by_trail
    lost = frozenset(model.simplify(c) for mark in TRIGGERS for c in by_trail[BYTES[mark] >> 8])
    paragraphs = (
        line for name in sys.argv[2:] for line in Path(name).read_text(encoding="utf-8").split(_LINE)
    )
    counts = Counts(model, paragraphs, lost)
    lines = table(model, Arpa(Path(sys.argv[1]), model, lost), counts, lost)
    sys.stdout.buffer.write(gzip.compress("".join(lines).encode(), 9, mtime=0))


if __name__ == "__main__":
    main()
