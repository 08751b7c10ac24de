"""The posts of a thread, or a question and its answers: where each begins, who wrote it and when.

The posts of a page come from one template, so their times stand in the same place of it. Each such
time belongs to one post; the post is the largest block around it that holds no other of them.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import Final

from tasks.clean.dates import FoundTime, find_times
from tasks.clean.html.forum import place_of
from tasks.clean.html.markup import SEAM
from tasks.clean.html.outline import Block, Outline, Run
from tasks.clean.html.words import Words
from tasks.clean.metadata import load_labels
from tasks.tables import Post

_HEAD: Final = 90
_NAME: Final = 20
_TIME: Final = re.compile(r"\d\s?[-/.年月:：]\s?\d|[前刚剛今昨]")
_MAX_POSTS: Final = 2000
_BLANK: Final = re.compile(r"[\s\x1f]+")
_SPLIT: Final = re.compile(r"[\s\x1f|·•,，]+")


class PostBlock:
    """A post: the piece of the outline at which it begins, and what its head says."""

    def __init__(self, start: int, end: int, author: str | None, published_at: str | None) -> None:
        self.start = start
        self.end = end
        self.author = author
        self.published_at = published_at

    def at(self, offset: int) -> Post:
        """The post of a text in which it begins at `offset`."""
        return Post(offset, self.author, self.published_at)


def find_posts(
    outline: Outline, chosen: Sequence[Block], words: Words, captured_at: datetime | None
) -> list[PostBlock]:
    """The posts around the `chosen` blocks in page order; none where no template of posts is seen."""
    column = _common(outline, chosen)
    heads = _heads(outline, column, captured_at)
    if not heads:
        return []
    posts: list[PostBlock] = []
    for at, (run, time) in enumerate(heads[:_MAX_POSTS]):
        before = heads[at - 1][0].end if at else -1
        after = heads[at + 1][0].begin if at + 1 < len(heads) else len(outline.pieces)
        block = outline.blocks[run.block]
        while block.parent > column.index:
            parent = outline.blocks[block.parent]
            if parent.start < before or parent.end > after:
                break
            block = parent
        posts.append(PostBlock(block.start, min(after, max(block.end, run.end)), None, time.iso))
        posts[-1].author = _author(outline, block.start, posts[-1].end, run.words[: time.start], words)
    for post, following in pairwise(posts):
        post.end = following.start
    return posts


def _common(outline: Outline, chosen: Sequence[Block]) -> Block:
    """The innermost block that holds all chosen ones, and something beside a lone one."""
    block = chosen[0]
    last = max(other.end for other in chosen)
    while block.parent > 0 and (block.end < last or (len(chosen) > 1 and block in chosen)):
        block = outline.blocks[block.parent]
    return block


def _heads(outline: Outline, column: Block, captured_at: datetime | None) -> list[tuple[Run, FoundTime]]:
    """The times of the posts: the largest group of times in one place of the template, the first of equals."""
    not_time = load_labels().not_time
    groups: dict[tuple[tuple[str, str, int], ...], list[tuple[Run, FoundTime]]] = {}
    for run in outline.runs[column.runs : column.runs_end]:
        if len(run.words) > _HEAD or not _TIME.search(run.words) or not_time.search(run.words):
            continue
        found = next(
            (
                time
                for time in find_times(run.words, captured_at)
                if len(time.iso) >= (10 if time.exact else 7)
            ),
            None,
        )
        if found and len(run.words) - (found.end - found.start) < 60 and (found.clock or run.marks < 2):
            groups.setdefault(place_of(outline, run, 2), []).append((run, found))
    best = max(groups.values(), key=len, default=[])
    return best if len(best) > 1 else []


def opening_author(
    outline: Outline, headline: int, chosen: Sequence[Block], posts: list[PostBlock], words: Words
) -> str | None:
    """Who opened the thread: the name between the headline (a run, or -1) and the first of the other posts."""
    start = outline.runs[headline].end if headline >= 0 else chosen[0].start
    end = min([chosen[-1].end, *(post.start for post in posts if post.start > start)])
    return _author(outline, start, end, "", words)


def _author(outline: Outline, start: int, end: int, by: str, words: Words) -> str | None:
    """The name among the pieces of a post: a link to a member, a text behind a label or in a place
    named so, else what stands before the time (`by`)."""
    labelled = named = None
    label = load_labels().values["author"]
    for run in outline.runs[_first_run(outline, start) :]:
        if run.begin >= end:
            break
        if run.marks and run.text > _HEAD:
            continue
        if member := member_of(outline, run, words):
            return member
        if labelled is None and (match := label.search(run.words)) and _is_name(match[1], words):
            labelled = match[1].strip()
        whole = _BLANK.sub(" ", run.words).strip()
        if (
            named is None
            and words.member_place.search(outline.blocks[run.block].attributes)
            and _is_name(whole, words)
        ):
            named = whole
    near = next((part for part in _SPLIT.split(by) if _is_name(part, words)), None)
    name = labelled or named or near
    return html.unescape(name) if name else None


def member_of(outline: Outline, run: Run, words: Words) -> str | None:
    """The text of the first link to a member in a run."""
    return next(
        (name for name, tag in _links(outline, run) if words.member.search(tag) and _is_name(name, words)),
        None,
    )


def _first_run(outline: Outline, start: int) -> int:
    """Index of the first run at or behind a piece."""
    low, high = 0, len(outline.runs)
    while low < high:
        middle = (low + high) // 2
        if outline.runs[middle].begin < start:
            low = middle + 1
        else:
            high = middle
    return low


def _links(outline: Outline, run: Run) -> list[tuple[str, str]]:
    """The links in a run: text and tag."""
    pieces = outline.pieces
    found = []
    for place in range(run.begin - 1, run.end - 1):
        if place & 1 and pieces[place].startswith("a ") and (text := pieces[place + 1].strip()):
            found.append((html.unescape(text), pieces[place]))
    return found


def _is_name(text: str, words: Words) -> bool:
    text = text.strip(f" {SEAM}:：")
    return 0 < len(text) <= _NAME and not words.not_member.fullmatch(text)
