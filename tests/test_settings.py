"""Settings: where values come from, and what a wrong one says."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.describe import configuration_markdown
from config.settings import Settings, SettingsError, load_settings, workers
from tests.conftest import ROOT


def write(folder: Path, text: str) -> Path:
    file = folder / "mine.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_shipped_configuration_is_valid() -> None:
    assert load_settings().sources[0].name == "samples"


def test_a_file_goes_over_the_shipped_one_and_the_environment_over_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(tmp_path, "run: {workers: 3, shard_captures: 7}\n")
    monkeypatch.setenv("QINGYUAN_RUN__WORKERS", "5")
    settings = load_settings(file)
    assert settings.run.workers == 5
    assert settings.run.shard_captures == 7
    assert settings.sources[0].name == "samples"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("run: {wrokers: 3}", ["mine.yaml", "run.wrokers", "unknown option"]),
        ("run: {workers: many}", ["mine.yaml", "run.workers"]),
        ("run: {workers: -1}", ["mine.yaml", "run.workers"]),
        ("sources: [{name: 'a b', paths: [x]}]", ["mine.yaml", "sources.0.name"]),
        ("sources: [{name: a, paths: []}]", ["mine.yaml", "sources.0.paths"]),
        ("serve: {time_zone: Mars/Olympus}", ["mine.yaml", "IANA"]),
        ("serve: {host: 0.0.0.0}", ["mine.yaml", "password"]),
        ("- a\n- b\n", ["mine.yaml", "sections"]),
        ("run: {workers: 1", ["mine.yaml", "YAML"]),
    ],
)
def test_a_wrong_file_is_refused_with_file_and_field(tmp_path: Path, text: str, names: list[str]) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(write(tmp_path, text))
    for name in names:
        assert name in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="nowhere"):
        load_settings(tmp_path / "nowhere.yaml")


def test_digest_changes_with_what_changes_results_only() -> None:
    base = load_settings()
    elsewhere = load_settings(store={"path": "/elsewhere"}, run={"workers": 7, "shard_captures": 9})
    other = load_settings(collect={"max_payload_bytes": 2048})
    assert elsewhere.digest() == base.digest()
    assert other.digest() != base.digest()


def test_workers_default_to_the_cores_of_the_machine() -> None:
    assert workers(Settings()) >= 1
    assert workers(load_settings(run={"workers": 3})) == 3


def test_configuration_page_is_up_to_date() -> None:
    page = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
    assert page == configuration_markdown(), "run: make docs"
