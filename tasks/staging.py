"""The staging area of a run: what is planned, and which shards are done.

A plan is a function of the inputs, the settings and the version it builds on, and its folder is
named by that: a run that was killed finds its own finished shards again, any other run does not.
A shard counts as done when its file stands under its final name, which it gets by a rename.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.collect import InputFile
from tasks.tables import PASSING


@dataclass(frozen=True, slots=True)
class Job:
    """Input files that one worker reads in one go."""

    number: int
    files: tuple[InputFile, ...]

    @property
    def bytes(self) -> int:
        """Size of the files on disk."""
        return sum(file.size for file in self.files)


def make_jobs(files: Iterable[InputFile], *, max_files: int, max_bytes: int) -> list[Job]:
    """Group files, in their order, into jobs of at most `max_files` files and about `max_bytes` bytes.

    A larger file gets a job of its own. The grouping depends on the files alone, so a resumed run
    finds the same jobs.
    """
    jobs: list[Job] = []
    group: list[InputFile] = []
    size = 0
    for file in sorted(files, key=lambda file: (file.collection, file.path)):
        if group and (len(group) >= max_files or size + file.size > max_bytes):
            jobs.append(Job(len(jobs), tuple(group)))
            group, size = [], 0
        group.append(file)
        size += file.size
    if group:
        jobs.append(Job(len(jobs), tuple(group)))
    return jobs


def plan_id(files: Iterable[InputFile], results_digest: str, base_version: int, *, digits: int = 16) -> str:
    """Name of the plan: hex digits over the inputs, what decides results beside them, the version built on."""
    digest = hashlib.sha256(f"{results_digest}\0{base_version}".encode())
    for file in sorted(files, key=lambda file: (file.collection, file.path)):
        entry = (file.collection, file.path, file.size, file.modified_ns)
        digest.update(json.dumps(entry).encode() + b"\n")
    return digest.hexdigest()[:digits]


class Staging:
    """The folder of one plan below the store's staging folder.

    Layout: `captures/JJJJJ-SSSS.parquet` (shards), `captures/JJJJJ.done` (their list),
    `cleaned/JJJJJ-SSSS.parquet`, and tables of the later steps beside them.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    @classmethod
    def open(cls, folder: Path, plan: str) -> Staging:
        """The staging folder of `plan`; those of other plans were abandoned and are removed."""
        for other in folder.glob("plan-*"):
            if other.name != f"plan-{plan}":
                shutil.rmtree(other)
        staging = cls(folder / f"plan-{plan}")
        for name in ("captures", "cleaned", "settled"):
            (staging.root / name).mkdir(parents=True, exist_ok=True)
        return staging

    @property
    def captures(self) -> Path:
        """The folder of what was read: shards, and the reports of the jobs."""
        return self.root / "captures"

    @property
    def exact(self) -> Path:
        """The marks of exact copies: shard, shard_row, capture_id, mark, of_capture."""
        return self.root / "exact.parquet"

    @property
    def doubts(self) -> Path:
        """What other copies say of captures with doubtful places; written by tasks.dedupe.siblings."""
        return self.root / "doubts.parquet"

    @property
    def recurring(self) -> Path:
        """Lines that recur over the documents of their site; written by tasks.recurring, read beside the shards."""
        return self.root / "recurring.parquet"

    @property
    def matching(self) -> Path:
        """The folder in which matching works."""
        return self.root / "match"

    def shards(self, stage: str) -> list[Path]:
        """Finished shards of a stage (`captures`, `cleaned`, `settled`: cleaned again with the help of others)."""
        return sorted((self.root / stage).glob("*.parquet"))

    def capture_shard(self, job: int, shard: int) -> Path:
        """Path of shard `shard` of job `job`."""
        return self.captures / f"{job:05d}-{shard:04d}.parquet"

    def cleaned_shard(self, captures: Path) -> Path:
        """Path of the cleaned counterpart of a capture shard."""
        return self.root / "cleaned" / captures.name

    def slowest(self) -> list[tuple[float, str]]:
        """(seconds, place) of the captures that took longest to clean, slowest first."""
        notes = (
            json.loads(note.read_text(encoding="utf-8")) for note in (self.root / "cleaned").glob("*.slow")
        )
        return sorted(((seconds, place) for note in notes for seconds, place in note), reverse=True)

    def done(self, job: int) -> Mapping[str, Any] | None:
        """What a finished job reported, None if it has to be done (again)."""
        marker = self.captures / f"{job:05d}.done"
        return json.loads(marker.read_text(encoding="utf-8")) if marker.exists() else None

    def captures_by_file(self) -> dict[str, int]:
        """Captures read from each input file, by its path."""
        counts: dict[str, int] = {}
        for marker in self.captures.glob("*.done"):
            counts.update(json.loads(marker.read_text(encoding="utf-8"))["files"])
        return counts

    def finish(self, job: int, report: Mapping[str, Any]) -> Path:
        """Mark a job as done, with its report, in one step; gives the file."""
        marker = self.captures / f"{job:05d}.done"
        partial = marker.with_suffix(".tmp")
        partial.write_text(json.dumps(report, ensure_ascii=False), encoding="utf-8")
        partial.replace(marker)
        return marker

    def remove(self) -> None:
        """Delete the folder: the plan is published or was abandoned."""
        shutil.rmtree(self.root, ignore_errors=True)


@contextmanager
def shard_writer(path: Path, schema: pa.Schema) -> Iterator[pq.ParquetWriter]:
    """Write a Parquet file that appears under `path` when it is whole, and not at all otherwise."""
    # Not the process id: workers on several machines may have the same.
    partial = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
    try:
        with pq.ParquetWriter(partial, schema, **PASSING) as writer:
            yield writer
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _storable(value: Any) -> Any:
    """`value` with lone surrogates (from odd file names or broken JSON) spelt out: Parquet holds UTF-8 only."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, list | tuple):
        return [_storable(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _storable(item) for key, item in value.items()}
    return value


def to_batch(rows: Sequence[Mapping[str, Any]], schema: pa.Schema) -> pa.RecordBatch:
    """Rows (dicts; absent keys are null) as a record batch of `schema`."""

    def column(name: str) -> pa.Array:
        values = [row.get(name) for row in rows]
        try:
            return pa.array(values, schema.field(name).type)
        except UnicodeEncodeError:
            return pa.array(_storable(values), schema.field(name).type)

    return pa.RecordBatch.from_arrays([column(name) for name in schema.names], schema=schema)
