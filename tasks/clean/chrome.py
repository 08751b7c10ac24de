"""Removal of what sites put around an article, and what its head and tail lines say about it.

Works on lines and zones: the head ends before the first paragraph, the tail begins behind the
last. Unmistakable lines go wherever they stand, ambiguous ones in head and tail only; nothing is
ever cut out of a paragraph but credits in brackets at the end of the last.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Final

import xxhash

from config.settings import ChromeSettings
from tasks.clean.edits import Rewriter
from tasks.clean.farms import advert_share, mark_farms
from tasks.clean.forum import mark_forum
from tasks.clean.heads import Found, byline, take_credits, take_head, trailing_credits
from tasks.clean.lexicon import Chrome, chrome, fold
from tasks.clean.lines import LONGEST, Line, Look, han_count, read_lines
from tasks.tables import Change

_REASONS: Final = {
    "image_name": "the name of an image file",
    "record": "a registration of the site",
    "counter": "a counter of visits",
    "share": "a share bar",
    "tools": "page tools",
    "pagination": "page numbers or neighbours",
    "forum": "furniture of forum software",
    "login": "login or comment box",
    "breadcrumb": "the way to the page inside the site",
    "footer": "the foot of the site",
    "related": "links to other articles",
    "notice": "a copyright or reprint notice",
    "tags": "tags",
    "nav": "a navigation bar",
    "origin": "the headline the article had elsewhere",
    "button": "between lines of chrome",
}
_FOOT: Final = frozenset(
    f"chrome.{kind}" for kind in ("footer", "record", "counter", "nav", "notice", "related", "share", "login")
)
_SANDWICHED: Final = 40
_MENU: Final = 3
_STROKES: Final = 3
_RUN_HAN: Final = 50
_RUN_CUE: Final = re.compile(
    r"^[“\"「【\[]?(?:.{0,16}(?:选萃|精选|回顾|展播|系列报道|链接|汇编)"
    r"|(?:相关|推荐|延伸|更多|往期)(?:阅读|新闻|文章|报道|链接|推荐)?)[”\"」】\]]? ?[::]"
)
_NEIGHBOUR: Final = re.compile("[上下前后]一?[篇条](?:文章|新闻)?:?")
"""Alone in its line: the headline is the next."""
_DIGITS: Final = re.compile(r"\d+")
_CODE_FILE: Final = re.compile(r"[\w./-]+\.(?!png|jpe?g|gif|bmp|webp)[a-z0-9]{1,5}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Stripped:
    """A text without its chrome, and the metadata its lines gave (as they stood there)."""

    change: Change
    found: Found = field(default_factory=Found)


def line_hash(line: str) -> int:
    """64-bit hash of a line by which a site's recurring lines are counted: folded, digits alike, no spaces."""
    return _hashes([line])[0]


def line_hashes(text: str) -> list[int]:
    """Hashes of the lines of a text that can recur: not empty, at most 400 characters; each once."""
    rows = [row for row in text.split("\n") if row.strip() and len(row) <= LONGEST]
    return list(dict.fromkeys(_hashes(rows)))


def _hashes(lines: list[str]) -> list[int]:
    rows = fold("\n".join(lines)).lower().split("\n")
    keys = _DIGITS.sub("0", "\n".join(["".join(row.split()) for row in rows])).encode(
        "utf-8", "surrogatepass"
    )
    return [xxhash.xxh3_64_intdigest(key) for key in keys.split(b"\n")]


class ChromeStripper:
    """Removes chrome and link farms; compiled once."""

    def __init__(self, settings: ChromeSettings) -> None:
        self._settings = settings
        self._chrome: Chrome = chrome()

    def strip(
        self,
        text: str,
        *,
        captured_at: datetime | None = None,
        headline: bool = True,
        recurring: Collection[int] = frozenset(),
    ) -> Stripped:
        """Text without chrome.

        `headline` says that the text still has its headline and source line (text captures);
        `recurring` holds `line_hash`es of lines that recur over the site: such lines go at head and
        tail. Never raises for the content of a text.
        """
        folded = fold(text)
        lines = read_lines(text, folded, self._chrome)
        found = Found()
        head, tail = zones(lines)
        if self._settings.link_farms:
            mark_farms(text, lines, self._settings, head=head, tail=tail)
            if (moved := zones(lines)) != (head, tail):
                # A row of places is long enough for a paragraph: what it hid belongs to the edges now.
                head, tail = moved
                mark_farms(text, lines, self._settings, head=head, tail=tail)
                head, tail = zones(lines)
        if self._settings.site_chrome:
            forum = mark_forum(folded, lines, self._chrome, captured_at, found)
            head, tail = zones(lines)
            self._mark_anywhere(lines)
            self._mark_recurring(lines, head, tail, recurring)
        if self._settings.headline and not (self._settings.site_chrome and forum):
            take_head(lines, head, self._chrome, captured_at, found, headline=headline)
        if self._settings.site_chrome:
            self._mark_head(lines, head)
            take_credits(lines, tail, self._chrome, found)
            self._mark_tail(lines, tail)
            if not forum:  # a short answer of a thread stands between chrome too
                self._mark_between(lines, tail)
            if not forum:
                byline(lines, self._chrome, found)
        return Stripped(self._cut(text, lines, found), found)

    def _mark_anywhere(self, lines: list[Line]) -> None:
        shown = [line for line in lines if not line.blank]
        for number, line in enumerate(shown):
            if line.gone or not line.removable:
                continue
            if line.kind == "image_name":
                # A listing of files in a text about code is content.
                around = shown[max(0, number - 1) : number] + shown[number + 1 : number + 2]
                if any(_CODE_FILE.fullmatch(other.words) for other in around):
                    continue
            line.drop(f"chrome.{line.kind}", _REASONS[line.kind])

    def _mark_recurring(self, lines: list[Line], head: int, tail: int, recurring: Collection[int]) -> None:
        if not recurring:
            return
        for line in [*lines[:head], *lines[tail:]]:
            if not line.blank and len(line.text) <= LONGEST and line_hash(line.text) in recurring:
                line.drop("chrome.recurring", "recurs over the pages of the site")

    def _mark_head(self, lines: list[Line], head: int) -> None:
        for line in lines[:head]:
            if line.look is Look.EDGE and line.kind not in ("notice", "tags"):
                line.drop(f"chrome.{line.kind}", _REASONS[line.kind])
        self._mark_menu(lines[:head])

    def _mark_menu(self, lines: list[Line]) -> None:
        """Mark navigation and share bars whose words stand one to a line."""
        for kind, words in (("nav", self._chrome.nav_words), ("share", self._chrome.share_words)):
            run: list[Line] = []
            for line in [*lines, None]:
                if line is not None and (line.blank or _bar_word(line, words)):
                    run += [line] if not line.blank else []
                    continue
                for item in run if len(run) >= _MENU else ():
                    item.drop(f"chrome.{kind}", _REASONS[kind])
                run = []

    def _mark_tail(self, lines: list[Line], tail: int) -> None:
        """Mark strong chrome, and what follows links to other articles."""
        rows = [line for line in lines[tail:] if not line.blank]
        for line in rows:
            if line.look is Look.EDGE:
                line.drop(f"chrome.{line.kind}", _REASONS[line.kind])
            elif _run_of_titles(line):
                line.drop("chrome.related", "a run of headlines of other articles")
        for line, following in pairwise(rows):
            if _NEIGHBOUR.fullmatch(line.key) and line.gone and following.look in (Look.SHORT, Look.WEAK):
                following.drop("chrome.pagination", _REASONS["pagination"])
        self._mark_menu(rows)
        marker = next((n for n, line in enumerate(rows) if line.rule == "chrome.related"), None)
        if marker is not None:
            for line in rows[marker:]:
                if line.rule.startswith("chrome.forum"):
                    break
                line.drop("chrome.related", "below the links to other articles")

    def _mark_between(self, lines: list[Line], tail: int) -> None:
        """Mark what lies between or beside lines of chrome in the tail."""
        rows = [line for line in lines[tail:] if not line.blank]
        gone = [number for number, line in enumerate(rows) if line.rule in _FOOT]
        for number, line in enumerate(rows):
            if line.gone or not gone:
                continue
            # A caption below the name of a picture is above the foot, not inside it.
            inside = gone[0] < number < gone[-1]
            beside = (number > 0 and rows[number - 1].gone) or _next_gone(rows, number)
            if line.look is Look.WEAK and (inside or (beside and line.kind != "button")):
                line.drop(f"chrome.{line.kind}", _REASONS[line.kind])
            elif inside and len(line.words) <= _SANDWICHED and line.words[-1] not in "。！？!?":
                line.drop("chrome.button", _REASONS["button"])
            elif inside and line.key.count("|") >= _STROKES and line.words[-1] not in "。！？!?":
                line.drop("chrome.nav", _REASONS["nav"])

    def _cut(self, text: str, lines: list[Line], found: Found) -> Change:
        rewriter = Rewriter(text)
        number = 0
        while number < len(lines):
            line = lines[number]
            if not line.gone:
                number += 1
                continue
            last = number
            while last + 1 < len(lines) and lines[last + 1].rule == line.rule:
                last += 1
            # The line end goes with the line; at the very end the one before it does.
            end = lines[last].end
            start = line.start
            if end < len(text):
                end += 1
            rewriter.replace(start, end, "", line.rule, line.reason, last - number + 1)
            number = last + 1
        if self._settings.site_chrome and (body := [line for line in lines if not line.gone and line.words]):
            cut = trailing_credits(body[-1], found)
            if cut:
                at, rule = cut
                end = body[-1].start + len(body[-1].text.rstrip())
                rewriter.replace(
                    body[-1].start + at, end, "", rule, "credits in brackets behind the last paragraph"
                )
        return rewriter.change()


def zones(lines: list[Line]) -> tuple[int, int]:
    """(number of the first paragraph, number behind the last one).

    A paragraph is a line of prose that is not marked; a text without one is head and tail at once.
    """
    first = next((number for number, line in enumerate(lines) if _is_body(line)), None)
    if first is None:
        return len(lines), 0
    return first, next(number for number in range(len(lines) - 1, -1, -1) if _is_body(lines[number])) + 1


def _is_body(line: Line) -> bool:
    if line.gone:
        return False
    if line.paragraph is None:
        line.paragraph = (
            line.look is Look.PROSE and not _run_of_titles(line) and not advert_share(line.folded)
        )
    return line.paragraph


def _bar_word(line: Line, words: Collection[str]) -> bool:
    """Whether a line is one word of a bar."""
    return bool(line.key) and line.key.lower().rstrip(": ") in words


def _next_gone(rows: list[Line], number: int) -> bool:
    for line in rows[number + 1 :]:
        if line.gone:
            return True
        if line.look is not Look.WEAK:
            return False
    return False


def _run_of_titles(line: Line) -> bool:
    """Whether a line runs headlines of other articles together: no sentence in it, but many colons."""
    if not line.key or line.key[-1] in "。!?;" or "。" in line.key:
        return False
    colons, commas, han = line.key.count(":"), line.key.count(","), han_count(line.text)
    if _RUN_CUE.match(line.key):
        return colons >= 3 and commas <= colons and han >= _RUN_HAN // 2
    return colons >= 4 and commas <= colons // 2 and han >= _RUN_HAN
