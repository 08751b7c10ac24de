"""Pages of posts: which of the small texts between the posts are names, times and buttons.

The posts of a page come from one template, so every by-line, floor number and button stands in the
same place of it. Texts are grouped by that place; a group whose texts are all short and never a
sentence is no part of the posts.
"""

from __future__ import annotations

from typing import Final

from tasks.clean.html.choose import signature
from tasks.clean.html.outline import Block, Outline, Run, Span
from tasks.clean.html.words import BODY, Words

_LABEL_SIZE: Final = 16.0
_LEVELS: Final = 3


def labels(outline: Outline, blocks: list[Block], words: Words) -> list[Span]:
    """The spans of the texts inside `blocks` that belong to the posts' template, not to the posts."""
    groups: dict[tuple[tuple[str, str, bool], ...], list[Run]] = {}
    for block in blocks:
        for run in outline.runs[block.runs : block.runs_end]:
            groups.setdefault(place_of(outline, run), []).append(run)
    return [
        run.span
        for runs in groups.values()
        if not _within_post(outline, runs[0]) and all(_is_label(run, words) for run in runs)
        for run in runs
    ]


def place_of(outline: Outline, run: Run) -> tuple[tuple[str, str, bool], ...]:
    """Where a text stands in the page's template: the signatures of the blocks around it."""
    path = []
    block = outline.blocks[run.block]
    for _ in range(_LEVELS):
        path.append(signature(block))
        if block.parent < 0:
            break
        block = outline.blocks[block.parent]
    return tuple(path)


def _is_label(run: Run, words: Words) -> bool:
    return (run.text + run.linked <= _LABEL_SIZE and not run.marks) or words.head.match(run.words) is not None


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
