"""The store: versions of the corpus, each appearing in one step or not at all.

    tables/<name>/           Parquet files and a Delta log, shared by all versions
    snapshots/vN/            manifest.json, SUMMARY.md; in a folder also data/, captures/ (hard links)
    staging/commit.json      the redo log
    index/                   lookups of the signatures (tasks/dedupe/index.py); may be deleted
    lock                     held by the one run that writes

A commit writes everything it needs into the local folder `staging/files`, then the redo log, then
moves the files in, then the Delta logs, and last lets the manifest appear: only that step is visible
(in a folder the rename of a finished folder, on objects a put that succeeds once). Readers go by the
manifest of a version and never wait.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from config.settings import StoreSettings
from tasks.files import ObjectFiles, open_files
from tasks.snapshot import delta
from tasks.snapshot.errors import ConflictError, StoreBusyError, StoreError
from tasks.snapshot.lease import Lease
from tasks.snapshot.lock import Exclusive, Lock
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
from tasks.snapshot.reader import SNAPSHOTS, parse_manifest, table_file
from tasks.snapshot.remains import TRASH, Remains
from tasks.snapshot.search import engine
from tasks.snapshot.summary import summary
from tasks.snapshot.writer import TableWriter
from tasks.tables import TABLES

_REDO: Final = "staging/commit.json"


class Store(Remains):
    """Versions in a folder or on objects. One instance serves one thread; several processes may each have one."""

    def __init__(self, settings: StoreSettings) -> None:
        self.settings = settings
        folder = settings.folder.absolute()
        home = open_files(settings.path, folder / "copies", settings.options)
        super().__init__(home, folder)
        self._lock: Exclusive = (
            Lease(home, settings.lock_lease_seconds)
            if isinstance(home, ObjectFiles)
            else Lock(folder / "lock")
        )

    @classmethod
    def open(cls, path: str | Path) -> Store:
        """A store by its folder or address, with default settings; it is created by its first commit."""
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
                f"{self.home.address}: the run was computed against v{parent}, but v{now} is the latest; run it again"
            )
        facts = facts or RunFacts()
        deletes = deletes or {}
        for name in {*appends, *deletes} - set(TABLES):
            raise StoreError(f"unknown table {name}; there are {', '.join(TABLES)}")
        with engine(self.settings, self._staging / "scratch") as sql:
            planner = Planner(
                sql,
                current=self.local,
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
        self.home.write(_REDO, draft.model_dump_json().encode())
        return self._finish(draft)

    def recover(self) -> list[str]:
        """Put right what an interrupted run left, to be called with the lock held before a run.

        A commit whose redo log was complete is finished, anything before that is discarded.
        Returns sentences that say what was done; none when all was well.
        """
        self._require_lock(self._lock.confirmed())
        self._staging.mkdir(parents=True, exist_ok=True)
        done = []
        if self.home.size(_REDO) is not None:
            done.append(self._redo_commit())
        return done + self._clean()

    def discard(self, versions: Iterable[int]) -> None:
        """Take versions and the files that only they have away; the lock must be held."""
        self._require_lock()
        for version in versions:
            self.published(version)
            self.home.move(f"{SNAPSHOTS}/v{version}", f"{TRASH}/v{version}")
        self._empty_trash()

    # The steps of a commit

    def _finish(self, draft: Manifest) -> Manifest:
        """Carry out a redo log; every step may be repeated."""
        previous = self.latest()
        pins = {}
        for table, pin in draft.tables.items():
            if previous and table in previous.tables and previous.files(table) == pin.files:
                pins[table] = previous.tables[table]
                continue
            self._move_in(draft.run_id, table, pin.files)
            delta_version = delta.align(
                self.home, f"tables/{table}", TABLES[table], pin.files, draft.run_id, draft.version
            )
            pins[table] = pin.model_copy(update={"delta_version": delta_version})
        manifest = draft.model_copy(update={"tables": pins})
        self._appear(manifest)
        if self._lock.confirmed():  # else the redo log may be another's; ours is found to be done
            self.home.remove([_REDO])
        self._forget(manifest.run_id)
        return manifest

    def _appear(self, manifest: Manifest) -> None:
        """The visible step. Raises ConflictError where another run has made this version."""
        self._require_lock(self._lock.confirmed())
        name = f"{SNAPSHOTS}/v{manifest.version}"
        texts = {"manifest.json": manifest.model_dump_json(indent=1), "SUMMARY.md": summary(manifest)}
        links = {
            place: self.local(table, manifest.files(table))
            for table, place in PUBLISHED.items()
            if self.home.folder  # objects have no second names: there the manifest lists the files
        }
        try:
            self.home.appear(name, texts, links)
        except FileExistsError as error:
            if self.manifest(manifest.version).run_id != manifest.run_id:
                raise ConflictError(
                    f"{self.home.address}: v{manifest.version} was made by another run; run again"
                ) from error
            self.home.write(f"{name}/SUMMARY.md", texts["SUMMARY.md"].encode())

    def _move_in(self, run_id: str, table: str, files: Iterable[DataFile]) -> None:
        staged = self._staged(run_id, table)
        self.home.move_in((staged / file.name, table_file(table, file.name)) for file in files)

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
        draft = parse_manifest(self.home.read(_REDO), Manifest, self.home.where(_REDO))
        latest = self.latest()
        if latest and latest.version >= draft.version and latest.run_id == draft.run_id:
            said = f"the commit of v{draft.version} had been completed; removed its redo log"
        elif latest and latest.version >= draft.version:
            self._roll_back(draft, latest)
            said = f"run {draft.run_id} lost against run {latest.run_id}; removed its redo log"
        elif missing := self._missing(draft):
            self._roll_back(draft, latest)
            said = f"discarded the interrupted commit of v{draft.version}: {missing} is missing or incomplete"
        else:
            self._finish(draft)
            return f"completed the interrupted commit of v{draft.version} (run {draft.run_id})"
        self.home.remove([_REDO])
        return said

    # Small things

    def _writer(self, table: str, run_id: str, *, rewriting: bool) -> TableWriter:
        prefix = f"v{self.next_version():05d}"
        folder = self._staged(run_id, table)
        return TableWriter(folder, table, prefix, self.settings, rewriting=rewriting)

    def _require_lock(self, held: bool | None = None) -> None:
        if not (self._lock.held if held is None else held):
            raise StoreBusyError(
                f"{self.home.address}: not held (any more); a run that was cut off from the store starts again"
            )

    def _writable(self) -> Manifest | None:
        self._require_lock()
        self._staging.mkdir(parents=True, exist_ok=True)
        if self.home.size(_REDO) is not None:
            raise StoreError(f"{self.home.address}: an interrupted commit is waiting; call recover() first")
        return self.latest()


__all__ = ["KEYS", "RunFacts", "Store", "TableWriter"]
