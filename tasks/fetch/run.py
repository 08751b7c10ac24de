"""`run_fetch`: one fetch of one source, in a process of its own."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Final

from config.settings import FetchSettings, FetchSource
from tasks.fetch.report import BUSY, FetchOptions, FetchReport

_ROOT: Final = Path(__file__).parents[2]
_POLL_SECONDS: Final = 0.05


class FetchError(Exception):
    """A fetch that could not be done; the message says what to do."""


def run_fetch(
    source: FetchSource,
    settings: FetchSettings,
    store: Path,
    *,
    max_pages: int | None = None,
    ignore_cache: bool = False,
    dry_run: bool = False,
    progress: Callable[[FetchReport], None] | None = None,
) -> FetchReport:
    """Fetch what is new or due of a source into WARC files under `store`/fetch.

    The crawl runs in a process of its own, which ends with this one; a run that was broken off is taken
    up where it stopped. `progress` gets the figures about once a second. Raises FetchError.
    """
    if not settings.contact:
        raise FetchError("fetch.contact is empty: give an address where the owners of servers reach you")
    for file in source.files:
        if not Path(file).is_file():
            raise FetchError(f"fetch source {source.name}: the file {file} does not exist")
    folder = (store / "fetch").absolute()
    (folder / "runs").mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="qingyuan-fetch-") as passing:
        report_path = Path(passing) / "report.json"
        order = {
            "source": source.model_dump(mode="json"),
            "settings": settings.model_dump(mode="json"),
            "options": asdict(FetchOptions(max_pages or settings.limits.pages, ignore_cache, dry_run)),
            "folder": str(_copy_of_state(folder, Path(passing)) if dry_run else folder),
            "report": str(report_path),
            "lock": str(folder / "runs" / f"{source.name}.lock"),
            "log": str(folder / "runs" / f"{source.name}.log"),
        }
        code = _supervise(json.dumps(order), report_path, progress)
        if code == BUSY:
            raise FetchError(f"fetch source {source.name}: another fetch of it is under way")
        report = _report(report_path)
        if report and not dry_run:
            report.write(folder / "runs" / f"{source.name}.json")
    if report is None or (code and not report.error):
        raise FetchError(
            f"fetch source {source.name}: the crawl ended with code {code}; the next fetch takes it up"
        )
    if report.error:
        raise FetchError(f"fetch source {source.name}: {report.error} (details in {order['log']})")
    return report


def _supervise(order: str, report_path: Path, progress: Callable[[FetchReport], None] | None) -> int:
    """Start the crawl and wait for its end. Out: its exit code."""
    paths = [str(_ROOT), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    command = [sys.executable, "-m", "tasks.fetch.crawl"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    with subprocess.Popen(command, stdin=subprocess.PIPE, env=environment) as process:
        assert process.stdin is not None
        with suppress(BrokenPipeError):
            process.stdin.write(order.encode() + b"\n")
            process.stdin.flush()
        seen = 0.0
        try:
            while process.poll() is None:
                time.sleep(_POLL_SECONDS)
                if progress and (report := _report(report_path)) and report.seconds != seen:
                    seen = report.seconds
                    progress(report)
        except BaseException:
            process.stdin.close()
            process.wait()
            raise
        return process.returncode


def _report(path: Path) -> FetchReport | None:
    try:
        return FetchReport.read(path)
    except (OSError, ValueError):
        return None


def _copy_of_state(folder: Path, passing: Path) -> Path:
    """A dry run works on a copy that is thrown away."""
    path = folder / "state.sqlite"
    if path.exists():
        with (
            closing(sqlite3.connect(path)) as base,
            closing(sqlite3.connect(passing / "state.sqlite")) as copy,
        ):
            base.backup(copy)
    return passing
