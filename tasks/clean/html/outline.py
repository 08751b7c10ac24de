"""One fast walk over a page: its blocks and its runs of text, with what each is worth.

lexbor reads the page and writes it back well-formed; what follows works on that string, where one
regular expression takes it apart. Python then touches each block once and no inline element at
all, which is several times faster than walking the tree.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from selectolax.lexbor import LexborHTMLParser

from tasks.clean.html.words import Hint, Words

# Elements that never hold article text. Readings over characters (rt) go, the characters stay.
REMOVED: Final = [
    *(
        "script",
        "style",
        "noscript",
        "template",
        "iframe",
        "svg",
        "object",
        "embed",
        "select",
        "button",
        "textarea",
    ),
    *(
        "input",
        "canvas",
        "audio",
        "video",
        "map",
        "dialog",
        "rt",
        "rp",
        "rtc",
        "frameset",
        "datalist",
        "optgroup",
    ),
]
_INLINE: Final = (
    "span|b|i|u|code|em|strong|font|small|big|sub|sup|s|del|ins|mark|kbd|samp|var|cite|q|abbr|time|label|tt|acronym|bdi|"
    "bdo|wbr|strike|nobr|ruby|rb|img|picture|source|basefont|data|[a-z0-9]+[:-][a-z0-9:-]+|math|mi|mo|mn|mrow|semantics|hr|meta|link|input|col|area|param"
)
# lexbor writes < and > as entities, in attributes too: a tag ends at the first >.
_HIDING: Final = (("display:", re.compile(r"display:\s*none")), ("jammer", re.compile('class="jammer"')))
_HIDDEN_INLINE: Final = re.compile(r"<(span|font|i|em|b|p)\s[^>]*>[^<]*</\1>")
_FREQUENT_BLOCKS: Final = "div|li|a|p|ul|t[dr]|h[1-6]|d[dtl]|br"
_NOISE: Final = re.compile(
    rf"<(?!/?(?:{_FREQUENT_BLOCKS})[ >])(?:/?(?:{_INLINE})(?:\s[^>]*)?>|!--.*?-->|[!?][^>]*>)", re.DOTALL
)
_TAG: Final = re.compile(r"<([^>]+)>")
_SENTENCE: Final = ("，", "。", "！", "？", "；", "：", "、", "”", "」", "》")
_LATIN_SENTENCE: Final = (", ", ". ", "! ", "? ")


SEAM: Final = "\x1f"
"""Stands where a <span> ended: by-lines set their parts apart by nothing else."""
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
    hint: Hint = Hint.NONE
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


@dataclass(slots=True)
class Run:
    """Text between two block boundaries or line breaks."""

    words: str
    text: float
    linked: float
    links: int
    marks: int
    block: int
    span: Span
    value: float


@dataclass(slots=True)
class Outline:
    """The page as one well-formed string taken apart: text at even, tags at odd places."""

    pieces: list[str]
    blocks: list[Block] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    cut: bool = False
    """Whether blocks were left out because there are too many."""

    def markup(self, block: Block, left_out: list[Span]) -> str:
        """The block as bare HTML (no attributes, no links) without the spans `left_out` (in order).

        Tags stay where tables or code need them; else every border of a block is a BREAK.
        """
        kept = _STRUCTURE if any(map(self._structured, range(block.index, block.last))) else _NO_STRUCTURE
        parts: list[str] = []
        start = block.start
        for begin, end in left_out:
            if begin >= start:
                self._join(start, begin, kept, parts)
                start = end
        self._join(start, block.end + 1, kept, parts)
        return "".join(parts).replace(SEAM, "")

    def _structured(self, index: int) -> bool:
        return self.blocks[index].tag in ("table", "pre")

    def _join(self, start: int, end: int, kept: frozenset[str], parts: list[str]) -> None:
        pieces = self.pieces
        if start & 1 == 0:
            parts.append(pieces[start])
            start += 1
        for tag, words in zip(pieces[start:end:2], [*pieces[start + 1 : end : 2], ""], strict=False):
            if tag[:2] != "a " and tag not in _LINK:
                if kept and (name := tag.partition(" ")[0]).lstrip("/") in kept:
                    parts.append(f"<{name}>")
                else:
                    parts.append(BREAK)
            if words:
                parts.append(words)


_LINK: Final = frozenset(("a", "/a"))
_NO_STRUCTURE: Final[frozenset[str]] = frozenset()
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


def body_markup(tree: LexborHTMLParser) -> str:
    """The page's body without inline elements, scripts and comments (they leave the tree too)."""
    tree.strip_tags(REMOVED)
    body = tree.body or tree.root
    markup = (body.html if body is not None else None) or ""
    for word, hiding in _HIDING:
        if word in markup:
            markup = _without_hidden(markup, hiding)
    return _NOISE.sub("", markup.replace("</span>", SEAM)).replace("&nbsp;", " ")


def _without_hidden(markup: str, hiding: re.Pattern[str]) -> str:
    """Without the inline texts that an attribute hides (jammers against copying)."""
    parts: list[str] = []
    start = 0
    for match in hiding.finditer(markup):
        opening = markup.rfind("<", start, match.start())
        if opening >= 0 and (element := _HIDDEN_INLINE.match(markup, opening)):
            parts.append(markup[start:opening])
            start = element.end()
    return "".join((*parts, markup[start:])) if parts else markup


def read_outline(markup: str, words: Words, max_blocks: int) -> Outline:
    """Blocks and runs of well-formed markup; what comes after `max_blocks` of either is left out."""
    pieces = _TAG.split(markup)
    outline = Outline(pieces)
    blocks, runs = outline.blocks, outline.runs
    block = Block("html", "", -1, 0, 0, 0, 0)
    blocks.append(block)
    stack = [block]
    parts: list[str] = []
    text = linked = 0.0
    link_depth = links = begun = 0
    hints = words.hint
    for at, (tag, piece) in enumerate(zip(pieces[1::2], pieces[2::2], strict=True)):
        if tag == "/a":
            link_depth -= 1
        elif tag[:2] == "a " or tag == "a":
            link_depth += 1
            links += 1
        else:
            place = 2 * at + 1
            if parts:
                run = SEAM.join(parts)
                runs.append(_close_run(block, run, text, linked, links, (begun, place), words))
                parts = []
                text = linked = 0.0
            links = 0
            if tag[0] == "/":
                if len(stack) > 1 and block.tag == tag[1:]:
                    block.end = place
                    block.last = len(blocks)
                    block.runs_end = len(runs)
                    stack.pop()
                    if block.runs_end > block.runs:
                        _close_block(block, stack[-1], link_depth > 0)
                    block = stack[-1]
            else:
                name, _, attributes = tag.partition(" ")
                index = len(blocks)
                if index >= max_blocks or len(runs) >= max_blocks:
                    outline.cut = True
                    break
                if name not in _VOID:
                    block = Block(name, attributes, block.index, len(stack), place, index, len(runs))
                    if attributes:
                        block.hint, block.hidden = hints(attributes)
                    stack.append(block)
                    blocks.append(block)
        if piece and (piece := piece.strip()):
            if not parts:
                begun = 2 * at + 2
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
        runs.append(_close_run(block, SEAM.join(parts), text, linked, links, (begun, len(pieces)), words))
    while stack:
        block = stack.pop()
        block.end = len(pieces) - 1
        block.last = len(blocks)
        block.runs_end = len(runs)
        if stack:
            _close_block(block, stack[-1], False)
    return outline


_VOID: Final = frozenset(("br", "hr", "img", "meta", "link", "col", "area", "base", "param", "track", "wbr"))


def _close_run(
    owner: Block, run: str, text: float, linked: float, links: int, span: Span, words: Words
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
    return Run(run, text, linked, links, marks, owner.index, span, value)


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
    if size < 400 and any(map(run.__contains__, words.boilerplate)):
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
    if block.hint is Hint.CHROME and value > 0:
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
