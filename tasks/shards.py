"""The work of one shard, run in a worker process: Parquet in, Parquet out, paths between.

Nothing here knows Prefect or the store; a worker needs the staging folder and the settings only. What a
function reads is among its arguments, what it wrote is what it returns, so that it can travel (carry.py).
"""

from __future__ import annotations

import heapq
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC
from functools import lru_cache
from itertools import compress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from config.settings import Settings
from tasks.article import Article, Cleaner
from tasks.collect import read_captures
from tasks.dedupe.urls import url_key
from tasks.recurring import recurring_lines
from tasks.samples import Sample, sample_of
from tasks.staging import Job, Staging, shard_writer, to_batch
from tasks.tables import CLEANED, PLACE, STAGED, Capture, Outcome

BATCH = 200
"""Captures held in memory at once by a worker."""
_FOUND = pa.schema([column for column in CLEANED if column.name not in PLACE])
SLOWEST = 5
"""Captures of a shard whose time is kept for the dashboard."""


@lru_cache(maxsize=1)
def _cleaner(settings: str) -> Cleaner:
    """The compiled rules and dictionaries, built once a worker process."""
    return Cleaner(Settings.model_validate_json(settings))


def warm_up(settings: str) -> None:
    """Build what every shard needs; called when a worker process starts."""
    _cleaner(settings)


def staged_row(capture: Capture) -> dict[str, Any]:
    """A row of STAGED."""
    return {
        "capture_id": capture.capture_id,
        "collection": capture.source,
        "locator": capture.locator,
        "url": capture.url,
        "url_key": url_key(capture.url),
        "captured_at": capture.captured_at,
        "media_type": capture.media_type,
        "headers": [{"name": name, "value": value} for name, value in capture.headers],
        "payload_sha256": capture.payload_sha256,
        "payload_bytes": len(capture.payload),
        "title": capture.title,
        "error": capture.error,
        "payload": capture.payload,
    }


def _capture(row: Mapping[str, Any]) -> Capture:
    at = row["captured_at"]
    return Capture(
        source=row["collection"],
        locator=row["locator"],
        payload=row["payload"],
        media_type=row["media_type"],
        url=row["url"],
        captured_at=at.astimezone(UTC) if at else None,
        headers=tuple((pair["name"], pair["value"]) for pair in row["headers"] or ()),
        title=row["title"],
        error=row["error"],
    )


def collect_job(job: Job, staging: Staging, settings: Settings) -> list[Path]:
    """Read the captures of a job's files into shards of the settings' size; gives these and the report.

    The report is {"captures": number, "shards": number, "files": captures of each file}.
    """
    sources = {source.name: source for source in settings.sources}
    counts: dict[str, int] = {}

    def rows() -> Iterator[dict[str, Any]]:
        for file in job.files:
            counts[file.path] = 0
            for capture in read_captures(file, sources[file.collection], settings.collect):
                counts[file.path] += 1
                yield staged_row(capture)

    staging.captures.mkdir(parents=True, exist_ok=True)  # on a worker far away it is another folder
    shards = write_shards(rows(), job.number, staging, settings)
    report = {"captures": sum(counts.values()), "shards": len(shards), "files": counts}
    return [*shards, staging.finish(job.number, report)]


def write_shards(
    rows: Iterator[Mapping[str, Any]], job: int, staging: Staging, settings: Settings
) -> list[Path]:
    """Write rows of STAGED into shards of the settings' size; returns the shards."""
    shards: list[Path] = []
    pending = next(rows, None)
    while pending is not None:
        shards.append(staging.capture_shard(job, len(shards)))
        with shard_writer(shards[-1], STAGED) as writer:
            taken = size = 0
            batch: list[Mapping[str, Any]] = []
            held = 0
            while (
                pending is not None
                and taken < settings.run.shard_captures
                and size < settings.run.shard_bytes
            ):
                batch.append(pending)
                taken += 1
                held += pending["payload_bytes"]
                size += pending["payload_bytes"]
                if len(batch) >= BATCH or held > 32 << 20:
                    writer.write_batch(to_batch(batch, STAGED))
                    batch, held = [], 0
                pending = next(rows, None)
            if batch:
                writer.write_batch(to_batch(batch, STAGED))
    return shards


def cleaned(staged: pa.RecordBatch, articles: Sequence[Article]) -> pa.RecordBatch:
    """CLEANED for rows of STAGED and what cleaning made of each."""
    found = to_batch([article.row() for article in articles], _FOUND)
    columns = [(staged if name in PLACE else found).column(name) for name in CLEANED.names]
    return pa.RecordBatch.from_arrays(columns, schema=CLEANED)


def clean_shard(shard: Path, recurring: Path, out: Path, rows: Sequence[int], settings: str) -> list[Path]:
    """Clean the captures in the given rows (ascending) of a shard and write CLEANED to `out`.

    `recurring` is what tasks.recurring wrote, if anything. The slowest captures, with their seconds, go
    beside `out` into a file `.slow`.
    """
    cleaner, lines = _cleaner(settings), recurring_lines(recurring)
    seconds: list[tuple[float, str]] = []
    with shard_writer(out, CLEANED) as writer:
        for staged in _staged(shard, rows):
            articles: list[Article] = []
            for row in staged.to_pylist():
                began = time.perf_counter()
                articles.append(cleaner.clean(_capture(row), recurring=lines))
                seconds.append((time.perf_counter() - began, row["url"] or row["locator"]))
            writer.write_batch(cleaned(staged, articles))
    slowest = heapq.nlargest(SLOWEST, seconds)
    note = out.with_suffix(".slow")
    note.write_text(json.dumps(slowest, ensure_ascii=False), encoding="utf-8")
    return [note, out]


def settle(
    doubts: Path, batch: int, shards: Mapping[str, Path], recurring: Path, out: Path, settings: str
) -> list[Path]:
    """Clean captures again with the texts of other copies, which settle ambiguous and lost characters.

    `doubts` is what tasks.dedupe.siblings wrote, `batch` one of its batches, `shards` are those it names.
    Writes CLEANED to `out`.
    """
    cleaner, lines = _cleaner(settings), recurring_lines(recurring)
    texts: dict[tuple[str, int], dict[str, str]] = {}
    for row in pq.read_table(doubts, filters=[("batch", "=", batch)]).to_pylist():
        texts.setdefault((row["shard"], row["shard_row"]), {})[row["of_capture"]] = row["text"]
    found = [CLEANED.empty_table()]
    with shard_writer(out, CLEANED) as writer:
        for shard in sorted({shard for shard, _ in texts}):
            numbers = sorted(number for at, number in texts if at == shard)
            number = iter(numbers)
            for staged in _staged(shards[shard], numbers):
                articles = [
                    cleaner.clean(_capture(row), siblings=texts[shard, next(number)], recurring=lines)
                    for row in staged.to_pylist()
                ]
                kept = [article.outcome is Outcome.KEPT for article in articles]
                rows = cleaned(staged.filter(pa.array(kept)), [*compress(articles, kept)])
                found.append(pa.Table.from_batches([rows]))
        writer.write_table(pa.concat_tables(found))
    return [out]


def _staged(shard: Path, rows: Sequence[int]) -> Iterator[pa.RecordBatch]:
    """The given rows (ascending) of a shard."""
    wanted = frozenset(rows)
    first = 0
    for batch in pq.ParquetFile(shard).iter_batches(batch_size=BATCH):
        mine = [row - first for row in range(first, first + batch.num_rows) if row in wanted]
        first += batch.num_rows
        if mine:
            yield batch.take(pa.array(mine))


def show(
    shard: Path, recurring: Path, wanted: Mapping[int, str], characters: int, settings: str
) -> list[Sample]:
    """Clean captures of a shard once more for the report, keeping what it shows (see tasks.samples).

    `wanted` gives the document id by row.
    """
    cleaner, lines = _cleaner(settings), recurring_lines(recurring)
    numbers = sorted(wanted)
    rows = (row for batch in _staged(shard, numbers) for row in batch.to_pylist())
    return [
        sample_of(cleaner.clean(_capture(row), recurring=lines), wanted[number], characters)
        for number, row in zip(numbers, rows, strict=True)
    ]


def failed_rows(shard: Path, rows: Sequence[int], why: str) -> pa.RecordBatch:
    """Rows of CLEANED that record the captures in the given rows of a shard as failed, `why` being the reason."""
    columns = [name for name in STAGED.names if name in CLEANED.names]
    failure = {"outcome": Outcome.FAILED.value, "rule": "run.worker", "reason": why}
    staged = pq.read_table(shard, columns=columns).take(pa.array(rows)).to_pylist()
    return to_batch([row | failure for row in staged], CLEANED)
