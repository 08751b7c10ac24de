"""Where the stages meet: the record types they pass on and the Arrow schema of every table.

Every column carries its meaning (and unit) as field metadata, so the Parquet files explain
themselves; docs/tables.md is generated from here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import pyarrow as pa


class Outcome(StrEnum):
    """What became of a capture. Every capture has exactly one outcome in a snapshot."""

    KEPT = "kept"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"
    FAILED = "failed"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True)
class Capture:
    """Bytes seen at one place at one time.

    A capture that could not be read (truncated archive, broken record) is a Capture too: its
    `error` says why, its payload holds what could be read.
    """

    source: str
    """Name of the configured source it came from."""
    locator: str
    """Where the bytes lie: `path`, `path!member` inside an archive, `path#record` inside a container."""
    payload: bytes
    media_type: str
    """`text/html`, `text/plain`, ...; for WARC responses the type of the body, without parameters."""
    url: str | None = None
    captured_at: datetime | None = None
    """When it was seen (time zone UTC), if known."""
    headers: tuple[tuple[str, str], ...] = ()
    """HTTP response headers in their order, names in lower case."""
    title: str | None = None
    """Title given beside the text by a structured source (JSON Lines, Parquet)."""
    error: str | None = None

    @property
    def payload_sha256(self) -> str:
        """Hex SHA-256 of the payload."""
        return hashlib.sha256(self.payload).hexdigest()

    @property
    def capture_id(self) -> str:
        """Same place and same bytes give the same id: 32 hex digits of SHA-256(place, payload SHA-256)."""
        place = self.url or self.locator
        return hashlib.sha256(f"{place}\0{self.payload_sha256}".encode("utf-8", "surrogatepass")).hexdigest()[
            :32
        ]


@dataclass(frozen=True, slots=True)
class Edit:
    """One change of a text: `before` at character offset `start` became `after`.

    Offsets refer to the text that entered the pass. The edits of one pass are in order and do
    not overlap, so applying them pass by pass to the input gives the output.
    """

    rule: str
    """Dotted name of the rule, e.g. `gloss.strip`; documented in docs/rules.md."""
    start: int
    before: str
    after: str
    reason: str = ""
    """One short sentence: the evidence for this change."""
    count: int = 1
    """How many units (glosses, characters, lines) the edit stands for."""
    alternatives: tuple[str, ...] = ()
    """Other readings that were possible, best first; not empty only where something stayed ambiguous."""


class Change(NamedTuple):
    """What a pass over a text gives: the new text, and the edits that lead to it from the old one."""

    text: str
    edits: tuple[Edit, ...] = ()


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a page says about itself; `evidence` names for each field where it was found."""

    title: str | None = None
    author: str | None = None
    source: str | None = None
    """The publisher or paper named as the origin of the article (来源)."""
    published_at: str | None = None
    """ISO 8601 with the precision and zone the page states: 2023-05, 2023-05-11T09:00:38, ...+08:00."""
    site_name: str | None = None
    canonical_url: str | None = None
    language: str | None = None
    section: str | None = None
    editors: str | None = None
    evidence: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Post:
    """A post of a thread, or a question or answer: where it begins in the text, and what its head says."""

    start: int
    """Characters of the text before it; it ends where the next begins."""
    author: str | None = None
    published_at: str | None = None
    """ISO 8601, as in `Metadata`."""


def _column(name: str, kind: pa.DataType, meaning: str, *, nullable: bool = True) -> pa.Field:
    return pa.field(name, kind, nullable=nullable, metadata={"meaning": meaning})


def _required(name: str, kind: pa.DataType, meaning: str) -> pa.Field:
    return _column(name, kind, meaning, nullable=False)


_TIME = pa.timestamp("us", tz="UTC")
_TEXTS = pa.list_(pa.string())
_PAIRS = pa.list_(pa.struct([("name", pa.string()), ("value", pa.string())]))

EDIT_SUMMARY: Final = pa.struct(
    [
        _column("rule", pa.string(), "name of the rule, see docs/rules.md"),
        _column("count", pa.int32(), "how often it acted"),
        _column("removed", pa.int32(), "characters removed"),
        _column("added", pa.int32(), "characters added"),
        _column("before", pa.string(), "an example: the text before (shortened)"),
        _column("after", pa.string(), "the same place after"),
        _column("reason", pa.string(), "the evidence for the example"),
        _column("alternatives", _TEXTS, "other readings that stayed possible, if any"),
    ]
)

POST: Final = pa.struct(
    [
        _required(
            "start", pa.int32(), "characters of the text before the post; it ends where the next begins"
        ),
        _column("author", pa.string(), "who wrote it"),
        _column("published_at", pa.string(), "ISO 8601, at the precision the page states"),
    ]
)

QUALITY: Final = pa.struct(
    [
        _column("characters", pa.int32(), "characters of the text without white space"),
        _column("han", pa.int32(), "Han characters"),
        _column("han_share", pa.float32(), "Han characters / characters, 0..1"),
        _column("line_repetition", pa.float32(), "share of characters in lines that occur before, 0..1"),
        _column("ngram_repetition", pa.float32(), "share of Han 10-grams that occur before, 0..1"),
        _column("symbol_share", pa.float32(), "symbols / characters, 0..1"),
        _column("digit_share", pa.float32(), "digits / characters, 0..1"),
        _column("latin_share", pa.float32(), "Latin letters / characters, 0..1"),
        _column("stop_share", pa.float32(), "function characters (的 是 了 ...) / Han, 0..1"),
        _column("punctuation_share", pa.float32(), "sentence punctuation / characters, 0..1"),
        _column("link_density", pa.float32(), "text inside links / text of the page; null where unknown"),
        _column("damage", pa.int32(), "damaged places found (repaired or not)"),
        _column("unrepaired", pa.int32(), "damaged places that could not be repaired"),
        _column("spun", pa.float32(), "score of synonym spinning, 0..1"),
        _column("list_page", pa.float32(), "score of being a list or index page, 0..1"),
        _column("advert", pa.float32(), "score of adult, gambling or advertising text, 0..1"),
        _column("spun_evidence", _TEXTS, "spun phrases ← what probably stood there, the weightiest ten"),
    ]
)

DOCUMENTS: Final = pa.schema(
    [
        _required("document_id", pa.string(), "id of the article, stable over all versions (32 hex digits)"),
        _required("capture_id", pa.string(), "the capture whose text stands here (the canonical copy)"),
        _column("url", pa.string(), "where it was captured"),
        _column("site", pa.string(), "host of the url, in lower case"),
        _required("collection", pa.string(), "name of the configured source"),
        _column("captured_at", _TIME, "when it was captured"),
        _column("title", pa.string(), "headline"),
        _required("text", pa.string(), "the clean, converted text; paragraphs end with a line feed"),
        _column("author", pa.string(), "author named by the page"),
        _column("source", pa.string(), "publisher named as the origin (来源)"),
        _column("published_at", pa.string(), "ISO 8601, at the precision the page states"),
        _column("site_name", pa.string(), "name the site gives itself"),
        _column("canonical_url", pa.string(), "url the page calls its canonical one"),
        _column("language", pa.string(), "language the page declares or shows (BCP 47)"),
        _column("section", pa.string(), "section of the site"),
        _column("editors", pa.string(), "editors' credits (责编 校对 ...)"),
        _required("script", pa.string(), "script of the captured text: hans, hant, mixed, none"),
        _column("converted", pa.string(), "conversion profile applied, null if the text was left as it was"),
        _required("damage", _TEXTS, "kinds of damage found, e.g. gbk_shift, pinyin_gloss, link_farm"),
        _required("edits", pa.list_(EDIT_SUMMARY), "what each rule changed: how often, with an example"),
        _required("quality", QUALITY, "quality figures of the text"),
        _column("contains", _TEXTS, "ids of shorter documents that this one contains whole"),
        _column("posts", pa.list_(POST), "posts of a thread, or question and answers; null for other pages"),
        _column("gone_at", _TIME, "when its page was found deleted (404 or 410); null while it is there"),
        _required("text_sha256", pa.string(), "SHA-256 of the text in UTF-8"),
    ]
)
"""The corpus: one row an article, the text of its canonical copy."""

CAPTURES: Final = pa.schema(
    [
        _required("capture_id", pa.string(), "id of the capture: place and bytes (32 hex digits)"),
        _required("collection", pa.string(), "name of the configured source"),
        _required("locator", pa.string(), "where the bytes lie: path, path!member, path#record"),
        _column("url", pa.string(), "where it was captured"),
        _column("url_key", pa.string(), "the url after canonicalisation: equal for revisits of one page"),
        _column("captured_at", _TIME, "when it was captured"),
        _required("media_type", pa.string(), "media type without parameters"),
        _column("headers", _PAIRS, "HTTP response headers"),
        _required("payload_sha256", pa.string(), "SHA-256 of the payload"),
        _required("payload_bytes", pa.int64(), "size of the payload in bytes"),
        _column("charset", pa.string(), "character encoding used to read the payload"),
        _column(
            "charset_evidence", pa.string(), "what decided the encoding: bom, utf-8, detected, header, meta"
        ),
        _column("replaced_bytes", pa.int32(), "bytes that could not be decoded"),
        _required("outcome", pa.string(), "kept, duplicate, rejected, failed or superseded"),
        _required(
            "rule", pa.string(), "the rule or test that decided, e.g. dedupe.payload, quality.han_share"
        ),
        _required("reason", pa.string(), "the decision in one sentence"),
        _column("figure", pa.float64(), "the figure the rule looked at (similarity, share, ...)"),
        _column("threshold", pa.float64(), "the limit it was held against"),
        _column("document_id", pa.string(), "the article it belongs to; null for rejected and failed"),
        _column("of_capture", pa.string(), "the capture it duplicates or was superseded by"),
        _required("version", pa.int32(), "snapshot version in which the capture arrived"),
        _required("decided", pa.int32(), "snapshot version of the present outcome"),
    ]
)
"""The ledger: one row a capture, with its one outcome."""

SIGNATURES: Final = pa.schema(
    [
        _required("capture_id", pa.string(), "the capture whose clean text was signed"),
        _required("document_id", pa.string(), "the article it belongs to"),
        _required("url_key", pa.string(), "canonical url, empty where there is none"),
        _required("signature_version", pa.int32(), "version of the signature algorithm and its tables"),
        _required("skeleton", pa.string(), "hash of the text skeleton (Han only, Simplified), 32 hex digits"),
        _required("shingles", pa.int32(), "distinct shingles of the skeleton"),
        _required(
            "bands", pa.list_(pa.uint64()), "band hashes; empty below the length where near matching works"
        ),
    ]
)
"""What matching needs to know of every kept capture."""

INPUTS: Final = pa.schema(
    [
        _required("collection", pa.string(), "name of the configured source"),
        _required("path", pa.string(), "path of the input file"),
        _required("bytes", pa.int64(), "its size"),
        _required("modified_ns", pa.int64(), "its modification time, nanoseconds since 1970"),
        _required("captures", pa.int64(), "captures read from it"),
        _required("version", pa.int32(), "snapshot version that took it in"),
    ]
)
"""Input files already taken in: unchanged ones are not read again."""

PAYLOADS: Final = pa.schema(
    [
        _required("capture_id", pa.string(), "the capture that was loaded"),
        _required("payload_sha256", pa.string(), "SHA-256 of its payload"),
        _column("title", pa.string(), "title given beside the text by a structured source"),
        _column("error", pa.string(), "why the capture could not be read"),
        _column("payload", pa.large_binary(), "the bytes; null where another row has them already"),
    ]
)
"""The archive of loaded payloads, of sources that keep them (`archive`); a reclean reads it."""

LINES: Final = pa.schema(
    [
        _required("line_id", pa.string(), "site, hash and version"),
        _required("site", pa.string(), "host of the documents"),
        _required("line_hash", pa.uint64(), "hash of the line: folded, digits alike, no spaces"),
        _required("documents", pa.int64(), "documents new in the version that have the line at head or tail"),
    ]
)
"""Counts of lines; those of all versions add up."""

TABLES: Final[Mapping[str, pa.Schema]] = {
    "documents": DOCUMENTS,
    "captures": CAPTURES,
    "signatures": SIGNATURES,
    "inputs": INPUTS,
    "payloads": PAYLOADS,
    "lines": LINES,
}
"""The tables of the store, by name."""

PLACE: Final = (
    "capture_id",
    "collection",
    "locator",
    "url",
    "url_key",
    "captured_at",
    "media_type",
    "headers",
    "payload_sha256",
    "payload_bytes",
)
"""Columns that say which capture it is; known when it was read."""

PASSING: Final[Mapping[str, Any]] = MappingProxyType({"compression": "lz4", "use_dictionary": False})
"""How files of a run that only pass from stage to stage are written: half the time of zstd, a quarter larger."""

STAGED: Final = pa.schema(
    [
        *[CAPTURES.field(name) for name in PLACE],
        _column("title", pa.string(), "title given beside the text by a structured source"),
        _column("error", pa.string(), "why the capture could not be read"),
        _required("payload", pa.large_binary(), "the bytes"),
    ]
)
"""A shard of captures between collecting and cleaning."""

CLEANED: Final = pa.schema(
    [
        *[
            CAPTURES.field(name)
            for name in CAPTURES.names
            if name not in ("document_id", "of_capture", "version", "decided")
        ],
        *[
            DOCUMENTS.field(name).with_nullable(True)
            for name in DOCUMENTS.names
            if name not in ("document_id", "contains", "gone_at") and name not in CAPTURES.names
        ],
    ]
)
"""A shard of cleaned captures on the way to matching; document columns are null unless outcome is kept."""
