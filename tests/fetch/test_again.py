"""A second fetch transfers only what changed; deleted pages are named; figures of the revisits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tasks.fetch import FetchReport, gone_pages
from tests.fetch.archive import addresses, records
from tests.fetch.server import Asked, Reply, Site, html, tagged

Fetch = Callable[..., FetchReport]


def _since(asked: Asked) -> Reply:
    moment = "Wed, 11 Mar 2026 08:00:00 GMT"
    if asked.headers.get("if-modified-since") == moment:
        return Reply(status=304)
    return html("nach Datum", Last_Modified=moment)


def _site() -> Site:
    return Site(
        {
            "/tagged": tagged(html("一" * 5000), '"a1"'),
            "/dated": _since,
            "/plain": html("三" * 300),
            "/changing": tagged(html("四" * 300), '"d1"'),
            "/leaving": html("五" * 300),
        }
    )


def test_a_second_fetch_transfers_only_what_changed(fetch: Fetch, tmp_path: Path) -> None:
    with _site() as site:
        starts = [site.base + path for path in site.routes]
        first = fetch(*starts)
        assert first.counts["new"] == 5
        kept = {one["url"]: one for one in records(tmp_path) if one["type"] == "response"}
        site.routes["/changing"] = tagged(html("新的第四页" * 100), '"d2"')
        site.routes["/leaving"] = Reply(b"gone", 410)
        site.forget()

        second = fetch(*starts)
        counts = {name: second.counts[name] for name in ("new", "changed", "unchanged", "gone")}
        assert counts == {"new": 0, "changed": 1, "unchanged": 3, "gone": 1}
        assert site.asked("/tagged")[0].headers["if-none-match"] == '"a1"'
        assert site.asked("/dated")[0].headers["if-modified-since"] == "Wed, 11 Mar 2026 08:00:00 GMT"
        assert site.sent < 5000, "the long page with the tag was sent again"

        later = [
            one for one in records(tmp_path) if one["file"] not in {name["file"] for name in kept.values()}
        ]
        revisits = {one["url"].removeprefix(site.base): one for one in later if one["type"] == "revisit"}
        assert set(revisits) == {"/tagged", "/dated", "/plain"}
        assert revisits["/tagged"]["headers"]["WARC-Profile"].endswith("/revisit/server-not-modified")
        assert revisits["/plain"]["headers"]["WARC-Profile"].endswith("/revisit/identical-payload-digest")
        for path, revisit in revisits.items():
            original = kept[site.base + path]["headers"]
            assert revisit["headers"]["WARC-Refers-To"] == original["WARC-Record-ID"]
            assert revisit["headers"]["WARC-Refers-To-Date"] == original["WARC-Date"]
            assert revisit["headers"]["WARC-Payload-Digest"] == original["WARC-Payload-Digest"]
            assert revisit["body"] == b""
        assert [one["url"] for one in later if one["type"] == "response"] == [site.base + "/changing"]

        gone = list(gone_pages(tmp_path, "site"))
        assert [(page.url, page.http) for page in gone] == [(site.base + "/leaving", 410)]
        assert b"outcome: gone" in next(one["body"] for one in later if one["type"] == "metadata")


def test_ignoring_what_is_known_asks_for_everything(fetch: Fetch) -> None:
    with _site() as site:
        starts = [site.base + path for path in site.routes]
        waits = {"revisit": {"first": 3600, "shortest": 3600, "longest": 7200}}
        fetch(*starts, sections=waits)
        site.forget()
        assert fetch(*starts, sections=waits).counts["requests"] == 0
        assert site.paths() == []
        report = fetch(*starts, sections=waits, ignore_cache=True)
        assert report.counts["requests"] == 5
        assert not [
            one for one in site.log if "if-none-match" in one.headers or "if-modified-since" in one.headers
        ]


def test_a_page_that_comes_back_is_no_longer_gone(fetch: Fetch, tmp_path: Path) -> None:
    with _site() as site:
        start, never = site.base + "/plain", site.base + "/never"
        page = site.routes["/plain"]
        gone = []
        for route in (page, Reply(b"", 404), page):
            site.routes["/plain"] = route
            report = fetch(start, never)
            gone.append([found.url for found in gone_pages(tmp_path)])
        assert gone == [[], [start], []], "and a page that never was is not gone"
        assert addresses(tmp_path)[start]["status"] == "kept"
        assert report.counts["missing"] == 1


def test_no_state_no_gone_pages(tmp_path: Path) -> None:
    assert list(gone_pages(tmp_path)) == []
