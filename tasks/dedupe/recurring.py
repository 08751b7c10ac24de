"""Lines that come back on many pages of a site: its chrome. Counts add up over shards and versions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import xxhash

LINES: Final = pa.schema(
    [
        pa.field("site", pa.string(), nullable=False, metadata={"meaning": "host of the pages"}),
        pa.field("line_hash", pa.uint64(), nullable=False, metadata={"meaning": "line_hash() of the line"}),
        pa.field(
            "documents", pa.int64(), nullable=False, metadata={"meaning": "pages of the site it stands on"}
        ),
    ]
)


def line_hash(line: str) -> int:
    """XXH3 (64 bits) of a line without its white space."""
    return xxhash.xxh3_64_intdigest("".join(line.split()).encode("utf-8", "surrogatepass"))


def count_lines(table: pa.Table) -> pa.Table:
    """On how many texts of each site every line stands.

    In: columns site and text; rows without a site count for none. Out: LINES, by site and hash.
    """
    counts: Counter[tuple[str, int]] = Counter()
    for site, text in zip(table["site"].to_pylist(), table["text"].to_pylist(), strict=True):
        if site and text:
            counts.update({(site, line_hash(line)) for line in text.splitlines() if line.strip()})
    rows = sorted(counts)
    return pa.table(
        {
            "site": [site for site, _ in rows],
            "line_hash": pa.array([value for _, value in rows], pa.uint64()),
            "documents": [counts[row] for row in rows],
        },
        schema=LINES,
    )


def merge_counts(tables: Iterable[pa.Table]) -> pa.Table:
    """Sum of counts of different texts: LINES, by site and hash, in whatever order they come."""
    joined = pa.concat_tables([LINES.empty_table(), *tables])
    summed = joined.group_by(["site", "line_hash"]).aggregate([("documents", "sum")])
    summed = summed.rename_columns({"documents_sum": "documents"}).select(LINES.names)
    return summed.sort_by([("site", "ascending"), ("line_hash", "ascending")]).cast(LINES)


def recurring(counts: pa.Table, threshold: int) -> pa.Table:
    """The lines that stand on at least `threshold` pages of their site."""
    return counts.filter(pc.field("documents") >= threshold)


__all__ = ["LINES", "count_lines", "line_hash", "merge_counts", "recurring"]
