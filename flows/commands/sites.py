"""Commands over site recipes."""

from __future__ import annotations

from dataclasses import asdict

import typer

from config.settings import CONFIG
from flows.commands.app import JsonOption, app, out, print_json
from tasks.clean.html import check_recipes

sites = typer.Typer(help="Recipes for single sites (config/sites/).", no_args_is_help=True)
app.add_typer(sites, name="sites")


@sites.callback()
def _group() -> None:
    """Recipes for single sites (config/sites/)."""


@sites.command("test")
def run_examples(as_json: JsonOption = False) -> int:
    """Run the example pages inside every recipe; exit code 1 if a field differs."""
    results = check_recipes(CONFIG / "sites")
    failed = [result for result in results if not result.passed]
    if as_json:
        print_json([asdict(result) | {"passed": result.passed} for result in results])
        return 1 if failed else 0
    for result in failed:
        place = f"{result.recipe}, {result.example}, {result.field}"
        out.print(f"wrong  {place}: expected {result.expected!r}, found {result.found!r}", markup=False)
    out.print(f"{len(results) - len(failed)} of {len(results)} fields as expected")
    return 1 if failed else 0
