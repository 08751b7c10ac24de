"""From the bytes of a capture to its characters: transfer and content encodings, then the charset.

The order of evidence was measured (docs/quality.md): byte order mark, UTF-8 that tolerates a few
bad bytes and a cut tail, a detector on the bytes, and only where that is in doubt the header and
the page's own declaration; those are wrong too often to come first.
"""

from __future__ import annotations

import codecs
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import brotli
import zstandard
from resiliparse.parse.encoding import detect_encoding

from config.settings import CONFIG

_SAMPLE: Final = 1 << 16
_BAD_UTF8_SHARE: Final = 0.02
_META: Final = re.compile(
    rb"<(?:meta|\?xml)[^>]{0,500}?(?:charset|encoding)\s*=\s*[\"']?\s*([A-Za-z0-9_:.-]{2,20})", re.IGNORECASE
)
_HEADER_CHARSET: Final = re.compile(r"charset\s*=\s*[\"']?\s*([A-Za-z0-9_:.-]{2,20})", re.IGNORECASE)
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (b"\x84\x31\x95\x33", "gb18030"),
)
# The web's superset of each label: what pages call gb2312 holds GBK and more.
_SUPERSETS: Final = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "hz": "hz",
    "big5": "big5hkscs",
    "iso8859-1": "cp1252",
    "ascii": "cp1252",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "utf-16": "utf-16-le",
}
_CHINESE: Final = ("gb18030", "big5hkscs")
_EAST_ASIAN: Final = frozenset((*_CHINESE, "cp932", "euc_jp", "cp949", "iso2022_jp", "hz"))


class PayloadTooLargeError(ValueError):
    """A payload that grows beyond the limit when its encodings are undone: large, or a bomb."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """The characters of a payload, and how they were found."""

    text: str
    charset: str
    """Codec name: utf-8, gb18030, big5hkscs, ..."""
    evidence: str
    """What decided: bom, utf-8, detected, header, meta, declared or fallback."""
    replaced: int
    """Byte sequences that could not be decoded; each stands as U+FFFD in the text."""


def decode(
    payload: bytes,
    *,
    media_type: str = "text/html",
    headers: Sequence[tuple[str, str]] = (),
    declared: str | None = None,
) -> Decoded:
    """The text of `payload`, whose content encodings have been undone (`unwrap`).

    `declared` is a charset the configuration names for the source: it wins over everything but a
    byte order mark, unless the bytes refute it. Never raises; NUL characters are left out.
    """
    for mark, charset in _BOMS:
        if payload.startswith(mark):
            return _decoded(payload[len(mark) :], charset, "bom")
    if named := _normal(declared):
        reading = _decoded(payload, named, "declared")
        if reading.replaced <= len(payload) * _BAD_UTF8_SHARE and (
            named == "utf-8" or named in _EAST_ASIAN or not _is_utf8(payload)
        ):
            return reading
    if payload.isascii() and b"~{" not in payload:
        return _decoded(payload, "utf-8", "utf-8")
    if wide := _utf16(payload):
        return _decoded(payload, wide, "detected")
    if _is_utf8(payload):
        return _decoded(payload, "utf-8", "utf-8")
    return _decoded(payload, *_detect(payload, media_type, headers))


def _detect(payload: bytes, media_type: str, headers: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """The charset of bytes that are neither ASCII nor UTF-8, and what decided it."""
    sample = _sample(payload)
    detected = _normal(detect_encoding(sample, html5_compatible=False))
    claims = list(_claims(payload, media_type, headers))
    if detected in _CHINESE:
        scores = {charset: _plausibility(sample, charset) for charset in _CHINESE}
        best = max(_CHINESE, key=lambda charset: (scores[charset], charset == detected))
        if scores[best] > scores[detected] + 0.15:
            return best, next((evidence for charset, evidence in claims if charset == best), "detected")
        return detected, "detected"
    candidates = [claim for claim in claims if claim[0] != "utf-8"]
    if detected and (detected in _EAST_ASIAN or not candidates):
        candidates.append((detected, "detected"))
    candidates += [(charset, "detected") for charset in _CHINESE]
    scores = {charset: _plausibility(sample, charset) for charset, _ in candidates}
    charset, evidence = max(candidates, key=lambda candidate: round(scores[candidate[0]], 2))
    if scores[charset] > 0.2:
        return charset, evidence
    if detected and detected != "utf-8" and not claims:
        return detected, "detected"
    return claims[0] if claims else ("utf-8", "fallback")


def _claims(payload: bytes, media_type: str, headers: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Charsets named by the HTTP header and by the page itself."""
    for name, value in (*headers, ("content-type", media_type)):
        if (
            name.lower() == "content-type"
            and (match := _HEADER_CHARSET.search(value))
            and (charset := _normal(match[1]))
        ):
            yield charset, "header"
    if (meta := _META.search(payload[:4096])) and (charset := _normal(meta[1].decode("ascii"))):
        yield charset, "meta"


def _normal(label: str | None) -> str | None:
    """The Python codec for a charset label, widened to the superset in use on the web; None if unknown."""
    if not label:
        return None
    label = {"x-gbk": "gbk", "x-x-big5": "big5", "gb_2312-80": "gb2312", "utf8mb4": "utf-8"}.get(
        label.lower(), label
    )
    try:
        info = codecs.lookup(label)
        "".encode(info.name)
    except (LookupError, ValueError):  # not a text encoding, or no encoding at all
        return None
    name = info.name.replace("utf_", "utf-")
    return _SUPERSETS.get(name, name)


def _is_utf8(payload: bytes) -> bool:
    """Whether the bytes are UTF-8 but for a few damaged places and a cut tail."""
    try:
        payload.decode("utf-8")
        return True
    except UnicodeDecodeError as error:
        if error.start >= len(payload) - 3:
            return True
    sample = _sample(payload)
    text = sample.decode("utf-8", "replace")
    bad = text.count("\ufffd") - sample.count(b"\xef\xbf\xbd")
    multibyte = len(_non_ascii(text)) - bad
    return multibyte > 0 and bad <= max(2, multibyte * _BAD_UTF8_SHARE) and multibyte > 2 * bad


def _utf16(payload: bytes) -> str | None:
    """UTF-16 without a mark: the markup's ASCII leaves every other byte zero."""
    head = payload[:4096]
    if head.count(0) < len(head) * 0.1:
        return None
    even, odd = head[::2].count(0), head[1::2].count(0)
    if odd > 10 * max(even, 1) or (odd > 3 * even and odd > len(head) * 0.2):
        return "utf-16-le"
    if even > 10 * max(odd, 1) or (even > 3 * odd and even > len(head) * 0.2):
        return "utf-16-be"
    return None


def _sample(payload: bytes) -> bytes:
    """A window of 64 KB that starts where the first non-ASCII bytes stand: markup says nothing."""
    if len(payload) <= _SAMPLE:
        return payload
    first = re.search(rb"[\x80-\xff]", payload)
    start = max(0, min(first.start() if first else 0, len(payload) - _SAMPLE))
    return payload[start : start + _SAMPLE]


def _plausibility(sample: bytes, charset: str) -> float:
    """Share of the non-ASCII characters that are frequent in Chinese, less ten times the undecodable."""
    characters = _non_ascii(sample.decode(charset, "replace"))[:8192]
    if not characters:
        return 0.0
    common = sum(map(_frequent().__contains__, characters))
    return (common - 10 * characters.count("\ufffd")) / len(characters)


def _non_ascii(text: str) -> str:
    return "".join(re.findall(r"[^\x00-\x7f]+", text))


@lru_cache(maxsize=1)
def _frequent() -> frozenset[str]:
    lines = (CONFIG / "lexicon" / "html_frequent.txt").read_text(encoding="utf-8").splitlines()
    return frozenset("".join(line for line in lines if not line.startswith("#")))


def _decoded(payload: bytes, charset: str, evidence: str) -> Decoded:
    text = payload.decode(charset, "replace")
    replaced = text.count("\ufffd")
    if replaced and charset == "utf-8":
        replaced -= payload.count(b"\xef\xbf\xbd")
    if "\0" in text:
        text = text.replace("\0", "")
    return Decoded(text, charset, evidence, replaced)


def unwrap(payload: bytes, headers: Sequence[tuple[str, str]], limit: int) -> bytes:
    """Undo chunked transfer and gzip, br, deflate, zstd content encoding as far as the bytes bear them out.

    Archives differ in what they undo when they store; a header the bytes refute is ignored. A cut
    or damaged stream gives what can be read of it. Raises PayloadTooLargeError beyond `limit` bytes.
    """
    values = {name.lower(): value.lower() for name, value in headers}
    if "chunked" in values.get("transfer-encoding", ""):
        payload = _dechunk(payload)
    for coding in reversed(values.get("content-encoding", "").replace(" ", "").split(",")):
        payload = _decompress(payload, coding, limit)
    if len(payload) > limit:
        raise PayloadTooLargeError(f"payload of {len(payload)} bytes is above the limit of {limit}")
    return payload


def _dechunk(payload: bytes) -> bytes:
    parts: list[bytes] = []
    position = 0
    while match := _CHUNK.match(payload, position):
        size = int(match[1], 16)
        if size == 0:
            return b"".join(parts)
        parts.append(payload[match.end() : match.end() + size])
        position = match.end() + size
        if payload[position : position + 2] == b"\r\n":
            position += 2
    if not parts:
        return payload  # already joined
    return b"".join(parts) + payload[position:]


_CHUNK: Final = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]{0,200})?\r\n")


def _decompress(payload: bytes, coding: str, limit: int) -> bytes:
    if coding in ("gzip", "x-gzip") or (coding == "deflate" and payload[:2] == b"\x1f\x8b"):
        return _inflate(payload, (31,), limit) if payload[:2] == b"\x1f\x8b" else payload
    if coding == "deflate":
        return _inflate(payload, (15, -15), limit)
    if coding == "br":
        return _unbrotli(payload, limit)
    if coding == "zstd" and payload[:4] == b"\x28\xb5\x2f\xfd":
        return _unzstd(payload, limit)
    return payload


def _inflate(payload: bytes, windows: Sequence[int], limit: int) -> bytes:
    """zlib, gzip (several members too) or raw deflate; the payload itself if it is none of them."""
    for window in windows:
        parts: list[bytes] = []
        room, rest = limit + 1, payload
        while rest and room > 0:
            stream = zlib.decompressobj(window)
            try:
                part = stream.decompress(rest, room)
            except zlib.error:
                part = _readable(rest, window, room)
                rest = b""
            else:
                rest = stream.unused_data
            parts.append(part)
            room -= len(part)
            if not part:
                break
        if room <= 0:
            raise PayloadTooLargeError(f"compressed payload grows beyond the limit of {limit} bytes")
        if any(parts):
            return b"".join(parts)
    return payload


def _readable(data: bytes, window: int, room: int) -> bytes:
    """What a damaged stream yields before its damage, found in steps of 1 KB."""
    stream = zlib.decompressobj(window)
    parts: list[bytes] = []
    try:
        for start in range(0, len(data), 1024):
            part = stream.decompress(data[start : start + 1024], room)
            parts.append(part)
            room -= len(part)
            if room <= 0:
                break
    except zlib.error:
        pass
    return b"".join(parts)


def _unbrotli(payload: bytes, limit: int) -> bytes:
    stream = brotli.Decompressor()
    parts: list[bytes] = []
    size = 0
    data = payload
    try:
        while True:
            part: bytes = stream.process(data, output_buffer_limit=1 << 20)
            parts.append(part)
            size += len(part)
            if size > limit:
                raise PayloadTooLargeError(f"compressed payload grows beyond the limit of {limit} bytes")
            if stream.is_finished() or (stream.can_accept_more_data() and not part):
                break
            data = b""
    except brotli.error:
        pass
    return b"".join(parts) or payload


def _unzstd(payload: bytes, limit: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    try:
        with zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(
            payload, read_across_frames=True
        ) as reader:
            while part := reader.read(1 << 20):
                parts.append(part)
                size += len(part)
                if size > limit:
                    raise PayloadTooLargeError(f"compressed payload grows beyond the limit of {limit} bytes")
    except zstandard.ZstdError:
        pass
    return b"".join(parts)
