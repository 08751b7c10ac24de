"""Going back, dropping versions, merging files."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.snapshot.diff import diff
from tasks.snapshot.errors import DamagedError, StoreError, UnknownVersionError
from tasks.snapshot.history import tag
from tasks.snapshot.maintain import compact, prune, restore
from tasks.snapshot.store import Store
from tasks.snapshot.verify import verify
from tests.snapshot.rows import commit, document, fill, ident


def history(store: Store) -> None:
    fill(store, "r1", "ab")
    commit(store, "r2", [document("a", "变了。\n")], deletes={"documents": [ident("a")]})
    fill(store, "r3", "c")


def stored(store: Store) -> set[str]:
    return {path.name for path in (store.path / "tables").glob("*/*.parquet")}


def test_a_restored_version_equals_the_old_one(store: Store) -> None:
    history(store)
    restored = restore(store, 1)
    assert restored.version == 4
    assert restored.content_digest == store.manifest(1).content_digest
    assert store.read("captures").sort_by("capture_id") == store.read("captures", version=1).sort_by(
        "capture_id"
    )
    counts = restored.counts.documents
    assert (counts.total, counts.new, counts.changed, counts.gone) == (2, 0, 1, 1)
    assert diff(store, 1, 4).to_json()["by_reason"] == []
    assert restored.notes == ["equals v1: restored"]
    assert verify(store, 4).problems == []
    assert verify(store, 3).problems == []
    fill(store, "r4", "c")
    assert store.read("documents").num_rows == 3


def test_restoring_the_present_version_makes_none(store: Store) -> None:
    history(store)
    assert restore(store, 3).version == 3
    assert store.versions() == [1, 2, 3]


def test_a_damaged_version_is_not_restored(store: Store) -> None:
    history(store)
    path = Path(store.files("documents", 1)[0])
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(DamagedError, match="v1 cannot be restored"):
        restore(store, 1)
    assert store.versions() == [1, 2, 3]


def test_compacting_merges_files_and_changes_no_row(store: Store) -> None:
    for number in range(5):
        fill(store, f"r{number}", [f"n{number}"])
    before = store.latest()
    after = compact(store)
    assert before is not None
    assert after is not None
    assert after.content_digest == before.content_digest
    assert after.counts.outcomes == before.counts.outcomes
    assert (after.counts.documents.new, after.counts.documents.total) == (0, 5)
    assert len(store.files("documents")) == len(store.files("captures")) == 1
    assert verify(store, after.version).problems == []
    assert compact(store) is None
    assert store.latest() == after


def test_an_empty_store_has_nothing_to_compact(store: Store) -> None:
    assert compact(store) is None


def test_pruning_is_a_dry_run_first(store: Store) -> None:
    history(store)
    before = stored(store)
    report = prune(store, [1])
    assert (report.dropped, report.kept, report.files, report.done) == ([1], [2, 3], 1, False)
    assert store.versions() == [1, 2, 3]
    assert stored(store) == before


def test_pruning_drops_versions_and_the_files_that_only_they_need(store: Store) -> None:
    history(store)
    before = stored(store)
    report = prune(store, [1], dry_run=False)
    assert report.done
    assert store.versions() == [2, 3]
    assert len(before - stored(store)) == report.files == 1
    for version in (2, 3):
        assert verify(store, version).problems == []
    with pytest.raises(UnknownVersionError):
        store.read("documents", version=1)
    fill(store, "r4", "d")
    assert store.versions() == [2, 3, 4]
    assert not [path for path in (store.path / "staging").rglob("*") if path.is_file()]


def test_an_interrupted_pruning_is_finished_by_the_next_run(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    history(store)
    monkeypatch.setattr(Store, "_empty_trash", lambda self: 0)
    prune(store, [1], dry_run=False)
    monkeypatch.undo()
    assert store.versions() == [2, 3]
    with store.exclusive("next", 0):
        assert store.recover() == ["finished dropping 1 versions"]
    assert not [path for path in (store.path / "staging").rglob("*") if path.is_file()]
    assert verify(store, 3).problems == []


def test_some_versions_stay(store: Store) -> None:
    history(store)
    tag(store, 1, "release")
    with pytest.raises(StoreError, match="v3 is the latest"):
        prune(store, [3], dry_run=False)
    with pytest.raises(StoreError, match="has the tag release"):
        prune(store, [1, 2], dry_run=False)
    with pytest.raises(UnknownVersionError):
        prune(store, [9], dry_run=False)
    assert store.versions() == [1, 2, 3]
