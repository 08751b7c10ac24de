"""A served store for tests: `qingyuan serve` as its users start it, and questions to its API."""

from __future__ import annotations

import http.cookiejar
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT

CONFIG = "settings.yaml"


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Served:
    """A running `qingyuan serve` with a store of its own below `folder`."""

    def __init__(self, folder: Path, settings: dict[str, Any]) -> None:
        self.folder = folder
        self.port, self.reports_port = free_port(), free_port()
        serve = {
            "port": self.port,
            "reports_port": self.reports_port,
            "home": "prefect",
        } | settings.pop("serve", {})
        self.store = folder / "store"
        values = {"store": {"path": "store"}, "run": {"workers": 1}, "serve": serve} | settings
        (folder / CONFIG).write_text(yaml.safe_dump(values), encoding="utf-8")
        self.password = serve.get("password", "")
        self.dashboard = f"http://127.0.0.1:{self.port}"
        self.reports = f"http://127.0.0.1:{self.reports_port}"
        self._token: dict[str, str] = {}
        self.start()

    def start(self) -> None:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
        with (self.folder / "serve.log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-c",
                    "from flows.commands import main; main()",
                    "serve",
                    "--config",
                    CONFIG,
                ],
                cwd=self.folder,
                env=clean | {"PYTHONPATH": str(ROOT)},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """A request to the API: GET, or POST of `body`, with the token against forgery."""
        headers = {"Content-Type": "application/json"}
        if body is not None and not self._token:
            client = str(uuid.uuid4())
            token = self.ask(f"/csrf-token?client={client}")["token"]
            self._token = {"Prefect-Csrf-Token": token, "Prefect-Csrf-Client": client}
        data = json.dumps(body).encode() if body is not None else None
        answer = self.get(f"{self.dashboard}/api{path}", headers | self._token, data)
        return json.loads(answer) if answer else None

    def get(self, url: str, headers: dict[str, str] | None = None, data: bytes | None = None) -> bytes:
        """What an address answers."""
        manager = urllib.request.HTTPPasswordMgrWithPriorAuth()
        if self.password:
            manager.add_password(None, url, *self.password.split(":"), is_authenticated=True)
        opener = urllib.request.build_opener(
            urllib.request.HTTPBasicAuthHandler(manager),
            urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()),
        )
        with opener.open(urllib.request.Request(url, data, headers or {}), timeout=30) as answer:
            content: bytes = answer.read()
            return content

    def until(self, check: Callable[[], Any], seconds: float, *, alive: bool = True) -> Any:
        """Ask `check` until it gives something; fails when the process ends or time is up."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if alive and self.process.poll() is not None:
                pytest.fail(f"it ended: {(self.folder / 'serve.log').read_text('utf-8')[-2000:]}")
            with suppress(OSError):
                if found := check():
                    return found
            time.sleep(0.3)
        return pytest.fail(f"nothing came in time: {(self.folder / 'serve.log').read_text('utf-8')[-2000:]}")

    def ready(self) -> dict[str, dict[str, Any]]:
        """The deployments by name, once they are registered and the runner asks for work."""

        def registered() -> dict[str, dict[str, Any]]:
            found = {item["name"]: item for item in self.ask("/deployments/filter", {})}
            return found if {"refresh", "maintain"} <= set(found) else {}

        deployments: dict[str, dict[str, Any]] = self.until(registered, 180)
        return deployments

    def runs(self) -> list[dict[str, Any]]:
        """All runs, the latest first."""
        found: list[dict[str, Any]] = self.ask(
            "/flow_runs/filter", {"sort": "EXPECTED_START_TIME_DESC", "limit": 100}
        )
        return found

    def run(self, identity: str) -> dict[str, Any]:
        """One run."""
        found: dict[str, Any] = self.ask(f"/flow_runs/{identity}")
        return found

    def begin(self, deployment: str, parameters: dict[str, Any]) -> str:
        """Start a run as the form does; gives its id."""
        body = {"parameters": {"parameters": {"config": CONFIG} | parameters}}
        identity: str = self.ask(f"/deployments/{deployment}/create_flow_run", body)["id"]
        return identity

    def engine(self, run: str) -> int:
        """The process of a run, 0 while there is none."""
        for place in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                command, values = ((place / name).read_bytes() for name in ("cmdline", "environ"))
                if b"prefect.engine" in command and run.encode() in values:
                    return int(place.name)
        return 0

    def kill(self) -> None:
        """End everything at once, the server too."""
        with suppress(OSError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        with suppress(OSError, ValueError):
            os.killpg(int((self.folder / "prefect/server.pid").read_text()), signal.SIGKILL)
