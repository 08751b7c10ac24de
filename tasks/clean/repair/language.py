"""A word-unigram model of Chinese: how likely is a stretch of text, under its best segmentation?

Built from the word frequencies of jieba (Simplified); Traditional text is scored through the
character table. Costs are natural logarithms, 0 is certain.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import yaml

from config.settings import CONFIG
from tasks.clean.repair.codepage import NARROW, scripts

_LONGEST: Final = 5
"""Longer words are left out: their parts say the same."""
_SMOOTHING: Final = 1.15
"""Mass kept for words outside the list."""
_INSIDE_WORD: Final = 0.05
"""Share of a word's frequency that counts for its characters standing alone."""
_SENTENCE: Final = "。，,、；;：:？?！!"
_NEVER: Final = -1e9


class LanguageModel:
    """Scores of texts; build it once (0.7 s) and share it: it does not change."""

    def __init__(self) -> None:
        costs: dict[str, Any] = yaml.safe_load(
            (CONFIG / "lexicon" / "repair.yaml").read_text(encoding="utf-8")
        )
        spec = importlib.util.find_spec("jieba")
        if spec is None or not spec.submodule_search_locations:
            raise FileNotFoundError("the package jieba is not installed; run `make install`")
        rows: list[tuple[str, int]] = []
        with (Path(spec.submodule_search_locations[0]) / "dict.txt").open(encoding="utf-8") as lines:
            for line in lines:
                word, frequency, _ = line.split(" ", 2)
                if len(word) <= _LONGEST:
                    rows.append((word, int(frequency) or 1))
        total = math.log(sum(frequency for _, frequency in rows) * _SMOOTHING)
        singles: dict[str, float] = {}
        pairs: dict[str, list[float]] = {}
        words: dict[str, float] = {}
        for word, frequency in rows:
            if len(word) == 1:
                singles[word] = singles.get(word, 0.0) + frequency
                continue
            for character in word:
                singles[character] = singles.get(character, 0.0) + frequency * _INSIDE_WORD
            entry = pairs.setdefault(word[:2], [_NEVER, 2])
            if len(word) == 2:
                entry[0] = math.log(frequency) - total
            else:
                entry[1] = max(entry[1], len(word))
                words[word] = math.log(frequency) - total
        self._single: dict[str, float] = {
            character: math.log(max(frequency, 0.5)) - total - 0.5 for character, frequency in singles.items()
        }
        self.han: Final = frozenset(c for c in self._single if "\u4e00" <= c <= "\u9fff")
        """Simplified Han characters the word list knows."""
        self._pairs: dict[str, tuple[float, int]] = {
            key: (entry[0], int(entry[1])) for key, entry in pairs.items()
        }
        self._words = words
        symbols: dict[str, float] = costs["symbols"]
        for mark, cost in symbols.items():
            self._single[mark] = cost
            self._single.setdefault(NARROW.get(mark, mark), cost)
        for code in range(0x20, 0x7F):
            character = chr(code)
            self._single.setdefault(
                character, costs["letter"] if character.isalnum() else costs["other_ascii"]
            )
        self._letter_next: float = costs["letter_next"]
        self._unknown: float = costs["unknown_han"]
        self._private: float = costs["private_use"]
        self._other: float = costs["other"]
        self._together: float = costs["marks_together"]
        self._opening: float = costs["opening_at_end"]
        self.guessable: Final = frozenset(costs["guessable"])
        """Marks that may stand where a character was lost."""
        self._simplified: Final = scripts().simplified

    def simplify(self, text: str) -> str:
        """The text with Traditional characters replaced by their Simplified forms."""
        return text.translate(self._simplified)

    def single(self, character: str) -> float:
        """Cost of one Simplified character as a word of its own."""
        cost = self._single.get(character)
        if cost is not None:
            return cost
        if "\u3400" <= character <= "\u9fff":
            return self._unknown
        return self._private if "\ue000" <= character <= "\uf8ff" else self._other

    def _next(self, before: str, character: str) -> float:
        cost = self._single.get(character)
        if cost is None:
            return self.single(character)
        if character in _SENTENCE:
            return cost + self._together if before in _SENTENCE and before and before != character else cost
        if before and character < "\x80" and before < "\x80" and character.isalnum() and before.isalnum():
            return self._letter_next
        return cost

    def forward(self, text: str) -> list[float]:
        """Best cost of every prefix of a Simplified text: entry i is that of text[:i]."""
        size = len(text)
        best = [_NEVER] * (size + 1)
        best[0] = 0.0
        pairs, words, step = self._pairs, self._words, self._next
        before = ""
        for index in range(size):
            here = best[index]
            character = text[index]
            cost = here + step(before, character)
            if cost > best[index + 1]:
                best[index + 1] = cost
            before = character
            entry = pairs.get(text[index : index + 2])
            if entry is None:
                continue
            cost, longest = entry
            cost += here
            if cost > best[index + 2]:
                best[index + 2] = cost
            for end in range(index + 3, min(index + longest, size) + 1):
                word = words.get(text[index:end])
                if word is not None and here + word > best[end]:
                    best[end] = here + word
        return best

    @lru_cache(200_000)  # noqa: B019 - one model lives as long as the process
    def score(self, text: str) -> float:
        """Cost of a text in either script; an opening bracket at its end costs extra."""
        if not text:
            return 0.0
        best = self.forward(text.translate(self._simplified))[-1]
        return best + self._opening if text[-1] in "“‘《（(" else best

    def choose(
        self, left: str, candidates: Sequence[str], right: str, count: int = 2
    ) -> list[tuple[float, str]]:
        """The `count` best single characters between two contexts, with the cost of the whole."""
        left, right = self.simplify(left), self.simplify(right)
        scored = []
        for candidate in candidates:
            cost = self.forward(left + self.simplify(candidate) + right)[-1]
            scored.append((cost, candidate))
        scored.sort(key=lambda item: (-item[0], item[1]))
        return scored[:count]


@lru_cache(1)
def language_model() -> LanguageModel:
    """The one model of this process."""
    return LanguageModel()


__all__ = ["LanguageModel", "language_model"]
