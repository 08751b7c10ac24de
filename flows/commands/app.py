"""What all commands share: the application, its options, printing."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from config.settings import Settings, load_settings

app = typer.Typer(
    name="qingyuan",
    help="清源: turn polluted Chinese web captures into a clean, deduplicated, versioned corpus.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 200)
"""Standard output: results; whoever reads a file or a pipe wants whole lines."""
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
