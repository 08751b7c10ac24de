"""Common Crawl: questions to its index, and its WARC records by byte range."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from warcio.archiveiterator import ArchiveIterator

from config.settings import FetchSettings, FetchSource
from tasks.fetch.guard import Refused
from tasks.fetch.urls import Scope, clean_url, page_key

_HEADER_ROOM = 1 << 16


@dataclass(frozen=True, slots=True)
class IndexRow:
    """A capture that the index names."""

    url: str
    """Address of the page."""
    warc: str
    """Address of the WARC file at Common Crawl."""
    offset: int
    length: int

    def address(self) -> str:
        """One address for the record: the file, its range, and the page, in a form that can be remembered."""
        query = urlencode({"offset": self.offset, "length": self.length, "page": self.url})
        return f"{self.warc}?{query}"


def range_of(address: str) -> tuple[str, tuple[int, int]]:
    """Address of the file and first and last byte of a record, from the address it is remembered under."""
    file, _, query = address.partition("?")
    values = parse_qs(query)
    offset, length = int(values["offset"][0]), int(values["length"][0])
    return file, (offset, offset + length - 1)


def page_of(address: str) -> str:
    """Address of the page, from the address a record is remembered under."""
    return parse_qs(urlsplit(address).query)["page"][0]


def count_question(source: FetchSource, settings: FetchSettings) -> Iterator[str]:
    """Addresses that ask how many pages the index has for each pattern and crawl."""
    for crawl in source.crawls:
        for pattern in source.urls:
            asked = {"url": pattern, "output": "json", "showNumPages": "true"}
            yield f"{_index(settings, crawl)}?{urlencode(asked)}"


def page_questions(count_url: str, body: bytes, source: FetchSource) -> Iterator[str]:
    """Addresses of the index pages, from the answer to a count question. Raises ValueError for another answer."""
    count = json.loads(body)
    pages = count["pages"] if isinstance(count, dict) else count
    if not isinstance(pages, int) or not 0 <= pages <= 1_000_000:
        raise ValueError(f"the index states {pages!r} pages")
    times = {name: value for name, value in (("from", source.since), ("to", source.until)) if value}
    asked = count_url.replace("&showNumPages=true", "")
    for page in range(pages):
        yield f"{asked}&{urlencode({**times, 'filter': '=status:200', 'page': page})}"


def index_rows(body: bytes, scope: Scope, settings: FetchSettings) -> Iterator[IndexRow]:
    """The captures of an index page (JSON lines) that belong to the source; unreadable lines are passed over."""
    base = settings.common_crawl.data.rstrip("/")
    accepted = set(settings.limits.content_types)
    for line in body.splitlines():
        try:
            row = json.loads(line)
            page = clean_url(row["url"], settings.limits.url_length) or ""
            found = IndexRow(page, f"{base}/{quote(row['filename'])}", int(row["offset"]), int(row["length"]))
            mime = row.get("mime-detected", row.get("mime", ""))
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
        if row.get("status") != "200" or (mime and mime not in accepted and mime != "unk"):
            continue
        if (
            page
            and found.offset >= 0
            and 0 < found.length <= settings.limits.body_bytes
            and scope.keeps(found.url)
        ):
            yield found


def record_member(body: bytes, page: str, settings: FetchSettings) -> bytes:
    """Check what a range request gave: one whole gzip member with the response record of that page.

    Out: the member as it is. Raises Refused for anything else.
    """
    member = zlib.decompressobj(wbits=31)
    longest = settings.limits.body_bytes + _HEADER_ROOM
    try:
        data = member.decompress(body, longest + 1)
    except zlib.error as error:
        raise Refused(f"not a gzip member: {error}") from error
    if len(data) > longest:
        raise Refused("body too large")
    if not member.eof:
        raise Refused("the record is cut")
    if member.unused_data:
        raise Refused("more than one record in the range")
    records = list(_records(data))
    if len(records) != 1 or records[0].get("WARC-Type") != "response":
        raise Refused("no response record in the range")
    if page_key(records[0].get("WARC-Target-URI", "").strip("<>")) != page_key(page):
        raise Refused("the record is of another page than the index says")
    return body


def _records(data: bytes) -> Iterator[Mapping[str, str]]:
    try:
        for record in ArchiveIterator(BytesIO(data), no_record_parse=True):
            yield dict(record.rec_headers.headers)
    except Exception as error:
        raise Refused(f"no WARC record: {error}") from error


def _index(settings: FetchSettings, crawl: str) -> str:
    return f"{settings.common_crawl.index.rstrip('/')}/{quote(crawl, safe='')}-index"
