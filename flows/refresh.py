"""The main job: captures in, the next version of the corpus out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from prefect.task_runners import ThreadPoolTaskRunner
from pydantic import BaseModel, ConfigDict, Field

from config.settings import Settings, Source, load_settings
from flows.engine import open_workers
from flows.progress import Progress
from flows.report import report_artifacts
from tasks import steps
from tasks.assemble import Funnel
from tasks.basis import Basis
from tasks.collect import InputFile, find_inputs
from tasks.pool import Workers
from tasks.provenance import results_digest
from tasks.snapshot import Manifest, Store
from tasks.staging import Staging, make_jobs, plan_id


class RefreshParameters(BaseModel):
    """What a person may choose when starting a refresh."""

    model_config = ConfigDict(extra="forbid")

    config: str = Field(
        "", description="Settings file that goes over the shipped ones; empty for those alone."
    )
    paths: list[str] = Field([], description="Files or folders to load instead of the configured sources.")
    dry_run: bool = Field(False, description="Report what would change and write nothing.")


@dataclass(frozen=True)
class RefreshResult:
    """What a run did."""

    version: int | None
    """The new version; None when nothing was new, or in a dry run."""
    published: str | None
    """Folder of the newest version."""
    message: str
    read: int = 0
    known: int = 0
    """Captures of those read that an earlier version knows."""
    outcomes: list[tuple[str, str, int]] = field(default_factory=list)
    """New captures by outcome and rule, most frequent first."""
    notes: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """As a JSON value."""
        return asdict(self)


def settings_for(parameters: RefreshParameters) -> Settings:
    """The settings of a run; the archives that the fetch has filled are sources too. Raises SettingsError."""
    settings = load_settings(Path(parameters.config) if parameters.config else None)
    if parameters.paths:
        return settings.model_copy(update={"sources": [Source(name="given", paths=parameters.paths)]})
    named = {source.name for source in settings.sources}
    archives = settings.store.folder / "fetch" / "warc"
    fetched = [
        Source(name=source.name, paths=[str(archives / source.name)])
        for source in settings.fetch.sources
        if source.name not in named and (archives / source.name).is_dir()
    ]
    return settings.model_copy(update={"sources": settings.sources + fetched})


def new_inputs(settings: Settings, store: Store) -> list[InputFile]:
    """The input files of all sources that no version took in as they are now. Raises CollectError."""
    rows = store.read("inputs", columns=["path", "bytes", "modified_ns"]).to_pylist()
    known = {(row["path"], row["bytes"], row["modified_ns"]) for row in rows}
    found: dict[str, InputFile] = {}
    for source in settings.sources:
        for file in find_inputs(source, settings.collect, Path.cwd()):
            found.setdefault(file.path, file)  # a file that two sources name belongs to the first
    return [file for file in found.values() if (file.path, file.size, file.modified_ns) not in known]


@flow(name="refresh", task_runner=ThreadPoolTaskRunner(max_workers=256), persist_result=False)  # type: ignore[arg-type]
def refresh(parameters: RefreshParameters = RefreshParameters()) -> RefreshResult:  # noqa: B008 - immutable here
    """Load new captures, deduplicate, clean and convert them, and publish the next version."""
    settings = settings_for(parameters)
    store = Store(settings.store)
    with store.exclusive(f"refresh {flow_run.name}"):
        notes = recovered(store)
        files = new_inputs(settings, store)
        return process(files, Basis.latest(store), settings, store, notes, dry_run=parameters.dry_run)


def recovered(store: Store) -> list[str]:
    """Put right what an interrupted run left; gives the sentences that say what was done."""
    notes = store.recover()
    for note in notes:
        get_run_logger().warning(note)
    return notes


def process(
    files: list[InputFile],
    basis: Basis,
    settings: Settings,
    store: Store,
    notes: list[str],
    *,
    dry_run: bool,
    archived: Sequence[InputFile] = (),
) -> RefreshResult:
    """Take input files from bytes to the next version, decided against `basis`. The store is held.

    The bytes of `archived` files come from the archive of the store.
    """
    plan = plan_id([*files, *archived], f"{results_digest(settings)} {bool(basis.before)}", basis.version)
    staging = Staging.open(store.path / "staging", plan)
    with Progress() as progress, open_workers(settings) as pool:
        read_all(files, staging, settings, pool, progress)
        if archived:
            steps.read_archive(list(archived), staging, store, settings)
        due = steps.find_copies(staging, basis, settings)
        steps.find_recurring(staging, basis, settings)
        clean_all(due, staging, settings, pool, progress)
        pool.rest()
        progress.stage("match", 1, "run")
        matched = steps.match(staging, basis, settings, pool)
        steps.settle(matched, staging, basis, settings, pool)
        pool.rest()
        funnel, manifest = steps.commit(
            [*files, *archived], staging, store, basis, settings, matched, dry_run=dry_run, notes=notes
        )
        progress.advance(1)
    if not dry_run:
        staging.remove()
    return result_of(funnel, manifest, store, notes, dry_run=dry_run)


def read_all(
    files: list[InputFile], staging: Staging, settings: Settings, pool: Workers, progress: Progress
) -> None:
    """Read all input files into shards."""
    run = settings.run
    jobs = make_jobs(files, max_files=run.shard_captures, max_bytes=run.shard_bytes)
    progress.stage("read", sum(job.bytes for job in jobs), "bytes")
    for future in [steps.read.submit(job, staging, settings, pool, progress.advance) for job in jobs]:
        future.result()


def clean_all(
    due: Mapping[Path, list[int]], staging: Staging, settings: Settings, pool: Workers, progress: Progress
) -> None:
    """Clean and convert the due rows of all shards."""
    progress.stage("clean", sum(len(rows) for rows in due.values()), "captures")
    futures = [
        steps.clean.submit(shard, staging, rows, settings, pool, progress.advance)
        for shard, rows in due.items()
        if rows
    ]
    for future in futures:
        future.result()


def result_of(
    funnel: Funnel, manifest: Manifest | None, store: Store, notes: list[str], *, dry_run: bool
) -> RefreshResult:
    """Say what the run did, here and in the dashboard."""
    latest = manifest or store.latest()
    folder = store.published(latest.version) if latest else None
    if manifest:
        documents = manifest.counts.documents
        message = (
            f"v{manifest.version} published: {documents.total:,} documents, {documents.new:,} new, "
            f"{documents.changed:,} changed, {documents.gone:,} gone; in {folder}"
        )
    elif dry_run:
        message = f"dry run: {funnel.new:,} new captures, nothing was written"
    else:
        message = (
            f"nothing new; v{latest.version} stays" if latest else "nothing to load; there is no version yet"
        )
    report_artifacts(funnel, manifest, folder, message)
    return RefreshResult(
        version=manifest.version if manifest else None,
        published=folder,
        message=message,
        read=funnel.read,
        known=funnel.known,
        outcomes=funnel.rows(),
        notes=notes,
    )
