"""Site recipes: their own examples, and the messages for wrong ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.settings import ExtractSettings, SettingsError
from tasks.clean.html import Extractor, check_recipes
from tasks.clean.sites import load_recipes

GOOD = """
name: sample
description: a sample
hosts: ['*.example.org']
body: ['#text']
drop: ['.ad']
tests:
  - name: one
    url: http://www.example.org/1
    html: '<div id="text"><p>正文在这里。</p><p class="ad">广告</p></div>'
    text: 正文在这里。
"""


def test_every_shipped_recipe_passes_its_own_examples() -> None:
    results = check_recipes()
    assert {result.recipe for result in results} >= {"discuz_x3", "party_news"}
    assert [result for result in results if not result.passed] == []


def test_a_recipe_is_used_on_its_hosts_only(tmp_path: Path) -> None:
    (tmp_path / "sample.yaml").write_text(GOOD, encoding="utf-8")
    assert all(result.passed for result in check_recipes(tmp_path))
    extractor = Extractor(ExtractSettings(), recipes=load_recipes(tmp_path))
    prose = "<p>这里才是文章的正文，它有很多字，也有标点。</p><p>第二段也在这里，同样有标点。</p>"
    html = f'<div id="text">甲。</div><div>{prose}</div>'
    assert extractor.extract(html, url="http://a.example.org/x").text == "甲。"
    assert "第二段" in extractor.extract(html, url="http://other.net/x").text


def test_a_failing_example_is_reported_with_what_was_found(tmp_path: Path) -> None:
    (tmp_path / "sample.yaml").write_text(
        GOOD.replace("text: 正文在这里。", "text: 别的。"), encoding="utf-8"
    )
    (result,) = check_recipes(tmp_path)
    assert not result.passed
    assert (result.expected, result.found) == ("别的。", "正文在这里。")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (GOOD.replace("body: ['#text']", "body: ['p[']"), "body"),
        (GOOD.replace("drop:", "droop:"), "droop"),
        (GOOD[: GOOD.index("tests:")], "tests"),
    ],
)
def test_a_wrong_recipe_is_refused_with_file_and_field(tmp_path: Path, wrong: str, field: str) -> None:
    (tmp_path / "wrong.yaml").write_text(wrong, encoding="utf-8")
    with pytest.raises(SettingsError, match=rf"wrong\.yaml: {field}"):
        load_recipes(tmp_path)
