"""The main job and a reclean on a store in a bucket, by configuration only."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from config.settings import StoreSettings
from flows.reclean import RecleanParameters, reclean
from tasks.snapshot import Store
from tasks.snapshot.verify import verify
from tests.flows.corpus_files import content, write_jsonl


def test_runs_of_two_machines_give_what_one_gives_in_a_folder(
    refresh: Callable[..., Any], bucket: str, tmp_path: Path
) -> None:
    alone = {"workers": 1}
    write_jsonl(tmp_path / "one.jsonl", 8)
    write_jsonl(tmp_path / "two.jsonl", 6, seed=2)
    refresh("one.jsonl", run=alone)
    refresh("one.jsonl", "two.jsonl", run=alone)
    address = f"{bucket}/corpus"
    first, second = ({"path": address, "local": name} for name in ("here", "there"))
    assert refresh("one.jsonl", store=first, run=alone).published == f"{address}/snapshots/v1"
    assert refresh("one.jsonl", "two.jsonl", store=second, run=alone).version == 2
    store = Store(StoreSettings(**second))
    assert content(store) == content(tmp_path / "store")
    assert verify(store, 2).problems == []
    strict = tmp_path / "strict.yaml"
    strict.write_text(
        (tmp_path / "settings.yaml").read_text() + "clean: {quality: {min_han: 100000}}\n", encoding="utf-8"
    )
    assert reclean(RecleanParameters(config=str(strict))).version == 3
    assert store.latest().counts.documents.gone == len(content(tmp_path / "store")["documents"])
    assert not list(store.path.glob("staging/plan-*"))
