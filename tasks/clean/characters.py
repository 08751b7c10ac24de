"""Characters that mean the same as others or nothing at all: each kind one rule, with its reason.

Runs after the repair of byte damage, which needs every character where it was.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Any, Final

import numpy as np

from tasks.clean.edits import Rewriter
from tasks.tables import Change

HAN: Final = "\u2e80-\u2fdf\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""Han characters, as the inside of a character class."""

BLANK: Final = " \t\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
"""White space inside a line, as the inside of a character class."""

_REASONS: Final = {
    "unicode.zero_width": "an invisible character that joins or separates nothing here",
    "unicode.direction": "a direction mark in a text without right-to-left writing",
    "unicode.control": "a control character",
    "unicode.variation": "a variation selector: the same character in another drawing",
    "unicode.surrogate": "half of a surrogate pair: no character",
    "unicode.private_use": "a private-use character: no reader can know which one was meant",
    "unicode.fullwidth": "a full-width letter, digit or sign of the ASCII set",
    "unicode.kana": "half-width kana",
    "unicode.radical": "a radical symbol in place of the character",
    "unicode.form": "a presentation form of an ordinary character",
    "unicode.nfc": "a composed character written in parts (NFC)",
}
_SUSPECT: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2e80-\u2fd5\u301d-\u301f"
    "\ud800-\udfff\ue000-\uf8ff\ufb00-\ufb06\ufe00-\ufe19\ufe30\ufe35-\ufe44\ufe47\ufe48\ufe50-\ufe6b\ufeff"
    "\uff03-\uff07\uff0a\uff0b\uff0e-\uff19\uff1d\uff20-\uff3a\uff3f\uff41-\uff5a\uff61-\uff9f\ufff9-\ufffb"
    "\U000e0000-\U000e01ef\U000f0000-\U0010ffff]+"
)
_RIGHT_TO_LEFT: Final = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefe]")
_JOINING: Final = re.compile("[\u0600-\u08ff\u0900-\u0dff\u1000-\u109f\u1780-\u17ff]")
"""Scripts in which joiners carry meaning (Arabic, Indic, Burmese, Khmer)."""
_EMOJI: Final = re.compile("[\u00a9\u00ae\u203c-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff#*0-9]")
_IS_HAN: Final = re.compile(f"[{HAN}]")
# These have no decomposition in Unicode; the pairs follow EquivalentUnifiedIdeograph.txt (Unicode 15).
_RADICALS: Final = dict(
    zip(
        "⺟⺠⻁⻄⻅⻆⻉⻋⻓⻔⻘⻚⻛⻜⻝⻢⻣⻤⻥⻦⻧⻨⻩⻬⻮⻰⻳",
        "母民虎西见角贝车长门青页风飞食马骨鬼鱼鸟卤麦黄齐齿龙龟",
        strict=True,
    )
)
_ASCII_ALNUM: Final = re.compile(r"[A-Za-z0-9\uff10-\uff19\uff21-\uff3a\uff41-\uff5a]")


_NEXT_LINE: Final = re.compile("(?<![\x80-\xff])\x85(?![\x80-\xff])")


SUSPECTS, BLANKS, NARROW, QUOTES = 1, 2, 4, 8
"""Kinds of characters that one pass or another of normalisation looks for."""


@lru_cache(maxsize=1)
def _kind_table() -> np.ndarray[Any, np.dtype[np.uint8]]:
    """The kinds of every code point, added up."""
    table = np.zeros(0x110000, np.uint8)
    every = np.arange(table.size, dtype=np.uint32).tobytes().decode("utf-32-le", "surrogatepass")
    kinds = {
        SUSPECTS: _SUSPECT,
        BLANKS: re.compile(f"[{BLANK}]"),
        NARROW: re.compile("[,;:?!().]"),
        QUOTES: re.compile('["“”]'),
    }
    for kind, pattern in kinds.items():
        for match in pattern.finditer(every):
            table[match.start() : match.end()] |= kind
    return table


def kinds_in(text: str) -> int:
    """The kinds of characters that occur in a text, added up: far quicker than to look for each."""
    return int(np.bitwise_or.reduce(_kind_table().take(code_points(text), mode="clip")))


def code_points(text: str) -> np.ndarray[Any, np.dtype[np.uint32]]:
    """The code points of a text, one a character."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def newlines(text: str) -> str:
    """Text with every kind of line end as a line feed: how a text is read, not an edit of it."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    for mark in "\x0b\x0c\u2028\u2029":
        if mark in text:
            text = text.replace(mark, "\n")
    # Beside other characters of Latin-1 it is a byte of a character that was misread, no line end.
    return _NEXT_LINE.sub("\n", text) if "\x85" in text else text


def characters(text: str) -> Change:
    """Replace or drop characters of the kinds in `_REASONS` (the last one is `compose_marks`)."""
    rewriter = Rewriter(text)
    rtl = _RIGHT_TO_LEFT.search(text) is not None
    for match in _SUSPECT.finditer(text):
        run, position = match.group(), match.start()
        for rule, start, end, after in _classify(text, run, position, rtl):
            rewriter.replace(start, end, after, rule, _REASONS[rule], end - start)
    return rewriter.change()


def compose_marks(text: str) -> Change:
    """Unicode normal form C, line by line, as the smallest edit of each line."""
    if unicodedata.is_normalized("NFC", text):
        return Change(text)
    rewriter = Rewriter(text)
    start = 0
    for line in text.split("\n"):
        if not unicodedata.is_normalized("NFC", line):
            new = unicodedata.normalize("NFC", line)
            head = 0
            while head < min(len(line), len(new)) and line[head] == new[head]:
                head += 1
            tail = 0
            while tail < min(len(line), len(new)) - head and line[-1 - tail] == new[-1 - tail]:
                tail += 1
            rule = "unicode.nfc"
            rewriter.replace(
                start + head, start + len(line) - tail, new[head : len(new) - tail], rule, _REASONS[rule]
            )
        start += len(line) + 1
    return rewriter.change()


def _classify(text: str, run: str, start: int, rtl: bool) -> list[tuple[str, int, int, str]]:
    """(rule, start, end, replacement) for a run of suspects; neighbours under one rule become one edit."""
    out: list[tuple[str, int, int, str]] = []
    for offset, char in enumerate(run):
        position = start + offset
        found = _rule(text, position, char, rtl)
        if found is None:
            continue
        rule, after = found
        if out and out[-1][0] == rule and out[-1][2] == position:
            _rule_name, first, _end, before = out[-1]
            out[-1] = (rule, first, position + 1, before + after)
        else:
            out.append((rule, position, position + 1, after))
    return [
        (
            rule,
            first,
            end,
            unicodedata.normalize("NFKC", text[first:end]) if rule == "unicode.kana" else after,
        )
        for rule, first, end, after in out
    ]


def _rule(text: str, at: int, char: str, rtl: bool) -> tuple[str, str] | None:
    code = ord(char)
    left, right = text[at - 1 : at], text[at + 1 : at + 2]
    if code < 0xA0:
        return "unicode.control", ""
    if char in "\u200e\u200f\u061c" or 0x202A <= code <= 0x202E or 0x2066 <= code <= 0x206F:
        return None if rtl else ("unicode.direction", "")
    if char in "\u200c\u200d":
        base = text[at - 2 : at - 1] if left == "\ufe0f" else left
        joins = _JOINING.match(left) or (char == "\u200d" and _EMOJI.match(base) and _EMOJI.match(right))
        return None if joins else ("unicode.zero_width", "")
    if code <= 0x206F or char == "\ufeff" or 0xFFF9 <= code <= 0xFFFB:
        return "unicode.zero_width", ""
    if 0x2E80 <= code <= 0x2FD5:
        return _radical(char, left, right)
    if 0xD800 <= code <= 0xDFFF:
        return "unicode.surrogate", "\ufffd"
    if 0xE000 <= code <= 0xF8FF or code >= 0xF0000:
        # Between Han characters one is missing, and that is said; elsewhere it is an icon or a bullet.
        inside = _IS_HAN.match(left) and _IS_HAN.match(right)
        return "unicode.private_use", "□" if inside else ""
    if 0xFE00 <= code <= 0xFE0F or code >= 0xE0000:
        return None if left and _EMOJI.match(left) else ("unicode.variation", "")
    if char == "\ufe30":
        return "unicode.form", "："
    if "\u301d" <= char <= "\u301f":
        return "unicode.form", "“" if char == "\u301d" else "”"
    if 0xFF61 <= code <= 0xFF9F:
        return "unicode.kana", char
    if code >= 0xFF03:
        return _fullwidth(text, at, char)
    if 0xFE10 <= code <= 0xFE48 and not (_IS_HAN.match(left) or _IS_HAN.match(right)):
        return None  # a face drawn with brackets
    return "unicode.form", unicodedata.normalize("NFKC", char)


def _radical(char: str, left: str, right: str) -> tuple[str, str] | None:
    after = _RADICALS.get(char) or unicodedata.normalize("NFKC", char)
    if after == char or not (_IS_HAN.match(left) or _IS_HAN.match(right)):
        return None
    return "unicode.radical", after


def _fullwidth(text: str, at: int, char: str) -> tuple[str, str] | None:
    """Letters and digits always; signs only inside a run of them, where they belong to a number or a name."""
    if not _ASCII_ALNUM.match(char):
        left = at > 0 and _ASCII_ALNUM.match(text, at - 1)
        right = at + 1 < len(text) and _ASCII_ALNUM.match(text, at + 1)
        if not (left and (right or char == "％")):
            return None
    return "unicode.fullwidth", chr(ord(char) - 0xFEE0)
