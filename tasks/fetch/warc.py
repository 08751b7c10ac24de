"""WARC 1.1 files: one gzip member a record, rolled by size, safe against a kill at any instant.

A file is hidden while it is written (`.NAME.open`) and renamed when it is complete; after that it
never changes. The records of one exchange go to the file in one write. What a kill leaves is found at
the next start: the damaged last record is cut off, the rest is closed and kept.
"""

from __future__ import annotations

import base64
import hashlib
import os
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

SAME_PAYLOAD: Final = "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"
NOT_MODIFIED: Final = "http://netpreserve.org/warc/1.1/revisit/server-not-modified"
_OPEN: Final = ".open"
_CHUNK: Final = 1 << 16

Headers = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and the answer to it, as they were sent."""

    url: str
    date: datetime
    """When the request was sent, UTC."""
    target: str
    """Path and query of the request line."""
    request_headers: Headers
    version: str
    """HTTP/1.1."""
    status: int
    reason: str
    headers: Headers
    """Headers of the answer in their order; in all headers a character stands for a byte (Latin-1)."""
    body: bytes
    """Body without transfer encoding, content encoding (gzip) as sent."""
    address: str | None = None
    """IP address that answered."""


@dataclass(frozen=True, slots=True)
class Original:
    """The record that a revisit refers to."""

    url: str
    date: str
    record_id: str | None = None
    payload_digest: str | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """Where the record of an answer lies."""

    file: str
    """Name of the finished file."""
    offset: int
    """First byte of the record's gzip member."""
    record_id: str
    date: str
    payload_digest: str


@dataclass(frozen=True, slots=True)
class Recovered:
    """A file that a killed run left open."""

    name: str
    records: int
    lost_bytes: int
    """Bytes of the damaged last record that were cut off."""


class _Verbatim(StatusAndHeaders):  # type: ignore[misc]  # warcio has no types
    """Headers written byte for byte; warcio would escape what is not ASCII, and fail at such names."""

    def compute_headers_buffer(self, header_filter: Any = None) -> None:
        """Called by warcio before it writes."""
        self.headers_buff = self.to_bytes(header_filter, encoding="latin-1")


def payload_digest(body: bytes) -> str:
    """WARC-Payload-Digest of a body: SHA-1 in base 32, the form that other WARC tools write."""
    return "sha1:" + base64.b32encode(hashlib.sha1(body, usedforsecurity=False).digest()).decode()


def warc_date(moment: datetime) -> str:
    """A time as WARC writes it, with microseconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@dataclass
class WarcSeries:
    """The WARC files of one source, one after the other."""

    folder: Path
    prefix: str
    roll_bytes: int
    """Size at which the next file is begun."""
    info: Mapping[str, str]
    """Fields of the warcinfo record at the head of each file."""
    finished: list[str] = field(default_factory=list)
    """Names of the files this run closed."""
    _handle: int = -1
    _name: str = ""
    _size: int = 0
    _serial: int = 0

    def exchange(
        self, seen: Exchange, *, revisit: tuple[str, Original] | None = None, note: Headers = ()
    ) -> Written:
        """Write an answer (`revisit`: profile and original, without body) and its request, with `note` as metadata."""
        date, target, record_id = warc_date(seen.date), seen.url, _record_id()
        digest = payload_digest(seen.body)
        extra = {"WARC-IP-Address": seen.address} if seen.address else {}
        if revisit:
            profile, original = revisit
            digest = original.payload_digest or digest
            extra |= {
                "WARC-Profile": profile,
                "WARC-Refers-To-Target-URI": original.url,
                "WARC-Refers-To-Date": original.date,
            }
            extra |= {"WARC-Refers-To": original.record_id} if original.record_id else {}
        out = BytesIO()
        writer = WARCWriter(out, gzip=True, warc_version="1.1")
        fields = {"WARC-Date": date, "WARC-Record-ID": record_id, **extra, "WARC-Payload-Digest": digest}
        answer = _Verbatim(f"{seen.status} {seen.reason}".strip(), _storable(seen.headers), seen.version)
        kind = "revisit" if revisit else "response"
        stored = b"" if revisit else seen.body
        writer.write_record(
            writer.create_warc_record(
                target,
                kind,
                payload=BytesIO(stored),
                length=len(stored),
                http_headers=answer,
                warc_headers_dict=fields,
            )
        )
        asked = _Verbatim(f"GET {seen.target} HTTP/1.1", list(seen.request_headers), is_http_request=True)
        related = {"WARC-Date": date, "WARC-Record-ID": _record_id(), "WARC-Concurrent-To": record_id}
        writer.write_record(
            writer.create_warc_record(target, "request", http_headers=asked, warc_headers_dict=related)
        )
        if note:
            writer.write_record(_metadata(writer, target, date, note, {"WARC-Concurrent-To": record_id}))
        return Written(*self._append(out.getvalue()), record_id=record_id, date=date, payload_digest=digest)

    def note(self, url: str, moment: datetime, note: Headers) -> Written:
        """Write a metadata record about an address: what became of it and why."""
        out = BytesIO()
        writer = WARCWriter(out, gzip=True, warc_version="1.1")
        record = _metadata(writer, url, warc_date(moment), note, {})
        record_id = record.rec_headers.get_header("WARC-Record-ID")
        writer.write_record(record)
        return Written(
            *self._append(out.getvalue()), record_id=record_id, date=warc_date(moment), payload_digest=""
        )

    def member(self, data: bytes) -> tuple[str, int]:
        """Write a record that is a gzip member already, as it is. Out: file and offset."""
        return self._append(data)

    def close(self) -> None:
        """Finish the file: on the disk, then under its final name."""
        if self._handle < 0:
            return
        os.fsync(self._handle)
        os.close(self._handle)
        self._handle = -1
        _finish(self._open_path())
        self.finished.append(self._name)

    def _append(self, data: bytes) -> tuple[str, int]:
        if self._handle >= 0 and self._size >= self.roll_bytes:
            self.close()
        if self._handle < 0:
            self._begin()
        place = self._size
        self._write(data)
        return self._name, place

    def _open_path(self) -> Path:
        """Hidden, so that whoever reads the folder meanwhile passes over it."""
        return self.folder / f".{self._name}{_OPEN}"

    def _begin(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        while True:
            self._serial += 1
            self._name = f"{self.prefix}-{stamp}-{self._serial:05d}.warc.gz"
            if (self.folder / self._name).exists():
                continue
            try:
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
                self._handle = os.open(self._open_path(), flags, 0o644)
            except FileExistsError:
                continue
            break
        self._size = 0
        out = BytesIO()
        writer = WARCWriter(out, gzip=True, warc_version="1.1")
        writer.write_record(writer.create_warcinfo_record(self._name, dict(self.info)))
        self._write(out.getvalue())

    def _write(self, data: bytes) -> None:
        """Append; after a failure (disk full) the file ends where it ended before."""
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._handle, view) :]
        except OSError:
            os.ftruncate(self._handle, self._size)
            os.lseek(self._handle, self._size, os.SEEK_SET)
            raise
        self._size += len(data)


def recover(folder: Path) -> list[Recovered]:
    """Close the files that a killed run left open: cut what is damaged at the end, keep the rest.

    A file without any record but the warcinfo is removed. No other run may be writing to the folder.
    """
    done = []
    for path in sorted(folder.glob(f".*{_OPEN}")):
        whole, members = _whole_members(path)
        lost = path.stat().st_size - whole
        with path.open("r+b") as stream:
            stream.truncate(whole)
            os.fsync(stream.fileno())
        if members > 1:
            _finish(path)
        else:
            path.unlink()
        done.append(Recovered(_finished_name(path), max(0, members - 1), lost))
    return done


def _whole_members(path: Path) -> tuple[int, int]:
    """End of the last gzip member that is whole (length and checksum), and how many there are."""
    end = members = 0
    with path.open("rb") as stream:
        data = stream.read(_CHUNK)
        while data:
            member = zlib.decompressobj(wbits=31)
            used = 0
            while not member.eof:
                try:
                    member.decompress(data, 1 << 20)
                except zlib.error:
                    return end, members
                rest = member.unused_data if member.eof else member.unconsumed_tail
                used += len(data) - len(rest)
                data = rest or stream.read(_CHUNK)
                if not data and not member.eof:
                    return end, members
            end += used
            members += 1
    return end, members


def _finished_name(path: Path) -> str:
    return path.name.removeprefix(".").removesuffix(_OPEN)


def _finish(path: Path) -> None:
    path.rename(path.with_name(_finished_name(path)))
    handle = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _record_id() -> str:
    return f"<urn:uuid:{uuid4()}>"


def _storable(headers: Headers) -> list[tuple[str, str]]:
    """Headers for the archive: the body is stored without transfer encoding, so that header is set aside."""
    return [
        ("X-Crawl-Transfer-Encoding" if name.lower() == "transfer-encoding" else name, value)
        for name, value in headers
    ]


# The record it returns has no type: warcio has none.
def _metadata(writer: WARCWriter, url: str, date: str, note: Headers, fields: Mapping[str, str]):  # type: ignore[no-untyped-def]
    lines = "".join(f"{name}: {_one_line(value)}\r\n" for name, value in note).encode("utf-8", "replace")
    return writer.create_warc_record(
        url,
        "metadata",
        payload=BytesIO(lines),
        length=len(lines),
        warc_content_type="application/warc-fields",
        warc_headers_dict={"WARC-Date": date, "WARC-Record-ID": _record_id(), **fields},
    )


def _one_line(value: str) -> str:
    return " ".join(value.split())
