"""Reading what a fetch left: WARC files with two independent readers, and the state."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from fastwarc.warc import ArchiveIterator as FastIterator
from warcio.archiveiterator import ArchiveIterator

Record = dict[str, Any]


def records(store: Path, series: str = "warc", source: str = "site") -> list[Record]:
    """All records of the finished files, read with warcio; fastwarc must find the same ones."""
    found: list[Record] = []
    for path in sorted((store / "fetch" / series / source).glob("*.warc.gz")):
        here = list(_with_warcio(path))
        with path.open("rb") as stream:
            fast = [(one.record_id.strip("<>"), one.headers["WARC-Type"]) for one in FastIterator(stream)]
        assert fast == [(one["id"].strip("<>"), one["type"]) for one in here]
        found += here
    return found


def _with_warcio(path: Path) -> Iterator[Record]:
    with path.open("rb") as stream:
        reader = ArchiveIterator(stream)
        for record in reader:
            named = record.rec_headers
            yield {
                "type": record.rec_type,
                "id": named.get_header("WARC-Record-ID"),
                "url": named.get_header("WARC-Target-URI"),
                "headers": dict(named.headers),
                "http": dict(record.http_headers.headers) if record.http_headers else {},
                "status": record.http_headers.get_statuscode() if record.http_headers else None,
                "version": named.protocol,
                "body": record.raw_stream.read(),
                "file": path.name,
                "offset": reader.get_record_offset(),
            }


def addresses(store: Path) -> dict[str, Record]:
    """The state: address -> its row."""
    with closing(sqlite3.connect(store / "fetch" / "state.sqlite")) as base:
        base.row_factory = sqlite3.Row
        return {row["url"]: dict(row) for row in base.execute("SELECT * FROM address")}
