"""Prefect, set up the way this product needs it; call `prepare` before anything imports prefect."""

from __future__ import annotations

import os
import urllib.error
import urllib.request
from pathlib import Path

from config.settings import ServeSettings
from flows.temporary import start_server


def _reachable(host: str) -> str:
    return "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - compared, not bound


def address(serve: ServeSettings) -> str:
    """Base address of the server these settings describe, which is that of its dashboard."""
    if serve.api_url:
        return serve.api_url.rstrip("/").removesuffix("/api")
    return f"http://{_reachable(serve.host)}:{serve.port}"


def reports_address(serve: ServeSettings) -> str:
    """Base address of the reports of versions: /v7 is the report of version 7."""
    return serve.reports_url.rstrip("/") or f"http://{_reachable(serve.host)}:{serve.reports_port}"


def server_runs(serve: ServeSettings) -> bool:
    """Whether a server answers at the configured address."""
    try:
        with urllib.request.urlopen(f"{address(serve)}/api/health", timeout=2) as answer:  # noqa: S310 - http only
            return bool(answer.status == 200)
    except urllib.error.HTTPError:
        return True  # it answers, but wants a password
    except OSError:
        return False


def environment(serve: ServeSettings) -> dict[str, str]:
    """Prefect's settings as environment variables, for this process and the ones it starts.

    No analytics, no outside request, results and data never in its database; the reasons for each
    are in docs/decisions.md.
    """
    values = {
        "PREFECT_HOME": str(Path(serve.home).resolve()),
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        "PREFECT_SERVER_UI_V2_ENABLED": "false",
        "PREFECT_SERVER_CSRF_PROTECTION_ENABLED": "true",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
        "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
        "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": str(serve.keep_days * 86_400),
        "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": str(serve.heartbeat_seconds),
        "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "false",
    }
    if serve.database:
        values["PREFECT_SERVER_DATABASE_CONNECTION_URL"] = serve.database
    if serve.log == "json":
        values["PREFECT_LOGGING_HANDLERS_CONSOLE_FORMATTER"] = "json"
    if serve.password:
        values["PREFECT_SERVER_API_AUTH_STRING"] = serve.password
        values["PREFECT_API_AUTH_STRING"] = serve.password
    return values


def prepare(serve: ServeSettings, *, quiet: bool) -> None:
    """Set Prefect up in this process.

    A running server at the configured address is used, so that the run shows in its dashboard;
    otherwise a temporary one over the same database is started. `quiet` keeps Prefect's own
    lines off the terminal (they still reach the dashboard).
    """
    values = environment(serve)
    Path(values["PREFECT_HOME"]).mkdir(
        parents=True, exist_ok=True
    )  # Prefect itself makes the last folder only
    if server_runs(serve):
        values["PREFECT_API_URL"] = f"{address(serve)}/api"
    elif "PREFECT_API_URL" not in os.environ:
        values["PREFECT_API_URL"] = start_server(values)
    if quiet:
        values["PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL"] = "ERROR"
    for name, value in values.items():
        os.environ.setdefault(name, value)
