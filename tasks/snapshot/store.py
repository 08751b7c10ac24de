"""The store: versions of the corpus, each appearing in one step or not at all.

    <store>/tables/<name>/           Parquet files and a Delta log, shared by all versions
    <store>/snapshots/vN/            manifest.json, SUMMARY.md, data/, captures/ (hard links)
    <store>/staging/                 commit.json (the redo log) and files on their way
    <store>/index/                   lookups of the signatures (tasks/dedupe/index.py); may be deleted
    <store>/lock                     held by the one run that writes

A commit writes everything it needs, then the redo log, then moves files, then the Delta logs, and
last renames the finished folder of the version into `snapshots/`: only that step is visible.
Readers go by the manifest of a version and never wait.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from config.settings import StoreSettings
from tasks.snapshot import delta, disk
from tasks.snapshot.errors import ConflictError, StoreError
from tasks.snapshot.lock import Lock
from tasks.snapshot.manifest import (
    KEYS,
    PUBLISHED,
    Counts,
    DataFile,
    Manifest,
    RunFacts,
    TablePin,
    content_digest,
    tallies,
)
from tasks.snapshot.plan import Planner, check_ledger, document_counts
from tasks.snapshot.reader import VERSION, Reader, load_manifest
from tasks.snapshot.search import engine
from tasks.snapshot.summary import summary
from tasks.snapshot.writer import TableWriter
from tasks.tables import TABLES

_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")


class Store(Reader):
    """A folder of versions. One object serves one thread; several processes may each have their own."""

    def __init__(self, settings: StoreSettings) -> None:
        self.settings = settings
        super().__init__(Path(settings.path).absolute())
        self._lock = Lock(self.path / "lock")

    @classmethod
    def open(cls, path: str | Path) -> Store:
        """A store by its folder, with default settings; it is created by its first commit."""
        return cls(StoreSettings(path=str(path)))

    # Writing

    @contextmanager
    def exclusive(self, owner: str, wait: float | None = None) -> Iterator[None]:
        """Hold the store for writing; nested uses of one object are one.

        `wait` is in seconds (default: `store.lock_wait_seconds`). Raises StoreBusyError naming the
        holder, StoreError where the store cannot be written.
        """
        if self._lock.held:
            yield
            return
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"{self.path}: cannot be created ({error.strerror}); give another store.path"
            ) from error
        self._lock.acquire(owner, self.settings.lock_wait_seconds if wait is None else wait)
        try:
            yield
        finally:
            self._lock.release()

    def writer(self, table: str, run_id: str) -> TableWriter:
        """A writer of rows for a later commit of the run; what it writes is staged, not yet seen."""
        return self._writer(table, run_id, rewriting=False)

    def commit(
        self,
        run_id: str,
        *,
        appends: Mapping[str, Sequence[DataFile]],
        deletes: Mapping[str, Iterable[str]] | None = None,
        facts: RunFacts | None = None,
        parent: int | None = None,
    ) -> Manifest:
        """Make the next version: `appends` (files of the run's writers) come, rows of `deletes` go.

        `deletes` holds ids by table, in the column of `KEYS`; ids that do not exist are passed
        over. Deleting and appending one id replaces its row. `parent` is the version the run was
        computed against (0: none): another one at this time is a ConflictError. A run that has
        committed already gets its manifest back; one that changes nothing gets the present one.
        The lock must be held. Raises LedgerError when captures, outcomes and documents do not
        balance; then nothing has changed.
        """
        previous = self._writable()
        now = previous.version if previous else 0
        if previous and previous.run_id == run_id:
            self._forget(run_id)
            return previous
        if parent is not None and parent != now:
            raise ConflictError(
                f"{self.path}: the run was computed against v{parent}, but v{now} is the latest; run it again"
            )
        facts = facts or RunFacts()
        deletes = deletes or {}
        for name in {*appends, *deletes} - set(TABLES):
            raise StoreError(f"unknown table {name}; there are {', '.join(TABLES)}")
        with engine(self.settings, self._staging / "scratch") as sql:
            planner = Planner(
                sql,
                current=self.file,
                staged=lambda table, name: self._staged(run_id, table) / name,
                writer=lambda table: self._writer(table, run_id, rewriting=True),
            )
            changes = {
                table: planner.change(
                    table,
                    previous.files(table) if previous else [],
                    appends.get(table, ()),
                    deletes.get(table, ()),
                )
                for table in TABLES
            }
            check_ledger(changes["captures"], facts)
            planner.check_pairs(changes["documents"], changes["captures"])
        files = {table: change.after for table, change in changes.items()}
        if previous and all(files[table] == previous.files(table) for table in TABLES):
            self._forget(run_id)
            return previous
        counts = Counts(
            read=facts.read, repeated=facts.repeated, documents=document_counts(changes["documents"])
        )
        return self.install(run_id, files, counts, facts, previous)

    def install(
        self,
        run_id: str,
        files: Mapping[str, Sequence[DataFile]],
        counts: Counts,
        facts: RunFacts,
        previous: Manifest | None,
    ) -> Manifest:
        """Make these files (stored or staged by the run) the next version; the lock must be held.

        Totals, outcomes and the digest follow from the files.
        """
        complete = {table: self._never_empty(table, files.get(table, ()), run_id) for table in TABLES}
        outcomes, rules = tallies(complete["captures"])
        rows = {table: sum(file.rows for file in complete[table]) for table in TABLES}
        if sum(outcomes.values()) != rows["captures"]:
            raise StoreError(f"{rows['captures']} captures, but {sum(outcomes.values())} outcomes")
        draft = Manifest(
            version=previous.version + 1 if previous else 1,
            parent=previous.version if previous else None,
            run_id=run_id,
            created_at=datetime.now(UTC),
            counts=counts.model_copy(
                update={
                    "captures": rows["captures"],
                    "outcomes": outcomes,
                    "rules": rules,
                    "documents": counts.documents.model_copy(update={"total": rows["documents"]}),
                }
            ),
            content_digest=content_digest(complete["documents"]),
            tables={
                table: TablePin(delta_version=-1, rows=rows[table], files=complete[table]) for table in TABLES
            },
            **facts.model_dump(exclude={"read", "repeated"}),
        )
        disk.write_file(self._redo, draft.model_dump_json())
        return self._finish(draft)

    def recover(self) -> list[str]:
        """Put right what an interrupted run left, to be called with the lock held before a run.

        A commit whose redo log was complete is finished, anything before that is discarded.
        Returns sentences that say what was done; none when all was well.
        """
        self._require_lock()
        done: list[str] = []
        self._staging.mkdir(exist_ok=True)
        if self._redo.exists():
            done.append(self._redo_commit())
        done += self._clean()
        return done

    def discard(self, versions: Iterable[int]) -> None:
        """Take versions and the files that only they have from the disk; the lock must be held."""
        self._require_lock()
        self._trash.mkdir(parents=True, exist_ok=True)
        for version in versions:
            self.published(version).rename(self._trash / f"v{version}")
        disk.sync_folder(self.snapshots)
        self._empty_trash()

    # The steps of a commit

    def _finish(self, draft: Manifest) -> Manifest:
        """Carry out a redo log; every step may be repeated."""
        previous = self.latest()
        pins = {}
        for table, pin in draft.tables.items():
            if previous and previous.files(table) == pin.files:
                pins[table] = previous.tables[table]
                continue
            self._move_in(draft.run_id, table, pin.files)
            delta_version = delta.align(
                self.path / "tables" / table, TABLES[table], pin.files, draft.run_id, draft.version
            )
            pins[table] = pin.model_copy(update={"delta_version": delta_version})
        manifest = draft.model_copy(update={"tables": pins})
        folder = self._staging / f"v{manifest.version}"
        disk.remove_tree(folder)
        folder.mkdir()
        for table, name in PUBLISHED.items():
            disk.link_files((self.file(table, file.name) for file in manifest.files(table)), folder / name)
        disk.write_file(folder / "SUMMARY.md", summary(manifest))
        disk.write_file(folder / "manifest.json", manifest.model_dump_json(indent=1))
        self.snapshots.mkdir(exist_ok=True)
        try:
            folder.rename(self.snapshots / folder.name)
        except OSError as error:
            if (self.snapshots / folder.name).exists():
                raise ConflictError(
                    f"{self.path}: {folder.name} was made by another run; run again"
                ) from error
            raise
        disk.sync_folder(self.snapshots)
        self._redo.unlink()
        self._forget(manifest.run_id)
        return manifest

    def _move_in(self, run_id: str, table: str, files: Iterable[DataFile]) -> None:
        home = self.path / "tables" / table
        home.mkdir(parents=True, exist_ok=True)
        moved = False
        for file in files:
            staged = self._staged(run_id, table) / file.name
            if staged.exists():
                staged.chmod(0o444)  # versions share the file: nobody should write to it
                staged.rename(home / file.name)
                moved = True
        if moved:
            disk.sync_folder(home)

    def _never_empty(self, table: str, files: Sequence[DataFile], run_id: str) -> list[DataFile]:
        """A folder without any Parquet file cannot be read, so an empty table has a file without rows."""
        if files or table not in PUBLISHED:
            return list(files)
        writer = self.writer(table, run_id)
        with writer:
            writer.write_empty()
        return writer.files

    # Recovery

    def _redo_commit(self) -> str:
        draft = load_manifest(self._redo, Manifest)
        latest = self.latest()
        if latest and latest.version >= draft.version:
            if latest.run_id != draft.run_id:
                self._roll_back(latest)
            self._redo.unlink()
            if latest.run_id == draft.run_id:
                return f"the commit of v{draft.version} had been completed; removed its redo log"
            return f"run {draft.run_id} lost against run {latest.run_id}; removed its redo log"
        missing = [
            file.name
            for table, pin in draft.tables.items()
            for file in pin.files
            if not self._intact(draft.run_id, table, file)
        ]
        if missing:
            self._roll_back(latest)
            self._redo.unlink()
            return (
                f"discarded the interrupted commit of v{draft.version}: {missing[0]} is missing or incomplete"
            )
        self._finish(draft)
        return f"completed the interrupted commit of v{draft.version} (run {draft.run_id})"

    def _intact(self, run_id: str, table: str, file: DataFile) -> bool:
        places = (self.file(table, file.name), self._staged(run_id, table) / file.name)
        return any(place.exists() and place.stat().st_size == file.bytes for place in places)

    def _roll_back(self, latest: Manifest | None) -> None:
        for table, schema in TABLES.items():
            folder = self.path / "tables" / table
            if folder.exists():
                files = latest.files(table) if latest else []
                delta.align(folder, schema, files, "roll-back", latest.version if latest else 0)

    def _empty_trash(self) -> int:
        dropped = [
            load_manifest(folder / "manifest.json", Manifest) for folder in sorted(self._trash.glob("v*"))
        ]
        needed = {
            (table, file.name)
            for version in (self.versions() if dropped else [])
            for table, pin in self.manifest(version).tables.items()
            for file in pin.files
        }
        for manifest in dropped:
            for table, pin in manifest.tables.items():
                for file in pin.files:
                    if (table, file.name) not in needed:
                        self.file(table, file.name).unlink(missing_ok=True)
            # The manifest goes last: it is the list by which an interrupted removal goes on.
            folder = self._trash / f"v{manifest.version}"
            for name in PUBLISHED.values():
                disk.remove_tree(folder / name)
            disk.remove_tree(folder)
        disk.remove_tree(self._trash)
        return len(dropped)

    def _clean(self) -> list[str]:
        left = list((self._staging / "files").rglob("*.parquet"))
        done = []
        if left:
            done.append(f"removed {len(left)} files of a run that ended before its commit")
        dropped = self._empty_trash()
        if dropped:
            done.append(f"finished dropping {dropped} versions")
        for folder in self._staging.iterdir():
            if folder.name in ("files", "scratch") or VERSION.fullmatch(folder.name):
                disk.remove_tree(folder)
        for draft in self._staging.glob(".*.tmp"):
            draft.unlink()
        return done

    # Small things

    def _writer(self, table: str, run_id: str, *, rewriting: bool) -> TableWriter:
        prefix = f"v{self.next_version():05d}"
        folder = self._staged(run_id, table)
        return TableWriter(folder, table, prefix, self.settings, rewriting=rewriting)

    @property
    def _staging(self) -> Path:
        return self.path / "staging"

    @property
    def _trash(self) -> Path:
        return self._staging / "trash"

    @property
    def _redo(self) -> Path:
        return self._staging / "commit.json"

    def _run_folder(self, run_id: str) -> Path:
        return self._staging / "files" / _UNSAFE.sub("_", run_id)

    def _staged(self, run_id: str, table: str) -> Path:
        return self._run_folder(run_id) / table

    def _forget(self, run_id: str) -> None:
        disk.remove_tree(self._run_folder(run_id))

    def _require_lock(self) -> None:
        if not self._lock.held:
            raise StoreError(f"{self.path}: not held; use `with store.exclusive(...)` around what writes")

    def _writable(self) -> Manifest | None:
        self._require_lock()
        self._staging.mkdir(exist_ok=True)
        if self._redo.exists():
            raise StoreError(f"{self.path}: an interrupted commit is waiting; call recover() first")
        return self.latest()


__all__ = ["KEYS", "RunFacts", "Store", "TableWriter"]
