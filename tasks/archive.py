"""The archive of loaded payloads: what a source that keeps them put in, and how a reclean reads it again.

A table like the others: one row a capture, with the bytes in the first row that has them. So it
commits, restores, verifies and compacts with everything else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tasks.collect import CollectError, InputFile
from tasks.snapshot import Store
from tasks.snapshot.search import engine
from tasks.tables import PAYLOADS, PLACE

BATCH: Final = 200
"""Rows read at once; a shard and a table end their row groups long before the bytes are many."""

Place = tuple[str, int, bool]
"""Shard, row in it, and whether the row holds bytes that are new to the archive."""


def payload_rows(places: Iterable[Place]) -> Iterator[pa.RecordBatch]:
    """Rows of PAYLOADS for captures in staged shards; `places` come by shard and row."""
    columns = list(PAYLOADS.names)
    for shard, listed in groupby(places, key=lambda place: place[0]):
        fresh = {row: new for _, row, new in listed}
        for first, batch in _numbered(Path(shard), columns):
            rows = [row for row in range(first, first + batch.num_rows) if row in fresh]
            if rows:
                part = batch.take(pa.array([row - first for row in rows]))
                bytes_of = pc.if_else(
                    pa.array([fresh[row] for row in rows]),
                    part.column("payload"),
                    pa.scalar(None, PAYLOADS.field("payload").type),
                )
                yield part.set_column(columns.index("payload"), "payload", bytes_of)


_WANTED: Final = """
CREATE TEMP TABLE wanted AS
WITH places AS (  -- a locator, and what stands in it before each ! (member) and # (record)
    SELECT capture_id, collection, unnest(list_append(
        list_transform(list_filter(range(1, length(locator) + 1), lambda i: locator[i] IN ('!', '#')),
                       lambda i: locator[1:i - 1]), locator)) AS path
    FROM captures
)
SELECT DISTINCT capture_id FROM places JOIN gone USING (collection, path)
"""
_LOST: Final = """
SELECT c.locator FROM wanted JOIN captures c USING (capture_id)
WHERE capture_id NOT IN (SELECT capture_id FROM payloads) ORDER BY 1 LIMIT 1
"""
_STORED: Final = f"""
SELECT p.file, p.row, {", ".join(f"c.{name}" for name in PLACE)}, a.title, a.error
FROM wanted JOIN captures c USING (capture_id) JOIN payloads a USING (capture_id)
JOIN (SELECT filename AS file, file_row_number AS row, payload_sha256 FROM payloads
      WHERE octet_length(payload) IS NOT NULL) p ON p.payload_sha256 = c.payload_sha256
ORDER BY p.file, p.row, capture_id
"""


def archived(store: Store, gone: list[InputFile]) -> Iterator[Mapping[str, Any]]:
    """Rows of STAGED for the captures that came from these files, with their bytes from the archive.

    Raises CollectError naming a capture whose bytes are nowhere.
    """
    with engine(store.settings, store.path / "staging" / "scratch") as sql:
        for table in ("captures", "payloads"):
            files = store.files(table)
            if not files:
                raise _lost(gone[0].path)
            sql.read_parquet(
                files, union_by_name=True, hive_partitioning=False, filename=True, file_row_number=True
            ).create_view(table)
        names = {"collection": [f.collection for f in gone], "path": [f.path for f in gone]}
        sql.register("gone", pa.table(names))
        sql.execute(_WANTED)
        if lost := sql.execute(_LOST).fetchall():
            raise _lost(lost[0][0])
        reader = sql.sql(_STORED).to_arrow_reader(1000)
        rows = (row for batch in reader for row in batch.to_pylist())
        for file, listed in groupby(rows, key=lambda row: row["file"]):
            batches = _numbered(Path(file), ["payload"])
            first, batch = next(batches)
            for row in listed:
                while row["row"] >= first + batch.num_rows:
                    first, batch = next(batches)
                yield row | {"payload": batch.column("payload")[row["row"] - first].as_py()}


def _lost(locator: str) -> CollectError:
    return CollectError(
        f"{locator}: its input is gone or was changed since it was taken in, and its bytes are not in the archive; "
        "a reclean reads all inputs again, so put it back, or take the present files in with `qingyuan run` into a "
        "new store (`archive: true` of a source keeps the bytes of what is loaded from then on)"
    )


def _numbered(file: Path, columns: list[str]) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Batches of a Parquet file, each with the number of its first row."""
    first = 0
    with pq.ParquetFile(file) as source:
        for batch in source.iter_batches(batch_size=BATCH, columns=columns):
            yield first, batch
            first += batch.num_rows
