"""Which of the possible readings of a damaged place is the text that stood there."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Final

from tasks.clean.repair.context import pairing_cost, unclosed
from tasks.clean.repair.gloss import GLOSS, without_glosses
from tasks.clean.repair.page import Page
from tasks.clean.repair.readings import reads
from tasks.clean.repair.shift import LOST, SITE, Reading

LEFT: Final = 6
"""Characters before a damaged place that are looked at."""
RIGHT: Final = 5
"""Characters after it."""
BEHIND: Final = 10.0
"""How far behind the best, by words alone, a reading may be and still be compared."""
_PROMISING: Final = 4
"""Readings of a stretch that are compared."""
_UNREAD: Final = -5.0
"""Cost of a character of which nothing is known, because more damage follows."""
_GLOSS_FITS: Final = 6.0
_GLOSS_WRONG: Final = -12.0
_WITNESSED: Final = 30.0
_DOUBLED: Final = -5.0
"""Cost of a doubled mark on a page that doubles none elsewhere."""


class Candidate:
    """One reading of a damaged place, with what speaks for it."""

    __slots__ = (
        "base",
        "bonus",
        "known",
        "observed",
        "reach",
        "reading",
        "score",
        "tail",
        "text",
        "unread",
        "whole",
        "witness",
    )

    def __init__(
        self, reading: Reading, text: str, bonus: float = 0.0, known: str = "", observed: int = 0
    ) -> None:
        self.reading = reading
        self.text = text
        """What the reading shows."""
        self.bonus = bonus
        """What speaks for it apart from the language."""
        self.known = known
        """Text (as it was in the bytes) before the reading that the proof needs."""
        self.observed = observed
        """Its length as observed."""
        self.reach = reading.end
        """Where the text goes on, after a gloss of the last character."""
        self.tail = ""
        """Text that follows, up to where the longest reading ends or more damage begins."""
        self.unread = 0
        """Characters after it, up to where the longest reading ends."""
        self.whole = ""
        """All of it between the contexts on either side."""
        self.base = 0.0
        """Score without the language."""
        self.score = 0.0
        self.witness = ""


def shared(texts: Sequence[str]) -> int:
    """Length of the common beginning of texts."""
    low, high = min(texts), max(texts)
    length = min(len(low), len(high))
    for at in range(length):
        if low[at] != high[at]:
            return at
    return length


class Judge:
    """Compares the readings of the damaged places of one text."""

    def __init__(self, page: Page, doubles: frozenset[str]) -> None:
        self._text = page.text
        self._model = page.model
        self._pairs = page.pairs
        self._tables = page.tables
        self._context = page.context
        self._doubles = doubles

    def place(self, candidates: Sequence[Candidate], left: str) -> str:
        """Set what follows each candidate, so that all cover the same text; returns the right context."""
        text = self._text
        for candidate in candidates:
            gloss = GLOSS.match(text, candidate.reading.end)
            if gloss:
                candidate.reach = gloss.end()
        limit = max(candidate.reach for candidate in candidates)
        after = text[limit : limit + 24]
        site = SITE.search(after)
        right = without_glosses(after[: site.start()] if site else after)[:RIGHT]
        for candidate in candidates:
            reach = candidate.reach
            if reach < limit:
                site = SITE.search(text, reach, limit)
                end = site.start() if site else limit
                candidate.tail = without_glosses(text[reach:end])
                candidate.unread = limit - end
            candidate.whole = f"{left}{candidate.text}{candidate.tail}{'' if candidate.unread else right}"
        return right

    def promising(self, candidates: list[Candidate], left: str) -> list[Candidate]:
        """The few readings that are worth a closer look, by their words alone."""
        if not candidates:
            return []
        self.place(candidates, left)
        wholes = [candidate.whole for candidate in candidates]
        begin = max(0, shared(wholes) - LEFT) if len(wholes) > 1 else 0
        text, model, tables = self._text, self._model, self._tables
        for candidate in candidates:
            reading = candidate.reading
            base = (
                candidate.bonus + reading.cost - tables.penalty(candidate.text) + _UNREAD * candidate.unread
            )
            if candidate.reach > reading.end:
                gloss = GLOSS.match(text, reading.end)
                base += _GLOSS_FITS if gloss and reads(candidate.text[-1:], gloss[1]) else _GLOSS_WRONG
            candidate.base = base
            candidate.score = base + model.score(candidate.whole[begin:])
        candidates.sort(key=_order)
        least = candidates[0].score - BEHIND
        return [candidate for candidate in candidates[:_PROMISING] if candidate.score >= least]

    def rank(self, candidates: list[Candidate], line: str) -> list[Candidate]:
        """The candidates, best first: the likeliest words, quotation marks that pair, what other copies have."""
        if not candidates:
            return []
        left = line[-LEFT:]
        right = self.place(candidates, left)
        open_before = unclosed(line)
        wholes = [candidate.whole for candidate in candidates]
        begin = max(0, shared(wholes) - LEFT) if len(wholes) > 1 else 0
        # Only what differs is scored, with the contexts on either side.
        same = 0
        if len(wholes) > 1 and not any(candidate.unread for candidate in candidates):
            same = max(0, shared([whole[::-1] for whole in wholes]) - RIGHT)
        for candidate in candidates:
            whole = candidate.whole
            candidate.base += self._marks(candidate, left, right, open_before)
            candidate.score = candidate.base + self._pairs.score(whole[begin : len(whole) - same])
        candidates.sort(key=_order)
        return candidates

    def _marks(self, candidate: Candidate, left: str, right: str, open_before: Sequence[str]) -> float:
        """What quotation marks, doubled marks, ends of lines and other copies say of a candidate."""
        shown = candidate.text
        following = (candidate.tail + right)[:1]
        ends_line = following in ("", "\n") and not candidate.unread
        score = -pairing_cost(open_before, shown, ends_line)
        around = left[-1:] + shown + following
        for mark in "。！":
            if mark * 2 in around and mark not in self._doubles:
                score += _DOUBLED
        if ends_line and shown[-1:] in self._model.never_last:
            score += self._model.line_end
        after = without_glosses(self._text[candidate.reach : candidate.reach + 24])
        candidate.witness = self._context.witness(left, shown, after)
        if candidate.witness:
            score += _WITNESSED
        return score

    def gain(self, candidate: Candidate, left: str, damaged: str) -> float:
        """How much likelier (natural logarithm) the candidate is than the damaged text that stood there."""
        model = self._model
        rest = candidate.whole[len(left) + len(candidate.text) :]
        # What is unread is so before and after.
        base = candidate.base - _UNREAD * candidate.unread
        return base + model.score(candidate.whole) - model.score(left + damaged + rest) - model.single("?")

    def mean(self, candidate: Candidate, left: str) -> float:
        """Score of a character of the repaired stretch."""
        model = self._model
        rest = candidate.whole[len(left) + len(candidate.text) :]
        base = candidate.base - _UNREAD * candidate.unread
        own = base + model.score(candidate.whole) - model.score(left) - model.score(rest)
        return own / (len(candidate.text) or 1)


def agreed(best: Candidate, rivals: Sequence[Candidate], left: str) -> str:
    """What `best` shows, with □ for what it does not share with its rivals.

    A □ stands for one character, or, where the rivals differ in length, for whatever stood there.
    """
    size = len(best.text)
    mine = best.whole[len(left) :]
    shown = list(best.text)
    for rival in rivals:
        if rival.unread:
            continue
        other = rival.whole[len(left) :]
        for kind, start, stop, first, last in SequenceMatcher(
            None, mine, other, autojunk=False
        ).get_opcodes():
            end = min(stop, size)
            if kind == "equal" or start > size:
                continue
            if end == start:
                # Something more may have stood before this character.
                shown[start : end + 1] = [LOST + "".join(shown[start : end + 1]).lstrip(LOST)]
                continue
            each = stop - start == last - first
            shown[start:end] = [LOST] * (end - start) if each else [LOST, *[""] * (end - start - 1)]
    return "".join(shown)


def _order(candidate: Candidate) -> tuple[float, str]:
    return -candidate.score, candidate.text


__all__ = ["BEHIND", "LEFT", "RIGHT", "Candidate", "Judge", "agreed", "shared"]
