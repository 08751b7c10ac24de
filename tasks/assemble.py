"""From the decisions of the stages to the rows of the tables: the ledger, the documents, the counts.

Joins over the staged files of a run in bounded memory: what holds texts is put together a few shards at
a time, in the order of its keys. Workers and the order of arrival leave no trace, and the digest of the
content knows no order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa

from config.settings import StoreSettings
from tasks.archive import Place
from tasks.basis import Basis
from tasks.dedupe.report import CHANGES, DECISIONS
from tasks.dedupe.resolve import Matched
from tasks.snapshot.search import engine
from tasks.tables import CAPTURES, CLEANED, DOCUMENTS, PAYLOADS, PLACE, SIGNATURES, STAGED

BATCH: Final = 1000
"""Rows of a batch: a thousand documents are a few megabytes."""


SHARDS: Final = 16
"""Shards whose rows are put together at a time: what is joined and sorted with texts stays a few megabytes."""

GONE: Final = pa.schema(
    [pa.field("url_key", pa.string()), pa.field("gone_at", DOCUMENTS.field("gone_at").type)]
)
"""Pages found deleted: the key of their address, and when that was first seen."""


@dataclass(frozen=True)
class Funnel:
    """What became of the captures of a run."""

    read: int = 0
    """Captures read."""
    known: int = 0
    """Of these, captures that an earlier version knows, and repeated readings in this run."""
    outcomes: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """New captures by (outcome, rule)."""
    changed: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """Captures of earlier versions whose outcome changed, by the new (outcome, rule)."""

    @property
    def new(self) -> int:
        """Captures that no version knew."""
        return sum(self.outcomes.values())

    def rows(self) -> list[tuple[str, str, int]]:
        """(outcome, rule, captures), most frequent first."""
        counted = [(outcome, rule, count) for (outcome, rule), count in self.outcomes.items()]
        return sorted(counted, key=lambda row: (-row[2], row[0], row[1]))


def _list(files: Sequence[Path | str]) -> str:
    return "[" + ", ".join("'" + str(file).replace("'", "''") + "'" for file in files) + "]"


def _view(
    sql: duckdb.DuckDBPyConnection,
    name: str,
    files: Sequence[Path | str],
    schema: pa.Schema,
    *,
    columns: str | None = None,
    options: str = "union_by_name = true",
) -> None:
    """Name the rows of Parquet files; without files a view of no rows with the columns of `schema`."""
    place = [pa.field("filename", pa.string()), pa.field("file_row_number", pa.int64())]
    sql.register(f"no_{name}", pa.schema([*schema, *place]).empty_table())
    rows = f"SELECT * FROM no_{name}"
    if files:
        # By name: files of an older schema lack columns, which are null then.
        rows = f"SELECT * FROM read_parquet({_list(files)}, {options}) UNION ALL BY NAME {rows}"
    sql.execute(f"CREATE OR REPLACE VIEW {name} AS SELECT {columns or ', '.join(schema.names)} FROM ({rows})")


def _view_shards(
    sql: duckdb.DuckDBPyConnection, captures: Sequence[Path], cleaned: Sequence[Path], suffix: str = ""
) -> None:
    """Name the rows of shards of captures (`staged`) and of cleaned captures (`cleaned`)."""
    columns = f"{', '.join(PLACE)}, filename AS shard, file_row_number AS shard_row"
    options = "filename = true, file_row_number = true"
    _view(sql, f"staged{suffix}", captures, STAGED, columns=columns, options=options)
    _view(sql, f"cleaned{suffix}", cleaned, CLEANED, options="filename = true")


class Assembly:
    """SQL over what the stages of one run left, and over the ledger of the version it builds on."""

    def __init__(
        self, sql: duckdb.DuckDBPyConnection, version: int, captures: Sequence[Path], cleaned: Sequence[Path]
    ) -> None:
        self._sql = sql
        self._version = version
        self._captures = captures
        self._cleaned = {path.name: path for path in cleaned}

    @classmethod
    @contextmanager
    def open(
        cls,
        *,
        captures: Sequence[Path],
        cleaned: Sequence[Path],
        settled: Sequence[Path],
        exact: Path,
        matched: Matched,
        basis: Basis,
        gone: pa.Table,
        version: int,
        settings: StoreSettings,
        scratch: Path,
    ) -> Iterator[Assembly]:
        """Over shards of captures and of cleaned captures (`settled`: some of them once more), the exact
        marks and what matching decided.

        `gone` holds the pages found deleted (GONE); `version` is the number of the next version.
        """
        with engine(settings, scratch) as sql:
            _view_shards(sql, captures, cleaned)
            _view(sql, "settled", settled, CLEANED, columns="capture_id, filename", options="filename = true")
            _view(sql, "ledger", basis.ledger, CAPTURES)
            _view(sql, "stored", basis.documents, DOCUMENTS)
            _view(sql, "before_rows", basis.before, CAPTURES)
            sql.execute(f"CREATE VIEW exact AS SELECT * FROM read_parquet({_list([exact])})")
            _view(sql, "superseded", matched.files("superseded"), DECISIONS)
            _view(sql, "decided", matched.files("captures") + matched.files("superseded"), DECISIONS)
            _view(sql, "change_rows", matched.files("documents"), CHANGES)
            _view(sql, "signed", matched.files("signatures"), SIGNATURES)
            sql.register("gone", gone)
            numbers = range(len(captures))
            names = pa.array(map(str, captures), pa.string())
            portions = pa.array([number // SHARDS for number in numbers], pa.int32())
            sql.register(
                "shards",
                pa.table({"shard": names, "number": pa.array(numbers, pa.int32()), "portion": portions}),
            )
            sql.execute(_OUTCOMES)
            yield cls(sql, version, captures, cleaned)

    def funnel(self) -> Funnel:
        """The counts of the run."""
        read = self._count("SELECT count(*) FROM staged")
        outcomes = self._sql.execute("SELECT outcome, rule, count(*) FROM outcomes GROUP BY ALL").fetchall()
        changed = self._sql.execute(
            "SELECT d.outcome, d.rule, count(*) FROM decided d JOIN ledger USING (capture_id) GROUP BY ALL"
        ).fetchall()
        new = sum(count for _, _, count in outcomes)
        return Funnel(
            read=read,
            known=read - new,
            outcomes={(outcome, rule): count for outcome, rule, count in outcomes},
            changed={(outcome, rule): count for outcome, rule, count in changed},
        )

    def changed_captures(self) -> list[str]:
        """Ids of captures of earlier versions whose outcome changes."""
        rows = self._sql.execute("SELECT capture_id FROM decided JOIN ledger USING (capture_id) ORDER BY 1")
        return [capture for (capture,) in rows.fetchall()]

    def _portions(self) -> Iterator[None]:
        """Let the views of _SOME stand for SHARDS shards after the other."""
        for start in range(0, len(self._captures), SHARDS):
            captures = self._captures[start : start + SHARDS]
            cleaned = [self._cleaned[path.name] for path in captures if path.name in self._cleaned]
            _view_shards(self._sql, captures, cleaned, "_some")
            portion = start // SHARDS
            rows = self._sql.execute(
                f"SELECT DISTINCT filename FROM again WHERE portion = {portion}"
            ).fetchall()
            _view(self._sql, "settled_some", [file for (file,) in sorted(rows)], CLEANED)
            self._sql.execute(_SOME.format(portion=portion))
            yield

    def ledger_rows(self) -> Iterator[pa.RecordBatch]:
        """Rows of the ledger that are new, a few shards at a time by capture id, then of those that changed."""
        columns = ", ".join(f"{_LEDGER.get(name, 'r.' + name)} AS {name}" for name in CAPTURES.names)
        changed = ", ".join(
            f"{self._version} AS decided"
            if name == "decided"
            else f"d.{name}"
            if name in _DECIDED
            else f"l.{name}"
            for name in CAPTURES.names
        )
        for _ in self._portions():
            yield from self._batches(
                f"""
                SELECT {columns.replace("$version", str(self._version))}
                FROM some_readings r JOIN some_outcomes o USING (capture_id)
                LEFT JOIN cleaned_some c USING (capture_id) LEFT JOIN some_before b USING (capture_id)
                ORDER BY capture_id
                """,
                CAPTURES,
            )
        yield from self._batches(
            f"SELECT {changed} FROM decided d JOIN ledger l USING (capture_id) ORDER BY capture_id", CAPTURES
        )

    def signature_rows(self) -> Iterator[pa.RecordBatch]:
        """Signatures of the kept captures, by capture id."""
        yield from self._batches("SELECT * FROM signed ORDER BY capture_id", SIGNATURES)

    def superseded(self) -> list[str]:
        """Ids of captures of earlier versions that are canonical no longer."""
        rows = self._sql.execute("SELECT capture_id FROM superseded ORDER BY 1")
        return [capture for (capture,) in rows.fetchall()]

    def document_rows(self) -> Iterator[pa.RecordBatch]:
        """Rows of documents that are new or get another text, a few shards at a time by document id, then
        of those of which something new is known."""
        fresh = {"document_id": "x.document_id", "contains": "x.contains", "gone_at": "g.gone_at"}
        staged = {name: f"r.{name}" for name in DOCUMENTS.names if name in PLACE}
        both = "list_sort(list_distinct(list_concat(coalesce(s.contains, []), x.contains)))"
        contains = f"CASE WHEN x.document_id IS NULL THEN s.contains ELSE {both} END"
        told = {"contains": contains, "gone_at": "t.gone_at"}
        columns = ", ".join(
            f"{(staged | fresh).get(name, 'c.' + name)} AS {name}" for name in DOCUMENTS.names
        )
        linked = ", ".join(f"{told.get(name, 's.' + name)} AS {name}" for name in DOCUMENTS.names)
        for _ in self._portions():
            yield from self._batches(
                f"""
                SELECT {columns} FROM some_final c JOIN some_changes x USING (capture_id)
                JOIN some_readings r USING (capture_id) LEFT JOIN gone g ON g.url_key = r.url_key
                WHERE x.new OR x.replaces IS NOT NULL ORDER BY document_id
                """,
                DOCUMENTS,
            )
        if self._count("SELECT count(*) FROM told"):
            yield from self._batches(
                f"""
                SELECT {linked} FROM stored s JOIN told t USING (document_id)
                LEFT JOIN changes x USING (document_id) ORDER BY document_id
                """,
                DOCUMENTS,
            )

    def payload_places(self, collections: Sequence[str], archive: Sequence[str]) -> Iterator[Place]:
        """Staged captures of these collections that are new, and whether their bytes are new to the archive.

        `archive` holds the files of the table of payloads.
        """
        _view(self._sql, "archive", archive, PAYLOADS, columns="payload_sha256")
        self._sql.register("kept", pa.table({"collection": pa.array(collections, pa.string())}))
        reader = self._sql.sql(
            """
            SELECT shard, shard_row, payload_sha256 NOT IN (SELECT payload_sha256 FROM archive)
                AND row_number() OVER (PARTITION BY payload_sha256 ORDER BY shard, shard_row) = 1 AS fresh
            FROM readings SEMI JOIN kept USING (collection) ORDER BY shard, shard_row
            """
        ).to_arrow_reader(BATCH)
        for batch in reader:
            yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)

    def changed_documents(self) -> list[str]:
        """Ids of stored documents whose rows are replaced."""
        rows = self._sql.execute(
            "SELECT document_id FROM changes WHERE NOT new AND replaces IS NOT NULL "
            "UNION SELECT document_id FROM told ORDER BY 1"
        )
        return [document for (document,) in rows.fetchall()]

    def _count(self, query: str) -> int:
        ((count,),) = self._sql.execute(query).fetchall()
        return int(count)

    def _batches(self, query: str, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        for batch in self._sql.sql(query).to_arrow_reader(BATCH):
            yield pa.Table.from_batches([batch]).cast(schema).to_batches()[0] if batch.num_rows else batch


_DECIDED: Final = frozenset(("outcome", "rule", "reason", "figure", "threshold", "document_id", "of_capture"))
_LEDGER: Final = {name: f"o.{name}" for name in _DECIDED} | {
    "charset": "c.charset",
    "charset_evidence": "c.charset_evidence",
    "replaced_bytes": "c.replaced_bytes",
    # A capture decided afresh arrived when it did, and was decided then if nothing has changed.
    "version": "coalesce(b.version, $version)",
    "decided": "CASE WHEN b.outcome = o.outcome AND b.rule = o.rule "
    "AND b.document_id IS NOT DISTINCT FROM o.document_id THEN b.decided ELSE $version END",
}

_SOME: Final = """
CREATE OR REPLACE TEMP TABLE some_marks AS SELECT * FROM marks WHERE portion = {portion};
CREATE OR REPLACE TEMP TABLE some_outcomes AS SELECT * FROM outcomes WHERE portion = {portion};
CREATE OR REPLACE TEMP TABLE some_changes AS SELECT * FROM changes WHERE portion = {portion};
CREATE OR REPLACE TEMP TABLE some_before AS SELECT * FROM before WHERE portion = {portion};
CREATE OR REPLACE TEMP TABLE some_again AS SELECT * FROM again WHERE portion = {portion};
CREATE OR REPLACE VIEW some_readings AS
    SELECT s.* FROM staged_some s JOIN some_marks e ON s.capture_id = e.capture_id AND s.shard_row = e.shard_row
    JOIN shards USING (shard) WHERE shards.number = e.number;
CREATE OR REPLACE VIEW some_final AS
    SELECT * FROM settled_some WHERE capture_id IN (SELECT capture_id FROM some_again)
    UNION ALL
    SELECT * FROM cleaned_some WHERE capture_id NOT IN (SELECT capture_id FROM some_again);
"""
"""What _OUTCOMES says of all shards, of some of them; the text of a capture that other copies helped to repair
goes over its first one."""

_OUTCOMES: Final = """
-- Looked into for one portion of the shards after the other, so tables in their order, of which only the parts with
-- a portion are read; they spill to disk if they must. First where the one reading of a capture stands that counts.
CREATE TABLE marks AS
    SELECT capture_id, portion, number, shard_row FROM exact JOIN shards USING (shard)
    WHERE mark IN ('clean', 'duplicate') ORDER BY portion;
CREATE TABLE changes AS
    SELECT x.*, portion FROM change_rows x LEFT JOIN marks USING (capture_id) ORDER BY portion;
CREATE TABLE again AS SELECT capture_id, filename, portion FROM settled JOIN marks USING (capture_id) ORDER BY portion;
CREATE TABLE before AS
    SELECT capture_id, version, decided, outcome, rule, document_id, portion
    FROM before_rows JOIN marks USING (capture_id) ORDER BY portion;
-- One reading of every new capture: the same capture may stand in several files.
CREATE VIEW readings AS
    SELECT s.* FROM staged s JOIN exact e ON s.shard = e.shard AND s.shard_row = e.shard_row
    WHERE e.mark IN ('clean', 'duplicate');
-- The captures that were cleaned: matching decided about the good ones.
CREATE TABLE judged AS
    SELECT c.capture_id, coalesce(d.outcome, c.outcome) AS outcome, coalesce(d.rule, c.rule) AS rule,
           coalesce(d.reason, c.reason) AS reason, coalesce(d.figure, c.figure) AS figure,
           coalesce(d.threshold, c.threshold) AS threshold, d.document_id, d.of_capture
    FROM cleaned c LEFT JOIN decided d USING (capture_id);
-- Same payload as another capture: its fate, told as a copy.
CREATE TABLE copies AS
    SELECT e.capture_id,
           CASE WHEN o.outcome IN ('rejected', 'failed') THEN o.outcome ELSE 'duplicate' END AS outcome,
           CASE WHEN o.outcome IN ('rejected', 'failed') THEN o.rule ELSE 'dedupe.payload' END AS rule,
           CASE WHEN o.outcome IN ('rejected', 'failed') THEN 'same bytes as ' || e.of_capture || ': ' || o.reason
                ELSE 'same bytes as ' || e.of_capture END AS reason,
           CASE WHEN o.outcome IN ('rejected', 'failed') THEN o.figure ELSE 1.0 END AS figure,
           CASE WHEN o.outcome IN ('rejected', 'failed') THEN o.threshold ELSE 1.0 END AS threshold,
           o.document_id, e.of_capture
    FROM exact e
    JOIN (SELECT capture_id, outcome, rule, reason, figure, threshold, document_id FROM judged
          UNION ALL SELECT capture_id, outcome, rule, reason, figure, threshold, document_id FROM ledger) o
      ON o.capture_id = e.of_capture
    WHERE e.mark = 'duplicate';
CREATE TABLE outcomes AS
    SELECT o.*, portion FROM (SELECT * FROM judged UNION ALL SELECT * FROM copies) o
    JOIN marks USING (capture_id) ORDER BY portion;
DROP TABLE judged;
DROP TABLE copies;
-- Stored documents that keep their text and of which something new is known: their page has gone or come back,
-- or they contain other documents. Looked for without their texts: the history is large.
CREATE TABLE told AS
    SELECT s.document_id, g.gone_at
    FROM (SELECT document_id, capture_id, gone_at, contains FROM stored
          WHERE gone_at IS NOT NULL OR document_id IN (SELECT document_id FROM changes WHERE len(contains) > 0)
             OR capture_id IN (SELECT capture_id FROM ledger WHERE url_key IN (SELECT url_key FROM gone))) s
    JOIN ledger l ON l.capture_id = s.capture_id
    LEFT JOIN changes x ON x.document_id = s.document_id LEFT JOIN gone g ON g.url_key = l.url_key
    WHERE (x.document_id IS NULL OR x.replaces IS NULL)
      AND (s.gone_at IS DISTINCT FROM g.gone_at
           OR NOT list_has_all(coalesce(s.contains, []), coalesce(x.contains, [])));
"""
