"""One fast walk over a page: its blocks and its runs of text, with what each is worth.

lexbor reads the page and writes it back well-formed (markup.py); one regular expression takes that
string apart. The walk then touches each block once and no inline element at all, which is several
times faster than walking the tree. It is written for mypyc too: plain classes, typed locals, loops
by index.
"""

from __future__ import annotations

import re
from typing import Final

from tasks.clean.html.markup import SEAM, UNREADABLE
from tasks.clean.html.words import CHROME, NONE, Words

_TAG: Final = re.compile(r"<([^>]+)>")
_SENTENCE: Final = ("，", "。", "！", "？", "；", "：", "、", "”", "」", "》")
_LATIN_SENTENCE: Final = (", ", ". ", "! ", "? ")

BREAK: Final = "\u2028"
"""Stands in the fragment where a paragraph or container begins or ends, and for <br>."""
Span = tuple[int, int]
"""A stretch of `Outline.pieces`: first, and one after the last."""


class Block:
    """A block element: its place in the tag list and what its text amounts to, descendants included.

    Thousands are made for a page and most hold no text: what is 0 stays with the class.
    """

    tag: str
    attributes: str
    parent: int
    depth: int
    start: int
    """Index of its opening tag in `Outline.pieces`."""
    index: int
    """Its place in `Outline.blocks`."""
    runs: int
    """Index of its first run."""
    hint: int = NONE
    end: int = 0
    """Index of its closing tag in `Outline.pieces`."""
    last: int = 0
    """Index after its last descendant in `Outline.blocks`."""
    runs_end: int = 0
    value: float = 0.0
    """Worth as article text: characters of prose, less labels and links; may be negative."""
    text: float = 0.0
    """Characters outside links (Latin letters count a third)."""
    linked: float = 0.0
    """Characters inside links."""
    links: int = 0
    headlines: int = 0
    """Runs that are one long link: headlines of other articles."""
    teasers: int = 0
    """Children with one linked headline: entries of a list of other articles."""
    teaser_value: float = 0.0
    teaser: bool = False
    """Whether it is one of several such entries."""
    hidden: bool = False

    def __init__(
        self, tag: str, attributes: str, parent: int, depth: int, start: int, index: int, runs: int
    ) -> None:
        self.tag = tag
        self.attributes = attributes
        self.parent = parent
        self.depth = depth
        self.start = start
        self.index = index
        self.runs = runs


class Run:
    """Text between two block boundaries or line breaks."""

    def __init__(
        self,
        words: str,
        text: float,
        linked: float,
        links: int,
        marks: int,
        block: int,
        begin: int,
        end: int,
        value: float,
    ) -> None:
        self.words = words
        self.text = text
        self.linked = linked
        self.links = links
        self.marks = marks
        """Marks of sentences in it."""
        self.block = block
        """Index of the block it stands in."""
        self.begin = begin
        """Its first piece in `Outline.pieces`, and the one after its last."""
        self.end = end
        self.value = value

    @property
    def span(self) -> Span:
        """Where it stands in `Outline.pieces`."""
        return self.begin, self.end


class Outline:
    """The page as one well-formed string taken apart: text at even, tags at odd places."""

    def __init__(self, pieces: list[str]) -> None:
        self.pieces = pieces
        self.blocks: list[Block] = []
        self.runs: list[Run] = []
        self.cut = False
        """Whether blocks were left out because there are too many."""
        self.unreadable = False
        """Whether there is an element whose text is not to be read: the markup has to be pruned."""

    def markup(self, block: Block, left_out: list[Span]) -> str:
        """The block as bare HTML (no attributes, no links) without the spans `left_out` (in order).

        Tags stay within tables and code; elsewhere every border of a block is a BREAK. An empty span
        leaves its place between two SEAMs.
        """
        parts: list[str] = []
        tables = self._tables(block)
        start = block.start
        for begin, end in [*left_out, (block.end + 1, block.end + 1)]:
            if begin >= start:
                for table in tables:
                    if start <= table.end and table.start < begin:
                        first, last = max(start, table.start), min(begin, table.end + 1)
                        self._join(start, first, False, parts)
                        self._join(first, last, True, parts)
                        start = last
                self._join(start, begin, False, parts)
                if begin == end <= block.end:
                    parts.append(f"{BREAK}{SEAM}{begin}{SEAM}")
                start = end
        return "".join(parts)

    def _tables(self, block: Block) -> list[Block]:
        """The outermost tables and stretches of code in a block, itself included."""
        found: list[Block] = []
        last = -1
        for index in range(block.index, block.last):
            inner = self.blocks[index]
            if inner.start > last and (inner.tag == "table" or inner.tag == "pre"):
                found.append(inner)
                last = inner.end
        return found

    def _join(self, start: int, end: int, structured: bool, parts: list[str]) -> None:
        """Append the pieces from `start` to `end`."""
        for place in range(start, end):
            piece = self.pieces[place]
            if place & 1 == 0:
                parts.append(piece)
            elif piece not in _LINK and not piece.startswith("a "):
                name = piece.partition(" ")[0] if structured else ""
                parts.append(f"<{name}>" if name.lstrip("/") in _STRUCTURE else BREAK)


_LINK: Final = frozenset(("a", "/a", "/span"))
# Elements the fragment keeps; paragraphs and other containers become line breaks, which also
# flattens deep nesting.
_STRUCTURE: Final = frozenset(
    (
        *(
            "p",
            "h1",
            "h2",
            "h3",
            "h4",
            "h5",
            "h6",
            "ul",
            "ol",
            "li",
            "dl",
            "dt",
            "dd",
            "pre",
            "blockquote",
            "br",
        ),
        *("table", "caption", "thead", "tbody", "tfoot", "tr", "td", "th", "figcaption"),
    )
)


def read_outline(markup: str, words: Words, max_blocks: int) -> Outline:
    """Blocks and runs of well-formed markup; what comes after `max_blocks` of either is left out."""
    pieces: list[str] = _TAG.split(markup)
    outline = Outline(pieces)
    blocks, runs, hints = outline.blocks, outline.runs, words.hint
    block = Block("html", "", -1, 0, 0, 0, 0)
    blocks.append(block)
    parts: list[str] = []
    text = linked = 0.0
    begun = links = link_depth = 0
    for place in range(1, len(pieces), 2):
        tag = pieces[place]
        if tag == "/a":
            link_depth -= 1
        elif tag == "a" or tag.startswith("a "):
            link_depth += 1
            links += 1
        elif tag != "/span":
            if parts:
                words_of_run = SEAM.join(parts)
                runs.append(_close_run(block, words_of_run, text, linked, links, begun, place, words))
                parts = []
                text = linked = 0.0
            links = 0
            if tag.startswith("/"):
                if block.parent >= 0 and tag[1:] == block.tag:
                    block = _end_block(blocks, block, place, len(runs), link_depth > 0)
            else:
                name, _, attributes = tag.partition(" ")
                if len(blocks) >= max_blocks or len(runs) >= max_blocks:
                    outline.cut = True
                    break
                if name not in _VOID:
                    if name in UNREADABLE:
                        outline.unreadable = True
                    block = Block(
                        name, attributes, block.index, block.depth + 1, place, len(blocks), len(runs)
                    )
                    if attributes:
                        block.hint, block.hidden = hints(attributes)
                    blocks.append(block)
        piece = pieces[place + 1]
        if piece and (piece := piece.strip()):
            if not parts:
                begun = place + 1
            parts.append(piece)
            weight = 0.35 * len(piece)
            if not piece.isascii():
                # two bytes more than characters for each wide one, which counts whole
                weight += 0.325 * (len(piece.encode("utf-8", "surrogatepass")) - len(piece))
            if link_depth:
                linked += weight
            else:
                text += weight
    if parts:
        runs.append(_close_run(block, SEAM.join(parts), text, linked, links, begun, len(pieces), words))
    while block.parent >= 0:
        block = _end_block(blocks, block, len(pieces) - 1, len(runs), False)
    _end_block(blocks, block, len(pieces) - 1, len(runs), False)
    return outline


def _end_block(blocks: list[Block], block: Block, place: int, runs: int, in_link: bool) -> Block:
    """Close `block` at `place`; returns its parent (itself for the page), to which it is added."""
    block.end = place
    block.last = len(blocks)
    block.runs_end = runs
    if block.parent < 0:
        return block
    parent = blocks[block.parent]
    if runs > block.runs:
        _close_block(block, parent, in_link)
    return parent


_VOID: Final = frozenset(("br", "hr", "img", "meta", "link", "col", "area", "base", "param", "track", "wbr"))


def _close_run(
    owner: Block, run: str, text: float, linked: float, links: int, begin: int, end: int, words: Words
) -> Run:
    marks = 0
    if text >= 8:
        marks = sum(map(run.count, _SENTENCE)) or sum(map(run.count, _LATIN_SENTENCE))
    value = run_value(run, text, linked, links, marks, words)
    if value < 0 and not linked and owner.tag in _NEUTRAL:
        value = 0.3 * text if owner.tag == "pre" else 0.0
    owner.value += value
    owner.text += text
    if linked:
        owner.linked += linked
        if linked >= 9 and text < 0.35 * linked:
            owner.headlines += 1
    owner.links += links
    return Run(run, text, linked, links, marks, owner.index, begin, end, value)


# Short texts in these say nothing: headings, cells of tables, verses, code.
_NEUTRAL: Final = frozenset(("h1", "h2", "h3", "h4", "h5", "h6", "p", "pre", "td", "th"))


def run_value(run: str, text: float, linked: float, links: int, marks: int, words: Words) -> float:
    """What a run is worth as article text, in characters: prose counts for its length, labels and
    link lists against it. Prose is told by its punctuation."""
    if text < 2:
        return -(linked + 5 * links)
    size = text + linked
    if not marks:
        if size < 20:
            return -3 - 0.8 * linked - 3 * links
        return 0.35 * text - 0.8 * linked - 3 * links
    if text > 150 and marks < 0.006 * text:
        return -20.0
    if size < 400 and words.boilerplate.search(run):
        return -min(size, 60.0)
    value = text * min(1.0, 0.45 + 0.2 * marks)
    if linked:
        value += 0.6 * linked if linked < 0.35 * text else -linked - 2 * links
    return value if size > 12 else 0.3 * value


def _close_block(block: Block, parent: Block, in_link: bool) -> None:
    """Add what the block amounts to to its parent."""
    value = block.value
    if block.hidden and value > 0:
        value *= 0.1
    if block.hint == CHROME and value > 0:
        value *= 0.3
    if block.teasers > 2 and block.teaser_value > 0:
        value -= block.teaser_value  # they announce other articles
    block.value = value
    if in_link:
        parent.value -= min(block.text + block.linked, 120.0)
        parent.linked += block.text + block.linked
    else:
        parent.value += value
        parent.text += block.text
        parent.linked += block.linked
    parent.links += block.links
    parent.headlines += block.headlines
    if (
        0 < block.headlines < 3
        and block.text < _TEASER_TEXT
        and block.linked > 0.03 * block.text
        and block.tag in _ENTRY
    ):
        block.teaser = True
        parent.teasers += 1
        parent.teaser_value += value


_TEASER_TEXT: Final = 800.0
_ENTRY: Final = frozenset(("li", "div", "article", "dl", "section", "tr"))
