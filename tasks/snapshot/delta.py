"""The Delta log beside the files of a table, so that Spark, Polars and others can travel in time.

The manifest of a version says which files it has; the log is brought in line with it, by the
difference. That makes every step repeatable: in line already means nothing to do.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable, Field, PostCommitHookProperties, Schema, Transaction
from deltalake.exceptions import CommitFailedError, DeltaError
from deltalake.transaction import AddAction, RemoveAction

from tasks.files import Files
from tasks.files.local import sync_file, sync_folder
from tasks.snapshot.errors import DamagedError
from tasks.snapshot.manifest import DataFile

# The defaults of Delta lose old versions at the checkpoint of commit 100.
_RETENTION: Final = {
    "delta.logRetentionDuration": "interval 36500 days",
    "delta.deletedFileRetentionDuration": "interval 36500 days",
}
_HOOKS: Final = PostCommitHookProperties(create_checkpoint=True, cleanup_expired_logs=False)
_LONGEST: Final = 64
"""Longer strings are left out of the statistics."""


def align(
    home: Files, name: str, schema: pa.Schema, files: Iterable[DataFile], run_id: str, version: int
) -> int:
    """Make the log of the table in folder `name` list exactly `files`, in one commit; its version.

    The commit carries the run as application transaction. A table that does not exist is created;
    new columns of the schema are added to it. Raises DamagedError where the log cannot be read.
    """
    files = list(files)
    try:
        try:
            return _align(home, name, schema, files, run_id, version)
        except CommitFailedError:  # perhaps our own commit, whose answer was lost: look again
            return _align(home, name, schema, files, run_id, version)
    except DeltaError as error:
        raise DamagedError(
            f"{home.where(name)}/_delta_log: cannot be used ({first_line(error)}). Versions are read without "
            "it; move it away, and the next commit that changes this table writes a new one"
        ) from error


def _align(
    home: Files, name: str, schema: pa.Schema, files: Iterable[DataFile], run_id: str, version: int
) -> int:
    place, options = home.where(name), dict(home.options)
    if not DeltaTable.is_deltatable(place, options):
        if home.folder:
            (home.folder / name).mkdir(parents=True, exist_ok=True)
        DeltaTable.create(place, schema=schema, configuration=_RETENTION, storage_options=options)
    table = DeltaTable(place, storage_options=options)
    first = table.version()
    _add_columns(table, schema)
    wanted = {file.name: file for file in files}
    live = _live(table)
    new = [file for file in wanted if file not in live]
    now = time.time_ns() // 1_000_000
    actions: list[AddAction | RemoveAction] = [
        AddAction(
            path=file,
            size=wanted[file].bytes,
            partition_values={},
            modification_time=now,
            data_change=True,
            stats=json.dumps(_statistics(path)),
        )
        for file, path in zip(new, home.local([f"{name}/{file}" for file in new]), strict=True)
    ]
    actions += [
        RemoveAction(path=file, data_change=True, deletion_timestamp=now, size=size, partition_values={})
        for file, size in live.items()
        if file not in wanted
    ]
    if actions:
        table.create_write_transaction(
            actions,
            mode="append",
            schema=table.schema(),
            commit_properties=CommitProperties(
                custom_metadata={"qingyuan.run": run_id, "qingyuan.version": str(version)},
                app_transactions=[Transaction(run_id, version)],
            ),
            post_commithook_properties=_HOOKS,
        )
        table.update_incremental()
    if home.folder:
        _sync(home.folder / name / "_delta_log", first, table.version())
    return table.version()


def _sync(log: Path, first: int, last: int) -> None:
    """Force log entries to the disk, which the library leaves to the system."""
    for number in range(first, last + 1):
        for path in log.glob(f"{number:020d}*"):
            sync_file(path)
    sync_folder(log)


def first_line(error: Exception) -> str:
    """The message of the library without the stack trace it may carry."""
    return str(error).partition("\n")[0]


def listed(home: Files, name: str, version: int) -> set[str]:
    """Names of the files the log of a table lists at one of its versions."""
    return set(_live(DeltaTable(home.where(name), version=version, storage_options=dict(home.options))))


def _live(table: DeltaTable) -> dict[str, int]:
    actions = pa.table(table.get_add_actions(flatten=True))
    return dict(
        zip(actions.column("path").to_pylist(), actions.column("size_bytes").to_pylist(), strict=True)
    )


def _add_columns(table: DeltaTable, schema: pa.Schema) -> None:
    """Tell the log of columns, and of fields inside structs, that came later; they may be null."""
    wanted = Schema.from_arrow(schema)
    known = {field.name: field for field in table.schema().fields}
    new = [
        Field(field.name, field.type, nullable=True, metadata=field.metadata)
        for field in wanted.fields
        if field.name not in known or known[field.name].type != field.type
    ]
    if new:
        table.alter.add_columns(new)
        table.update_incremental()


def _statistics(path: Path) -> dict[str, Any]:
    """numRecords, minValues, maxValues, nullCount of top-level columns, from the Parquet footer."""
    footer = pq.read_metadata(path)
    lows: dict[str, Any] = {}
    highs: dict[str, Any] = {}
    nulls: dict[str, int] = {}
    for index in range(footer.num_columns):
        name = footer.schema.column(index).path
        if "." in name:
            continue
        parts = [footer.row_group(group).column(index).statistics for group in range(footer.num_row_groups)]
        if not parts or any(part is None or not part.has_null_count for part in parts):
            continue
        nulls[name] = sum(part.null_count for part in parts)
        bounded = [part for part in parts if part.has_min_max]
        if len(bounded) + sum(1 for part in parts if part.num_values == 0) < len(parts) or not bounded:
            continue
        low, high = min(part.min for part in bounded), max(part.max for part in bounded)
        if isinstance(low, int) or (isinstance(low, str) and len(low) <= _LONGEST and len(high) <= _LONGEST):
            lows[name], highs[name] = low, high
    return {"numRecords": footer.num_rows, "minValues": lows, "maxValues": highs, "nullCount": nulls}
