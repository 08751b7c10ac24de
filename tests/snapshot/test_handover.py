"""A published folder stands on its own."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from config.settings import StoreSettings
from tasks.snapshot.errors import DamagedError, StoreError, UnknownVersionError
from tasks.snapshot.handover import publish
from tasks.snapshot.store import Store
from tests.snapshot.rows import capture, commit, document, fill


def test_the_folder_holds_everything(tmp_path: Path) -> None:
    store = Store(StoreSettings(path=str(tmp_path / "store"), licence="CC-BY-4.0"))
    captures = [capture("a"), capture("x", "rejected", "quality.short")]
    commit(store, "r1", [document("a")], captures, dictionaries={"opencc": "1.4.2"}, code_version="9.9")
    done = publish(store, 1, tmp_path / "out" / "corpus")
    assert sorted(path.name for path in Path(done.folder).iterdir()) == [
        "README.md",
        "SHA256SUMS",
        "SUMMARY.md",
        "captures",
        "data",
        "manifest.json",
    ]
    assert pq.read_table(Path(done.folder) / "data").num_rows == 1
    assert pq.read_table(Path(done.folder) / "captures").num_rows == 2
    for line in (Path(done.folder) / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((Path(done.folder) / name).read_bytes()).hexdigest() == digest
    assert len((Path(done.folder) / "SHA256SUMS").read_text().splitlines()) == done.files - 1
    card = (Path(done.folder) / "README.md").read_text(encoding="utf-8")
    head = yaml.safe_load(card.split("---\n")[1])
    assert head["license"] == "CC-BY-4.0"
    assert [config["config_name"] for config in head["configs"]] == ["documents", "captures"]
    for part in ("| captures rejected | 1 |", "opencc: 1.4.2", "code 9.9", "| text | string | the clean"):
        assert part in card


def test_a_folder_in_use_is_left_alone(store: Store, tmp_path: Path) -> None:
    fill(store, "r1", "a")
    target = tmp_path / "mine"
    target.mkdir()
    (target / "thesis.txt").write_text("mine")
    with pytest.raises(StoreError, match="exists already"):
        publish(store, 1, target)
    assert [path.name for path in target.iterdir()] == ["thesis.txt"]
    with pytest.raises(UnknownVersionError):
        publish(store, 2, tmp_path / "other")


def test_damage_is_not_handed_over(store: Store, tmp_path: Path) -> None:
    fill(store, "r1", "a")
    path = Path(store.files("documents")[0])
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DamagedError, match="bytes have changed"):
        publish(store, 1, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_empty_folder_and_a_folder_without_rows_will_do(store: Store, tmp_path: Path) -> None:
    commit(store, "r1", [], [capture("x", "rejected", "quality.short")])
    (tmp_path / "empty").mkdir()
    done = publish(store, 1, tmp_path / "empty")
    assert pq.read_table(Path(done.folder) / "data").num_rows == 0
