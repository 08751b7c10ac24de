"""Reclean: the present rules over the stored captures, and a diff that shows exactly what they do."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flows.reclean import RecleanParameters, reclean
from tasks.collect import CollectError
from tasks.dedupe.signatures import SIGNATURE_VERSION, SignatureVersionError
from tasks.snapshot import Store
from tasks.snapshot.diff import diff
from tasks.snapshot.verify import verify
from tests.flows.corpus_files import article, content, write_jsonl


@pytest.fixture
def again(tmp_path: Path) -> Callable[..., Any]:
    """Reclean the store of the fixture `refresh`, with options that go over its settings."""

    def run(**options: Any) -> Any:
        file = tmp_path / "settings.yaml"
        extra = "".join(f"{name}: {value}\n" for name, value in options.items())
        changed = tmp_path / "changed.yaml"
        changed.write_text(file.read_text() + extra, encoding="utf-8")
        return reclean(RecleanParameters(config=str(changed)))

    return run


def test_same_rules_change_nothing(
    refresh: Callable[..., Any], again: Callable[..., Any], tmp_path: Path
) -> None:
    write_jsonl(tmp_path / "in.jsonl", 12)
    refresh("in.jsonl")
    before = content(tmp_path / "store")
    assert again().version is None
    assert content(tmp_path / "store") == before


def test_signatures_of_an_older_program_stop_the_run_and_a_reclean_renews_them(
    refresh: Callable[..., Any], again: Callable[..., Any], tmp_path: Path
) -> None:
    write_jsonl(tmp_path / "in.jsonl", 4)
    refresh("in.jsonl")
    before = content(tmp_path / "store")
    manifest = tmp_path / "store" / "snapshots" / "v1" / "manifest.json"
    old = manifest.read_text(encoding="utf-8")
    made_by = f'"signature_version": {SIGNATURE_VERSION}'
    assert made_by in old
    manifest.write_text(old.replace(made_by, '"signature_version": 1'), encoding="utf-8")
    write_jsonl(tmp_path / "more.jsonl", 6)
    with pytest.raises(SignatureVersionError, match=r"version 1.*qingyuan reclean"):
        refresh("more.jsonl")
    assert again().version == 2
    assert content(tmp_path / "store") == before
    assert refresh("more.jsonl").version == 3


def test_a_stricter_rule_rejects_and_a_looser_one_brings_back(
    refresh: Callable[..., Any], again: Callable[..., Any], tmp_path: Path
) -> None:
    write_jsonl(tmp_path / "in.jsonl", 12)
    refresh("in.jsonl")
    before = content(tmp_path / "store")
    lengths = [row["han"] for row in Store.open(tmp_path / "store").read("documents")["quality"].to_pylist()]
    limit = sorted(lengths)[0] + 1
    assert again(clean=f"{{quality: {{min_han: {limit}}}}}").version == 2
    changes = diff(Store.open(tmp_path / "store"), 1, 2)
    assert (changes.added, changes.removed) == (0, sum(length < limit for length in lengths))
    assert any(change.after == "rejected quality.min_han" for change in changes.by_reason)
    assert again().version == 3
    assert content(tmp_path / "store") == before


def test_vanished_inputs_are_named_and_nothing_changes(
    refresh: Callable[..., Any], again: Callable[..., Any], tmp_path: Path
) -> None:
    write_jsonl(tmp_path / "in.jsonl", 2)
    refresh("in.jsonl")
    (tmp_path / "in.jsonl").unlink()
    with pytest.raises(CollectError, match=r"in\.jsonl"):
        again()
    assert Store.open(tmp_path / "store").versions() == [1]


def test_an_inbox_may_be_emptied_because_its_bytes_are_kept(
    refresh: Callable[..., Any], again: Callable[..., Any], tmp_path: Path
) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    write_jsonl(inbox / "in.jsonl", 8)
    (inbox / "a#1!.txt").write_text(article("odd name"), encoding="utf-8")
    (inbox / "copy.txt").write_bytes((inbox / "a#1!.txt").read_bytes())
    with zipfile.ZipFile(inbox / "pages.zip", "w") as pages:
        pages.writestr("one.txt", article("in a zip"))
        pages.writestr("broken.jsonl", '{"text": ')
    (tmp_path / "stays.txt").write_text(article("stays"), encoding="utf-8")
    sources = [
        {"name": "in", "paths": ["inbox/*"], "inbox": True},
        {"name": "files", "paths": ["stays.txt"]},
    ]
    refresh(sources=sources)
    store = Store.open(tmp_path / "store")
    before, ledger = content(tmp_path / "store"), store.read("captures").sort_by("capture_id")
    payloads = store.read("payloads")
    assert payloads.num_rows == ledger.num_rows - 1
    assert payloads["payload"].null_count == 1, "equal bytes are kept once"
    assert verify(store, 1).problems == []
    shutil.rmtree(inbox)
    inbox.mkdir()
    assert again(clean="{quality: {min_han: 100000}}").outcomes[0][:2] == ("rejected", "quality.min_han")
    assert again().version == 3
    assert content(tmp_path / "store") == before
    decided = store.read("captures").sort_by("capture_id").drop_columns(["decided"])
    assert decided == ledger.drop_columns(["decided"])
    assert refresh(sources=sources).version is None, "an empty inbox is no error"
    (tmp_path / "stays.txt").unlink()
    with pytest.raises(CollectError, match=r"stays\.txt.*not in the archive"):
        again()


def test_bytes_are_kept_only_where_that_is_wanted(refresh: Callable[..., Any], tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.txt").write_text(article(name), encoding="utf-8")
    sources = [
        {"name": "one", "paths": ["a.txt"], "archive": True},
        {"name": "two", "paths": ["b.txt"], "inbox": True, "archive": False},
    ]
    refresh(sources=sources)
    kept = Store.open(tmp_path / "store").read("payloads").to_pylist()
    assert [row["payload"] for row in kept] == [(tmp_path / "a.txt").read_bytes()]
