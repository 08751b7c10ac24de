"""The report of a version: figures that add up, a page that is whole, closed and escaped."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from config.messages import Words, messages
from config.settings import ReportSettings
from tasks.clean.sides import Piece, Row
from tasks.samples import Sample
from tasks.snapshot import figures
from tasks.snapshot.maintain import compact, restore
from tasks.snapshot.report import complete, page_of, versions_html, write
from tasks.snapshot.store import Store
from tests.snapshot.rows import QUALITY, capture, commit, document, fill, ident

EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&{{ 7 * 7 }}"
EDIT = {
    "rule": "gloss.strip",
    "count": 3,
    "removed": 9,
    "added": 0,
    "before": "",
    "after": "",
    "reason": "",
    "alternatives": [],
}


def history(store: Store) -> None:
    """Three versions with documents new, changed and gone, damage, dates, two sites."""
    fill(store, "r1", "ab")
    damaged = document(
        "c",
        damage=["gbk_shift", "link_farm"],
        edits=[EDIT],
        published_at="2021-05-03",
        script="hant",
        converted="zh-Hans",
        quality=QUALITY | {"characters": 1234},
        url="http://User@MIRROR.example:8080/c",
    )
    commit(store, "r2", [damaged], [capture("c", url="http://User@MIRROR.example:8080/c", version=2)])
    commit(store, "r3", [document("a", "变了。\n")], deletes={"documents": [ident("a")]})


def test_figures_by_difference_are_those_counted_afresh(store: Store) -> None:
    history(store)
    by_difference = {}
    for version in store.versions():
        found = figures.figures_of(store, store.manifest(version))
        by_difference[version] = found.to_json()
    for version in store.versions():
        for other in store.versions():
            store.home.remove([figures.name_of(other)])
        assert figures.count(store, store.manifest(version)).to_json() == by_difference[version]
    whole = by_difference[3]["whole"]
    assert whole["damage"] == {"gbk_shift": 1, "link_farm": 1}
    assert whole["damaged"] == {"": 1}
    assert whole["rule"] == {"gloss.strip": 1}
    assert whole["month"] == {"": 2, "2021-05": 1}
    assert whole["length"] == {"0": 2, "1000": 1}
    assert whole["site"]["mirror.example\tkept keep"] == 1
    assert sum(whole["site"].values()) == store.manifest(3).counts.captures
    assert by_difference[2]["arrived"]["outcome"] == {"kept": 1}
    assert by_difference[3]["arrived"] == {}


def test_a_broken_figures_file_is_counted_anew(store: Store) -> None:
    history(store)
    store.home.write(figures.name_of(2), b"{")
    assert figures.load(store, 2) is None
    assert figures.count(store, store.manifest(3)).whole["script"] == {"hans": 2, "hant": 1}


class Page(HTMLParser):
    """What a page asks for and whether its elements close."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.asked: list[str] = []
        self.handlers: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.asked += [value or "" for name, value in attributes if name in ("src", "href", "action", "data")]
        self.handlers += [name for name, _ in attributes if name.startswith("on")]

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_page_asks_for_nothing_and_shows_captures_as_text(store: Store, language: str) -> None:
    rows = [document("x", title=EVIL, url=f"http://news.example/{EVIL}")]
    ledger = [capture("x"), capture("y", "rejected", EVIL, url=None)]
    commit(store, "r1", rows, ledger)
    changed = Row((Piece(EVIL, "removed", EVIL, EVIL),), (Piece(EVIL, "added", EVIL, EVIL),))
    sample = Sample(
        ident("x"), EVIL, EVIL, EVIL, (EVIL,), [EDIT | {"rule": EVIL, "reason": EVIL}], [changed, 4], 7
    )
    write(store, 1, ReportSettings(language=language), samples=[sample], warnings=[EVIL])
    text = store.home.read(page_of(1)).decode()
    page = Page(text)
    assert not {"script", "img", "iframe", "link", "object", "form", "input"} & set(page.tags)
    assert page.asked == []
    assert page.handlers == []
    assert page.text.count(EVIL) >= 5
    assert "default-src 'none'" in text
    assert not re.search(r"url\(|@import|https?://(?!news\.example)", text.replace(EVIL, ""))
    assert Words(language)("report.title", version=1) in page.text
    assert {"del", "ins", "details"} <= set(page.tags)


def test_every_version_gets_a_report_also_those_made_by_housekeeping(store: Store) -> None:
    history(store)
    settings = ReportSettings()
    assert complete(store, settings) == [1, 2, 3]
    assert complete(store, settings) == []
    restore(store, 1)
    assert complete(store, settings) == [4]
    commit(store, "r5", [document("d")], [capture("d")])
    compact(store)
    assert complete(store, settings) == [5, 6]
    for version in store.versions():
        page = Page(store.home.read(page_of(version)).decode())
        assert f"version {version}" in page.text
    assert "polyline" in Page(store.home.read(page_of(6)).decode()).tags


def test_an_empty_version_has_a_report(store: Store) -> None:
    commit(store, "r1", [], [capture("y", "rejected", "quality.min_han")])
    write(store, 1, ReportSettings(language="zh"))
    text = store.home.read(page_of(1)).decode()
    assert "汉字太少" in text


def test_the_list_of_versions_links_to_their_reports(store: Store) -> None:
    history(store)
    page = Page(versions_html(store, ReportSettings()))
    assert page.asked == ["v3", "v2", "v1"]


def test_every_message_is_there_in_both_languages_with_the_same_places() -> None:
    assert messages()
    for key, texts in messages().items():
        assert set(texts) == {"zh", "en"}, key
        places = {language: set(re.findall(r"{(\w+)}", text)) for language, text in texts.items()}
        assert places["zh"] == places["en"], key
