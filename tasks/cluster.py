"""Workers on a Dask cluster: many machines, with the store's folder in common or an object store."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import ParamSpec, TypeVar

from distributed import Client, Worker, get_worker
from distributed.scheduler import KilledWorker

from tasks.carry import Carrier, Parcel, StuckError, carried
from tasks.pool import WorkerDiedError, Workers

P = ParamSpec("P")
R = TypeVar("R")


class DaskWorkers:
    """The workers behind a Dask client (see tasks.pool.Workers).

    Dask moves the work of a lost worker to another one and gives up after
    `distributed.scheduler.allowed-failures` losses. Workers should have one thread each: the work is
    Python and holds the interpreter.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """See tasks.pool.Workers."""
        # Not pure: the same call later must look at the files again, not get Dask's remembered result.
        future = self._client.submit(function, *args, pure=False, **kwargs)
        try:
            result: R = future.result()
        except KilledWorker as error:
            raise WorkerDiedError(f"the workers it was given to died: {error}") from error
        return result

    def rest(self) -> None:
        """See tasks.pool.Workers: a cluster looks after its memory itself."""


class CarryingWorkers:
    """The workers behind a Dask client to which calls are carried with their files (tasks/carry.py).

    A call that cannot travel is made `home`: it needs what lies on this machine only. While the block
    lasts, each machine of the cluster keeps what it fetched or made, in a folder named `name` beside those
    that Dask gives its workers.
    """

    def __init__(self, client: Client, carrier: Carrier, home: Workers, name: str) -> None:
        self._client, self._carrier, self._home, self._name = client, carrier, home, name
        self._far = DaskWorkers(client)

    def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """See tasks.pool.Workers."""
        try:
            parcel = self._carrier.pack((function, args, kwargs))
        except StuckError:
            return self._home.run(function, *args, **kwargs)
        result: R = self._carrier.unpack(self._far.run(_call, parcel, self._name))
        return result

    def rest(self) -> None:
        """See tasks.pool.Workers."""
        self._home.rest()
        self._far.rest()

    def __enter__(self) -> CarryingWorkers:
        self._forget()  # what a run left that was killed
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._carrier.close()
        self._forget()

    def _forget(self) -> None:
        self._client.run(_remove, self._name, on_error="ignore")


def _call(parcel: Parcel, name: str) -> bytes:
    return carried(parcel, _scratch(get_worker(), name))


def _remove(name: str, dask_worker: Worker) -> None:
    shutil.rmtree(_scratch(dask_worker, name), ignore_errors=True)


def _scratch(worker: Worker, name: str) -> Path:
    """A folder for all workers of a machine that were started with one `--local-directory`."""
    return Path(worker.local_directory).parent / name
