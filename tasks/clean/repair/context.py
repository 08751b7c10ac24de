"""What the rest of the page, and other copies of the article, say about a place."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

from tasks.clean.repair.codepage import scripts
from tasks.clean.repair.gloss import without_glosses
from tasks.clean.repair.shift import CLOSES, fold

_OPENS: Final = frozenset(CLOSES.values())
_WRONG_CLOSE: Final = 8.0
_NESTED_SAME: Final = 4.0
_LEFT_OPEN: Final = 2.5
_SEEN_WHOLE: Final = 4.0
_AROUND: Final = 4
"""Characters on either side that a passage elsewhere on the page may share."""
_SEEN_PAIR: Final = 1.0
_SEEN_SIDE: Final = 1.5
_WITNESS: Final = 4
"""Characters on either side that another copy must share."""


def unclosed(line: str) -> list[str]:
    """Opening brackets and quotation marks of a line that are still open at its end."""
    stack: list[str] = []
    for character in line:
        if character in _OPENS:
            stack.append(character)
        elif character in CLOSES and stack and stack[-1] == CLOSES[character]:
            stack.pop()
    return stack


def pairing_cost(open_before: Sequence[str], text: str, ends_line: bool) -> float:
    """Cost of quotation marks and brackets in `text` that do not pair, given those open before it."""
    stack = list(open_before)
    cost = 0.0
    for character in text:
        if character in _OPENS:
            cost += _NESTED_SAME * (character in stack)
            stack.append(character)
        elif character in CLOSES:
            if stack and stack[-1] == CLOSES[character]:
                stack.pop()
            else:
                cost += _WRONG_CLOSE
    return cost + (_LEFT_OPEN * len(stack) if ends_line else 0.0)


class Context:
    """The page without its glosses, and the siblings, both Simplified and with narrow punctuation."""

    def __init__(self, text: str, siblings: Mapping[str, str]) -> None:
        self._table = scripts().simplified
        self._page = self._flat(text)
        self._siblings = {name: self._flat(sibling) for name, sibling in siblings.items()}
        self._parts: dict[str, float] = {}
        self._between: dict[str, set[str]] = {}

    def _flat(self, text: str) -> str:
        return fold(without_glosses(text).translate(self._table))

    def _seen(self, part: str) -> float:
        found = self._parts.get(part)
        if found is None:
            found = self._parts[part] = min(3.0, math.log1p(self._page.count(part)))
        return found

    def bonus(self, left: str, character: str, right: str) -> float:
        """How much the page itself speaks for a guessed character between two contexts."""
        left, character, right = (
            self._flat(left[-_AROUND:]),
            self._flat(character),
            self._flat(right[:_AROUND]),
        )
        before, after = left[-1:], right[:1]
        bonus = 0.0
        if before:
            bonus += _SEEN_PAIR * self._seen(before + character)
        if after:
            bonus += _SEEN_PAIR * self._seen(character + after)
        if not bonus:
            return 0.0
        if before and after and before + character + after in self._page:
            around = 1
            while around < min(len(left), len(right)):
                if left[-around - 1 :] + character + right[: around + 1] not in self._page:
                    break
                around += 1
            bonus += _SEEN_WHOLE * around
        if len(left) > 1 and left[-2:] + character in self._page:
            bonus += _SEEN_SIDE
        if len(right) > 1 and character + right[:2] in self._page:
            bonus += _SEEN_SIDE
        return bonus

    def seen_between(self, left: str, right: str, candidates: Sequence[str]) -> list[str]:
        """The candidates that the page itself has between these contexts."""
        before, after = self._flat(left[-1:]), self._flat(right[:1])
        if not before or not after:
            return []
        key = before + after
        known = self._between.get(key)
        if known is None:
            page, known = self._page, set()
            at = page.find(before)
            while at >= 0:
                if page[at + 2 : at + 3] == after:
                    known.add(page[at + 1])
                at = page.find(before, at + 1)
            self._between[key] = known
        return [candidate for candidate in candidates if self._flat(candidate) in known] if known else []

    def witness(self, left: str, middle: str, right: str) -> str:
        """The name of another copy that has `middle` between these contexts; empty if none has."""
        if not self._siblings:
            return ""
        whole = self._flat(left)[-_WITNESS:] + self._flat(middle) + self._flat(right)[:_WITNESS]
        return next((name for name, sibling in self._siblings.items() if whole in sibling), "")

    def fitting(self, left: str, right: str, candidates: Sequence[str]) -> list[str]:
        """The candidates that another copy has between these contexts."""
        if not self._siblings:
            return []
        found = self.between(left, right)
        return [candidate for candidate in candidates if self._flat(candidate) == found]

    def between(self, left: str, right: str, longest: int = 3) -> str | None:
        """What other copies have between two contexts, where they agree; None where they say nothing."""
        left, right = self._flat(left)[-6:], self._flat(right)[:6]
        found = set()
        for sibling in self._siblings.values():
            at = sibling.find(left) if left else -1
            while at >= 0:
                begin = at + len(left)
                end = sibling.find(right, begin, begin + longest + len(right)) if right else -1
                if end >= begin:
                    found.add(sibling[begin:end])
                at = sibling.find(left, at + 1)
        return found.pop() if len(found) == 1 else None


__all__ = ["Context", "pairing_cost", "unclosed"]
