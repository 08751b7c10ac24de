"""The way back from byte damage: every way to read a shifted stretch of text as clean text.

Inside a shifted stretch each visible character holds the trail byte of one clean character and the
lead byte of the next, so everything is determined except the bytes that orphans lost. A walk keeps
the lead byte that waits for its trail; it ends where a byte restores the phase.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from tasks.clean.repair.codepage import BYTES, EURO, NARROW, PAIRS, TRAILS, TRIGGERS, WIDE, pair, scripts
from tasks.clean.repair.forward import encode, surface
from tasks.clean.repair.gloss import GLOSS
from tasks.clean.repair.language import LanguageModel
from tasks.clean.repair.readings import SYLLABLE, reads
from tasks.clean.repair.sequence import SequenceModel

LOST: Final = "□"
"""Stands for what is lost: a digit, or what dropped bytes held."""
CUT: Final = None
"""The mark of a cut in `Reading.marks`."""

MARKS: Final = "".join(TRIGGERS) + "".join(NARROW.get(mark, "") for mark in TRIGGERS)
"""The punctuation before which a text is cut, in both widths."""
SITE: Final = re.compile(
    rf"(?P<gloss>(?<=[^\x00-\x28\x2a\x2b\x2d-\x39\x3c-\x3e\x40-\x7f])\?({SYLLABLE})[ \u3000]?[)）])"
    rf"|(?P<cut>\?(?=[{re.escape(MARKS)}]))"
)
"""A place that may be damaged: a gloss without its bracket (group 2 is its syllable), or a cut."""
_RUN: Final = re.compile("[^\x00-\x7f\x80€]+")
_CLOSED: Final = re.compile(rf"({SYLLABLE})[ \u3000]?[)）]")
CLOSES: Final = {
    "”": "“",
    "’": "‘",
    "》": "《",
    "）": "（",
    "】": "【",
    ")": "(",
    "〉": "〈",
    "」": "「",
    "』": "『",
}
"""Closing marks with those they close."""
PRIVATE_USE: Final = re.compile("[\ue000-\uf8ff]")
_ALIEN: Final = re.compile("[\ue000-\uf8ff\ufffd]")
_ENTITY: Final = re.compile(r"(?:#\d{2,5}|#x[0-9A-Fa-f]{2,5}|[a-zA-Z]{2,8});")
_TAG: Final = re.compile(
    r"/?(p|br|div|span|strong|font|b|i|em|a|td|tr|table|li|ul|ol|h[1-6]|img|section)\b[^<>\u3400-\u9fff]{0,120}>",
    re.IGNORECASE,
)
_SEGMENT_END: Final = frozenset(["", "\n", "\r", *TRIGGERS, *(NARROW.get(mark, mark) for mark in TRIGGERS)])
"""Before these an orphan is the end of a segment and swallowed nothing: ASCII of this kind was full-width."""
_INLINE: Final = {"span", "strong", "font", "b", "i", "em", "a", "img"}
_MEASURES: Final = frozenset(
    "年月日號号時时分秒歲岁個个名次位件項项條条萬万億亿元倍米里公斤噸吨畝亩戶户屆届級级類类章節节頁页天點点度℃場场隻只種种支篇輪轮批座所棟栋層层樓楼"
)


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a stretch that begins in the middle of damage."""

    clean: str
    """Clean characters, punctuation full-width as it was in the bytes; a lost digit is `0`."""
    end: int
    """Offset in the observed text after the stretch."""
    marks: tuple[tuple[int, str | None], ...] = ()
    """What the mirror did: byte offset in the clean text, and the gloss put in there (None: a cut)."""
    swaps: tuple[tuple[int, int, str], ...] = ()
    """Parts of `clean` (start, end) to be shown as something else: a lost digit, a broken tag."""
    lossy: int = 0
    """Bytes of the clean text that could only be guessed."""
    cost: float = 0.0
    gap: int = -1
    """Offset of the first clean character of which private-use characters that were dropped from the
    observed text held a byte; -1 where none was dropped."""

    def shown(self) -> str:
        """The clean text as it is written out: lost digits as □, fragments of tags resolved."""
        text = self.clean
        for start, end, after in reversed(self.swaps):
            text = text[:start] + after + text[end:]
        return text


@dataclass(frozen=True, slots=True)
class State:
    index: int
    pending: int
    clean: str
    size: int
    marks: tuple[tuple[int, str | None], ...]
    cost: float
    gap: int = -1


def fold(text: str) -> str:
    """Full-width forms as ASCII: the proof does not look at the width of punctuation."""
    return text.translate(_FOLD)


_FOLD: Final = {ord(wide): narrow for wide, narrow in NARROW.items()}


def proves(left: str, reading: Reading, observed: str) -> bool:
    """Whether damaging `left + clean` as the reading says gives what was observed, up to the width of punctuation.

    Offsets in `reading.marks` count from the start of `left`.
    """
    try:
        raw = encode(left + reading.clean)
    except ValueError:
        return False
    shown = []
    part = b""
    last = 0
    for offset, inserted in sorted(reading.marks, key=lambda mark: mark[0]):
        part += raw[last:offset]
        last = offset
        if inserted is None:
            shown.append(surface(part))
            part = b""
        else:
            part += inserted.encode("gb18030")
    shown.append(surface(part + raw[last:]))
    predicted = "".join(shown)
    if reading.gap >= 0:
        predicted = PRIVATE_USE.sub("", predicted)
    return fold(predicted) == fold(observed)


class Tables:
    """Which characters may be guessed for a lost byte."""

    def __init__(self, model: LanguageModel) -> None:
        known = scripts()
        self._variants: Final = frozenset(
            c for c in BYTES if ord(c) in known.simplified and c not in known.common
        )
        self._simple: Final = frozenset(c for c in BYTES if c in known.first)
        self.plausible: frozenset[str]
        """Every character that may be guessed."""
        self.joined: dict[tuple[str, int, int], float] = {}
        """What gaps.py found out about characters that go together."""
        self.by_trail: dict[int, tuple[str, ...]] = {}
        self.by_lead: dict[int, tuple[str, ...]] = {}
        by_trail: dict[int, list[str]] = {}
        by_lead: dict[int, list[str]] = {}
        for number, character in PAIRS.items():
            simple = known.simplified.get(ord(character), character)
            if character in model.guessable or (simple in model.han and character not in self._simple):
                by_trail.setdefault(number & 0xFF, []).append(character)
                by_lead.setdefault(number >> 8, []).append(character)
        self.plausible = frozenset(character for row in by_trail.values() for character in row)
        for source, target in ((by_trail, self.by_trail), (by_lead, self.by_lead)):
            for byte, characters in source.items():
                characters.sort(key=lambda c: -model.single(model.simplify(c)))
                target[byte] = tuple(characters)

    def known(self, lead: int, trail: int) -> str | None:
        """The character of two bytes, None where it is none that may be guessed."""
        character = PAIRS.get(lead << 8 | trail)
        return character if character in self.plausible else None

    def penalty(self, text: str) -> float:
        """Extra cost of characters a mirror would not have written."""
        found = 3.0 * len(self._variants.intersection(text)) + 8.0 * len(self._simple.intersection(text))
        return found + 4.0 * len(_SELDOM.intersection(text))


_SELDOM: Final = frozenset(
    wide for narrow, wide in WIDE.items() if not narrow.isdigit() and narrow not in " ,;:?!()"
)
"""Full-width forms that are hardly ever written in Chinese text."""


@lru_cache(20_000)
def second_bytes(lead_byte: int, syllable: str) -> tuple[int, ...]:
    """Trail bytes that make, with this lead byte, a character read like the syllable."""
    found = []
    for trail in TRAILS:
        character = pair(lead_byte, trail)
        if character is not None and "\u3400" <= character <= "\u9fff" and reads(character, syllable):
            found.append(trail)
    return tuple(found)


class Walker:
    """Walks shifted stretches of one text."""

    def __init__(
        self,
        text: str,
        model: LanguageModel,
        pairs: SequenceModel,
        tables: Tables,
        glossed: Mapping[str, str],
        longest: int,
    ) -> None:
        self._text = text
        self._model = model
        self._pairs = pairs
        self._tables = tables
        self._glossed = glossed
        self._longest = longest

    def walk(
        self, start: int, pending: int, clean: str, size: int, marks: tuple[tuple[int, str | None], ...]
    ) -> Iterator[Reading]:
        """All readings of the text from `start` on, `pending` being the lead byte that waits.

        `clean`, `size` (its bytes) and `marks` are what is known already, before `start`.
        """
        text = self._text
        stack = [State(start, pending, clean, size, marks, 0.0)]
        limit = start + self._longest
        while stack:
            state = stack.pop()
            index = state.index
            run = _RUN.match(text, index, limit)
            if run:
                for item in self._run(state, run[0]):
                    if isinstance(item, Reading):
                        yield item
                    else:
                        stack.append(item)
                continue
            if index >= limit:
                continue
            character = text[index : index + 1]
            if character in ("", "\n", "\r"):
                continue
            for item in self.single(state, character):
                if isinstance(item, Reading):
                    yield item
                else:
                    stack.append(item)

    def _run(self, state: State, run: str) -> Iterator[Reading | State]:
        """A run of two-byte characters: decode it one byte early, in one go."""
        raw = run.encode("gb18030", "replace")
        if len(raw) != 2 * len(run):
            known = 0
            while known < len(run) and run[known] in BYTES:
                known += 1
            if not known:
                return
            run = run[:known]
            raw = run.encode("gb18030")
            broken = True
        else:
            broken = False
        trails = raw[1::2]
        if min(trails) < 0x81:
            stop = next(at for at, trail in enumerate(trails) if trail < 0x81)
            if trails[stop] == 0x80:
                return
            emitted = (bytes((state.pending,)) + raw[: 2 * stop + 1]).decode("gb18030", "replace")
            if not _ALIEN.search(emitted):
                yield Reading(
                    state.clean + emitted + chr(trails[stop]),
                    state.index + stop + 1,
                    state.marks,
                    (),
                    0,
                    state.cost,
                )
            return
        if broken:
            return
        emitted = (bytes((state.pending,)) + raw[:-1]).decode("gb18030", "replace")
        if not _ALIEN.search(emitted):
            yield State(
                state.index + len(run),
                raw[-1],
                state.clean + emitted,
                state.size + len(raw),
                state.marks,
                state.cost,
            )

    def single(self, state: State, character: str) -> Iterator[Reading | State]:
        """A visible single byte inside a shifted stretch."""
        index, pending, clean, size, marks, cost = (
            state.index,
            state.pending,
            state.clean,
            state.size,
            state.marks,
            state.cost,
        )
        if character == EURO:
            whole = pair(pending, 0x80)
            if whole:
                yield Reading(clean + whole, index + 1, marks, (), 0, cost)
            return
        if character == "?":
            yield from self._orphan(state)
        gloss = GLOSS.match(self._text, index) if character == "(" else None
        if gloss and index and reads(self._text[index - 1], gloss[1]):
            yield State(gloss.end(), pending, clean, size, (*marks, (size + 1, gloss[0])), cost)
            return
        if "@" <= character <= "~":
            whole = pair(pending, ord(character))
            if whole and not _ALIEN.match(whole):
                yield Reading(clean + whole, index + 1, marks, (), 0, cost)
        wide = BYTES.get(WIDE.get(character, ""))
        if wide:
            whole = pair(pending, wide >> 8)
            if whole and not _ALIEN.match(whole):
                yield State(index + 1, wide & 0xFF, clean + whole, size + 2, marks, cost)

    def _orphan(self, state: State) -> Iterator[Reading]:
        """A `?` that stands for the lost trail byte of the pending character."""
        text, index, pending, clean = self._text, state.index, state.pending, state.clean
        gloss = _CLOSED.match(text, index + 1)
        if gloss:
            for trail in second_bytes(pending, gloss[1]):
                whole = pair(pending, trail) or ""
                bonus = 4.0 if self._glossed.get(whole) == gloss[1] else 0.0
                marks = (*state.marks, (state.size + 2, "(" + gloss[0]))
                yield Reading(clean + whole, gloss.end(), marks, (), 0, state.cost + bonus)
            return
        candidates = self._tables.by_lead.get(pending, ())
        if not candidates:
            return
        raw, shown, end = self._swallowed(index + 1)
        context = shown + text[end : end + 4]
        chosen = [whole for _, whole in self._model.choose(clean[-5:], candidates, context, 3)]
        recent = text[max(0, index - 200) : index]
        # What a closing quotation mark closes may itself stand in damage: it is always tried.
        closing = (m for m in candidates if m == "”" or (m in CLOSES and CLOSES[m] in recent))
        chosen += [m for m in closing if m not in chosen]
        at = len(clean) + 1
        for whole in chosen:
            what, seen = raw, shown
            if raw == " " and self._rather_digit(clean[-3:] + whole, text[end : end + 3]):
                what, seen = "0", LOST
            swaps = ((at, at + len(what), seen),) if what else ()
            yield Reading(clean + whole + what, end, state.marks, swaps, 1, state.cost - 2.0)

    def _rather_digit(self, left: str, right: str) -> bool:
        """Whether a digit is likelier between two contexts than a space."""
        return self._pairs.score(f"{left}0{right}") > self._pairs.score(f"{left} {right}")

    def _swallowed(self, index: int) -> tuple[str, str, int]:
        """What an orphan before `index` swallowed: the bytes, how to show them, and where the text goes on."""
        text = self._text
        character = text[index : index + 1]
        if character in _SEGMENT_END:
            return "", "", index
        entity = _ENTITY.match(text, index)
        if entity and html.unescape("&" + entity[0]) != "&" + entity[0]:
            return "&" + entity[0], html.unescape("&" + entity[0]).replace("\xa0", " "), entity.end()
        tag = _TAG.match(text, index)
        if tag:
            joined = tag[1].lower() in _INLINE or text[tag.end() : tag.end() + 1] in ("", "\n")
            return "<" + tag[0], "" if joined else "\n", tag.end()
        if character.isdigit() or character in "%％" or character in _MEASURES:
            return "0", LOST, index
        line = text[index : index + 40].partition("\n")[0]
        closing = line.find(")")
        if closing >= 0 and "(" not in line[:closing]:
            return "(", "(", index
        if character in "-=*.":
            # Written in rows.
            return character, character, index
        return " ", " ", index


__all__ = [
    "CLOSES",
    "CUT",
    "LOST",
    "MARKS",
    "PRIVATE_USE",
    "SITE",
    "Reading",
    "State",
    "Tables",
    "Walker",
    "fold",
    "proves",
    "second_bytes",
]
