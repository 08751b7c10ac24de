"""Committing and reading: what goes in comes out, version by version, or nothing happens."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import duckdb
import pandas
import polars
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from config.settings import StoreSettings
from tasks.snapshot import lock as lock_module
from tasks.snapshot.errors import (
    ConflictError,
    DamagedError,
    LedgerError,
    StoreBusyError,
    StoreError,
    UnknownVersionError,
)
from tasks.snapshot.store import Store
from tasks.tables import TABLES
from tests.snapshot.rows import capture, commit, document, fill, ident, table


def titles(store: Store, version: int | None = None) -> list[str]:
    return sorted(store.read("documents", version=version, columns=["title"]).column("title").to_pylist())


def test_an_empty_store_has_nothing(store: Store) -> None:
    assert store.versions() == []
    assert store.latest() is None
    assert store.files("documents") == []
    assert store.read("documents").num_rows == 0
    assert store.read("documents").schema == TABLES["documents"]
    assert store.next_version() == 1
    with pytest.raises(UnknownVersionError, match="no version 3; it has no versions yet"):
        store.manifest(3)


def test_rows_come_back_as_they_went_in(store: Store) -> None:
    rows = [document("a"), document("b", captured_at=None, damage=["gbk_shift"], contains=[ident("c")])]
    commit(store, "r1", rows, [capture("a"), capture("b")])
    read = store.read("documents").sort_by("title")
    assert read.equals(table("documents", rows))
    assert read.schema.field("title").metadata == {b"meaning": b"headline"}


def test_every_version_stays_readable(store: Store) -> None:
    first = fill(store, "r1", "ab")
    second = fill(store, "r2", "c")
    third = commit(store, "r3", [document("a", "新的。\n", title="新")], deletes={"documents": [ident("a")]})
    assert store.versions() == [1, 2, 3]
    assert titles(store, 1) == ["题目a", "题目b"]
    assert titles(store, 2) == ["题目a", "题目b", "题目c"]
    assert titles(store) == ["新", "题目b", "题目c"]
    assert [m.parent for m in (first, second, third)] == [None, 1, 2]
    assert store.manifest(2) == second
    counts = third.counts.documents
    assert (counts.total, counts.new, counts.changed, counts.gone) == (3, 0, 1, 0)
    assert third.counts.outcomes == {"kept": 3}


def test_rows_that_come_back_as_they_were_are_no_changes(store: Store) -> None:
    """As in a reclean, which deletes and appends every document."""
    fill(store, "r1", "abc")
    rows = [document("a"), document("b", "另外的。\n"), document("c", title="别的")]
    manifest = commit(store, "r2", rows, deletes={"documents": [ident(name) for name in "abc"]})
    counts = manifest.counts.documents
    assert (counts.total, counts.new, counts.changed, counts.gone) == (3, 0, 2, 0)


def test_a_better_copy_replaces_the_canonical_one(store: Store) -> None:
    fill(store, "r1", ["a"])
    manifest = commit(
        store,
        "r2",
        [document("a", capture="better")],
        [
            capture("better", doc="a"),
            capture("a", "superseded", "dedupe.better", doc="a", of_capture=ident("better"), decided=2),
        ],
        {"documents": [ident("a")], "captures": [ident("a")]},
        read=1,
    )
    assert manifest.counts.outcomes == {"kept": 1, "superseded": 1}
    assert manifest.counts.rules == {"kept keep": 1, "superseded dedupe.better": 1}
    assert store.read("documents").column("capture_id").to_pylist() == [ident("better")]


def test_a_document_and_its_capture_may_go_from_the_corpus_but_not_from_the_ledger(store: Store) -> None:
    fill(store, "r1", "ab")
    manifest = commit(
        store,
        "r2",
        [],
        [capture("a", "rejected", "quality.han_share")],
        {"documents": [ident("a")], "captures": [ident("a")]},
        read=0,
    )
    assert manifest.counts.documents.gone == 1
    assert manifest.counts.outcomes == {"kept": 1, "rejected": 1}


@pytest.mark.parametrize(
    ("documents", "captures", "facts", "message"),
    [
        ([document("n")], [], {}, "names capture .* which the ledger does not keep"),
        ([], [capture("n")], {}, "there is no such document"),
        ([document("n")], [capture("n", doc="other")], {}, "disagree in 2 places"),
        ([], [capture("n", "rejected", "x")], {"read": 2}, "2 read, 0 of them known already"),
        ([], [], {"read": 1}, "1 outcomes are due, but 0"),
        ([], [capture("a", "rejected", "x")], {"read": 1}, "exists already"),
        ([], [capture("n", "failed", "x")] * 2, {"read": 2}, "appended 2 times"),
    ],
)
def test_what_does_not_balance_is_refused(
    store: Store, documents: list, captures: list, facts: dict, message: str
) -> None:
    fill(store, "r1", ["a"])
    with pytest.raises(LedgerError, match=message):
        commit(store, "r2", documents, captures, **facts)
    assert store.versions() == [1]
    with store.exclusive("test", 0):
        store.recover()
    fill(store, "r3", ["b"])
    assert titles(store) == ["题目a", "题目b"]


def test_a_capture_cannot_leave_the_ledger(store: Store) -> None:
    fill(store, "r1", ["a"])
    with pytest.raises(LedgerError, match="1 captures would vanish"):
        commit(store, "r2", deletes={"captures": [ident("a")], "documents": [ident("a")]})


def test_deleting_what_is_not_there_changes_nothing(store: Store) -> None:
    first = fill(store, "r1", ["a"])
    assert commit(store, "r2", deletes={"documents": [ident("zz")]}) == first
    assert store.versions() == [1]


def test_a_run_commits_once(store: Store) -> None:
    first = fill(store, "r1", ["a"])
    assert fill(store, "r1", ["b"]) == first
    assert store.versions() == [1]


def test_a_run_computed_against_an_older_version_is_refused(store: Store) -> None:
    fill(store, "r1", ["a"])
    with store.exclusive("test", 0), pytest.raises(ConflictError, match="computed against v0, but v1"):
        store.commit("r2", appends={}, parent=0)


def test_a_corpus_may_be_empty(store: Store) -> None:
    manifest = commit(store, "r1", [], [capture("a", "rejected", "quality.short")])
    assert manifest.counts.documents.total == 0
    assert pq.read_table(Path(store.published(1)) / "data").num_rows == 0
    fill(store, "r2", ["b"])
    assert titles(store) == ["题目b"]
    assert len(store.files("documents")) == 1


def test_files_that_no_deleted_row_touches_stay(store: Store) -> None:
    fill(store, "r1", "ab")
    fill(store, "r2", "cd")
    before = store.files("documents")
    commit(store, "r3", [document("c", "换。\n")], deletes={"documents": [ident("c")]})
    assert store.files("documents")[0] == before[0]
    assert before[1] not in store.files("documents")


def test_the_digest_is_that_of_the_rows_not_of_their_order_or_files(tmp_path: Path) -> None:
    one, two = Store.open(tmp_path / "one"), Store.open(tmp_path / "two")
    first = fill(one, "r1", "abcd")
    fill(two, "r1", "dc")
    second = fill(two, "r2", "ba")
    assert first.content_digest == second.content_digest
    changed = commit(two, "r3", [document("a", title="别的")], deletes={"documents": [ident("a")]})
    assert changed.content_digest != second.content_digest


def test_files_are_bounded_and_keep_the_meaning_of_columns(tmp_path: Path) -> None:
    store = Store(StoreSettings(path=str(tmp_path), file_bytes=1 << 16, row_group_bytes=1 << 14))
    words = "".join(chr(0x4E00 + i * 7 % 20000) for i in range(3000))
    names = [f"n{i}" for i in range(60)]
    commit(
        store, "r1", [document(n, words[i:] + words[:i]) for i, n in enumerate(names)], map(capture, names)
    )
    files = [pq.ParquetFile(path) for path in store.files("documents")]
    assert len(files) > 2
    assert sum(file.metadata.num_rows for file in files) == 60
    for file in files[:-1]:
        assert (
            file.metadata.serialized_size + 50_000
            < Path(store.files("documents")[0]).stat().st_size
            < 1 << 18
        )
        assert file.schema_arrow.field("text").metadata[b"meaning"]
        assert file.metadata.row_group(0).column(0).compression == "ZSTD"
        assert file.metadata.row_group(0).column(0).has_offset_index


def test_filters_and_columns(store: Store) -> None:
    fill(store, "r1", "abc")
    read = store.read("documents", columns=["title"], filter=pc.field("document_id") == ident("b"))
    assert read.to_pydict() == {"title": ["题目b"]}


def test_the_published_folder_needs_nothing_but_its_path(store: Store, tmp_path: Path) -> None:
    fill(store, "r1", "ab")
    fill(store, "r2", "c")
    moved = tmp_path / "elsewhere"
    store.path.rename(moved)
    data = moved / "snapshots" / "v2" / "data"
    assert pq.read_table(data).num_rows == 3
    assert duckdb.sql(f"SELECT count(*) FROM '{data}/*.parquet'").fetchall() == [(3,)]
    assert polars.read_parquet(f"{data}/*.parquet").height == 3
    assert len(pandas.read_parquet(data)) == 3
    assert titles(Store.open(moved), 1) == ["题目a", "题目b"]
    fill(Store.open(moved), "r3", "d")
    assert polars.read_delta(str(moved / "tables" / "documents"), version=1).height == 2


def test_other_programs_travel_in_time_by_the_delta_log(store: Store) -> None:
    manifests = [fill(store, f"r{i}", [f"n{i}"]) for i in range(3)]
    for rows, manifest in enumerate(manifests, start=1):
        pinned = manifest.tables["documents"].delta_version
        assert polars.read_delta(str(store.path / "tables" / "documents"), version=pinned).height == rows


def test_writing_needs_the_lock(store: Store) -> None:
    with pytest.raises(StoreError, match="not held"):
        store.commit("r1", appends={})
    with pytest.raises(StoreError, match="not held"):
        store.recover()


def test_a_second_run_waits_or_is_told_who_holds_the_store(store: Store) -> None:
    other = Store(store.settings)
    with store.exclusive("the nightly run", 0):
        with store.exclusive("the nightly run, nested", 0):
            pass
        with (
            pytest.raises(StoreBusyError, match="in use by the nightly run"),
            other.exclusive("b", 0),
        ):
            pass
    with other.exclusive("b", 0):
        pass


def test_waiting_ends_when_the_time_is_up(store: Store) -> None:
    store.path.mkdir()
    holder = lock_module.Lock(store.path / "lock")
    holder.acquire("a", 0)
    clock = iter([0.0, 1.0, 11.0])
    with pytest.raises(StoreBusyError, match="waited 10 s"):
        lock_module.Lock(store.path / "lock").acquire("b", 10, lambda: next(clock))
    holder.release()


def _idle(seconds: float) -> None:
    import time

    time.sleep(seconds)


def test_a_forked_child_does_not_keep_the_lock(store: Store) -> None:
    with store.exclusive("parent", 0):
        child = multiprocessing.get_context("fork").Process(target=_idle, args=(30,))
        child.start()
    try:
        with Store(store.settings).exclusive("next", 5):
            assert child.is_alive()
    finally:
        child.kill()
        child.join()


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (pa.table({"document_id": ["x"], "colour": ["red"]}), "unknown column colour"),
        (pa.table({"document_id": ["x"]}), "capture_id must not be null"),
        (pa.table({"document_id": ["x"], "quality": ["many"]}), "column capture_id|column quality"),
        (table("documents", [document("a", text_sha256="0" * 64)]), "text_sha256 is not the SHA-256"),
    ],
)
def test_rows_that_do_not_fit_are_refused_and_leave_nothing(
    store: Store, rows: pa.Table, message: str
) -> None:
    with pytest.raises(StoreError, match=message), store.writer("documents", "r1") as writer:
        writer.write(rows)
    assert not list(store.path.rglob("*.parquet"))


def test_a_damaged_file_is_named(store: Store) -> None:
    fill(store, "r1", "ab")
    path = Path(store.files("documents")[0])
    path.chmod(0o644)
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)
    with pytest.raises(DamagedError, match="documents cannot be read"):
        store.read("documents")
    path.unlink()
    with pytest.raises(DamagedError, match="documents cannot be read"):
        store.read("documents")


def test_facts_of_the_run_stand_in_the_manifest_and_the_summary(store: Store) -> None:
    manifest = commit(
        store,
        "r1",
        [document("a")],
        [capture("a"), capture("b", "rejected", "quality.han_share")],
        code_version="1.2.3",
        settings={"clean": {"x": 1}},
        settings_digest="abc",
        dictionaries={"opencc": "1.4.2"},
        signature_version=3,
        tag="first",
        notes=["a note"],
    )
    assert store.manifest(1) == manifest
    assert manifest.settings == {"clean": {"x": 1}}
    text = (Path(store.published(1)) / "SUMMARY.md").read_text(encoding="utf-8")
    for word in ("v1 (first)", "1 documents", "| rejected | quality.han_share | 1 |", "1.2.3", "- a note"):
        assert word in text


def test_a_manifest_of_a_later_format_is_refused(store: Store) -> None:
    fill(store, "r1", ["a"])
    path = Path(store.published(1)) / "manifest.json"
    path.write_text(path.read_text().replace('"format": 1', '"format": 99'))
    with pytest.raises(StoreError, match="format 99"):
        store.latest()
