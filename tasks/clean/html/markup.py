"""The page's body as one well-formed string of blocks and texts, written by lexbor.

lexbor writes every element closed and every < and > of a text or an attribute as an entity (only
the names of broken tags and attributes can still hold a <). One regular expression then takes out
what never holds article text and every inline element: far cheaper than out of the tree.
"""

from __future__ import annotations

import re
from typing import Final

from selectolax.lexbor import LexborHTMLParser

SEAM: Final = "\x1f"
"""Stands in the words of a run where a <span> or a link began or ended."""

_RAW: Final = "script|style|iframe"
_UNREAD: Final = "xmp|plaintext|noembed|noframes"
_NESTING: Final = (
    "noscript|template|svg|object|select|button|textarea|canvas|audio|video|map|dialog|rt|rp|rtc|frameset|datalist|"
    "optgroup"
)
_EMPTY: Final = "embed|input|frame"
_REMOVED: Final = f"{_RAW}|{_NESTING}|{_EMPTY}".split("|")
"""Elements that never hold article text. Readings over characters (rt) go, the characters stay."""
UNREADABLE: Final = frozenset(f"{_RAW}|{_NESTING}|{_UNREAD}".split("|"))
"""Tags that `body_markup` leaves only in a page that it has to read from the pruned tree."""
_INLINE: Final = (
    "b|i|u|code|em|strong|font|small|big|sub|sup|s|del|ins|mark|kbd|samp|var|cite|q|abbr|time|label|tt|acronym|bdi|"
    "bdo|wbr|strike|nobr|ruby|rb|img|picture|source|basefont|data|[a-z0-9]+[:-][a-z0-9:-]+|math|mi|mo|mn|mrow|semantics|"
    "hr|meta|link|col|area|param"
)
_FREQUENT_BLOCKS: Final = "div|li|a|p|ul|t[dr]|h[1-6]|d[dtl]|br"
# In what lexbor writes, < stands for itself in comments and raw text only.
_COMMENT: Final = "!--.*?-->"


def _raw_text(names: str, group: int) -> str:
    return rf"({names})(?=[ >])[^<]*+(?:<(?!/\{group}>)[^<]*+)*+</\{group}>"


_NOISE: Final = re.compile(
    rf"<(?!/span>|/?(?:{_FREQUENT_BLOCKS})[ >])(?:span(?:\s[^>]*)?>"
    rf'|font\s[^>]*class="jammer"[^>]*>[^<]*</font>'  # Discuz!, against copying
    rf"|/?(?:{_INLINE}|{_EMPTY})(?:\s[^>]*)?>|{_COMMENT}|{_raw_text(_RAW, 1)}"
    rf"|({_NESTING})(?=[ >])[^<]*+(?:<(?:{_COMMENT}|{_raw_text(f'{_RAW}|{_UNREAD}', 3)}"
    rf"|(?!/?\2[ >]|(?:{_RAW}|{_UNREAD})[ >]))[^<]*+)*+</\2>|[!?][^>]*>)",
    re.DOTALL,
)
_HIDING: Final = re.compile(r"display:\s*none")
_HIDDEN_INLINE: Final = re.compile(r"<(span|font|i|em|b|p)\s[^>]*>[^<]*</\1>")


def body_markup(tree: LexborHTMLParser, *, prune: bool = False) -> str:
    """The page's body without scripts, comments and inline elements, but for the ends of <span>: by-lines
    set their parts apart by nothing else.

    Elements that hold others of their own kind (<svg> in <svg>) can stay; with `prune` they leave
    the tree first.
    """
    if prune:
        tree.strip_tags(_REMOVED)
    body = tree.body or tree.root
    markup = (body.html if body is not None else None) or ""
    return _NOISE.sub("", _without_hidden(markup)).replace("&nbsp;", " ").replace(SEAM, "")


def _without_hidden(markup: str) -> str:
    """Without the inline texts that an attribute hides."""
    parts: list[str] = []
    start = seen = 0
    while (at := markup.find("display:", seen)) >= 0:
        opening = markup.rfind("<", seen, at)
        seen = at + 1
        if opening >= 0 and _HIDING.match(markup, at) and (element := _HIDDEN_INLINE.match(markup, opening)):
            parts.append(markup[start:opening])
            start = seen = element.end()
    return "".join((*parts, markup[start:])) if parts else markup
