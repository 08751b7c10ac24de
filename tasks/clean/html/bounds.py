"""Bounds on what lexbor is given: its time grows with the square of some figures of a page."""

from __future__ import annotations

import re
from typing import Final


def bounded(html: str, max_characters: int, max_depth: int) -> str:
    """The page cut to `max_characters`; one nested deeper than `max_depth` loses its containers.

    lexbor's time grows with the square of the depth of nesting, which no honest page drives far.
    """
    html = html[:max_characters]
    html = _without_long_tags(html)
    if html.count("<") <= 4 * max_depth:
        return html
    depth = deepest = 0
    for close in _CONTAINER.findall(html):
        depth += -1 if close and depth else 0 if close else 1
        deepest = max(deepest, depth)
    return html if deepest <= max_depth else _CONTAINER_TAG.sub("<br>", html)


def _without_long_tags(html: str) -> str:
    """Without tags that have thousands of attributes, whose cost is quadratic too.

    Few places of the page are looked at: such a tag holds no < and > for a long stretch.
    """
    parts: list[str] = []
    start = at = 0
    while (end := at + _LONG_TAG) < len(html):
        last = max(html.rfind("<", at, end), html.rfind(">", at, end))
        if last >= 0:
            at = last + 1
        elif at and (tag := _LONG_TAGS.match(html, at - 1)) and len(tag[0].split()) > _MANY_ATTRIBUTES:
            parts.append(html[start : at - 1])
            start = at = tag.end()
        else:
            at = end
    return "".join((*parts, html[start:])) if parts else html


_MANY_ATTRIBUTES: Final = 1000
_LONG_TAG: Final = 20_000
_LONG_TAGS: Final = re.compile(rf"<[a-zA-Z][^<>]{{{_LONG_TAG},}}>?")
_CONTAINER: Final = re.compile(
    r"<(/?)(?!(?:p|br|li|td|tr|th|img|a|meta|link|input|hr|script|option|dd|dt)[\s>/])[a-zA-Z]"
)
_CONTAINER_TAG: Final = re.compile(
    r"</?(?!(?:br|a|title|script|style|meta|head|h[1-6])[\s>/])[a-zA-Z][^<>]{0,2000}>?"
)
