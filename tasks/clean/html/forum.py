"""Pages of posts: which of the small texts between the posts are names, times and buttons.

The posts of a page come from one template, so every by-line, floor number and button stands in the
same place of it. Texts are grouped by that place; a group whose texts are all short and never a
sentence is no part of the posts.
"""

from __future__ import annotations

import re
from typing import Final

from tasks.clean.dates import find_times
from tasks.clean.html.choose import signature
from tasks.clean.html.outline import Block, Outline, Run, Span
from tasks.clean.html.words import BODY, Words

_LABEL_SIZE: Final = 16.0
_LEVELS: Final = 3
_HEAD_SIZE: Final = 70
_HEAD_REST: Final = 36
_CLOCK: Final = re.compile(r"\d[:：点时]")
_SENTENCE: Final = re.compile("[，。！？；]")
_PARTS: Final = frozenset(("tr", "tbody", "table"))


def labels(outline: Outline, blocks: list[Block], words: Words) -> list[Span]:
    """The spans of the texts inside `blocks` that belong to the posts' template, not to the posts."""
    groups: dict[tuple[tuple[str, str, int], ...], list[Run]] = {}
    for block in blocks:
        for run in outline.runs[block.runs : block.runs_end]:
            if outline.blocks[run.block].tag == "pre":
                continue
            groups.setdefault(place_of(outline, run), []).append(run)
    return [
        run.span
        for runs in groups.values()
        if all(_is_label(run, words) for run in runs)
        and (not _within_post(outline, runs[0]) or all(is_head(run.words) for run in runs))
        for run in runs
    ]


def place_of(outline: Outline, run: Run, levels: int = _LEVELS) -> tuple[tuple[str, str, int], ...]:
    """Where a text stands in the page's template: the signatures of the blocks around it; of the parts
    of a table only the cells count, with their place in the row."""
    path: list[tuple[str, str, int]] = []
    block = outline.blocks[run.block]
    while len(path) < levels:
        if block.tag not in _PARTS:
            tag, names, _ = signature(block)
            path.append((tag, names, _column(outline, block) if tag == "td" else 0))
        if block.parent < 0:
            break
        block = outline.blocks[block.parent]
    return tuple(path)


def _column(outline: Outline, cell: Block) -> int:
    """The number of cells before one in its row."""
    at, count = cell.parent + 1, 0
    while at < cell.index:
        count += 1
        at = outline.blocks[at].last
    return count


def _is_label(run: Run, words: Words) -> bool:
    if run.text + run.linked <= _LABEL_SIZE and not run.marks:
        return True
    return words.head.match(run.words) is not None or is_head(run.words)


def is_head(text: str) -> bool:
    """Whether a text is the head of a post: a time and little else."""
    if len(text) > _HEAD_SIZE or not _CLOCK.search(text) or not (found := next(find_times(text), None)):
        return False
    rest = text[: found.start] + text[found.end :]
    return found.clock and len(text) - (found.end - found.start) < _HEAD_REST and not _SENTENCE.search(rest)


def _within_post(outline: Outline, run: Run) -> bool:
    """Whether the text is a paragraph of a post rather than a part of the template."""
    block = outline.blocks[run.block]
    for _ in range(_LEVELS):
        if block.hint == BODY:
            return True
        if block.parent < 0:
            return False
        block = outline.blocks[block.parent]
    return False
