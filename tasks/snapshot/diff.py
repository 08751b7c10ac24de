"""Two versions compared: documents added, removed and changed, captures moved, and why.

Files that both versions share are not read: the cost follows the change, not the corpus.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import duckdb
import jinja2

from tasks.snapshot.manifest import Manifest
from tasks.snapshot.search import engine, fetch
from tasks.snapshot.store import Store
from tasks.snapshot.textdiff import Hunk, compare
from tasks.tables import TABLES

_PAIRED: Final = """
CREATE TEMP TABLE paired AS
WITH a_lines AS (SELECT * EXCLUDE (text) FROM a_documents),  -- the text is compared by its sum
     b_lines AS (SELECT * EXCLUDE (text) FROM b_documents)
SELECT coalesce(a.document_id, b.document_id) AS document_id,
       CASE WHEN a.document_id IS NULL THEN 'added'
            WHEN b.document_id IS NULL THEN 'removed' ELSE 'changed' END AS kind,
       coalesce(b.site, a.site, '') AS site,
       coalesce(b.url, a.url) AS url,
       coalesce(b.title, a.title) AS title
FROM (SELECT document_id, site, url, title, hash(d) AS row_sum FROM a_lines d) a
FULL OUTER JOIN (SELECT document_id, site, url, title, hash(d) AS row_sum FROM b_lines d) b
USING (document_id)
WHERE a.row_sum IS DISTINCT FROM b.row_sum
"""
_BY_SITE: Final = "SELECT site, kind, count(*) FROM paired GROUP BY ALL ORDER BY 1, 2"
_SOME: Final = (
    "SELECT document_id, url, title FROM paired WHERE kind = $kind ORDER BY document_id LIMIT $limit"
)
_ROWS: Final = {
    "a": "SELECT * FROM a_documents WHERE document_id IN (SELECT unnest($ids))",
    "b": "SELECT * FROM b_documents WHERE document_id IN (SELECT unnest($ids))",
}
_LEDGER: Final = """
CREATE TEMP TABLE ledger AS
SELECT coalesce(a.capture_id, b.capture_id) AS capture_id,
       coalesce(b.url, b.locator, a.url, a.locator) AS place,
       a.outcome || ' ' || a.rule AS before, b.outcome || ' ' || b.rule AS after,
       a.document_id AS document_before, b.document_id AS document_after, b.reason AS reason
FROM a_captures a FULL OUTER JOIN b_captures b USING (capture_id)
WHERE a.outcome IS DISTINCT FROM b.outcome OR a.rule IS DISTINCT FROM b.rule
   OR a.document_id IS DISTINCT FROM b.document_id
"""
_BY_REASON: Final = """
SELECT coalesce(before, ''), coalesce(after, ''), count(*) FROM ledger WHERE before IS DISTINCT FROM after
GROUP BY ALL ORDER BY 3 DESC, 1, 2
"""
_MOVES: Final = """
SELECT capture_id, place, document_before, document_after, reason, count(*) OVER () AS all_of_them FROM ledger
WHERE document_before <> document_after ORDER BY capture_id LIMIT $limit
"""


@dataclass(frozen=True)
class DocumentLine:
    """A document in one line."""

    document_id: str
    url: str | None
    title: str | None


@dataclass(frozen=True)
class ChangedDocument:
    """A document that both versions have, differently."""

    document_id: str
    url: str | None
    title: str | None
    fields: list[str]
    """Columns that differ."""
    text: list[Hunk]


@dataclass(frozen=True)
class MovedCapture:
    """A capture that belongs to another document than before."""

    capture_id: str
    place: str
    document_before: str
    document_after: str
    reason: str


@dataclass(frozen=True)
class OutcomeChange:
    """Captures that went from one outcome and rule to another; empty: not in the ledger."""

    before: str
    after: str
    captures: int


@dataclass(frozen=True)
class Diff:
    """What version `b` has that `a` had not, and the other way round.

    Totals are complete; the lists hold the first `limit` by id.
    """

    a: int
    b: int
    added: int
    removed: int
    changed: int
    moved: int
    by_site: dict[str, dict[str, int]]
    """Site: added, removed, changed."""
    by_reason: list[OutcomeChange]
    documents_added: list[DocumentLine]
    documents_removed: list[DocumentLine]
    documents_changed: list[ChangedDocument]
    captures_moved: list[MovedCapture]

    def to_json(self) -> dict[str, Any]:
        """As a JSON value; each change of a text also as one readable line."""
        value = asdict(self)
        for document, plain in zip(self.documents_changed, value["documents_changed"], strict=True):
            plain["text"] = [{**asdict(hunk), "line": str(hunk)} for hunk in document.text]
        return value

    def to_html(self) -> str:
        """A page that needs nothing beside it; everything from captures is escaped."""
        template = Path(__file__).with_name("diff.html").read_text(encoding="utf-8")
        environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
        return environment.from_string(template).render(diff=self)


def diff(store: Store, a: int, b: int, *, limit: int = 200) -> Diff:
    """Compare two versions. Raises UnknownVersionError."""
    before, after = store.manifest(a), store.manifest(b)
    with engine(store.settings, store.path / "staging" / "scratch") as sql:
        _views(sql, store, before, after)
        sql.execute(_PAIRED)
        sql.execute(_LEDGER)
        by_site: dict[str, dict[str, int]] = {}
        for site, kind, count in sql.execute(_BY_SITE).fetchall():
            by_site.setdefault(site, {"added": 0, "removed": 0, "changed": 0})[kind] = count
        lines = {kind: _some(sql, kind, limit) for kind in ("added", "removed", "changed")}
        moves = sql.execute(_MOVES, {"limit": limit}).fetchall()
        changed = _changed(sql, lines["changed"])
        reasons = [OutcomeChange(*row) for row in sql.execute(_BY_REASON).fetchall()]
    total = {kind: sum(site[kind] for site in by_site.values()) for kind in lines}
    return Diff(
        a=a,
        b=b,
        added=total["added"],
        removed=total["removed"],
        changed=total["changed"],
        moved=moves[0][-1] if moves else 0,
        by_site=by_site,
        by_reason=reasons,
        documents_added=lines["added"],
        documents_removed=lines["removed"],
        documents_changed=changed,
        captures_moved=[MovedCapture(*row[:-1]) for row in moves],
    )


def _views(sql: duckdb.DuckDBPyConnection, store: Store, before: Manifest, after: Manifest) -> None:
    for table in ("documents", "captures"):
        shared = {file.name for file in before.files(table)} & {file.name for file in after.files(table)}
        for side, manifest in (("a", before), ("b", after)):
            own = [file for file in manifest.files(table) if file.name not in shared and file.rows]
            files = [str(path) for path in store.local(table, own)]
            # In the schema of today, so that rows that only lack a later column are the same.
            rows = store.dataset(table, files) if files else TABLES[table].empty_table()
            sql.register(f"{side}_{table}", rows)


def _some(sql: duckdb.DuckDBPyConnection, kind: str, limit: int) -> list[DocumentLine]:
    return [DocumentLine(*row) for row in sql.execute(_SOME, {"kind": kind, "limit": limit}).fetchall()]


def _changed(sql: duckdb.DuckDBPyConnection, lines: list[DocumentLine]) -> list[ChangedDocument]:
    sides = []
    for side in _ROWS:
        rows = fetch(sql, _ROWS[side], {"ids": [line.document_id for line in lines]})
        sides.append({row["document_id"]: row for row in rows})
    changed = []
    for line in lines:
        old, new = sides[0][line.document_id], sides[1][line.document_id]
        fields = [name for name in TABLES["documents"].names if old.get(name) != new.get(name)]
        text = compare(old["text"], new["text"])
        changed.append(ChangedDocument(line.document_id, line.url, line.title, fields, text))
    return changed
