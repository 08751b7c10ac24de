"""Commands over the corpus: `run`, `serve`, `why`, `snapshots ...`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from config.describe import configuration_markdown
from flows import orchestration
from flows.commands.app import (
    ConfigOption,
    JsonOption,
    UsageError,
    app,
    out,
    print_json,
    print_table,
    settings_of,
)

if TYPE_CHECKING:
    from flows.refresh import RefreshResult

ROOT = Path(__file__).parent.parent.parent
"""The checkout: this is an application, run from there."""


@app.command()
def run(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[PATH]...", help="Files, folders or archives instead of the configured sources."
        ),
    ] = None,
    config: ConfigOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Report what would change, write nothing.")
    ] = False,
    as_json: JsonOption = False,
) -> int:
    """The refresh, here and now: load, deduplicate, clean, convert, publish the next version."""
    settings = settings_of(config)
    orchestration.prepare(settings.serve, quiet=True)
    # Prefect reads its settings when it is imported, and its import costs two seconds.
    from flows.refresh import RefreshParameters, refresh

    parameters = RefreshParameters(
        config=str(config or ""), paths=[str(path) for path in paths or []], dry_run=dry_run
    )
    return _print_result(refresh(parameters), as_json)


def _print_result(result: RefreshResult, as_json: bool) -> int:
    if as_json:
        print_json(result.to_json())
        return 0
    rows = [(count, outcome, rule) for outcome, rule, count in result.outcomes]
    print_table("", ["captures", "what became of them", "rule"], rows, right=["captures"])
    out.print()
    for note in result.notes:
        out.print(f"note: {note}", markup=False)
    out.print(result.message, markup=False)
    return 0


@app.command()
def reclean(
    config: ConfigOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Report the outcomes, write no version.")
    ] = False,
    as_json: JsonOption = False,
) -> int:
    """Clean all stored captures again with the present rules, as a new version."""
    settings = settings_of(config)
    orchestration.prepare(settings.serve, quiet=True)
    from flows.reclean import RecleanParameters
    from flows.reclean import reclean as flow

    return _print_result(flow(RecleanParameters(config=str(config or ""), dry_run=dry_run)), as_json)


@app.command()
def fetch(
    source: Annotated[
        str, typer.Argument(metavar="[SOURCE]", help="A fetch source; without it all of them.")
    ] = "",
    config: ConfigOption = None,
    pages: Annotated[int, typer.Option(min=0, help="Pages fetched from each source at most.")] = 0,
    ignore_cache: Annotated[bool, typer.Option("--ignore-cache", help="Ask for known pages again.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be fetched, keep nothing.")
    ] = False,
    as_json: JsonOption = False,
) -> int:
    """Fetch new and changed pages of the configured sources; the next run takes them in."""
    settings = settings_of(config)
    orchestration.prepare(settings.serve, quiet=True)
    from flows.fetch import FetchParameters
    from flows.fetch import fetch as flow
    from tasks.fetch import FetchError

    try:
        reports = flow(
            FetchParameters(
                config=str(config or ""),
                source=source,
                pages=pages,
                ignore_cache=ignore_cache,
                dry_run=dry_run,
            )
        )
    except FetchError as error:
        raise UsageError(str(error)) from error
    if as_json:
        print_json(reports)
        return 0
    names = ["requests", "new", "changed", "unchanged", "gone", "refused", "failed", "waiting"]
    rows = [(report["source"], *(report["counts"].get(name, 0) for name in names)) for report in reports]
    print_table("", ["source", *names], rows, right=names)
    for report in reports:
        for address in report["planned"]:
            out.print(address, markup=False)
    return 0


@app.command()
def maintain(
    compact: Annotated[bool, typer.Option("--compact", help="Merge the small files of many runs.")] = False,
    prune: Annotated[
        list[str] | None, typer.Option(metavar="VERSION", help="A version to drop for good; may be repeated.")
    ] = None,
    really: Annotated[bool, typer.Option("--really", help="Drop them; without it only say so.")] = False,
    verify: Annotated[
        list[str] | None, typer.Option(metavar="VERSION", help="A version to check, or `all`.")
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> int:
    """Housekeeping: merge small files, drop versions, check versions (the latest unless told)."""
    settings = settings_of(config)
    orchestration.prepare(settings.serve, quiet=True)
    from flows.maintain import MaintainParameters
    from flows.maintain import maintain as flow

    done = flow(
        MaintainParameters(
            config=str(config or ""),
            compact=compact,
            prune=prune or [],
            really=really,
            verify=verify or ["latest"],
        )
    )
    if as_json:
        print_json(asdict(done))
    else:
        out.print(done.to_text(), markup=False)
    return 0


@app.command(hidden=True)
def docs() -> int:
    """Write the pages that are made from the code: docs/configuration.md, docs/tables.md."""
    from tasks.snapshot.describe import tables_markdown

    (ROOT / "docs/configuration.md").write_text(configuration_markdown(), encoding="utf-8")
    (ROOT / "docs/tables.md").write_text(tables_markdown(), encoding="utf-8")
    return 0
