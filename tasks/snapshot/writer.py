"""Writing rows to Parquet files of bounded size, in bounded memory."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from config.settings import StoreSettings
from tasks.snapshot.digest import documents_digest, hex_digest
from tasks.snapshot.errors import StoreError
from tasks.snapshot.manifest import DataFile
from tasks.tables import TABLES

_DIGEST_ROWS: Final = 1000


class _Sink:
    """A file that sums what passes through it."""

    def __init__(self, path: Path) -> None:
        self._stream: BinaryIO = path.open("xb")
        self.sha256 = hashlib.sha256()
        self.bytes = 0

    @property
    def closed(self) -> bool:
        return self._stream.closed

    def write(self, data: bytes) -> int:
        self.sha256.update(data)
        self.bytes += len(data)
        return self._stream.write(data)

    def tell(self) -> int:
        return self.bytes

    def flush(self) -> None:
        self._stream.flush()

    def close(self) -> None:
        if not self._stream.closed:
            self._stream.flush()
            os.fsync(self._stream.fileno())
            self._stream.close()

    def abandon(self) -> None:
        self._stream.close()


def conform(rows: pa.Table | pa.RecordBatch, table: str) -> pa.Table:
    """Bring rows to the schema of a table: order, types, field metadata; absent columns become null.

    Raises StoreError naming the column that is unknown, does not fit or must not be null.
    """
    schema = TABLES[table]
    given = pa.Table.from_batches([rows]) if isinstance(rows, pa.RecordBatch) else rows
    unknown = [name for name in given.schema.names if name not in schema.names]
    if unknown:
        raise StoreError(
            f"table {table}: unknown column {unknown[0]}; the columns are set in tasks/tables.py"
        )
    columns = []
    for field in schema:
        if field.name in given.schema.names:
            column = given.column(field.name)
            if column.type != field.type:
                try:
                    column = column.cast(field.type)
                except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
                    raise StoreError(f"table {table}: column {field.name}: {error}") from error
        else:
            column = pa.chunked_array([pa.nulls(given.num_rows, field.type)])
        if not field.nullable and column.null_count:
            raise StoreError(
                f"table {table}: column {field.name} must not be null; {column.null_count} rows are"
            )
        columns.append(column)
    return pa.Table.from_arrays(columns, schema=schema)


class TableWriter:
    """Streams rows of one table into Parquet files; the store does not see them before a commit.

    Use it as a context manager; `files` is complete after the block. A block that ends with an
    error removes what it wrote. Writers of one run may work in several processes at once.

    `rewriting` gives one file of any size and computes no digest: who takes rows out of a file knows
    the new digest by those rows.
    """

    def __init__(
        self, folder: Path, table: str, prefix: str, settings: StoreSettings, *, rewriting: bool = False
    ) -> None:
        self.table = table
        self.files: list[DataFile] = []
        self._folder = folder
        self._prefix = prefix
        self._settings = settings
        self._rewriting = rewriting
        self._waiting: list[pa.Table] = []
        self._waiting_bytes = 0
        self._sink: _Sink | None = None
        self._parquet: pq.ParquetWriter | None = None
        self._begin()

    def _begin(self) -> None:
        self._name = ""
        self._rows = 0
        self._digest = 0
        self._tally: Counter[str] = Counter()

    def __enter__(self) -> TableWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            try:
                self._flush()
                self._close_file()
            except BaseException:
                self._abandon()
                raise
        else:
            self._abandon()

    def write(self, rows: pa.Table | pa.RecordBatch) -> None:
        """Add rows; they must fit the schema of the table (see `conform`)."""
        table = conform(rows, self.table)
        while table.num_rows:
            room = self._settings.row_group_bytes - self._waiting_bytes
            size = max(1, table.nbytes)
            if size <= room:
                self._take(table)
                return
            count = min(table.num_rows, max(1, table.num_rows * room // size))
            self._take(table.slice(0, count))
            table = table.slice(count)
            self._flush()

    def write_empty(self) -> None:
        """Write a file without rows, for a table that would have no file at all."""
        self._open_file()

    def _take(self, table: pa.Table) -> None:
        self._waiting.append(table)
        self._waiting_bytes += table.nbytes

    def _flush(self) -> None:
        if not self._waiting:
            return
        rows = pa.concat_tables(self._waiting).combine_chunks()
        self._waiting, self._waiting_bytes = [], 0
        parquet = self._parquet or self._open_file()
        parquet.write_table(rows, row_group_size=rows.num_rows)
        self._rows += rows.num_rows
        if self.table == "documents" and not self._rewriting:
            for start in range(0, rows.num_rows, _DIGEST_ROWS):
                self._digest += documents_digest(rows.slice(start, _DIGEST_ROWS))
        if self.table == "captures":
            names = pc.binary_join_element_wise(rows.column("outcome"), rows.column("rule"), " ")
            for pair in pc.value_counts(names).to_pylist():
                self._tally[pair["values"]] += pair["counts"]
        full = self._sink is not None and self._sink.bytes >= self._settings.file_bytes
        if full and not self._rewriting:
            self._close_file()

    def _open_file(self) -> pq.ParquetWriter:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._name = f"{self._prefix}-{len(self.files):04d}-{secrets.token_hex(4)}.parquet"
        self._sink = _Sink(self._folder / self._name)
        self._parquet = pq.ParquetWriter(
            self._sink,
            TABLES[self.table],
            compression="zstd",
            compression_level=self._settings.compression_level,
            write_page_index=True,
            write_page_checksum=True,
        )
        return self._parquet

    def _close_file(self) -> None:
        if self._parquet is None or self._sink is None:
            return
        self._parquet.close()
        self._sink.close()
        self.files.append(
            DataFile(
                name=self._name,
                rows=self._rows,
                bytes=self._sink.bytes,
                sha256=self._sink.sha256.hexdigest(),
                digest=hex_digest(self._digest) if self.table == "documents" else "",
                tally=dict(sorted(self._tally.items())),
            )
        )
        self._parquet = self._sink = None
        self._begin()

    def _abandon(self) -> None:
        if self._sink is not None:
            self._sink.abandon()
        # An unfinished ParquetWriter would write its footer to the closed sink when collected.
        if self._parquet is not None:
            self._parquet.is_open = False
        for name in [self._name, *(file.name for file in self.files)]:
            if name:
                (self._folder / name).unlink(missing_ok=True)
        self.files.clear()
