"""Build files of every format for the tests, and read them back."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import zstandard

from config.settings import CollectSettings, Source
from tasks.collect import InputFile, find_inputs, read_captures
from tasks.tables import Capture

PAGE = "<html><head><title>河边</title></head><body><p>清晨的河边很安静。</p></body></html>"


def source(*paths: Path | str, **options: Any) -> Source:
    return Source(name="test", paths=[str(path) for path in paths], **options)


def limits(**options: Any) -> CollectSettings:
    return CollectSettings(**options)


def read(path: Path, settings: CollectSettings | None = None, **options: Any) -> list[Capture]:
    """Captures of all files at or below a path."""
    return read_counting(path, settings, **options)[0]


def read_counting(
    path: Path, settings: CollectSettings | None = None, **options: Any
) -> tuple[list[Capture], Counter[str]]:
    skipped: Counter[str] = Counter()
    chosen = source(path, **options)
    options_ = settings or CollectSettings()
    captures = [
        capture
        for file in find_inputs(chosen, path.parent)
        for capture in read_captures(file, chosen, options_, skipped=skipped)
    ]
    return captures, skipped


def files(path: Path, *paths: Path | str) -> list[InputFile]:
    return list(find_inputs(source(*paths), path))


def http(body: bytes, *lines: str, status: str = "200 OK", media: str = "text/html; charset=utf-8") -> bytes:
    head = [f"HTTP/1.1 {status}", *([f"Content-Type: {media}"] if media else []), *lines, "", ""]
    return "\r\n".join(head).encode() + body


def record(
    kind: str,
    body: bytes,
    url: str = "http://shan.example/1",
    *lines: str,
    length: int | str | None = None,
    media: str | None = None,
) -> bytes:
    """One WARC record with its closing blank lines; `length` lies about its length."""
    if media is None:
        media = "application/http; msgtype=response" if kind == "response" else "text/plain"
    head = [
        "WARC/1.0",
        f"WARC-Type: {kind}",
        f"WARC-Target-URI: {url}",
        "WARC-Date: 2024-05-01T00:00:00Z",
        "WARC-Record-ID: <urn:uuid:00000000-0000-4000-8000-000000000001>",
        f"Content-Type: {media}",
        *lines,
        f"Content-Length: {len(body) if length is None else length}",
        "",
        "",
    ]
    return "\r\n".join(head).encode() + body + b"\r\n\r\n"


def response(body: str = PAGE, url: str = "http://shan.example/1") -> bytes:
    return record("response", http(body.encode()), url)


def members(parts: Sequence[bytes]) -> bytes:
    """Each part a gzip member of its own, as in .warc.gz files."""
    return b"".join(gzip.compress(part, mtime=0) for part in parts)


def frames(parts: Sequence[bytes]) -> bytes:
    """Each part a zstd frame of its own."""
    return b"".join(zstandard.compress(part) for part in parts)


def zipped(entries: dict[str, bytes], **options: Any) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, **options) as archive:
        for name, data in entries.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
