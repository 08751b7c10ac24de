"""Other copies of an article, from which damaged places of its canonical copy can be filled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pyarrow as pa

from config.settings import DedupeSettings
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
), others AS (
    SELECT document_id, text, coalesce(unrepaired, 0) AS unrepaired, capture_id FROM members
    UNION ALL
    SELECT document_id, text, coalesce(quality.unrepaired, 0), capture_id FROM {documents} stored
    WHERE document_id IN (SELECT document_id FROM doubtful)
)
SELECT doubtful.capture_id AS canonical, others.text AS text
FROM doubtful JOIN others ON doubtful.document_id = others.document_id
    AND doubtful.capture_id <> others.capture_id
QUALIFY row_number() OVER (PARTITION BY canonical ORDER BY others.unrepaired, others.capture_id) <= {limit}
ORDER BY canonical, others.unrepaired, others.capture_id
"""
_NO_DOCUMENTS: Final = (
    "SELECT NULL::VARCHAR AS document_id, NULL::VARCHAR AS capture_id, NULL::VARCHAR AS text, "
    "{'unrepaired': 0} AS quality WHERE false"
)


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
    query = _IN_DOUBT.format(
        cleaned=parquet(cleaned_files, ""), documents=parquet(document_files, _NO_DOCUMENTS), limit=limit
    )
    found: dict[str, tuple[str, ...]] = {}
    with database(settings) as connection:
        connection.register("decisions", resolution.captures.select(["capture_id", "document_id", "outcome"]))
        rows: pa.Table = arrow(connection, query)
    for canonical, text in zip(rows["canonical"].to_pylist(), rows["text"].to_pylist(), strict=True):
        found[canonical] = (*found.get(canonical, ()), text)
    return found


__all__ = ["siblings_of"]
