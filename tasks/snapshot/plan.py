"""From rows to add and keys to delete to the file lists of the next version, checked.

Nothing that the store shows is touched here: rewritten files go where the writers put theirs.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tasks.snapshot.digest import check_bytes, documents_digest, hex_digest
from tasks.snapshot.errors import DamagedError, LedgerError
from tasks.snapshot.manifest import KEYS, DataFile, DocumentCounts, RunFacts
from tasks.snapshot.reader import dataset
from tasks.snapshot.search import same, view
from tasks.snapshot.writer import TableWriter, conform
from tasks.tables import TABLES

_BATCH: Final = 4096

_DOUBLES: Final = "SELECT key, count(*) FROM new GROUP BY key HAVING count(*) > 1 ORDER BY key LIMIT 1"

_HITS: Final = """
WITH wanted AS (
    SELECT key, bool_or(doomed) AS doomed, bool_or(new) AS new
    FROM (SELECT key, true AS doomed, false AS new FROM doomed UNION ALL SELECT key, false, true FROM new)
    GROUP BY key
)
SELECT filename, count(*) FILTER (doomed), count(*) FILTER (doomed AND new),
       count(*) FILTER (NOT doomed), min(key) FILTER (NOT doomed)
FROM old JOIN wanted USING (key) GROUP BY filename
"""

_SUMS: Final = """
CREATE OR REPLACE TEMP TABLE {name}_sums AS
SELECT hash(document_id) AS key, hash(d) AS sum FROM (SELECT * EXCLUDE (text) FROM {name}) d
WHERE document_id IN (SELECT key FROM doomed SEMI JOIN new USING (key))
"""
"""Two numbers for each document that is deleted and appended again; the text counts by its sum."""
_ALIKE: Final = "SELECT count(*) FROM was_sums JOIN come_sums USING (key, sum)"

_BALANCE: Final = """
    SELECT capture_id, document_id, 1 AS n FROM come_captures WHERE outcome = 'kept'
    UNION ALL SELECT capture_id, document_id, -1 FROM gone_captures WHERE outcome = 'kept'
    UNION ALL SELECT capture_id, document_id, -1 FROM come_documents
    UNION ALL SELECT capture_id, document_id, 1 FROM gone_documents
"""
# Numbers instead of ids: a quarter of the memory, of which whole rewritten files need much.
_ODD: Final = f"""
CREATE OR REPLACE TEMP TABLE odd AS
SELECT capture, document, sum(n) AS surplus
FROM (SELECT hash(capture_id) AS capture, hash(document_id) AS document, n FROM ({_BALANCE}))
GROUP BY capture, document HAVING sum(n) <> 0
"""
_PAIRS: Final = f"""
SELECT capture_id, document_id, surplus, (SELECT count(*) FROM odd)
FROM ({_BALANCE}) JOIN odd ON capture = hash(capture_id) AND document = hash(document_id)
ORDER BY capture_id, document_id LIMIT 1
"""


@dataclass(frozen=True)
class TableChange:
    """One table on the way to the next version."""

    table: str
    before: list[DataFile]
    after: list[DataFile]
    added: int
    """Rows appended."""
    removed: int
    """Rows deleted that were there."""
    replaced: int
    """Of those, rows whose key was appended again."""
    alike: int = 0
    """Documents only: of those, rows that came back as they were (a reclean decides all anew)."""


@dataclass(frozen=True)
class _Hit:
    file: str
    removed: int
    replaced: int
    clashes: int
    example: str | None


class Planner:
    """Works out the changes of one commit.

    `current(table, files)` gives local paths of files of the present version, `staged(table, name)` of
    one just written, `writer(table)` opens a writer for rewritten files.
    """

    def __init__(
        self,
        sql: duckdb.DuckDBPyConnection,
        current: Callable[[str, Sequence[DataFile]], list[Path]],
        staged: Callable[[str, str], Path],
        writer: Callable[[str], TableWriter],
    ) -> None:
        self._sql = sql
        self._current = current
        self._staged = staged
        self._writer = writer

    def change(
        self, table: str, before: list[DataFile], appends: Sequence[DataFile], deletes: Iterable[str]
    ) -> TableChange:
        """Plan one table: files without a deleted key stay, the others are rewritten without them.

        Raises LedgerError where an appended key exists already or comes twice.
        """
        key = KEYS[table]
        doomed = pa.array(sorted(set(deletes)), pa.string())
        added = [file for file in appends if file.rows]
        if not added and not len(doomed):
            return TableChange(table, before, before, added=0, removed=0, replaced=0)
        kept = [file for file in before if file.rows]
        self._sql.register("doomed", pa.table({"key": doomed}))
        view(self._sql, "new", (self._staged(table, f.name) for f in added), {"key": key})
        view(self._sql, "old", self._current(table, kept), {"key": key, "filename": "filename"})
        self._refuse_doubles(table)
        hits = self._hits() if kept else []
        for hit in hits:
            if hit.clashes:
                raise LedgerError(
                    f"table {table}: {hit.clashes} rows to append have a {key} that exists already "
                    f"(e.g. {hit.example}); delete the old row in the same commit to replace it"
                )
        touched = {hit.file: hit for hit in hits if hit.removed}
        after = [file for file in kept if file.name not in touched]
        after += [
            self._rewrite(table, file, doomed)
            for file in kept
            if file.name in touched and touched[file.name].removed < file.rows
        ]
        after += added
        return TableChange(
            table,
            before,
            after,
            added=sum(file.rows for file in added),
            removed=sum(hit.removed for hit in hits),
            replaced=sum(hit.replaced for hit in hits),
            alike=self._alike(table, [file for file in kept if file.name in touched], added),
        )

    def _alike(self, table: str, before: list[DataFile], added: list[DataFile]) -> int:
        if table != "documents" or not before or not added:
            return 0
        self._sql.register("was", dataset(table, self._current(table, before)))
        self._sql.register("come", dataset(table, [self._staged(table, file.name) for file in added]))
        for name in ("was", "come"):
            self._sql.execute(_SUMS.format(name=name))
        return int(self._sql.execute(_ALIKE).fetchall()[0][0])

    def check_pairs(self, documents: TableChange, captures: TableChange) -> None:
        """Every kept capture has its document and every document its one kept capture.

        They did before this commit, so it is enough that the rows that leave and the rows that
        come cancel out. Raises LedgerError with an example.
        """
        for change in (documents, captures):
            old = {file.name for file in change.before}
            new = {file.name for file in change.after}
            come = [self._staged(change.table, f.name) for f in change.after if f.name not in old and f.rows]
            left = [file for file in change.before if file.name not in new and file.rows]
            gone = self._current(change.table, left)
            columns = same("capture_id", "document_id", *(["outcome"] if change is captures else []))
            view(self._sql, f"come_{change.table}", come, columns)
            view(self._sql, f"gone_{change.table}", gone, columns)
        self._sql.execute(_ODD)
        if self._sql.execute("SELECT count(*) FROM odd").fetchall() == [(0,)]:
            return
        odd = self._sql.execute(_PAIRS).fetchone()
        if odd:
            capture, document, surplus, count = odd
            what = (
                f"capture {capture} is kept as document {document}, but there is no such document"
                if surplus > 0
                else f"document {document} names capture {capture}, which the ledger does not keep for it"
            )
            raise LedgerError(
                f"ledger and documents disagree in {count} places: {what}; nothing was committed"
            )

    def _refuse_doubles(self, table: str) -> None:
        double = self._sql.execute(_DOUBLES).fetchone()
        if double:
            raise LedgerError(
                f"table {table}: {KEYS[table]} {double[0]} is appended {double[1]} times; once is right"
            )

    def _hits(self) -> list[_Hit]:
        return [_Hit(Path(name).name, *rest) for name, *rest in self._sql.execute(_HITS).fetchall()]

    def _rewrite(self, table: str, file: DataFile, doomed: pa.Array) -> DataFile:
        """The file without the rows of these keys."""
        (path,) = self._current(table, [file])
        check_bytes(path, file.sha256)
        digest = int(file.digest or "0", 16)
        try:
            with (
                self._writer(table) as writer,
                pq.ParquetFile(path, page_checksum_verification=True) as source,
            ):
                today = TABLES[table]
                known = [name for name in source.schema_arrow.names if name in today.names]
                same_columns = all(f in today for f in source.schema_arrow)
                if not same_columns:  # columns went or changed: every row has another digest
                    digest = 0
                for batch in source.iter_batches(batch_size=_BATCH):
                    gone = pc.is_in(batch.column(KEYS[table]), value_set=doomed)
                    kept = conform(batch.filter(pc.invert(gone)).select(known), table)
                    writer.write(kept)
                    if file.digest:
                        digest += (
                            -documents_digest(batch.filter(gone)) if same_columns else documents_digest(kept)
                        )
        except (pa.ArrowException, OSError) as error:
            if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise DamagedError(
                f"{path}: cannot be read ({error}); see `qingyuan snapshots verify`"
            ) from error
        (rewritten,) = writer.files
        return rewritten.model_copy(update={"digest": hex_digest(digest) if file.digest else ""})


def check_ledger(captures: TableChange, facts: RunFacts) -> None:
    """What came in is what stands in the ledger. Raises LedgerError."""
    lost = captures.removed - captures.replaced
    if lost:
        raise LedgerError(
            f"{lost} captures would vanish from the ledger; a capture may change its outcome, not leave"
        )
    new = captures.added - captures.replaced
    if new != facts.read - facts.repeated:
        raise LedgerError(
            f"captures do not balance: {facts.read} read, {facts.repeated} of them known already, "
            f"so {facts.read - facts.repeated} outcomes are due, but {new} stand in the ledger; "
            "nothing was committed"
        )


def document_counts(documents: TableChange) -> DocumentCounts:
    """New, changed and gone documents of a change."""
    return DocumentCounts(
        total=sum(file.rows for file in documents.after),
        new=documents.added - documents.replaced,
        changed=documents.replaced - documents.alike,
        gone=documents.removed - documents.replaced,
    )
