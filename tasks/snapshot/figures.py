"""Figures of a version that add up: counted over the files that came and went, not over the corpus.

Parquet files never change and versions share them, so the figures of a version are those of the
version before, plus those of the files it adds, minus those of the files it drops. They stand in
`report.json` beside the manifest.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import duckdb

from tasks.snapshot.manifest import Manifest
from tasks.snapshot.reader import SNAPSHOTS
from tasks.snapshot.search import engine
from tasks.snapshot.store import Store
from tasks.tables import TABLES

FILE: Final = "report.json"
FORMAT: Final = 1
LENGTHS: Final = (0, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000)
"""Lower ends of the classes of length, in characters."""

_SITE: Final = (
    r"lower(regexp_extract(coalesce(url, ''), '^[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#@]*@)?([^/:?#]+)', 1))"
)
_LENGTH: Final = (
    "CASE "
    + " ".join(f"WHEN characters >= {low} THEN '{low}'" for low in sorted(LENGTHS, reverse=True) if low)
    + " ELSE '0' END"
)
_DOCUMENTS: Final = f"""
WITH d AS MATERIALIZED (
    SELECT script, converted, damage, quality.characters AS characters,
        coalesce(regexp_extract(published_at, '^(?:19|20)[0-9][0-9](?:-[0-9][0-9])?'), '') AS month,
        list_distinct(list_transform(edits, lambda edit: edit.rule)) AS rules
    FROM documents)
SELECT 'script' AS kind, script AS key, count(*) AS number FROM d GROUP BY ALL
UNION ALL SELECT 'converted', converted, count(*) FROM d WHERE converted IS NOT NULL GROUP BY ALL
UNION ALL SELECT 'damaged', '', count(*) FROM d WHERE len(damage) > 0 GROUP BY ALL
UNION ALL SELECT 'damage', name, count(*) FROM (SELECT unnest(damage) AS name FROM d) GROUP BY ALL
UNION ALL SELECT 'length', {_LENGTH}, count(*) FROM d GROUP BY ALL
UNION ALL SELECT 'month', month, count(*) FROM d GROUP BY ALL
UNION ALL SELECT 'rule', name, count(*) FROM (SELECT unnest(rules) AS name FROM d) GROUP BY ALL
"""
_CAPTURES: Final = f"""
SELECT 'site' AS kind, {_SITE} || chr(9) || outcome || ' ' || rule AS key, count(*) FROM captures GROUP BY ALL
"""
_ARRIVED: Final = f"""
WITH new AS MATERIALIZED (
    SELECT capture_id, collection, {_SITE} AS site, outcome FROM captures WHERE version = $version),
d AS MATERIALIZED (SELECT damage FROM documents SEMI JOIN new USING (capture_id))
SELECT 'outcome' AS kind, outcome AS key, count(*) FROM new GROUP BY ALL
UNION ALL SELECT 'collection', collection, count(*) FROM new GROUP BY ALL
UNION ALL SELECT 'site', site || chr(9) || outcome, count(*) FROM new GROUP BY ALL
UNION ALL SELECT 'documents', '', count(*) FROM d GROUP BY ALL
UNION ALL SELECT 'damage', name, count(*) FROM (SELECT unnest(damage) AS name FROM d) GROUP BY ALL
"""

Groups = dict[str, Counter[str]]
"""Counts by kind of figure and value."""


@dataclass
class Figures:
    """What is counted of a version."""

    whole: Groups = field(default_factory=dict)
    """Of all documents: script, converted, damaged, damage, length (class), month, rule (documents it changed);
    of all captures: site (`host TAB outcome rule`)."""
    arrived: Groups = field(default_factory=dict)
    """Of the captures that arrived with this version: outcome, collection, site (`host TAB outcome`); of those
    that are documents: documents, damage."""

    def to_json(self) -> dict[str, Any]:
        """As a JSON value, keys sorted."""

        def plain(groups: Groups) -> dict[str, dict[str, int]]:
            return {kind: dict(sorted(counts.items())) for kind, counts in sorted(groups.items())}

        return {"format": FORMAT, "whole": plain(self.whole), "arrived": plain(self.arrived)}


def name_of(version: int) -> str:
    """Name of the file with the figures of a version, in the store."""
    return f"{SNAPSHOTS}/v{version}/{FILE}"


def load(store: Store, version: int) -> Figures | None:
    """The figures of a version; None where there are none (or of another format)."""
    try:
        value = json.loads(store.home.read(name_of(version)))
    except (OSError, ValueError):
        return None
    if value.get("format") != FORMAT:
        return None
    groups = (
        {kind: Counter(counts) for kind, counts in value[part].items()} for part in ("whole", "arrived")
    )
    return Figures(*groups)


def figures_of(store: Store, manifest: Manifest) -> Figures:
    """The figures of a version; counted, and written beside the manifest, where they are missing."""
    found = load(store, manifest.version)
    if found is None:
        found = count(store, manifest)
        text = json.dumps(found.to_json(), ensure_ascii=False, separators=(",", ":"))
        store.home.write(name_of(manifest.version), text.encode())
    return found


def count(store: Store, manifest: Manifest) -> Figures:
    """The figures of a version, by difference to its parent where that has its own, else afresh."""
    before: Manifest | None = None
    figures = Figures()
    if manifest.parent and manifest.parent in store.versions() and (known := load(store, manifest.parent)):
        before = store.manifest(manifest.parent)
        figures.whole = known.whole
    with engine(store.settings, store.path / "staging" / "scratch") as sql:
        for sign, here, there in ((1, manifest, before), (-1, before, manifest)):
            if here is None:
                continue
            _open(sql, store, here, there)
            _add(figures.whole, sql, _DOCUMENTS, sign)
            _add(figures.whole, sql, _CAPTURES, sign)
            if sign > 0:
                _add(figures.arrived, sql, _ARRIVED, 1, {"version": manifest.version})
    figures.whole, figures.arrived = _without_zeros(figures.whole), _without_zeros(figures.arrived)
    return figures


def _without_zeros(groups: Groups) -> Groups:
    cleared = {kind: Counter({k: n for k, n in counts.items() if n}) for kind, counts in groups.items()}
    return {kind: counts for kind, counts in cleared.items() if counts}


def _open(sql: duckdb.DuckDBPyConnection, store: Store, here: Manifest, there: Manifest | None) -> None:
    """Name the rows of the files that `here` has and `there` has not."""
    for table in ("documents", "captures"):
        shared = {file.name for file in there.files(table)} if there else set()
        own = [file for file in here.files(table) if file.rows and file.name not in shared]
        files = [str(path) for path in store.local(table, own)]
        sql.register(table, store.dataset(table, files) if files else TABLES[table].empty_table())


def _add(
    groups: Groups,
    sql: duckdb.DuckDBPyConnection,
    query: str,
    sign: int,
    parameters: Mapping[str, object] | None = None,
) -> None:
    for kind, key, number in sql.execute(query, parameters).fetchall():
        groups.setdefault(kind, Counter())[key or ""] += sign * number
