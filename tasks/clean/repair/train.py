"""Counts the word pairs of clean Chinese text: makes config/lexicon/repair_pairs.txt.gz.

    python -m tasks.clean.repair.train text.txt [...] > config/lexicon/repair_pairs.txt.gz

Each line of the files is a paragraph, in either script. Pairs seen once or twice are kept only where
they hold a character that a cut can lose: they decide what stood there.
"""

from __future__ import annotations

import gzip
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

from tasks.clean.repair.codepage import BYTES, TRIGGERS
from tasks.clean.repair.language import LanguageModel, language_model
from tasks.clean.repair.sequence import SequenceModel
from tasks.clean.repair.shift import Tables

_OFTEN = 3
_LINE = "\n"
_SPELLED = {"\n": "¶", " ": "␣"}


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


def count(model: LanguageModel, paragraphs: Iterable[str]) -> dict[str, Counter[str]]:
    """Word to the words after it; a line break stands before and after every paragraph."""
    pairs: dict[str, Counter[str]] = defaultdict(Counter)
    normal = SequenceModel(model).normal
    for paragraph in paragraphs:
        text = re.sub(r"\s+", " ", normal(paragraph.strip()))
        if not text:
            continue
        before = _LINE
        for word in [*segment(model, text), _LINE]:
            pairs[before][word] += 1
            before = word
    return pairs


def table(model: LanguageModel, pairs: dict[str, Counter[str]]) -> str:
    """The table as text: `word times<TAB>follower times follower times ...`."""
    trails = {BYTES[mark] >> 8 for mark in TRIGGERS}
    by_trail = Tables(model).by_trail
    lost = {model.simplify(character) for trail in trails for character in by_trail[trail]}
    lines = []
    for word in sorted(pairs):
        row = pairs[word]
        kept = [
            f"{_SPELLED.get(follower, follower)} {times}"
            for follower, times in sorted(row.items())
            if times >= _OFTEN or not lost.isdisjoint(word + follower)
        ]
        if kept or row.total() >= _OFTEN:
            lines.append(f"{_SPELLED.get(word, word)} {row.total()}\t{' '.join(kept)}\n")
    return "".join(lines)


def main() -> None:
    """Read the files named on the command line, write the table to standard output."""
    model = language_model()
    paragraphs = (
        line for name in sys.argv[1:] for line in Path(name).read_text(encoding="utf-8").split(_LINE)
    )
    text = table(model, count(model, paragraphs))
    sys.stdout.buffer.write(gzip.compress(text.encode(), 9, mtime=0))


if __name__ == "__main__":
    main()
