"""The Prefect tasks of a run: thin wrappers that hand paths to workers and count what comes back.

Retries are on the tasks. A shard whose worker dies again and again is cleaned capture by capture,
so that only the capture that kills its worker is lost to the run, and recorded as failed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from prefect import task
from prefect.cache_policies import NO_CACHE

from config.settings import Settings
from tasks.pool import WorkerPool
from tasks.shards import clean_shard, collect_job, failed_rows
from tasks.staging import Job, Staging, shard_writer
from tasks.tables import CLEANED

Advance = Callable[[int], None]


@task(name="read", task_run_name="read {job.number}", persist_result=False, cache_policy=NO_CACHE, retries=2)
def read(job: Job, staging: Staging, settings: Settings, pool: WorkerPool, advance: Advance) -> Mapping[str, Any]:
    """Read the files of a job into shards; see tasks.shards.collect_job for the report."""
    report = pool.run(collect_job, job, staging, settings)
    advance(job.bytes)
    return report


@task(name="clean", task_run_name="clean {shard.stem}", persist_result=False, cache_policy=NO_CACHE)
def clean(
    shard: Path, staging: Staging, chosen: list[str], settings: Settings, pool: WorkerPool, advance: Advance
) -> int:
    """Clean and convert the chosen captures of a shard; returns their number."""
    out = staging.cleaned_shard(shard)
    compiled = settings.model_dump_json()
    for _ in range(settings.run.retries):
        try:
            count = pool.run(clean_shard, shard, out, chosen, compiled)
            break
        except BrokenProcessPool:
            continue
    else:
        count = _one_by_one(shard, out, chosen, compiled, pool)
    advance(count)
    return count


def _one_by_one(shard: Path, out: Path, chosen: list[str], settings: str, pool: WorkerPool) -> int:
    """Clean a shard whose worker died repeatedly: halve it until the capture that does it stands alone."""

    def clean_part(part: list[str], name: str) -> list[Path]:
        path = out.with_name(f".{out.stem}.{name}.part")
        try:
            pool.run(clean_shard, shard, path, part, settings)
        except BrokenProcessPool:
            if len(part) > 1:
                middle = len(part) // 2
                return clean_part(part[:middle], name + "0") + clean_part(part[middle:], name + "1")
            with shard_writer(path, CLEANED) as writer:
                writer.write_batch(failed_rows(shard, part, "its worker process died twice while cleaning it"))
        return [path]

    parts = clean_part(sorted(chosen), "")
    with shard_writer(out, CLEANED) as writer:
        for path in parts:
            writer.write_table(pq.read_table(path, schema=CLEANED))
    for path in parts:
        path.unlink()
    return len(chosen)
