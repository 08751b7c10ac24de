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
_STOPS: Final = "。；！？;!?"
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
                word, times, _ = line.split(" ", 2)
                if len(word) <= _LONGEST:
                    rows.append((word, int(times) or 1))
        total = math.log(sum(frequency for _, frequency in rows) * _SMOOTHING)
        singles: dict[str, float] = {}
        pairs: dict[str, list[float]] = {}
        words: dict[str, float] = {}
        known: list[tuple[str, float]] = []
        for word, frequency in rows:
            if len(word) == 1:
                singles[word] = singles.get(word, 0.0) + frequency
                continue
            for part in word:
                singles[part] = singles.get(part, 0.0) + frequency * _INSIDE_WORD
            known.append((word, math.log(frequency) - total))
        more = (CONFIG / "lexicon" / "repair_more_words.txt").read_text(encoding="utf-8").splitlines()
        known += [
            (word, float(cost)) for word, _, cost in (line.partition(" ") for line in more) if word != "#"
        ]
        for word, cost in known:
            entry = pairs.setdefault(word[:2], [_NEVER, 2])
            if len(word) == 2:
                entry[0] = cost
            else:
                entry[1] = max(entry[1], len(word))
                words[word] = cost
        self._single: dict[str, float] = {
            part: math.log(max(mass, 0.5)) - total - 0.5 for part, mass in singles.items()
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
        self._repeated: dict[str, float] = costs["marks_repeated"]
        self._run: float = costs["marks_run"]
        self._edge: float = costs["clause_edge"]
        self.line_end: float = costs["line_end"]
        """Cost of a line that ends with one of `never_last`."""
        self.never_last: Final = frozenset(costs["never_last"])
        self._particle: float = costs["final_particle"]
        self._final: Final = frozenset(costs["final_particles"])
        self._seldom_first: Final = frozenset(costs["seldom_first"])
        self._seldom_last: Final = frozenset(costs["seldom_last"])
        self._opening: float = costs["opening_at_end"]
        self.guessable: Final = frozenset(costs["guessable"])
        """Marks that may stand where a character was lost."""
        # Full-width letters and digits are scored like their ASCII forms.
        plain = {ord(wide): narrow for wide, narrow in NARROW.items() if narrow.isalnum()}
        self._special: Final = frozenset(_SENTENCE + "".join(chr(c) for c in range(0x80) if chr(c).isalnum()))
        """Characters whose cost depends on the one before."""
        self._simplified: Final = scripts().simplified | plain

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

    def knows(self, word: str) -> bool:
        """Whether the list holds a word of two or more characters."""
        return word in self._words or self._pairs.get(word, (_NEVER, 0))[0] > _NEVER

    def cost(self, word: str) -> float:
        """Cost of a Simplified word; of its characters where the list does not hold it."""
        if len(word) == 1:
            return self.single(word)
        known = self._words.get(word, self._pairs.get(word, (_NEVER, 0))[0])
        return known if known > _NEVER else sum(map(self.single, word))

    def together(self, first: str, second: str) -> float:
        """How much likelier two characters are as a word than by themselves; 0 where they are no word."""
        first, second = self.simplify(first), self.simplify(second)
        entry = self._pairs.get(first + second)
        if entry is None or entry[0] == _NEVER:
            return 0.0
        return max(0.0, entry[0] - self.single(first) - self.single(second))

    def _next(self, before: str, character: str) -> float:
        """Cost of a single character after (at most two) others."""
        cost = self._single.get(character)
        if cost is None:
            return self.single(character)
        if character in _SENTENCE:
            if before[-1:] in _SENTENCE and before:
                if before[-1] != character or character not in self._repeated:
                    return cost + self._together
                return self._run if before[-2:-1] == character else self._repeated[character]
            before = before[-1:]
            if before in self._final and character in "！？!?":
                return cost + self._particle
            return cost + self._edge if character in _STOPS and before in self._seldom_last else cost
        before = before[-1:]
        if before in _STOPS and before and character in self._seldom_first:
            return cost + self._edge
        if before and character < "\x80" and before < "\x80" and character.isalnum() and before.isalnum():
            return self._letter_next
        return cost

    def forward(self, text: str) -> list[float]:
        """Best cost of every prefix of a Simplified text: entry i is that of text[:i]."""
        size = len(text)
        best = [_NEVER] * (size + 1)
        best[0] = 0.0
        pairs, words, single, special = self._pairs, self._words, self._single, self._special
        after_stop = False
        for index, character in enumerate(text):
            here = best[index]
            cost = single.get(character)
            if cost is None or after_stop or character in special:
                cost = self._next(text[max(0, index - 2) : index], character)
                after_stop = character in _STOPS
            if here + cost > best[index + 1]:
                best[index + 1] = here + cost
            entry = pairs.get(text[index : index + 2])
            if entry is not None:
                cost, longest = entry
                if here + cost > best[index + 2]:
                    best[index + 2] = here + cost
                if longest > 2:
                    for end in range(index + 3, min(index + longest, size) + 1):
                        word = words.get(text[index:end])
                        if word is not None and here + word > best[end]:
                            best[end] = here + word
        return best

    def words(self, text: str, index: int) -> list[tuple[str, float]]:
        """The words of a Simplified text that may begin at `index`, each with its cost."""
        character = text[index]
        found = [(character, self.single(character))]
        entry = self._pairs.get(text[index : index + 2])
        if entry is not None:
            cost, longest = entry
            if cost > _NEVER:
                found.append((text[index : index + 2], cost))
            for end in range(index + 3, min(index + longest, len(text)) + 1):
                known = self._words.get(text[index:end])
                if known is not None:
                    found.append((text[index:end], known))
        return found

    def score(self, text: str) -> float:
        """Cost of a text in either script; an opening bracket at its end costs extra."""
        if not text:
            return 0.0
        best = self.forward(text.translate(self._simplified))[-1]
        return best + self._opening if text[-1] in "“‘《（(" else best

    def backward(self, text: str) -> list[float]:
        """Best cost of every rest of a Simplified text: entry i is that of text[i:]."""
        size = len(text)
        best = [_NEVER] * (size + 1)
        best[size] = 0.0
        for index in range(size - 1, -1, -1):
            cost = self._next(text[max(0, index - 2) : index], text[index]) + best[index + 1]
            entry = self._pairs.get(text[index : index + 2])
            if entry is not None:
                cost = max(cost, entry[0] + best[index + 2])
                for end in range(index + 3, min(index + entry[1], size) + 1):
                    word = self._words.get(text[index:end])
                    if word is not None:
                        cost = max(cost, word + best[end])
            best[index] = cost
        return best

    def _in_word(self, text: str, after: list[float]) -> float:
        """Best cost of a text whose first character belongs to a longer word; `after` is its backward pass."""
        entry = self._pairs.get(text[:2])
        if entry is None:
            return _NEVER
        best = entry[0] + after[2]
        for end in range(3, min(entry[1], len(text)) + 1):
            word = self._words.get(text[:end])
            if word is not None:
                best = max(best, word + after[end])
        return best

    def choose(
        self, left: str, candidates: Sequence[str], right: str, count: int = 2
    ) -> list[tuple[float, str]]:
        """The `count` best of single characters between two contexts, with the cost of the whole.

        Only words that cover the candidate differ between candidates, so the contexts are
        segmented once.
        """
        left, right = left.translate(self._simplified), right.translate(self._simplified)
        before, after = self.forward(left), self.backward(right)
        size, pairs, words = len(left), self._pairs, self._words
        base, rest = before[size], after[0]
        last, following = left[-1:], right[:1]
        in_word = self._in_word(right, after)
        longer = []
        for back in range(2, min(size, _LONGEST - 1) + 1):
            entry = pairs.get(left[size - back : size - back + 2])
            if entry is not None and entry[1] > back:
                longer.append((left[size - back :], before[size - back], entry[1] - back))
        simplified, single, special = self._simplified, self._single, self._special
        tails = [right[:end] for end in range(len(right) + 1)]
        marks_matter = left[-1:] in _STOPS and left != ""
        mark_follows = following in _SENTENCE and following != ""
        scored = []
        for candidate in candidates:
            character = simplified.get(ord(candidate), candidate)
            cost = single.get(character)
            if cost is None or marks_matter or character in special:
                cost = self._next(left[-2:], character)
            if following and (mark_follows or character in special):
                # The first of the right context was scored as if nothing stood before it.
                best = base + cost + max(in_word, self._next(last + character, following) + after[1])
            else:
                best = base + cost + rest
            entry = pairs.get(character + following)
            if entry is not None and following:
                best = max(best, base + entry[0] + after[1])
                for end in range(2, min(entry[1] - 1, len(right)) + 1):
                    word = words.get(character + tails[end])
                    if word is not None:
                        best = max(best, base + word + after[end])
            entry = pairs.get(last + character)
            if entry is not None and last:
                best = max(best, before[size - 1] + entry[0] + rest)
                for end in range(1, min(entry[1] - 2, len(right)) + 1):
                    word = words.get(last + character + tails[end])
                    if word is not None:
                        best = max(best, before[size - 1] + word + after[end])
            for head, known, room in longer:
                for end in range(min(room - 1, len(right)) + 1):
                    word = words.get(head + character + tails[end])
                    if word is not None:
                        best = max(best, known + word + after[end])
            scored.append((best, candidate))
        scored.sort(key=lambda item: (-item[0], item[1]))
        return scored[:count]


@lru_cache(1)
def language_model() -> LanguageModel:
    """The one model of this process."""
    return LanguageModel()


__all__ = ["LanguageModel", "language_model"]
