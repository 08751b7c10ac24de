"""What matching knows of a new capture beside its text: signature, rank, and where the text lies."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from config.settings import DedupeSettings
from tasks.dedupe.copies import Copy, Rank
from tasks.dedupe.signatures import sign
from tasks.tables import SIGNATURES

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


def sign_file(cleaned: Path, name: str, out: Path, settings: DedupeSettings) -> list[Path]:
    """Sign the kept captures of a file of CLEANED, which has this name in SIGNED. Texts are not held."""
    partial = out.with_suffix(".tmp")
    columns = ["capture_id", "url_key", "captured_at", "outcome", "quality", "text"]
    first = 0
    with pq.ParquetFile(cleaned) as file, pq.ParquetWriter(partial, SIGNED, compression="zstd") as writer:
        for batch in file.iter_batches(batch_size=2000, columns=columns):
            table = pa.Table.from_batches([batch])
            rows = pc.indices_nonzero(pc.equal(table["outcome"], "kept"))
            kept = table.take(rows)
            kept = kept.append_column("characters", pc.fill_null(pc.utf8_length(kept["text"]), 0))
            signatures = sign(kept, min_shingles=settings.min_shingles)
            values: dict[str, Any] = {
                "capture_id": kept["capture_id"],
                "url_key": pc.fill_null(kept["url_key"], ""),
                "captured_at": kept["captured_at"],
            } | rank_columns(kept, settings)
            values["file"] = pa.array([name] * kept.num_rows, pa.string())
            values["row"] = pc.add(pc.cast(rows, pa.int64()), first)
            for name in ("skeleton", "shingles", "bands"):
                values[name] = signatures[name]
            arrays = [pc.cast(_flat(values[field.name]), field.type) for field in SIGNED]
            writer.write_table(pa.Table.from_arrays(arrays, schema=SIGNED))
            first += table.num_rows
    partial.replace(out)
    return [out]


def _flat(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values


__all__ = ["RANKED", "SIGNED", "copy_of", "rank_columns", "sign_file"]
