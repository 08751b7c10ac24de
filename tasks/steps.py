"""The Prefect tasks of a run: thin wrappers that hand paths to workers and count what comes back.

Retries are on the tasks. A shard whose worker dies again and again is cleaned capture by capture,
so that only the capture that kills its worker is lost to the run, and recorded as failed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final, Generic, NamedTuple, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from prefect import task
from prefect.cache_policies import NO_CACHE

from config.settings import Settings
from tasks import samples, shards
from tasks.archive import archived, payload_rows
from tasks.assemble import GONE, Assembly, Funnel
from tasks.basis import Basis
from tasks.collect import InputFile
from tasks.dedupe import resolve
from tasks.dedupe.exact import Mark, mark_shards
from tasks.dedupe.resolve import Matched
from tasks.dedupe.siblings import find_doubts
from tasks.dedupe.signatures import SIGNATURE_VERSION
from tasks.dedupe.urls import url_key
from tasks.fetch.state import gone_pages
from tasks.pool import LocalWorkers, WorkerDiedError, Workers, aside
from tasks.provenance import code_version, dictionaries
from tasks.recurring import LineCounts, write_recurring
from tasks.shards import clean_shard, collect_job, failed_rows, write_shards
from tasks.snapshot import DataFile, InputSums, Manifest, RunFacts, Store
from tasks.snapshot import report as pages
from tasks.snapshot.manifest import KEYS, content_digest, tallies
from tasks.staging import Job, Staging, plan_id, shard_writer, to_batch
from tasks.tables import CLEANED, INPUTS

Advance = Callable[[int], None]
T = TypeVar("T")

ARCHIVE_JOB: Final = 99_999
"""Number of the job that reads the archive: behind those that read files."""
TASKS: Final = 8
"""Prefect tasks that a stage is divided into at most: each costs 43 ms, whatever the number of shards."""
_THREADS: Final = 64
"""Pieces of work that one task hands to the workers at a time; with TASKS, more than a large cluster has."""
_MANY: Final = 20
"""Pieces of work behind which workers rest before the next step: they have grown."""
_ISOLATION: Final = threading.Lock()
"""One shard at a time is taken apart."""


class Portion(Generic[T]):
    """Some pieces of a stage's work. Closed: Prefect would look into a list, item by item."""

    def __init__(self, items: Sequence[T]) -> None:
        self.items = items

    def __str__(self) -> str:
        return f"{len(self.items)} from {getattr(self.items[0], 'name', '')}"

    @classmethod
    def of(cls, items: Sequence[T]) -> list[Portion[T]]:
        """All items in at most TASKS portions, in their order."""
        size = max(1, -(-len(items) // TASKS))
        return [cls(items[start : start + size]) for start in range(0, len(items), size)]


@task(
    name="read",
    task_run_name="read {jobs}",
    persist_result=False,
    cache_policy=NO_CACHE,
    retries=2,
    retry_delay_seconds=[2, 10],
)
def read(jobs: Portion[Job], staging: Staging, settings: Settings, pool: Workers, advance: Advance) -> None:
    """Read the files of some jobs into shards (tasks.shards.collect_job)."""

    def one(job: Job) -> int:
        if staging.done(job.number) is None:
            pool.run(collect_job, job, staging, settings)
        return job.bytes

    _each(one, [(job,) for job in jobs.items], advance)


class Due(NamedTuple):
    """What is to be cleaned of a shard."""

    shard: Path
    rows: list[int]

    @property
    def name(self) -> str:
        """That of the shard."""
        return self.shard.stem


@task(name="clean", task_run_name="clean {due}", persist_result=False, cache_policy=NO_CACHE)
def clean(due: Portion[Due], staging: Staging, settings: Settings, pool: Workers, advance: Advance) -> None:
    """Clean and convert the due rows of some shards."""
    compiled = settings.model_dump_json()

    def one(shard: Path, rows: list[int]) -> int:
        out = staging.cleaned_shard(shard)
        try:
            if not out.exists():
                pool.run(clean_shard, shard, staging.recurring, out, rows, compiled)
        except WorkerDiedError:
            _one_by_one(shard, staging.recurring, out, rows, compiled)
        return len(rows)

    _each(one, due.items, advance)


@task(name="read archive", persist_result=False, cache_policy=NO_CACHE)
def read_archive(gone: list[InputFile], staging: Staging, store: Store, settings: Settings) -> None:
    """Read the captures of input files that are no more from the archive of payloads into shards."""
    if staging.done(ARCHIVE_JOB) is None:
        shards = write_shards(iter(archived(store, gone)), ARCHIVE_JOB, staging, settings)
        staging.finish(ARCHIVE_JOB, {"captures": 0, "shards": len(shards), "files": {}})


@task(name="find recurring lines", persist_result=False, cache_policy=NO_CACHE)
def find_recurring(staging: Staging, basis: Basis, settings: Settings) -> None:
    """Write the lines that recur over the documents of their site, as the version built on counts them."""
    least = settings.clean.chrome.recurring_documents
    aside(write_recurring, staging.recurring, basis.lines, least, settings.store)


@task(name="find exact copies", persist_result=False, cache_policy=NO_CACHE)
def find_copies(staging: Staging, basis: Basis, settings: Settings) -> list[Portion[Due]]:
    """Mark known captures and exact copies (EXACT in the staging folder).

    Returns what has to be cleaned.
    """
    shards = staging.shards("captures")
    aside(mark_shards, [str(shard) for shard in shards], basis.ledger, staging.exact, settings.dedupe)
    due: dict[Path, list[int]] = {shard: [] for shard in shards}
    with pq.ParquetFile(staging.exact) as file:
        for batch in file.iter_batches(columns=["shard", "shard_row", "mark"]):
            clean = batch.filter(pc.equal(batch["mark"], Mark.CLEAN.value))
            for shard, row in zip(clean["shard"].to_pylist(), clean["shard_row"].to_pylist(), strict=True):
                due[Path(shard)].append(row)
    return Portion.of([Due(shard, rows) for shard, rows in due.items() if rows])


@task(name="match", persist_result=False, cache_policy=NO_CACHE)
def match(staging: Staging, basis: Basis, settings: Settings, pool: Workers) -> Matched:
    """Recognise copies of one article among the cleaned captures and everything before."""
    cleaned = [str(path) for path in staging.shards("cleaned")]
    return resolve.match(
        staging.matching,
        cleaned,
        basis.signatures,
        basis.documents,
        settings.dedupe,
        before=basis.before,
        index=settings.store.folder / "index",
        each=partial(_on, pool),
        aside=aside,
    )


def _on(pool: Workers, function: Callable[..., object], arguments: Iterable[tuple[Any, ...]]) -> None:
    """Call a function for each tuple of arguments on the workers."""
    calls = [(function, *one) for one in arguments]
    _each(pool.run, calls)
    if len(calls) > _MANY:
        pool.rest()


def _each(
    function: Callable[..., T],
    arguments: Sequence[tuple[Any, ...]],
    told: Callable[[T], None] = lambda _: None,
) -> None:
    """Call a function for each tuple of arguments, many at a time; stops at the first error.

    `told` gets the results as they come, in this thread: others have no connection to the server.
    """
    with ThreadPoolExecutor(_THREADS) as threads:
        futures = [threads.submit(function, *one) for one in arguments]
        try:
            for future in as_completed(futures):
                told(future.result())
        except BaseException:
            threads.shutdown(wait=False, cancel_futures=True)
            raise


@task(name="settle", persist_result=False, cache_policy=NO_CACHE)
def settle(matched: Matched, staging: Staging, basis: Basis, settings: Settings, pool: Workers) -> int:
    """Let other copies settle what stayed ambiguous or lost in the best ones; returns the batches asked."""
    cleaned = [str(path) for path in staging.shards("cleaned")]
    decisions = matched.files("captures")
    batches = aside(
        find_doubts, staging.doubts, decisions, cleaned, staging.exact, basis.documents, settings.dedupe
    )
    compiled = settings.model_dump_json()
    arguments = [
        (staging.doubts, batch, {name: Path(name) for name in named}, staging.recurring, out, compiled)
        for batch, named in batches.items()
        if not (out := staging.root / "settled" / f"{batch:06d}.parquet").exists()
    ]
    _on(pool, shards.settle, arguments)
    return len(batches)


@task(name="commit", persist_result=False, cache_policy=NO_CACHE)
def commit(
    files: list[InputFile],
    staging: Staging,
    store: Store,
    basis: Basis,
    settings: Settings,
    matched: Matched,
    *,
    dry_run: bool,
    notes: list[str],
) -> tuple[Funnel, Manifest | None]:
    """Write the rows of the next version and make it visible, unless nothing is new or the run is dry."""
    afresh = bool(basis.before)
    with Assembly.open(
        captures=staging.shards("captures"),
        cleaned=staging.shards("cleaned"),
        settled=staging.shards("settled"),
        exact=staging.exact,
        matched=matched,
        basis=basis,
        gone=gone_table(store.path),
        version=store.next_version(),
        settings=settings.store,
        scratch=staging.root / "scratch",
    ) as assembly:
        funnel = assembly.funnel()
        changed_documents = assembly.changed_documents()
        if dry_run or not (funnel.new or changed_documents or afresh):
            return funnel, None
        run_id = staging.root.name
        lines = LineCounts(changed_documents, staging.root / "lines.parquet")
        written = {
            "documents": _write(store, run_id, "documents", lines.watch(assembly.document_rows())),
            "captures": _write(store, run_id, "captures", assembly.ledger_rows()),
            "signatures": _write(store, run_id, "signatures", assembly.signature_rows()),
        }
        keeping = [source.name for source in settings.sources if source.archived]
        if keeping and not afresh:
            places = assembly.payload_places(keeping, store.files("payloads"))
            written["payloads"] = _write(store, run_id, "payloads", payload_rows(places))
        deletes: dict[str, list[str]] = {
            "documents": changed_documents,
            "captures": assembly.changed_captures(),
            "signatures": assembly.superseded(),
        }
    if afresh:
        if _same(store, written):
            return funnel, None
        deletes = {name: _keys(store, name) for name in deletes}
    else:
        written["lines"] = _write(store, run_id, "lines", lines.rows(store.next_version(), settings.store))
        written["inputs"] = _write(
            store, run_id, "inputs", [_input_rows(files, staging, store.next_version())]
        )
        deletes["inputs"] = [file.path for file in files]
    facts = RunFacts(
        read=funnel.read,
        repeated=funnel.known + len(set(deletes["captures"])) if afresh else funnel.known,
        code_version=code_version(),
        settings_digest=settings.digest(),
        settings=settings.model_dump(mode="json", exclude={"serve", "notify"}),
        dictionaries=dictionaries(settings),
        signature_version=SIGNATURE_VERSION,
        inputs=InputSums(
            files=len(files), bytes=sum(file.size for file in files), sha256=plan_id(files, "", 0, digits=64)
        ),
        notes=notes,
    )
    manifest = store.commit(run_id, appends=written, deletes=deletes, facts=facts, parent=basis.version)
    return funnel, manifest


@task(name="report", persist_result=False, cache_policy=NO_CACHE, retries=1, retry_delay_seconds=2)
def report(
    manifest: Manifest,
    staging: Staging,
    store: Store,
    settings: Settings,
    pool: Workers,
    warnings: Sequence[str],
) -> str:
    """Write the report of the version just made, with some of its documents before and after; gives the page."""
    shown = settings.report
    parent = store.files("documents", manifest.parent) if manifest.parent else []
    mine = sorted(set(store.files("documents", manifest.version)) - set(parent))
    columns = ["document_id", "capture_id", "damage", "converted"]
    documents = (
        row for batch in store.scan("documents", columns=columns, files=mine) for row in batch.to_pylist()
    )
    places = samples.choose(documents, staging, shown.sample_documents)
    by_shard: dict[Path, dict[int, str]] = {}
    for document_id, shard, row in places.values():
        by_shard.setdefault(Path(shard), {})[row] = document_id
    compiled = settings.model_dump_json()
    found = [
        sample
        for shard, wanted in by_shard.items()
        for sample in pool.run(
            shards.show, shard, staging.recurring, wanted, shown.sample_characters, compiled
        )
    ]
    order = [document_id for document_id, _, _ in places.values()]
    found.sort(key=lambda sample: order.index(sample.document_id))
    return pages.write(store, manifest.version, shown, samples=found, warnings=warnings)


def _keys(store: Store, table: str) -> list[str]:
    """Keys of all rows of a table at the newest version."""
    keys: list[str] = store.read(table, columns=[KEYS[table]]).column(0).to_pylist()
    return keys


def _same(store: Store, written: Mapping[str, list[DataFile]]) -> bool:
    """Whether documents, outcomes and kind of signatures written are those of the newest version."""
    latest = store.latest()
    return (
        latest is not None
        and latest.signature_version == SIGNATURE_VERSION
        and content_digest(written["documents"]) == latest.content_digest
        and tallies(written["captures"])[1] == latest.counts.rules
    )


def gone_table(store: Path) -> pa.Table:
    """Pages that the fetch found deleted, one row an address (GONE)."""
    since: dict[str, datetime] = {}
    for page in gone_pages(store):
        key = url_key(page.url)
        seen = datetime.fromtimestamp(int(page.since), UTC)
        if key:
            since[key] = min(seen, since.get(key, seen))
    return pa.table({"url_key": sorted(since), "gone_at": [since[key] for key in sorted(since)]}, schema=GONE)


def _write(store: Store, run_id: str, table: str, batches: Iterable[pa.RecordBatch]) -> list[DataFile]:
    with store.writer(table, run_id) as writer:
        for batch in batches:
            writer.write(batch)
    return writer.files


def _input_rows(files: list[InputFile], staging: Staging, version: int) -> pa.RecordBatch:
    """Rows of INPUTS for the files read in this run."""
    counts = staging.captures_by_file()
    rows = [
        {
            "collection": file.collection,
            "path": file.path,
            "bytes": file.size,
            "modified_ns": file.modified_ns,
            "captures": counts.get(file.path, 0),
            "version": version,
        }
        for file in sorted(files, key=lambda file: file.path)
    ]
    return to_batch(rows, INPUTS)


def _one_by_one(shard: Path, recurring: Path, out: Path, rows: list[int], settings: str) -> int:
    """Clean a shard whose workers died: halve it until the capture that does it stands alone.

    That happens here, in one process of its own, whatever the engine: the workers are spared.
    """

    def clean_part(part: list[int], name: str) -> list[Path]:
        path = out.with_name(f".{out.stem}.{name}.part")
        try:
            alone.run(clean_shard, shard, recurring, path, part, settings)
        except WorkerDiedError:
            if len(part) > 1:
                middle = len(part) // 2
                return clean_part(part[:middle], name + "0") + clean_part(part[middle:], name + "1")
            with shard_writer(path, CLEANED) as writer:
                writer.write_batch(
                    failed_rows(shard, part, "its worker process died twice while cleaning it")
                )
        return [path]

    with _ISOLATION, LocalWorkers(1, settings, attempts=1) as alone:
        parts = clean_part(rows, "")
    with shard_writer(out, CLEANED) as writer:
        for path in parts:
            writer.write_table(pq.read_table(path, schema=CLEANED))
    for path in parts:
        path.unlink()
    return len(rows)
