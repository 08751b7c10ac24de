"""The article's headline among the runs of a page: it tells where the article begins."""

from __future__ import annotations

import html
import re
from typing import Final

from tasks.clean.html.markup import SEAM
from tasks.clean.html.outline import Outline, Run

_PARTS: Final = re.compile(r"\s*[-_|–—·»«丨]+\s*|\s{2,}|::")
_EXTRA: Final = 6
_SPACE: Final = re.compile(r"\s+")
_RANK: Final = {"h1": 4.0, "h2": 3.0, "h3": 2.5, "h4": 1.5}
_TITLE_NAME: Final = re.compile(r'="[^"]*(?:title|headline|biaoti|\bbt\b)[^"]*"', re.IGNORECASE)


def title_parts(title: str) -> list[str]:
    """The parts of a <title> between its separators, without the empty ones."""
    return [part for part in _PARTS.split(title.strip()) if part]


def main_part(title: str) -> str:
    """The headline within a <title>: its first part, or the longest if that is much longer."""
    parts = title_parts(title)
    if len(parts) > 2:
        parts.pop()  # the site's name
    longest = max(parts, key=len, default="")
    return (
        parts[0] if parts and len(parts[0]) >= min(4, 0.4 * len(longest)) and len(parts[0]) > 1 else longest
    )


def words_of(run: Run) -> str:
    """The words of a headline: entities and seams resolved, white space collapsed."""
    words = run.words.replace(SEAM, "")
    return _SPACE.sub(" ", html.unescape(words) if "&" in words else words).strip()


def begins(words: str, title: str) -> bool:
    """Whether the words of a headline stand at the beginning of the <title>, white space aside."""
    return _SPACE.sub("", title).startswith(_SPACE.sub("", words))


def headline_text(outline: Outline, headline: int, title: str) -> str:
    """The headline of the page: the run found, or without one (-1) the main part of the <title>."""
    main = main_part(title)
    if headline < 0:
        return main
    words = words_of(outline.runs[headline])
    linked, extra = outline.runs[headline].linked and not begins(words, title), len(words) - len(main)
    if main in words and (linked or (len(main) > 5 and 0 < extra <= _EXTRA)):
        return main  # the heading holds a label, a counter or an edit link too
    return words


def find_headline(outline: Outline, title: str) -> int:
    """Index of the run that is the headline, or -1.

    It repeats most of the <title>, or one part of it exactly; headings and blocks named so come first,
    the beginning of the <title> before its end, links last.
    """
    target = _SPACE.sub("", title)
    main = _SPACE.sub("", main_part(title))
    parts = {_SPACE.sub("", part) for part in title_parts(title)}
    site = "".join(title_parts(title)[-1].split()) if len(parts) > 1 else ""
    best, best_rank = -1, 0.0
    for index, run in enumerate(outline.runs):
        if not 1 < len(run.words) < 150:
            continue
        plain = "".join(run.words.split())
        if "&" in plain:
            plain = html.unescape(plain)
        if plain not in target and main not in plain:
            continue
        size = len(plain)
        block = outline.blocks[run.block]
        whole = (
            plain == main
            or (len(main) > 5 and main in plain and size < 2 * len(main))
            or (block.tag in _RANK and len(main) > 1 and plain.startswith(main) and size <= len(main) + 6)
        )
        most = size > 3 and plain in target and size >= 0.45 * len(main)
        if not (whole or most or (plain in parts and block.tag in _RANK)):
            continue
        rank = (
            _RANK.get(block.tag, 1.0) + (1.0 if whole else 0.0) + (1.0 if target.startswith(plain) else 0.0)
        )
        if block.attributes and _TITLE_NAME.search(block.attributes):
            rank += 1.0
        if plain == site:
            rank -= 2.0
        if run.linked > run.text and not (block.tag in _RANK and target.startswith(plain)):
            rank *= 0.4  # but a blog's heading may link to its own article
        if block.hidden:
            rank *= 0.3
        if rank > best_rank:
            best, best_rank = index, rank
    return best if best >= 0 else _only_heading(outline)


def _only_heading(outline: Outline) -> int:
    """The page's only <h1> (else only <h2>) of some length outside links, or -1."""
    for tag in ("h1", "h2"):
        found = [
            index
            for index, run in enumerate(outline.runs)
            if outline.blocks[run.block].tag == tag
            and run.text > 5
            and not run.linked
            and not outline.blocks[run.block].hidden
        ]
        if found:
            return found[0] if len(found) == 1 else -1
    return -1
