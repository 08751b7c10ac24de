"""robots.txt by RFC 9309, crawl-delay, and the waits of AutoThrottle that respect it."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final
from urllib.parse import urljoin

from scrapy import Request
from scrapy.core.downloader import Slot
from scrapy.crawler import Crawler
from scrapy.downloadermiddlewares.robotstxt import RobotsTxtMiddleware
from scrapy.extensions.throttle import AutoThrottle
from scrapy.http import Response
from scrapy.http.request import NO_CALLBACK
from scrapy.robotstxt import RobotParser
from scrapy.utils.misc import build_from_crawler

from tasks.fetch.guard import Refused
from tasks.fetch.urls import host_of

logger = logging.getLogger(__name__)

_REDIRECTS: Final = 5
_RULES_BYTES: Final = 512 << 10
"""RFC 9309 asks for at least 500 KiB; the rest of a longer file is not read."""


class RobotsError(Exception):
    """robots.txt could not be had: nothing of the host may be fetched now."""


class Robots(RobotsTxtMiddleware):
    """Scrapy's robots.txt rules with the answers of RFC 9309.

    No file (4xx) allows everything; an error of the server or the connection allows nothing, and the host
    is left for a later run. Up to five redirects are followed. Crawl-delay becomes the least delay.
    """

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        settings = crawler.settings["FETCH"]
        self._politeness = settings.politeness
        self._agent: str = settings.agent
        self._rules: dict[str, asyncio.Task[RobotParser | None]] = {}

    async def robot_parser(self, request: Request) -> RobotParser | None:
        """The rules for the host of a request, fetched once a run. Raises RobotsError."""
        home = urljoin(request.url, "/robots.txt")
        if home not in self._rules:
            self._rules[home] = asyncio.ensure_future(self._fetch(home))
        return await asyncio.shield(self._rules[home])

    def process_request_2(self, rp: RobotParser | None, request: Request) -> None:
        """Raises Refused for an address the rules forbid."""
        if rp is not None and not rp.allowed(request.url, self._agent):
            raise Refused("robots.txt")

    async def _fetch(self, home: str) -> RobotParser | None:
        for attempt in range(self._politeness.retries + 1):
            if attempt:
                await asyncio.sleep(min(self._politeness.backoff * 2.0 ** (attempt - 1), 10))
            try:
                response = await self._ask(home)
            except Refused:
                raise
            except Exception as error:  # noqa: BLE001 - whatever went wrong, there are no rules
                logger.info("%s: %s", home, error)
                continue
            if response.status in range(200, 300):
                return self._parse(response, home)
            if response.status in range(400, 500) and response.status != 429:
                return None
        raise RobotsError(f"{home} cannot be had")

    async def _ask(self, url: str) -> Response:
        for _ in range(_REDIRECTS + 1):
            request = Request(url, meta={"dont_obey_robotstxt": True}, callback=NO_CALLBACK)
            response = await self.crawler.engine.download_async(request)
            spider: Any = self.crawler.spider
            spider.archive(request.meta["exchange"])
            location = response.headers.get("Location")
            if response.status not in (301, 302, 303, 307, 308) or not location:
                return response
            url = urljoin(url, location.decode("latin-1"))
        return response

    def _parse(self, response: Response, home: str) -> RobotParser:
        rules: RobotParser = build_from_crawler(self._parserimpl, self.crawler, response.body[:_RULES_BYTES])
        delay = rules.crawl_delay(self._agent)
        if delay:
            least = max(min(delay, self._politeness.max_crawl_delay), self._politeness.delay)
            downloader, host = self.crawler.engine.downloader, host_of(home)
            downloader.per_slot_settings[host] = {"delay": least, "concurrency": 1, "jitter": 0}
            if host in downloader.slots:
                slot = downloader.slots[host]
                slot.delay, slot.concurrency, slot.jitter = least, 1, 0.0
        return rules


class Throttle(AutoThrottle):
    """Scrapy's AutoThrottle, which here never goes below the crawl-delay of robots.txt."""

    def _adjust_delay(self, slot: Slot, latency: float, response: Response) -> None:
        super()._adjust_delay(slot, latency, response)
        own: dict[str, Any] = self.crawler.engine.downloader.per_slot_settings.get(host_of(response.url), {})
        slot.delay = max(slot.delay, own.get("delay", 0))
