"""The article of a page, on pages written after the markup of the kinds of sites in use."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from config.settings import ExtractSettings
from tasks.clean.html import Extractor

PAGES = Path(__file__).parents[1] / "cases/html/pages"
CAPTURED = datetime(2024, 10, 1, tzinfo=UTC)
METADATA = ("published_at", "source", "author", "editors", "section")


def _cases() -> list[Any]:
    cases = []
    for file in sorted(PAGES.glob("*.yaml")):
        value = yaml.safe_load(file.read_text(encoding="utf-8"))
        for case in value if isinstance(value, list) else [value]:
            cases.append(pytest.param(case, id=f"{file.stem} {case.get('name', '')}".strip()))
    return cases


@pytest.fixture(scope="module")
def extractor() -> Extractor:
    return Extractor(ExtractSettings())


@pytest.mark.parametrize("case", _cases())
def test_takes_the_article_and_nothing_else(extractor: Extractor, case: dict[str, Any]) -> None:
    page = extractor.extract(case["html"], url=case.get("url"), captured_at=CAPTURED)
    if "text" in case:
        assert page.text.splitlines() == case["text"].strip().splitlines()
    for part in case.get("contains", ()):
        assert part in page.text
    for part in case.get("lacks", ()):
        assert part not in page.text
    assert page.kind == case.get("kind", "article")
    assert page.title == case["title"]


@pytest.mark.parametrize("case", _cases())
def test_reads_the_metadata_with_its_evidence(extractor: Extractor, case: dict[str, Any]) -> None:
    metadata = extractor.extract(case["html"], url=case.get("url"), captured_at=CAPTURED).metadata
    for name in METADATA:
        if name in case:
            assert getattr(metadata, name) == case[name]
            assert metadata.evidence[name]


def test_signs_of_tags_in_attributes_and_raw_text_are_no_tags(extractor: Extractor) -> None:
    text = "这一段是正文，它的属性里有尖括号，也读得出来。"
    page = extractor.extract(
        f'<div title="a > b <p>广告</p> &lt;"><p data-x="<p>">{text}</p></div><xmp><></xmp>'
    )
    assert text in page.text.splitlines()
    assert "广告" not in page.text


@pytest.mark.parametrize("case", [case for case in _cases() if "posts" in case.values[0]])
def test_posts_have_their_place_author_and_time(extractor: Extractor, case: dict[str, Any]) -> None:
    page = extractor.extract(case["html"], url=case.get("url"), captured_at=CAPTURED)
    ends = [*(post.start for post in page.posts[1:]), len(page.text)]
    found = [
        [post.author, post.published_at, page.text[post.start : end].strip()]
        for post, end in zip(page.posts, ends, strict=False)
    ]
    assert [row[:2] for row in found] == [row[:2] for row in case["posts"]]
    for (_, _, text), (_, _, begin) in zip(found, case["posts"], strict=True):
        assert text.startswith(begin)
    assert str(page.title) in page.text[: page.posts[0].start]


def test_an_article_has_no_posts(extractor: Extractor) -> None:
    page = extractor.extract(
        "<title>一篇文章的标题</title><h1>一篇文章的标题</h1>"
        + "<p>某人 2020-01-02 10:00 说：“这是文章里的一段话，不是帖子。”</p>" * 5
    )
    assert (page.kind, page.posts) == ("article", ())


@pytest.mark.parametrize("limits", [{"max_characters": 10_000}, {"max_blocks": 1000}])
def test_says_whether_the_page_was_cut_at_a_limit(limits: dict[str, int]) -> None:
    paragraphs = "<p>这一段写来凑够长度，每一段都一样，没有别的意思。</p>"
    extractor = Extractor(ExtractSettings(**limits))
    assert extractor.extract(paragraphs * 2000).cut
    assert not extractor.extract(paragraphs * 20).cut
