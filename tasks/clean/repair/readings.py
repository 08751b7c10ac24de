"""Pinyin readings of single characters, from the table of pypinyin."""

from __future__ import annotations

import importlib.util
import json
import unicodedata
from functools import lru_cache
from pathlib import Path
from typing import Final

from tasks.clean.repair.codepage import scripts

LETTERS: Final = "a-zāáǎàăēéěèĕếềê̄ḿńňǹīíǐìĭōóǒòŏūúǔùŭüǖǘǚǜɡ"
"""Letters of a syllable with tone mark, as the inside of a character class."""

SYLLABLE: Final = f"[{LETTERS}]{{1,6}}"

_SAME: Final = str.maketrans("ăĕĭŏŭɡ", "ǎěǐǒǔg")


@lru_cache(1)
def _table() -> dict[int, str]:
    # The data file alone: importing the package loads its phrases too, 0.6 s and 40 MB.
    spec = importlib.util.find_spec("pypinyin")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("the package pypinyin is not installed; run `make install`")
    path = Path(spec.submodule_search_locations[0]) / "pinyin_dict.json"
    return {int(code): values for code, values in json.loads(path.read_text(encoding="utf-8")).items()}


@lru_cache(20_000)
def readings(character: str) -> tuple[str, ...]:
    """All readings of a character, the usual one first; of its Simplified form too where that has others."""
    found = _table().get(ord(character), "").split(",")
    simplified = scripts().simplified.get(ord(character))
    if simplified:
        found += _table().get(ord(simplified), "").split(",")
    return tuple(dict.fromkeys(reading.translate(_SAME) for reading in found if reading))


@lru_cache(20_000)
def _toneless(character: str) -> frozenset[str]:
    return frozenset(map(plain, readings(character)))


def plain(syllable: str) -> str:
    """A syllable without its tone mark."""
    decomposed = unicodedata.normalize("NFD", syllable.translate(_SAME))
    return "".join(mark for mark in decomposed if not unicodedata.combining(mark))


@lru_cache(50_000)
def reads(character: str, syllable: str) -> bool:
    """Whether the syllable, tone included, is a reading of the character."""
    return syllable.strip().translate(_SAME) in readings(character)


@lru_cache(50_000)
def sounds(character: str, syllable: str) -> bool:
    """Whether the syllable is a reading of the character when tones are left aside."""
    return plain(syllable.strip()) in _toneless(character)


__all__ = ["LETTERS", "SYLLABLE", "plain", "readings", "reads", "sounds"]
