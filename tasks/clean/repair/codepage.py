"""The double-byte code page (GBK as gb18030 knows it) and the two scripts, as tables.

A pair is a lead byte 81..FE and a trail byte 40..7E or 80..FE. Every pair is a character for
gb18030; those of the user-defined areas become private-use characters, which carry their bytes.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

TRAILS: Final = bytes([*range(0x40, 0x7F), *range(0x80, 0xFF)])
"""All trail bytes."""

EURO: Final = "€"
"""How a single byte 80 surfaces."""

WIDE: Final[dict[str, str]] = {chr(code): chr(code + 0xFEE0) for code in range(0x21, 0x7F)} | {" ": "\u3000"}
"""ASCII to its full-width form: what stood there before punctuation was narrowed."""

NARROW: Final[dict[str, str]] = {wide: narrow for narrow, wide in WIDE.items()}
"""Full-width forms to ASCII."""

TRIGGERS: Final = "，。！：；？"
"""The punctuation whose bytes mirrors look for: A3AC A1A3 A3A1 A3BA A3BB A3BF."""


def _pairs() -> dict[int, str]:
    table: dict[int, str] = {}
    for lead in range(0x81, 0xFF):
        for trail in TRAILS:
            character = bytes((lead, trail)).decode("gb18030", "replace")
            if len(character) == 1 and character != "\ufffd":
                table[lead << 8 | trail] = character
    return table


PAIRS: Final = _pairs()
"""Pair of bytes as one number to its character."""

BYTES: Final[dict[str, int]] = {character: pair for pair, character in PAIRS.items()}
"""Character to its pair of bytes as one number."""


def pair(lead: int, trail: int) -> str | None:
    """The character of two bytes, None where there is none."""
    return PAIRS.get(lead << 8 | trail)


@dataclass(frozen=True, slots=True)
class Scripts:
    """What the character tables of the opencc package say about single characters."""

    simplified: dict[int, str]
    """Traditional to Simplified, as a table for str.translate; one character to one."""
    first: dict[str, str]
    """Simplified to the Traditional form named first, where that differs and nothing else is possible."""
    common: frozenset[str]
    """Traditional forms that a conversion from Simplified can give."""

    def is_traditional(self, character: str) -> bool:
        """Whether the character has another, Simplified form."""
        return ord(character) in self.simplified


@lru_cache(1)
def scripts() -> Scripts:
    """The tables, read once from the data files of the installed opencc package.

    Raises FileNotFoundError when the package is not installed.
    """
    spec = importlib.util.find_spec("opencc")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError(
            "the package opencc-python-reimplemented is not installed; run `make install`"
        )
    folder = Path(spec.submodule_search_locations[0]) / "dictionary"

    def rows(name: str) -> list[tuple[str, list[str]]]:
        lines = (folder / name).read_text(encoding="utf-8").splitlines()
        return [
            (key, values.split()) for key, _, values in (line.partition("\t") for line in lines) if values
        ]

    to_simplified = {
        ord(key): values[0]
        for key, values in rows("TSCharacters.txt")
        if len(values[0]) == 1 and values[0] != key
    }
    pairs = rows("STCharacters.txt")
    return Scripts(
        simplified=to_simplified,
        first={key: values[0] for key, values in pairs if len(values) == 1 and values[0] != key},
        common=frozenset(value for _, values in pairs for value in values),
    )


__all__ = ["BYTES", "EURO", "NARROW", "PAIRS", "TRAILS", "TRIGGERS", "WIDE", "Scripts", "pair", "scripts"]
