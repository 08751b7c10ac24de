"""Addresses in what a server sends: sitemaps, feeds, lists of addresses, links of pages; page rules."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from enum import StrEnum
from io import BytesIO
from typing import Final, NamedTuple
from urllib.parse import urljoin

from lxml import etree

from tasks.fetch.guard import Refused
from tasks.fetch.revisit import http_date

_HEAD_BYTES: Final = 1 << 16
_META = re.compile(rb"<meta\s[^>]{0,1000}>", re.IGNORECASE)
_ATTRIBUTE = re.compile(rb"""([a-z-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)
_SITEMAP_LINE = re.compile(r"^\s*sitemap\s*:\s*(\S+)", re.IGNORECASE)
_VALUED_RULES: Final = ("unavailable_after", "max-snippet", "max-image-preview", "max-video-preview")
_SCOPED = re.compile(r"^\s*([a-z][\w-]*)\s*:(.*)$", re.IGNORECASE)


class Found(StrEnum):
    """What an address that was found leads to."""

    PAGE = "page"
    SITEMAP = "sitemap"


class Link(NamedTuple):
    """An address that was found, and when its page changed last, if that was said beside it."""

    url: str
    found: Found = Found.PAGE
    modified: datetime | None = None


def gunzip(data: bytes, longest: int) -> bytes:
    """Undo gzip (also of several members); other data is given back. Raises Refused beyond `longest` bytes."""
    if data[:2] != b"\x1f\x8b":
        return data
    out = bytearray()
    while data[:2] == b"\x1f\x8b":
        member = zlib.decompressobj(wbits=31)
        try:
            out += member.decompress(data, longest + 1 - len(out))
        except zlib.error:
            break
        if len(out) > longest:
            raise Refused("body too large when decompressed")
        if not member.eof:
            break
        data = member.unused_data
    return bytes(out)


def links_of_index(body: bytes, base: str, longest: int) -> Iterator[Link]:
    """Addresses of a sitemap (index or list, XML or text, gzip too), of an RSS or Atom feed, or of robots.txt.

    `base` is the address it came from. Broken XML gives what could be read. Raises Refused.
    """
    body = gunzip(body, longest)
    start = body[:512].lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    if start.startswith(b"<") or b"<\x00" in body[:4] or b"\x00<" in body[:4]:
        return _xml_links(body, base)
    return _text_links(body.decode("utf-8", "replace"))


def _text_links(text: str) -> Iterator[Link]:
    for line in text.splitlines():
        named = _SITEMAP_LINE.match(line)
        if named:
            yield Link(named.group(1), Found.SITEMAP)
        elif line.strip().startswith(("http://", "https://")):
            yield Link(line.strip())


def _xml_links(body: bytes, base: str) -> Iterator[Link]:
    entries = etree.iterparse(
        BytesIO(body),
        events=("end",),
        recover=True,
        resolve_entities=False,
        no_network=True,
        huge_tree=False,
        load_dtd=False,
    )
    try:
        for _, element in entries:
            name = _local(element)
            if name not in ("url", "sitemap", "item", "entry"):
                continue
            link = _entry(element, name)
            element.clear()
            if link and link[0]:
                kind = Found.SITEMAP if name == "sitemap" else Found.PAGE
                yield Link(urljoin(base, link[0]), kind, w3c_time(link[1]))
    except etree.XMLSyntaxError:
        return


def _local(element: etree._Element) -> str:
    tag = element.tag
    return tag.rpartition("}")[2].lower() if isinstance(tag, str) else ""


def _entry(element: etree._Element, name: str) -> tuple[str, str]:
    """Address and time of one entry: `loc`, `link`, `guid` if it is an address, and their dates."""
    url = permalink = moment = ""
    for child in element:
        local, text = _local(child), (child.text or "").strip()
        if local == "loc":
            url = url or text
        elif local == "link":
            target = child.get("href", "").strip() or text
            if child.get("rel", "alternate") == "alternate":
                url = url or target
        elif local == "guid" and name == "item" and child.get("isPermaLink", "true") != "false":
            permalink = text
        elif local in ("lastmod", "updated", "pubdate", "date", "modified"):
            moment = moment or text
    return url or (permalink if permalink.startswith("http") else ""), moment


def w3c_time(value: str) -> datetime | None:
    """The time of a W3C date (sitemaps, Atom) or of a mail date (RSS), UTC; None if it is none."""
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return http_date(value) if value else None
    try:
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (OverflowError, ValueError):
        return None


def page_rules(headers: Iterable[str], body: bytes, agent: str) -> frozenset[str]:
    """The rules a page states for robots (`noindex`, `noarchive`, `nofollow`; `none` is two of them).

    In: the X-Robots-Tag headers and the body; rules for another agent do not count.
    """
    rules: set[str] = set()
    for header in headers:
        named = _SCOPED.match(header)
        scoped = named is not None and named.group(1).lower() not in _VALUED_RULES
        if named and scoped and named.group(1).lower() != agent.lower():
            continue
        stated = named.group(2) if named and scoped else header
        rules.update(part.strip().lower() for part in stated.split(","))
    for tag in _META.findall(body, 0, _HEAD_BYTES):
        found = {name.lower(): a or b or c for name, a, b, c in _ATTRIBUTE.findall(tag)}
        if found.get(b"name", b"").strip().lower() in (b"robots", agent.lower().encode()):
            rules.update(
                part.strip().lower().decode("ascii", "replace")
                for part in found.get(b"content", b"").split(b",")
            )
    return frozenset(rules | {"noindex", "nofollow"} if "none" in rules else rules)
