"""Finding where damage begins in a text and putting the best proven reading in its place."""

from __future__ import annotations

import re
from typing import Final

from config.settings import RepairSettings
from tasks.clean.repair.codepage import NARROW
from tasks.clean.repair.gloss import without_glosses
from tasks.clean.repair.guess import Guesser
from tasks.clean.repair.judge import LEFT, Candidate, Judge, agreed
from tasks.clean.repair.language import LanguageModel
from tasks.clean.repair.page import Page
from tasks.clean.repair.shift import LOST, PRIVATE_USE, SITE, proves
from tasks.tables import Change, Edit

_UNLIKELY: Final = -18.0
"""Mean cost of a character of a repaired stretch below which it is no language."""
_WORST: Final = -9.5
"""Mean cost of a character, in natural logarithms, below which a text is no language."""
_SHORT: Final = 4
"""Shorter stretches are not repaired on a page without glosses."""
_DOUBTFUL: Final = -7.6
"""Mean cost of a few characters, by the word model, below which a reading may hide a dropped character."""
_WINDOW: Final = 4
"""How many characters."""
_TRIED: Final = 6
"""Readings for which a proof is tried."""


def may_be_cut(text: str) -> bool:
    """Whether the text holds anything that byte damage leaves behind; needs no language model."""
    return "?" in text and SITE.search(text) is not None


def suspects(text: str, model: LanguageModel) -> bool:
    """Whether a text without glosses has a place where it was perhaps cut."""
    return any(
        site.lastgroup == "cut" and _is_shifted(text, site.start(), model) for site in SITE.finditer(text)
    )


def _is_shifted(text: str, start: int, model: LanguageModel) -> bool:
    """Whether what follows an unexplained `?` and punctuation is no language."""
    after = without_glosses(text[start + 2 : start + 12].partition("\n")[0])[:6]
    return len(after) > 1 and model.score(after) / len(after) < _WORST


class SiteRepair:
    """Repairs the byte damage of one text; a text without a habit of glossing must be surer of itself."""

    def __init__(self, page: Page, settings: RepairSettings, *, damaged: bool = True) -> None:
        """`damaged`: the page is known to be; else a stretch must be read with more certainty."""
        self._sure = 0.0 if damaged else settings.margin_without_glosses
        text = page.text
        self._text = text
        self._model = page.model
        self._pairs = page.pairs
        self._settings = settings
        self._context = page.context
        doubles = frozenset(mark for mark in "。！" if mark * 2 in text or NARROW.get(mark, mark) * 2 in text)
        self._judge = Judge(page, doubles)
        self._guesser = Guesser(page, self._judge, settings.longest_shift)
        # Pages lose private-use characters on their way; one that kept some is read as it is.
        self._may_have_gaps = bool(page.glossed) and not PRIVATE_USE.search(text)

    def run(self) -> tuple[Change, int]:
        """The repaired text, and how many damaged places were found but could not be repaired."""
        text = self._text
        parts: list[str] = []
        edits: list[Edit] = []
        last = 0
        left_over = 0
        site = SITE.search(text)
        while site:
            start = site.start()
            line = ("".join(parts[-6:]) + text[last:start])[-300:].rpartition("\n")[2]
            kind = site.lastgroup or "cut"
            line = without_glosses(line)
            shifted = kind == "gloss" or _is_shifted(text, start, self._model)
            best: Candidate | None = None
            gain = 0.0
            others: list[Candidate] = []
            if not self._sure or (shifted and kind == "cut"):
                best, gain, others = self._best(site, line, shifted)
            if best is None or gain < self._sure or (self._sure and len(best.text) < _SHORT):
                left_over += shifted and (best is not None or not self._sure)
                site = SITE.search(text, start + 1)
                continue
            edit = self._edit(start, kind, line, best, others)
            left_over += LOST in edit.after
            edits.append(edit)
            parts += [text[last:start], edit.after]
            last = best.reading.end
            site = SITE.search(text, last)
        parts.append(text[last:])
        return Change("".join(parts), tuple(edits)), left_over

    def _edit(self, start: int, kind: str, line: str, best: Candidate, others: list[Candidate]) -> Edit:
        cause = (
            "the text was cut inside a character" if kind == "cut" else "a gloss was put inside a character"
        )
        reason = f"{cause}; damaging the repaired text gives what stood here"
        shown, end = best.text, best.reading.end
        alternatives = [] if best.witness else [other.text for other in others]
        swaps = best.reading.swaps
        sure = best.text[: best.reading.gap]
        least = best.score - self._settings.undecided
        rivals = [other for other in others if other.score > least and other.text.startswith(sure)]
        if best.reading.gap >= 0 and rivals and not best.witness:
            # The bytes of the dropped characters are gone: what only words speak for is not written.
            shown = agreed(best, rivals, line[-LEFT:])
            alternatives.insert(0, best.text)
            reason += "; private-use characters were dropped on the way, □ stands for what they may have held"
        elif swaps and swaps[-1][1] - swaps[-1][0] == 1:
            # One byte below 40 hex was swallowed: nothing here says which; another copy may.
            following = self._text[end : end + 24]
            found = self._context.between(line + shown[:-1], following)
            if found is not None and len(found) == 1 and " " <= found < "@":
                source = self._context.witness((line + shown[:-1])[-6:], found, following[:6])
                shown = shown[:-1] + found
                reason += f"; another copy of the article ({source}) has {found!r} for the swallowed byte"
                alternatives = []
            elif shown[-1:] != LOST:
                alternatives.append(shown[:-1] + LOST)
        if best.witness:
            reason += f"; another copy of the article ({best.witness}) reads the same"
        rule = f"repair.{kind}" if LOST not in shown else "repair.lost"
        return Edit(rule, start, self._text[start:end], shown, reason, 1, tuple(dict.fromkeys(alternatives)))

    def _best(
        self, site: re.Match[str], line: str, shifted: bool
    ) -> tuple[Candidate | None, float, list[Candidate]]:
        """The best reading of a damaged place that can be proved, its gain, and its close rivals."""
        found = self._ranked(site, line, None)
        best = found[0]
        if self._may_have_gaps:
            doubt = self._doubt(best, line) if best else 0 if shifted else None
            if doubt is not None:
                with_gaps = self._ranked(site, line, doubt)
                if with_gaps[0]:
                    return with_gaps
        return found

    def _doubt(self, best: Candidate, line: str) -> int | None:
        """Where a reading is first worded as hardly anybody writes; None where it nowhere is."""
        part = line[-2:] + best.text
        score = self._pairs.score
        for at in range(max(1, len(part) - _WINDOW + 1)):
            if score(part[at : at + _WINDOW]) < _DOUBTFUL * _WINDOW:
                return at
        return None

    def _ranked(
        self, site: re.Match[str], line: str, gaps: int | None
    ) -> tuple[Candidate | None, float, list[Candidate]]:
        start, text = site.start(), self._text
        if site.lastgroup == "cut":
            found = self._guesser.cut(start, line, gaps)
        else:
            found = self._guesser.inside(start, site[2], site.end(), gaps)
        ranked = self._judge.rank(found, line)
        left = line[-LEFT:]
        for rank, best in enumerate(ranked[:_TRIED]):
            end = best.reading.end
            gain = self._judge.gain(best, left, text[start + 1 : end])
            if gain < self._settings.margin or self._judge.mean(best, left) < _UNLIKELY:
                continue
            if not proves(best.known, best.reading, text[start - best.observed : end]):
                continue
            others = [
                other
                for other in ranked[rank + 1 : rank + 4]
                if best.score - other.score < self._settings.ambiguous and other.text != best.text
            ]
            return best, gain, others
        return None, 0.0, []


__all__ = ["SiteRepair", "may_be_cut", "suspects"]
