"""Progress of a run: a bar in the terminal, an artifact in the dashboard, from the same figures."""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import cast
from uuid import UUID

from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.context import FlowRunContext
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from config.messages import Words

ARTIFACT_SECONDS = 5.0
"""Least time between two updates of the artifact: each is a request to the server."""


class Progress:
    """Counts the units of the stages of a run, one stage after the other. Thread-safe.

    The dashboard is told in `words`, the terminal in English.
    """

    def __init__(self, words: Words, console: Console | None = None) -> None:
        self._words = words
        console = console or Console(stderr=True)
        self._bar = Bar(
            TextColumn("{task.description:<12}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[unit]}"),
            TimeRemainingColumn(compact=True),
            console=console,
            disable=not console.is_terminal,
        )
        self._lock = threading.Lock()
        self._artifact: UUID | None = None
        self._in_flow = FlowRunContext.get() is not None
        self._name = ""
        self._unit = ""
        self._total = 0
        self._done = 0
        self._began = self._told = 0.0
        self._task: TaskID | None = None

    def stage(self, name: str, total: int, unit: str) -> None:
        """Begin the stage `name` of `total` units."""
        with self._lock:
            self._name, self._total, self._unit, self._done = name, total, unit, 0
            self._began, self._told = time.monotonic(), 0.0
            self._task = self._bar.add_task(name, total=total, unit=unit)
            self._tell()

    def advance(self, units: int) -> None:
        """`units` more of the present stage are done."""
        with self._lock:
            self._done += units
            if self._task is not None:
                self._bar.advance(self._task, units)
            if self._done >= self._total or time.monotonic() - self._told >= ARTIFACT_SECONDS:
                self._tell()

    def _tell(self) -> None:
        if not self._in_flow:
            return
        self._told = time.monotonic()
        share = 100.0 * self._done / self._total if self._total else 100.0
        seconds = self._told - self._began
        words = self._words
        stage, unit = words.name("stage", self._name), words.name("unit", self._unit)
        text = words("run.progress", stage=stage, done=self._done, total=self._total, unit=unit)
        if seconds > 1 and self._done:
            rate = self._done / seconds
            text += words("run.rate", rate=round(rate), left=round((self._total - self._done) / rate))
        if self._artifact is None:
            self._artifact = cast(UUID, create_progress_artifact(share, key="progress", description=text))
        else:
            update_progress_artifact(self._artifact, share, description=text)

    def __enter__(self) -> Progress:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()
