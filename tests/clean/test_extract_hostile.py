"""Pages that are broken or built to harm: bounded time, a result, never an error."""

from __future__ import annotations

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.settings import ExtractSettings
from tasks.clean.html import Extractor

SENTENCE = "这是一个写来测试的句子，它有标点。"
EXTRACTOR = Extractor(ExtractSettings())
SECONDS = 30.0
"""Generous: the machine may be busy. A quadratic step would take minutes."""

HOSTILE = {
    "200,000 elements": f"<p>{SENTENCE}</p>" * 200_000,
    "200,000 unclosed elements": f"<div><span>{SENTENCE}" * 200_000,
    "5,000 levels": "<div>" * 5000 + SENTENCE * 20 + "</div>" * 5000,
    "100,000 levels": '<div class="a"><p>' * 50_000 + SENTENCE * 20,
    "50 MB": "<p>" + SENTENCE * 1_000_000,
    "unclosed everything": '<table><tr><td><ul><li><a href="<div class="' * 20_000 + SENTENCE,
    "one script": "<script>" + 'var a="中文，内容。";' * 100_000 + "</script>",
    "nested data in a script": "<script>x={" + '"a":{' * 50_000 + "}</script>",
    "entity bomb": '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>' + "<p>&b;&lt;&amp;" * 20_000,
    "NUL bytes": f"\0<p>\0{SENTENCE}\0</p>" * 1000,
    "100,000 attributes": "<p " + " ".join(f"a{number}=1" for number in range(100_000)) + f">{SENTENCE}",
    "20,000 headlines": "<title>标题文字内容</title>" + "<h1>标题文字内容</h1>" * 20_000,
    "20,000 dates": "<h1>标题文字内容</h1>" + "<p>2020-01-01 来源：</p>" * 20_000,
    "open comments": "<!--" * 100_000 + SENTENCE,
    "less than": "<" * 200_000,
    "hidden": '<span style="display:none" ' * 20_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_pages_end_in_bounded_time(name: str) -> None:
    started = time.process_time()
    page = EXTRACTOR.extract(HOSTILE[name], url="http://example.com/a.html")
    assert time.process_time() - started < SECONDS
    assert page.kind in ("article", "forum", "list", "empty")
    assert (page.kind == "empty") == (not page.text)
    assert "\0" not in page.text


@pytest.mark.parametrize("name", ["5,000 levels", "100,000 levels", "NUL bytes"])
def test_their_text_is_kept(name: str) -> None:
    assert SENTENCE in EXTRACTOR.extract(HOSTILE[name]).text


@pytest.mark.parametrize(
    "html", ["", " ", "\0", "<html>", "<title>只有标题</title>", "<body></body>", "<frameset></frameset>"]
)
def test_pages_without_text_are_empty(html: str) -> None:
    page = EXTRACTOR.extract(html)
    assert (page.kind, page.text) == ("empty", "")


def test_no_page_with_text_comes_out_empty() -> None:
    for html in (
        "只有几个字",
        "<p>短</p>",
        "<nav>导航里的字，只有这些。</nav>",
        "<div style='display:none'>藏起来的一句话，只有它。</div>",
        "<a href=x>只有一个链接</a>",
        "<form>表单里的说明文字，没有别的。</form>",
    ):
        assert EXTRACTOR.extract(html).text


PARTS = st.sampled_from(
    [
        "<div>",
        "</div>",
        "<p>",
        "</p>",
        "<table>",
        "<tr>",
        "<td>",
        "</td>",
        "</table>",
        "<ul>",
        "<li>",
        "<a href=x>",
        "</a>",
        "<h1>",
        "</h1>",
        "<title>",
        "</title>",
        "<body>",
        "</body>",
        "<html>",
        "<script>",
        "</script>",
        "<!--",
        "-->",
        "<br>",
        "<pre>",
        "</pre>",
        "<span>",
        "</span>",
        '<div class="content">',
        '<div class="comment" id="c1">',
        "<form>",
        "<ruby>",
        "<rt>",
        SENTENCE,
        "短",
        "2023-05-11 09:00",
        "来源：某报",
        "&lt;",
        "&amp;",
        "&#x0;",
        "&nbsp;",
        "\x00",
        "\x1f",
        "�",
        "<",
        ">",
        '"',
        "责任编辑：甲",
        '<script type="application/ld+json">{"@graph":[1,{"author":[{}]}]}</script>',
        "<meta name=pubdate content=x>",
        "<td",
    ]
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(PARTS, max_size=60),
    st.sampled_from([None, "http://a.cn/", "http://bbs.a.cn/thread-1-1-1.html", "::bad[url"]),
)
def test_any_mixture_of_parts_gives_a_result(parts: list[str], url: str | None) -> None:
    page = EXTRACTOR.extract("".join(parts), url=url)
    assert page == EXTRACTOR.extract("".join(parts), url=url)
    assert 0 <= page.link_density <= 1
    assert 0 <= page.list_score <= 1
    assert "\x1f" not in page.text


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=400))
def test_any_text_gives_a_result(text: str) -> None:
    assert EXTRACTOR.extract(text).kind
