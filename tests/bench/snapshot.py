"""The store at size: a commit into millions of rows, opening one of hundreds of versions, memory.

Run: python -m tests.bench.snapshot [MILLIONS] [GIGABYTES] [VERSIONS]   (default 5, 5 and 500)

Each part runs in a process of its own, so that its peak memory is its own.
"""

from __future__ import annotations

import hashlib
import random
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from config.settings import StoreSettings
from tasks.dedupe.signatures import SIGNATURE_VERSION
from tasks.snapshot.history import list_versions
from tasks.snapshot.manifest import RunFacts
from tasks.snapshot.store import Store
from tasks.tables import TABLES

BATCH = 20_000


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def peak() -> int:
    """Peak memory of this process in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


def ids(start: int, count: int) -> pa.Array:
    """Ids that look like ours: 32 hex digits without order."""
    numbers = np.random.default_rng(start).integers(0, 256, size=(count, 16), dtype=np.uint8)
    return pa.array([row.tobytes().hex() for row in numbers], pa.string())


def rows(table: str, keys: pa.Array, text: Callable[[int], str]) -> pa.Table:
    """Rows of a table: the required columns, ids from `keys`, the rest null or constant."""
    fixed: dict[str, Any] = {
        "collection": "bench",
        "script": "hans",
        "damage": [],
        "edits": [],
        "quality": {"characters": 800, "han": 700},
        "locator": "in/file.warc.gz#1",
        "media_type": "text/html",
        "payload_bytes": 20_000,
        "outcome": "kept",
        "rule": "keep",
        "reason": "kept",
        "version": 1,
        "decided": 1,
        "signature_version": SIGNATURE_VERSION,
        "shingles": 600,
        "url_key": "",
    }
    count = len(keys)
    zeros = pa.array(np.zeros(count, np.int64))
    columns = {}
    for field in TABLES[table]:
        name = field.name
        if name in ("document_id", "capture_id"):
            columns[name] = keys
        elif name == "bands":
            bands = np.random.default_rng(count).integers(0, 2**63, 20 * count, dtype=np.uint64)
            columns[name] = pa.ListArray.from_arrays(np.arange(0, 20 * count + 1, 20, dtype=np.int32), bands)
        elif name in ("payload_sha256", "skeleton"):
            columns[name] = pc.binary_join_element_wise(keys, keys, "")
        elif name == "url":
            columns[name] = pc.binary_join_element_wise("https://news.example/", keys, "")
        elif name == "captured_at":
            columns[name] = pa.array([datetime(2026, 1, 1, tzinfo=UTC)], field.type).take(zeros)
        elif name in fixed:
            columns[name] = pa.array([fixed[name]], field.type).take(zeros)
        elif name not in ("text", "text_sha256"):
            columns[name] = pa.nulls(count, field.type)
    if table == "documents":
        texts = [text(i) for i in range(count)]
        columns["text"] = pa.array(texts)
        columns["text_sha256"] = pa.array([hashlib.sha256(value.encode()).hexdigest() for value in texts])
    return pa.table(columns).select(TABLES[table].names)


def write(store: Store, run: str, batches: Iterator[pa.Array], text: Callable[[int], str]) -> dict[str, Any]:
    """Write the tables of a run; what `commit` wants as appends."""
    tables = ("documents", "captures", "signatures")
    writers = {table: store.writer(table, run) for table in tables}
    for keys in batches:
        for table, writer in writers.items():
            writer.write(rows(table, keys, text))
    for writer in writers.values():
        writer.__exit__(None, None, None)
    return {table: writer.files for table, writer in writers.items()}


def large_corpus(folder: Path, millions: float) -> None:
    """A commit of 1,000 new documents, then of 1,000 with 10 replaced, into millions of rows."""
    store = Store(StoreSettings(path=str(folder / "large")))
    total = int(millions * 1_000_000)
    with store.exclusive("bench"):
        began = time.perf_counter()
        batches = (ids(start, min(BATCH, total - start)) for start in range(0, total, BATCH))
        with mock.patch("tasks.snapshot.writer.documents_digest", new=lambda _: 0):  # noqa: PT008 - no mock: it keeps the rows
            appends = write(store, "base", batches, lambda i: f"第{i}条。\n")
        written = time.perf_counter()
        manifest = store.commit("base", appends=appends, facts=RunFacts(read=total))
        size = sum(file.bytes for pin in manifest.tables.values() for file in pin.files)
        say(
            f"{total:,} short documents, captures, signatures: written in {written - began:.0f} s "
            f"({size / 1e9:.1f} GB), first commit {time.perf_counter() - written:.2f} s"
        )
        for number in range(3):
            appends = write(
                store, f"next-{number}", iter([ids(total + number, 1000)]), lambda i: f"新{i}。\n"
            )
            began, worked = time.perf_counter(), time.process_time()
            store.commit(f"next-{number}", appends=appends, facts=RunFacts(read=1000))
            taken, worked = time.perf_counter() - began, time.process_time() - worked
            say(f"commit of 1,000 new documents: {taken:.2f} s (limit 3 s), {worked:.2f} s of CPU")
        old = store.files("documents")[0]
        gone = pq.ParquetFile(old).read_row_group(0, columns=["document_id"]).column(0).slice(0, 10)
        appends = write(store, "better", iter([gone.combine_chunks()]), lambda i: f"更好{i}。\n")
        deletes = {table: gone.to_pylist() for table in appends}
        began = time.perf_counter()
        store.commit("better", appends=appends, deletes=deletes)
        say(f"10 rows replaced in one file of each table: {time.perf_counter() - began:.2f} s with rewriting")
    say(f"peak memory {peak()} MB")


def many_versions(folder: Path, count: int) -> None:
    """List all of many versions, open any one, read its rows."""
    store = Store(StoreSettings(path=str(folder / "many")))
    began = time.perf_counter()
    with store.exclusive("bench"):
        for number in range(count):
            appends = write(store, f"run-{number}", iter([ids(number, 10)]), lambda i: f"第{i}条。\n")
            store.commit(f"run-{number}", appends=appends, facts=RunFacts(read=10))
    say(f"{count} versions made: {(time.perf_counter() - began) / count:.2f} s each")
    began = time.perf_counter()
    listed = list_versions(Store(store.settings))
    say(f"list of {len(listed)} versions: {time.perf_counter() - began:.2f} s (limit 1 s)")
    slowest = 0.0
    for version in random.Random(7).sample(range(1, count + 1), min(20, count)):
        began = time.perf_counter()
        opened = Store(store.settings)
        read = opened.read("documents", version=version, columns=["title"])
        slowest = max(slowest, time.perf_counter() - began)
        if read.num_rows != 10 * version:
            raise RuntimeError(f"v{version} has {read.num_rows} rows")
    say(f"open one of them and read a column: {slowest:.2f} s at most of 20 (limit 1 s)")


def streamed_text(folder: Path, gigabytes: float) -> None:
    """Text through the writer and the commit; peak memory."""
    store = Store(StoreSettings(path=str(folder / "stream")))
    draw = random.Random(7)
    pool = "".join(chr(draw.randrange(0x4E00, 0x9FA5)) for _ in range(1_000_000))
    characters = 2000
    total = int(gigabytes * 1e9 / (characters * 3))
    before = peak()
    began = time.perf_counter()

    def text(_: int) -> str:
        start = draw.randrange(len(pool) - characters)
        return pool[start : start + characters]

    with store.exclusive("bench"):
        batches = (ids(start, min(2000, total - start)) for start in range(0, total, 2000))
        appends = write(store, "stream", batches, text)
        store.commit("stream", appends=appends, facts=RunFacts(read=total))
    seconds = time.perf_counter() - began
    say(
        f"{gigabytes:g} GB of text, {total:,} documents: peak memory {peak()} MB "
        f"({before} MB before; limit 700 MB), {gigabytes * 1000 / seconds:.0f} MB/s"
    )


def main() -> None:
    """Run all parts; sizes from the command line."""
    sizes = [float(value) for value in sys.argv[1:]] + [5.0, 5.0, 500.0][len(sys.argv) - 1 :]
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    try:
        parts = ((large_corpus, sizes[0]), (streamed_text, sizes[1]), (many_versions, int(sizes[2])))
        for part, size in parts:
            process = get_context("spawn").Process(target=part, args=(folder, size))
            process.start()
            process.join()
            if process.exitcode:
                raise SystemExit(process.exitcode)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
