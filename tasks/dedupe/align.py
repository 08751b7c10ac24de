"""Where two texts say the same, and what stands in one of them only."""

from __future__ import annotations

import re
import unicodedata
import zlib
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.dedupe.names import LATIN, NUMBER
from tasks.dedupe.signatures import SHINGLE, Shingles, shingle_sequence
from tasks.dedupe.skeleton import LATIN_WORD, Codes, code_points, counted_as, latin_names

Places = NDArray[np.int32]

_NUMBER: Final = re.compile(r"\d+(?:[.:．：]\d+|[,，]\d{3}(?!\d))*")
_IS_NUMBER: Final = np.uint32(1 << 31)
_IS_LATIN: Final = np.uint32(1 << 30)
_FEW: Final = 8
"""One differing token in so many, or fewer."""


@dataclass(frozen=True)
class Tokens:
    """A text as tokens that can be compared: Han characters (Simplified), whole numbers, Latin names.

    What is worked out of them is kept, as a text is compared with many.
    """

    text: str
    codes: Codes
    """One code a token: the character, or a hash with a high bit set for a number or a Latin name."""
    starts: Places
    """Offset of each token in the text, and behind the last one the length of the text."""

    @cached_property
    def sentence(self) -> str:
        """One character a token: Simplified Han, NUMBER, LATIN."""
        numbers, latin = self.codes >= _IS_NUMBER, self.codes >= _IS_LATIN
        signs = np.where(numbers, ord(NUMBER), np.where(latin, ord(LATIN), self.codes))
        return signs.astype("<u4").tobytes().decode("utf-32-le")

    @cached_property
    def unique(self) -> tuple[Shingles, Places]:
        """Hashes of the runs of SHINGLE tokens that occur once, ascending, with their places."""
        hashes = shingle_sequence(self.codes)
        if not hashes.size:
            return hashes, np.empty(0, np.int32)
        order = np.argsort(hashes)
        ranked = hashes[order]
        differs = ranked[1:] != ranked[:-1]
        single = np.concatenate([[True], differs]) & np.concatenate([differs, [True]])
        return ranked[single], order[single].astype(np.int32)

    def slice(self, start: int, stop: int) -> str:
        """The text of the tokens start..stop, with what stands between them."""
        if start >= stop:
            return ""
        last = int(self.starts[stop - 1])
        whole = _NUMBER.match(self.text, last) or LATIN_WORD.match(self.text, last)
        return self.text[int(self.starts[start]) : whole.end() if whole else last + 1]

    def around(self, start: int, stop: int) -> str:
        """The text of the tokens start..stop with what stands before and behind them."""
        return self.text[int(self.starts[start - 1]) + 1 if start else 0 : int(self.starts[stop])]


class Gap(NamedTuple):
    """Tokens of the first text and tokens of the second that stand in the same place and differ."""

    a_start: int
    a_stop: int
    b_start: int
    b_stop: int


class Block(NamedTuple):
    """Equal tokens: `length` from `a` in the first text and from `b` in the second."""

    a: int
    b: int
    length: int


def tokens(text: str) -> Tokens:
    """Split a text into comparable tokens."""
    counted = counted_as(code_points(text)).copy()
    for number in _NUMBER.finditer(text):
        start, stop = number.span()
        counted[start:stop] = 0
        written = unicodedata.normalize("NFKC", number[0]).replace(",", "")
        counted[start] = np.uint32(zlib.crc32(written.encode())) | _IS_NUMBER
    for start, name in latin_names(text):
        counted[start] = np.uint32(zlib.crc32(name.encode()) & 0x3FFFFFFF) | _IS_LATIN
    places = np.flatnonzero(counted)
    return Tokens(text, counted[places], np.append(places, len(text)).astype(np.int32))


def align(a: Tokens, b: Tokens) -> list[Block]:
    """Longest chain of equal passages, in order in both texts.

    Two texts of one length that differ in few tokens are laid side by side, as filled forms are. Else
    passages start from runs of SHINGLE tokens that occur once in each text (as in patience diff), are
    chained so that most tokens are covered, then grown to both sides.
    """
    if a.codes.size == b.codes.size:
        same = a.codes == b.codes
        if _FEW * np.count_nonzero(~same) <= same.size:
            return _stretches(same)
    a_places, b_places = _common(a, b)
    if not a_places.size:
        return []
    breaks = np.flatnonzero((np.diff(a_places) != 1) | (np.diff(b_places) != 1)) + 1
    firsts = np.concatenate([[0], breaks])
    lasts = np.concatenate([breaks, [a_places.size]]) - 1
    a_from, b_from = a_places[firsts], b_places[firsts]
    length = a_places[lasts] - a_from + SHINGLE
    chain = _chain(b_from, length)
    return _grow(a.codes, b.codes, [Block(int(a_from[i]), int(b_from[i]), int(length[i])) for i in chain])


class Span(NamedTuple):
    """Corresponding pieces of two texts, as character offsets."""

    a_start: int
    a_stop: int
    b_start: int
    b_stop: int
    equal: bool
    """Whether the pieces say the same, whatever script, glosses and punctuation; else they differ."""


def aligned(a: str, b: str) -> list[Span]:
    """Two texts piece by piece: together the spans cover both, in order. Script does not matter."""
    one, other = tokens(a), tokens(b)
    spans: list[Span] = []
    a_at = b_at = 0
    for block in [*align(one, other), Block(one.codes.size, other.codes.size, 0)]:
        a_from, b_from = int(one.starts[block.a]), int(other.starts[block.b])
        if a_from > a_at or b_from > b_at:
            spans.append(Span(a_at, a_from, b_at, b_from, equal=False))
        a_at = int(one.starts[block.a + block.length])
        b_at = int(other.starts[block.b + block.length])
        if block.length:
            spans.append(Span(a_from, a_at, b_from, b_at, equal=True))
    return spans


def gaps(a: Tokens, b: Tokens, blocks: list[Block]) -> list[Gap]:
    """What stands before, between and behind the blocks, where anything does."""
    found: list[Gap] = []
    a_at = b_at = 0
    for block in [*blocks, Block(a.codes.size, b.codes.size, 0)]:
        if block.a > a_at or block.b > b_at:
            found.append(Gap(a_at, block.a, b_at, block.b))
        a_at, b_at = block.a + block.length, block.b + block.length
    return found


def _stretches(same: NDArray[np.bool_]) -> list[Block]:
    """The stretches of SHINGLE and more equal tokens of two texts side by side."""
    borders = np.flatnonzero(np.diff(np.concatenate([[False], same, [False]])))
    pairs = zip(borders[::2].tolist(), borders[1::2].tolist(), strict=True)
    return [Block(start, start, stop - start) for start, stop in pairs if stop - start >= SHINGLE]


def _common(a: Tokens, b: Tokens) -> tuple[Places, Places]:
    """Places of the runs that occur once in each of two texts, in the order of the first."""
    (a_hashes, a_places), (b_hashes, b_places) = a.unique, b.unique
    if not a_hashes.size or not b_hashes.size:
        return a_places[:0], b_places[:0]
    found = np.searchsorted(a_hashes, b_hashes)
    same = a_hashes.take(found, mode="clip") == b_hashes
    partner = np.full(a.codes.size, -1, np.int32)
    partner[a_places[found[same]]] = b_places[same]
    a_common = np.flatnonzero(partner >= 0)
    b_common = partner[a_common]
    # Two runs in some billions have one hash and are not the same.
    real = a.codes[a_common] == b.codes[b_common]
    return a_common[real].astype(np.int32), b_common[real]


def _chain(b_from: Places, length: Places) -> list[int]:
    """Indices of the heaviest chain: passages in order of the first text that ascend in the second."""
    count = b_from.size
    best = length.astype(np.int64)
    before = np.full(count, -1)
    ends = b_from + length
    if (ends[:-1] <= b_from[1:] + SHINGLE - 1).all() and (b_from[:-1] < b_from[1:]).all():
        return list(range(count))
    for i in range(1, count):
        # Neighbouring passages may share up to SHINGLE - 1 tokens; _grow trims them.
        usable = np.where(ends[:i] <= b_from[i] + SHINGLE - 1, best[:i], 0)
        j = int(usable.argmax())
        if usable[j] > 0:
            best[i] += usable[j]
            before[i] = j
    chain: list[int] = []
    at = int(best.argmax())
    while at >= 0:
        chain.append(at)
        at = int(before[at])
    return chain[::-1]


def _grow(a: Codes, b: Codes, blocks: list[Block]) -> list[Block]:
    grown: list[Block] = []
    a_at = b_at = 0
    for number, block in enumerate(blocks):
        overlap = max(0, a_at - block.a, b_at - block.b)
        if overlap >= block.length:
            continue
        a_from, b_from = block.a + overlap, block.b + overlap
        back = _equal(a[a_at:a_from][::-1], b[b_at:b_from][::-1])
        following = blocks[number + 1] if number + 1 < len(blocks) else Block(a.size, b.size, 0)
        a_stop, b_stop = block.a + block.length, block.b + block.length
        ahead = _equal(a[a_stop : following.a], b[b_stop : following.b])
        a_at, b_at = a_stop + ahead, b_stop + ahead
        grown.append(Block(a_from - back, b_from - back, a_at - a_from + back))
    return grown


def _equal(a: Codes, b: Codes) -> int:
    """How many tokens are equal from the start."""
    size = min(a.size, b.size)
    if not size or a[0] != b[0]:  # nearly always: passages are as long as their shingles allow
        return 0
    differ = np.flatnonzero(a[:size] != b[:size])
    return int(differ[0]) if differ.size else size


__all__ = [
    "Block",
    "Gap",
    "Span",
    "Tokens",
    "align",
    "aligned",
    "gaps",
    "tokens",
]
