"""Commands over single captures: `clean` and `explain`. No store, no server."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from config.settings import Settings, Source
from flows.commands.app import ConfigOption, JsonOption, UsageError, app, err, out, print_json, settings_of
from tasks.article import Article, Cleaner
from tasks.clean.explain import explain_html, explain_terminal
from tasks.collect import find_inputs, read_captures
from tasks.tables import Outcome

Paths = Annotated[
    list[Path], typer.Argument(metavar="PATH...", help="Files, folders or archives of captures.")
]


def articles(paths: list[Path], settings: Settings) -> Iterator[Article]:
    """The cleaned captures of `paths`, in the order of the paths. Raises CollectError for a missing path."""
    cleaner = Cleaner(settings)
    for path in paths:
        source = Source(name="given", paths=[str(path)])
        for file in list(find_inputs(source, Path.cwd())):
            for capture in read_captures(file, source, settings.collect):
                yield cleaner.clean(capture)


@app.command()
def clean(
    paths: Paths,
    config: ConfigOption = None,
    jsonl: Annotated[
        bool, typer.Option("--jsonl", help="One JSON object per capture instead of text.")
    ] = False,
    as_json: JsonOption = False,
) -> int:
    """Clean single captures to standard output; nothing is stored."""
    settings = settings_of(config)
    done = []
    with Progress(console=err, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task("cleaning", total=None)
        for article in articles(paths, settings):
            progress.advance(task)
            if as_json:
                done.append(article.to_json())
            elif jsonl:
                sys.stdout.write(json.dumps(article.to_json(), ensure_ascii=False) + "\n")
            elif article.outcome is Outcome.KEPT:
                head = f"# {article.metadata.title}\n\n" if article.metadata.title else ""
                sys.stdout.write(f"{head}{article.text}\n\n")
            else:
                err.print(
                    f"{article.capture.locator}: {article.outcome.value}: {article.reason}", markup=False
                )
    if as_json:
        print_json(done)
    return 0


@app.command()
def explain(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A capture, or a file that holds several.")],
    config: ConfigOption = None,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write a page to read instead.")
    ] = None,
    as_json: JsonOption = False,
) -> int:
    """Before and after, side by side, each change with its rule and reason."""
    found = list(articles([path], settings_of(config)))
    if not found:
        raise UsageError(f"{path}: holds no capture")
    if html is not None:
        html.write_text(explain_html(found), encoding="utf-8")
        err.print(f"written: {html}", markup=False)
    elif as_json:
        print_json([article.to_json(full_edits=True) for article in found])
    else:
        for article in found:
            explain_terminal(article, out)
    return 0
