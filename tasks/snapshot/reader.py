"""Reading a store: its versions, their manifests, their rows. Readers never wait and never write."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from pydantic import ValidationError

from tasks.files import Files, FilesError
from tasks.snapshot.errors import DamagedError, StoreError, UnknownVersionError
from tasks.snapshot.manifest import FORMAT, DataFile, Headline, Manifest
from tasks.tables import TABLES

VERSION: Final = re.compile(r"v([1-9]\d*)")
"""Name of the folder of a version."""

SNAPSHOTS: Final = "snapshots"
"""The folder of all versions."""
TABLES_FOLDER: Final = "tables"

Kind = TypeVar("Kind", bound=Headline)


class Reader:
    """The reading half of a store.

    `home` is where its files are, `path` its folder on this machine: the same, or for a store on
    objects the folder of what it keeps beside itself.
    """

    def __init__(self, home: Files, path: Path) -> None:
        self.home = home
        self.path = path

    def versions(self) -> list[int]:
        """Numbers of the versions that exist, ascending."""
        return sorted(
            int(match[1]) for name in self.home.folders(SNAPSHOTS) if (match := VERSION.fullmatch(name))
        )

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
        return self._load([version], Manifest)[0]

    def manifests(self) -> list[Manifest]:
        """The manifests of all versions, oldest first. Raises DamagedError."""
        return self._load(self.versions(), Manifest)

    def headlines(self) -> list[Headline]:
        """The short parts of the manifests of all versions, for lists, oldest first. Raises DamagedError."""
        return self._load(self.versions(), Headline)

    def _load(self, versions: Sequence[int], kind: type[Kind]) -> list[Kind]:
        names = [f"{SNAPSHOTS}/v{version}/manifest.json" for version in versions]
        try:
            contents = self.home.read_all(names)
        except FilesError:
            raise
        except OSError as error:
            for version in versions:
                self.published(version)
            raise DamagedError(f"{self.home.address}: a manifest cannot be read: {error}") from error
        return [
            parse_manifest(content, kind, self.home.where(name))
            for content, name in zip(contents, names, strict=True)
        ]

    def published(self, version: int) -> str:
        """Where a version lies: its folder, or the address of its objects. Raises UnknownVersionError."""
        name = f"{SNAPSHOTS}/v{version}"
        if self.home.size(f"{name}/manifest.json") is None:
            known = self.versions()
            if version not in known:
                have = f"there are v{known[0]} to v{known[-1]}" if known else "it has no versions yet"
                raise UnknownVersionError(f"{self.home.address}: no version {version}; {have}")
        return self.home.where(name)

    def files(self, table: str, version: int | None = None) -> list[str]:
        """Local paths of the Parquet files of a table; empty where the store has no version yet.

        Of a store on objects they are copies, fetched where they are missing.
        """
        manifest = self.latest() if version is None else self.manifest(version)
        return [str(path) for path in self.local(table, manifest.files(table) if manifest else [])]

    def local(self, table: str, files: Iterable[DataFile]) -> list[Path]:
        """Local paths of files of a table, to read only. Raises DamagedError where an object is missing."""
        try:
            return self.home.local([table_file(table, file.name) for file in files])
        except FileNotFoundError as error:
            raise DamagedError(f"table {table} cannot be read: {error}") from error

    def file(self, table: str, name: str) -> Path:
        """Local path of one file of a table, to read only. Raises DamagedError where an object is missing."""
        try:
            return self.home.local([table_file(table, name)])[0]
        except FileNotFoundError as error:
            raise DamagedError(f"table {table} cannot be read: {error}") from error

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
        return dataset(table, files)


def dataset(table: str, files: Sequence[str | Path]) -> ds.Dataset:
    """Local files of a table, of whatever age, in the schema of today; page checksums are verified."""
    options = ds.ParquetFragmentScanOptions(pre_buffer=False, page_checksum_verification=True)
    layout = ds.ParquetFileFormat(default_fragment_scan_options=options)
    return ds.dataset([str(file) for file in files], schema=TABLES[table], format=layout)


def table_file(table: str, name: str) -> str:
    """Name of a table's Parquet file below the root of the store."""
    return f"{TABLES_FOLDER}/{table}/{name}"


def parse_manifest(content: bytes, kind: type[Kind], where: str) -> Kind:
    """Read a manifest. Raises DamagedError, and StoreError for one of a later format."""
    try:
        manifest = kind.model_validate_json(content)
    except ValidationError as error:
        raise DamagedError(f"{where}: cannot be read as a manifest: {error}") from error
    if manifest.format > FORMAT:
        raise StoreError(
            f"{where}: has format {manifest.format}, this code knows {FORMAT}; use a newer version"
        )
    return manifest
