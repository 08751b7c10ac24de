"""The containers of the samples, the same bytes each time: WARC records, gzip members, zip archives."""

from __future__ import annotations

import gzip
import io
import uuid
import zipfile
from collections.abc import Mapping, Sequence


def warc_record(kind: str, url: str, date: str, block: bytes, media: str) -> bytes:
    """One WARC record with an id made from its address and time."""
    head = [
        "WARC/1.1",
        f"WARC-Type: {kind}",
        f"WARC-Record-ID: <urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'{kind} {url} {date}')}>",
        f"WARC-Date: {date}",
        *([f"WARC-Target-URI: {url}"] if url else []),
        f"Content-Type: {media}",
        f"Content-Length: {len(block)}",
    ]
    return "\r\n".join([*head, "", ""]).encode() + block + b"\r\n\r\n"


def response(
    url: str, date: str, body: bytes, *lines: str, status: str = "200 OK", media: str = "text/html"
) -> bytes:
    """A WARC response record."""
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Type: {media}", *lines, "", ""]).encode()
    return warc_record("response", url, date, head + body, "application/http; msgtype=response")


def packed(parts: Sequence[bytes]) -> bytes:
    """Each record a gzip member of its own."""
    return b"".join(gzip.compress(part, mtime=0) for part in parts)


def zipped(entries: Mapping[str, bytes]) -> bytes:
    """A zip archive without times."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


__all__ = ["packed", "response", "warc_record", "zipped"]
