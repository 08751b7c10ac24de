"""What the fetch writes is what the refresh reads."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import brotli

from config.settings import CollectSettings, Source
from tasks.collect import find_inputs, read_captures
from tasks.fetch import FetchReport
from tasks.fetch.warc import Exchange, WarcSeries
from tests.fetch.server import Reply, Site, html

TEXT = "山间的雾气在清晨慢慢散开。" * 30


def test_the_files_are_read_like_any_others(fetch: Callable[..., FetchReport], tmp_path: Path) -> None:
    packed = {"gzip": gzip.compress(TEXT.encode()), "br": brotli.compress(TEXT.encode())}
    with Site({"/plain": html(TEXT), "/old": Reply(status=301, headers={"Location": "/plain"})}) as site:
        for name, body in packed.items():
            site.routes[f"/{name}"] = Reply(
                body, headers={"Content-Type": "text/html", "Content-Encoding": name}
            )
        starts = [site.base + path for path in (*site.routes, "/absent")]
        for _ in range(2):
            fetch(*starts)
        source = Source(name="fetched", paths=[str(tmp_path / "fetch" / "warc")])
        captures = [
            capture
            for file in find_inputs(source, tmp_path)
            for capture in read_captures(file, source, CollectSettings())
        ]
        assert [capture.error for capture in captures if capture.error] == []
        found = {str(capture.url).removeprefix(site.base): capture for capture in captures}
        assert set(found) == {"/plain", "/gzip", "/br"}
        assert len(captures) == 3, "the second fetch found nothing new"
        assert all(TEXT in capture.payload.decode() for capture in captures)
        assert all(capture.captured_at and capture.media_type == "text/html" for capture in captures)


def test_a_file_under_way_is_passed_over(tmp_path: Path) -> None:
    series = WarcSeries(tmp_path / "warc", "site", 1 << 30, {"software": "test"})
    moment = datetime(2026, 3, 1, tzinfo=UTC)
    seen = Exchange(
        "http://a.example/", moment, "/", [], "HTTP/1.1", 200, "OK", [("Content-Type", "text/html")], b"x"
    )
    source = Source(name="fetched", paths=[str(tmp_path / "warc")])
    series.exchange(seen)
    assert list(find_inputs(source, tmp_path)) == []
    series.close()
    assert len(list(find_inputs(source, tmp_path))) == 1
