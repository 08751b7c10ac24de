"""The root of the command line: what all commands share, and `main`."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from config.settings import Settings, SettingsError, load_settings
from tasks.collect import CollectError
from tasks.snapshot import StoreError

app = typer.Typer(
    name="qingyuan",
    help="清源: turn polluted Chinese web captures into a clean, deduplicated, versioned corpus.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

out = Console(highlight=False, soft_wrap=True)
"""Standard output: results."""
err = Console(stderr=True, highlight=False, soft_wrap=True)
"""Standard error: progress, complaints."""

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config", metavar="FILE", help="Settings that go over config/default.yaml.", show_default=False
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


class UsageError(Exception):
    """The command was used wrongly; the message says what to do."""


def settings_of(config: Path | None, **overrides: Any) -> Settings:
    """The settings of this call. Raises SettingsError."""
    return load_settings(config, **overrides)


def print_json(value: Any) -> None:
    """One JSON value on standard output, readable by people too (Chinese is not escaped)."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=1, default=str) + "\n")


def print_table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], *, right: Sequence[str] = ()
) -> None:
    """A table on standard output; `right` names the columns of figures."""
    table = Table(title=title or None, title_justify="left", header_style="bold", box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        table.add_row(
            *(f"{cell:,}" if isinstance(cell, int) else "" if cell is None else str(cell) for cell in row)
        )
    out.print(table)


def print_fields(fields: Mapping[str, Any]) -> None:
    """Names and values, one a line."""
    width = max((len(name) for name in fields), default=0)
    for name, value in fields.items():
        out.print(f"{name:<{width}}  {value}", markup=False)


def guarded(command: Callable[[], int]) -> int:
    """Run a command and turn the errors a user can mend into one sentence and an exit code."""
    try:
        return command()
    except (SettingsError, CollectError, UsageError) as error:
        err.print(f"qingyuan: {error}", markup=False)
        return 2
    except StoreError as error:
        err.print(f"qingyuan: {error}", markup=False)
        return 1
    except KeyboardInterrupt:
        err.print("qingyuan: stopped; what is finished is kept, the same command goes on from there")
        return 1
    except BrokenPipeError:
        # The reader of our output went away (`| head`): not an error of ours.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def main() -> None:
    """Entry point of the `qingyuan` command."""
    from flows.commands import corpus, single, sites, snapshots  # noqa: F401 - they add their commands to `app`

    def call() -> int:
        result = app(standalone_mode=False)
        return result if isinstance(result, int) else 0

    try:
        code = guarded(call)
    except typer.Exit as leave:
        code = leave.exit_code
    except typer.Abort:
        code = 1
    except Exception as error:
        if not hasattr(error, "format_message"):  # a usage error of the command line parser has one
            raise
        error.show()  # type: ignore[attr-defined]
        code = 2
    sys.exit(code)
