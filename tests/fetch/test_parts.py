"""The pure parts: addresses, waits, page rules, sitemaps, the state."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.settings import FetchSource, PolitenessSettings, RevisitSettings
from tasks.fetch.discover import Found, Link, gunzip, links_of_index, page_rules, w3c_time
from tasks.fetch.guard import Refused
from tasks.fetch.revisit import failure_wait, next_wait, retry_after, retry_wait
from tasks.fetch.state import Address, State, Status
from tasks.fetch.urls import Scope, clean_url, page_key
from tests.conftest import ROOT

NOW = datetime(2026, 3, 1, tzinfo=UTC)
RULES = json.loads((ROOT / "tests/cases/fetch/page_rules.json").read_text(encoding="utf-8"))["cases"]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://a.example/x#part", "http://a.example/x"),
        (" https://a.example/中文?q=新 ", "https://a.example/%E4%B8%AD%E6%96%87?q=%E6%96%B0"),
        ("file:///etc/passwd", None),
        ("ftp://a.example/", None),
        ("gopher://a.example/", None),
        ("javascript:alert(1)", None),
        ("data:text/html,x", None),
        ("http:///x", None),
        ("http://a.example:99999/", None),
        ("http://a.example:0/", None),
        ("http://user:word@a.example/", None),
        ("http://[::1", None),
        ("//a.example/", None),
        ("http://a.example/" + "x" * 3000, None),
    ],
)
def test_clean_url(url: str, expected: str | None) -> None:
    assert clean_url(url, 2048) == expected


@given(st.text(max_size=60))
def test_clean_url_gives_http_or_nothing(text: str) -> None:
    for url in (clean_url(text, 2048), clean_url("http://" + text, 2048)):
        assert url is None or (url.startswith(("http://", "https://")) and "#" not in url and url.isascii())


def test_page_key() -> None:
    same = ["http://a.example/x?b=2&a=1", "http://A.example:80/x?a=1&b=2", "http://a.example/x?a=1&b=2#top"]
    assert len({page_key(url) for url in same}) == 1
    assert page_key("http://a.example/x?a=1") != page_key("http://a.example/x?a=2")
    assert page_key("http://a.example/x?a=") != page_key("http://a.example/x")


def test_scope() -> None:
    scope = Scope.of(
        FetchSource(name="s", kind="list", urls=["http://news.example/l"], include=["/a/"], exclude=["print"])
    )
    assert scope.keeps("http://news.example/a/1")
    assert scope.keeps("http://www.news.example/a/1")
    assert not scope.keeps("http://news.example/b/1")
    assert not scope.keeps("http://news.example/a/1?print=1")
    assert not scope.keeps("http://evilnews.example/a/1")
    assert not scope.keeps("http://news.example.evil.example/a/1")


def test_the_wait_follows_how_often_a_page_changes() -> None:
    waits = RevisitSettings(first=100, shortest=10, longest=1000, shrink=0.5, grow=2)
    assert next_wait(None, changed=True, settings=waits) == 100
    assert next_wait(100, changed=True, settings=waits) == 50
    assert next_wait(100, changed=False, settings=waits) == 200
    assert [failure_wait(count, waits) for count in range(4)] == [10, 20, 40, 80]


@given(
    st.one_of(st.none(), st.floats(0, 1e9)),
    st.lists(st.booleans(), max_size=40),
    st.integers(0, 10**6),
)
def test_waits_stay_within_their_bounds(wait: float | None, changes: list[bool], failures: int) -> None:
    bounds = RevisitSettings()
    for changed in changes:
        wait = next_wait(wait, changed=changed, settings=bounds)
        assert bounds.shortest <= wait <= bounds.longest
    assert bounds.shortest <= failure_wait(failures, bounds) <= bounds.longest


@given(st.integers(0, 10**6), st.text(max_size=20))
def test_tries_are_spread_and_bounded(attempt: int, key: str) -> None:
    polite = PolitenessSettings()
    wait = retry_wait(attempt, key, polite)
    assert min(polite.backoff, polite.max_backoff) <= wait <= polite.max_backoff
    assert wait == retry_wait(attempt, key, polite)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        ("Sun, 01 Mar 2026 00:01:00 GMT", 60.0),
        ("Sat, 28 Feb 2026 00:00:00 GMT", 0.0),
        ("", None),
        (None, None),
        ("soon", None),
        ("-5", None),
        ("1e9", None),
        ("٣", None),
        ("9" * 400, float("9" * 12)),
    ],
)
def test_retry_after(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, NOW) == seconds


@pytest.mark.parametrize("case", RULES, ids=[case["name"] for case in RULES])
def test_page_rules(case: dict[str, object]) -> None:
    found = page_rules(case["headers"], str(case["html"]).encode(), "Qingyuan")
    assert sorted(found) == case["rules"]


@given(st.binary(max_size=300))
def test_any_bytes_are_read_as_an_index(data: bytes) -> None:
    for body in (data, b"<urlset>" + data, gzip.compress(data)):
        assert all(isinstance(link, Link) for link in links_of_index(body, "http://a.example/", 1 << 16))
    page_rules([data.decode("latin-1")], data, "Qingyuan")


def test_entities_of_a_sitemap_lead_nowhere() -> None:
    body = b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname"><!ENTITY b "http://b.example/">]>'
    body += b"<urlset><url><loc>&e;</loc></url><url><loc>http://a.example/1</loc></url></urlset>"
    assert [link.url for link in links_of_index(body, "http://a.example/", 1 << 16)] == ["http://a.example/1"]


def test_a_large_sitemap_and_a_broken_one() -> None:
    urls = b"".join(
        b"<url><loc>http://a.example/%d</loc><lastmod>2026-01-0%d</lastmod></url>" % (n, n % 9 + 1)
        for n in range(9000)
    )
    links = list(links_of_index(b"<urlset>" + urls, "http://a.example/", 1 << 24))
    assert len(links) == 9000
    assert links[1].modified == datetime(2026, 1, 2, tzinfo=UTC)
    assert links_of_index(b"Sitemap: http://a.example/s.xml", "", 99).__next__() == Link(
        "http://a.example/s.xml", Found.SITEMAP
    )


def test_gunzip_is_bounded() -> None:
    packed = gzip.compress(bytes(10**6))
    assert gunzip(packed, 10**6) == bytes(10**6)
    assert gunzip(packed + packed, 2 * 10**6) == bytes(2 * 10**6)
    assert gunzip(b"plain", 10) == b"plain"
    assert gunzip(packed[:-20], 10**6) == bytes(10**6)[: len(gunzip(packed[:-20], 10**6))]
    for data in (packed, packed * 3):
        with pytest.raises(Refused):
            gunzip(data, 10**5)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-02", datetime(2026, 1, 2, tzinfo=UTC)),
        ("2026-01-02T08:00:00+08:00", datetime(2026, 1, 2, tzinfo=UTC)),
        ("Fri, 02 Jan 2026 00:00:00 GMT", datetime(2026, 1, 2, tzinfo=UTC)),
        ("", None),
        ("yesterday", None),
        ("0001-01-01T00:00:00+23:59", None),
    ],
)
def test_w3c_time(text: str, expected: datetime | None) -> None:
    assert w3c_time(text) == expected


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path / "state.sqlite", "site")


def test_a_run_that_was_not_finished_is_taken_up(tmp_path: Path, state: State) -> None:
    state.begin(0)
    state.remember([Address(f"http://a.example/{name}", "page") for name in "abc"], 1, room=9)
    state.visited("http://a.example/a", {"status": Status.KEPT, "due": 0})
    state.close()
    again = State(tmp_path / "state.sqlite", "site")
    again.begin(5)
    assert again.resumed
    assert [task.url[-1] for task in again.waiting(9, 9)] == ["b", "c"], "a is due, but this run has it"
    again.finish(9, {})
    again.begin(10)
    assert not again.resumed
    assert [task.url[-1] for task in again.waiting(11, 9)] == ["b", "c", "a"], "new pages first"
    again.close()


def test_what_is_remembered_and_what_has_no_room(state: State) -> None:
    state.begin(0)
    pages = [Address(f"http://a.example/{name}", "page") for name in "abca"]
    wanted, dropped = state.remember(pages, 1, room=2)
    assert ([task.url[-1] for task in wanted], dropped) == (["a", "b"], 1)
    assert state.remember(pages[:2], 1, room=9) == ([], 0)
    state.visited("http://a.example/a", {"status": Status.KEPT, "due": 100, "checked": 50})
    state.finish(60, {})
    state.begin(70)
    older, newer = (Address("http://a.example/a", "page", modified=moment) for moment in (40.0, 60.0))
    assert state.remember([older], 71, room=9)[0] == []
    assert [task.url[-1] for task in state.remember([newer], 71, room=9)[0]] == ["a"]
    state.close()


def test_a_transaction_is_whole_or_not_at_all(state: State) -> None:
    state.begin(0)

    def write() -> None:
        with state.transaction():
            state.remember([Address("http://a.example/a", "page")], 1, room=9)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write()
    assert state.count() == 0
    state.close()


def test_sources_do_not_mix(tmp_path: Path, state: State) -> None:
    other = State(tmp_path / "state.sqlite", "other")
    for one in (state, other):
        one.begin(0)
        one.remember([Address("http://a.example/a", "page")], 1, room=9)
    assert state.run != other.run
    state.visited("http://a.example/a", {"status": Status.KEPT, "due": None})
    assert (state.waiting(9, 9), len(other.waiting(9, 9))) == ([], 1)
    state.close()
    other.close()
