"""The main job: captures in, the next version of the corpus out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from prefect.task_runners import ThreadPoolTaskRunner
from pydantic import BaseModel, ConfigDict, Field

from config.messages import Words
from config.settings import Settings, SettingsError, Source, load_settings
from flows.engine import open_workers
from flows.notify import Notice, send
from flows.orchestration import reports_address
from flows.progress import Progress
from flows.report import message, report_artifacts
from tasks import steps
from tasks.assemble import Funnel
from tasks.basis import Basis
from tasks.collect import InputFile, find_inputs
from tasks.pool import Workers
from tasks.provenance import results_digest
from tasks.snapshot import Manifest, Store, watch
from tasks.snapshot.report import complete
from tasks.staging import Staging, make_jobs, plan_id


class RefreshParameters(BaseModel):
    """What a person may choose when starting a refresh."""

    model_config = ConfigDict(extra="forbid")

    config: str = Field(
        "", description="Settings file that goes over the shipped ones; empty for those alone."
    )
    sources: list[str] = Field([], description="Configured sources to load; none chosen means all.")
    paths: list[str] = Field([], description="Files or folders to load instead of the configured sources.")
    profile: str = Field(
        "", description="Conversion between Simplified and Traditional; empty means as configured."
    )
    limit: int = Field(
        0, ge=0, le=10_000_000, description="Input files taken in at most, the rest next time; 0 means all."
    )
    dry_run: bool = Field(False, description="Report what would change and write nothing.")


class UnusualError(Exception):
    """Figures of the run are off and `watch.action` is fail; the version it made stays."""


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
    if parameters.profile:
        settings.convert.named(parameters.profile)
        convert = settings.convert.model_copy(update={"profile": parameters.profile})
        settings = settings.model_copy(update={"convert": convert})
    if parameters.paths:
        return settings.model_copy(update={"sources": [Source(name="given", paths=parameters.paths)]})
    named = {source.name for source in settings.sources}
    archives = settings.store.folder / "fetch" / "warc"
    fetched = [
        Source(name=source.name, paths=[str(archives / source.name)])
        for source in settings.fetch.sources
        if source.name not in named and (archives / source.name).is_dir()
    ]
    sources = settings.sources + fetched
    if parameters.sources:
        known = [source.name for source in sources]
        if unknown := sorted(set(parameters.sources) - set(known)):
            raise SettingsError(f"no source is named {unknown[0]}; known: {', '.join(known) or 'none'}")
        sources = [source for source in sources if source.name in parameters.sources]
    return settings.model_copy(update={"sources": sources})


def new_inputs(settings: Settings, store: Store) -> list[InputFile]:
    """The input files of all sources that no version took in as they are now. Raises CollectError."""
    rows = store.read("inputs", columns=["path", "bytes", "modified_ns"]).to_pylist()
    known = {(row["path"], row["bytes"], row["modified_ns"]) for row in rows}
    found: dict[str, InputFile] = {}
    for source in settings.sources:
        for file in find_inputs(source, Path.cwd()):
            found.setdefault(file.path, file)  # a file that two sources name belongs to the first
    return [file for file in found.values() if (file.path, file.size, file.modified_ns) not in known]


# mypy cannot tell what a ThreadPoolTaskRunner's futures hold (ThreadPoolTaskRunner[Never]).
@flow(name="refresh", task_runner=ThreadPoolTaskRunner(max_workers=256), persist_result=False)  # type: ignore[arg-type]
def refresh(parameters: RefreshParameters = RefreshParameters()) -> RefreshResult:  # noqa: B008 - immutable here
    """Load new captures, deduplicate, clean and convert them, and publish the next version."""
    settings = settings_for(parameters)
    store = Store(settings.store)
    with store.exclusive(f"refresh {flow_run.name}"):
        notes = recovered(store)
        files = new_inputs(settings, store)[: parameters.limit or None]
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
    run = settings.run
    # The shards of an earlier start are those of this one only if they are cut alike.
    means = f"{results_digest(settings)} {bool(basis.before)} {run.shard_captures} {run.shard_bytes}"
    plan = plan_id([*files, *archived], means, basis.version)
    staging = Staging.open(store.path / "staging", plan)
    with Progress(Words(settings.report.language)) as progress, open_workers(settings) as pool:
        read_all(files, staging, settings, pool, progress)
        if archived:
            steps.read_archive(list(archived), staging, store, settings)
        due = steps.find_copies(staging, basis, settings)
        steps.find_recurring(staging, basis, settings)
        clean_all(due, staging, settings, pool, progress)
        pool.rest()
        progress.stage("match", 1, "run")
        matched = steps.match(staging, basis, settings, pool)
        pool.rest()
        steps.settle(matched, staging, basis, settings, pool)
        pool.rest()
        funnel, manifest = steps.commit(
            [*files, *archived], staging, store, basis, settings, matched, dry_run=dry_run, notes=notes
        )
        progress.advance(1)
        warnings = unusual(manifest, store, settings) if not dry_run else []
        if manifest:
            # The version stands; should its page fail, it is made below, without the sample.
            steps.report(manifest, staging, store, settings, pool, warnings, return_state=True)
    slowest = staging.slowest()
    if not dry_run:
        staging.remove()
        complete(store, settings.report)
    return result_of(funnel, manifest, store, settings, notes, warnings, slowest, dry_run=dry_run)


def unusual(manifest: Manifest | None, store: Store, settings: Settings) -> list[str]:
    """Sentences about what is off with this run (tasks/snapshot/watch.py), in its log too."""
    words = Words(settings.report.language)
    names = [source.name for source in settings.sources]
    found = watch.warnings(store, manifest, names, datetime.now(UTC), settings.watch, words)
    for line in found:
        get_run_logger().warning(line)
    return found


def read_all(
    files: list[InputFile], staging: Staging, settings: Settings, pool: Workers, progress: Progress
) -> None:
    """Read all input files into shards."""
    run = settings.run
    jobs = make_jobs(files, max_files=run.shard_captures, max_bytes=run.shard_bytes)
    progress.stage("read", sum(job.bytes for job in jobs), "bytes")
    portions = steps.Portion.of(jobs)
    for future in [steps.read.submit(some, staging, settings, pool, progress.advance) for some in portions]:
        future.result()


def clean_all(
    due: list[steps.Portion[steps.Due]],
    staging: Staging,
    settings: Settings,
    pool: Workers,
    progress: Progress,
) -> None:
    """Clean and convert all that is due."""
    progress.stage("clean", sum(len(rows) for some in due for _, rows in some.items), "captures")
    for future in [steps.clean.submit(some, staging, settings, pool, progress.advance) for some in due]:
        future.result()


def result_of(
    funnel: Funnel,
    manifest: Manifest | None,
    store: Store,
    settings: Settings,
    notes: list[str],
    warnings: list[str],
    slowest: list[tuple[float, str]],
    *,
    dry_run: bool,
) -> RefreshResult:
    """Say what the run did, here and in the dashboard. Raises UnusualError where `watch.action` is fail."""
    latest = manifest or store.latest()
    folder = store.published(latest.version) if latest else None
    told, shown = (
        message(funnel, manifest, latest, Words(language), dry_run=dry_run)
        for language in ("en", settings.report.language)
    )
    report_artifacts(funnel, manifest, store, settings, shown, warnings=warnings, slowest=slowest)
    if warnings and "warning" in settings.notify.on:
        page = f"{reports_address(settings.serve)}/v{latest.version}" if latest else ""
        send(Notice("warning", "refresh", str(flow_run.name), "; ".join(warnings), page), settings.notify)
    if warnings and settings.watch.action == "fail":
        raise UnusualError("; ".join(warnings))
    return RefreshResult(
        version=manifest.version if manifest else None,
        published=folder,
        message=f"{told}; in {folder}" if manifest else told,
        read=funnel.read,
        known=funnel.known,
        outcomes=funnel.rows(),
        notes=notes + warnings,
    )
