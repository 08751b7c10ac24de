"""Server, dashboard and schedules as one process group that starts and stops together."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from config.settings import Settings
from flows.orchestration import address, environment, server_runs

STARTUP_SECONDS = 120
"""The first start builds the database, which takes its time on a slow disk."""


class ServeError(Exception):
    """Server or schedules could not be started; the message says what to do."""


@contextmanager
def server(settings: Settings) -> Iterator[str]:
    """A running Prefect server with its dashboard; gives its address and stops it at the end.

    With `serve.api_url` that one is used and left alone. The log of an own one is `server.log` in the folder
    `serve.home`. Raises ServeError when it does not come up.
    """
    serve = settings.serve
    if serve.api_url:
        if not server_runs(serve):
            raise ServeError(
                f"{serve.api_url}: no server answers there; start it, or take serve.api_url away"
            )
        os.environ.update(environment(serve) | {"PREFECT_API_URL": serve.api_url})
        Path(serve.home).mkdir(parents=True, exist_ok=True)
        yield address(serve)
        return
    home = Path(serve.home)
    home.mkdir(parents=True, exist_ok=True)
    note = home / "server.pid"
    _stop_left_over(note, serve.stop_seconds)
    if server_runs(serve):
        raise ServeError(f"{address(serve)}: a server runs there already; stop it, or set another serve.port")
    os.environ.update(environment(serve) | {"PREFECT_API_URL": f"{address(serve)}/api"})
    command = [
        sys.executable,
        "-m",
        "prefect",
        "server",
        "start",
        "--host",
        serve.host,
        "--port",
        str(serve.port),
    ]
    with (home / "server.log").open("ab") as log:
        # A session of its own: Ctrl-C reaches this process only, which stops the server last.
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    note.write_text(str(process.pid), encoding="utf-8")
    try:
        deadline = time.monotonic() + STARTUP_SECONDS
        while not server_runs(serve):
            if process.poll() is not None or time.monotonic() > deadline:
                raise ServeError(f"the server did not start; its log is {home / 'server.log'}")
            time.sleep(0.2)
        yield address(serve)
    finally:
        _stop(process, serve.stop_seconds)
        note.unlink(missing_ok=True)


def _stop(process: subprocess.Popen[bytes], seconds: float) -> None:
    """End a process and what it started: asked first, then killed."""
    for number, patience in ((signal.SIGTERM, seconds), (signal.SIGKILL, None)):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            break
        try:
            process.wait(patience)
            break
        except subprocess.TimeoutExpired:
            continue


def _stop_left_over(note: Path, seconds: float) -> None:
    """End the server of a serving process that was killed and could not end it itself."""
    try:
        number = int(note.read_text("utf-8"))
        # The number may belong to another process by now.
        if b"prefect\0server\0start" not in Path(f"/proc/{number}/cmdline").read_bytes():
            return
        os.killpg(number, signal.SIGTERM)
        deadline = time.monotonic() + seconds
        while Path(f"/proc/{number}").exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        os.killpg(number, signal.SIGKILL)
    except (OSError, ValueError):
        return


def serve_deployments(settings: Settings, config: Path | None) -> None:
    """Register the deployments with their forms and schedules, and run what is due until stopped."""
    # Prefect reads its settings when it is imported; `server` has set them by now.
    from prefect.runner import Runner

    from flows.deployments import deployments
    from flows.notify import Watcher
    from flows.upkeep import end_lost_runs, kill_runs, miss_old_runs, watch_heartbeats

    class Serving(Runner):
        """Ends in the same way on SIGTERM and on Ctrl-C; Prefect's own handler leaves in the middle of its loop."""

        def handle_sigterm(self, *_: object) -> None:
            kill_runs(home)
            os.kill(os.getpid(), signal.SIGINT)

    home = os.environ["PREFECT_HOME"]
    # A shell that starts this in the background has SIGINT ignored, and the loop would never end.
    signal.signal(signal.SIGINT, signal.default_int_handler)

    watch_heartbeats(settings.serve)
    if not settings.serve.api_url:  # elsewhere others may serve too
        end_lost_runs("its process is gone; the next run goes on with what was finished")
    miss_old_runs(settings.serve)
    runner = Serving(pause_on_shutdown=False)
    for deployment in deployments(settings, config):
        runner.add_deployment(deployment)
    with ExitStack() as stack:
        if settings.notify.webhook or settings.notify.email_to:
            memory = Path(settings.serve.home) / "notified.json"
            stack.enter_context(Watcher(settings.notify, address(settings.serve), memory))
        try:
            asyncio.run(runner.start())
        finally:
            kill_runs(home)
            end_lost_runs("stopped with the server; the next run goes on with what was finished")
