"""The chosen fragment as lines of text; tables and code are read with BeautifulSoup."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from typing import Final

from bs4 import BeautifulSoup
from bs4.element import NavigableString, Tag

from tasks.clean.html.outline import BREAK

_BLOCKS: Final = frozenset(
    (
        *(
            "address",
            "article",
            "aside",
            "blockquote",
            "body",
            "caption",
            "center",
            "dd",
            "details",
            "div",
            "dl",
            "dt",
        ),
        *(
            "fieldset",
            "figcaption",
            "figure",
            "footer",
            "form",
            "h1",
            "h2",
            "h3",
            "h4",
            "h5",
            "h6",
            "header",
            "hgroup",
        ),
        *(
            "hr",
            "html",
            "legend",
            "li",
            "main",
            "menu",
            "nav",
            "ol",
            "p",
            "pre",
            "section",
            "summary",
            "table",
            "tbody",
        ),
        *("td", "tfoot", "th", "thead", "tr", "ul"),
    )
)
_SPACE: Final = re.compile(r"[ \t\r\n\f\v\xa0\u2000-\u200b\u202f\u205f\ufeff]+")
_WIDE_BREAK: Final = re.compile(
    r"(?<=[\u2e80-\u9fff\uff00-\uffef，。！？；：、])\s*\n\s*(?=[\u2e80-\u9fff\uff00-\uffef])"
)
_MARGIN: Final = " \t\u3000\xa0\r\n"
_CELL_LIMIT: Final = 200
_CELL_PARTS: Final = 4
_MAX_DEPTH: Final = 200


def render(markup: str, *, layout: bool = False) -> list[str]:
    """Lines of the fragment: one for each paragraph, heading, list entry, row of a table, line of code.

    With `layout` tables hold the page's parts: a row with a cell of several parts is no row of data.
    """
    if "<" not in markup:
        return render_plain(markup.split(BREAK))
    soup = BeautifulSoup(markup, "lxml")
    out: list[str] = []
    _write(soup, out, False, 0, 0 if layout else _CELL_PARTS)
    return _lines("".join(out))


def render_plain(texts: Iterable[str]) -> list[str]:
    """The same from the texts of the lines in HTML notation, where there is no structure to read."""
    lines = (_flat(html.unescape(text) if "&" in text else text) for text in texts if text)
    return [line for text in lines if (line := text.strip(_MARGIN))]


def _lines(text: str) -> list[str]:
    lines = (line.strip(_MARGIN) for line in text.replace(BREAK, "\n").split("\n"))
    return [line for line in lines if line]


def _write(element: Tag, out: list[str], preformatted: bool, depth: int, parts: int) -> None:
    for child in element.children:
        if type(child) is NavigableString:
            out.append(str(child) if preformatted else _flat(str(child)))
        elif isinstance(child, Tag):
            name = child.name
            if name == "br":
                out.append("\n")
            elif depth > _MAX_DEPTH:
                out.append(child.get_text("\n"))
            elif name == "tr" and (row := _row(child, parts)):
                out.append(f"\n{row}\n")
            elif name in _BLOCKS:
                out.append("\n")
                _write(child, out, preformatted or name == "pre", depth + 1, parts)
                out.append("\n")
            else:
                _write(child, out, preformatted, depth + 1, parts)


def _flat(text: str) -> str:
    if BREAK in text:
        return BREAK.join(map(_flat, text.split(BREAK)))
    if "\n" in text:
        text = _WIDE_BREAK.sub("", text)
    return _SPACE.sub(" ", text)


def _row(row: Tag, parts: int) -> str | None:
    """A row of a table of data on one line, cells apart by a tab; None where the table is for layout."""
    cells = [cell for cell in row.children if isinstance(cell, Tag)]
    if len(cells) < 2:
        return None
    texts = []
    for cell in cells:
        if (
            cell.find(("table", "ul", "ol", "h1", "h2", "h3")) is not None
            or cell.get_text().strip(BREAK).count(BREAK) > parts
        ):
            return None
        texts.append(_flat(cell.get_text(" ").replace(BREAK, " ")).strip(" \u3000"))
    if any(len(text) > _CELL_LIMIT for text in texts):
        return None
    return "\t".join(texts)
