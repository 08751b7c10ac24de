"""Which script a text is written in: Simplified, Traditional, both, Japanese, or no telling.

Evidence are the characters that occur in one script only, taken from the dictionaries themselves:
Simplified are keys of the S->T table that never stand for themselves there and are no key of the
T->S table; Traditional the other way round, less the forms that are a regional standard of both.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from tasks.convert.dictionaries import character_table

_OTHER, _HAN, _HANS, _HANT, _KANA = range(5)
_HAN_RANGES: Final = ((0x3007, 0x3008), (0x3400, 0x4DC0), (0x4E00, 0xA000), (0xF900, 0xFB00), (0x20000, 0x323B0))
_KANA_RANGES: Final = ((0x3041, 0x3097), (0x30A1, 0x30FB), (0xFF66, 0xFF9E))
_PACKAGE: Final = "opencc-python-reimplemented"


class Script(StrEnum):
    """Script of a text."""

    HANS = "hans"
    HANT = "hant"
    MIXED = "mixed"
    NONE = "none"
    """No character tells: nothing Chinese, or only characters both scripts share."""
    JA = "ja"


class Evidence(NamedTuple):
    """How many characters of a text tell what."""

    han: int
    hans: int
    hant: int
    kana: int


@lru_cache(maxsize=1)
def telling() -> tuple[frozenset[str], frozenset[str]]:
    """Characters that occur in Simplified only, and in Traditional only."""
    to_hant = character_table(_PACKAGE, "s2t")
    to_hans = character_table(_PACKAGE, "t2s")
    shared: set[str] = set()
    for config in ("t2tw", "t2hk"):
        shared.update(character for value in character_table(_PACKAGE, config).values() for character in value)
    hans = {key for key, values in to_hant.items() if key not in values and key not in to_hans}
    hant = {key for key, values in to_hans.items() if key not in values and key not in to_hant}
    return frozenset(hans - shared), frozenset(hant)


@lru_cache(maxsize=1)
def _classes() -> npt.NDArray[np.uint8]:
    table = np.zeros(0x110000, np.uint8)
    for ranges, kind in ((_HAN_RANGES, _HAN), (_KANA_RANGES, _KANA)):
        for start, end in ranges:
            table[start:end] = kind
    for characters, kind in zip(telling(), (_HANS, _HANT), strict=True):
        table[[ord(character) for character in characters]] = kind
    return table


def weigh(text: str, starts: Sequence[int] = (0,)) -> list[Evidence]:
    """Evidence in each piece of a text; `starts` are the offsets where the pieces begin, ascending from 0."""
    if not text:
        return [Evidence(0, 0, 0, 0) for _ in starts]
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    kinds = _classes()[codes]
    bounds = [*starts, len(text)]
    rows = []
    for start, end in zip(bounds, bounds[1:], strict=False):
        counts = np.bincount(kinds[start:end], minlength=5).tolist()
        rows.append(Evidence(counts[_HAN] + counts[_HANS] + counts[_HANT], counts[_HANS], counts[_HANT], counts[_KANA]))
    return rows


def judge(evidence: Evidence, *, mixed_share: float = 0.1, kana_share: float = 0.05) -> Script:
    """The script the evidence speaks for."""
    if evidence.kana and evidence.kana >= kana_share * evidence.han:
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
