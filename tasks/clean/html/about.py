"""Metadata of a page from its statements and from the texts around its headline."""

from __future__ import annotations

import html
import re
from datetime import datetime
from functools import lru_cache
from typing import Final

from tasks.clean.dates import parse_time
from tasks.clean.html.headline import begins, headline_text, main_part, title_parts, words_of
from tasks.clean.html.outline import Block, Outline
from tasks.clean.html.posts import member_of
from tasks.clean.html.words import load_words
from tasks.clean.metadata import (
    Finder,
    Statements,
    load_labels,
    more_exact,
    stated_time,
    titled_time,
    url_time,
    visible_time,
)
from tasks.tables import Metadata

_ABOVE: Final = 12
_BELOW: Final = 25
_TAIL: Final = 15
_HEADINGS: Final = frozenset(("h1", "h2", "h3"))
_SPACE: Final = re.compile(r"\s+")
_CRUMB: Final = re.compile(r"crumb|weizhi|dqwz", re.IGNORECASE)
_HERE: Final = re.compile(r"\s*【?(?:您?的?(?:当前|當前|现在|所在)(?:的|所在)?位置|您的位置)\s*[:：】]?")
_SITE: Final = re.compile(
    r"(?:[网網报報社台站吧]|新闻|新聞|论坛|論壇|百科|频道|頻道|在线|線上|社区|博客|杂志|头条|知乎|豆瓣|文库|\.(?:com|cn|net|org))$"
)
_CRUMB_PARTS: Final = re.compile(r"\s*(?:&gt;+|>+|»|›|→|/|::|－|-)\s*|\s+")
_NOT_SECTION: Final = frozenset(
    ("首页", "首頁", "正文", "当前位置", "当前位置：", "您的位置", "详情", "内容", "", "Home", "文章")
)
_HAN: Final = re.compile(r"[\u4e00-\u9fff]")


def describe(
    outline: Outline,
    statements: Statements,
    headline: int,
    body: Block,
    source: str,
    *,
    url: str | None,
    captured_at: datetime | None,
) -> Metadata:
    """The metadata of the page; `headline` is the run that is the headline or -1, `body` the chosen block,
    `source` the page's HTML."""
    labels = load_labels()
    finder = Finder(statements, labels)
    runs = outline.runs
    begin = _nearest(outline, headline, body) if headline >= 0 else body.runs
    first = max(0, begin - _ABOVE)
    around = [
        (index - begin, html.unescape(runs[index].words).strip())
        for index in range(first, min(len(runs), begin + _BELOW))
    ]
    tail = [
        html.unescape(run.words) for run in runs[max(begin, body.runs_end - _TAIL) : body.runs_end + _TAIL]
    ]
    near = [text for distance, text in around if distance >= 0] + [
        text for distance, text in around if distance < 0
    ]
    short = [text for text in near if len(text) < 200]

    _title(finder, outline, headline)
    for name in ("source", "author", "editors", "section", "site_name"):
        finder.set_from_meta(name)
    finder.set_from_text("source", [*short, *(text for text in tail if len(text) < 120)])
    finder.set("author", statements.linked("author", "name"), "json-ld author")
    finder.set("author", statements.items.get("author"), "microdata author")
    finder.set_from_text("author", short)
    finder.set("author", _member(outline, begin) if headline >= 0 else None, "link to a member")
    finder.set("editors", statements.items.get("editor"), "microdata editor")
    finder.set_from_text("editors", [*(text for text in reversed(tail)), *short])
    time = more_exact(stated_time(statements, labels, captured_at), visible_time(around, labels, captured_at))
    if time is None:
        for value in statements.times:
            time = time or visible_time([(0, value)], labels, captured_at)
    elif len(time[0]) == 10:
        for value in statements.times:
            if (exact := parse_time(value, captured_at)) and exact[:10] == time[0] and len(exact) > 10:
                time = exact, "time datetime"
                break
    if time is None:
        inside = [
            html.unescape(run.words) for run in runs[begin : body.runs_end] if run.text < 40 and not run.marks
        ]
        ends = [(_BELOW, text) for text in inside[:500] if labels.time.search(text)]
        ends += [(index + _BELOW, text) for index, text in enumerate(tail)]
        time = visible_time(ends, labels, captured_at) or titled_time(source, captured_at)
        time = time or url_time(url) or url_time(statements.canonical)
    if time:
        finder.set("published_at", *time)
    finder.set("section", statements.linked("articleSection"), "json-ld articleSection")
    finder.set("section", statements.items.get("articleSection"), "microdata articleSection")
    finder.set("section", _crumb(outline), "breadcrumb")
    finder.set("site_name", statements.linked("publisher", "name"), "json-ld publisher")
    finder.set("site_name", statements.items.get("publisher"), "microdata publisher")
    parts = title_parts(statements.title)
    if len(parts) > 1 and headline >= 0 and _SITE.search(parts[-1]):
        finder.set("site_name", parts[-1], "title")
    finder.set("canonical_url", statements.canonical, "link canonical")
    finder.set_from_meta("canonical_url")
    finder.set("language", _language(statements.language), "html lang")
    for key in labels.meta["language"]:
        finder.set("language", _language(statements.meta.get(key)), f"meta {key}")
    if any(_HAN.search(text) for text in near[:3]):
        finder.set("language", "zh", "text")
    return Metadata(**finder.values, evidence=finder.evidence)


def _title(finder: Finder, outline: Outline, headline: int) -> None:
    statements = finder.statements
    main = main_part(statements.title)
    if headline >= 0:
        heading, words = outline.runs[headline], words_of(outline.runs[headline])
        if heading.linked or _SPACE.sub("", words) not in _SPACE.sub("", statements.title):
            words = headline_text(outline, headline, statements.title)
        tag = outline.blocks[heading.block].tag
        own = heading.linked <= heading.text or (tag in _HEADINGS and begins(words, statements.title))
        if own and (tag in _HEADINGS or len(words) >= 0.8 * len(main)):
            finder.set("title", words, tag)
    finder.set("title", statements.meta.get("articletitle"), "meta articletitle")
    stated = next(
        (statements.meta[key] for key in finder.labels.meta["title"] if key in statements.meta), None
    )
    finder.set("title", main_part(stated) if stated else None, "meta title")
    finder.set("title", statements.linked("headline"), "json-ld headline")
    finder.set("title", statements.items.get("headline"), "microdata headline")
    finder.set("title", main, "title")


def _member(outline: Outline, begin: int) -> str | None:
    """The link to a member below the headline, before the first prose."""
    words = load_words()
    for run in outline.runs[begin + 1 : begin + _ABOVE]:
        if run.marks and run.value > 8:
            break
        if run.linked and (name := member_of(outline, run, words)):
            return name
    return None


def _nearest(outline: Outline, headline: int, body: Block) -> int:
    """The headline's last repetition before the body: by-lines stand there, not by a copy in a fixed bar."""
    words = outline.runs[headline].words
    before = outline.runs[headline : body.runs + 1]
    return headline + max(
        index for index, run in enumerate(before or [outline.runs[headline]]) if run.words == words
    )


def _crumb(outline: Outline) -> str | None:
    runs = outline.runs
    for block in outline.blocks:
        if not block.links or not 4 < block.text + block.linked < 60:
            continue
        if _is_crumb(block.attributes) or _HERE.match(runs[block.runs].words):
            words = " > ".join(run.words for run in runs[block.runs : block.runs_end])
            parts = [
                part
                for part in _CRUMB_PARTS.split(_HERE.sub("", words))
                if 1 < len(part) < 12 and not part.startswith("正文")
            ]
            parts = [part for part in parts if part not in _NOT_SECTION]
            return parts[-1] if parts else None
    return None


@lru_cache(maxsize=4096)
def _is_crumb(attributes: str) -> bool:
    return _CRUMB.search(attributes) is not None


def _language(code: str | None) -> str | None:
    """A BCP 47 tag from what pages write: zh_CN, zh-cn, ZH."""
    match = re.match(r"\s*([A-Za-z]{2,3})(?:[-_]([A-Za-z]{2,4}))?(?:[-_]([A-Za-z]{2}))?\b", code or "")
    if not match:
        return None
    parts = [match[1].lower()]
    parts += [part.title() if len(part) == 4 else part.upper() for part in match.groups()[1:] if part]
    return "-".join(parts)
