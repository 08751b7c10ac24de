"""A Prefect server for one run, where none is running: started first, so that it comes up meanwhile."""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import importlib.util
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

_STOP_SECONDS = 5
_PR_SET_PDEATHSIG = 1


def start_server(environment: Mapping[str, str]) -> str:
    """Start Prefect's temporary server, as Prefect would on first use, and return the address of its API.

    It starts while this process still imports the flow (4 s each). The socket listens from the first
    moment, so whoever connects early waits instead of being refused. The server ends with this process.
    """
    spec = importlib.util.find_spec("prefect")
    assert spec is not None
    assert spec.origin is not None
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        port = listener.getsockname()[1]
        command = [sys.executable, "-m", "uvicorn", "--app-dir", str(Path(spec.origin).parent)]
        command += ["--factory", "prefect.server.api.server:create_app", "--fd", str(listener.fileno())]
        process = subprocess.Popen(
            [*command, "--log-level", "error", "--lifespan", "on"],
            env=os.environ
            | dict(environment)
            # What Prefect sets for its own temporary servers: no dashboard, settings as they are.
            | {"PREFECT_UI_ENABLED": "0", "PREFECT__SERVER_EPHEMERAL": "1", "PREFECT__SERVER_FINAL": "1"},
            pass_fds=[listener.fileno()],
            preexec_fn=_end_with_parent,  # noqa: PLW1509 - there are no threads yet
        )
    atexit.register(_stop, process)
    return f"http://127.0.0.1:{port}/api"


def _end_with_parent() -> None:
    """Ask the kernel to end this process when its parent dies, however that happens (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_STOP_SECONDS)
        return
    process.kill()
    process.wait()


__all__ = ["start_server"]
