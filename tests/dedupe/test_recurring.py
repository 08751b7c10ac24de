"""Lines that recur on a site, counted in parts that add up."""

from __future__ import annotations

import pyarrow as pa

from tasks.dedupe.recurring import LINES, count_lines, line_hash, merge_counts, recurring

PAGES = [
    ("a.example.cn", "首页 新闻 体育\n第一篇文章。\n首页 新闻 体育\n"),
    ("a.example.cn", "首页  新闻 体育\n第二篇文章。\n\n版权所有\n"),
    ("a.example.cn", "第三篇文章。\n版权所有"),
    ("b.example.cn", "首页 新闻 体育\n"),
    (None, "首页 新闻 体育\n"),
]


def pages(rows: list[tuple[str | None, str]]) -> pa.Table:
    schema = pa.schema([("site", pa.string()), ("text", pa.string())])
    return pa.Table.from_pylist([{"site": site, "text": text} for site, text in rows], schema=schema)


def test_every_page_counts_a_line_once_for_its_site() -> None:
    counts = {
        (row["site"], row["line_hash"]): row["documents"] for row in count_lines(pages(PAGES)).to_pylist()
    }
    assert counts["a.example.cn", line_hash("首页 新闻 体育")] == 2
    assert counts["b.example.cn", line_hash("首页新闻体育")] == 1
    assert len(counts) == 6


def test_counts_of_parts_add_up_in_any_order() -> None:
    whole = count_lines(pages(PAGES))
    parts = [count_lines(pages([page])) for page in PAGES]
    assert merge_counts(parts) == merge_counts(parts[::-1]) == whole
    assert merge_counts([]) == LINES.empty_table()


def test_only_lines_on_enough_pages_recur() -> None:
    found = recurring(count_lines(pages(PAGES)), 2)
    assert set(found["line_hash"].to_pylist()) == {line_hash("首页 新闻 体育"), line_hash("版权所有")}
    assert set(found["site"].to_pylist()) == {"a.example.cn"}


def test_hash_is_pinned() -> None:
    assert line_hash("版权所有") == line_hash(" 版权 所有\n") == 3154010038917064685
