"""Small pages fetched from a local server: the fetch with archive and state, beside plain Scrapy without.

Run: python -m tests.bench.fetch [PAGES]   (default 2000)
"""

from __future__ import annotations

import asyncio
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from config.settings import FetchSettings, FetchSource
from tasks.fetch import run_fetch
from tests.conftest import ROOT

ROUNDS = 2

_PARAGRAPH = "<p>中文正文内容，一段普通文字。</p>"
_PAGE = f"<html><head><title>新闻</title></head><body>{_PARAGRAPH * 60}</body></html>".encode()

_PLAIN = """
import sys, time
import scrapy
from scrapy.crawler import AsyncCrawlerProcess

class Plain(scrapy.Spider):
    name = "plain"
    async def start(self):
        for number in range(int(sys.argv[2])):
            yield scrapy.Request(f"{sys.argv[1]}/{number}")
    def parse(self, response):
        pass

lean = {"CONCURRENT_ITEMS": 1, "TWISTED_REACTOR_ENABLED": False} if sys.argv[3] == "lean" else {}
process = AsyncCrawlerProcess({
    "LOG_LEVEL": "ERROR", "TELNETCONSOLE_ENABLED": False, "REMOTE_CONTROL_ENABLED": False,
    "COOKIES_ENABLED": False, "CONCURRENT_REQUESTS": 32, "CONCURRENT_REQUESTS_PER_DOMAIN": 32, **lean,
})
process.crawl(Plain)
began = time.monotonic()
process.start()
print(time.monotonic() - began)
"""


class _Pages(asyncio.Protocol):
    """A server that costs next to nothing: every path is the same page with its path at the end."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._rest = b""

    def data_received(self, data: bytes) -> None:
        *requests, self._rest = (self._rest + data).split(b"\r\n\r\n")
        for request in requests:
            body = _PAGE + request.split(b" ", 2)[1]
            head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % len(body)
            self._transport.write(head + body)


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(_Pages, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


def _plain(base: str, pages: int, mode: str) -> float:
    done = subprocess.run(
        [sys.executable, "-c", _PLAIN, base, str(pages), mode], check=True, capture_output=True, cwd=ROOT
    )
    return pages / float(done.stdout.split()[-1])


def _ours(base: str, pages: int) -> float:
    settings = FetchSettings(
        contact="mailto:owner@example.org",
        politeness={"delay": 0, "per_host": 32, "autothrottle": False},
        safety={"allow_networks": ["127.0.0.1/32"]},
    )
    source = FetchSource(name="bench", urls=[f"{base}/{number}" for number in range(pages)])
    with tempfile.TemporaryDirectory() as store:
        report = run_fetch(source, settings, Path(store))
        if report.counts["new"] != pages:
            raise SystemExit(f"{report.counts} instead of {pages} pages")
    return pages / report.seconds


def main() -> None:
    """Print pages a second of each, best of some rounds taken in turn."""
    pages = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    command = [sys.executable, "-c", "import asyncio, tests.bench.fetch as b; asyncio.run(b._serve())"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as server:
        try:
            assert server.stdout is not None
            base = f"http://127.0.0.1:{int(server.stdout.readline())}"
            runs = {
                "fetch: archive, state, robots.txt": lambda: _ours(base, pages),
                "plain Scrapy, as it comes": lambda: _plain(base, pages, "plain"),
                "plain Scrapy, set up as ours": lambda: _plain(base, pages, "lean"),
            }
            best = dict.fromkeys(runs, (0.0, 0.0))
            for _ in range(ROUNDS):
                for name, run in runs.items():
                    before = resource.getrusage(resource.RUSAGE_CHILDREN)
                    speed = run()
                    after = resource.getrusage(resource.RUSAGE_CHILDREN)
                    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
                    best[name] = max(best[name], (speed, pages / processor))
        finally:
            server.kill()
    ours = next(iter(best.values()))
    sys.stdout.write(f"{pages} pages of {len(_PAGE)} bytes, best of {ROUNDS}; processor time with start-up\n")
    for name, (speed, thrift) in best.items():
        sys.stdout.write(
            f"{name:36} {speed:5.0f} pages/s {thrift:5.0f} per processor second   "
            f"ours / this: {ours[0] / speed:.2f}, {ours[1] / thrift:.2f}\n"
        )


if __name__ == "__main__":
    main()
