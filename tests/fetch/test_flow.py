"""The parts of the fetch flow that need no server: which sources, and the table in the dashboard."""

from __future__ import annotations

from collections import Counter

import pytest

from config.settings import FetchSettings, FetchSource, Settings
from flows.fetch import FetchParameters, chosen_sources, summary
from tasks.fetch import FetchError, FetchReport

SETTINGS = Settings(
    fetch=FetchSettings(
        sources=[FetchSource(name=name, urls=["http://a.example/"]) for name in ("one", "two")]
    )
)


def test_all_sources_or_one() -> None:
    assert [source.name for source in chosen_sources(FetchParameters(), SETTINGS)] == ["one", "two"]
    assert [source.name for source in chosen_sources(FetchParameters(source="two"), SETTINGS)] == ["two"]


def test_an_unknown_source_names_those_that_are_known() -> None:
    with pytest.raises(FetchError, match="no fetch source is named three; known: one, two"):
        chosen_sources(FetchParameters(source="three"), SETTINGS)
    with pytest.raises(FetchError, match="none is configured"):
        chosen_sources(FetchParameters(source="three"), Settings())


def test_nothing_from_a_server_is_markup_in_the_table() -> None:
    report = FetchReport("one", counts=Counter(new=1234, refused=1), resumed=True)
    report.refused["content type <script>|[x](javascript:1)"] = 1
    text = summary([report])
    assert "| one (resumed) | 0 | 1,234 |" in text
    assert "<script>" not in text
    assert "](" not in text
    report.planned = ["http://a.example/1"]
    assert "http://a.example/1" in summary([report])
