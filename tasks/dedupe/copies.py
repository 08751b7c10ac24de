"""Copies of articles that are compared: how good they are, and their texts."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq


class Rank(NamedTuple):
    """How good a copy is: the smallest of an article's copies becomes its canonical one."""

    unrepaired: int
    damage: int
    spun: bool
    shorter: int
    """Han characters of the text (all its characters, if there are none), negative."""
    captured_at: datetime
    capture_id: str

    def better_by(self, other: Rank) -> str:
        """In words, what makes this copy better than the other one."""
        if self.unrepaired != other.unrepaired:
            return f"{self.unrepaired} unrepaired places, the other {other.unrepaired}"
        if self.damage != other.damage:
            return f"{self.damage} damaged places, the other {other.damage}"
        if self.spun != other.spun:
            return "not spun, the other is"
        if self.shorter != other.shorter:
            return f"{-self.shorter} characters, the other {-other.shorter}"
        if self.captured_at != other.captured_at:
            return "captured earlier"
        return "equally good, smaller id"


@dataclass(frozen=True, slots=True)
class Copy:
    """A text that is compared: of a new capture, or the canonical copy of a stored document."""

    capture_id: str
    url_key: str
    captured_at: datetime | None
    rank: Rank
    skeleton: str = ""
    document_id: str | None = None
    """The document it is the canonical copy of; None for a new capture."""


Place = tuple[str, int]
"""Where a text lies: Parquet file, as the run's own process calls it, and row."""


def read_texts(places: Iterable[Place], files: Mapping[str, Path]) -> dict[Place, str]:
    """Texts by their places, `files` saying where each file lies here; only row groups that hold one are read."""
    by_file: dict[str, list[int]] = {}
    for file, row in set(places):
        by_file.setdefault(file, []).append(row)
    texts: dict[Place, str] = {}
    for name, wanted in by_file.items():
        rows = sorted(wanted)
        with pq.ParquetFile(files[name]) as file:
            start = at = 0
            for group in range(file.num_row_groups):
                stop = start + file.metadata.row_group(group).num_rows
                own = []
                while at < len(rows) and rows[at] < stop:
                    own.append(rows[at])
                    at += 1
                if own:
                    column = file.read_row_group(group, columns=["text"], use_threads=False)["text"]
                    texts.update(((name, row), column[row - start].as_py() or "") for row in own)
                start = stop
    return texts


def read_documents(files: Sequence[str], ids: Iterable[str], columns: Sequence[str]) -> Iterator[pa.Table]:
    """Rows of the stored documents with these ids: the columns (of DOCUMENTS), `file` and `row`.

    Only row groups that may hold one of the ids are read: a run writes its documents in the order of ids.
    """
    wanted = sorted(set(ids))
    values = pa.array(wanted, pa.string())
    for path in files if wanted else ():
        with pq.ParquetFile(path, pre_buffer=False) as file:
            for group, first in _groups_with(file, wanted):
                found = file.read_row_group(group, columns=["document_id"])["document_id"]
                rows = pc.indices_nonzero(pc.is_in(found, value_set=values))
                if not len(rows):
                    continue
                table = file.read_row_group(group, columns=list(columns)).take(rows)
                table = table.append_column("file", pa.array([path] * table.num_rows, pa.string()))
                yield table.append_column("row", pc.add(pc.cast(rows, pa.int64()), first))


def _groups_with(file: pq.ParquetFile, wanted: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Row groups whose range of document ids has one of those wanted (sorted), and their first rows."""
    # The first of the columns, and so of the leaves of its schema.
    column = file.schema_arrow.names.index("document_id")
    first = 0
    for number in range(file.num_row_groups):
        group = file.metadata.row_group(number)
        statistics = group.column(column).statistics
        if statistics is None or not statistics.has_min_max:
            yield number, first
        else:
            at = bisect_left(wanted, statistics.min)
            if at < len(wanted) and wanted[at] <= statistics.max:
                yield number, first
        first += group.num_rows


__all__ = ["Copy", "Place", "Rank", "read_documents", "read_texts"]
