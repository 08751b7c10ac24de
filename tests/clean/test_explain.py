"""Before and after: the columns are the texts, and nothing of a capture is shown unescaped."""

from __future__ import annotations

import io
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from config.settings import load_settings
from tasks.article import Article, Cleaner
from tasks.clean.explain import explain_html, explain_terminal
from tasks.clean.normalise import Normaliser
from tasks.clean.sides import side_by_side
from tasks.tables import Capture

TEXT = (
    "山村里的讀書聲<script>alert(1)</script>\n來源:桃溪日報 2021-04-08\n"
    "山腳下的小學只有十九個學生,老師每天划船接送。\n\n<b>風雨無阻</b>,已經堅持了整整八年。\n下一篇:沒有了"
)


@pytest.fixture(scope="module")
def article() -> Article:
    capture = Capture("test", '<img src=x onerror="1">.txt', TEXT.encode(), "text/plain")
    return Cleaner(load_settings()).clean(capture)


def columns(article: Article) -> tuple[str, str]:
    rows = side_by_side(article.original, article.trail)
    return (
        "".join(piece.text for row in rows for piece in row.before),
        "".join(piece.text for row in rows for piece in row.after),
    )


def test_the_columns_are_the_original_and_the_result(article: Article) -> None:
    assert columns(article) == (article.original, article.text)


@given(st.text(alphabet='湖边,。!?\n  \u3000ａ“"', max_size=50))
def test_the_columns_of_any_text(text: str) -> None:
    trail = Normaliser(load_settings().clean.normalise).normalise(text)
    rows = side_by_side(text, trail)
    assert "".join(piece.text for row in rows for piece in row.before) == text
    assert "".join(piece.text for row in rows for piece in row.after) == (
        trail[-1][1].text if trail else text
    )


def test_unchanged_text_is_not_marked(article: Article) -> None:
    rows = side_by_side("甲。\n乙。", ())
    assert [row.changed for row in rows] == [False, False]


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        assert not any(name.startswith("on") or name in ("src", "href") for name, _value in attrs)


def test_the_page_is_escaped_and_self_contained(article: Article) -> None:
    page = explain_html([article])
    tags = Tags()
    tags.feed(page)
    assert not {"script", "img", "b", "a", "link", "iframe"} & set(tags.seen)
    assert "&lt;script&gt;" in page
    assert "default-src &#39;none&#39;" in page or "default-src 'none'" in page
    assert not re.search(r"url\(|https?://", page)
    for rule in ("meta.headline", "punct.widen", "chrome.pagination"):
        assert rule in page


def test_the_terminal_shows_rules_and_both_texts(article: Article) -> None:
    out = io.StringIO()
    explain_terminal(article, Console(file=out, width=160))
    shown = out.getvalue()
    assert "punct.widen" in shown
    assert "桃溪日报" in shown
    assert "<script>" in shown


def test_the_terminal_does_not_obey_a_capture() -> None:
    payload = (
        "\x1b]0;title\x07\x1b[31m山脚下的小学只有十九个学生，老师每天划船接送，风雨无阻。\x9b2J".encode()
    )
    out = io.StringIO()
    shown = Cleaner(load_settings()).clean(Capture("test", "a\x1b[2J.txt", payload, "text/plain"))
    explain_terminal(shown, Console(file=out, width=160))
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", out.getvalue())
    assert "␛[31m" in out.getvalue()


def test_a_failed_capture_is_explained_too() -> None:
    failed = Cleaner(load_settings()).clean(Capture("test", "empty.txt", b"", "text/plain"))
    assert "the capture is empty" in explain_html([failed])
    out = io.StringIO()
    explain_terminal(failed, Console(file=out))
    assert "the capture is empty" in out.getvalue()
    assert "before" not in out.getvalue()
