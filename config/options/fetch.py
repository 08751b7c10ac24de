"""Fetching pages."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated

from pydantic import Field, IPvAnyNetwork, model_validator

from config.options.section import Section


class FetchKind(StrEnum):
    """What the addresses of a fetch source are."""

    URLS = "urls"
    SITE = "site"
    SITEMAP = "sitemap"
    FEED = "feed"
    LIST = "list"
    COMMON_CRAWL = "common_crawl"


class FetchSource(Section):
    """Pages to fetch: single addresses, a section of a site, sitemaps, feeds, list pages, or Common Crawl."""

    name: Annotated[
        str,
        Field(
            min_length=1,
            max_length=64,
            pattern=r"^[^\s/\\.][^\s/\\]*$",
            description="Name of the source; also of its folder.",
        ),
    ]
    kind: FetchKind = Field(FetchKind.URLS, description="What the addresses are.")
    urls: list[str] = Field(
        [], description="Addresses to start from; for Common Crawl patterns such as example.cn/*."
    )
    files: list[str] = Field(
        [], description="Text files with further addresses, one a line (# begins a comment)."
    )
    domains: list[str] = Field(
        [],
        description="Hosts (with their subdomains) links may lead to; empty: those of `urls` for"
        " site, list and sitemap, any for urls and feed.",
    )
    include: list[str] = Field(
        [],
        description="Regular expressions: an address is kept as a page if one is found in it;"
        " empty means every address (a list source needs one).",
    )
    exclude: list[str] = Field(
        [], description="Regular expressions: an address in which one is found is never fetched."
    )
    follow: list[str] = Field(
        [], description="Regular expressions: pages of a list source that are searched for links too."
    )
    depth: int = Field(3, ge=0, le=100, description="Links from a starting page to the farthest page.")
    crawls: list[str] = Field([], description="Common Crawl: the crawls to ask, such as CC-MAIN-2026-30.")
    since: str = Field(
        "",
        pattern=r"^(\d{4}(\d{2}){0,5})?$",
        description="Common Crawl: from this time on (YYYYMMDDhhmmss or its beginning).",
    )
    until: str = Field("", pattern=r"^(\d{4}(\d{2}){0,5})?$", description="Common Crawl: up to this time.")

    @model_validator(mode="after")
    def _complete(self) -> FetchSource:
        for field in ("include", "exclude", "follow"):
            for pattern in getattr(self, field):
                try:
                    re.compile(pattern)
                except re.error as error:
                    raise ValueError(f"{field}: {pattern!r} is no regular expression: {error}") from error
        if not self.urls and not self.files:
            raise ValueError("a fetch source needs `urls` or `files`")
        if self.kind is FetchKind.LIST and not self.include:
            raise ValueError("a list source needs `include`: which links are articles")
        if self.kind is FetchKind.COMMON_CRAWL and not self.crawls:
            raise ValueError("a Common Crawl source needs `crawls`, such as CC-MAIN-2026-30")
        return self


class PolitenessSettings(Section):
    """How gently servers are asked."""

    robots: bool = Field(True, description="Obey robots.txt; turn off only for servers that are yours.")
    noarchive: bool = Field(True, description="Do not keep pages that say noarchive.")
    noindex: bool = Field(True, description="Do not keep pages that say noindex.")
    nofollow: bool = Field(
        True, description="Do not follow links of pages that say nofollow, nor links marked so."
    )
    delay: float = Field(1.0, ge=0, le=3600, description="Least seconds between two requests to one host.")
    max_crawl_delay: float = Field(
        120, ge=0, le=86_400, description="A longer crawl-delay in robots.txt counts as this one (seconds)."
    )
    autothrottle: bool = Field(True, description="Lengthen the delay while a host answers slowly.")
    max_delay: float = Field(60, ge=0, le=3600, description="Longest delay by autothrottle (seconds).")
    per_host: int = Field(1, ge=1, le=64, description="Requests under way to one host.")
    total: int = Field(32, ge=1, le=512, description="Requests under way altogether.")
    retries: int = Field(3, ge=0, le=20, description="Further tries after a failure that may pass.")
    backoff: float = Field(
        2, ge=0, le=3600, description="Wait before the first further try (seconds); doubles each time."
    )
    max_backoff: float = Field(
        300,
        ge=0,
        le=86_400,
        description="Longest wait inside a run, Retry-After too; a server that asks for more"
        " is left alone until a later run (seconds).",
    )
    host_failures: int = Field(
        8,
        ge=1,
        description="Failures to connect, one after another, after which a host is left for a later run.",
    )


class FetchLimits(Section):
    """Bounds of a run and of a single answer."""

    pages: int = Field(10_000, ge=1, description="Pages fetched in one run at most.")
    seconds: float = Field(
        6 * 3600, gt=0, description="Time of one run (seconds); the rest follows in the next."
    )
    frontier: int = Field(50_000, ge=1, description="Addresses waiting in memory; more wait in the state.")
    addresses: int = Field(
        2_000_000,
        ge=1,
        description="Addresses remembered for a source; further ones are dropped and counted.",
    )
    body_bytes: int = Field(
        16 << 20, ge=1024, le=1 << 31, description="Largest body, as sent and after decompression."
    )
    timeout: float = Field(
        60, gt=0, le=3600, description="Time for one answer, from connecting to its last byte (seconds)."
    )
    redirects: int = Field(5, ge=0, le=50, description="Redirects from a page to the one it leads to.")
    url_length: int = Field(2048, ge=64, le=8000, description="A longer address is not fetched (characters).")
    content_types: list[str] = Field(
        ["text/html", "application/xhtml+xml", "text/plain"],
        description="Media types of pages; others are refused before the body is read.",
    )
    warc_bytes: int = Field(
        256 << 20, ge=1 << 16, description="Size at which a WARC file is closed and the next one begun."
    )


class RevisitSettings(Section):
    """When a page that is known is asked for again."""

    first: float = Field(86_400, ge=0, description="Wait after the first visit (seconds).")
    shortest: float = Field(
        6 * 3600, ge=0, description="Shortest wait, of pages that change at every visit (seconds)."
    )
    longest: float = Field(
        60 * 86_400, ge=0, description="Longest wait, of pages that never change or are gone (seconds)."
    )
    shrink: float = Field(
        0.5, gt=0, le=1, description="The wait is multiplied by this when the page had changed."
    )
    grow: float = Field(1.5, ge=1, description="The wait is multiplied by this when it had not.")

    @model_validator(mode="after")
    def _in_order(self) -> RevisitSettings:
        if self.shortest > self.longest:
            raise ValueError(f"shortest ({self.shortest:g} s) is longer than longest ({self.longest:g} s)")
        return self


class FetchSafety(Section):
    """What is never connected to."""

    allow_networks: list[IPvAnyNetwork] = Field(
        [], description="Private networks that may be fetched from, such as 10.1.0.0/16."
    )
    verify_tls: bool = Field(True, description="Check certificates.")
    ca_file: str | None = Field(None, description="PEM file of further certificate authorities.")
    proxy: str | None = Field(
        None, pattern=r"^https?://", description="Proxy for all requests (http://user:password@host:port)."
    )


class CommonCrawlSettings(Section):
    """Where Common Crawl, or a mirror of it, is."""

    index: str = Field(
        "https://index.commoncrawl.org",
        pattern=r"^https?://",
        description="Base address of the index servers.",
    )
    data: str = Field(
        "https://data.commoncrawl.org", pattern=r"^https?://", description="Base address of the WARC files."
    )


class FetchSettings(Section):
    """Fetching pages into WARC files."""

    agent: str = Field(
        "Qingyuan",
        pattern=r"^[A-Za-z][A-Za-z_-]*$",
        description="Name for servers; robots.txt rules are looked up under it.",
    )
    contact: str = Field(
        "",
        description="Address or mail address where the owner of a server reaches you; sent with each request; needed.",
    )
    languages: str = Field("zh-CN,zh;q=0.9,en;q=0.5", description="Accept-Language header.")
    sources: list[FetchSource] = Field([], description="What can be fetched.")
    politeness: PolitenessSettings = PolitenessSettings()
    limits: FetchLimits = FetchLimits()
    revisit: RevisitSettings = RevisitSettings()
    safety: FetchSafety = FetchSafety()
    common_crawl: CommonCrawlSettings = CommonCrawlSettings()
