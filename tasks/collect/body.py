"""Bodies of HTTP messages: chunks and content encodings undone, within a limit."""

from __future__ import annotations

import zlib
from typing import NamedTuple

import brotli
import zstandard


class Body(NamedTuple):
    """A decoded body; `error` says what stopped the decoding, `data` is what came before."""

    data: bytes
    error: str | None = None


def decode_body(data: bytes, transfer: str, content: str, limit: int) -> Body:
    """Undo a Transfer-Encoding, then a Content-Encoding (header values); give at most `limit` + 1 bytes.

    Crawlers often store the decoded body under the headers of the encoded one: a body that does not
    have the announced encoding is taken as it is.
    """
    error = None
    if "chunked" in transfer.lower():
        data, error = _dechunk(data)
    for coding in reversed([part.strip().lower() for part in content.split(",") if part.strip()]):
        if error:
            break
        data, error = _decode(data, coding, limit)
    return Body(data, error)


def _dechunk(data: bytes) -> Body:
    # fastwarc's ChunkedReader refuses chunk extensions and trailers, and gives nothing of a cut body.
    parts: list[bytes] = []
    at = 0
    while True:
        line_end = data.find(b"\n", at)
        digits = data[at:line_end].split(b";")[0].strip() if line_end >= 0 else b""
        try:
            size = int(digits, 16)
        except ValueError:
            size = -1
        if size < 0 or not digits.isalnum():
            if not parts:
                return Body(data)  # not chunked at all
            return Body(b"".join(parts), "the chunked body is cut or broken")
        if size == 0:
            return Body(b"".join(parts))
        chunk = data[line_end + 1 : line_end + 1 + size]
        parts.append(chunk)
        if len(chunk) < size:
            return Body(b"".join(parts), "the chunked body is cut")
        at = line_end + 1 + size
        at += 2 if data[at : at + 2] == b"\r\n" else data[at : at + 1] == b"\n"


def _decode(data: bytes, coding: str, limit: int) -> Body:
    if coding in ("gzip", "x-gzip"):
        return (
            (_inflate(data, 31, limit) or Body(data, "the compressed body is broken"))
            if data.startswith(b"\x1f\x8b")
            else Body(data)
        )
    if coding == "deflate":  # with or without the zlib frame: servers do both
        return _inflate(data, 15, limit) or _inflate(data, -15, limit) or Body(data)
    if coding == "br":
        return _unbrotli(data, limit)
    if coding == "zstd":
        return _unzstd(data, limit) if data.startswith(b"\x28\xb5\x2f\xfd") else Body(data)
    if coding in ("identity", "none", "utf-8"):
        return Body(data)
    return Body(data, f"content encoding {coding!r} is not known")


def _inflate(data: bytes, window: int, limit: int) -> Body | None:
    decoder = zlib.decompressobj(window)
    try:
        decoded = decoder.decompress(data, limit + 1)
    except zlib.error:
        return None
    cut = len(decoded) <= limit and not decoder.eof
    return Body(decoded, "the compressed body is cut" if cut else None)


def _unbrotli(data: bytes, limit: int) -> Body:
    decoder = brotli.Decompressor()
    try:
        decoded = decoder.process(data, output_buffer_limit=limit + 1)
        while len(decoded) <= limit and not decoder.is_finished() and not decoder.can_accept_more_data():
            decoded += decoder.process(b"", output_buffer_limit=limit + 1 - len(decoded))
    except brotli.error:
        return Body(data)  # brotli has no magic bytes: what does not decode was not encoded
    cut = len(decoded) <= limit and not decoder.is_finished()
    return Body(decoded, "the compressed body is cut" if cut else None)


def _unzstd(data: bytes, limit: int) -> Body:
    try:
        with zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(
            data, read_across_frames=True
        ) as reader:
            parts = []
            left = limit + 1
            while left and (part := reader.read(min(left, 1 << 20))):
                parts.append(part)
                left -= len(part)
    except zstandard.ZstdError:
        return Body(data, "the compressed body is broken")
    return Body(b"".join(parts))


__all__ = ["Body", "decode_body"]
