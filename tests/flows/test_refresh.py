"""The main job as its users see it: what a run publishes, and what the next one adds."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pytest
import yaml

from tasks.collect import CollectError
from tasks.fetch.state import connect
from tasks.snapshot import Store
from tests.conftest import ROOT
from tests.flows.corpus_files import article, content, write_jsonl

Refresh = Callable[..., Any]


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    """The shipped samples, at the place their locators name."""
    shutil.copytree(ROOT / "samples", tmp_path / "samples")
    return tmp_path / "samples" / "captures"


def ledger(store: Path) -> dict[str, dict[str, Any]]:
    """The ledger by locator."""
    return {row["locator"]: row for row in Store.open(store).read("captures").to_pylist()}


def test_samples_get_the_outcomes_they_were_written_for(
    refresh: Refresh, samples: Path, tmp_path: Path
) -> None:
    """samples/expected.yaml: `copy` stands for equally good copies, of which one is kept."""
    assert refresh(samples).version == 1
    expected = yaml.safe_load((ROOT / "samples" / "expected.yaml").read_text(encoding="utf-8"))
    rows = ledger(tmp_path / "store")
    assert set(rows) == set(expected)
    wrong = [
        (locator, want["outcome"], rows[locator]["outcome"], rows[locator]["reason"])
        for locator, want in expected.items()
        if want["outcome"] != "copy" and rows[locator]["outcome"] != want["outcome"]
    ]
    assert not wrong
    documents = Store.open(tmp_path / "store").read("documents").to_pylist()
    kept = {row["capture_id"]: row["locator"] for row in rows.values() if row["outcome"] == "kept"}
    articles = sorted(expected[kept[document["capture_id"]]]["article"] for document in documents)
    assert articles == sorted({want["article"] for want in expected.values() if "article" in want})
    for document in documents:
        want = expected[kept[document["capture_id"]]]
        assert document["title"] in (None, want["title"])
        same = {
            rows[at]["document_id"]
            for at, other in expected.items()
            if other.get("article") == want["article"]
        }
        assert same == {document["document_id"]}


def test_published_folder_opens_with_common_tools(refresh: Refresh, samples: Path) -> None:
    result = refresh(samples)
    folder = Path(result.published) / "data"
    count = pq.read_table(folder).num_rows
    assert count > 5
    assert len(pd.read_parquet(folder)) == count
    assert pl.scan_parquet(folder / "*.parquet").select(pl.len()).collect().item() == count
    assert duckdb.read_parquet(str(folder / "*.parquet")).count("*").fetchall() == [(count,)]


def test_second_run_adds_no_version_and_one_more_file_one_more_document(
    refresh: Refresh, tmp_path: Path
) -> None:
    inbox = tmp_path / "inbox"
    write_jsonl(inbox / "a.jsonl", 3)
    first = refresh(inbox)
    again = refresh(inbox)
    assert (first.version, again.version) == (1, None)
    assert "nothing new" in again.message
    (inbox / "one.txt").write_text(article("one more"), encoding="utf-8")
    third = refresh(inbox)
    assert third.version == 2
    counts = Store.open(tmp_path / "store").manifest(2).counts.documents
    assert (counts.new, counts.changed, counts.gone) == (1, 0, 0)
    assert third.outcomes == [("kept", "clean", 1)] or [row[0::2] for row in third.outcomes] == [("kept", 1)]


def test_touched_file_with_known_captures_adds_no_version(refresh: Refresh, tmp_path: Path) -> None:
    file = tmp_path / "inbox" / "a.jsonl"
    read = write_jsonl(file, 2)
    refresh(file)
    file.touch()
    again = refresh(file)
    assert again.version is None
    assert (again.read, again.known) == (read, read)


def test_order_workers_and_shards_leave_no_trace(refresh: Refresh, tmp_path: Path) -> None:
    for number in range(4):
        write_jsonl(tmp_path / "in" / f"{number}.jsonl", 2, seed=number)
    names = [f"in/{number}.jsonl" for number in range(4)]
    refresh(*names, store={"path": "a"}, run={"workers": 1, "shard_captures": 500})
    refresh(*reversed(names), store={"path": "b"}, run={"workers": 2, "shard_captures": 2})
    assert content(tmp_path / "a") == content(tmp_path / "b")


def test_dry_run_reports_and_writes_nothing(refresh: Refresh, tmp_path: Path) -> None:
    read = write_jsonl(tmp_path / "in.jsonl", 2)
    result = refresh("in.jsonl", dry_run=True)
    assert result.version is None
    assert result.read == read
    assert sum(count for _, _, count in result.outcomes) > 0
    assert Store.open(tmp_path / "store").versions() == []


def test_missing_path_is_refused_before_anything_is_read(refresh: Refresh, tmp_path: Path) -> None:
    write_jsonl(tmp_path / "in.jsonl", 1)
    with pytest.raises(CollectError, match="nowhere"):
        refresh("in.jsonl", "nowhere")
    assert Store.open(tmp_path / "store").versions() == []


def test_every_capture_read_has_one_outcome(refresh: Refresh, tmp_path: Path) -> None:
    write_jsonl(tmp_path / "in" / "a.jsonl", 3)
    shutil.copy(tmp_path / "in" / "a.jsonl", tmp_path / "in" / "b.jsonl")  # the same urls and bytes: repeated
    result = refresh("in")
    manifest = Store.open(tmp_path / "store").manifest(1)
    assert manifest.counts.read == result.read
    assert manifest.counts.read - manifest.counts.repeated == manifest.counts.captures
    assert sum(manifest.counts.outcomes.values()) == manifest.counts.captures
    assert manifest.counts.repeated == result.read // 2


def test_documents_of_deleted_pages_are_marked_and_unmarked(refresh: Refresh, tmp_path: Path) -> None:
    write_jsonl(tmp_path / "in.jsonl", 1)
    refresh("in.jsonl")
    document = next(row for row in Store.open(tmp_path / "store").read("documents").to_pylist() if row["url"])
    state = connect(tmp_path / "store" / "fetch" / "state.sqlite")
    state.execute(
        "INSERT INTO address (source, key, url, kind, depth, hops, seen, status, http, changed, changes) "
        "VALUES ('s', 'k', ?, 'page', 0, 0, 0, 'gone', 404, 1700000000, 1)",
        (document["url"],),
    )

    def gone() -> dict[str, Any]:
        rows = (
            Store.open(tmp_path / "store").read("documents", columns=["document_id", "gone_at"]).to_pylist()
        )
        return {row["document_id"]: row["gone_at"] for row in rows if row["gone_at"]}

    assert refresh("in.jsonl").version == 2
    assert gone() == {document["document_id"]: datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)}
    assert refresh("in.jsonl").version is None
    state.execute("UPDATE address SET status = 'kept'")
    state.close()
    assert refresh("in.jsonl").version == 3
    assert gone() == {}


def test_a_copy_of_the_same_bytes_shares_the_fate_of_the_first(refresh: Refresh, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("a", "b"):
        (folder / f"good-{name}.txt").write_text(article("copied"), encoding="utf-8")
        (folder / f"short-{name}.txt").write_text("太短了。", encoding="utf-8")
    refresh("in")
    rows = ledger(tmp_path / "store")
    good = [rows[f"in/good-{name}.txt"] for name in ("a", "b")]
    short = [rows[f"in/short-{name}.txt"] for name in ("a", "b")]
    assert {row["outcome"] for row in good} == {"kept", "duplicate"}
    assert good[0]["document_id"] == good[1]["document_id"]
    (copy,) = [row for row in good if row["outcome"] == "duplicate"]
    (first,) = [row for row in good if row["outcome"] == "kept"]
    assert (copy["rule"], copy["of_capture"]) == ("dedupe.payload", first["capture_id"])
    assert {(row["outcome"], row["rule"], row["document_id"]) for row in short} == {
        ("rejected", "quality.min_han", None)
    }
    assert {row["of_capture"] for row in short} == {None, min(row["capture_id"] for row in short)}
