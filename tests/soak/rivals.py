"""Several runs at once: every commit counts once, none is lost, versions follow each other."""

from __future__ import annotations

import sys
from multiprocessing import get_context
from pathlib import Path

from tasks.snapshot.errors import StoreBusyError
from tasks.snapshot.store import Store
from tasks.snapshot.verify import verify
from tests.snapshot.rows import fill


def rival(path: str, name: int, commits: int) -> None:
    """One of the runs; waits for its turn and tries again when told that the store is busy."""
    store = Store.open(path)
    for number in range(commits):
        while True:
            try:
                with store.exclusive(f"rival {name}", 5):
                    store.recover()
                    fill(store, f"run-{name}-{number}", [f"n{name}-{number}"])
                break
            except StoreBusyError:
                sys.stderr.write(f"rival {name} waits on\n")


def contest(folder: Path, runs: int, commits: int) -> list[str]:
    """Let `runs` processes make `commits` commits each; what went wrong, in sentences."""
    path = folder / f"rivals-{runs}"
    context = get_context("spawn")
    processes = [context.Process(target=rival, args=(str(path), name, commits)) for name in range(runs)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    wrong = [f"process {i} ended with {p.exitcode}" for i, p in enumerate(processes) if p.exitcode]
    store = Store.open(path)
    if store.versions() != list(range(1, runs * commits + 1)):
        wrong.append(f"versions are {store.versions()}")
    latest = store.latest()
    if latest is None or latest.counts.documents.total != runs * commits:
        wrong.append(f"{latest and latest.counts.documents.total} documents instead of {runs * commits}")
    if latest:
        wrong += verify(store, latest.version).problems
    return wrong
