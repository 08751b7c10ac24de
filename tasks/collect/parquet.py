"""Parquet, row group by row group. Only the columns of the field mapping are read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.collect.reading import Place
from tasks.collect.records import capture_of
from tasks.collect.streams import DamageError, Window
from tasks.tables import Capture

_MAGIC = b"PAR1"
_ROWS = 64
"""Rows held at once."""


def recognise(head: bytes, _name: str) -> bool:
    """It begins with the magic bytes."""
    return head.startswith(_MAGIC)


def read(stream: Window, place: Place) -> Iterator[Capture]:
    """Give a capture for every row; the record in the locator is the row number from 1.

    A row group that cannot be read is one failure, the others are read.
    """
    try:
        file = stream.as_file()
    except DamageError as error:
        yield place.failure(str(error))
        return
    try:
        yield from _rows(file, place)
    finally:
        file.close()


def _rows(file: IO[bytes], place: Place) -> Iterator[Capture]:
    try:
        table = pq.ParquetFile(file, pre_buffer=False)
        columns = _columns(table.schema_arrow, place)
    except (pa.ArrowException, OSError, ValueError) as error:
        yield place.failure(f"the Parquet file cannot be opened, it is cut or damaged: {_short(error)}")
        return
    if columns is None:
        fields = place.source.fields
        yield place.failure(
            f"no column {', '.join(fields.text)} among {', '.join(table.schema_arrow.names[:20])}; "
            f"name the text column under `fields.text` of source {place.source.name!r}"
        )
        return
    if table.metadata.num_rows == 0:
        yield place.failure("the Parquet file has no rows")
    number = 0
    for group in range(table.num_row_groups):
        last = number + table.metadata.row_group(group).num_rows
        try:
            for batch in table.iter_batches(_ROWS, row_groups=[group], columns=columns, use_threads=False):
                for row in _as_bytes(batch).to_pylist():
                    number += 1
                    yield capture_of(row, place, str(number))
        except (pa.ArrowException, OSError, ValueError) as error:
            yield place.failure(
                f"rows {number + 1} to {last} cannot be read, the row group is damaged: {_short(error)}",
                record=str(number + 1),
            )
        number = last


def _columns(schema: pa.Schema, place: Place) -> list[str] | None:
    """Columns that the mapping names, None if none of them holds the text."""
    names = set(schema.names)

    def present(candidates: list[str]) -> list[str]:
        return [
            name if name in names else name.partition(".")[0]
            for name in candidates
            if name in names or name.partition(".")[0] in names
        ]

    fields = place.source.fields
    text = present(fields.text)
    others = [*fields.url, *fields.title, *fields.captured_at, *fields.media_type]
    return list(dict.fromkeys([*text, *present(others)])) if text else None


def _as_bytes(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Strings as bytes: the text need not be decoded, and what is no UTF-8 is no error here."""
    arrays: list[Any] = []
    for column in batch.columns:
        array = column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
        if pa.types.is_string(array.type):
            array = array.cast(pa.binary())
        elif pa.types.is_large_string(array.type) or pa.types.is_string_view(array.type):
            array = array.cast(pa.large_binary())
        arrays.append(array)
    return pa.RecordBatch.from_arrays(arrays, names=batch.schema.names)


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


__all__ = ["read", "recognise"]
