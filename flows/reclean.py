"""Apply new rules, thresholds or dictionaries to the stored captures, without fetching or loading new ones."""

from __future__ import annotations

from pathlib import Path

from prefect import flow
from prefect.runtime import flow_run
from prefect.task_runners import ThreadPoolTaskRunner
from pydantic import BaseModel, ConfigDict, Field

from config.settings import Settings, Source
from flows.refresh import RefreshParameters, RefreshResult, process, recovered, settings_for
from tasks.basis import Basis
from tasks.collect import InputFile
from tasks.snapshot import Store


class RecleanParameters(BaseModel):
    """What a person may choose when starting a reclean."""

    model_config = ConfigDict(extra="forbid")

    config: str = Field(
        "", description="Settings file that goes over the shipped ones; empty for those alone."
    )
    dry_run: bool = Field(False, description="Do the work, report the outcomes and write no version.")


def taken_in(store: Store) -> tuple[list[InputFile], list[InputFile]]:
    """The input files of the newest version: those that lie where they did, and those gone or changed since."""
    files: list[InputFile] = []
    gone: list[InputFile] = []
    for row in store.read("inputs").to_pylist():
        location = Path.cwd() / row["path"]
        try:
            status = location.stat()
            present = (status.st_size, status.st_mtime_ns) == (row["bytes"], row["modified_ns"])
        except OSError:
            present = False
        file = InputFile(row["collection"], row["path"], row["bytes"], row["modified_ns"], location)
        (files if present else gone).append(file)
    return files, gone


def with_sources(settings: Settings, files: list[InputFile]) -> Settings:
    """The settings with a source for every collection of the files; one given on a command line has none."""
    named = {source.name for source in settings.sources}
    lost = sorted({file.collection for file in files} - named)
    extra = [Source(name=name, paths=[f.path for f in files if f.collection == name]) for name in lost]
    return settings.model_copy(update={"sources": settings.sources + extra})


# mypy cannot tell what a ThreadPoolTaskRunner's futures hold (ThreadPoolTaskRunner[Never]).
@flow(name="reclean", task_runner=ThreadPoolTaskRunner(max_workers=256), persist_result=False)  # type: ignore[arg-type]
def reclean(parameters: RecleanParameters = RecleanParameters()) -> RefreshResult:  # noqa: B008 - immutable here
    """Clean all stored captures again with the present rules, as a new version whose diff shows what they do.

    Inputs that are gone come from the archive. Raises CollectError for one that is not there either.
    """
    settings = settings_for(RefreshParameters(config=parameters.config))
    store = Store(settings.store)
    with store.exclusive(f"reclean {flow_run.name}"):
        notes = recovered(store)
        files, gone = taken_in(store)
        settings = with_sources(settings, files + gone)
        basis = Basis.afresh(store)
        return process(files, basis, settings, store, notes, dry_run=parameters.dry_run, archived=gone)
