"""Pages that list other pages: whether a page is one, and which block holds the list."""

from __future__ import annotations

import re
from typing import Final

from tasks.clean.html.choose import shaded_blocks
from tasks.clean.html.outline import Block, Outline
from tasks.clean.html.words import CHROME, Words

_ENTRY_SIZE: Final = 8.0
_INDEX_URL: Final = re.compile(
    r"^(?:\w+:)?(?://)?[^/]+(?:/|/(?:index|default|list)[^/]*|/.*/(?:(?:index|default|list)[\w-]*\.\w+|list/?.*)?)?$",
    re.IGNORECASE,
)


def list_score(outline: Outline, value: float, url: str | None, *, headed: bool) -> float:
    """How much the page looks like a list of other pages, 0..1.

    In: what its best block is worth as prose, its address, and whether prose stands under a headline
    that repeats the <title>. The share of the page's text in long links decides.
    """
    page = outline.blocks[0]
    size = page.text + page.linked
    if not size or page.headlines < 5:
        return 0.0
    headlines = sum(
        run.linked for run in outline.runs if run.linked >= _ENTRY_SIZE and run.text < 0.35 * run.linked
    )
    share = headlines / size
    prose = max(0.0, value) / size
    score = share / (share + 2.5 * prose + 0.15)
    if headed:
        score *= 0.55
    if url and _INDEX_URL.match(url):
        score = min(1.0, score * 1.4)
    return round(score, 3)


def choose_list(outline: Outline, words: Words) -> Block:
    """The block that holds the list: long links and what stands by them count, menus count against."""
    blocks = outline.blocks
    values = [0.0] * len(blocks)
    for run in outline.runs:
        size = run.text + run.linked
        if size >= _ENTRY_SIZE:
            values[run.block] += -size if size < 400 and words.boilerplate.search(run.words) else size
        elif run.linked:
            values[run.block] -= 2.0 * size
    shades = shaded_blocks(blocks, -1, forum=False)
    for index in range(len(blocks) - 1, 0, -1):
        block = blocks[index]
        if values[index] > 0 and (
            block.hint == CHROME or block.hidden or block.tag in ("nav", "aside", "footer")
        ):
            values[index] *= 0.2
        values[block.parent] += values[index]
    best = max(range(len(blocks)), key=lambda index: values[index] * (0.2 if shades[index] == 0.15 else 1.0))
    while True:
        kid, at = -1, best + 1
        while at < blocks[best].last:
            if kid < 0 or values[at] > values[kid]:
                kid = at
            at = blocks[at].last
        if kid < 0 or values[kid] < 0.85 * values[best] or blocks[kid].tag in ("li", "a", "p", "tr", "td"):
            return blocks[best]
        best = kid
