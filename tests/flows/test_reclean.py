"""Reclean: the present rules over the stored captures, and a diff that shows exactly what they do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flows.reclean import RecleanParameters, reclean
from tasks.collect import CollectError
from tasks.snapshot import Store
from tasks.snapshot.diff import diff
from tests.flows.corpus_files import content, write_jsonl


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
