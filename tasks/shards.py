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
from tasks.tables import CLEANED, STAGED, Capture, Outcome

BATCH = 200
"""Captures held in memory at once by a worker."""
SLOWEST = 5
"""Captures of a shard whose time is kept for the dashboard."""


@lru_cache(maxsize=1)
def _cleaner(settings: str) -> Cleaner:
    """The compiled rules and dictionaries, built once a worker process."""
    return Cleaner(Settings.model_validate_json(settings))


def warm_up(settings: str) -> None:
    """Build what every shard needs; called when a worker process starts."""
    _cleaner(settings)


def _staged_row(capture: Capture) -> dict[str, Any]:
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
                yield _staged_row(capture)

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


def _cleaned_row(article: Article, staged: Mapping[str, Any]) -> dict[str, Any]:
    """A row of CLEANED; what names the capture is what was staged."""
    names = ("capture_id", "url_key", "payload_sha256", "payload_bytes")
    return article.row() | {name: staged[name] for name in names}


def clean_shard(shard: Path, recurring: Path, out: Path, rows: Sequence[int], settings: str) -> list[Path]:
    """Clean the captures in the given rows (ascending) of a shard and write CLEANED to `out`.

    `recurring` is what tasks.recurring wrote, if anything. The slowest captures, with their CPU seconds, go
    beside `out` into a file `.slow`.
    """
    cleaner, lines = _cleaner(settings), recurring_lines(recurring)
    seconds: list[tuple[float, str]] = []
    with shard_writer(out, CLEANED) as writer:
        batch: list[dict[str, Any]] = []
        for row in _staged(shard, rows):
            began = time.process_time()
            batch.append(_cleaned_row(cleaner.clean(_capture(row), recurring=lines), row))
            seconds.append((time.process_time() - began, row["url"] or row["locator"]))
            if len(batch) == BATCH:
                writer.write_batch(to_batch(batch, CLEANED))
                batch = []
        if batch:
            writer.write_batch(to_batch(batch, CLEANED))
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
    with shard_writer(out, CLEANED) as writer:
        for shard in sorted({shard for shard, _ in texts}):
            numbers = sorted(number for at, number in texts if at == shard)
            for number, row in zip(numbers, _staged(shards[shard], numbers), strict=True):
                article = cleaner.clean(_capture(row), siblings=texts[shard, number], recurring=lines)
                if article.outcome is Outcome.KEPT:
                    writer.write_batch(to_batch([_cleaned_row(article, row)], CLEANED))
    return [out]


def _staged(shard: Path, rows: Sequence[int]) -> Iterator[dict[str, Any]]:
    """The given rows (ascending) of a shard, a batch in memory at a time."""
    wanted = frozenset(rows)
    first = 0
    for batch in pq.ParquetFile(shard).iter_batches(batch_size=BATCH):
        mine = [row - first for row in range(first, first + batch.num_rows) if row in wanted]
        first += batch.num_rows
        if mine:
            yield from batch.take(pa.array(mine)).to_pylist()


def show(
    shard: Path, recurring: Path, wanted: Mapping[int, str], characters: int, settings: str
) -> list[Sample]:
    """Clean captures of a shard once more for the report, keeping what it shows (see tasks.samples).

    `wanted` gives the document id by row.
    """
    cleaner, lines = _cleaner(settings), recurring_lines(recurring)
    numbers = sorted(wanted)
    return [
        sample_of(cleaner.clean(_capture(row), recurring=lines), wanted[number], characters)
        for number, row in zip(numbers, _staged(shard, numbers), strict=True)
    ]


def failed_rows(shard: Path, rows: Sequence[int], why: str) -> pa.RecordBatch:
    """Rows of CLEANED that record the captures in the given rows of a shard as failed, `why` being the reason."""
    columns = [name for name in STAGED.names if name in CLEANED.names]
    failure = {"outcome": Outcome.FAILED.value, "rule": "run.worker", "reason": why}
    staged = pq.read_table(shard, columns=columns).take(pa.array(rows)).to_pylist()
    return to_batch([row | failure for row in staged], CLEANED)
