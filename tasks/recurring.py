"""Lines that come back on many documents of a site: its chrome.

Every run counts the lines at the edges of the documents it adds (table `lines`); the counts of all
versions add up, and the next run drops from head and tail of its texts the lines that stand on
enough documents of their site. What a run drops is pinned by the version it builds on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from config.settings import StoreSettings
from tasks.clean.chrome import line_hashes
from tasks.snapshot.search import engine, same, view
from tasks.staging import shard_writer
from tasks.tables import LINES, PASSING

_HEAD: Final = 6
_TAIL: Final = 10
"""Lines at the beginning and at the end of a text that are counted."""
_BATCH: Final = 10_000
_RECURRING: Final = pa.schema([LINES.field("site"), LINES.field("line_hash")])


class LineCounts:
    """On how many new documents of each site every line at the edges stands.

    The lines go through a file, as those of a million documents would not fit into memory.
    """

    def __init__(self, known: Collection[str], file: Path) -> None:
        """`known`: ids of documents that are counted already; `file` is written."""
        self._known = frozenset(known)
        self._file = file

    def watch(self, documents: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The rows of documents, passed through and counted; to be gone through once."""
        with pq.ParquetWriter(self._file, _RECURRING, **PASSING) as writer:
            for batch in documents:
                sites: list[str] = []
                lines: list[int] = []
                columns = (batch[name].to_pylist() for name in ("document_id", "site", "text"))
                for document, site, text in zip(*columns, strict=True):
                    if site and document not in self._known:
                        found = edge_lines(text)
                        lines += found
                        sites += [site] * len(found)
                arrays = [pa.array(sites, pa.string()), pa.array(lines, pa.uint64())]
                writer.write_batch(pa.record_batch(arrays, schema=_RECURRING))
                yield batch

    def rows(self, version: int, settings: StoreSettings) -> Iterator[pa.RecordBatch]:
        """Rows of LINES that the version adds, in the order of their keys; after `watch`."""
        with engine(settings, self._file.with_suffix(".scratch")) as sql:
            view(sql, "found", [str(self._file)], same(*_RECURRING.names))
            counted = sql.sql(
                f"""
                SELECT concat(site, ' ', printf('%016x', line_hash), ' {version:d}') AS line_id, site, line_hash,
                       count(*) AS documents
                FROM found GROUP BY site, line_hash ORDER BY site, line_hash
                """
            )
            for batch in counted.to_arrow_reader(_BATCH):
                yield from pa.Table.from_batches([batch]).cast(LINES).to_batches()


def edge_lines(text: str) -> list[int]:
    """Hashes of the lines at head and tail of a text, each once."""
    rows = [row for row in text.split("\n") if row.strip()]
    edges = rows if len(rows) <= _HEAD + _TAIL else rows[:_HEAD] + rows[-_TAIL:]
    return line_hashes("\n".join(edges))


def write_recurring(out: Path, files: list[str], documents: int, settings: StoreSettings) -> None:
    """Write the lines that stand on at least `documents` documents of their site to `out`.

    `files` are those of the table `lines`. Does nothing if `out` is there already, or if `documents` is 0.
    """
    if out.exists() or not documents or not files:
        return
    with engine(settings, out.parent / "scratch") as sql:
        view(sql, "lines", files, same(*LINES.names))
        found: pa.Table = sql.sql(
            f"SELECT site, line_hash FROM lines GROUP BY ALL HAVING sum(documents) >= {documents:d} ORDER BY ALL"
        ).to_arrow_table()
    with shard_writer(out, _RECURRING) as writer:
        writer.write_table(found.cast(_RECURRING))


@lru_cache(1)
def recurring_lines(path: Path) -> Mapping[str, frozenset[int]]:
    """What `write_recurring` wrote, by site; nothing where it wrote nothing."""
    if not path.exists():
        return {}
    lines: dict[str, set[int]] = {}
    table = pq.read_table(path, schema=_RECURRING)
    for site, line in zip(table["site"].to_pylist(), table["line_hash"].to_pylist(), strict=True):
        lines.setdefault(site, set()).add(line)
    return {site: frozenset(hashes) for site, hashes in lines.items()}


__all__ = ["LineCounts", "edge_lines", "recurring_lines", "write_recurring"]
