"""What may have stood at a damaged place: the readings of the bytes, and guesses for a lost first character."""

from __future__ import annotations

import re
from typing import Final

from tasks.clean.repair.codepage import BYTES, TRIGGERS, WIDE, pair, scripts
from tasks.clean.repair.context import unclosed
from tasks.clean.repair.gaps import GapWalker
from tasks.clean.repair.gloss import without_glosses
from tasks.clean.repair.judge import BEHIND, LEFT, Candidate, Judge
from tasks.clean.repair.page import Page
from tasks.clean.repair.readings import SYLLABLE
from tasks.clean.repair.shift import CLOSES, CUT, MARKS, Reading, Walker, second_bytes

_GLOSS_BEFORE: Final = re.compile(rf"[(（] ?({SYLLABLE})[ \u3000]?[)）]\Z")
_LIKELY: Final = 10
"""Guesses for a lost character, by words alone, that are compared in the best reading."""
_LIKELY_BEHIND: Final = 5
"""In readings behind it."""
_IN_TABLE: Final = 4.0
_SHARED_GLOSS: Final = -6.0
"""Cost of a gloss on a character of both scripts: tables of mirrors hold Traditional ones."""


class Guesser:
    """Lists what may have stood at the damaged places of one text."""

    def __init__(self, page: Page, judge: Judge, longest: int) -> None:
        text, model, tables, glossed = page.text, page.model, page.tables, page.glossed
        self._text = text
        self._model = model
        self._tables = tables
        self._glossed = glossed
        self._context = page.context
        self._judge = judge
        self._walker = Walker(text, model, page.pairs, tables, glossed, longest)
        self._gaps = GapWalker(text, model, tables, self._walker, glossed)

    def cut(self, start: int, line: str, gaps: int | None) -> list[Candidate]:
        """What `?` and a trigger at `start` may have been: the lead byte of a character was cut off.

        `line` is the repaired line before it; private-use characters may be missing
        about `gaps` characters on.
        """
        text = self._text
        mark = text[start + 1]
        number = BYTES[mark if mark in TRIGGERS else WIDE[mark]]
        stems = []
        for reading in self._walk(start + 2, number & 0xFF, gaps):
            stems.append(Candidate(reading, reading.shown()))
        trails = {id(stem): number >> 8 for stem in stems}
        after = text[start + 2 : start + 3]
        if mark == "?" and after and after in MARKS:
            # Two cuts around one character: its trail byte began the first trigger and is known from
            # the second, which begins with the byte the first one ends with.
            following = BYTES[after if after in TRIGGERS else WIDE[after]] >> 8
            stem = Candidate(Reading("", start + 2, (), (), 2), "")
            trails[id(stem)] = 0xA1 if following == 0xA3 else 0xA3
            stems.append(stem)
        found: list[Candidate] = []
        open_before = unclosed(line)
        guesses: dict[tuple[int, str], list[tuple[str, float]]] = {}
        for rank, stem in enumerate(self._judge.promising(stems, "")):
            trail, right = trails[id(stem)], stem.whole[:5]
            if (trail, right) not in guesses:
                guesses[trail, right] = self._first(line, trail, right, open_before, rank)
            for first, bonus in guesses[trail, right]:
                whole = Candidate(_after_first(first, stem.reading), first + stem.text)
                whole.base = stem.base + bonus - self._tables.penalty(first)
                found.append(whole)
        return found

    def _first(
        self, line: str, trail: int, right: str, open_before: list[str], rank: int
    ) -> list[tuple[str, float]]:
        """Characters with this trail byte that may stand between two contexts, with what the page says for them."""
        candidates = self._tables.by_trail.get(trail, ())
        left = line[-LEFT:]
        known = self._model.choose(left[-4:], candidates, right[:5], _LIKELY_BEHIND if rank else _LIKELY)
        chosen = [first for cost, first in known if known[0][0] - cost < BEHIND]
        if open_before:
            chosen += [mark for mark in candidates if CLOSES.get(mark) == open_before[-1]]
        chosen += self._context.fitting(left, right, candidates)
        if not rank:
            chosen += self._context.seen_between(left, right, candidates)
        return [(first, self._context.bonus(left, first, right)) for first in dict.fromkeys(chosen)]

    def inside(self, start: int, syllable: str, end: int, gaps: int | None) -> list[Candidate]:
        """What `X?syllable)` from `start` to `end` may have been: a gloss stands inside the character after X."""
        text = self._text
        own = _GLOSS_BEFORE.search(text[max(0, start - 40) : start])
        at = start - 1 - (len(own[0]) if own else 0)
        if at < 0:
            return []
        wide = text[at] if text[at] in BYTES else WIDE.get(text[at], "")
        number = BYTES.get(wide)
        if number is None or number & 0xFF < 0x81:
            return []
        marks: tuple[tuple[int, str | None], ...] = ((2, own[0]),) if own else ()
        marks = (*marks, (3, "(" + text[start + 1 : end]))
        found: list[Candidate] = []
        for second in second_bytes(number & 0xFF, syllable):
            glossed = pair(number & 0xFF, second) or ""
            bonus = _IN_TABLE if self._glossed.get(glossed) == syllable else 0.0
            if not scripts().is_traditional(glossed):
                bonus += _SHARED_GLOSS
            for reading in self._walk(end, second, gaps):
                moved = (*marks, *((offset + 2, what) for offset, what in reading.marks))
                whole = Reading(
                    reading.clean, reading.end, moved, reading.swaps, reading.lossy, reading.cost, reading.gap
                )  # fmt: skip
                found.append(Candidate(whole, whole.shown(), bonus, wide, start - at))
        left = without_glosses(text[max(0, at - 12) : at + 1])[-LEFT:]
        return self._judge.promising(found, left)

    def _walk(self, start: int, pending: int, gaps: int | None) -> list[Reading]:
        readings = list(self._walker.walk(start, pending, "", 0, ()))
        return readings if gaps is None else readings + self._gaps.readings(start, pending, gaps)


def _after_first(first: str, reading: Reading) -> Reading:
    """The reading of a cut with its first character put before it."""
    marks: tuple[tuple[int, str | None], ...] = ((1, CUT),)
    if reading.clean:
        marks = (*marks, *((offset + 2, what) for offset, what in reading.marks))
    swaps = tuple((begin + 1, end + 1, what) for begin, end, what in reading.swaps)
    gap = reading.gap + 1 if reading.gap >= 0 else -1
    return Reading(first + reading.clean, reading.end, marks, swaps, reading.lossy, reading.cost, gap)


__all__ = ["Guesser"]
