"""kill -9 at every file operation of a commit: the last version stays readable, the next run converges.

`python -m tests.soak.kills [every]` tries each instant (or each `every`-th) and prints one line
for each that is not as it should be; exit code 1 if there is one.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from tasks.snapshot.store import Store
from tasks.snapshot.verify import verify
from tests.snapshot.rows import capture, commit, document, fill, ident
from tests.soak.killing import forked, killed_at


def run(path: Path) -> None:
    """The run that is killed: three documents come, one is replaced by a better copy."""
    store = Store.open(path)
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
    fill(Store.open(path), "first", "abxyz")


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


def campaign(every: int) -> tuple[int, list[int]]:
    """Instants tried, and those at which something was wrong."""
    folder = Path(tempfile.mkdtemp(prefix="kills-"))
    try:
        start, whole = folder / "start", folder / "whole"
        if forked(lambda: begin(start)):
            raise RuntimeError("the first run failed")
        shutil.copytree(start, whole, copy_function=shutil.copy2)
        if forked(lambda: run(whole)):
            raise RuntimeError("the undisturbed run failed")
        latest = Store.open(whole).latest()
        assert latest is not None
        digest = latest.content_digest
        tried, wrong, instant = 0, [], 0
        while True:
            path = folder / f"at-{instant}"
            shutil.copytree(start, path, copy_function=shutil.copy2)
            died = killed_at(instant, path, lambda path=path: run(path))  # type: ignore[misc]
            tried += 1
            if forked(lambda path=path: check(path, digest)):  # type: ignore[misc]
                wrong.append(instant)
            shutil.rmtree(path)
            if not died:
                return tried, wrong
            instant += every
    finally:
        shutil.rmtree(folder)


def main() -> int:
    """Run the campaign; prints what it found."""
    tried, wrong = campaign(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
    sys.stdout.write(f"{tried} instants, {len(wrong)} wrong: {wrong}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
