"""Worker processes for the heavy stages, shared by all shards of a run.

A pool inside the run costs a twentieth of what a task runner with a process per task does
(docs/decisions.md), and the workers keep their dictionaries between shards.
"""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from types import TracebackType
from typing import ParamSpec, TypeVar

from tasks.shards import warm_up

P = ParamSpec("P")
R = TypeVar("R")


class WorkerPool:
    """`workers` processes that run functions of tasks.shards; survives the death of a worker.

    Thread-safe: the threads of a run's tasks share it.
    """

    def __init__(self, workers: int, settings: str) -> None:
        self._workers = workers
        self._settings = settings
        self._lock = threading.Lock()
        self._executor: ProcessPoolExecutor | None = None

    def _start(self) -> ProcessPoolExecutor:
        with self._lock:
            if self._executor is None:
                # Not fork: the parent has threads (Prefect, Arrow) whose locks a forked child would inherit.
                context = multiprocessing.get_context("forkserver")
                context.set_forkserver_preload(["tasks.shards"])
                self._executor = ProcessPoolExecutor(
                    self._workers, context, initializer=warm_up, initargs=(self._settings,)
                )
            return self._executor

    def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Call `function` in a worker and wait for its result.

        Raises BrokenProcessPool if a worker died meanwhile (killed, out of memory, crashed in
        native code); the next call starts a new pool.
        """
        executor = self._start()
        try:
            return executor.submit(function, *args, **kwargs).result()
        except BrokenProcessPool:
            with self._lock:
                if self._executor is executor:
                    self._executor = None
            executor.shutdown(wait=False, cancel_futures=True)
            raise

    def __enter__(self) -> WorkerPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._executor is not None:
            self._executor.shutdown(wait=error is None, cancel_futures=True)
            self._executor = None
