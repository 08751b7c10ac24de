"""kill -9 during a commit or while versions are dropped: what is listed stays readable, the next
run converges.

Two campaigns: before every single file operation of a run, and at random instants (which also hit
the inside of the Delta library and of writes).
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tasks.snapshot.maintain import prune
from tasks.snapshot.store import Store
from tasks.snapshot.verify import verify
from tests.snapshot.rows import capture, commit, document, fill, ident
from tests.soak.killing import forked, hit_at


def run(path: Path) -> None:
    """The run that is killed."""
    second(Store.open(path))


def second(store: Store) -> None:
    """Three documents come, one is replaced by a better copy."""
    with store.exclusive("run", 10):
        store.recover()
        commit(
            store,
            "second",
            [document("c"), document("d"), document("e"), document("a", capture="better")],
            [
                *map(capture, "cde"),
                capture("better", doc="a"),
                capture("a", "superseded", "dedupe.better", doc="a", of_capture=ident("better")),
                capture("bad", "rejected", "quality.short"),
            ],
            {"documents": [ident("a")], "captures": [ident("a")]},
        )


def begin(path: Path) -> None:
    """The version before."""
    first(Store.open(path))


def first(store: Store) -> None:
    """Five documents."""
    fill(store, "first", "abxyz")


def strays(store: Store) -> list[str]:
    """Files that no version and no run owns."""
    known = {
        (table, file.name)
        for version in store.versions()
        for table, pin in store.manifest(version).tables.items()
        for file in pin.files
    }
    found = [p for p in (store.path / "tables").glob("*/*.parquet") if (p.parent.name, p.name) not in known]
    return [str(path) for path in [*found, *(store.path / "staging").rglob("*.*")]]


def check(path: Path, digest: str) -> None:
    """What must hold after the kill, and after the next run. Raises AssertionError."""
    store = Store.open(path)
    latest = store.latest()
    assert latest is not None
    assert latest.version in (1, 2)
    assert not verify(store, latest.version).problems, verify(store, latest.version).problems
    run(path)
    latest = store.latest()
    assert latest is not None
    assert latest.version == 2
    assert latest.content_digest == digest
    for version in (1, 2):
        assert not verify(store, version).problems, verify(store, version).problems
    assert not strays(store), strays(store)


def begin_twice(path: Path) -> None:
    """Two versions, the first of which can be dropped."""
    begin(path)
    run(path)


def drop(path: Path) -> None:
    """Drop the first version; that it is gone already is no error."""
    store = Store.open(path)
    prune(store, [version for version in store.versions() if version == 1], dry_run=False)


def check_drop(path: Path, digest: str) -> None:
    """What must hold after a kill while a version was dropped. Raises AssertionError."""
    store = Store.open(path)
    for version in store.versions():
        assert not verify(store, version).problems, verify(store, version).problems
    drop(path)
    latest = store.latest()
    assert latest is not None
    assert latest.content_digest == digest
    assert store.versions() == [2]
    assert not verify(store, 2).problems, verify(store, 2).problems
    assert not strays(store), strays(store)


@dataclass(frozen=True)
class Scenario:
    """What is there before, what is hit, and what must hold afterwards."""

    begin: Callable[[Path], None]
    work: Callable[[Path], None]
    check: Callable[[Path, str], None]


COMMIT = Scenario(begin, run, check)
DROP = Scenario(begin_twice, drop, check_drop)


@contextmanager
def prepared(folder: Path, scenario: Scenario) -> Iterator[tuple[Path, str, float]]:
    """A store before the work, the digest it must have after it, and the seconds that takes."""
    start, whole = folder / "start", folder / "whole"
    if forked(lambda: scenario.begin(start)):
        raise RuntimeError("the first run failed")
    shutil.copytree(start, whole)
    began = time.monotonic()
    if forked(lambda: scenario.work(whole)):
        raise RuntimeError("the undisturbed run failed")
    seconds = time.monotonic() - began
    latest = Store.open(whole).latest()
    if latest is None:
        raise RuntimeError("the undisturbed run left no version")
    yield start, latest.content_digest, seconds


def at_operations(
    folder: Path, every: int = 1, scenario: Scenario = COMMIT, *, fail: bool = False
) -> tuple[int, list[int]]:
    """Kill (or fail) at every `every`-th file operation; instants tried, those that ended badly."""
    with prepared(folder, scenario) as (start, digest, _):
        tried, wrong, instant, hit = 0, [], 0, True
        while hit:
            path = folder / f"operation-{instant}"
            shutil.copytree(start, path)
            hit = hit_at(instant, path, lambda path=path: scenario.work(path), fail=fail)
            tried += 1
            if forked(lambda path=path: scenario.check(path, digest)):
                wrong.append(instant)
            shutil.rmtree(path)
            instant += every
    return tried, wrong


def at_random(folder: Path, times: int, seed: int) -> tuple[int, int, list[int]]:
    """Kill at random instants; times tried, kills that hit the run, those that ended badly."""
    instants = random.Random(seed)
    with prepared(folder, COMMIT) as (start, digest, seconds):
        hit, wrong = 0, []
        for number in range(times):
            path = folder / f"random-{number}"
            shutil.copytree(start, path)
            hit += _killed_after(instants.uniform(0, seconds), path)
            if forked(lambda path=path: check(path, digest)):
                wrong.append(number)
            shutil.rmtree(path)
    return times, hit, wrong


def _killed_after(seconds: float, path: Path) -> bool:
    child = os.fork()
    if child == 0:
        run(path)
        os._exit(0)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0
