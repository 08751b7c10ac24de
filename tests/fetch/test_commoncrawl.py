"""A small replica of Common Crawl: an index server and WARC files by byte range, served locally."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from tasks.fetch import FetchReport, gone_pages
from tasks.fetch.warc import Exchange, WarcSeries
from tests.fetch.archive import records
from tests.fetch.server import Asked, Reply, Site

Fetch = Callable[..., FetchReport]
CRAWL = "CC-MAIN-2026-30"


class Replica:
    """Pages archived on some days, and what the servers of Common Crawl would say about them."""

    def __init__(self, folder: Path, urls: list[str]) -> None:
        series = WarcSeries(folder, "crawl", 1 << 30, {"software": "test"})
        self.rows: list[dict[str, str]] = []
        for url in urls:
            moment = datetime(2026, 7, 1, tzinfo=UTC)
            body = f"<html>{url} 的正文</html>".encode()
            headers = [("Content-Type", "text/html"), ("X-Crawl-Content-Encoding", "gzip")]
            seen = Exchange(url, moment, "/", [("Host", "x")], "HTTP/1.1", 200, "OK", headers, body)
            written = series.exchange(seen)
            row = {"url": url, "status": "200", "mime": "text/html", "filename": f"crawl-data/{written.file}"}
            self.rows.append(row | {"offset": str(written.offset), "timestamp": "20260701000000"})
        series.close()
        self.data = (folder / series.finished[0]).read_bytes()
        starts = [int(row["offset"]) for row in self.rows]
        for row, start in zip(self.rows, starts, strict=True):
            # The member ends where the request record that follows the response begins.
            end = self.data.index(b"\x1f\x8b\x08", start + 3)
            row["length"] = str(end - start)

    def index(self, asked: Asked) -> Reply:
        query = parse_qs(urlsplit(asked.path).query)
        if "showNumPages" in query:
            return Reply(json.dumps({"pages": 2, "pageSize": 5, "blocks": 2}).encode())
        half = len(self.rows) // 2
        part = self.rows[:half] if query["page"] == ["0"] else self.rows[half:]
        return Reply(
            "".join(json.dumps(row) + "\n" for row in part).encode(),
            headers={"Content-Type": "text/x-ndjson"},
        )

    def file(self, asked: Asked) -> Reply:
        first, last = map(int, asked.headers["range"].removeprefix("bytes=").split("-"))
        return Reply(self.data[first : last + 1], 206, {"Content-Type": "application/octet-stream"})


def test_records_are_taken_over(fetch: Fetch, tmp_path: Path) -> None:
    urls = [f"http://news.example/{number}" for number in range(8)] + ["http://other.example/1"]
    replica = Replica(tmp_path / "replica", urls)
    replica.rows[1] |= {"status": "404"}
    replica.rows[2] |= {"mime-detected": "image/png"}
    replica.rows[3] |= {"length": "20"}
    lost = dict(replica.rows[3], url="http://news.example/lost", filename="crawl-data/lost.warc.gz")
    replica.rows.append(lost)
    replica.rows[4] |= {"offset": replica.rows[5]["offset"], "length": replica.rows[5]["length"]}
    with Site({f"/{CRAWL}-index": replica.index}) as site:
        site.routes[f"/{replica.rows[0]['filename']}"] = replica.file
        sections = {"common_crawl": {"index": site.base, "data": site.base}}
        source = {"crawls": [CRAWL], "since": "202606", "until": "20260731", "domains": ["news.example"]}
        report = fetch("news.example/*", kind="common_crawl", source=source, sections=sections)
        taken = {one["url"]: one for one in records(tmp_path) if one["type"] == "response"}
        assert set(taken) == {urls[0], *urls[5:8]}
        assert taken[urls[0]]["headers"]["WARC-Date"] == "2026-07-01T00:00:00.000000Z", "the record as it was"
        assert taken[urls[0]]["body"].decode() == f"<html>{urls[0]} 的正文</html>"
        assert report.failed == {"HTTP 404": 1}, "a record that is not there says nothing of its page"
        assert list(gone_pages(tmp_path)) == []
        assert sorted(report.refused) == [
            "the record is cut",
            "the record is of another page than the index says",
        ]

        asked = [parse_qs(urlsplit(one.path).query) for one in site.log if one.path.startswith(f"/{CRAWL}")]
        assert [query.get("page") for query in asked] == [None, ["0"], ["1"]]
        assert {key: value[0] for key, value in asked[1].items()} == {
            "url": "news.example/*",
            "output": "json",
            "from": "202606",
            "to": "20260731",
            "filter": "=status:200",
            "page": "0",
        }
        assert not site.asked("/robots.txt"), "an interface for programs"
        site.forget()
        again = fetch("news.example/*", kind="common_crawl", source=source, sections=sections)
        assert again.counts["new"] == 0
        assert not [
            one
            for one in site.log
            if "range" in one.headers and "crawl-data" in one.path and one.path in taken
        ]


def test_what_is_no_index_is_refused(fetch: Fetch) -> None:
    with Site({f"/{CRAWL}-index": Reply(b"<html>maintenance</html>")}) as site:
        sections = {"common_crawl": {"index": site.base, "data": site.base}}
        report = fetch(
            "news.example/*",
            kind="common_crawl",
            source={"crawls": [CRAWL], "domains": ["news.example"]},
            sections=sections,
        )
        assert report.refused == {"not an answer of a Common Crawl index": 1}
