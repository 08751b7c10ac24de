"""Other copies of an article, from which damaged places of its canonical copy can be filled."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from config.settings import DedupeSettings
from tasks.dedupe.copies import read_documents
from tasks.dedupe.database import arrow, database, parquet
from tasks.tables import PASSING

BATCH: Final = 200
"""Captures in doubt that a worker settles in one go."""

_MEMBERS: Final = """
CREATE VIEW members AS (
    SELECT decision.document_id, cleaned.capture_id, cleaned.text, cleaned.quality.unrepaired AS unrepaired,
        decision.outcome, len(list_filter(cleaned.edits, lambda edit: len(edit.alternatives) > 0)) AS ambiguous
    FROM {cleaned} cleaned JOIN {decisions} decision USING (capture_id)
);
CREATE TABLE doubtful AS
SELECT members.document_id, members.capture_id, shard, shard_row,
    (row_number() OVER (ORDER BY shard, shard_row) - 1) // {batch} AS batch
FROM members JOIN {exact} marks ON marks.capture_id = members.capture_id AND marks.mark = 'clean'
WHERE outcome = 'kept' AND (coalesce(unrepaired, 0) > 0 OR coalesce(ambiguous, 0) > 0);
"""
_IN_DOUBT: Final = """
COPY (
WITH others AS (
    SELECT document_id, text, coalesce(unrepaired, 0) AS unrepaired, capture_id FROM members
    WHERE document_id IN (SELECT document_id FROM doubtful)
    UNION ALL
    SELECT document_id, text, coalesce(quality.unrepaired, 0), capture_id FROM {documents} stored
)
SELECT batch, shard, shard_row, doubtful.capture_id AS capture_id, others.capture_id AS of_capture,
    others.text AS text
FROM doubtful JOIN others ON doubtful.document_id = others.document_id
    AND doubtful.capture_id <> others.capture_id
QUALIFY row_number() OVER (PARTITION BY doubtful.capture_id ORDER BY others.unrepaired, others.capture_id) <= {limit}
ORDER BY batch, shard, shard_row, others.unrepaired, others.capture_id
) TO '{out}' (FORMAT parquet, COMPRESSION zstd, PRESERVE_ORDER true, ROW_GROUP_SIZE 2048)
"""
_NO_DOCUMENTS: Final = (
    "SELECT NULL::VARCHAR AS document_id, NULL::VARCHAR AS capture_id, NULL::VARCHAR AS text, "
    "{'unrepaired': 0} AS quality WHERE false"
)


def find_doubts(
    out: Path,
    decisions: Sequence[str],
    cleaned_files: Sequence[str],
    exact: Path,
    document_files: Sequence[str],
    settings: DedupeSettings,
    *,
    limit: int = 4,
) -> dict[int, list[str]]:
    """Texts of other copies for canonical copies of this run with unrepaired or ambiguous places.

    In: files of Resolution.captures, of CLEANED, of the exact marks, of DOCUMENTS. Writes to `out` up to
    `limit` texts for each (of this run, or the stored canonical copy), least damaged first: batch, shard,
    shard_row, capture_id (of the canonical copy), of_capture (whose text it is), text. Captures without
    another copy are left out. The texts are clean and converted; `align.aligned` finds the same place in
    another script. Returns the numbers of the batches, each of BATCH captures at most, with the shards they name.
    """
    if not cleaned_files or not decisions:
        return {}
    with database(settings) as connection:
        connection.execute(
            _MEMBERS.format(
                cleaned=parquet(cleaned_files, ""),
                decisions=parquet(decisions, ""),
                exact=parquet([str(exact)], ""),
                batch=BATCH,
            )
        )
        doubtful = arrow(connection, "SELECT DISTINCT document_id FROM doubtful")["document_id"].to_pylist()
        stored = out.with_name(f"{out.stem}.stored.parquet")
        columns = ["document_id", "capture_id", "text", "quality"]
        documents = _save(read_documents(document_files, doubtful, columns), stored)
        connection.execute(
            _IN_DOUBT.format(
                documents=parquet(documents, _NO_DOCUMENTS), out=str(out).replace("'", "''"), limit=limit
            )
        )
    named: dict[int, list[str]] = {}
    found = pq.read_table(out, columns=["batch", "shard"])
    for row in found.group_by(["batch", "shard"]).aggregate([]).sort_by("shard").to_pylist():
        named.setdefault(row["batch"], []).append(row["shard"])
    return named


def _save(tables: Iterable[pa.Table], file: Path) -> list[str]:
    """Write tables of one schema to a Parquet file; gives the file, or nothing where there is no table."""
    writer: pq.ParquetWriter | None = None
    for table in tables:
        writer = writer or pq.ParquetWriter(file, table.schema, **PASSING)
        writer.write_table(table)
    if writer is None:
        return []
    writer.close()
    return [str(file)]


__all__ = ["find_doubts"]
