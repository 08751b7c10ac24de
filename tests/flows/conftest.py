"""A real Prefect server for the tests of the flows, and runs in a store of their own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from config.settings import ServeSettings
from flows.orchestration import environment


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the API of a temporary server, used by all flow runs of the session."""
    home = tmp_path_factory.mktemp("prefect")
    for name, value in environment(ServeSettings(home=str(home))).items():
        os.environ.setdefault(name, value)
    from prefect.settings import PREFECT_API_URL
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=120):
        yield str(PREFECT_API_URL.value())


@pytest.fixture
def refresh(prefect_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Run the refresh flow: `refresh(paths, **settings)`; the working folder and the store are temporary."""
    from flows.refresh import RefreshParameters
    from flows.refresh import refresh as flow

    monkeypatch.chdir(tmp_path)

    def run(*paths: Path | str, dry_run: bool = False, **settings: Mapping[str, Any]) -> Any:
        config = tmp_path / "settings.yaml"
        config.write_text(yaml.safe_dump({"store": {"path": "store"}, "run": {"workers": 2}} | settings))
        return flow(
            RefreshParameters(config=str(config), paths=[str(path) for path in paths], dry_run=dry_run)
        )

    return run
