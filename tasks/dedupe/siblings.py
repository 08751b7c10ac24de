"""Other copies of an article, from which damaged places of its canonical copy can be filled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from config.settings import DedupeSettings
from tasks.dedupe.copies import read_documents, read_texts
from tasks.dedupe.database import arrow, database, parquet
from tasks.dedupe.report import Resolution

_IN_DOUBT: Final = """
WITH members AS (
    SELECT decision.document_id, cleaned.capture_id, cleaned.text, cleaned.quality.unrepaired AS unrepaired,
        decision.outcome, len(list_filter(cleaned.edits, lambda edit: len(edit.alternatives) > 0)) AS ambiguous
    FROM {cleaned} cleaned JOIN decisions decision USING (capture_id)
), doubtful AS (
    SELECT document_id, capture_id FROM members
    WHERE outcome = 'kept' AND (coalesce(unrepaired, 0) > 0 OR coalesce(ambiguous, 0) > 0)
)
SELECT doubtful.document_id, doubtful.capture_id AS canonical, others.capture_id, others.text,
    coalesce(others.unrepaired, 0) AS unrepaired
FROM doubtful LEFT JOIN members others ON doubtful.document_id = others.document_id
    AND doubtful.capture_id <> others.capture_id
QUALIFY row_number() OVER (PARTITION BY canonical ORDER BY unrepaired, others.capture_id) <= {limit}
"""


def siblings_of(
    resolution: Resolution,
    cleaned_files: Sequence[str],
    document_files: Sequence[str],
    settings: DedupeSettings,
    *,
    limit: int = 4,
) -> dict[str, tuple[str, ...]]:
    """Texts of other copies for canonical copies of this run with unrepaired or ambiguous places.

    Out: canonical capture -> up to `limit` texts of its article (of this run, or the stored canonical
    copy), least damaged first; captures without another copy are left out. The texts are clean and
    converted; `align.aligned` finds the same place in another script.
    """
    if not cleaned_files:
        return {}
    query = _IN_DOUBT.format(cleaned=parquet(cleaned_files, ""), limit=limit)
    with database(settings) as connection:
        connection.register("decisions", resolution.captures.select(["capture_id", "document_id", "outcome"]))
        rows = arrow(connection, query).to_pylist()
    stored = read_documents(document_files, {row["document_id"] for row in rows}, settings)
    texts = read_texts(stored.values(), (), document_files)
    others: dict[str, set[tuple[int, str, str]]] = {}
    for row in rows:
        own = others.setdefault(row["canonical"], set())
        if row["capture_id"] is not None:
            own.add((row["unrepaired"], row["capture_id"], row["text"]))
        copy = stored.get(row["document_id"])
        if copy:
            own.add((copy.rank.unrepaired, copy.capture_id, texts[copy.capture_id]))
    return {
        canonical: tuple(text for _, _, text in sorted(own)[:limit])
        for canonical, own in sorted(others.items())
        if own
    }


__all__ = ["siblings_of"]
