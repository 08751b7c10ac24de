"""Two texts side by side: what went, what came, with a little context."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

_SENTENCE: Final = re.compile(r"[^。！？；!?\n]*(?:[。！？；!?]+[”’」』）]*|\n|$)")
_CONTEXT: Final = 16
_LONGEST: Final = 2000
"""Longer passages are not compared character by character: that takes quadratic time."""


@dataclass(frozen=True)
class Hunk:
    """A place where two texts differ: `removed`, at offset `start`, became `added`."""

    start: int

    before: str
    """What stands before it in the old text, for context; likewise `after`."""
    removed: str
    added: str
    after: str

    def __str__(self) -> str:
        """In one line: …before[-removed-]{+added+}after…"""
        gone = f"[-{self.removed}-]" if self.removed else ""
        come = f"{{+{self.added}+}}" if self.added else ""
        return f"…{self.before}{gone}{come}{self.after}…".replace("\n", "⏎")


def compare(old: str, new: str) -> list[Hunk]:
    """The differences of two texts in their order: by sentences first, then by characters inside them."""
    return [
        Hunk(a, old[max(0, a - _CONTEXT) : a], old[a:b], new[c:d], old[b : b + _CONTEXT])
        for a, b, c, d in _spans(old, new)
    ]


def _spans(old: str, new: str) -> Iterator[tuple[int, int, int, int]]:
    one, two = _sentences(old), _sentences(new)
    starts_one, starts_two = _starts(one), _starts(two)
    for kind, i, j, k, m in SequenceMatcher(None, one, two, autojunk=False).get_opcodes():
        if kind == "equal":
            continue
        a, b, c, d = starts_one[i], starts_one[j], starts_two[k], starts_two[m]
        if kind != "replace" or max(b - a, d - c) > _LONGEST:
            yield a, b, c, d
            continue
        inner = SequenceMatcher(None, old[a:b], new[c:d], autojunk=False)
        for sort, w, x, y, z in inner.get_opcodes():
            if sort != "equal":
                yield a + w, a + x, c + y, c + z


def _sentences(text: str) -> list[str]:
    return [match[0] for match in _SENTENCE.finditer(text) if match[0]]


def _starts(parts: list[str]) -> list[int]:
    starts = [0]
    for part in parts:
        starts.append(starts[-1] + len(part))
    return starts
