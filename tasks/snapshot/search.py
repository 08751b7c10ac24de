"""SQL over Parquet files with DuckDB: bounded memory, no network, no extensions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa

from config.settings import StoreSettings


@contextmanager
def engine(settings: StoreSettings, scratch: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that spills to `scratch` beyond `store.memory_bytes`."""
    connection = duckdb.connect(
        config={
            "memory_limit": f"{settings.memory_bytes >> 20}MiB",
            "temp_directory": str(scratch),
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "preserve_insertion_order": False,
        }
    )
    try:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection
    finally:
        connection.close()


def view(
    sql: duckdb.DuckDBPyConnection, name: str, files: Iterable[str | Path], columns: str, empty: Iterable[str]
) -> None:
    """Name the rows of Parquet files for use in SQL.

    `columns` is the projection; every row also knows its `filename`. Where there are no files the
    view has no rows and the string columns `empty`.
    """
    names = [str(file) for file in files]
    if names:
        rows = sql.read_parquet(names, union_by_name=True, hive_partitioning=False, filename=True)
        rows = rows.project(columns)
    else:
        rows = sql.from_arrow(pa.table({column: pa.array([], pa.string()) for column in empty}))
    rows.create_view(name, replace=True)
