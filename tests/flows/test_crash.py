"""kill -9 at any moment: the last version stays readable, and the next run ends where an undisturbed one does.

The suite kills three times; `make soak` kills ten times a run over 2,000 captures.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from tasks.snapshot import Store
from tasks.snapshot.verify import verify
from tests.conftest import ROOT
from tests.flows.corpus_files import content, write_jsonl


def start(folder: Path, store: str, api: str) -> subprocess.Popen[bytes]:
    """`qingyuan run` as a process group of its own, against the running server."""
    config = folder / f"{store}.yaml"
    source = {"name": "test", "paths": ["in"]}
    config.write_text(
        yaml.safe_dump({"store": {"path": store}, "sources": [source], "run": {"shard_captures": 40}}),
        encoding="utf-8",
    )
    command = [
        sys.executable,
        "-c",
        "from flows.commands import main; main()",
        "run",
        "--config",
        str(config),
    ]
    environment = os.environ | {"PREFECT_API_URL": api, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        command, cwd=folder, env=environment, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip


def finish(process: subprocess.Popen[bytes]) -> None:
    _, complaint = process.communicate(timeout=600)
    assert process.returncode == 0, complaint.decode()[-2000:]


def kill(process: subprocess.Popen[bytes]) -> None:
    """End the process and its workers at once, as a power cut would."""
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def check_kills(folder: Path, api: str, samples: int, kills: int, seed: int) -> None:
    """Kill runs at random moments of the time an undisturbed one takes, then let one end."""
    write_jsonl(folder / "in" / "first.jsonl", 2, seed=99)
    for store in ("undisturbed", "killed"):
        finish(start(folder, store, api))
    before = content(folder / "killed")
    for number in range(4):
        write_jsonl(folder / "in" / f"{number}.jsonl", samples // 4, seed=number)
    began = time.monotonic()
    finish(start(folder, "undisturbed", api))
    lasted = time.monotonic() - began
    moments = random.Random(seed)
    for _ in range(kills):
        process = start(folder, "killed", api)
        try:
            process.communicate(timeout=moments.uniform(0.2, 0.98) * lasted)
        except subprocess.TimeoutExpired:
            kill(process)
        store = Store.open(folder / "killed")
        latest = store.latest()
        assert latest is not None
        assert verify(store, latest.version).problems == []
        if latest.version == 1:
            assert content(folder / "killed") == before
    finish(start(folder, "killed", api))
    assert content(folder / "killed") == content(folder / "undisturbed")
    assert Store.open(folder / "killed").versions() == [1, 2]


def test_killed_runs_converge(tmp_path: Path, prefect_server: str) -> None:
    check_kills(tmp_path, prefect_server, samples=40, kills=3, seed=20241122)


@pytest.mark.soak
def test_ten_kills_of_a_run_over_two_thousand_captures(tmp_path: Path, prefect_server: str) -> None:
    check_kills(tmp_path, prefect_server, samples=2000, kills=10, seed=10)
