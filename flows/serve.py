"""Server, dashboard and schedules as one process group that starts and stops together."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import cast

from config.settings import Settings
from flows.orchestration import address, environment, server_runs

STARTUP_SECONDS = 120
"""The first start builds the database, which takes its time on a slow disk."""


class ServeError(Exception):
    """Server or schedules could not be started; the message says what to do."""


@contextmanager
def server(settings: Settings) -> Iterator[str]:
    """A running Prefect server with its dashboard; gives its address and stops it at the end.

    Its log is `server.log` in the folder `serve.home`. Raises ServeError when it does not come up.
    """
    serve = settings.serve
    if server_runs(serve):
        raise ServeError(f"{address(serve)}: a server runs there already; stop it, or set another serve.port")
    home = Path(serve.home)
    home.mkdir(parents=True, exist_ok=True)
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
    try:
        deadline = time.monotonic() + STARTUP_SECONDS
        while not server_runs(serve):
            if process.poll() is not None or time.monotonic() > deadline:
                raise ServeError(f"the server did not start; its log is {home / 'server.log'}")
            time.sleep(0.2)
        yield address(serve)
    finally:
        _stop(process, serve.stop_seconds)


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


def serve_deployments(settings: Settings, config: Path | None) -> None:
    """Register the deployments with their forms and schedules, and run what is due until stopped."""
    # Prefect reads its settings when it is imported; `server` has set them by now.
    from prefect import serve as serve_flows
    from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
    from prefect.deployments.runner import RunnerDeployment
    from prefect.schedules import Cron

    from flows.fetch import FetchParameters, fetch
    from flows.reclean import RecleanParameters, reclean
    from flows.refresh import RefreshParameters, refresh

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    schedule = settings.serve.refresh_cron
    # The store has a lock of its own; the limit keeps waiting runs visible as such in the dashboard.
    one_at_a_time = ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.ENQUEUE)
    where = str(config or "")
    nightly = refresh.to_deployment(
        name="refresh",
        description="Load new captures, deduplicate, clean and convert them, publish the next version.",
        parameters={"parameters": RefreshParameters(config=where).model_dump()},
        schedules=[Cron(schedule, timezone=settings.serve.time_zone)] if schedule else [],
        concurrency_limit=one_at_a_time,
    )
    by_hand = fetch.to_deployment(
        name="fetch",
        description="Fetch new and changed pages of the configured sources into WARC files.",
        parameters={"parameters": FetchParameters(config=where).model_dump()},
        concurrency_limit=one_at_a_time,
    )
    again = reclean.to_deployment(
        name="reclean",
        description="Clean all stored captures again with the present rules, as a new version.",
        parameters={"parameters": RecleanParameters(config=where).model_dump()},
        concurrency_limit=one_at_a_time,
    )
    deployments = [cast(RunnerDeployment, deployment) for deployment in (nightly, by_hand, again)]
    serve_flows(*deployments, pause_on_shutdown=False, print_starting_message=False)
