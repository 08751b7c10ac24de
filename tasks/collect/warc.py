"""WARC, and WET, which is WARC with conversion records (ISO 28500).

fastwarc parses the header blocks. The framing is our own, because fastwarc ends at the first broken
record and takes a cut one for whole: here a broken record is a failure, and reading goes on at the next.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from fastwarc.warc import HeaderMap

from tasks.collect.body import decode_body
from tasks.collect.looks import media_type
from tasks.collect.reading import Place
from tasks.collect.records import moment
from tasks.collect.streams import Window
from tasks.tables import Capture

_TAKEN: Final = ("response", "resource", "conversion")
_HEADER_LIMIT: Final = 1 << 16
_NEXT: Final = b"\nWARC/1."
_VAGUE: Final = ("", "application/octet-stream", "unknown/unknown", "binary/octet-stream")


@dataclass(frozen=True, slots=True)
class _Record:
    headers: dict[str, str]
    number: str
    """Place of the record in the file, for the locator."""

    @property
    def kind(self) -> str:
        return self.headers.get("warc-type", "unknown").lower()

    @property
    def length(self) -> int:
        """Declared length of the block, -1 if there is none."""
        digits = self.headers.get("content-length", "")
        return int(digits) if digits.isdecimal() and len(digits) < 19 else -1


def recognise(head: bytes, _name: str) -> bool:
    """It begins with the version line of a record."""
    return head.lstrip(b"\r\n").startswith(b"WARC/")


def read(stream: Window, place: Place) -> Iterator[Capture]:
    """Give a capture for every response, resource and conversion record, a failure for every broken one.

    Others (warcinfo, request, metadata, revisit, continuation) are counted in `place.skipped`.
    The record in the locator is the byte offset, in a compressed file that of the compressed member.
    """
    while True:
        while stream.peek(1) in (b"\r", b"\n"):
            stream.take(1)
        start = stream.offset
        head = stream.peek(5)
        if not head:
            if stream.damage is None:
                return
            yield place.failure(f"reading stopped: {stream.damage}", record=stream.place(start))
            if not stream.resume():
                return
        elif head == b"WARC/":
            yield from _record(stream, place, stream.place(start))
        else:
            number = stream.place(start)
            _next_record(stream)
            yield place.failure(f"{stream.offset - start} bytes here are no WARC record", record=number)


def _record(stream: Window, place: Place, number: str) -> Iterator[Capture]:
    """Read one record; yields at most one capture."""
    version, _ = stream.take_until(b"\n", _HEADER_LIMIT)
    mark = b"\r\n\r\n" if version.endswith(b"\r\n") else b"\n\n"
    block, ended = stream.take_until(mark, _HEADER_LIMIT)
    if not ended:
        why = stream.damage or ("it is too long" if len(block) >= _HEADER_LIMIT else "the file ends")
        yield place.failure(
            f"the header of this WARC record is cut: {why}", record=number, payload=version + block
        )
        if stream.damage:
            stream.resume()
        elif len(block) >= _HEADER_LIMIT:
            _next_record(stream)
        return
    record = _Record(_headers(version + block)[1], number)
    if record.length < 0:
        yield place.failure("this WARC record states no valid Content-Length", record=number)
        _next_record(stream)
        return
    held = record.length <= place.settings.max_payload_bytes + _HEADER_LIMIT
    body = stream.take(record.length) if held else b""
    got = len(body) if held else stream.skip(record.length)
    error = _framing(stream, record, body, got)
    if error:
        body = _set_right(stream, body)
    if record.kind not in _TAKEN and not error:
        place.skipped[record.kind] += 1
    elif held:
        yield _capture(record, body, place, error)
    else:
        yield _failure(record, place, error or place.beyond_limit("the record"))
    if error and stream.damage and not stream.peek(1):
        stream.resume()


def _framing(stream: Window, record: _Record, body: bytes, got: int) -> str | None:
    """Say what is wrong with the end of a record: nothing, cut, or followed by what is no record."""
    if got < record.length:
        why = stream.damage or "the file ends"
        if _NEXT in body:
            why = "its Content-Length is wrong"
        return f"the record is cut: {got} of {record.length} bytes are there; {why}"
    after = stream.peek(5)
    if after.startswith((b"\r\n\r\n", b"\n\n", b"WARC/")) or not after.strip(b"\r\n"):
        return None
    return f"the Content-Length of this WARC record ({record.length}) is wrong: no record follows"


def _set_right(stream: Window, body: bytes) -> bytes:
    """After a wrong length: stand before the next record, and give what belongs to this one."""
    place = body.find(_NEXT)
    if place >= 0:
        stream.push_back(body[place + 1 :])
        return body[:place].rstrip(b"\r\n")
    _next_record(stream)
    return body


def _next_record(stream: Window) -> None:
    """Pass over everything before the next version line."""
    if stream.skip_until(_NEXT, including=False):
        stream.take(1)


def _failure(record: _Record, place: Place, error: str) -> Capture:
    return place.capture(
        b"",
        "application/octet-stream",
        record=record.number,
        url=_url(record),
        captured_at=moment(record.headers.get("warc-date")),
        error=error,
    )


def _capture(record: _Record, body: bytes, place: Place, error: str | None) -> Capture:
    stated = record.headers.get("content-type", "")
    headers: tuple[tuple[str, str], ...] = ()
    payload = body
    if record.kind == "response" and (body.startswith(b"HTTP/") or stated.startswith("application/http")):
        head, payload = _split(body)
        status, named = _headers(head)
        headers = tuple((name, value) for name, value in named.items() for value in value.split("\0"))
        stated = named.get("content-type", "").partition("\0")[0]
        decoded = decode_body(
            payload,
            named.get("transfer-encoding", ""),
            named.get("content-encoding", "").replace("\0", ","),
            place.settings.max_payload_bytes,
        )
        payload = decoded.data
        error = error or decoded.error or _answer(status, named)
    if "warc-segment-number" in record.headers:
        error = error or "the record is stored in segments, which are not put together"
    if len(payload) > place.settings.max_payload_bytes:
        return _failure(record, place, place.beyond_limit("the payload"))
    kind = stated.partition(";")[0].strip().lower()
    return place.capture(
        payload,
        media_type(payload) if kind in _VAGUE or "/" not in kind else kind,
        record=record.number,
        url=_url(record),
        captured_at=moment(record.headers.get("warc-date")),
        headers=headers,
        error=error or (None if payload else "the body is empty"),
    )


def _url(record: _Record) -> str | None:
    return record.headers.get("warc-target-uri", "").strip("<> ") or None


def _answer(status: str, headers: dict[str, str]) -> str | None:
    """The failure of an answer that is no page: a redirect or an error of the server."""
    code = status.split(" ")[1] if status.count(" ") else ""
    if not code.isdecimal() or code.startswith("2"):
        return None
    answer = f"the server answered {status.partition(' ')[2].strip()}"
    where = headers.get("location", "").partition("\0")[0]
    return f"{answer}: a redirect to {where}" if code.startswith("3") and where else answer


def _split(message: bytes) -> tuple[bytes, bytes]:
    """Header block (with the blank line) and body of a HTTP message."""
    first = message.find(b"\n")
    mark = b"\n\n" if first > 0 and message[first - 1 : first] != b"\r" else b"\r\n\r\n"
    head, found, body = message.partition(mark)
    return head + found, body


def _headers(block: bytes) -> tuple[str, dict[str, str]]:
    """First line and headers, names in lower case; values of a repeated header are joined by NUL."""
    if b"\r\n" not in block:
        block = block.replace(b"\n", b"\r\n")
    parsed = HeaderMap()
    try:
        parsed.parse(io.BytesIO(block))
    except OSError:
        return "", {}
    headers: dict[str, str] = {}
    for name, value in parsed.items_bytes():
        key, text = _decode(name).lower(), _decode(value)
        headers[key] = f"{headers[key]}\0{text}" if key in headers else text
    return _decode(parsed.status_line_bytes or b""), headers


def _decode(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("gb18030", "replace")


__all__ = ["read", "recognise"]
