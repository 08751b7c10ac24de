"""The captures of a run that are to be matched, the stored documents they may belong to, and their texts."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from config.settings import DedupeSettings
from tasks.dedupe.signatures import sign
from tasks.dedupe.urls import url_key
from tasks.tables import SIGNATURES

_LATEST: Final = datetime.max.replace(tzinfo=UTC)


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
    place: tuple[int, int]
    """Where the text lies: number of the file, cleaned or of documents, and row."""
    skeleton: str = ""
    document_id: str | None = None
    """The document it is the canonical copy of; None for a new capture."""


def _rank(row: dict[str, Any], length: int, settings: DedupeSettings) -> Rank:
    quality = row["quality"] or {}
    return Rank(
        unrepaired=quality.get("unrepaired") or 0,
        damage=quality.get("damage") or 0,
        spun=(quality.get("spun") or 0.0) >= settings.spun,
        # Han characters, so that glosses and blank lines make no copy the longer one.
        shorter=-(quality.get("han") or length),
        captured_at=row["captured_at"] or _LATEST,
        capture_id=row["capture_id"],
    )


def read_new(cleaned_files: Sequence[str], settings: DedupeSettings) -> tuple[list[Copy], pa.Table]:
    """The kept captures of cleaned shards, ordered by id, and their signatures in the same order.

    Texts are read and signed a few thousand at a time and not kept.
    """
    copies: list[Copy] = []
    signed: list[pa.Table] = []
    columns = ["capture_id", "url_key", "captured_at", "outcome", "quality", "text"]
    for number, path in enumerate(cleaned_files):
        first = 0
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=2000, columns=columns):
                table = pa.Table.from_batches([batch])
                rows = pc.indices_nonzero(pc.equal(table["outcome"], "kept"))
                kept = table.take(rows)
                signatures = sign(kept, min_shingles=settings.min_shingles)
                signed.append(signatures)
                lengths = pc.utf8_length(kept["text"]).to_pylist()
                for row, at, length, skeleton in zip(
                    kept.drop_columns(["text"]).to_pylist(),
                    rows.to_pylist(),
                    lengths,
                    signatures["skeleton"].to_pylist(),
                    strict=True,
                ):
                    rank = _rank(row, length or 0, settings)
                    place = (number, first + at)
                    copies.append(
                        Copy(
                            row["capture_id"], row["url_key"] or "", row["captured_at"], rank, place, skeleton
                        )
                    )
                first += table.num_rows
    if not copies:
        return [], SIGNATURES.empty_table()
    order = sorted(range(len(copies)), key=lambda index: copies[index].capture_id)
    return [copies[index] for index in order], pa.concat_tables(signed).take(order)


def read_documents(
    document_files: Sequence[str], ids: Iterable[str], settings: DedupeSettings
) -> dict[str, Copy]:
    """Canonical copies of stored documents by document id, without their texts.

    Only row groups that may hold one of the ids are read: a run writes its documents in the order of ids.
    """
    wanted = sorted(set(ids))
    columns = ["document_id", "capture_id", "url", "captured_at", "quality"]
    found: dict[str, Copy] = {}
    for number, path in enumerate(document_files if wanted else ()):
        with pq.ParquetFile(path, pre_buffer=False) as file:
            for group, first in _groups_with(file, wanted):
                ids_here = file.read_row_group(group, columns=["document_id"])["document_id"]
                rows = pc.indices_nonzero(pc.is_in(ids_here, value_set=pa.array(wanted, pa.string())))
                if not len(rows):
                    continue
                table = file.read_row_group(group, columns=columns).take(rows)
                for at, row in zip(rows.to_pylist(), table.to_pylist(), strict=True):
                    found[row["document_id"]] = Copy(
                        row["capture_id"],
                        url_key(row["url"]) or "",
                        row["captured_at"],
                        _rank(row, (row["quality"] or {}).get("characters") or 0, settings),
                        (number, first + at),
                        document_id=row["document_id"],
                    )
    return found


def _groups_with(file: pq.ParquetFile, wanted: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Row groups whose range of document ids has one of those wanted (sorted), and their first rows."""
    column = file.schema_arrow.names.index("document_id")
    first = 0
    for number in range(file.num_row_groups):
        group = file.metadata.row_group(number)
        # The first of the columns, and so of the leaves of its schema.
        statistics = group.column(column).statistics
        if statistics is None or not statistics.has_min_max:
            yield number, first
        else:
            at = bisect_left(wanted, statistics.min)
            if at < len(wanted) and wanted[at] <= statistics.max:
                yield number, first
        first += group.num_rows


def read_texts(
    copies: Iterable[Copy], cleaned_files: Sequence[str], document_files: Sequence[str]
) -> dict[str, str]:
    """Texts of copies by capture id, read from where they lie, a row group at a time."""
    texts: dict[str, str] = {}
    by_file: dict[str, list[Copy]] = {}
    for copy in copies:
        files = cleaned_files if copy.document_id is None else document_files
        by_file.setdefault(files[copy.place[0]], []).append(copy)
    for path, members in by_file.items():
        rows = sorted((copy.place[1], copy.capture_id) for copy in members)
        with pq.ParquetFile(path, pre_buffer=False) as file:
            start = at = 0
            for group in range(file.num_row_groups):
                stop = start + file.metadata.row_group(group).num_rows
                own = []
                while at < len(rows) and rows[at][0] < stop:
                    own.append(rows[at])
                    at += 1
                if own:
                    column = file.read_row_group(group, columns=["text"])["text"]
                    found = column.take([row - start for row, _ in own]).to_pylist()
                    texts.update((capture, text or "") for (_, capture), text in zip(own, found, strict=True))
                start = stop
    return texts


__all__ = ["Copy", "Rank", "read_documents", "read_new", "read_texts"]
