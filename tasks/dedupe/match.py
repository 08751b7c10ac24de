"""Are two texts copies of one article? Decided on the texts themselves."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from config.settings import DedupeSettings
from tasks.dedupe.align import Gap, Tokens, align, gaps, tokens
from tasks.dedupe.names import NUMBER, Difference, Place, counts_nothing, difference
from tasks.dedupe.signatures import Shingles, shingle_sequence
from tasks.dedupe.skeleton import skeleton

COVER_CELLS: Final = 64
_SUBSTITUTION: Final = 24
"""Tokens on either side up to which a gap is one thing said in two ways, not two passages."""
_FEW: Final = 40
"""Substitutions above which a text is rewritten, not a filled form, and names are not looked at."""
_NAMES_SHARE: Final = 0.25
"""Share of the substitutions that are names from which the texts are about different people or places."""
_CONTEXT: Final = 4
"""Characters on either side that are read to find the words in a gap."""
_INSERTION: Final = 4
"""Tokens up to which something that stands in one text only may be a part of a name."""
_NUMERAL: Final = frozenset("〇零一二三四五六七八九十百千万亿两年月日号时分元")
_DAMAGE: Final = re.compile("[?□\ufffd\ue000-\uf8ff]")
_BROKEN: Final = re.compile("？.")
"""Cleaning makes a question mark of a lost byte a Chinese one; one that ends a place may be genuine."""


class Relation(StrEnum):
    """How two texts stand to each other."""

    NEAR = "near"
    """Copies: similar as a whole."""
    CONTAINED = "contained"
    """Copies: one is in the other, which is not much longer."""
    LINKED = "linked"
    """One is in the other, which is much longer."""
    TEMPLATE = "template"
    """Alike, but with other numbers, dates or names: different articles."""
    DIFFERENT = "different"


@dataclass(frozen=True)
class Prepared:
    """A text made ready for comparison."""

    text: str
    set: Shingles
    """Shingle hashes: distinct, sorted."""
    sequence: NDArray[np.int32]
    """In the order of the text, the places of its shingles in the set."""

    @cached_property
    def tokens(self) -> Tokens:
        """What alignment compares."""
        return tokens(self.text)

    @classmethod
    def of(cls, text: str) -> Prepared:
        """Prepare a text."""
        distinct, sequence = np.unique(shingle_sequence(skeleton(text)), return_inverse=True)
        return cls(text, distinct, sequence.astype(np.int32))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the comparison of two texts found."""

    relation: Relation
    jaccard: float
    """Common shingles / all shingles of both."""
    containment: float
    """Common shingles / shingles of the shorter text."""
    a_in_b: bool
    """Whether the first text is the shorter one."""
    cover: int = 0
    """For a contained text: which of the COVER_CELLS equal parts of the longer one it covers, as bits."""
    difference: str = ""
    """What differs, in words."""


def compare(a: Prepared, b: Prepared, settings: DedupeSettings) -> Verdict:
    """Decide whether two texts are copies of one article.

    Jaccard similarity or containment of their shingle sets must reach the settings' limits, and the
    aligned texts must not differ in numbers, dates or names.
    """
    a_in_b = bool(a.set.size <= b.set.size)
    inner, outer = (a, b) if a_in_b else (b, a)
    shorter, longer = inner.set.size, outer.set.size
    within = _within(inner.set, outer.set)
    common = int(np.count_nonzero(within))
    if not common:
        return Verdict(Relation.DIFFERENT, 0.0, 0.0, a_in_b)
    jaccard, containment = common / (a.set.size + b.set.size - common), common / shorter
    contained = containment >= settings.containment
    if jaccard < settings.similarity and not contained:
        return Verdict(Relation.DIFFERENT, jaccard, containment, a_in_b)
    cover = _cover(within[outer.sequence]) if contained else 0
    if jaccard < settings.similarity and longer > settings.longest_copy * shorter:
        return Verdict(Relation.LINKED, jaccard, containment, a_in_b, cover)
    conflict, difference = _differences(a.tokens, b.tokens)
    relation = Relation.NEAR if jaccard >= settings.similarity else Relation.CONTAINED
    if conflict:
        relation = Relation.TEMPLATE
    return Verdict(relation, jaccard, containment, a_in_b, cover, difference)


def _within(inner: Shingles, outer: Shingles) -> NDArray[np.bool_]:
    """Which of the sorted shingles of one text are among those of another."""
    if not inner.size:
        return np.zeros(outer.size, np.bool_)
    found: NDArray[np.bool_] = inner.take(np.searchsorted(inner, outer), mode="clip") == outer
    return found


def _cover(hits: NDArray[np.bool_]) -> int:
    """Which of COVER_CELLS equal parts of a text are mostly hit."""
    cells = np.arange(COVER_CELLS + 1) * hits.size // COVER_CELLS
    sums = np.concatenate([[0], np.cumsum(hits)])[cells]
    full = np.diff(sums) * 2 > np.diff(cells)
    return int.from_bytes(np.packbits(full, bitorder="little").tobytes(), "little")


def _differences(a: Tokens, b: Tokens) -> tuple[bool, str]:
    """Whether the aligned texts differ in numbers, dates or names, and what differs in words.

    One number counts against a merge wherever it stands. Names count when a good part of what differs
    is names, and things when nothing else differs: a template is word for word the same but for its
    slots, a spun or regional copy is not.
    """
    found = gaps(a, b, align(a, b))
    replaced = [gap for gap in found if _is_substitution(gap)]
    conflicts = [gap for gap in found if _other_number(a, b, gap) and not _damaged(a, b, gap)]
    if not conflicts:
        conflicts = _other_subject(a, b, found)
    rest = set(found).difference(replaced)
    a_only = sum(gap.a_stop - gap.a_start for gap in rest)
    b_only = sum(gap.b_stop - gap.b_start for gap in rest)
    parts: list[str] = []
    shown = conflicts or replaced
    if shown:
        examples = ", ".join(
            f"{a.slice(gap.a_start, gap.a_stop)} / {b.slice(gap.b_start, gap.b_stop)}" for gap in shown[:2]
        )
        what = "numbers, dates or names" if conflicts else "places"
        parts.append(f"{len(shown)} {what} differ, such as {examples}")
    if a_only or b_only:
        more, less = max(a_only, b_only), min(a_only, b_only)
        parts.append(
            f"{more} characters only in one of them" + (f", {less} only in the other" if less else "")
        )
    return bool(conflicts), "; ".join(parts)


def _other_subject(a: Tokens, b: Tokens, found: list[Gap]) -> list[Gap]:
    """The places where two filled forms name other people, places or things; none for copies."""
    sound = [gap for gap in found if _is_substitution(gap) and not _damaged(a, b, gap, _BROKEN)]
    if len(sound) > _FEW:
        return []
    kinds: dict[Gap, Difference] = {}
    for gap in sound:
        kind = difference(_place(a, *gap[:2]), _place(b, *gap[2:]))
        if kind is not Difference.SLIP:
            kinds[gap] = kind
    for gap in [gap for gap in found if _is_insertion(gap) and not _damaged(a, b, gap, _BROKEN)][:_FEW]:
        # A longer name that begins or ends like a shorter one; the token before belongs to the place.
        wider = Gap(gap.a_start - 1, gap.a_stop, gap.b_start - 1, gap.b_stop)
        if difference(_place(a, *wider[:2]), _place(b, *wider[2:])) is Difference.NAME:
            kinds[wider] = Difference.NAME
    names = [gap for gap, kind in kinds.items() if kind is Difference.NAME]
    if names and len(names) >= _NAMES_SHARE * len(kinds):
        return names
    return list(kinds) if Difference.WORDING not in kinds.values() else []


def _place(text: Tokens, start: int, stop: int) -> Place:
    """A gap with its neighbours, as Simplified characters; numbers and Latin words become signs."""
    first = max(0, start - _CONTEXT)
    return Place(text.sentence[first : stop + _CONTEXT], start - first, stop - first)


def _is_substitution(gap: Gap) -> bool:
    a_size, b_size = gap.a_stop - gap.a_start, gap.b_stop - gap.b_start
    return 0 < a_size <= _SUBSTITUTION and 0 < b_size <= _SUBSTITUTION


def _is_insertion(gap: Gap) -> bool:
    sizes = sorted((gap.a_stop - gap.a_start, gap.b_stop - gap.b_start))
    return sizes[0] == 0 and sizes[1] <= _INSERTION and min(gap.a_start, gap.b_start) > 0


def _damaged(a: Tokens, b: Tokens, gap: Gap, *more: re.Pattern[str]) -> bool:
    """What stands in a damaged place is no evidence that the articles differ."""
    texts = a.around(gap.a_start, gap.a_stop), b.around(gap.b_start, gap.b_stop)
    return any(pattern.search(text) for pattern in (_DAMAGE, *more) for text in texts)


def _other_number(a: Tokens, b: Tokens, gap: Gap) -> bool:
    """Whether both texts say a number in the place, and not the same one."""
    inside = gap.a_start > 0 and gap.b_start > 0 and gap.a_stop < a.codes.size and gap.b_stop < b.codes.size
    # What stands before and behind an article are other things: chrome, other articles.
    if _is_substitution(gap) or (inside and gap.a_stop > gap.a_start and gap.b_stop > gap.b_start):
        a_numbers, b_numbers = _numbers(a, gap.a_start, gap.a_stop), _numbers(b, gap.b_start, gap.b_stop)
        if (a_numbers - b_numbers) and (b_numbers - a_numbers):
            return True
    a_run, b_run = _numeral(a, gap.a_start, gap.a_stop), _numeral(b, gap.b_start, gap.b_stop)
    if not a_run or not b_run:
        return False
    return not (counts_nothing(_place(a, *a_run)) and counts_nothing(_place(b, *b_run)))


def _numbers(text: Tokens, start: int, stop: int) -> Counter[int]:
    if NUMBER not in (signs := text.sentence[start:stop]):
        return Counter()
    codes = zip(signs, text.codes[start:stop].tolist(), strict=True)
    return Counter(code for sign, code in codes if sign == NUMBER)


def _numeral(text: Tokens, start: int, stop: int) -> tuple[int, int] | None:
    """The number in Chinese numerals of which a place is a part; None if it is no such part."""
    signs = text.sentence
    if stop - start > _SUBSTITUTION or not _NUMERAL.issuperset(signs[start:stop]):
        return None
    while start > 0 and signs[start - 1] in _NUMERAL:
        start -= 1
    while stop < len(signs) and signs[stop] in _NUMERAL:
        stop += 1
    return (start, stop) if stop > start else None


__all__ = ["COVER_CELLS", "Prepared", "Relation", "Verdict", "compare"]
