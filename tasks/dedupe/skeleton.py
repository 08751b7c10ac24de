"""The skeleton of a text: what is left when script, glosses, punctuation and layout no longer count."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from config.settings import CONFIG

Codes = NDArray[np.uint32]
"""Unicode code points."""

_HAN: Final = ((0x3007, 0x3008), (0x3400, 0x4DC0), (0x4E00, 0xA000), (0xF900, 0xFB00), (0x20000, 0x33480))
LAST_DIGIT: Final = 0x39
"""Digits lie up to here in a content, Han characters above."""
LATIN_WORD: Final = re.compile(
    r"(?<![一-鿿][(（])(?<![A-Za-z\u00c0-\u024f\u1e00-\u1eff])[A-Za-z\u00c0-\u024f\u1e00-\u1eff]+"
)
"""A word in Latin letters that does not stand in brackets behind a Han character, as pinyin does."""
_CAPITAL: Final = re.compile("[A-Z]")
_DIGITS: Final = (0x30, 0xFF10)


@lru_cache(maxsize=1)
def _characters() -> dict[int, int]:
    """The frozen table: code point -> that of the Simplified character it counts as."""
    file = CONFIG / "lexicon" / "skeleton_characters.txt"
    lines = [line for line in file.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return {ord(character): ord(line[0]) for line in lines for character in line[1:]}


def folded(text: str) -> str:
    """A text with each character as the Simplified one it counts as, others as they are."""
    return _folding().take(code_points(text)).tobytes().decode("utf-32-le", "surrogatepass")


@lru_cache(maxsize=1)
def _folding() -> Codes:
    table = np.arange(0x110000, dtype=np.uint32)
    for character, simplified in _characters().items():
        table[character] = simplified
    return table


@lru_cache(maxsize=1)
def _table() -> Codes:
    """For every code point what it counts as: a Simplified Han character, an ASCII digit, or 0 (nothing)."""
    table = np.zeros(0x110000, dtype=np.uint32)
    for start, stop in _HAN:
        table[start:stop] = np.arange(start, stop, dtype=np.uint32)
    for zero in _DIGITS:
        table[zero : zero + 10] = np.arange(0x30, 0x3A, dtype=np.uint32)
    for character, simplified in _characters().items():
        table[character] = simplified
    table.setflags(write=False)
    return table


def code_points(text: str) -> Codes:
    """The code points of a text."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)


def counted_as(codes: Codes) -> Codes:
    """For every code point what it counts as: a Simplified Han character, an ASCII digit, 0 for nothing."""
    counted: Codes = np.take(_table(), codes)
    return counted


def content(text: str) -> Codes:
    """Han characters (Simplified) and digits (ASCII) of a text, in their order."""
    counted = counted_as(code_points(text))
    kept: Codes = counted[counted != 0]
    return kept


def skeleton(text: str) -> Codes:
    """Han characters of a text, Simplified by the frozen table, in their order; empty for other scripts."""
    counted = counted_as(code_points(text))
    han: Codes = counted[counted > LAST_DIGIT]
    return han


def latin_names(text: str) -> list[tuple[int, str]]:
    """Offset and small letters of the words in Latin letters that may be names: ASCII, with a capital.

    Pinyin, in brackets or with marks of tone, is none.
    """
    if not _CAPITAL.search(text):
        return []
    return [
        (match.start(), match[0].casefold())
        for match in LATIN_WORD.finditer(text)
        if match[0].isascii() and not match[0].islower()
    ]


def skeleton_hash(text: str) -> str:
    """32 hex digits, equal for texts that are the same but for script, glosses, punctuation and layout.

    Digits and Latin names count, so two filled forms that differ in a number or a brand differ. A text
    without Han characters is hashed by its letters and digits instead; one without any has the empty
    string, which equals nothing.
    """
    return hash_content(content(text), text)


def hash_content(codes: Codes, text: str) -> str:
    """`skeleton_hash` of a text whose content is known."""
    if codes.size and int(codes.max()) > LAST_DIGIT:
        names = " ".join(name for _, name in latin_names(text))
        return hashlib.blake2b(codes.tobytes() + names.encode(), digest_size=16).hexdigest()
    letters = "".join(character for character in text.casefold() if character.isalnum())
    if not letters:
        return ""
    return hashlib.blake2b(letters.encode(), digest_size=16, person=b"letters").hexdigest()


__all__ = [
    "LAST_DIGIT",
    "LATIN_WORD",
    "Codes",
    "code_points",
    "content",
    "counted_as",
    "folded",
    "hash_content",
    "latin_names",
    "skeleton",
    "skeleton_hash",
]
