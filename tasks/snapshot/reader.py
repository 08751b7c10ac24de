"""Reading a store: its versions, their manifests, their rows. Readers never wait and never write."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from pydantic import ValidationError

from tasks.snapshot.errors import DamagedError, StoreError, UnknownVersionError
from tasks.snapshot.manifest import FORMAT, Headline, Manifest
from tasks.tables import TABLES

VERSION: Final = re.compile(r"v([1-9]\d*)")
"""Name of the folder of a version."""

Kind = TypeVar("Kind", bound=Headline)


class Reader:
    """The reading half of a store, by its folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def versions(self) -> list[int]:
        """Numbers of the versions that exist, ascending."""
        try:
            names = [entry.name for entry in self.snapshots.iterdir()]
        except FileNotFoundError:
            return []
        return sorted(int(match[1]) for name in names if (match := VERSION.fullmatch(name)))

    def latest(self) -> Manifest | None:
        """The newest version; None before the first commit."""
        versions = self.versions()
        return self.manifest(versions[-1]) if versions else None

    def next_version(self) -> int:
        """The number the next commit gets; settled while the lock is held."""
        versions = self.versions()
        return versions[-1] + 1 if versions else 1

    def manifest(self, version: int) -> Manifest:
        """The manifest of a version. Raises UnknownVersionError, DamagedError."""
        return load_manifest(self.published(version) / "manifest.json", Manifest)

    def headline(self, version: int) -> Headline:
        """The short part of a manifest, for lists. Raises UnknownVersionError, DamagedError."""
        return load_manifest(self.published(version) / "manifest.json", Headline)

    def published(self, version: int) -> Path:
        """The folder of a version. Raises UnknownVersionError."""
        folder = self.snapshots / f"v{version}"
        if not folder.is_dir():
            known = self.versions()
            have = f"there are v{known[0]} to v{known[-1]}" if known else "it has no versions yet"
            raise UnknownVersionError(f"{self.path}: no version {version}; {have}")
        return folder

    def files(self, table: str, version: int | None = None) -> list[str]:
        """Absolute paths of the Parquet files of a table; empty where the store has no version yet."""
        manifest = self.latest() if version is None else self.manifest(version)
        return [str(self.file(table, file.name)) for file in manifest.files(table)] if manifest else []

    def file(self, table: str, name: str) -> Path:
        """Where a file of a table lies."""
        return self.path / "tables" / table / name

    def read(
        self,
        table: str,
        *,
        version: int | None = None,
        columns: Sequence[str] | None = None,
        filter: pc.Expression | None = None,
    ) -> pa.Table:
        """Rows of a table at a version, in the schema of today; columns of later schemas are null.

        Raises DamagedError where a file is missing or its checksums do not fit.
        """
        batches = self.scan(table, version=version, columns=columns, filter=filter)
        names = TABLES[table].names if columns is None else columns
        schema = pa.schema([TABLES[table].field(name) for name in names])
        return pa.Table.from_batches(batches, schema=schema)

    def scan(
        self,
        table: str,
        *,
        version: int | None = None,
        columns: Sequence[str] | None = None,
        filter: pc.Expression | None = None,
        batch_size: int = 8192,
        files: Sequence[str] | None = None,
    ) -> Iterator[pa.RecordBatch]:
        """Like `read`, in batches of `batch_size` rows at most and in bounded memory.

        With `files`, paths as `files()` gives them, only those.
        """
        files = self.files(table, version) if files is None else files
        if not files:
            return
        try:
            source = self.dataset(table, files)
            yield from source.to_batches(
                columns=list(columns) if columns is not None else None,
                filter=filter,
                batch_size=batch_size,
                batch_readahead=2,
                fragment_readahead=1,
            )
        except (pa.ArrowException, OSError) as error:
            raise DamagedError(
                f"{self.path}: table {table} cannot be read: {error}; see `qingyuan snapshots verify`"
            ) from error

    def dataset(self, table: str, files: Sequence[str]) -> ds.Dataset:
        """Files of a table, of whatever age, in the schema of today; page checksums are verified."""
        options = ds.ParquetFragmentScanOptions(pre_buffer=False, page_checksum_verification=True)
        layout = ds.ParquetFileFormat(default_fragment_scan_options=options)
        return ds.dataset(list(files), schema=TABLES[table], format=layout)

    @property
    def snapshots(self) -> Path:
        """The folder of all versions."""
        return self.path / "snapshots"


def load_manifest(path: Path, kind: type[Kind]) -> Kind:
    """Read a manifest. Raises DamagedError, and StoreError for one of a later format."""
    try:
        manifest = kind.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise DamagedError(f"{path}: cannot be read as a manifest: {error}") from error
    if manifest.format > FORMAT:
        raise StoreError(
            f"{path}: has format {manifest.format}, this code knows {FORMAT}; use a newer version"
        )
    return manifest
