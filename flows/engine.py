"""Where a run works: processes of this machine, or a Dask cluster through prefect-dask."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from config.settings import Settings, workers
from tasks.pool import LocalWorkers, Workers
from tasks.snapshot.remains import CARRIED


@contextmanager
def open_workers(settings: Settings) -> Iterator[Workers]:
    """The workers that the settings name; they end with the block, a cluster given by address stays.

    prefect-dask's task runner starts or finds the cluster and its client carries the shards. The
    Prefect tasks around the shards stay in the flow's process: a worker needs no way to the server,
    and a shard costs 3 ms instead of 260 (docs/decisions.md). With a store on objects the files go to
    the workers and back through its bucket, and this machine's processes do what cannot travel.
    """
    home = LocalWorkers(workers(settings), settings.model_dump_json(), attempts=settings.run.attempts)
    if settings.run.engine == "local":
        with home:
            yield home
        return
    # Only here: a run on one machine does without the second it takes.
    from prefect_dask.task_runners import DaskTaskRunner

    from tasks.carry import Carrier
    from tasks.cluster import CarryingWorkers, DaskWorkers

    if settings.run.dask_address:
        runner = DaskTaskRunner(address=settings.run.dask_address)
    else:
        cluster = {
            "n_workers": workers(settings),
            "threads_per_worker": 1,
            "dashboard_address": "127.0.0.1:0",
        }
        runner = DaskTaskRunner(cluster_kwargs=cluster)
    with runner:
        store = settings.store
        if "://" not in store.path:
            yield DaskWorkers(runner.client)
            return
        carrier = Carrier(
            store.folder / "staging", f"{store.path.rstrip('/')}/{CARRIED}", dict(store.options)
        )
        with home, CarryingWorkers(runner.client, carrier, home, f"carried-{store.folder.name}") as far:
            yield far


__all__ = ["open_workers"]
