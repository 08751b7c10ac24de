"""Articles that live only inside scripts or escaped in form fields.

Used when the visible page holds (almost) no text: JSON-LD articleBody, data of client-side
frameworks (__NEXT_DATA__, __NUXT__, RENDER_DATA, ...), <textarea> and <template> with HTML inside.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import unquote

from selectolax.lexbor import LexborHTMLParser

from tasks.clean.metadata import Statements, strings_of

_MAX_SCRIPT: Final = 4 << 20
_MAX_SCRIPTS: Final = 200
_JSON: Final = re.compile(r"(?:=|^|\()\s*([\[{].*[\]}])", re.DOTALL)
_JS_STRING: Final = re.compile(
    r"[\"']?(?:content|body|articleBody|content_noencode|msg_content)[\"']?\s*[:=]\s*([\"'])((?:\\.|(?!\1)[^\\])*)\1"
)
_BODY_KEYS: Final = frozenset(
    (
        "articlebody",
        "content",
        "body",
        "text",
        "contenthtml",
        "content_html",
        "article_content",
        "articlecontent",
        "newscontent",
        "html",
        "detail",
        "richtext",
        "rich_text",
        "contents",
    )
)
_ESCAPES: Final = {"n": "\n", "r": "", "t": " ", "b": "", "f": ""}
_HAN: Final = re.compile(r"[\u4e00-\u9fff]")
_ENDS: Final = re.compile(r"[，。！？；]")


def hidden_sources(source: str) -> list[str]:
    """Candidates for the article's HTML from scripts, templates and form fields, read before they go."""
    tree = LexborHTMLParser(source)
    found: list[str] = []
    for node in tree.css("textarea, template, noscript")[:_MAX_SCRIPTS]:
        text = node.html or ""
        inner = html.unescape(text[text.find(">") + 1 :]) if node.tag == "textarea" else text
        if len(inner) < _MAX_SCRIPT:
            found.append(inner)
    for node in tree.css("script")[:_MAX_SCRIPTS]:
        text = node.text()
        if 40 < len(text) < _MAX_SCRIPT:
            found += _from_script(text)
    return found


def _from_script(text: str) -> Iterator[str]:
    text = text.strip()
    if text.startswith("%7B"):
        text = unquote(text)
    for candidate in (text, match[1] if (match := _JSON.search(text)) else ""):
        if candidate[:1] in ("{", "["):
            try:
                value: Any = json.loads(candidate, strict=False)
            except (ValueError, RecursionError):
                continue
            for key, item in strings_of(value):
                if key.lower() in _BODY_KEYS or (len(item) > 400 and _ENDS.search(item)):
                    yield item
            return
    for match in _JS_STRING.finditer(text):
        yield re.sub(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|(.))", _unescape, match[2], flags=re.DOTALL)


def _unescape(match: re.Match[str]) -> str:
    if code := match[1] or match[2]:
        return chr(int(code, 16))
    return _ESCAPES.get(match[3], match[3])


def article_in_scripts(source: str, statements: Statements) -> str | None:
    """The HTML (or text) of the article inside scripts, or None: the candidate with most sentences."""
    best, best_score = None, 20
    for candidate in [statements.linked("articleBody") or "", *hidden_sources(source)]:
        if len(candidate) < 40:
            continue
        text = re.sub(r"<[^>]*>", "", candidate)
        score = len(_HAN.findall(text)) if _ENDS.search(text) else 0
        if score > 0.5 * len(text.strip()) - 20 and score > best_score * 1.1:
            best, best_score = candidate, score
    if best is None:
        return None
    return (
        best
        if "<" in best
        else "".join(f"<p>{html.escape(line)}</p>" for line in best.splitlines() if line.strip())
    )
