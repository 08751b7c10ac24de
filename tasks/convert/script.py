"""Which script a text is written in: Simplified, Traditional, both, Japanese, or no telling.

Evidence are the characters that occur in one script only, taken from the dictionaries themselves:
Simplified are keys of the S->T table that never stand for themselves there and are no key of the
T->S table; Traditional the other way round. Forms that are standard in Taiwan or Hong Kong as well
as on the mainland (群 峰 床 温 ...) tell nothing, nor do those of config/lexicon/shared_characters.txt.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from config.settings import CONFIG
from tasks.convert.dictionaries import character_table

_HAN_RANGES: Final = (
    (0x3007, 0x3008), (0x3400, 0x4DC0), (0x4E00, 0xA000), (0xF900, 0xFB00), (0x20000, 0x323B0)
)  # fmt: skip
_KANA_RANGES: Final = ((0x3041, 0x3097), (0x30A1, 0x30FB), (0xFF66, 0xFF9E))
_OTHER, _HAN, _HANS, _HANT, _KANA = range(5)
_LETTERS: Final = np.array([0, 1 << 32, 1 << 32, 1 << 32, 1], np.uint64)
"""What a character of each kind counts: Han << 32 | kana."""
_SCRIPTS: Final = np.array([0, 0, 1 << 32, 1, 0], np.uint64)
"""The same: Simplified << 32 | Traditional."""
LEAST_KANA: Final = 2
"""A single の is an ornament of Chinese brand names."""
_PACKAGE: Final = "opencc-python-reimplemented"


class Script(StrEnum):
    """Script of a text."""

    HANS = "hans"
    HANT = "hant"
    MIXED = "mixed"
    NONE = "none"
    """No character tells: nothing Chinese, or only characters that both scripts share."""
    JA = "ja"


class Evidence(NamedTuple):
    """How many characters of a text tell what."""

    han: int
    kana: int
    hans: int
    hant: int


@lru_cache(maxsize=1)
def telling() -> tuple[frozenset[str], frozenset[str]]:
    """Characters that occur in Simplified only, and in Traditional only."""
    to_hant, to_hans = character_table(_PACKAGE, "s2t"), character_table(_PACKAGE, "t2s")
    regional = {
        character
        for config in ("t2tw", "t2hk")
        for values in character_table(_PACKAGE, config).values()
        for character in values
    }
    lines = (CONFIG / "lexicon" / "shared_characters.txt").read_text(encoding="utf-8").splitlines()
    shared = regional.union(line for line in lines if not line.startswith("#"))
    hans = {key for key, values in to_hant.items() if key not in values and key not in to_hans}
    hant = {key for key, values in to_hans.items() if key not in values and key not in to_hant}
    return frozenset(hans - shared), frozenset(hant)


@lru_cache(maxsize=1)
def _table() -> npt.NDArray[np.uint8]:
    """Kind of every code point."""
    table = np.full(0x110000, _OTHER, np.uint8)
    for kind, ranges in ((_HAN, _HAN_RANGES), (_KANA, _KANA_RANGES)):
        for start, end in ranges:
            table[start:end] = kind
    for kind, characters in zip((_HANS, _HANT), telling(), strict=True):
        table[[ord(character) for character in characters]] = kind
    return table


def _kinds(text: str) -> npt.NDArray[np.uint8]:
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    # No code point lies outside of the table; `clip` only spares the check.
    return _table().take(codes, mode="clip")


def weigh(text: str) -> Evidence:
    """Evidence in a whole text."""
    _, han, hans, hant, kana = np.bincount(_kinds(text), minlength=5).tolist()
    return Evidence(han + hans + hant, kana, hans, hant)


def weigh_each(text: str, starts: Sequence[int]) -> list[Evidence]:
    """Evidence in each piece of a text.

    `starts` are the offsets where the pieces begin, strictly ascending from 0; only the last may be
    the length of the text.
    """
    kinds = _kinds(text + "\n")
    offsets = np.asarray(starts, np.intp)
    # Two counts in one sum, 32 bits each.
    han, kana = divmod(np.add.reduceat(_LETTERS[kinds], offsets), 1 << 32)
    hans, hant = divmod(np.add.reduceat(_SCRIPTS[kinds], offsets), 1 << 32)
    return list(map(Evidence, han.tolist(), kana.tolist(), hans.tolist(), hant.tolist()))


def judge(evidence: Evidence, *, mixed_share: float, kana_share: float) -> Script:
    """The script that the evidence speaks for; the shares are explained in ConvertSettings."""
    if evidence.kana >= max(LEAST_KANA, kana_share * evidence.han):
        return Script.JA
    told = evidence.hans + evidence.hant
    if not told:
        return Script.NONE
    share = evidence.hant / told
    if share <= mixed_share:
        return Script.HANS
    return Script.HANT if share >= 1 - mixed_share else Script.MIXED


def total(rows: Iterable[Evidence]) -> Evidence:
    """The evidence of several pieces together."""
    return Evidence(*map(sum, zip((0, 0, 0, 0), *rows, strict=True)))
