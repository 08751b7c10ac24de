"""Finding where damage begins in a text and putting the best proven reading in its place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from config.settings import RepairSettings
from tasks.clean.repair.codepage import BYTES, NARROW, TRIGGERS, WIDE, pair
from tasks.clean.repair.gloss import GLOSS, without_glosses
from tasks.clean.repair.language import LanguageModel
from tasks.clean.repair.readings import SYLLABLE, reads
from tasks.clean.repair.shift import CUT, LOST_DIGIT, Reading, Tables, Walker, proves
from tasks.tables import Change, Edit

_MARKS: Final = "".join(TRIGGERS) + "".join(NARROW.get(mark, "") for mark in TRIGGERS)
_SITE: Final = re.compile(
    rf"(?P<gloss>(?<=[^\x00-\x2b\x2d-\x39\x3c-\x3e\x40-\x7f])\?({SYLLABLE})[ \u3000]?[)）])|(?P<cut>\?(?=[{re.escape(_MARKS)}]))"
)
_GLOSS_BEFORE: Final = re.compile(rf"[(（] ?({SYLLABLE})[ \u3000]?[)）]\Z")
_LEFT: Final = 6
_RIGHT: Final = 5


@dataclass(frozen=True, slots=True)
class _Candidate:
    reading: Reading
    skipped: int
    """Clean characters at its start that stand in the text already (the character before a broken gloss)."""
    score: float

    @property
    def text(self) -> str:
        return self.reading.shown()[self.skipped :]


class SiteRepair:
    """Repairs the byte damage of one text on a page that shows the habit."""

    def __init__(
        self,
        text: str,
        glossed: Mapping[str, str],
        settings: RepairSettings,
        model: LanguageModel,
        tables: Tables,
    ) -> None:
        self._text = text
        self._model = model
        self._tables = tables
        self._settings = settings
        self._glossed = glossed
        self._walker = Walker(text, model, tables, glossed, settings.longest_shift)
        self._narrow = {
            ord(wide): narrow
            for wide, narrow in NARROW.items()
            if not narrow.isalnum()
            and text.count(wide) < text.count(narrow) - (text.count("?") if narrow == "?" else 0)
        }

    def run(self) -> tuple[Change, int]:
        """The repaired text, and how many damaged places were found but could not be repaired."""
        text = self._text
        parts: list[str] = []
        edits: list[Edit] = []
        last = 0
        left_over = 0
        site = _SITE.search(text)
        while site:
            start = site.start()
            tail = without_glosses(("".join(parts[-2:]) + text[last:start])[-40:])[-_LEFT:]
            kind = site.lastgroup or "cut"
            best, others = self._best(start, kind, site, tail)
            if best is None:
                left_over += kind == "gloss"
                site = _SITE.search(text, start + 1)
                continue
            after = best.text.translate(self._narrow)
            end = best.reading.end
            edits.append(
                Edit(
                    f"repair.{kind}" if LOST_DIGIT not in after else "repair.lost",
                    start,
                    text[start:end],
                    after,
                    self._reason(kind, best),
                    1,
                    tuple(other.text.translate(self._narrow) for other in others),
                )
            )
            left_over += LOST_DIGIT in after
            parts += [text[last:start], after]
            last = end
            site = _SITE.search(text, end)
        parts.append(text[last:])
        return Change("".join(parts), tuple(edits)), left_over

    def _reason(self, kind: str, best: _Candidate) -> str:
        cause = (
            "the text was cut inside a character"
            if kind == "cut"
            else "a gloss was put inside two characters"
        )
        return f"{cause} and read one byte late; damaging the repaired text gives what stood here"

    def _best(
        self, start: int, kind: str, site: re.Match[str], left: str
    ) -> tuple[_Candidate | None, list[_Candidate]]:
        readings = self._cut(start, left) if kind == "cut" else self._inside(start, site)
        readings = [item for item in readings if item[0].end - start <= self._settings.longest_shift]
        if not readings:
            return None, []
        text = self._text
        common = max(reading.end for reading, _, _ in readings)
        right = without_glosses(text[common : common + 24])[:_RIGHT]
        candidates = []
        for reading, skipped, _ in readings:
            shown = reading.shown()[skipped:]
            rest, bonus = self._rest(shown, reading.end, common)
            score = (
                self._model.score(left + shown + rest + right)
                + bonus
                + reading.cost
                - self._tables.penalty(shown)
            )
            candidates.append(_Candidate(reading, skipped, score))
        order = sorted(range(len(candidates)), key=lambda at: (-candidates[at].score, candidates[at].text))
        before = self._model.score(left + text[start:common] + right)
        for rank, at in enumerate(order):
            best = candidates[at]
            if best.score - before < self._settings.margin:
                return None, []
            proof_left = readings[at][2]
            begin = start - len(proof_left[1])
            if not proves(proof_left[0], best.reading, text[begin : best.reading.end]):
                continue
            size = len(left) + len(best.text) + len(right)
            if best.score / size < -9.5:
                return None, []
            others = [
                candidates[other]
                for other in order[rank + 1 : rank + 4]
                if best.score - candidates[other].score < self._settings.ambiguous
                and candidates[other].reading.end == best.reading.end
            ]
            return best, others
        return None, []

    def _rest(self, shown: str, end: int, common: int) -> tuple[str, float]:
        """The observed text between the end of a reading and the common end, and what a gloss after it says."""
        text = self._text
        bonus = 0.0
        gloss = GLOSS.match(text, end)
        if gloss:
            bonus = 6.0 if reads(shown[-1:], gloss[1]) else -12.0
            end = gloss.end()
        return without_glosses(text[end:common]) if end < common else "", bonus

    def _cut(self, start: int, left: str) -> list[tuple[Reading, int, tuple[str, str]]]:
        """Readings of `?` + trigger: the lead byte of a character was cut off."""
        text = self._text
        mark = text[start + 1]
        number = BYTES[mark if mark in TRIGGERS else WIDE[mark]]
        candidates = self._tables.by_trail.get(number >> 8, ())
        found: list[tuple[Reading, int, tuple[str, str]]] = []
        for reading in self._walker.walk(start + 2, number & 0xFF, "", 0, ()):
            shown = reading.shown()
            for _, first in self._model.choose(left[-4:], candidates[:70], shown[:5], 2):
                marks = ((1, CUT), *((offset + 2, what) for offset, what in reading.marks))
                swaps = tuple((a + 1, b + 1, what) for a, b, what in reading.swaps)
                found.append(
                    (
                        Reading(
                            first + reading.clean, reading.end, marks, swaps, reading.lossy, reading.cost
                        ),
                        0,
                        ("", ""),
                    )
                )
        return found

    def _inside(self, start: int, site: re.Match[str]) -> list[tuple[Reading, int, tuple[str, str]]]:
        """Readings of `X?syllable)`: a gloss put between the lead and the trail byte of the character after X."""
        text = self._text
        before = text[:start][-40:]
        own = _GLOSS_BEFORE.search(before)
        at = start - 1 - (len(own[0]) if own else 0)
        if at < 0:
            return []
        character = text[at]
        wide = character if character in BYTES else WIDE.get(character, "")
        number = BYTES.get(wide)
        if number is None or number & 0xFF < 0x81:
            return []
        syllable = site[2]
        marks: tuple[tuple[int, str | None], ...] = ((2, own[0]),) if own else ()
        marks = (*marks, (3, "(" + text[start + 1 : site.end()]))
        found: list[tuple[Reading, int, tuple[str, str]]] = []
        for second in self._tables.second_bytes(number & 0xFF, syllable):
            inner = pair(number & 0xFF, second) or ""
            bonus = 4.0 if self._glossed.get(inner) == syllable else 0.0
            for reading in self._walker.walk(site.end(), second, "", 0, ()):
                moved = (*marks, *((offset + 2, what) for offset, what in reading.marks))
                whole = Reading(
                    reading.clean, reading.end, moved, reading.swaps, reading.lossy, reading.cost + bonus
                )
                found.append((whole, 0, (wide, text[at:start])))
        return found


__all__ = ["SiteRepair"]
