"""A text as lines with what they look like: the view on which chrome is recognised."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

from tasks.clean.characters import HAN
from tasks.clean.lexicon import Chrome, fold

LONGEST: Final = 400
"""Longer lines are paragraphs: no pattern of chrome is tried on them."""

_HAN: Final = re.compile(f"[{HAN}]")
_PROSE_HAN: Final = 15
_LONG_HAN: Final = 45
_SPLIT: Final = re.compile(r"[\s|/·,、>]+")


class Look(Enum):
    """What a line looks like, before its place is considered."""

    BLANK = "blank"
    PROSE = "prose"
    SHORT = "short"
    ANYWHERE = "anywhere"
    EDGE = "edge"
    WEAK = "weak"


@dataclass(slots=True)
class Line:
    """One line of a text; `rule` and `reason` are set when it is to go."""

    start: int
    end: int
    text: str
    words: str
    """The line without white space around it and with single spaces inside."""
    key: str
    """`words` folded, of the same length; empty for lines longer than LONGEST."""
    look: Look
    kind: str = ""
    """Group of the pattern that matched."""
    rule: str = ""
    reason: str = ""

    @property
    def gone(self) -> bool:
        """Whether the line is to be removed."""
        return bool(self.rule)

    def drop(self, rule: str, reason: str) -> None:
        """Mark the line as one to go; the first reason stands."""
        if not self.rule:
            self.rule, self.reason = rule, reason


def han_count(text: str) -> int:
    """Number of Han characters."""
    return len(_HAN.findall(text))


def read_lines(text: str, chrome: Chrome) -> list[Line]:
    """The lines of a text, classified one by one."""
    lines = []
    position = 0
    for row in text.split("\n"):
        end = position + len(row)
        words = " ".join(row.split()) if len(row) <= LONGEST else row
        key = fold(words) if len(row) <= LONGEST else ""
        look, kind = _classify(row, key, chrome)
        lines.append(Line(position, end, row, words, key, look, kind))
        position = end + 1
    return lines


def tokens(key: str) -> list[str]:
    """The words of a bar: what white space, strokes and commas part."""
    return [word for word in _SPLIT.split(key.lower()) if word]


def _classify(row: str, key: str, chrome: Chrome) -> tuple[Look, str]:
    if not key:
        return (Look.PROSE, "") if row.strip() else (Look.BLANK, "")
    if match := chrome.anywhere.fullmatch(key):
        return Look.ANYWHERE, match.lastgroup or ""
    if len(key) <= 200:
        words = tokens(key.replace(":", " "))
        if len(words) > 1 and all(word in chrome.share_words for word in words) and not key.isascii():
            return Look.ANYWHERE, "share"
        if len(words) >= 4 and 5 * sum(word in chrome.nav_words for word in words) >= 3 * len(words):
            return Look.EDGE, "nav"
    match = chrome.edge.fullmatch(key)
    # A sentence may begin like a breadcrumb or a pager; only notices and footers are sentences.
    if match and (match.lastgroup in ("notice", "footer") or key[-1] != "。"):
        return Look.EDGE, match.lastgroup or ""
    if len(key) > LONGEST // 2:
        return Look.PROSE, ""
    if match := chrome.weak.fullmatch(key):
        return Look.WEAK, match.lastgroup or ""
    return (Look.PROSE if _is_prose(key) else Look.SHORT), ""


def _is_prose(key: str) -> bool:
    """Whether a short line is a sentence rather than a headline, a caption, a label."""
    han = han_count(key)
    if han < _PROSE_HAN:
        return False
    if key.rstrip("”’\"')]」』")[-1:] in "。!?;…" and (key[-1:] not in "!?" or "," in key):
        return True
    return "。" in key or han >= _LONG_HAN or key.count(",") >= 2
