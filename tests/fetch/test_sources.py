"""Where addresses come from: lists, site sections, sitemaps, feeds, list pages; and how a run is bounded."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from config.settings import FetchSource
from tasks.fetch import FetchError, FetchReport, gone_pages
from tests.fetch.archive import addresses, records
from tests.fetch.server import Reply, Route, Site, html

Fetch = Callable[..., FetchReport]
XML = {"Content-Type": "application/xml"}


def _links(*targets: str) -> Reply:
    return html("".join(f'<p><a href="{target}">{target}</a></p>' for target in targets))


def _kept(store: Path, base: str) -> set[str]:
    return {one["url"].removeprefix(base) for one in records(store) if one["type"] == "response"}


def test_sitemaps(fetch: Fetch, tmp_path: Path) -> None:
    with Site() as site:
        maps = "".join(f"<sitemap><loc>{site.base}/{name}</loc></sitemap>" for name in ("a.xml.gz", "b.txt"))
        index = f"<sitemapindex>{maps}</sitemapindex>"
        urls = "".join(
            f"<url><loc>{site.base}{path}</loc></url>"
            for path in ("/news/1", "/news/2?a=1&amp;b=2", "/about")
        )
        site.routes = {
            "/robots.txt": Reply(f"User-agent: *\nAllow: /\nSitemap: {site.base}/index.xml\n".encode()),
            "/index.xml": Reply(index.encode(), headers=XML),
            "/a.xml.gz": Reply(
                gzip.compress(
                    f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{urls}</urlset>'.encode()
                )
            ),
            "/b.txt": Reply(
                f"{site.base}/news/3\n{site.base}/news/1\nhttp://elsewhere.example/news/9\n".encode()
            ),
            **{path: html(path) for path in ("/news/1", "/news/2?a=1&b=2", "/news/3", "/about")},
        }
        fetch(site.base + "/robots.txt", kind="sitemap", source={"include": ["/news/"]})
        assert sorted(site.paths()) == sorted(
            ["/index.xml", "/a.xml.gz", "/b.txt", "/news/1", "/news/2?a=1&b=2", "/news/3"]
        )
        assert _kept(tmp_path, site.base) == {"/news/1", "/news/2?a=1&b=2", "/news/3"}
        site.forget()
        # A page that is not due by itself is, when the sitemap says that it has changed.
        waits = {"revisit": {"first": 9e5, "shortest": 9e5, "longest": 9e5}}
        urls = "".join(
            f"<url><loc>{site.base}/news/{name}</loc><lastmod>{day}</lastmod></url>"
            for name, day in (("1", "2999-01-01"), ("3", "2001-01-01"))
        )
        site.routes["/b.txt"] = Reply(f"<urlset>{urls}</urlset>".encode(), headers=XML)
        fetch(site.base + "/b.txt", kind="sitemap", sections=waits, source={"exclude": ["/2"]})
        assert site.paths().count("/news/1") == 1


@pytest.mark.parametrize(
    "feed",
    [
        '<rss version="2.0"><channel><link>{0}/</link><item><link>{0}/1</link></item>'
        "<item><guid>{0}/2</guid></item></channel></rss>",
        '<feed xmlns="http://www.w3.org/2005/Atom"><link href="{0}/"/>'
        '<entry><link rel="self" href="{0}/x"/><link href="/1"/></entry>'
        '<entry><link rel="alternate" href="{0}/2"/></entry></feed>',
    ],
    ids=["rss", "atom"],
)
def test_feeds(fetch: Fetch, tmp_path: Path, feed: str) -> None:
    with Site({"/1": html("一"), "/2": html("二")}) as site:
        site.routes["/feed"] = Reply(feed.format(site.base).encode(), headers=XML)
        fetch(site.base + "/feed", kind="feed")
        assert sorted(site.paths()) == ["/1", "/2", "/feed"]
        assert _kept(tmp_path, site.base) == {"/1", "/2"}


def test_list_pages(fetch: Fetch, tmp_path: Path) -> None:
    routes: dict[str, Route] = {
        "/list": _links(
            "/a/1", "/list?page=2", "/about", "/a/skip", "http://other.example/a/5", "javascript:void(0)"
        ),
        "/list?page=2": _links("/a/2", "/a/1#comments", "/list?page=3"),
        "/list?page=3": _links("/a/3", "/list?page=4"),
        "/list?page=4": _links("/a/4"),
        "/a/1": _links("/a/9"),
        "/a/2": html("二"),
        "/a/3": html("三"),
    }
    with Site(routes) as site:
        chosen = {"include": [r"/a/\w+$"], "follow": [r"[?]page="], "exclude": ["skip"], "depth": 2}
        fetch(site.base + "/list", kind="list", source=chosen)
        expected = ["/a/1", "/a/2", "/a/3", "/list", "/list?page=2", "/list?page=3"]
        assert sorted(site.paths()) == expected
        assert _kept(tmp_path, site.base) == {"/a/1", "/a/2", "/a/3"}, "list pages are no captures"


def test_a_section_of_a_site(fetch: Fetch, tmp_path: Path) -> None:
    routes: dict[str, Route] = {
        "/finance/": _links(
            "a.html", "/sports/x.html", "/finance/b/c.html", "/finance/d.html?x=1", "/finance/hidden.html"
        ),
        "/finance/a.html": _links("/finance/deep.html"),
        "/finance/b/c.html": html(
            '<meta name="robots" content="nofollow"><a href="/finance/never.html">x</a>'
        ),
        "/finance/d.html": html('<a rel="nofollow" href="/finance/never2.html">x</a>'),
        "/finance/deep.html": _links("/finance/deeper.html"),
        "/finance/hidden.html": Reply(status=301, headers={"Location": "http://127.0.0.2:1/finance/"}),
    }
    with Site(routes) as site:
        report = fetch(site.base + "/finance/", kind="site", source={"depth": 2})
        asked = {path.partition("?")[0] for path in site.paths()}
        assert asked == set(routes)
        assert report.refused == {"redirect out of the source": 1}
        assert len(_kept(tmp_path, site.base)) == 5
        del site.routes["/finance/"]
        fetch(site.base + "/finance/", kind="site", source={"depth": 2, "include": ["html$"]})
        assert [page.url for page in gone_pages(tmp_path)] == [site.base + "/finance/"]


def test_lists_of_addresses_in_files(fetch: Fetch, tmp_path: Path) -> None:
    with Site({f"/{number}": html(str(number)) for number in range(4)}) as site:
        path = tmp_path / "urls.txt"
        path.write_text(
            f"\ufeff# a comment\n{site.base}/0\n\n{site.base}/1#x\n{site.base}/1\nnot an address\n",
            encoding="utf-8",
        )
        fetch(site.base + "/2", source={"files": [str(path)]})
        assert sorted(site.paths()) == ["/0", "/1", "/2"]
        with pytest.raises(FetchError, match=r"absent\.txt does not exist"):
            fetch(source={"files": [str(tmp_path / "absent.txt")]})


def test_a_run_is_bounded_and_the_next_goes_on(fetch: Fetch, tmp_path: Path) -> None:
    pages = {f"/a/{number}": html(str(number)) for number in range(9)}
    with Site({"/list": _links(*pages, "/a/over", "/a/over2"), **pages}) as site:
        run = {"kind": "list", "source": {"include": ["/a/"]}}
        waits = {"first": 9e5, "shortest": 9e5, "longest": 9e5}
        bounded = {
            "limits": {"frontier": 2, "addresses": 10},
            "revisit": waits,
            "politeness": {"per_host": 2},
        }
        first = fetch(site.base + "/list", **run, sections=bounded, max_pages=4)
        assert (first.stopped, first.finished, first.counts["dropped"]) == ("limit", True, 2)
        assert len(site.paths()) == 5
        second = fetch(site.base + "/list", **run, sections=bounded)
        assert second.counts["new"] == 5
        assert not second.resumed
        assert sorted(path for path in site.paths() if path != "/list") == sorted(pages)
        assert len(addresses(tmp_path)) == 10


def test_a_dry_run_says_what_would_be_fetched_and_leaves_nothing(fetch: Fetch, tmp_path: Path) -> None:
    with Site({"/list": _links("/a/1", "/a/2"), "/a/1": html("一"), "/a/2": html("二")}) as site:
        waits = {"first": 9e5, "shortest": 9e5, "longest": 9e5}
        run = {"kind": "list", "source": {"include": ["/a/"]}, "sections": {"revisit": waits}}
        for _ in range(2):
            report = fetch(site.base + "/list", **run, dry_run=True)
            assert report.planned == [site.base + "/a/1", site.base + "/a/2"]
        assert site.paths() == ["/list", "/list"]
        assert [path.name for path in (tmp_path / "fetch").rglob("*") if path.is_file()] in (
            ["site.lock"],
            ["site.log", "site.lock"],
            ["site.lock", "site.log"],
        )
        shown = []
        fetch(site.base + "/list", **run, progress=shown.append)
        assert shown
        assert shown[-1].source == "site"
        assert fetch(site.base + "/list", **run, dry_run=True).planned == []


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"urls": []}, "needs `urls` or `files`"),
        ({"urls": ["http://a.example/"], "kind": "list"}, "needs `include`"),
        ({"urls": ["a.example/*"], "kind": "common_crawl"}, "needs `crawls`"),
        ({"urls": ["http://a.example/"], "include": ["("]}, "no regular expression"),
        ({"urls": ["http://a.example/"], "name": "../x"}, "pattern"),
    ],
)
def test_impossible_sources(values: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        FetchSource(**{"name": "site", **values})
