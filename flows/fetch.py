"""Fetch pages: new and changed ones of the configured sources, into WARC files that the refresh loads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from prefect.context import FlowRunContext
from prefect.logging import get_run_logger
from pydantic import BaseModel, ConfigDict, Field

from config.settings import FetchSource, Settings, load_settings
from flows.report import plain
from tasks.fetch import FetchError, FetchReport, run_fetch

_FIGURES = ("requests", "new", "changed", "unchanged", "gone", "refused", "failed", "waiting")


class FetchParameters(BaseModel):
    """What a person may choose when starting a fetch."""

    model_config = ConfigDict(extra="forbid")

    config: str = Field(
        "", description="Settings file that goes over the shipped ones; empty for those alone."
    )
    source: str = Field("", description="Name of the fetch source; empty for all of them.")
    pages: int = Field(
        0, ge=0, description="Pages fetched from each source at most; 0 for the configured limit."
    )
    ignore_cache: bool = Field(False, description="Ask for every known page again, changed or not.")
    dry_run: bool = Field(False, description="Only show what would be fetched; keep nothing.")


def chosen_sources(parameters: FetchParameters, settings: Settings) -> list[FetchSource]:
    """The sources to fetch. Raises FetchError for a name that is not configured."""
    sources = settings.fetch.sources
    if not parameters.source:
        return sources
    found = [source for source in sources if source.name == parameters.source]
    if not found:
        names = ", ".join(source.name for source in sources) or "none is configured (fetch.sources)"
        raise FetchError(f"no fetch source is named {parameters.source}; known: {names}")
    return found


def summary(reports: list[FetchReport]) -> str:
    """The figures of a fetch as a Markdown table, what was refused and failed, and what a dry run planned."""
    lines = ["| source | " + " | ".join(_FIGURES) + " |", "|---|" + "--:|" * len(_FIGURES)]
    for report in reports:
        figures = " | ".join(f"{report.counts[name]:,}" for name in _FIGURES)
        lines.append(f"| {report.source}{' (resumed)' if report.resumed else ''} | {figures} |")
    for report in reports:
        for title, reasons in (("refused", report.refused), ("failed", report.failed)):
            told = "; ".join(f"{plain(reason)}: {count:,}" for reason, count in reasons.most_common(20))
            lines += [f"\n**{report.source}, {title}**: {told}"] if told else []
        if report.planned:
            lines += [f"\n**{report.source}, would be fetched**\n", "```", *report.planned[:200], "```"]
    return "\n".join(lines)


@flow(name="fetch", persist_result=False)
def fetch(parameters: FetchParameters = FetchParameters()) -> list[dict[str, Any]]:  # noqa: B008 - immutable here
    """Fetch new and changed pages of the configured sources into WARC files."""
    settings = load_settings(Path(parameters.config) if parameters.config else None)
    log = get_run_logger()
    reports: list[FetchReport] = []
    errors: list[FetchError] = []
    for source in chosen_sources(parameters, settings):
        log.info("fetching %s", source.name)
        try:
            report = run_fetch(
                source,
                settings.fetch,
                settings.store.folder,
                max_pages=parameters.pages or None,
                ignore_cache=parameters.ignore_cache,
                dry_run=parameters.dry_run,
                progress=lambda now: log.debug("%s: %s", now.source, dict(now.counts)),
            )
        except FetchError as error:
            log.error("%s", error)
            errors.append(error)
            continue
        reports.append(report)
        log.info("%s: %s", source.name, dict(report.counts))
    if reports and FlowRunContext.get():
        create_markdown_artifact(summary(reports), key="fetch", description="What the fetch did")
    if errors:
        raise errors[0]
    return [report.to_json() for report in reports]
