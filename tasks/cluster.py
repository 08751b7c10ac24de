"""Workers on a Dask cluster: many machines that see the store's folder and the inputs under the same paths."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from distributed import Client
from distributed.scheduler import KilledWorker

from tasks.pool import WorkerDiedError

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
