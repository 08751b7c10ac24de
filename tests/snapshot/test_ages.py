"""Stores of older code stay readable, verifiable and extensible; columns may come and go."""

from __future__ import annotations

import tarfile
from pathlib import Path

import polars
import pyarrow as pa
import pytest

from tasks import tables
from tasks.snapshot.diff import diff
from tasks.snapshot.history import list_versions, why
from tasks.snapshot.maintain import compact
from tasks.snapshot.store import Store
from tasks.snapshot.verify import verify
from tests.snapshot.keep import CASES
from tests.snapshot.rows import commit, document, fill, ident

NOW = tables.DOCUMENTS
QUALITY = NOW.field("quality").type
BEFORE = pa.schema(
    [
        field.with_type(pa.struct(list(QUALITY)[:-2])) if field.name == "quality" else field
        for field in NOW
        if field.name != "editors"
    ],
)
"""The documents of an imagined older release: without a column and without two quality figures."""


@pytest.mark.parametrize("archive", sorted(CASES.glob("store-*.tar.xz")), ids=lambda path: path.name)
def test_the_store_of_a_release(archive: Path, tmp_path: Path) -> None:
    with tarfile.open(archive) as packed:
        packed.extractall(tmp_path, filter="data")
    store = Store.open(tmp_path / "store")
    assert [line.documents for line in list_versions(store)] == [2, 3]
    for version in (1, 2):
        assert verify(store, version).problems == []
    assert sorted(store.read("documents", version=1).column("title").to_pylist()) == ["题目a", "题目b"]
    assert (diff(store, 1, 2).added, diff(store, 1, 2).changed) == (1, 1)
    assert [event.what for event in why(store, ident("a"))[0].events] == ["kept", "superseded"]
    with store.exclusive("test", 0):
        assert store.recover() == []
    commit(store, "third", [document("c", "新。\n")], deletes={"documents": [ident("c")]})
    fill(store, "fourth", "d")
    assert verify(store, 4).problems == []
    assert compact(store) is not None
    assert verify(store, 5).problems == []


@pytest.mark.parametrize(
    ("older", "newer"), [(BEFORE, NOW), (NOW, BEFORE)], ids=["columns come", "columns go"]
)
def test_columns_come_and_go(
    store: Store, monkeypatch: pytest.MonkeyPatch, older: pa.Schema, newer: pa.Schema
) -> None:
    monkeypatch.setitem(tables.TABLES, "documents", older)
    fill(store, "first", "ab")
    monkeypatch.setitem(tables.TABLES, "documents", newer)
    assert store.read("documents", version=1).schema == newer
    assert verify(store, 1).problems == []
    commit(store, "second", [document("a", "新。\n")], deletes={"documents": [ident("a")]})
    assert verify(store, 1).problems == []
    assert verify(store, 2).problems == []
    assert [line.document_id for line in diff(store, 1, 2).documents_changed] == [ident("a")]
    assert compact(store) is None or verify(store, 3).problems == []
    log = str(store.path / "tables" / "documents")
    assert polars.scan_delta(log).select("title", "quality").collect().height == 2
