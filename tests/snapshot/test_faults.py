"""A short fault campaign (the long one: `make soak`), and other mishaps."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, tzinfo
from pathlib import Path

import pytest

from tasks.files import LocalFiles
from tasks.snapshot import store as store_module
from tasks.snapshot.errors import ConflictError, DamagedError, StoreError
from tasks.snapshot.store import Store
from tasks.snapshot.verify import verify
from tests.snapshot.rows import capture, commit, document, fill, ident

ROOT = Path(__file__).parents[2]


def test_kills_failing_disks_and_rivals() -> None:
    command = [sys.executable, "-m", "tests.soak", "--no-disks", "--no-spark"]
    options = ["--kills", "1", "--every", "25", "--rivals", "2", "--commits", "2"]
    options += ["--flips", "4", "--clocks", "3", "--storm", "0", "--object-kills", "0"]
    done = subprocess.run([*command, *options], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("as it should be") == 7


def interrupted(store: Store, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """Break off a commit of `b` at a step of the Delta log or of the files."""
    owner, name = step.split(".")

    def broken(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr({"delta": store_module.delta, "files": LocalFiles}[owner], name, broken)
        with pytest.raises(KeyboardInterrupt):
            fill(store, "second", "b")


@pytest.mark.parametrize(
    ("step", "sentence", "versions"),
    [
        ("files.write", "removed 2 files of a run that ended before its commit", [1]),
        ("delta.align", "completed the interrupted commit of v2 (run second)", [1, 2]),
        ("files.appear", "completed the interrupted commit of v2 (run second)", [1, 2]),
    ],
)
def test_recovery_says_what_it_did(
    store: Store, monkeypatch: pytest.MonkeyPatch, step: str, sentence: str, versions: list[int]
) -> None:
    fill(store, "first", "a")
    interrupted(store, monkeypatch, step)
    assert store.versions() == [1]
    with store.exclusive("next", 0):
        assert store.recover() == [sentence]
        assert store.recover() == []
    assert store.versions() == versions
    assert verify(store, versions[-1]).problems == []
    fill(store, "second", "b")
    assert store.versions() == [1, 2]
    assert store.read("documents").num_rows == 2


def test_a_waiting_redo_log_must_be_recovered_before_the_next_commit(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store, "first", "a")
    interrupted(store, monkeypatch, "delta.align")
    with pytest.raises(StoreError, match="call recover"):
        fill(store, "third", "c")


def test_a_redo_log_whose_files_were_lost_is_discarded(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(store, "first", "a")
    interrupted(store, monkeypatch, "files.appear")
    (lost,) = {p.name for p in (store.path / "tables" / "documents").glob("*.parquet")} - {
        Path(path).name for path in store.files("documents")
    }
    store.file("documents", lost).unlink()
    with store.exclusive("next", 0):
        (sentence,) = store.recover()
    assert sentence.startswith("discarded the interrupted commit of v2")
    assert verify(store, 1).problems == []
    fill(store, "second", "b")
    assert verify(store, 2).problems == []


def test_a_run_that_ignores_the_lock_loses_and_leaves_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lock may fail (a network file system without locks): the rename still lets one win."""
    fill(store, "first", "a")
    align = store_module.delta.align
    rival = Store(store.settings)

    def slow(*arguments: object) -> int:
        monkeypatch.setattr(store_module.delta, "align", align)
        (store.path / "lock").unlink()
        (store.path / "staging" / "commit.json").rename(store.path / "aside.json")
        fill(rival, "rival", "r")
        (store.path / "aside.json").rename(store.path / "staging" / "commit.json")
        return align(*arguments)

    monkeypatch.setattr(store_module.delta, "align", slow)
    with pytest.raises(ConflictError, match="v2 was made by another run"):
        fill(store, "second", "b")
    with store.exclusive("next", 0):
        assert store.recover()[0] == "run second lost against run rival; removed its redo log"
    assert verify(store, 2).problems == []
    fill(store, "second again", "b")
    assert verify(store, 3).problems == []
    assert store.read("documents").num_rows == 3


def test_a_clock_that_goes_backwards_changes_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    class Past(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Past:
            return cls(1999, 1, 1, tzinfo=UTC)

    fill(store, "first", "a")
    monkeypatch.setattr(store_module, "datetime", Past)
    second = commit(
        store,
        "second",
        [document("b")],
        [capture("b"), capture("c", "duplicate", "dedupe.near", doc="b", of_capture=ident("b"))],
    )
    assert second.created_at.year == 1999
    assert store.latest() == second
    assert verify(store, 2).problems == []


def test_a_broken_delta_log_is_named_and_can_be_replaced(store: Store) -> None:
    fill(store, "first", "a")
    log = store.path / "tables" / "documents" / "_delta_log"
    for entry in log.iterdir():
        entry.write_text("{")
    with pytest.raises(DamagedError, match="_delta_log: cannot be used"):
        fill(store, "second", "b")
    assert store.read("documents").num_rows == 1
    log.rename(store.path / "aside")
    with store.exclusive("next", 0):
        assert store.recover() == ["completed the interrupted commit of v2 (run second)"]
    assert verify(store, 2).problems == []
    assert store.read("documents", version=1).num_rows == 1
