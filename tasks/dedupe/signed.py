"""What matching knows of a new capture beside its text: signature, rank, and where the text lies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from config.settings import DedupeSettings
from tasks.dedupe.copies import Copy, Rank
from tasks.dedupe.signatures import sign
from tasks.tables import PASSING, SIGNATURES

RANKED: Final = pa.schema(
    [
        ("capture_id", pa.string()),
        ("url_key", pa.string()),
        ("captured_at", pa.timestamp("us", "UTC")),
        ("unrepaired", pa.int64()),
        ("damage", pa.int64()),
        ("spun", pa.bool_()),
        ("shorter", pa.int64()),
        ("file", pa.string()),
        ("row", pa.int64()),
    ]
)
"""A copy of an article: how good it is (see Rank), and file and row of its text."""
SIGNED: Final = pa.schema([*RANKED, *(SIGNATURES.field(name) for name in ("skeleton", "shingles", "bands"))])
"""A new capture with its signature."""
TEXT: Final = pa.schema([("text", pa.string())])
TEXTS_TOGETHER: Final = 32
"""Texts of a row group: who wants one of them reads all."""

_LATEST: Final = datetime.max.replace(tzinfo=UTC)


def rank_columns(table: pa.Table, settings: DedupeSettings) -> dict[str, pa.Array]:
    """The columns of RANKED that make the rank, from `quality` and `characters` (length of the text)."""

    def figure(name: str, default: float) -> pa.Array:
        return pc.fill_null(pc.struct_field(table["quality"], name), default)

    # Han characters, so that glosses and blank lines make no copy the longer one.
    han = figure("han", 0)
    return {
        "unrepaired": figure("unrepaired", 0),
        "damage": figure("damage", 0),
        "spun": pc.greater_equal(figure("spun", 0.0), settings.spun),
        "shorter": pc.negate(pc.if_else(pc.equal(han, 0), table["characters"], han)),
    }


def copy_of(row: dict[str, Any]) -> Copy:
    """The copy in a row of RANKED; a stored one has a `document_id` too."""
    rank = Rank(
        row["unrepaired"],
        row["damage"],
        row["spun"],
        row["shorter"],
        row["captured_at"] or _LATEST,
        row["capture_id"],
    )
    return Copy(
        row["capture_id"],
        row["url_key"],
        row["captured_at"],
        rank,
        row.get("skeleton") or "",
        row.get("document_id"),
    )


def sign_files(
    cleaned: Sequence[Path], out: Path, texts: Path, name: str, settings: DedupeSettings
) -> list[Path]:
    """Sign the kept captures of files of CLEANED in `out`, and put their texts into `texts`, called `name` there.

    The texts once more, in small groups: whoever compares wants a few of each file.
    """
    columns = ["capture_id", "url_key", "captured_at", "outcome", "quality", "text"]
    first = 0
    with (
        pq.ParquetWriter(out, SIGNED, **PASSING) as writer,
        pq.ParquetWriter(texts, TEXT, **PASSING) as keeper,
    ):
        for batch in _batches(cleaned, columns):
            kept = pa.Table.from_batches([batch]).filter(pc.equal(batch["outcome"], "kept"))
            keeper.write_table(kept.select(["text"]).cast(TEXT), row_group_size=TEXTS_TOGETHER)
            kept = kept.append_column("characters", pc.fill_null(pc.utf8_length(kept["text"]), 0))
            signatures = sign(kept, min_shingles=settings.min_shingles)
            values: dict[str, Any] = {
                "capture_id": kept["capture_id"],
                "url_key": pc.fill_null(kept["url_key"], ""),
                "captured_at": kept["captured_at"],
            } | rank_columns(kept, settings)
            values["file"] = pa.array([name] * kept.num_rows, pa.string())
            values["row"] = pa.array(range(first, first + kept.num_rows), pa.int64())
            for column in ("skeleton", "shingles", "bands"):
                values[column] = signatures[column]
            arrays = [pc.cast(_flat(values[field.name]), field.type) for field in SIGNED]
            writer.write_table(pa.Table.from_arrays(arrays, schema=SIGNED))
            first += kept.num_rows
    return [out, texts]


def _batches(files: Sequence[Path], columns: list[str]) -> Iterator[pa.RecordBatch]:
    for path in files:
        with pq.ParquetFile(path) as file:
            yield from file.iter_batches(batch_size=2000, columns=columns)


def _flat(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values


__all__ = ["RANKED", "SIGNED", "TEXT", "TEXTS_TOGETHER", "copy_of", "rank_columns", "sign_files"]
