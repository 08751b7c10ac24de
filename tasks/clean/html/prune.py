"""What has to leave the chosen blocks: link lists, share bars, widgets, feeds of other articles."""

from __future__ import annotations

from typing import Final

from tasks.clean.html.outline import Block, Outline, Span
from tasks.clean.html.words import CHROME, COMMENT, Words

_TABLE_PARTS: Final = frozenset(("p", "td", "tr", "tbody", "table", "th"))
_ADVERT_SIZE: Final = 60.0
_CHROME_TAGS: Final = frozenset(("nav", "aside", "footer"))


def prune(outline: Outline, block: Block, words: Words, *, forum: bool) -> list[Span]:
    """What to leave out inside `block`, in order and not nested; less of it if too much would go."""
    blocks = outline.blocks
    dropped: list[Block] = []
    at = block.index + 1
    while at < block.last:
        part = blocks[at]
        if _unwanted(part, block, forum) and not _attachment(outline, part, words):
            dropped.append(part)
            at = part.last
        else:
            at += 1
    if sum(part.text for part in dropped) >= 0.35 * block.text and not forum:
        dropped = [
            part
            for part in dropped
            if part.text < 0.2 * block.text
            or (part.hint == CHROME and part.value < 0)
            or (part.hint == COMMENT and part.text < 0.7 * block.text)
        ]
    adverts = [
        run.span
        for run in outline.runs[block.runs : block.runs_end]
        if run.text + run.linked < _ADVERT_SIZE and words.advert.match(run.words)
    ]
    return sorted(adverts + [(part.start, part.end + 1) for part in dropped])


def prune_list(outline: Outline, block: Block) -> list[Span]:
    """What to leave out of a list of links: menus, pagers, what its name says is chrome."""
    dropped: list[Span] = []
    at = block.index + 1
    while at < block.last:
        part = outline.blocks[at]
        size = part.text + part.linked
        if (part.hidden or part.hint == CHROME or part.tag in _CHROME_TAGS) and size < 0.3 * (
            block.text + block.linked
        ):
            dropped.append((part.start, part.end + 1))
            at = part.last
        else:
            at += 1
    return dropped


def _unwanted(part: Block, block: Block, forum: bool) -> bool:
    size = part.text + part.linked
    if part.hidden and part.text < 0.5 * block.text:
        return True
    if part.linked > 0.6 * size and part.linked > 4 and (part.links > 1 or size < 30):
        return True
    if part.tag in _TABLE_PARTS:
        return False
    if part.tag in _CHROME_TAGS and size < 0.5 * (block.text + block.linked):
        return True
    if part.hint == CHROME and part.value < 40:
        return True
    if part.hint == COMMENT and not forum:
        return True
    if part.tag == "form" and forum and part.text < 0.3 * block.text:
        return True
    if part.value < -40 and part.linked > 0.4 * size:
        return True
    return part.teasers > 2 and part.linked > 0.08 * size and part.text < 0.6 * block.text


def _attachment(outline: Outline, part: Block, words: Words) -> bool:
    """Whether the part names a file that belongs to the article (附件：….doc)."""
    runs = outline.runs[part.runs : part.runs_end]
    return part.text + part.linked < 300 and any(words.attachment.search(run.words) for run in runs)
