"""Which stored documents new texts may be copies of: a join of the new signatures with the stored ones."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa

from config.settings import DedupeSettings
from tasks.dedupe.database import arrow, database
from tasks.dedupe.index import Found, Wanted, look_up_all
from tasks.dedupe.signatures import Hashes

_SAME_SKELETON: Final = """
SELECT skeleton, document_id, capture_id FROM stored
WHERE skeleton IN (SELECT skeleton FROM new) AND skeleton <> ''
ORDER BY skeleton, document_id DESC, capture_id DESC
"""
_SAME_URL: Final = """
SELECT url_key, document_id
FROM (SELECT DISTINCT url_key, document_id FROM stored WHERE url_key IN (SELECT url_key FROM addresses))
QUALIFY row_number() OVER (PARTITION BY url_key ORDER BY document_id) <= {candidates}
ORDER BY ALL
"""
# The smallest documents of a bucket stand for it.
_WITH_STORED: Final = """
WITH keys AS (SELECT text, unnest(bands) AS key FROM new),
buckets AS (
    SELECT key, min(document_id, {bucket}) AS heads FROM (SELECT DISTINCT key, document_id FROM matched) GROUP BY key
),
pairs AS (SELECT k.text AS a, unnest(b.heads) AS document_id FROM keys k JOIN buckets b USING (key)),
counted AS (
    SELECT a, document_id, count(*) AS shared FROM pairs GROUP BY a, document_id HAVING shared >= {min_shared}
)
SELECT a, document_id FROM counted
QUALIFY row_number() OVER (PARTITION BY a ORDER BY shared DESC, document_id) <= {candidates}
ORDER BY a, document_id
"""


@dataclass(frozen=True, slots=True)
class Candidates:
    """What the signatures say; texts are numbered by their row in the new signatures."""

    skeletons: dict[str, tuple[str, str]]
    """Skeleton -> (stored document, its capture) with the same skeleton."""
    skeleton_of: dict[str, str]
    """Stored capture -> its skeleton, if a new text has it."""
    urls: dict[str, list[str]]
    """Key of an address -> stored documents with a copy from there."""
    stored: list[tuple[int, str]]
    """New text and stored document that may be copies."""


def find_candidates(
    new: pa.Table,
    url_keys: Collection[str],
    signature_files: Sequence[str],
    settings: DedupeSettings,
    index: Path | None = None,
) -> Candidates:
    """Find what new texts may be copies of.

    In: the signatures of the new texts, one of each skeleton; the keys of all addresses they were
    captured from; the files of the stored signatures, and the folder of their lookups (without one they
    are made anew). Memory and time are bounded by the settings, whatever the sizes of the buckets.
    Raises SignatureVersionError if stored signatures cannot be compared.
    """
    wanted = Wanted.of(_keys(new), new["skeleton"].to_pylist(), url_keys)
    limit = max(settings.bucket, settings.candidates)
    if index is None and signature_files:
        with tempfile.TemporaryDirectory(prefix="qingyuan-") as folder:
            found = look_up_all(signature_files, Path(folder), wanted, limit, settings.threads)
    else:
        found = look_up_all(signature_files, index or Path(), wanted, limit, settings.threads)
    return judge_candidates(new, url_keys, found, settings)


def judge_candidates(
    new: pa.Table, url_keys: Collection[str], found: Found, settings: DedupeSettings
) -> Candidates:
    """As `find_candidates`, from what was found in the stored signatures, by whomever."""
    limits = {"bucket": settings.bucket, "min_shared": settings.min_shared, "candidates": settings.candidates}
    with database(settings) as connection:
        connection.register("new", new.append_column("text", pa.array(range(new.num_rows), pa.int32())))
        connection.register("addresses", pa.table({"url_key": pa.array(sorted(url_keys), pa.string())}))
        connection.register("stored", found.names)
        connection.register("matched", found.sketches)
        skeletons = arrow(connection, _SAME_SKELETON).to_pylist()
        urls: dict[str, list[str]] = {}
        for row in arrow(connection, _SAME_URL.format(**limits)).to_pylist():
            urls.setdefault(row["url_key"], []).append(row["document_id"])
        with_stored = arrow(connection, _WITH_STORED.format(**limits))
    return Candidates(
        # The last of a skeleton, which is the smallest, wins.
        skeletons={row["skeleton"]: (row["document_id"], row["capture_id"]) for row in skeletons},
        skeleton_of={row["capture_id"]: row["skeleton"] for row in skeletons},
        urls=urls,
        stored=list(zip(with_stored["a"].to_pylist(), with_stored["document_id"].to_pylist(), strict=True)),
    )


def _keys(new: pa.Table) -> Hashes:
    keys: Hashes = new["bands"].combine_chunks().flatten().to_numpy()
    return keys


__all__ = ["Candidates", "find_candidates", "judge_candidates"]
