"""The Prefect tasks of a run: thin wrappers that hand paths to workers and count what comes back.

Retries are on the tasks. A shard whose worker dies again and again is cleaned capture by capture,
so that only the capture that kills its worker is lost to the run, and recorded as failed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
from prefect import task
from prefect.cache_policies import NO_CACHE

from config.settings import Settings
from tasks import shards
from tasks.assemble import GONE, Assembly, Funnel
from tasks.basis import Basis
from tasks.collect import InputFile
from tasks.dedupe.exact import Mark, exact_staged
from tasks.dedupe.report import Resolution
from tasks.dedupe.resolve import resolve
from tasks.dedupe.siblings import siblings_of
from tasks.dedupe.signatures import SIGNATURE_VERSION
from tasks.dedupe.urls import url_key
from tasks.fetch.state import gone_pages
from tasks.pool import LocalWorkers, WorkerDiedError, Workers
from tasks.provenance import code_version, dictionaries
from tasks.shards import clean_shard, collect_job, failed_rows
from tasks.snapshot import DataFile, InputSums, Manifest, RunFacts, Store
from tasks.snapshot.manifest import KEYS, content_digest, tallies
from tasks.staging import Job, Staging, plan_id, shard_writer, to_batch
from tasks.tables import CLEANED, INPUTS, STAGED

Advance = Callable[[int], None]

_ISOLATION: Final = threading.Lock()
"""One shard at a time is taken apart."""


@task(name="read", task_run_name="read {job.number}", persist_result=False, cache_policy=NO_CACHE, retries=2)
def read(
    job: Job, staging: Staging, settings: Settings, pool: Workers, advance: Advance
) -> Mapping[str, Any]:
    """Read the files of a job into shards; see tasks.shards.collect_job for the report."""
    report = pool.run(collect_job, job, staging, settings)
    advance(job.bytes)
    return report


@task(name="clean", task_run_name="clean {shard.stem}", persist_result=False, cache_policy=NO_CACHE)
def clean(
    shard: Path, staging: Staging, rows: list[int], settings: Settings, pool: Workers, advance: Advance
) -> int:
    """Clean and convert the captures in the given rows of a shard; returns their number."""
    out = staging.cleaned_shard(shard)
    compiled = settings.model_dump_json()
    try:
        count = pool.run(clean_shard, shard, out, rows, compiled)
    except WorkerDiedError:
        count = _one_by_one(shard, out, rows, compiled)
    advance(count)
    return count


@task(name="find exact copies", persist_result=False, cache_policy=NO_CACHE)
def find_copies(staging: Staging, basis: Basis, settings: Settings) -> dict[Path, list[int]]:
    """Mark known captures and exact copies (EXACT in the staging folder).

    Returns for each shard the rows that have to be cleaned.
    """
    columns = ["capture_id", "payload_sha256", "captured_at", "locator", "error"]
    shards = staging.shards("captures")
    tables = [pq.read_table(shard, columns=columns) for shard in shards]
    names = [str(shard) for shard, table in zip(shards, tables, strict=True) for _ in range(table.num_rows)]
    places = [row for table in tables for row in range(table.num_rows)]
    staged = pa.concat_tables(tables) if tables else STAGED.empty_table().select(columns)
    marks = exact_staged(staged, basis.ledger, settings.dedupe)
    exact = pa.table(
        {
            "shard": pa.array(names, pa.string()),
            "shard_row": pa.array(places, pa.int64()),
            **{name: marks.column(name) for name in ("capture_id", "mark", "of_capture")},
        }
    )
    pq.write_table(exact, staging.exact)
    due: dict[Path, list[int]] = {shard: [] for shard in shards}
    for shard, row, mark in zip(names, places, marks.column("mark").to_pylist(), strict=True):
        if mark == Mark.CLEAN:
            due[Path(shard)].append(row)
    return due


@task(name="match", persist_result=False, cache_policy=NO_CACHE)
def match(staging: Staging, basis: Basis, settings: Settings) -> Resolution:
    """Recognise copies of one article among the cleaned captures and everything before."""
    cleaned = [str(path) for path in staging.shards("cleaned")]
    return resolve(
        cleaned,
        basis.signatures,
        basis.documents,
        settings.dedupe,
        held=basis.held(),
        index=settings.store.folder / "index",
    )


@task(name="settle", persist_result=False, cache_policy=NO_CACHE)
def settle(resolution: Resolution, staging: Staging, basis: Basis, settings: Settings, pool: Workers) -> int:
    """Let other copies settle what stayed ambiguous or lost in the best ones; returns how many were asked."""
    cleaned = [str(path) for path in staging.shards("cleaned")]
    texts = siblings_of(resolution, cleaned, basis.documents, settings.dedupe)
    if texts:
        marks = pq.read_table(staging.exact, filters=[("mark", "=", Mark.CLEAN.value)]).to_pylist()
        places = {
            row["capture_id"]: (row["shard"], row["shard_row"]) for row in marks if row["capture_id"] in texts
        }
        pool.run(shards.settle, places, texts, staging.settled, settings.model_dump_json())
    return len(texts)


@task(name="commit", persist_result=False, cache_policy=NO_CACHE)
def commit(
    files: list[InputFile],
    staging: Staging,
    store: Store,
    basis: Basis,
    settings: Settings,
    resolution: Resolution,
    *,
    dry_run: bool,
    notes: list[str],
) -> tuple[Funnel, Manifest | None]:
    """Write the rows of the next version and make it visible, unless nothing is new or the run is dry."""
    afresh = bool(basis.before)
    with Assembly.open(
        captures=staging.shards("captures"),
        cleaned=staging.shards("cleaned"),
        settled=staging.settled,
        exact=staging.exact,
        resolution=resolution,
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
        written = {
            "documents": _write(store, run_id, "documents", assembly.document_rows()),
            "captures": _write(store, run_id, "captures", assembly.ledger_rows()),
            "signatures": _write(store, run_id, "signatures", resolution.signatures.to_batches()),
        }
        deletes: dict[str, list[str]] = {
            "documents": changed_documents,
            "captures": assembly.changed_captures(),
            "signatures": resolution.superseded.column("capture_id").to_pylist(),
        }
    if afresh:
        if _same(store, written):
            return funnel, None
        deletes = {name: _keys(store, name) for name in deletes}
    else:
        written["inputs"] = _write(
            store, run_id, "inputs", [_input_rows(files, staging, store.next_version())]
        )
        deletes["inputs"] = [file.path for file in files]
    facts = RunFacts(
        read=funnel.read,
        repeated=funnel.known + len(set(deletes["captures"])) if afresh else funnel.known,
        code_version=code_version(),
        settings_digest=settings.digest(),
        settings=settings.model_dump(mode="json", exclude={"serve"}),
        dictionaries=dictionaries(settings),
        signature_version=SIGNATURE_VERSION,
        inputs=InputSums(
            files=len(files), bytes=sum(file.size for file in files), sha256=plan_id(files, "", 0, digits=64)
        ),
        notes=notes,
    )
    manifest = store.commit(run_id, appends=written, deletes=deletes, facts=facts, parent=basis.version)
    return funnel, manifest


def _keys(store: Store, table: str) -> list[str]:
    """Keys of all rows of a table at the newest version."""
    keys: list[str] = store.read(table, columns=[KEYS[table]]).column(0).to_pylist()
    return keys


def _same(store: Store, written: Mapping[str, list[DataFile]]) -> bool:
    """Whether documents and outcomes written are those of the newest version."""
    latest = store.latest()
    return (
        latest is not None
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


def _one_by_one(shard: Path, out: Path, rows: list[int], settings: str) -> int:
    """Clean a shard whose workers died: halve it until the capture that does it stands alone.

    That happens here, in one process of its own, whatever the engine: the workers are spared.
    """

    def clean_part(part: list[int], name: str) -> list[Path]:
        path = out.with_name(f".{out.stem}.{name}.part")
        try:
            alone.run(clean_shard, shard, path, part, settings)
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
