"""The article's headline among the runs of a page: it tells where the article begins."""

from __future__ import annotations

import html
import re
from typing import Final

from tasks.clean.html.outline import Outline

_PARTS: Final = re.compile(r"\s*[-_|–—·»«丨]+\s*|\s{2,}")
_SPACE: Final = re.compile(r"\s+")
_RANK: Final = {"h1": 4.0, "h2": 3.0, "h3": 2.5, "h4": 1.5}
_TITLE_NAME: Final = re.compile(r'="[^"]*(?:title|headline|biaoti|\bbt\b)[^"]*"', re.IGNORECASE)


def title_parts(title: str) -> list[str]:
    """The parts of a <title> between its separators, without the empty ones."""
    return [part for part in _PARTS.split(title.strip()) if part]


def main_part(title: str) -> str:
    """The longest part of a <title>: the headline without section and site name."""
    return max(title_parts(title), key=len, default="")


def find_headline(outline: Outline, title: str, others: tuple[str, ...] = ()) -> int:
    """Index of the run that is the headline, or -1.

    It repeats most of the <title> (or of one of `others`: og:title and the like); headings and blocks
    named so come first, links last.
    """
    targets = [_SPACE.sub("", text) for text in (title, *others) if text]
    mains = [_SPACE.sub("", main_part(text)) for text in (title, *others) if text]
    best, best_rank = -1, 0.0
    for index, run in enumerate(outline.runs):
        words = run.words
        if not 3 < len(words) < 150:
            continue
        plain = _SPACE.sub("", html.unescape(words) if "&" in words else words)
        size = len(plain)
        if not any(
            (plain in target and size >= 0.45 * len(main))
            or (len(main) > 5 and main in plain and size < 2 * len(main))
            for target, main in zip(targets, mains, strict=True)
        ):
            continue
        block = outline.blocks[run.block]
        rank = _RANK.get(block.tag, 1.0)
        if _TITLE_NAME.search(block.attributes):
            rank += 1.2
        if run.linked > run.text:
            rank *= 0.4
        if block.hidden:
            rank *= 0.3
        if rank > best_rank:
            best, best_rank = index, rank
    return best
