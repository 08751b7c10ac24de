"""Is a version what it was when it was made? Bytes, counts, ledger and digests, all computed afresh."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake.exceptions import DeltaError

from tasks.files import Files
from tasks.snapshot import delta
from tasks.snapshot.digest import documents_digest, file_sha256, hex_digest
from tasks.snapshot.errors import StoreError
from tasks.snapshot.manifest import KEYS, PUBLISHED, DataFile, Manifest
from tasks.snapshot.reader import table_file
from tasks.snapshot.search import engine, same, view
from tasks.snapshot.store import Store
from tasks.tables import TABLES, Outcome

_COMPARED: Final = {
    "captures": ("document_id", "outcome", "rule"),
    "documents": ("capture_id",),
    "payloads": ("payload_sha256",),
}

_LEDGER: Final = {
    "captures are kept without a document that names them": """
        SELECT capture_id FROM captures c WHERE outcome = 'kept' AND NOT EXISTS (SELECT 1 FROM documents d
            WHERE d.document_id = c.document_id AND d.capture_id = c.capture_id)""",
    "documents have no kept capture": """
        SELECT document_id FROM documents d WHERE NOT EXISTS (SELECT 1 FROM captures c
            WHERE c.outcome = 'kept' AND d.document_id = c.document_id AND d.capture_id = c.capture_id)""",
    "captures belong to a document that does not exist": """
        SELECT capture_id FROM captures c WHERE document_id IS NOT NULL AND NOT EXISTS
            (SELECT 1 FROM documents d WHERE d.document_id = c.document_id)""",
}


@dataclass
class Verification:
    """What was looked at, and what was wrong."""

    version: int
    checks: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing was wrong."""
        return not self.problems


def verify(store: Store, version: int) -> Verification:
    """Check a version completely; reads all its files. Raises UnknownVersionError.

    Whatever is wrong with it is listed in `problems`, in sentences that name the file or row.
    """
    result = Verification(version)
    try:
        manifest = store.manifest(version)
    except StoreError as error:
        store.published(version)
        result.problems.append(str(error))
        return result
    sound = _check_files(store, manifest, result)
    _check_published(store, manifest, result)
    _check_log(store, manifest, result)
    if sound:
        _check_rows(store, manifest, result)
        kept = _check_payloads(store, manifest, result)
        _check_ledger(store, manifest, kept, result)
    else:
        result.problems.append("rows, ledger and digests were not checked, because files are damaged")
    return result


def _check_files(store: Store, manifest: Manifest, result: Verification) -> bool:
    count = size = 0
    before = len(result.problems)
    for table in TABLES:
        for file in manifest.files(table):
            name = table_file(table, file.name)
            problem = _damage(store.home, name, file)
            if problem:
                result.problems.append(f"{store.home.where(name)}: {problem}")
            count += 1
            size += file.bytes
    result.checks.append(f"{count} files, {size:,} bytes: SHA-256 and row counts")
    return len(result.problems) == before


def _damage(home: Files, name: str, file: DataFile) -> str | None:
    try:
        (path,) = home.local([name], fresh=True)
        if path.stat().st_size != file.bytes:
            return f"has {path.stat().st_size:,} bytes instead of {file.bytes:,}"
        if file_sha256(path) != file.sha256:
            return "its bytes have changed (SHA-256 differs)"
        rows = pq.read_metadata(path).num_rows
    except FileNotFoundError:
        return "is missing"
    except (OSError, pa.ArrowException) as error:
        return f"cannot be read: {error}"
    return f"has {rows} rows instead of {file.rows}" if rows != file.rows else None


def _check_published(store: Store, manifest: Manifest, result: Verification) -> None:
    if store.home.folder is None:
        return  # the manifest alone says what belongs to the version
    for table, place in PUBLISHED.items():
        folder = Path(store.published(manifest.version)) / place
        files = {file.name: file for file in manifest.files(table)}
        found = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
        for odd in sorted(found - set(files)):
            result.problems.append(f"{folder / odd}: does not belong here")
        for odd in sorted(set(files) - found):
            result.problems.append(f"{folder / odd}: is missing")
        for name in sorted(found & set(files)):
            path, home = folder / name, store.file(table, name)
            linked = home.exists() and path.samefile(home)
            if not linked and file_sha256(path) != files[name].sha256:
                result.problems.append(f"{path}: its bytes have changed (SHA-256 differs)")
    result.checks.append("the published folder holds exactly these files")


def _check_log(store: Store, manifest: Manifest, result: Verification) -> None:
    for table, pin in manifest.tables.items():
        name = f"tables/{table}"
        folder = store.home.where(name)
        try:
            listed = delta.listed(store.home, name, pin.delta_version)
        except (DeltaError, OSError) as error:
            why = delta.first_line(error)
            result.problems.append(f"{folder}: the Delta log cannot be read at {pin.delta_version}: {why}")
            continue
        if listed != {file.name for file in pin.files}:
            result.problems.append(f"{folder}: the Delta log at {pin.delta_version} lists other files")
    result.checks.append("the Delta log of every table lists the same files")


def _check_rows(store: Store, manifest: Manifest, result: Verification) -> None:
    total = 0
    try:
        for file in manifest.files("documents"):
            with pq.ParquetFile(
                store.file("documents", file.name), page_checksum_verification=True
            ) as source:
                for batch in source.iter_batches(batch_size=2000):
                    total += documents_digest(batch)
    except (StoreError, pa.ArrowException, OSError) as error:
        result.problems.append(str(error))
        return
    if hex_digest(total) != manifest.content_digest:
        result.problems.append("the content digest of the documents is not the one in the manifest")
    result.checks.append("content digest, and the SHA-256 of every text")


def _check_payloads(store: Store, manifest: Manifest, result: Verification) -> int:
    """The bytes in the archive are those that were loaded; returns how many payloads have theirs there."""
    kept = 0
    for path in store.local("payloads", manifest.files("payloads")):
        with pq.ParquetFile(path, page_checksum_verification=True) as source:
            for batch in source.iter_batches(batch_size=200, columns=["payload_sha256", "payload"]):
                sums, payloads = batch.column("payload_sha256").to_pylist(), batch.column("payload")
                for wanted, payload in zip(sums, payloads, strict=True):
                    if payload.is_valid:
                        kept += 1
                        if hashlib.sha256(payload.as_buffer()).hexdigest() != wanted:
                            result.problems.append(f"{path}: payload {wanted} has other bytes")
    if manifest.files("payloads"):
        result.checks.append(f"the bytes of {kept:,} payloads in the archive")
    return kept


def _check_ledger(store: Store, manifest: Manifest, payloads: int, result: Verification) -> None:
    add: Callable[[str], None] = result.problems.append
    counts = manifest.counts
    with engine(store.settings, store.path / "staging" / "scratch") as sql:
        for table, key in KEYS.items():
            files = store.local(table, [file for file in manifest.files(table) if file.rows])
            view(sql, table, files, same(key, *_COMPARED.get(table, ())))
            view(sql, "keyed", files, {"key": key})
            rows, distinct = sql.execute("SELECT count(*), count(DISTINCT key) FROM keyed").fetchall()[0]
            if rows != distinct:
                add(f"table {table}: {rows - distinct} rows repeat a {key}")
            pin = manifest.tables.get(table)
            due = pin.rows if pin else 0
            if rows != due:
                add(f"table {table}: {rows} rows, but the manifest says {due}")
        named = sql.execute("SELECT count(DISTINCT payload_sha256) FROM payloads").fetchall()[0][0]
        if named != payloads:
            add(f"the archive names {named} payloads, but has the bytes of {payloads}")
        found = dict(
            sql.execute("SELECT outcome || ' ' || rule, count(*) FROM captures GROUP BY ALL").fetchall()
        )
        if found != counts.rules:
            add("the outcomes in the ledger are not those the manifest counts")
        odd = {name.partition(" ")[0] for name in found} - set(Outcome)
        if odd:
            add(f"the ledger has unknown outcomes: {', '.join(sorted(odd))}")
        if sum(counts.outcomes.values()) != counts.captures:
            add(f"{counts.captures} captures, but the outcomes add up to {sum(counts.outcomes.values())}")
        for what, query in _LEDGER.items():
            rows = sql.execute(query).fetchall()
            if rows:
                add(f"{len(rows)} {what}, e.g. {min(row[0] for row in rows)}")
    result.checks.append("every capture has one outcome, every document one kept capture, no key comes twice")
