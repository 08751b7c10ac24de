"""A DuckDB for one question: in memory, with a limit, leaving nothing behind."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import duckdb
import pyarrow as pa

from config.settings import DedupeSettings


@contextmanager
def database(settings: DedupeSettings) -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty database within the memory limit of the settings; it spills to a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="qingyuan-") as spill:
        connection = duckdb.connect(
            ":memory:",
            config={
                "memory_limit": f"{settings.memory_mb}MiB",
                "threads": settings.threads,
                "temp_directory": spill,
                "preserve_insertion_order": False,
            },
        )
        try:
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute("SET enable_progress_bar = false")  # it would go to standard output
            yield connection
        finally:
            connection.close()


def arrow(connection: duckdb.DuckDBPyConnection, query: str) -> pa.Table:
    """The result of a query."""
    result: pa.Table = connection.sql(query).to_arrow_table()
    return result


def parquet(files: Sequence[str], empty: str, *options: str) -> str:
    """SQL for the rows of Parquet files; without files the query `empty`: the columns and no row.

    `options` are those of read_parquet, such as `filename = true`.
    """
    if not files:
        return f"({empty})"
    names = ", ".join("'" + str(file).replace("'", "''") + "'" for file in files)
    return f"read_parquet({', '.join([f'[{names}]', *options])})"


__all__ = ["arrow", "database", "parquet"]
