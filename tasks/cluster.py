"""Workers on a Dask cluster: many machines, with the store's folder in common or an object store."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

from distributed import Client
from distributed.scheduler import KilledWorker

from tasks.carry import Carrier, carried
from tasks.pool import WorkerDiedError, Workers
from tasks.shards import clean_shard

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
    """Cleaning, the bulk of the work, on workers far away to which shards are carried; the rest at home."""

    def __init__(self, far: Workers, home: Workers, carrier: Carrier) -> None:
        self._far, self._home, self._carrier = far, home, carrier

    def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """See tasks.pool.Workers."""
        if cast(object, function) is not clean_shard:
            return self._home.run(function, *args, **kwargs)
        result: R = self._far.run(carried, *self._carrier.pack(function, args))
        self._carrier.unpack(args)
        return result

    def rest(self) -> None:
        """See tasks.pool.Workers."""
        self._home.rest()
        self._far.rest()
