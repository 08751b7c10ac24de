"""Which blocks hold the article.

The block that is worth most as prose wins, weighed by its place after the headline and by its name;
then one goes down while nothing of worth is left behind. Containers that publishing systems name
as the article's body win even when they are short, if there is only one of their kind.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import Final

from tasks.clean.html.outline import Block, Outline
from tasks.clean.html.words import BODY, CHROME, COMMENT, CONTENT, NONE, Words

_PARAGRAPHS: Final = frozenset(
    ("p", "h1", "h2", "h3", "h4", "h5", "h6", "li", "dt", "dd", "tr", "tbody", "td")
)
_NAMES: Final = re.compile(r'(?:^|\s)(class|id)="([^"]*)"')
_PLACE_IN_LIST: Final = re.compile(r"(?<!\S)\S*\b(?:first|last|odd|even|active|current)\b\S*", re.IGNORECASE)
_WEIGHTS: Final = {BODY: 1.25, CONTENT: 1.08, NONE: 1.0, COMMENT: 0.6, CHROME: 0.6}
_DARK: Final = (CHROME, COMMENT)
_ASIDE: Final = frozenset(("aside", "nav", "footer"))
_POST_LEVELS: Final = 8
_WORTHLESS: Final = 60.0
_SKIPPED: Final = 40.0
"""Prose between the headline and a block that halves the block's worth: what is near comes first."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The blocks of the article in page order, and what it is worth."""

    blocks: list[Block]
    value: float


def choose(outline: Outline, headline: int, words: Words, *, forum: bool) -> Choice:
    """The blocks that hold the article (forum: the column that holds the posts)."""
    blocks = outline.blocks
    if forum:
        soften(outline)
    anchor = outline.runs[headline].span[0] if headline >= 0 else -1
    shades = shaded_blocks(blocks, anchor, forum=forum)
    best = _best(outline, headline, anchor, shades, forum)
    named = _named_body(outline, anchor, shades, best)
    if named and (not forum or best.value <= named.value):
        best = named
    if best.value < _WORTHLESS and not named and (larger := _largest(blocks, shades, best)):
        best = larger
    if best.value < _WORTHLESS and not named and (attached := _attached(outline, anchor, words)):
        return Choice([attached], best.value)
    best = _descend(outline, best, shades, forum)
    while best.tag in _PARAGRAPHS and best.parent > 0:
        best = blocks[best.parent]
    if not forum:
        return Choice([best, *_siblings(blocks, best)], best.value)
    if named and not best.start <= named.start <= best.end and not named.start <= best.start <= named.end:
        both = [named, best] if best.value > 2 * named.value and best.value > _WORTHLESS else [named]
        return Choice(sorted(both, key=lambda block: block.start), named.value)
    return Choice(_posts(blocks, best, shades), best.value)


def soften(outline: Outline) -> None:
    """Value the blocks anew for a page of posts, where names, dates and buttons stand between the
    posts: links count a third against a block, labels nothing, comments as any text."""
    blocks = outline.blocks
    for block in blocks:
        block.value = 0.0
    for run in outline.runs:
        blocks[run.block].value += run.value if run.value > 0 else 0.3 * run.value if run.linked else 0.0
    for block in reversed(blocks[1:]):
        if block.value > 0:
            if block.hidden:
                block.value *= 0.1
            if block.hint == CHROME:
                block.value *= 0.3
        teaser = block.teaser and blocks[block.parent].teasers > 2 and block.value > 0
        if not teaser:
            blocks[block.parent].value += block.value


def signature(block: Block) -> tuple[str, str, bool]:
    """Tag, class names without digits, and whether the id counts: equal for entries of one template."""
    return _signature(block.tag, block.attributes)


@lru_cache(maxsize=4096)
def _signature(tag: str, attributes: str) -> tuple[str, str, bool]:
    names = dict(_NAMES.findall(attributes))
    plain = _PLACE_IN_LIST.sub("", re.sub(r"\d+", "", names.get("class", "")))
    classes = " ".join(sorted(set(plain.split())))
    identity = re.sub(r"\d+", "#", names.get("id", ""))
    return tag, classes + ("|" + identity if "#" in identity else ""), bool(classes) or "#" in identity


def shaded_blocks(blocks: list[Block], anchor: int, *, forum: bool) -> list[float]:
    """For each block, what its surroundings leave of its worth, 0..1: within chrome, within comments
    (unless in a forum), as or within a teaser of another article (which does not hold the headline,
    the piece `anchor`)."""
    dark = (CHROME,) if forum else (CHROME, COMMENT)
    shades = [1.0] * len(blocks)
    page = blocks[0].text
    for index in range(1, len(blocks)):
        block = blocks[index]
        parent = blocks[block.parent]
        shade = shades[block.parent]
        if shade > 0.2 and (parent.hint in dark or parent.tag in _ASIDE) and parent.tag != "body":
            whole = parent.start < anchor < parent.end and parent.text > 0.3 * page
            shade = shade if whole else 0.15
        if block.teaser and parent.teasers > 2 and not block.start < anchor < block.end:
            shade *= 0.03
        shades[index] = shade
    return shades


def _best(outline: Outline, headline: int, anchor: int, shades: list[float], forum: bool) -> Block:
    blocks = outline.blocks
    prose = list(
        accumulate((run.value if run.marks and run.value > 15 else 0.0 for run in outline.runs), initial=0.0)
    )
    length = max(1, len(outline.pieces) - max(anchor, 0))
    best, best_key = blocks[0], -1e9
    for index, block in enumerate(blocks):
        value = block.value
        if value <= 0:
            continue
        weight = _WEIGHTS[block.hint] if not forum or block.hint != COMMENT else 1.0
        weight *= shades[index]
        if anchor >= 0:
            if block.start > anchor:
                weight *= 1.15 - 0.45 * (block.start - anchor) / length
                weight /= 1.0 + max(0.0, prose[block.runs] - prose[headline]) / _SKIPPED
            elif block.end < anchor:
                weight *= 0.5
        if value * weight > best_key:
            best, best_key = block, value * weight
    return best


def _prose(outline: Outline, block: Block, but: Block, shades: list[float]) -> float:
    """What the prose in `block` is worth that stands neither in the block `but` nor in the shade."""
    runs = outline.runs
    worth = 0.0
    for index in range(block.runs, block.runs_end):
        run = runs[index]
        if not run.marks or run.value <= 15 or but.runs <= index < but.runs_end:
            continue
        if shades[run.block] > 0.2 and outline.blocks[run.block].hint not in _DARK:
            worth += run.value
    return worth


def _named_body(outline: Outline, anchor: int, shades: list[float], best: Block) -> Block | None:
    """The one block a publishing system names as the article's body: `best` itself, or one to prefer to it."""
    blocks = outline.blocks
    named = [
        block
        for index, block in enumerate(blocks)
        if block.hint == BODY
        and shades[index] > 0.5
        and not block.hidden
        and block.end > anchor
        and block.text > 12
        and block.text > 1.5 * block.linked
        and block.value > -0.5 * block.text
    ]
    counts = Counter(signature(block) for block in named)
    single = [block for block in named if counts[signature(block)] == 1]
    if not single or best in named:
        return best if best in single else None
    body = max(single, key=lambda block: block.value)
    if best.start < body.start and body.end < best.end:
        rest = min(best.value - body.value, _prose(outline, best, body, shades))
        return body if rest < 0.25 * body.value else None
    if body.start < best.start and best.end < body.end:
        return body if body.value > 0.8 * best.value else None
    near = body.start < best.start or anchor < 0
    return body if body.value > (0.03 if near else 0.5) * best.value else None


def _largest(blocks: list[Block], shades: list[float], best: Block) -> Block | None:
    """On a page without prose: the innermost block with much of the page's text."""
    page = blocks[0].text + blocks[0].linked
    if best.value > 25 or page < 300:
        return None
    large = [
        block
        for index, block in enumerate(blocks[1:], 1)
        if block.hint != CHROME and shades[index] > 0.5 and block.text + block.linked > 0.4 * page
    ]
    return large[-1] if large else None


def _attached(outline: Outline, anchor: int, words: Words) -> Block | None:
    """On a page of attachments alone: the innermost block with all those behind the headline."""
    blocks = outline.blocks
    runs = [
        run
        for run in outline.runs
        if run.begin > anchor and run.linked > 4 and words.attachment.search(run.words)
    ]
    if not runs or anchor < 0:
        return None
    block = blocks[runs[0].block]
    while block.parent > 0 and (block.end < runs[-1].end or block.tag in _PARAGRAPHS):
        block = blocks[block.parent]
    return block if block.start > anchor else None


def _descend(outline: Outline, block: Block, shades: list[float], forum: bool) -> Block:
    blocks = outline.blocks
    while True:
        kid: Block | None = None
        at = block.index + 1
        while at < block.last:
            child = blocks[at]
            if kid is None or child.value > kid.value:
                kid = child
            at = child.last
        if kid is None or kid.value < 0.5 * block.value or kid.value <= 0:
            return block
        left = block.text + block.linked - kid.text - kid.linked
        if kid.value < 0.9 * block.value and block.value - kid.value > 0.3 * left:
            return block
        if _prose(outline, block, kid, shades) > 0.3 * kid.value:
            return block
        if forum and kid.text < 0.85 * block.text:
            return block
        block = kid


def _siblings(blocks: list[Block], block: Block) -> list[Block]:
    """Blocks of the same template beside the chosen one: further pages or parts of the article."""
    mark = signature(block)
    if not mark[2] or block.parent < 0:
        return []
    return [
        other
        for other in blocks
        if other is not block
        and other.parent == block.parent
        and other.value > 0
        and not other.headlines
        and other.tag == block.tag
        and signature(other) == mark
    ]


def _posts(blocks: list[Block], block: Block, shades: list[float]) -> list[Block]:
    """The posts of a page, if the chosen block is one of them: blocks of one template at one depth."""
    page = blocks[0].text
    at = block
    for _ in range(_POST_LEVELS):
        if at.parent <= 0 or at.text > 0.8 * page or at.text > 2 * block.text + 60:
            break
        mark = signature(at)
        if mark[2]:
            alike = [
                other
                for other in blocks
                if other.depth == at.depth
                and other.tag == at.tag
                and signature(other) == mark
                and (other is at or (other.value >= 0 and other.text > 2 and shades[other.index] > 0.5))
            ]
            if len(alike) > 1:
                return alike
        at = blocks[at.parent]
    return [block]
