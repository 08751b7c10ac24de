"""The main job: captures in, the next version of the corpus out."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import version as package_version
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.futures import wait
from prefect.logging import get_run_logger
from prefect.task_runners import ThreadPoolTaskRunner
from pydantic import BaseModel, ConfigDict, Field

from config.settings import Settings, Source, load_settings, workers
from flows.progress import Progress
from flows.report import report_artifacts
from tasks import steps
from tasks.assemble import Funnel
from tasks.collect import InputFile, find_inputs
from tasks.pool import WorkerPool
from tasks.snapshot import Store
from tasks.staging import Staging, make_jobs, plan_id


class RefreshParameters(BaseModel):
    """What a person may choose when starting a refresh."""

    model_config = ConfigDict(extra="forbid")

    config: str = Field("", description="Settings file that goes over the shipped ones; empty for those alone.")
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
    funnel: Mapping[str, Any] = field(default_factory=dict)
    """Captures read, repeated and by (outcome, rule)."""
    notes: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """As a JSON value."""
        return asdict(self)


def settings_for(parameters: RefreshParameters) -> Settings:
    """The settings of a run. Raises SettingsError."""
    settings = load_settings(Path(parameters.config) if parameters.config else None)
    if parameters.paths:
        settings = settings.model_copy(update={"sources": [Source(name="given", paths=parameters.paths)]})
    return settings


def new_inputs(settings: Settings, store: Store) -> list[InputFile]:
    """The input files of all sources that no version took in as they are now. Raises CollectError."""
    columns = ["collection", "path", "bytes", "modified_ns"]
    known = {tuple(row.values()) for row in store.read("inputs", columns=columns).to_pylist()}
    found = [file for source in settings.sources for file in find_inputs(source, settings.collect, Path.cwd())]
    return [file for file in found if (file.collection, file.path, file.size, file.modified_ns) not in known]


@flow(name="refresh", task_runner=ThreadPoolTaskRunner(max_workers=64), persist_result=False)  # type: ignore[arg-type]
def refresh(parameters: RefreshParameters = RefreshParameters()) -> RefreshResult:  # noqa: B008 - a frozen default for the form
    """Load new captures, deduplicate, clean and convert them, and publish the next version."""
    settings = settings_for(parameters)
    store = Store(settings.store)
    with store.exclusive(f"refresh (process {os.getpid()})"), Progress() as progress:
        notes = store.recover()
        files = new_inputs(settings, store)
        base = store.latest()
        plan = plan_id(files, settings.digest(), base.version if base else 0)
        staging = Staging.open(store.path / "staging", plan)
        with WorkerPool(workers(settings), settings.model_dump_json()) as pool:
            reports = read_all(files, staging, settings, pool, progress)
            exact = steps.find_exact_copies(staging, store)
            clean_all(exact, staging, settings, pool, progress)
        decisions = steps.match(staging, store, settings)
        funnel = Funnel.of(exact, decisions)
        if not funnel.new or parameters.dry_run:
            return finish(...)
        manifest = steps.commit(staging, store, settings, reports, decisions)
    report_artifacts(store, manifest, funnel)
    return RefreshResult()
