"""A text as lines with what they look like: the view on which chrome is recognised."""

from __future__ import annotations

import re
from enum import Enum
from typing import Final

from tasks.clean.characters import HAN
from tasks.clean.lexicon import Chrome

LONGEST: Final = 400
"""Longer lines are paragraphs: no pattern of chrome is tried on them."""

_HAN: Final = re.compile(f"[{HAN}]")
_PROSE_HAN: Final = 15
_LONG_HAN: Final = 45
_PARAGRAPH: Final = 70
_BAR: Final = 200
_CUES: Final = (
    "版权", "转载", "声明", "侵权", "责任", "本网", "本站", "备案", "©", "copyright", "icp", "来源", "链接",
)  # fmt: skip
"""One of these is in every notice and footer."""
_TWICE: Final = re.compile(r"(?<![^\s|])([^\s\d|]{2,8})\1(?=[\s\d|]|\Z)")
_SPLIT: Final = re.compile(r"[\s|/·,、>:]+")


class Look(Enum):
    """What a line looks like, before its place is considered."""

    BLANK = "blank"
    PROSE = "prose"
    SHORT = "short"
    ANYWHERE = "anywhere"
    EDGE = "edge"
    WEAK = "weak"


class Line:
    """One line of a text; `rule` and `reason` are set when it is to go.

    What it looks like is worked out when it is asked for: most lines of most texts stand between
    paragraphs, where few patterns apply.
    """

    __slots__ = (
        "_chrome", "_key", "_look", "_words", "end", "folded", "kind", "paragraph", "reason", "rule", "start", "text",
    )  # fmt: skip

    def __init__(self, start: int, text: str, folded: str, chrome: Chrome) -> None:
        self.start: Final = start
        self.end: Final = start + len(text)
        self.text: Final = text
        self.folded: Final = folded
        """The text as the lexicon writes it, of the same length."""
        self.paragraph: bool | None = None
        """Whether it is a paragraph wherever it stands; None until somebody has found out."""
        self.kind = ""
        """Group of the pattern that matched; set with `look`."""
        self.rule = ""
        self.reason = ""
        self._chrome = chrome
        self._words: str | None = None
        self._key: str | None = None
        self._look: Look | None = None

    @property
    def words(self) -> str:
        """The line without white space around it and with single spaces inside."""
        if self._words is None:
            self._words = " ".join(self.text.split())
        return self._words

    @property
    def key(self) -> str:
        """`words` folded, of the same length; empty for paragraphs (longer than LONGEST, or plainly prose)."""
        if self._key is None:
            size = len(self.text)
            paragraph = size > LONGEST or (size > _PARAGRAPH and _is_paragraph(self.folded))
            self._key = "" if paragraph else " ".join(self.folded.split())
        return self._key

    @property
    def look(self) -> Look:
        """What the line looks like."""
        if self._look is None:
            self._look, self.kind = _classify(self.text, self.key, self._chrome)
        return self._look

    @property
    def blank(self) -> bool:
        """Whether there is nothing in the line."""
        return not self.text or self.text.isspace()

    @property
    def removable(self) -> bool:
        """Whether the line is chrome wherever it stands."""
        # Cheap refusal first: no such line is long or has the marks of a sentence.
        if len(self.text) > _PARAGRAPH and ("。" in self.text or "，" in self.text):
            return False
        if self._look is None and (kind := _anywhere(self.key, self._chrome)):
            self._look, self.kind = Look.ANYWHERE, kind
        return self._look is Look.ANYWHERE

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


def read_lines(text: str, folded: str, chrome: Chrome) -> list[Line]:
    """The lines of a text, which is given folded too."""
    lines = []
    position = 0
    for row, alike in zip(text.split("\n"), folded.split("\n"), strict=True):
        lines.append(Line(position, row, alike, chrome))
        position += len(row) + 1
    return lines


def _is_paragraph(folded: str) -> bool:
    """Cheap certainty that a longer line is prose, which spares most of a text the patterns."""
    if folded.count("。") < 2 or "|" in folded:
        return False
    lowered = folded.lower()
    return not any(cue in lowered for cue in _CUES)


def tokens(key: str) -> list[str]:
    """The words of a bar: what white space, strokes and commas part."""
    return [word for word in _SPLIT.split(key.lower()) if word]


def undoubled(key: str) -> str:
    """A bar without what its icons say again: the name of a picture stands before the same word (收藏收藏3)."""
    return _TWICE.sub(r"\1", key)


def _anywhere(key: str, chrome: Chrome) -> str:
    """Group of the pattern by which a line is chrome wherever it stands; empty if it is not."""
    if not key:
        return ""
    match = chrome.anywhere.fullmatch(key)
    if match and (key[-1] != "。" or match.lastgroup == "forum"):
        return match.lastgroup or ""
    if len(key) <= _BAR and not key.isascii() and _SPLIT.search(key):
        words = tokens(undoubled(key))
        if len(words) > 1 and all(word in chrome.share_words for word in words):
            return "share"
    return ""


def _classify(row: str, key: str, chrome: Chrome) -> tuple[Look, str]:
    if not key:
        return (Look.PROSE, "") if row.strip() else (Look.BLANK, "")
    if kind := _anywhere(key, chrome):
        return Look.ANYWHERE, kind
    if len(key) <= _BAR:
        words = tokens(key)
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
