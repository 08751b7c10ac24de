"""The process that crawls: started by `run_fetch`, told what to do on standard input, reports through a file.

It ends when standard input ends, so it does not outlive whoever started it.
"""

from __future__ import annotations

import asyncio
import fcntl
import itertools
import json
import logging
import os
import sys
import time
import traceback
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from scrapy import signals
from scrapy.crawler import AsyncCrawlerProcess, Crawler
from scrapy.logformatter import LogFormatter

from config.settings import FetchKind, FetchSettings, FetchSource
from tasks.fetch import commoncrawl
from tasks.fetch.find import Kind, seed_kind
from tasks.fetch.frontier import wake
from tasks.fetch.report import BUSY, FetchOptions, FetchReport
from tasks.fetch.spider import FetchSpider
from tasks.fetch.state import Address, State
from tasks.fetch.urls import clean_url
from tasks.fetch.warc import WarcSeries, recover

_REPORT_SECONDS: Final = 1.0
_SEED_BATCH: Final = 5000

_HERE: Final = "tasks.fetch."
_DOWNLOADER: Final = "scrapy.downloadermiddlewares."
_SPIDER: Final = "scrapy.spidermiddlewares."
_EXTENSION: Final = "scrapy.extensions."


class Quiet(LogFormatter):
    """No line for each answer: the report counts them."""

    def crawled(self, request: Any, response: Any, spider: Any) -> Any:  # noqa: ARG002 - Scrapy's signature
        """Nothing."""
        return None


def scrapy_settings(settings: FetchSettings, options: FetchOptions) -> dict[str, Any]:
    """Scrapy's settings for a fetch: what is not needed is off, what reaches outside is ours."""
    polite, limits = settings.politeness, settings.limits
    unused = (
        "offsite.OffsiteMiddleware",
        "httpauth.HttpAuthMiddleware",
        "defaultheaders.DefaultHeadersMiddleware",
        "downloadtimeout.DownloadTimeoutMiddleware",
        "robotstxt.RobotsTxtMiddleware",
    )
    beside = (
        "httperror.HttpErrorMiddleware",
        "depth.DepthMiddleware",
        "urllength.UrlLengthMiddleware",
        "metacopy.MetaCopyDetectionMiddleware",
        "start.StartSpiderMiddleware",
    )
    idle = (
        "throttle.AutoThrottle",
        "logstats.LogStats",
        "feedexport.FeedExporter",
        "corestats.CoreStats",
        "logcount.LogCount",
        "memusage.MemoryUsage",
    )
    return {
        "FETCH": settings,
        "FETCH_OPTIONS": options,
        "TWISTED_REACTOR_ENABLED": False,
        "TELNETCONSOLE_ENABLED": False,
        "REMOTE_CONTROL_ENABLED": False,
        "DOWNLOAD_HANDLERS": {
            "http": _HERE + "transport.Transport",
            "https": _HERE + "transport.Transport",
            **dict.fromkeys(("data", "file", "ftp", "s3")),
        },
        "SCHEDULER": _HERE + "frontier.Frontier",
        "DOWNLOADER_MIDDLEWARES": {
            **{_DOWNLOADER + name: None for name in unused},
            **({_HERE + "robots.Robots": 100} if polite.robots else {}),
        },
        "SPIDER_MIDDLEWARES": {_SPIDER + name: None for name in beside},
        "EXTENSIONS": {
            **{_EXTENSION + name: None for name in idle},
            **({_HERE + "robots.Throttle": 0} if polite.autothrottle else {}),
        },
        # The report has the figures; Scrapy's own are not kept.
        "DOWNLOADER_STATS": False,
        "STATS_CLASS": "scrapy.statscollectors.DummyStatsCollector",
        "USER_AGENT": user_agent(settings),
        "ROBOTSTXT_OBEY": polite.robots,
        "AUTOTHROTTLE_ENABLED": polite.autothrottle,
        "AUTOTHROTTLE_START_DELAY": polite.delay,
        "AUTOTHROTTLE_MAX_DELAY": max(polite.max_delay, polite.delay),
        "AUTOTHROTTLE_TARGET_CONCURRENCY": float(polite.per_host),
        "DOWNLOAD_DELAY": polite.delay,
        "DOWNLOAD_DELAY_JITTER": 0,
        "CONCURRENT_REQUESTS": polite.total,
        "CONCURRENT_REQUESTS_PER_DOMAIN": polite.per_host,
        # One place for the items of an answer, of which there are none: Scrapy makes a task for each.
        "CONCURRENT_ITEMS": 1,
        "DOWNLOAD_MAXSIZE": limits.body_bytes,
        "DOWNLOAD_WARNSIZE": 0,
        "COOKIES_ENABLED": False,
        # Redirects and further tries go through the frontier: they outlive a crash, and no page is fetched twice.
        "REDIRECT_ENABLED": False,
        "METAREFRESH_ENABLED": False,
        "RETRY_ENABLED": False,
        "REFERER_ENABLED": False,
        "HTTPPROXY_ENABLED": False,
        "LOG_FORMATTER": _HERE + "crawl.Quiet",
        "LOG_INSTALL_ROOT_HANDLER": False,
        "STATS_DUMP": False,
    }


def user_agent(settings: FetchSettings) -> str:
    """The User-Agent header: who asks, and where to complain."""
    return f"{settings.agent}/1.0 (+{settings.contact})"


def seeds(source: FetchSource, settings: FetchSettings) -> Iterator[Address]:
    """The addresses a source names itself."""
    kind = seed_kind(source)
    if source.kind is FetchKind.COMMON_CRAWL:
        for url in commoncrawl.count_question(source, settings):
            yield Address(url, kind)
        return
    for text in itertools.chain(source.urls, *map(_lines, source.files)):
        address = clean_url(text, settings.limits.url_length)
        if address:
            yield Address(address, kind)


def _lines(file: str) -> Iterator[str]:
    with Path(file).open(encoding="utf-8-sig") as stream:
        for line in stream:
            if line.strip() and not line.lstrip().startswith("#"):
                yield line.strip()


def remember_seeds(state: State, addresses: Iterable[Address], settings: FetchSettings) -> int:
    """Put the source's own addresses into the state. Out: how many had no room."""
    dropped = 0
    rest = iter(addresses)
    while batch := list(itertools.islice(rest, _SEED_BATCH)):
        with state.transaction():
            room = settings.limits.addresses - state.count()
            always = batch[0].kind != Kind.PAGE
            dropped += state.remember(batch, time.time(), room=room, always=always)[1]
    return dropped


def crawl(
    source: FetchSource,
    settings: FetchSettings,
    options: FetchOptions,
    folder: Path,
    report_path: Path,
    lifeline: int | None,
) -> None:
    """Crawl one source; the caller holds its lock. In a dry run `folder` is a passing one."""
    report = FetchReport(source.name, dry_run=options.dry_run, started=time.time())
    state = State(folder / "state.sqlite", source.name)
    pages_folder, traffic_folder = folder / "warc" / source.name, folder / "traffic" / source.name
    report.recovered = [found.name for place in (pages_folder, traffic_folder) for found in recover(place)]
    info = {
        "software": "Qingyuan",
        "format": "WARC File Format 1.1",
        "conformsTo": "http://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/",
        "operator": settings.contact,
        "robots": "obey" if settings.politeness.robots else "ignore",
        "http-header-user-agent": user_agent(settings),
        "isPartOf": source.name,
    }
    pages = WarcSeries(pages_folder, source.name, settings.limits.warc_bytes, info)
    traffic = WarcSeries(traffic_folder, source.name, settings.limits.warc_bytes, info)
    state.begin(report.started)
    report.run, report.resumed = state.run, state.resumed
    report.counts["dropped"] += remember_seeds(state, seeds(source, settings), settings)

    process = AsyncCrawlerProcess(scrapy_settings(settings, options))
    crawler = process.create_crawler(FetchSpider)
    _watch(crawler, report, report_path, lifeline)
    process.crawl(
        crawler,
        source=source,
        settings=settings,
        options=options,
        state=state,
        pages=pages,
        traffic=traffic,
        report=report,
    )
    process.start(install_signal_handlers=lifeline is not None)
    pages.close()
    traffic.close()
    report.files = [str(Path("fetch", "warc", source.name, name)) for name in pages.finished]
    report.seconds = time.time() - report.started
    if not report.error and report.stopped != "stopped":
        state.finish(time.time(), report.counts)
        report.finished = True
    state.close()
    report.write(report_path)


def _watch(crawler: Crawler, report: FetchReport, path: Path, lifeline: int | None) -> None:
    """Report each second; stop when the lifeline ends or a callback fails."""

    def frontier() -> Any:
        return crawler.engine.scheduler if crawler.engine else None

    def refresh() -> None:
        queue = frontier()
        if queue:
            report.counts["waiting"] = queue.waiting()
            report.counts["postponed"] = queue.counts["postponed"]
            report.stopped = queue.stopped
        report.seconds = time.time() - report.started

    async def beat() -> None:
        while True:
            refresh()
            report.write(path)
            await asyncio.sleep(_REPORT_SECONDS)

    running: list[asyncio.Task[None]] = []

    def opened() -> None:
        loop = asyncio.get_running_loop()
        running.append(loop.create_task(beat()))
        if lifeline is not None:
            with suppress(PermissionError):  # a file: it cannot end
                loop.add_reader(lifeline, ended, lifeline)

    def ended(descriptor: int) -> None:
        if not os.read(descriptor, 4096):
            asyncio.get_running_loop().remove_reader(descriptor)
            frontier().stop("stopped")
            crawler.engine.crawl(wake())

    def broken(failure: Any) -> None:
        report.error = report.error or f"{type(failure.value).__name__}: {failure.value}"
        logging.getLogger(__name__).error("%s", failure.getTraceback())
        frontier().stop("failed")

    def closed(reason: str) -> None:
        if reason != "finished":  # a signal: Scrapy finishes what is under way and ends
            frontier().stop("stopped")
        refresh()
        for task in running:
            task.cancel()

    crawler.signals.connect(opened, signals.spider_opened, weak=False)
    crawler.signals.connect(broken, signals.spider_error, weak=False)
    crawler.signals.connect(closed, signals.spider_closed, weak=False)


def carry_out(order: Mapping[str, Any], lifeline: int | None = None) -> int:
    """Carry out an order of `run_fetch`. Out: the exit code.

    `lifeline` is a descriptor at whose end the crawl stops; without one the crawl is no process of its
    own, and signals are left alone.
    """
    source, settings = FetchSource(**order["source"]), FetchSettings(**order["settings"])
    report_path = Path(order["report"])
    with Path(order["lock"]).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return BUSY
        try:
            crawl(
                source,
                settings,
                FetchOptions(**order["options"]),
                Path(order["folder"]),
                report_path,
                lifeline,
            )
        except Exception as error:  # noqa: BLE001 - the report is the only way to say it
            logging.getLogger(__name__).error("%s", traceback.format_exc())
            FetchReport(source.name, error=f"{type(error).__name__}: {error}").write(report_path)
            return 1
    return 0


def _first_line(descriptor: int) -> bytes:
    """Read up to the first line end and no further: what follows is the lifeline."""
    with os.fdopen(os.dup(descriptor), "rb", buffering=0) as stream:
        return stream.readline()


def main() -> int:
    """Take an order from the first line of standard input."""
    order = json.loads(_first_line(sys.stdin.fileno()))
    logging.basicConfig(
        filename=order["log"], level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    logging.getLogger("scrapy").setLevel(logging.WARNING)
    return carry_out(order, sys.stdin.fileno())


if __name__ == "__main__":
    sys.exit(main())
