"""How mirror sites damage a page: the forward model.

A bot converts an article to Traditional, encodes it as GBK and edits the bytes without respect for
character boundaries: it inserts `(pinyin)` after every pair of a table, and cuts the text before
punctuation pairs, wherever those bytes happen to stand. Decoding then shows an orphan lead byte as
`?`, which swallows a following byte below 40 hex, and reads everything after it one byte late.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from tasks.clean.repair.codepage import BYTES, EURO, TRIGGERS

_TRIGGER: Final = re.compile(
    b"(?=(" + b"|".join(mark.encode("gb18030") for mark in TRIGGERS) + b"))", re.DOTALL
)
_TOKEN: Final = re.compile(
    rb"(?P<whole>(?:[\x00-\x7f]|[\x81-\xfe][\x40-\x7e\x80-\xfe])+)|(?P<euro>\x80)|[\x81-\xfe][\x00-\x3f\x7f]|.",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where damage was, or may be, done."""

    kind: str
    """`cut`: before a trigger that stands across two characters; `boundary`: before a whole trigger,
    seen only where the text is shifted; `gloss`: after its character; `shift`: inside other characters."""
    start: int
    """Offset in the clean text of the character in which, or after which, it happens."""
    what: str
    """The trigger or the glossed character."""


@dataclass(frozen=True, slots=True)
class Damaged:
    """A damaged text and what was done to it, in the order of the text."""

    text: str
    places: tuple[Place, ...]


def surface(raw: bytes) -> str:
    """What a reader sees of GBK bytes: orphans become `?` and swallow a byte below 40 hex, 80 is the euro sign."""
    shown = []
    for token in _TOKEN.finditer(raw):
        if token.lastgroup == "whole":
            shown.append(token[0].decode("gb18030", "replace"))
        else:
            shown.append(EURO if token.lastgroup == "euro" else "?")
    return "".join(shown)


def encode(text: str) -> bytes:
    """GBK bytes of a text, private-use characters included.

    Raises ValueError naming the first character that has no pair of bytes.
    """
    raw = text.encode("gb18030")
    if len(raw) != sum(1 if character < "\x80" else 2 for character in text):
        alien = next(c for c in text if c >= "\x80" and c not in BYTES)
        raise ValueError(f"{alien!r} (U+{ord(alien):04X}) has no GBK encoding; see mirror_text")
    return raw


def damage(text: str, glosses: Mapping[str, str], choose: Callable[[Place], bool]) -> Damaged:
    """Damage a clean text as a mirror would.

    `text` must be encodable in GBK, `glosses` maps single characters to syllables (the table of the
    site, applied in its order), `choose` is asked for every trigger that could be cut, in the order
    of the text. Raises ValueError for characters outside GBK.
    """
    raw = encode(text)
    starts: dict[int, int] = {}
    offset = 0
    for index, character in enumerate(text):
        starts[offset] = index
        offset += 1 if character < "\x80" else 2

    def place(kind: str, at: int, what: str) -> Place:
        return Place(kind, starts[at] if at in starts else starts[at - 1], what)

    cuts = []
    done: list[tuple[int, Place]] = []
    for match in _TRIGGER.finditer(raw):
        kind = "boundary" if match.start() in starts else "cut"
        candidate = place(kind, match.start(), match[1].decode("gb18030"))
        if choose(candidate):
            cuts.append(match.start())
            if match.start() not in starts:
                done.append((match.start(), candidate))
    shown = []
    begin = 0
    for end in [*cuts, len(raw)]:
        inserted: dict[int, bytes] = {}
        for character, syllable in glosses.items():
            pattern = encode(character)
            at = raw.find(pattern, begin, end)
            while at >= 0:
                if at + 1 not in inserted and at + 2 not in inserted:
                    inserted[at + 2] = b"(" + syllable.encode("gb18030") + b")"
                    done.append((at + 1, place("gloss" if at in starts else "shift", at, character)))
                    at = raw.find(pattern, at + 2, end)
                else:
                    at = raw.find(pattern, at + 1, end)
        parts = []
        last = begin
        for at in sorted(inserted):
            parts += [raw[last:at], inserted[at]]
            last = at
        shown.append(surface(b"".join([*parts, raw[last:end]])))
        begin = end
    done.sort(key=lambda item: item[0])
    return Damaged("".join(shown), tuple(item for _, item in done))


def mirror_text(text: str, convert: Callable[[str], str], left_alone: str = "后里干于愿并") -> str:
    """Simplified text as a mirror's bot makes it Traditional: character by character, into GBK.

    `convert` turns Simplified into Traditional; characters in `left_alone`, and those whose
    conversion is not one character of GBK, stay. What GBK cannot hold becomes 〇.
    """
    table: dict[str, str] = {}
    for character in set(text):
        converted = character if character in left_alone or character < "\x80" else convert(character)
        if character >= "\x80" and (len(converted) != 1 or converted not in BYTES):
            converted = character if character in BYTES else "〇"
        table[character] = converted
    return "".join(table[character] for character in text)


__all__ = ["Damaged", "Place", "damage", "encode", "mirror_text", "surface"]
