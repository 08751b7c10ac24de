"""Times in the forms Chinese pages use."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tasks.clean.dates import find_times, parse_time

CASES: dict[str, Any] = yaml.safe_load(
    (Path(__file__).parents[1] / "cases/html/dates.yaml").read_text(encoding="utf-8")
)
CAPTURED = datetime(2023, 5, 11, 10, 25, 40, tzinfo=UTC)


@pytest.mark.parametrize(("text", "expected"), CASES["found"])
def test_reads_the_stated_time_at_its_precision(text: str, expected: str) -> None:
    assert parse_time(text, CAPTURED) == expected


@pytest.mark.parametrize("text", CASES["none"])
def test_reads_no_time_where_none_is_stated(text: str) -> None:
    assert parse_time(text, CAPTURED) is None


def test_relative_times_need_a_capture_time() -> None:
    assert parse_time("3小时前", None) is None
    assert parse_time("5月9日", None) is None


def test_naive_capture_times_count_as_utc() -> None:
    assert parse_time("昨天", CAPTURED.replace(tzinfo=None)) == "2023-05-10"


def test_finds_every_time_with_its_place() -> None:
    text = "首发 2023-05-01，更新于 2023年5月3日 10:00"
    found = list(find_times(text, CAPTURED))
    assert [time.iso for time in found] == ["2023-05-01", "2023-05-03T10:00"]
    assert [text[time.start : time.end] for time in found] == ["2023-05-01", "2023年5月3日 10:00"]


@given(st.integers(631152000, 1683763200).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)))
def test_every_written_date_is_read_back(moment: datetime) -> None:
    stated = moment.strftime("%Y-%m-%dT%H:%M:%S")
    for text in (
        stated,
        moment.strftime("%Y年%m月%d日 %H:%M:%S"),
        f"{moment.year}/{moment.month}/{moment.day} {moment:%H:%M:%S}",
    ):
        assert parse_time(text, CAPTURED) == stated


@given(st.text(alphabet="0123456789年月日-/: 前天小时二〇三五十民國点分", max_size=60))
def test_any_text_is_read_without_error(text: str) -> None:
    for time in find_times(text, CAPTURED):
        assert 0 <= time.start < time.end <= len(text)
