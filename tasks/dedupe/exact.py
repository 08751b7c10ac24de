"""Exact duplicates, found before the expensive stages: known captures and equal payloads."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Final

import pyarrow as pa

from config.settings import DedupeSettings
from tasks.dedupe.database import arrow, database, parquet


class Mark(StrEnum):
    """What is to be done with a staged capture."""

    CLEAN = "clean"
    """New: goes on to cleaning."""
    KNOWN = "known"
    """The ledger has it already; nothing changes."""
    REPEATED = "repeated"
    """Read more than once in this run; another row of the same capture stands for it."""
    DUPLICATE = "duplicate"
    """Same bytes as another capture, seen at another place or in the ledger."""


MARKS: Final = pa.schema(
    [
        pa.field("row", pa.int64(), nullable=False, metadata={"meaning": "row of the staged table"}),
        pa.field("capture_id", pa.string(), nullable=False, metadata={"meaning": "the capture"}),
        pa.field("mark", pa.string(), nullable=False, metadata={"meaning": "see Mark"}),
        pa.field("of_capture", pa.string(), metadata={"meaning": "the capture with the same payload"}),
        pa.field("document_id", pa.string(), metadata={"meaning": "its article, where the ledger knows it"}),
        pa.field("reason", pa.string(), metadata={"meaning": "the decision in one sentence"}),
    ]
)

_NO_LEDGER: Final = (
    "SELECT NULL::VARCHAR AS capture_id, NULL::VARCHAR AS payload_sha256, NULL::TIMESTAMPTZ AS captured_at, "
    "NULL::VARCHAR AS document_id WHERE false"
)
_STAGED: Final = (
    "NULL::VARCHAR AS capture_id", "NULL::VARCHAR AS payload_sha256", "NULL::TIMESTAMPTZ AS captured_at",
    "NULL::VARCHAR AS locator", "NULL::VARCHAR AS error", "NULL::VARCHAR AS filename",
    "NULL::BIGINT AS file_row_number",
)  # fmt: skip
_PART: Final = 4
"""Rows of a part, in `part_texts` of the settings: they hold no text and no hashes."""
_ROW_BITS: Final = 32
_MARK: Final = """
WITH ledger AS MATERIALIZED (
    SELECT capture_id, payload_sha256, captured_at, document_id FROM ledger_rows
    WHERE capture_id IN (SELECT capture_id FROM readings)
       OR (document_id IS NOT NULL AND payload_sha256 IN (SELECT payload_sha256 FROM readings))
), numbered AS MATERIALIZED (
    SELECT row, capture_id, payload_sha256, captured_at,
        -- the SHA-256 of nothing
        readable AND payload_sha256 <> 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
            AS comparable,
        capture_id IN (SELECT capture_id FROM ledger) AS known,
        row_number() OVER (PARTITION BY capture_id ORDER BY captured_at NULLS LAST, locator, row) AS reading
    FROM readings
), stored AS (
    SELECT payload_sha256, first(capture_id ORDER BY captured_at NULLS LAST, capture_id) AS capture_id,
        first(document_id ORDER BY captured_at NULLS LAST, capture_id) AS document_id
    FROM ledger WHERE document_id IS NOT NULL GROUP BY payload_sha256
), fresh AS (
    SELECT payload_sha256, first(capture_id ORDER BY captured_at NULLS LAST, capture_id) AS capture_id
    FROM numbered WHERE comparable AND NOT known AND reading = 1 GROUP BY payload_sha256
), judged AS (
    SELECT n.row, n.capture_id, s.document_id, coalesce(s.capture_id, f.capture_id) AS other,
        CASE WHEN n.known THEN 'known'
             WHEN n.reading > 1 THEN 'repeated'
             WHEN n.comparable AND coalesce(s.capture_id, f.capture_id) <> n.capture_id THEN 'duplicate'
             ELSE 'clean' END AS mark
    FROM numbered n LEFT JOIN stored s USING (payload_sha256) LEFT JOIN fresh f USING (payload_sha256)
)
SELECT row, capture_id, mark,
    CASE WHEN mark = 'duplicate' THEN other END AS of_capture,
    CASE WHEN mark = 'duplicate' THEN document_id END AS document_id,
    CASE mark WHEN 'known' THEN 'already in the ledger: same place, same bytes'
              WHEN 'repeated' THEN 'read more than once in this run'
              WHEN 'duplicate' THEN 'same payload as capture ' || other END AS reason
FROM judged ORDER BY row
"""


def exact_staged(staged: pa.Table, ledger_files: Sequence[str], settings: DedupeSettings) -> pa.Table:
    """Mark staged captures before cleaning.

    In: capture_id, payload_sha256, captured_at, locator of every staged row, and `error` if there is one
    (payloads are not needed); the files of the ledger. Out: MARKS, one row for each staged row, in its
    order. Of equal payloads the ledger's capture that belongs to an article represents the others, else
    the earliest captured of this run (then the smallest id). Empty payloads and captures that could not
    be read represent nothing: each goes on and gets its own outcome. Order of rows does not matter.
    """
    wanted = ("capture_id", "payload_sha256", "captured_at", "locator", "error")
    columns = staged.select([name for name in wanted if name in staged.column_names])
    columns = columns.append_column("row", pa.array(range(staged.num_rows), pa.int64()))
    ledger = parquet(ledger_files, _NO_LEDGER)
    readable = "error IS NULL" if "error" in staged.column_names else "true"
    with database(settings) as connection:
        connection.register("staged", columns)
        connection.execute(f"CREATE TEMP VIEW ledger_rows AS SELECT * FROM {ledger}")
        connection.execute(f"CREATE TEMP VIEW readings AS SELECT *, {readable} AS readable FROM staged")
        return arrow(connection, _MARK).cast(MARKS)


def mark_shards(
    shards: Sequence[str], ledger_files: Sequence[str], out: Path, settings: DedupeSettings
) -> None:
    """As `exact_staged`, from shards of STAGED to a file: shard, shard_row, capture_id, mark, of_capture.

    Equal payloads meet in one part of the rows, whatever their number: a part is judged at a time, so that
    the memory limit of the settings holds for millions of captures. (An id is made of place and payload, so
    repeated readings share their part too.)
    """
    numbers = pa.table({"filename": pa.array(shards, pa.string()), "shard": range(len(shards))})
    where = str(out).replace("'", "''")
    with database(settings) as connection:
        connection.register("shards", numbers)
        staged = parquet(
            shards, f"SELECT {', '.join(_STAGED)} WHERE false", "filename = true, file_row_number = true"
        )
        count = arrow(connection, f"SELECT count(*) AS rows FROM {staged}")["rows"][0].as_py()
        parts = max(1, -(-count // (_PART * settings.part_texts)))
        connection.execute(f"CREATE VIEW ledger_all AS SELECT * FROM {parquet(ledger_files, _NO_LEDGER)}")
        # Ordered by part, so that a part is read without the others; a row is named by shard and row in it.
        connection.execute(
            f"""
            CREATE TABLE readings_all AS SELECT hash(payload_sha256) % {parts} AS part,
                (s.shard << {_ROW_BITS}) + file_row_number AS row, capture_id, payload_sha256, captured_at, locator,
                error IS NULL AS readable FROM {staged} JOIN shards s USING (filename) ORDER BY part
            """
        )
        connection.execute(
            "CREATE TABLE marks (row BIGINT, capture_id VARCHAR, mark VARCHAR, of_capture VARCHAR)"
        )
        for part in range(parts):
            connection.execute(
                f"CREATE OR REPLACE VIEW readings AS SELECT * FROM readings_all WHERE part = {part}"
            )
            connection.execute(
                "CREATE OR REPLACE VIEW ledger_rows AS SELECT * FROM ledger_all "
                f"WHERE hash(payload_sha256) % {parts} = {part}"
            )
            connection.execute(f"INSERT INTO marks SELECT row, capture_id, mark, of_capture FROM ({_MARK})")
        connection.execute(
            f"""
            COPY (SELECT s.filename AS shard, row & {(1 << _ROW_BITS) - 1} AS shard_row, capture_id, mark, of_capture
                  FROM marks JOIN shards s ON s.shard = row >> {_ROW_BITS} ORDER BY row)
            TO '{where}' (FORMAT parquet, COMPRESSION zstd, PRESERVE_ORDER true)
            """
        )


__all__ = ["MARKS", "Mark", "exact_staged", "mark_shards"]
