"""Finding where damage begins in a text and putting the best proven reading in its place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from config.settings import RepairSettings
from tasks.clean.repair.codepage import BYTES, NARROW, TRIGGERS, WIDE, pair, scripts
from tasks.clean.repair.context import Context, pairing_cost, unclosed
from tasks.clean.repair.gaps import GapWalker
from tasks.clean.repair.gloss import GLOSS, without_glosses
from tasks.clean.repair.language import LanguageModel
from tasks.clean.repair.readings import SYLLABLE, reads
from tasks.clean.repair.sequence import SequenceModel
from tasks.clean.repair.shift import (
    CLOSES,
    CUT,
    LOST_DIGIT,
    PRIVATE_USE,
    Reading,
    Tables,
    Walker,
    proves,
    second_bytes,
)
from tasks.tables import Change, Edit

_MARKS: Final = "".join(TRIGGERS) + "".join(NARROW.get(mark, "") for mark in TRIGGERS)
_SITE: Final = re.compile(
    rf"(?P<gloss>(?<=[^\x00-\x28\x2a\x2b\x2d-\x39\x3c-\x3e\x40-\x7f])\?({SYLLABLE})[ \u3000]?[)）])"
    rf"|(?P<cut>\?(?=[{re.escape(_MARKS)}]))"
)
_GLOSS_BEFORE: Final = re.compile(rf"[(（] ?({SYLLABLE})[ \u3000]?[)）]\Z")
_LEFT: Final = 6
_RIGHT: Final = 5
_LIKELY: Final = 10
"""Guesses for a lost character, by words alone, that the word pairs compare."""
_PROMISING: Final = 4
"""Readings of a stretch for which the lost first character is guessed."""
_GUESSES: Final = 5
"""Guesses for a lost character that are scored in full."""
_CONTENDERS: Final = 14
"""Readings that the word pairs compare."""
_BEHIND: Final = 10.0
"""How far behind the best, by words alone, a reading may be and still be compared."""
_UNLIKELY: Final = -18.0
"""Mean cost of a character of a repaired stretch below which it is no language."""
_WORST: Final = -9.5
"""Mean cost of a character, in natural logarithms, below which a text is no language."""
_SHORT: Final = 4
"""Shorter stretches are not repaired on a page without glosses."""
_DOUBTFUL: Final = -6.2
"""Mean cost, by the word pairs, below which a reading may hide a dropped character."""
_DOUBLED: Final = -5.0
"""Cost of a doubled mark on a page that doubles none elsewhere."""
_DOUBT_FIRST: Final = 12
"""Characters of a reading that are looked at for that: two more stand before them."""
_GLOSS_FITS: Final = 6.0
_GLOSS_WRONG: Final = -12.0
_IN_TABLE: Final = 4.0
_WITNESSED: Final = 30.0
_SHARED_GLOSS: Final = -6.0
"""Cost of a gloss on a character of both scripts: tables of mirrors hold Traditional ones."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    reading: Reading
    origin: tuple[str, int]
    """Text (as it was in the bytes) before the reading that the proof needs, and its length as observed."""
    text: str
    score: float = 0.0
    witnessed: bool = False
    mean: float = 0.0
    """Score of a character of the repaired stretch."""
    gain: float = 0.0
    """How much better it scores than what stood there."""
    whole: str = ""
    """The text with what stands around it."""


def _shared(texts: list[str]) -> int:
    """Length of the common beginning of texts."""
    low, high = min(texts), max(texts)
    length = min(len(low), len(high))
    return next((at for at in range(length) if low[at] != high[at]), length)


def may_be_cut(text: str) -> bool:
    """Whether the text holds anything that byte damage leaves behind; needs no language model."""
    return "?" in text and _SITE.search(text) is not None


def suspects(text: str, model: LanguageModel) -> bool:
    """Whether a text without glosses has a place where it was perhaps cut."""
    return any(
        site.lastgroup == "cut" and _is_shifted(text, site.start(), model) for site in _SITE.finditer(text)
    )


def _is_shifted(text: str, start: int, model: LanguageModel) -> bool:
    """Whether what follows an unexplained `?` and punctuation is no language."""
    after = without_glosses(text[start + 2 : start + 12].partition("\n")[0])[:6]
    return len(after) > 1 and model.score(after) / len(after) < _WORST


class SiteRepair:
    """Repairs the byte damage of one text; a text without a habit of glossing must be surer of itself."""

    def __init__(
        self,
        text: str,
        glossed: Mapping[str, str],
        settings: RepairSettings,
        model: LanguageModel,
        tables: Tables,
        context: Context,
        *,
        damaged: bool = True,
    ) -> None:
        """`damaged`: the page is known to be; else a stretch must be read with more certainty."""
        self._sure = 0.0 if damaged else settings.margin_without_glosses
        self._text = text
        self._model = model
        self._pairs = SequenceModel(model)
        self._tables = tables
        self._settings = settings
        self._glossed = glossed
        self._context = context
        self._walker = Walker(text, model, tables, glossed, settings.longest_shift)
        # Pages lose private-use characters on their way; one that kept some is read as it is.
        self._gaps = (
            None
            if not glossed or PRIVATE_USE.search(text)
            else GapWalker(text, model, tables, self._walker, glossed)
        )
        self._doubles = {mark for mark in "。！" if mark * 2 in text or NARROW.get(mark, mark) * 2 in text}
        self._narrow = self._narrow_marks(without_glosses(text))

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
            line = ("".join(parts[-6:]) + text[last:start])[-300:].rpartition("\n")[2]
            kind = site.lastgroup or "cut"
            line = without_glosses(line)
            shifted = kind == "gloss" or self._doubtful(start)
            best: _Candidate | None = None
            others: list[_Candidate] = []
            if not self._sure or (shifted and kind == "cut"):
                best, others = self._best(start, kind, site, line)
            if best is None or best.gain < self._sure or (self._sure and len(best.text) < _SHORT):
                left_over += shifted and (best is not None or not self._sure)
                site = _SITE.search(text, start + 1)
                continue
            edit = self._edit(start, kind, line, best, others)
            left_over += LOST_DIGIT in edit.after
            edits.append(edit)
            parts += [text[last:start], edit.after]
            last = best.reading.end
            site = _SITE.search(text, last)
        parts.append(text[last:])
        return Change("".join(parts), tuple(edits)), left_over

    def _narrow_marks(self, text: str) -> dict[int, str]:
        """The full-width marks this page writes in ASCII; a mark without evidence goes with the comma."""
        count = text.count
        commas = count(",") > count("，")
        table = {}
        for wide, narrow in NARROW.items():
            if narrow.isalnum():
                continue
            full, half = count(wide), 0 if narrow == "?" else count(narrow)
            if (half > full) if full + half > 1 and narrow in ",;:!?()" else commas:
                table[ord(wide)] = narrow
        return table

    def _edit(self, start: int, kind: str, line: str, best: _Candidate, others: list[_Candidate]) -> Edit:
        cause = (
            "the text was cut inside a character" if kind == "cut" else "a gloss was put inside a character"
        )
        reason = f"{cause}; damaging the repaired text gives what stood here"
        shown, end = best.text, best.reading.end
        alternatives = [] if best.witnessed else [other.text for other in others]
        lost = best.reading.swaps and best.reading.swaps[-1][1] - best.reading.swaps[-1][0] == 1
        if lost:
            # One byte below 40 hex was swallowed: nothing here says which; another copy may.
            following = self._text[end : end + 24]
            found = self._context.between(line + shown[:-1], following)
            if found is not None and len(found) == 1 and " " <= found < "@":
                shown = shown[:-1] + found
                reason += f"; another copy of the article has {found!r} for the swallowed byte"
                alternatives = []
            elif shown[-1:] != LOST_DIGIT:
                alternatives.append(shown[:-1] + LOST_DIGIT)
        if best.witnessed:
            reason += "; another copy of the article reads the same"
        after = shown.translate(self._narrow)
        rule = f"repair.{kind}" if LOST_DIGIT not in after else "repair.lost"
        narrowed = tuple(text.translate(self._narrow) for text in alternatives)
        return Edit(rule, start, self._text[start:end], after, reason, 1, narrowed)

    def _best(
        self, start: int, kind: str, site: re.Match[str], line: str
    ) -> tuple[_Candidate | None, list[_Candidate]]:
        """The best reading of the damage at `start` that can be proved, and its close rivals."""
        best, others = self._rank(start, kind, site, line, None)
        if self._gaps and (self._doubted(best, line) if best else kind == "gloss" or self._doubtful(start)):
            with_gaps = self._rank(start, kind, site, line, self._gaps)
            if with_gaps[0]:
                return with_gaps
        return best, others

    def _doubted(self, best: _Candidate, line: str) -> bool:
        """Whether a reading is worded as hardly anybody writes."""
        part = line[-2:] + best.text[:_DOUBT_FIRST]
        return self._pairs.score(part) / len(part) < _DOUBTFUL

    def _doubtful(self, start: int) -> bool:
        return _is_shifted(self._text, start, self._model)

    def _rank(
        self, start: int, kind: str, site: re.Match[str], line: str, gaps: GapWalker | None
    ) -> tuple[_Candidate | None, list[_Candidate]]:
        left = line[-_LEFT:]
        open_before = unclosed(line)
        cut = kind == "cut"
        found = self._cut(start, left, open_before, gaps) if cut else self._inside(start, site, gaps)
        if not found:
            return None, []
        text = self._text
        common = max(candidate.reading.end for candidate in found)
        right = without_glosses(text[common : common + 24])[:_RIGHT]
        before = self._model.score(left + text[start + 1 : common] + right) + self._model.single("?")
        ranked = sorted(
            (self._judge(candidate, left, open_before, common, right, before) for candidate in found),
            key=lambda candidate: (-candidate.score, candidate.text),
        )
        ranked = self._compare(ranked)
        for rank, candidate in enumerate(ranked):
            if candidate.gain < self._settings.margin:
                break
            around = left, text[candidate.reading.end : common] + right
            own = candidate.score - sum(self._model.score(without_glosses(part)) for part in around)
            best = replace(candidate, mean=own / (len(candidate.text) or 1))
            if best.mean < _UNLIKELY:
                break
            known, observed = best.origin
            if not proves(known, best.reading, text[start - observed : best.reading.end]):
                continue
            others = [
                other
                for other in ranked[rank + 1 : rank + 4]
                if best.score - other.score < self._settings.ambiguous and other.text != best.text
            ]
            return best, others
        return None, []

    def _compare(self, ranked: list[_Candidate]) -> list[_Candidate]:
        """The best of the readings in the order of the word pairs, which look only where they differ."""
        contenders = [
            candidate
            for candidate in ranked[:_CONTENDERS]
            if ranked[0].score - candidate.score < _BEHIND and candidate.gain >= self._settings.margin
        ]
        wholes = [candidate.whole for candidate in contenders]
        if len(set(wholes)) < 2:
            return ranked
        same = _shared([whole[::-1] for whole in wholes])
        begin = max(0, _shared(wholes) - _LEFT)
        scored = []
        for candidate in contenders:
            part = candidate.whole[begin : len(candidate.whole) - max(0, same - _RIGHT)]
            better = self._pairs.score(part) - self._model.score(part)
            scored.append(replace(candidate, score=candidate.score + better))
        return sorted(scored, key=lambda candidate: (-candidate.score, candidate.text))

    def _judge(
        self, candidate: _Candidate, left: str, open_before: list[str], common: int, right: str, before: float
    ) -> _Candidate:
        """The candidate with its score: language, pairs of quotation marks, the gloss after it, other copies."""
        text, shown = self._text, candidate.text
        end = candidate.reading.end
        score = candidate.score + candidate.reading.cost - self._tables.penalty(shown)
        gloss = GLOSS.match(text, end)
        if gloss:
            score += _GLOSS_FITS if reads(shown[-1:], gloss[1]) else _GLOSS_WRONG
            end = gloss.end()
        rest = without_glosses(text[end:common]) if end < common else ""
        following = rest + right
        whole = left + shown + following
        score += self._model.score(whole)
        ends_line = following[:1] in ("", "\n")
        score -= pairing_cost(open_before, shown, ends_line)
        for mark in "。！":
            if mark not in self._doubles and mark * 2 in left[-1:] + shown + following[:1]:
                score += _DOUBLED
        if ends_line and shown[-1:] in self._model.never_last:
            score += self._model.line_end
        witnessed = self._context.witnesses(left, shown, without_glosses(text[end : end + 24]))
        if witnessed:
            score += _WITNESSED
        return replace(candidate, score=score, witnessed=witnessed, gain=score - before, whole=whole)

    def _cut(self, start: int, left: str, open_before: list[str], gaps: GapWalker | None) -> list[_Candidate]:
        """Readings of `?` + trigger: the lead byte of a character was cut off."""
        text = self._text
        mark = text[start + 1]
        number = BYTES[mark if mark in TRIGGERS else WIDE[mark]]
        readings = [(reading, number >> 8) for reading in self._walk(start + 2, number & 0xFF, gaps)]
        found = []
        if mark == "?" and text[start + 2 : start + 3] in _MARKS and text[start + 2 : start + 3]:
            after = text[start + 2]
            following = BYTES[after if after in TRIGGERS else WIDE[after]] >> 8
            # Two cuts around one character: its trail byte began the first trigger and is known from
            # the second, which begins with the byte the first one ends with.
            readings.append((Reading("", start + 2, (), (), 2), 0xA1 if following == 0xA3 else 0xA3))
        guesses: dict[tuple[int, str], list[tuple[str, float]]] = {}
        for reading, trail in self._promising(readings):
            shown = reading.shown()
            right = shown[:5] if shown else without_glosses(text[reading.end : reading.end + 20])[:5]
            key = (trail, right)
            if key not in guesses:
                guesses[key] = self._first(left, trail, right, open_before)
            for first, bonus in guesses[key]:
                marks = ((1, CUT), *((offset + 2, what) for offset, what in reading.marks))
                if not reading.clean:
                    marks = ((1, CUT),)
                swaps = tuple((a + 1, b + 1, what) for a, b, what in reading.swaps)
                whole = Reading(
                    first + reading.clean,
                    reading.end,
                    marks,
                    swaps,
                    reading.lossy,
                    reading.cost + bonus,
                    reading.gaps,
                )
                found.append(_Candidate(whole, ("", 0), first + shown))
        return found

    def _promising(self, readings: list[tuple[Reading, int]]) -> list[tuple[Reading, int]]:
        """The readings that are worth guessing the lost character for, by their words alone."""
        if len(readings) <= _PROMISING:
            return readings
        text = self._text
        common = max(reading.end for reading, _ in readings)
        right = text[common : common + 24]
        scored = []
        wholes = [reading.shown() + text[reading.end : common] for reading, _ in readings]
        begin = max(0, _shared(wholes) - _LEFT)
        for at, (reading, _) in enumerate(readings):
            shown, end = reading.shown()[begin:], reading.end
            gloss = GLOSS.match(text, end)
            fits = (_GLOSS_FITS if reads(shown[-1:], gloss[1]) else _GLOSS_WRONG) if gloss else 0.0
            rest = without_glosses(text[end:common] + right)[: common - end + _RIGHT]
            cost = reading.cost + fits - self._tables.penalty(shown)
            scored.append((cost + self._model.score(shown + rest), -at))
        scored.sort(reverse=True)
        return [readings[-at] for _, at in scored[:_PROMISING]]

    def _walk(self, start: int, pending: int, gaps: GapWalker | None) -> list[Reading]:
        readings = list(self._walker.walk(start, pending, "", 0, ()))
        return readings + gaps.readings(start, pending) if gaps else readings

    def _first(self, left: str, trail: int, right: str, open_before: list[str]) -> list[tuple[str, float]]:
        """Best characters with this trail byte between two contexts, with what the page says for them."""
        candidates = self._tables.by_trail.get(trail, ())
        known = self._model.choose(left[-4:], candidates, right, _LIKELY)
        likely = [first for cost, first in known if known[0][0] - cost < _BEHIND]
        short, after = left[-3:], right[:2]
        likely.sort(key=lambda first: -self._pairs.score(short + first + after))
        chosen = likely[:_GUESSES]
        if open_before:
            closing = (mark for mark in candidates if CLOSES.get(mark) == open_before[-1])
            chosen += [mark for mark in closing if mark not in chosen]
        chosen += [first for first in self._context.fitting(left, right, candidates) if first not in chosen]
        return [(first, self._context.bonus(left, first, right)) for first in chosen]

    def _inside(self, start: int, site: re.Match[str], gaps: GapWalker | None) -> list[_Candidate]:
        """Readings of `X?syllable)`: a gloss between the bytes of the character after X."""
        text = self._text
        own = _GLOSS_BEFORE.search(text[max(0, start - 40) : start])
        at = start - 1 - (len(own[0]) if own else 0)
        if at < 0:
            return []
        wide = text[at] if text[at] in BYTES else WIDE.get(text[at], "")
        number = BYTES.get(wide)
        if number is None or number & 0xFF < 0x81:
            return []
        syllable = site[2]
        marks: tuple[tuple[int, str | None], ...] = ((2, own[0]),) if own else ()
        marks = (*marks, (3, "(" + text[start + 1 : site.end()]))
        found: list[_Candidate] = []
        for second in second_bytes(number & 0xFF, syllable):
            glossed = pair(number & 0xFF, second) or ""
            bonus = _IN_TABLE if self._glossed.get(glossed) == syllable else 0.0
            if not scripts().is_traditional(glossed):
                bonus += _SHARED_GLOSS
            for reading in self._walk(site.end(), second, gaps):
                moved = (*marks, *((offset + 2, what) for offset, what in reading.marks))
                whole = Reading(
                    reading.clean,
                    reading.end,
                    moved,
                    reading.swaps,
                    reading.lossy,
                    reading.cost + bonus,
                    reading.gaps,
                )
                found.append(_Candidate(whole, (wide, start - at), whole.shown()))
        return found


__all__ = ["SiteRepair", "may_be_cut", "suspects"]
