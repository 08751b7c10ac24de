"""SQL over Parquet files with DuckDB: bounded memory, no network, no extensions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa

from config.settings import StoreSettings
from tasks.snapshot.errors import DamagedError, StoreError

_OURS: Final = (
    duckdb.ParserException,
    duckdb.BinderException,
    duckdb.CatalogException,
    duckdb.SyntaxException,
    duckdb.InternalException,
)
"""Errors of our own queries, which no user can mend."""


@contextmanager
def engine(settings: StoreSettings, scratch: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that spills to `scratch` beyond `store.memory_bytes`.

    Raises DamagedError where a file cannot be read, StoreError where memory or disk do not suffice.
    """
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
        connection.execute("SET enable_progress_bar = false")  # it would go to standard output
        yield connection
    except _OURS:
        raise
    except duckdb.OutOfMemoryException as error:
        raise StoreError(f"a search over the tables: {_line(error)}; raise store.memory_bytes") from error
    except (duckdb.Error, RuntimeError) as error:
        # Damage inside a message that is no UTF-8 comes as a RuntimeError of the binding.
        if not isinstance(error, duckdb.Error) and "conversion error" not in str(error):
            raise
        raise DamagedError(
            f"the tables cannot be read: {_line(error)}; see `qingyuan snapshots verify`"
        ) from error
    finally:
        connection.close()


def _line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def view(
    sql: duckdb.DuckDBPyConnection, name: str, files: Iterable[str | Path], columns: Mapping[str, str]
) -> None:
    """Name rows of Parquet files for use in SQL; `columns` gives column by name in the view.

    `filename` is a column of every file. A column that no file has is null (files of older
    versions); without files the view has no rows.
    """
    paths = [str(file) for file in files]
    if paths:
        rows = sql.read_parquet(paths, union_by_name=True, hive_partitioning=False, filename=True)
        known = set(rows.columns)
        rows = rows.project(
            ", ".join(
                f"{column if column in known else 'NULL'} AS {alias}" for alias, column in columns.items()
            )
        )
    else:
        rows = sql.from_arrow(pa.table({alias: pa.array([], pa.string()) for alias in columns}))
    rows.create_view(name, replace=True)


def same(*columns: str) -> dict[str, str]:
    """Columns that keep their names in a view."""
    return {column: column for column in columns}


def fetch(sql: duckdb.DuckDBPyConnection, query: str, parameters: object = None) -> list[dict[str, Any]]:
    """The rows of a query as dictionaries."""
    cursor = sql.execute(query, parameters)
    names = [column[0] for column in cursor.description or []]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
