"""Workers: processes, here or on other machines, that do the heavy work of a run shard by shard.

A run knows them by one method, `run`: call a function on some worker and wait. Arguments and results
are paths and small values, never data. `LocalWorkers` is a process pool of this machine;
`tasks.cluster.DaskWorkers` has the same method over a Dask cluster.
"""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.context import BaseContext
from types import TracebackType
from typing import ParamSpec, Protocol, TypeVar

from tasks.shards import warm_up

P = ParamSpec("P")
R = TypeVar("R")


class WorkerDiedError(Exception):
    """The worker process died each time a piece of work was tried (killed, out of memory, crashed)."""


class Workers(Protocol):
    """Something that calls functions in worker processes. Thread-safe: all tasks of a run share it."""

    def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Call `function` (of a module, with picklable arguments) on a worker and wait for its result.

        Work whose worker dies is tried again elsewhere; after several deaths WorkerDiedError is
        raised. What the function raises is raised here.
        """
        ...

    def rest(self) -> None:
        """A stage is over and no call is under way: memory that the workers hold may be given back."""
        ...


def _context() -> BaseContext:
    # Not fork: the parent has threads (Prefect, Arrow) whose locks a forked child would inherit.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tasks.shards"])
    return context


def aside(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call a function in a process of its own on this machine: what it held goes back as soon as it ends.

    For steps that read the files of a whole run. What the function raises is raised here; raises
    WorkerDiedError when its process died.
    """
    with ProcessPoolExecutor(1, _context()) as own:
        try:
            return own.submit(function, *args, **kwargs).result()
        except BrokenProcessPool as error:
            raise WorkerDiedError(f"the process of {function.__name__} died") from error


class LocalWorkers:
    """`count` worker processes on this machine. A dead worker takes its pool along; a new one is started.

    `attempts` is how often a piece of work may lose its worker before WorkerDiedError.
    """

    def __init__(self, count: int, settings: str, *, attempts: int = 2) -> None:
        self._count = count
        self._settings = settings
        self._attempts = attempts
        self._lock = threading.Lock()
        self._executor: ProcessPoolExecutor | None = None

    def _start(self) -> ProcessPoolExecutor:
        with self._lock:
            if self._executor is None:
                self._executor = ProcessPoolExecutor(
                    self._count, _context(), initializer=warm_up, initargs=(self._settings,)
                )
            return self._executor

    def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """See Workers."""
        for _ in range(self._attempts):
            executor = self._start()
            try:
                return executor.submit(function, *args, **kwargs).result()
            except BrokenProcessPool as error:
                died = error
                with self._lock:
                    if self._executor is executor:
                        self._executor = None
                executor.shutdown(wait=False, cancel_futures=True)
        raise WorkerDiedError(f"its worker process died {self._attempts} times") from died

    def rest(self) -> None:
        """See Workers: these processes end, the next call starts new ones (0.2 s)."""
        with self._lock:
            executor, self._executor = self._executor, None
        if executor is not None:
            executor.shutdown()

    def __enter__(self) -> LocalWorkers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._executor is not None:
            self._executor.shutdown(wait=error is None, cancel_futures=True)
            self._executor = None
