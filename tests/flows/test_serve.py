"""`qingyuan serve` for real: server, dashboard, a schedule that produces a version, a clean stop."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml

from tasks.snapshot import Store
from tests.conftest import ROOT
from tests.flows.corpus_files import write_jsonl

PATIENCE = 240
"""Seconds until the cron of every minute must have produced a version on a slow machine."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def ask(api: str, path: str, body: dict[str, Any] | None = None) -> Any:
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(f"{api}{path}", data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())


def until(check: Any, seconds: float, process: subprocess.Popen[bytes]) -> Any:
    """Poll `check` until it gives something; fails when the process ends or time is up."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert process.poll() is None, "the server ended"
        try:
            if found := check():
                return found
        except OSError:
            pass
        process_wait(process, 0.5)
    pytest.fail("nothing came in time")


def process_wait(process: subprocess.Popen[bytes], seconds: float) -> None:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, Path, subprocess.Popen[bytes]]]:
    """A served store with a refresh every minute: (address of the API, folder, process)."""
    write_jsonl(tmp_path / "in.jsonl", 1)
    port = free_port()
    config = tmp_path / "settings.yaml"
    config.write_text(
        yaml.safe_dump(
            {
                "store": {"path": str(tmp_path / "store")},
                "sources": [{"name": "inbox", "paths": [str(tmp_path / "in.jsonl")]}],
                "serve": {"port": port, "home": str(tmp_path / "prefect"), "refresh_cron": "* * * * *"},
                "run": {"workers": 1},
            }
        ),
        encoding="utf-8",
    )
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    process = subprocess.Popen(
        [sys.executable, "-c", "from flows.commands import main; main()", "serve", "--config", str(config)],
        cwd=tmp_path,
        env=clean | {"PYTHONPATH": str(ROOT)},
        start_new_session=True,
    )
    yield f"http://127.0.0.1:{port}/api", tmp_path, process
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_a_schedule_produces_a_version_and_the_server_stops_cleanly(
    served: tuple[str, Path, subprocess.Popen[bytes]],
) -> None:
    api, folder, process = served

    def registered() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = ask(api, "/deployments/filter", {})
        return found if {"refresh", "fetch"} <= {deployment["name"] for deployment in found} else []

    deployments = until(registered, PATIENCE, process)
    # With SQLAlchemy 2.1 this count stays 0 and nothing says so.
    assert until(lambda: ask(api, "/flow_runs/count", {}), PATIENCE, process) > 0
    settings = ask(api, "/admin/settings")
    assert settings["server"]["analytics_enabled"] is False
    assert settings["server"]["ui"]["show_promotional_content"] is False
    until(lambda: Store.open(folder / "store").versions(), PATIENCE, process)
    with urllib.request.urlopen(api.removesuffix("/api") + "/", timeout=30) as page:
        assert b"<html" in page.read().lower()
    (form,) = [item for item in deployments if item["name"] == "refresh"]
    assert "paths" in json.dumps(form["parameter_openapi_schema"])
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=30)
    assert time.monotonic() - began < 15
    with pytest.raises(OSError, match="refused"):
        ask(api, "/health")


def test_pins_that_scheduled_runs_depend_on() -> None:
    assert version("prefect") == "3.8.8"
    assert tuple(map(int, version("sqlalchemy").split(".")[:2])) < (2, 1)
    assert tuple(map(int, version("fastapi").split(".")[:2])) < (0, 151)


def test_locks_hold_hashes_and_no_index_address() -> None:
    for name in ("requirements.lock", "requirements-dev.lock"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "--hash=sha256:" in text
        assert "://" not in text
        assert "--index" not in text
