"""One crawl of a site with everything a server may do; each behaviour is read from the server's own log."""

from __future__ import annotations

import gzip
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import brotli
import pytest

from config.settings import FetchSource
from tasks.fetch import FetchReport, run_fetch
from tests.fetch.archive import Record, addresses, records
from tests.fetch.conftest import local_settings
from tests.fetch.server import Asked, Reply, Route, Site, html

TEXT = "春天来了，河边的柳树发了新芽。" * 20


def _bomb() -> bytes:
    """A GiB of zeros, gzip: about 1 MiB as sent."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = bytes(1 << 24)
    return b"".join([*(packer.compress(block) for _ in range(64)), packer.flush()])


def _endless() -> Iterator[bytes]:
    while True:
        yield b"x" * 65536


def _slow() -> Iterator[bytes]:
    while True:
        yield b"."
        time.sleep(0.05)


def _headers_without_end() -> bytes:
    return b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: y\r\n" % number for number in range(200_000))


class _Failing:
    """500 a number of times, then a page."""

    def __init__(self, failures: int, status: int = 500, **headers: str) -> None:
        self.left, self.status = failures, status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def __call__(self, asked: Asked) -> Reply:
        self.left -= 1
        return Reply(b"busy", self.status, dict(self.headers)) if self.left >= 0 else html(TEXT)


ROUTES: dict[str, Route] = {
    "/robots.txt": Reply(b"User-agent: *\nDisallow: /\n\nUser-agent: Qingyuan\nDisallow: /private/\n"),
    "/page": html(TEXT, Set_Cookie="id=1; Path=/"),
    "/page2": html(TEXT + "二"),
    "/private/page": html(TEXT),
    "/moved": Reply(status=301, headers={"Location": "/target"}),
    "/target": html(TEXT + "目的地"),
    "/loop-a": Reply(status=302, headers={"Location": "/loop-b"}),
    "/loop-b": Reply(status=302, headers={"Location": "/loop-a"}),
    "/self": Reply(status=302, headers={"Location": "/self"}),
    "/to-file": Reply(status=302, headers={"Location": "file:///etc/passwd"}),
    "/to-private": Reply(status=302, headers={"Location": "http://127.0.0.2:9/secret"}),
    "/410": Reply(b"deleted", 410),
    "/403": Reply(b"no", 403),
    "/flaky": _Failing(1),
    "/broken": _Failing(99, 503),
    "/busy": _Failing(1, 429, Retry_After="1"),
    "/image": Reply(b"\x89PNG" * 99, headers={"Content-Type": "image/png"}),
    "/large": Reply(bytes(2 << 20), headers={"Content-Type": "text/html"}),
    "/endless": Reply(headers={"Content-Type": "text/html"}, parts=_endless),
    "/slow": Reply(headers={"Content-Type": "text/html"}, parts=_slow),
    "/headers": Reply(raw=_headers_without_end()),
    "/garbage": Reply(raw=b"\x00\x01 nothing like HTTP\r\n\r\n"),
    "/cut": Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 500\r\n\r\nshort"),
    "/gzip": Reply(
        gzip.compress(TEXT.encode()), headers={"Content-Type": "text/html", "Content-Encoding": "gzip"}
    ),
    "/br": Reply(
        brotli.compress(TEXT.encode()), headers={"Content-Type": "text/html", "Content-Encoding": "br"}
    ),
    "/bomb": Reply(_bomb(), headers={"Content-Type": "text/html", "Content-Encoding": "gzip"}),
    "/wrong-charset": Reply(TEXT.encode("gb18030"), headers={"Content-Type": "text/html; charset=utf-8"}),
    "/odd-header": Reply(raw=b"HTTP/1.1 200 \xba\xc3\r\nX-\xff: \xfe\r\nContent-Length: 4\r\n\r\nbody"),
    "/noarchive": html("<p>x</p>", X_Robots_Tag="noarchive"),
    "/noindex": Reply(
        b'<html><head><meta name="robots" content="NOINDEX, follow"></head></html>',
        headers={"Content-Type": "text/html"},
    ),
    "/other-agent": html("<p>y</p>", X_Robots_Tag="otherbot: noarchive"),
    **{f"/chain/{step}": Reply(status=307, headers={"Location": f"/chain/{step + 1}"}) for step in range(20)},
}
NOT_STARTED_FROM = {"/robots.txt", "/target", *(f"/chain/{step}" for step in range(1, 20))}


@dataclass
class Tour:
    """What the crawl left behind."""

    site: Site
    report: FetchReport
    pages: list[Record]
    traffic: list[Record]
    state: dict[str, Record]

    def times(self, path: str) -> int:
        return len(self.site.asked(path))

    def page(self, path: str) -> dict[str, Record]:
        """Records about a page, by type."""
        return {one["type"]: one for one in self.pages if one["url"] == self.site.base + path}

    def reason(self, path: str) -> tuple[str, str]:
        row = self.state[self.site.base + path]
        return row["status"], row["reason"]


@pytest.fixture(scope="module")
def tour(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tour]:
    store: Path = tmp_path_factory.mktemp("tour")
    with Site(ROUTES) as site:
        starts = [site.base + path for path in ROUTES if path not in NOT_STARTED_FROM]
        starts += [
            site.base + "/404",
            site.base + "/page#part",
            "ftp://127.0.0.1/x",
            "http://user:secret@127.0.0.1/x",
        ]
        source = FetchSource(name="site", urls=starts)
        settings = local_settings(
            limits={"timeout": 1.5, "redirects": 5}, politeness={"retries": 2, "host_failures": 50}
        )
        report = run_fetch(source, settings, store)
        yield Tour(site, report, records(store), records(store, "traffic"), addresses(store))


def test_the_agent_says_who_it_is(tour: Tour) -> None:
    sent = {one.headers["user-agent"] for one in tour.site.log}
    assert sent == {"Qingyuan/1.0 (+mailto:owner@example.org)"}


def test_robots_rules_are_those_for_our_name(tour: Tour) -> None:
    assert tour.times("/robots.txt") == 1
    assert tour.times("/private/page") == 0
    assert tour.reason("/private/page") == ("refused", "robots.txt")
    assert tour.times("/page") == 1


def test_no_page_is_asked_for_twice(tour: Tour) -> None:
    again = {
        "/flaky": 2,
        "/broken": 3,
        "/busy": 2,
        "/slow": 3,
        "/garbage": 3,
        "/cut": 3,
        "/headers": tour.times("/headers"),
        "/odd-header": tour.times("/odd-header"),
    }
    asked = {path: tour.times(path) for path in tour.site.paths()}
    assert {path: count for path, count in asked.items() if count != 1} == {
        path: count for path, count in again.items() if count != 1
    }


def test_cookies_are_not_sent_back(tour: Tour) -> None:
    assert not [one for one in tour.site.log if "cookie" in one.headers]


def test_redirects_are_followed_within_bounds(tour: Tour) -> None:
    assert tour.times("/target") == 1
    assert tour.state[tour.site.base + "/moved"]["status"] == "redirect"
    assert "response" in tour.page("/target")
    assert [tour.times(f"/chain/{step}") for step in range(8)] == [1, 1, 1, 1, 1, 1, 0, 0]
    assert tour.reason("/chain/5") == ("failed", "too many redirects")
    assert tour.reason("/self") == ("failed", "redirects to itself")


def test_redirects_to_files_and_inside_are_refused(tour: Tour) -> None:
    assert tour.reason("/to-file") == ("refused", "redirect to what is not fetched")
    assert tour.state["http://127.0.0.2:9/secret"]["reason"] == "private address"
    assert not any("passwd" in url for url in tour.state)


def test_addresses_that_are_not_fetched_are_passed_over(tour: Tour) -> None:
    assert not any(url.startswith("ftp:") or "secret@" in url for url in tour.state)


@pytest.mark.parametrize(("path", "status"), [("/404", 404), ("/410", 410)])
def test_deleted_pages_are_recorded(tour: Tour, path: str, status: int) -> None:
    assert tour.times(path) == 1
    row = tour.state[tour.site.base + path]
    assert (row["status"], row["http"]) == ("gone", status)
    assert f"http-status: {status}".encode() in tour.page(path)["metadata"]["body"]


def test_faults_that_pass_are_tried_again(tour: Tour) -> None:
    assert "response" in tour.page("/flaky")
    assert tour.reason("/broken") == ("failed", "HTTP 503")
    assert tour.reason("/403") == ("failed", "HTTP 403")


def test_retry_after_is_waited_for(tour: Tour) -> None:
    first, second = tour.site.asked("/busy")
    assert second.at - first.at >= 1
    assert "response" in tour.page("/busy")


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/image", "content type image/png"),
        ("/large", "body too large"),
        ("/endless", "body too large"),
        ("/bomb", "body too large when decompressed"),
        ("/noarchive", "noarchive"),
        ("/noindex", "noindex"),
    ],
)
def test_refused_by_rule(tour: Tour, path: str, reason: str) -> None:
    assert tour.reason(path) == ("refused", reason)
    about = tour.page(path)
    assert set(about) == {"metadata"}
    assert f"reason: {reason}".encode() in about["metadata"]["body"]


def test_large_bodies_are_not_taken(tour: Tour) -> None:
    assert tour.site.sent < 64 << 20


def test_slow_and_broken_answers_end(tour: Tour) -> None:
    assert tour.reason("/slow")[0] == "failed"
    assert "no complete answer" in tour.reason("/slow")[1]
    for path in ("/headers", "/garbage", "/cut"):
        assert tour.reason(path)[0] in ("failed", "refused")
        assert "response" not in tour.page(path)


def test_bodies_are_archived_as_sent(tour: Tour) -> None:
    for path in ("/gzip", "/br"):
        answer = tour.page(path)["response"]
        assert answer["http"]["Content-Encoding"] == path[1:]
    assert gzip.decompress(tour.page("/gzip")["response"]["body"]).decode() == TEXT
    assert brotli.decompress(tour.page("/br")["response"]["body"]).decode() == TEXT
    assert tour.page("/wrong-charset")["response"]["body"].decode("gb18030") == TEXT


def test_bytes_that_are_no_ascii_in_headers_do_no_harm(tour: Tour) -> None:
    status, _ = tour.reason("/odd-header")
    assert status in ("kept", "failed", "refused")
    assert ("response" in tour.page("/odd-header")) == (status == "kept")


def test_rules_for_other_agents_do_not_count(tour: Tour) -> None:
    assert "response" in tour.page("/other-agent")


def test_every_answer_has_its_request(tour: Tour) -> None:
    everything = tour.pages + tour.traffic
    answers = {one["id"]: one for one in everything if one["type"] in ("response", "revisit")}
    requests = [one for one in everything if one["type"] == "request"]
    assert {one["headers"]["WARC-Concurrent-To"] for one in requests} == set(answers)
    assert all(one["url"] == answers[one["headers"]["WARC-Concurrent-To"]]["url"] for one in requests)
    assert all(one["http"]["User-Agent"].startswith("Qingyuan/") and one["http"]["Host"] for one in requests)


def test_the_archive_says_where_and_when(tour: Tour) -> None:
    answer = tour.page("/page")["response"]
    assert answer["version"] == "WARC/1.1"
    assert answer["headers"]["WARC-IP-Address"] == "127.0.0.1"
    assert answer["headers"]["WARC-Payload-Digest"].startswith("sha1:")
    assert tour.pages[0]["type"] == "warcinfo"
    assert b"http-header-user-agent: Qingyuan" in tour.pages[0]["body"]
    row = tour.state[tour.site.base + "/page"]
    assert (row["warc"], row["place"]) == (answer["file"], answer["offset"])


def test_only_pages_are_in_the_files_for_the_corpus(tour: Tour) -> None:
    assert {one["status"] for one in tour.pages if one["type"] == "response"} == {"200"}
    assert {"301", "404", "503"} <= {one["status"] for one in tour.traffic if one["type"] == "response"}
    assert any(str(one["url"]).endswith("/robots.txt") for one in tour.traffic)


def test_the_report_adds_up(tour: Tour) -> None:
    counts = tour.report.counts
    kept = sum(row["status"] == "kept" for row in tour.state.values())
    assert counts["new"] == kept
    assert counts["refused"] == sum(tour.report.refused.values())
    assert counts["failed"] == sum(tour.report.failed.values())
    ends = ("new", "refused", "failed", "redirected", "gone", "missing")
    assert sum(counts[name] for name in ends) == len(tour.state)
    assert tour.report.finished
    assert tour.report.stopped == ""
