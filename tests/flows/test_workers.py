"""Workers that die: the shard is tried again, the capture that kills its worker is isolated and recorded."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from config.settings import Settings, Source
from tasks import shards, steps
from tasks.collect import find_inputs
from tasks.pool import LocalWorkers, WorkerDiedError, aside
from tasks.staging import Staging, make_jobs
from tests.flows.corpus_files import article

DEADLY = "这一页会杀死工人"


def deadly_clean_shard(
    shard: Path, recurring: Path, out: Path, rows: Sequence[int], settings: str
) -> list[Path]:
    """Like tasks.shards.clean_shard, in a worker that dies over one capture, as native code might."""
    payloads = pq.read_table(shard, columns=["payload"]).column(0).to_pylist()
    if any(DEADLY.encode() in payloads[row] for row in rows):
        os.kill(os.getpid(), signal.SIGKILL)
    return shards.clean_shard(shard, recurring, out, rows, settings)


def test_the_deadly_capture_alone_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "clean_shard", deadly_clean_shard)
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(5):
        (folder / f"{number}.txt").write_text(article("worker", number), encoding="utf-8")
    (folder / "deadly.txt").write_text(DEADLY, encoding="utf-8")
    settings = Settings(sources=[Source(name="test", paths=[str(folder)])])
    files = list(find_inputs(settings.sources[0], tmp_path))
    staging = Staging.open(tmp_path, "test")
    with LocalWorkers(2, settings.model_dump_json()) as pool:
        for job in make_jobs(files, max_files=100, max_bytes=1 << 20):
            shards.collect_job(job, staging, settings)
        (shard,) = staging.shards("captures")
        due = steps.Portion([steps.Due(shard, list(range(6)))])
        steps.clean.fn(due, staging, settings, pool, lambda _: None)
    rows = {row["locator"]: row for row in pq.read_table(staging.cleaned_shard(shard)).to_pylist()}
    assert len(rows) == 6
    dead = rows.pop("in/deadly.txt")
    assert (dead["outcome"], dead["rule"]) == ("failed", "run.worker")
    assert {row["outcome"] for row in rows.values()} == {"kept"}


def other_process(parent: int) -> bool:
    return os.getpid() != parent


def kill_itself() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_what_is_done_aside_ends_with_its_process() -> None:
    assert aside(other_process, os.getpid())
    with pytest.raises(ValueError, match="invalid literal"):
        aside(int, "none")
    with pytest.raises(WorkerDiedError, match="kill_itself"):
        aside(kill_itself)
