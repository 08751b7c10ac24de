"""What addresses are to the fetch, and which further ones an answer names."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Final

from scrapy.http import HtmlResponse, Response
from scrapy.linkextractors import LinkExtractor

from config.settings import FetchKind, FetchSettings, FetchSource
from tasks.fetch import commoncrawl
from tasks.fetch.discover import Found, links_of_index
from tasks.fetch.guard import Refused
from tasks.fetch.state import Address, Task
from tasks.fetch.urls import Scope, clean_url

_INDEX_DEPTH: Final = 10
"""Sitemaps that name sitemaps that name sitemaps: deeper ones are a trap."""


class Kind(StrEnum):
    """What an address is to the fetch."""

    PAGE = "page"
    SITE = "site"
    """A page whose links are followed inside its section."""
    LIST = "list"
    """A page that is only searched for links."""
    INDEX = "index"
    """Sitemap, feed or list of addresses."""
    CC_COUNT = "cc_count"
    CC_INDEX = "cc_index"
    CC_RECORD = "cc_record"

    @property
    def of_common_crawl(self) -> bool:
        """It is asked of Common Crawl, not of the server the page is from."""
        return self in (Kind.CC_COUNT, Kind.CC_INDEX, Kind.CC_RECORD)

    @property
    def kept(self) -> bool:
        """Its answer is a capture for the corpus."""
        return self in (Kind.PAGE, Kind.SITE, Kind.CC_RECORD)


_SEEDS: Final = {
    FetchKind.URLS: Kind.PAGE,
    FetchKind.SITE: Kind.SITE,
    FetchKind.SITEMAP: Kind.INDEX,
    FetchKind.FEED: Kind.INDEX,
    FetchKind.LIST: Kind.LIST,
    FetchKind.COMMON_CRAWL: Kind.CC_COUNT,
}


def seed_kind(source: FetchSource) -> Kind:
    """What the addresses that a source names are."""
    return _SEEDS[source.kind]


def page_of(task: Task) -> str:
    """Address of the page: for a Common Crawl record the one it is a capture of."""
    return commoncrawl.page_of(task.url) if task.kind == Kind.CC_RECORD else task.url


class Finder:
    """Finds the addresses in answers that belong to a source."""

    def __init__(self, source: FetchSource, settings: FetchSettings) -> None:
        self._source, self._settings = source, settings
        self._scope = Scope.of(source)
        self._links = LinkExtractor(canonicalize=False, unique=True)

    def addresses(self, task: Task, response: Response, rules: frozenset[str]) -> Iterator[Address]:
        """The addresses to visit that an answer names; `rules` are those the page states for robots.

        Raises Refused for an answer that is not what its address should give.
        """
        kind = Kind(task.kind)
        if kind is Kind.INDEX:
            yield from self._of_index(task, response)
        elif kind is Kind.CC_COUNT:
            try:
                for url in commoncrawl.page_questions(task.url, response.body, self._source):
                    yield Address(url, Kind.CC_INDEX, 1)
            except (ValueError, KeyError) as error:
                raise Refused("not an answer of a Common Crawl index") from error
        elif kind is Kind.CC_INDEX:
            for row in commoncrawl.index_rows(response.body, self._scope, self._settings):
                yield Address(row.address(), Kind.CC_RECORD, 2)
        elif kind in (Kind.SITE, Kind.LIST) and isinstance(response, HtmlResponse) and not self._bars(rules):
            yield from self._of_page(task, response)

    def _bars(self, rules: frozenset[str]) -> bool:
        return self._settings.politeness.nofollow and "nofollow" in rules

    def _of_index(self, task: Task, response: Response) -> Iterator[Address]:
        limits = self._settings.limits
        for link in links_of_index(response.body, response.url, limits.body_bytes):
            url = clean_url(link.url, limits.url_length)
            modified = link.modified.timestamp() if link.modified else None
            if url is None:
                continue
            if link.found is Found.PAGE and self._scope.keeps(url):
                yield Address(url, Kind.PAGE, task.depth + 1, modified=modified)
            elif link.found is Found.SITEMAP and self._scope.allows(url) and task.depth < _INDEX_DEPTH:
                yield Address(url, Kind.INDEX, task.depth + 1, modified=modified)

    def _of_page(self, task: Task, response: HtmlResponse) -> Iterator[Address]:
        deeper = task.depth + 1
        for link in self._links.extract_links(response):
            url = clean_url(link.url, self._settings.limits.url_length)
            if url is None or (link.nofollow and self._settings.politeness.nofollow):
                continue
            if task.kind == Kind.SITE:
                if deeper <= self._source.depth and self._scope.in_section(url):
                    yield Address(url, Kind.SITE if deeper < self._source.depth else Kind.PAGE, deeper)
            elif self._scope.keeps(url):
                yield Address(url, Kind.PAGE, deeper)
            elif deeper <= self._source.depth and self._scope.follows(url):
                yield Address(url, Kind.LIST, deeper)
