"""`qingyuan serve` with a password: what it refuses, how it stops, what a restart finds; the pins it needs."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
import urllib.error
from collections.abc import Iterator
from contextlib import closing
from importlib.metadata import version
from pathlib import Path

import pytest

from config.settings import Settings, SettingsError, Source
from tests.conftest import ROOT
from tests.flows.corpus_files import write_jsonl
from tests.flows.serving import Served

PATIENCE = 120
"""Seconds until a thing must have happened on a slow machine."""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A served store that wants a password and has no schedule."""
    write_jsonl(tmp_path / "large.jsonl", 1500)
    serve = {"password": "anna:geheim", "refresh_cron": "", "log": "json"}
    service = Served(tmp_path, {"sources": [{"name": "inbox", "paths": ["large.jsonl"]}], "serve": serve})
    yield service
    service.kill()


def test_strangers_are_refused_kills_are_mended_and_a_stop_leaves_work_resumable(served: Served) -> None:
    deployments = served.ready()
    assert {"refresh", "fetch", "reclean", "publish", "diff", "restore", "maintain"} <= set(deployments)
    settings = served.ask("/admin/settings")["server"]
    assert settings["analytics_enabled"] is False
    assert settings["ui"]["show_promotional_content"] is False
    assert settings["api"]["csrf_protection_enabled"] is True
    assert {"events", "flow_runs"} <= set(settings["services"]["db_vacuum"]["enabled"])
    password, served.password = served.password, ""
    for url in (f"{served.dashboard}/api/flow_runs/count", f"{served.reports}/", f"{served.reports}/v1"):
        with pytest.raises(urllib.error.HTTPError, match="401"):
            served.get(url)
    served.password = password
    assert b"There is no version yet" in served.get(f"{served.reports}/")
    for odd in ("v1", "v1/../../settings.yaml", "server.log"):
        with pytest.raises(urllib.error.HTTPError, match="404"):
            served.get(f"{served.reports}/{odd}")

    # Killed: its server is left over and is replaced, its run has no process any more.
    lost = served.begin(deployments["refresh"]["id"], {})
    served.until(lambda: served.engine(lost), PATIENCE)
    os.killpg(served.process.pid, signal.SIGKILL)
    served.process.wait()
    served.start()
    served.until(lambda: served.run(lost)["state_name"] == "Crashed", PATIENCE)
    assert "its process is gone" in served.run(lost)["state"]["message"]

    # Asked to stop: what is finished waits for the next run.
    run = served.begin(served.ready()["refresh"]["id"], {})
    served.until(lambda: served.engine(run), PATIENCE)
    served.until(lambda: list(served.store.glob("staging/plan-*/captures/*.parquet")), PATIENCE)
    began = time.monotonic()
    served.process.send_signal(signal.SIGTERM)
    served.process.wait(timeout=30)
    assert time.monotonic() - began < 15  # 10 s, and patience for a slow machine
    assert not served.engine(run)
    assert list(served.store.glob("staging/plan-*/captures/*.parquet"))
    with closing(sqlite3.connect(served.folder / "prefect/prefect.db")) as database:
        ended = database.execute("SELECT state_name FROM flow_run WHERE id = ?", (run,)).fetchone()
    assert ended == ("Crashed",)
    for line in (served.folder / "serve.log").read_text("utf-8").splitlines():
        assert line.startswith(("{", "dashboard: ", "stopped"))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"sources": ["nowhere"]}, "no source is named nowhere; known: inbox"),
        ({"profile": "klingon"}, "no profile `klingon`"),
    ],
)
def test_a_flow_refuses_what_a_form_would(
    values: dict[str, object], words: str, prefect_server: str, tmp_path: Path
) -> None:
    from flows.refresh import RefreshParameters, settings_for

    config = tmp_path / "settings.yaml"
    config.write_text("sources: [{name: inbox, paths: [in.jsonl]}]", encoding="utf-8")
    with pytest.raises(SettingsError, match=words):
        settings_for(RefreshParameters(config=str(config), **values))


def test_forms_offer_what_the_settings_name(prefect_server: str) -> None:
    from flows.deployments import deployments

    settings = Settings(sources=[Source(name="inbox", paths=["in.jsonl"])])
    offered = {deployment.name: deployment for deployment in deployments(settings, Path("nightly.yaml"))}
    schema = offered["refresh"]._parameter_openapi_schema
    fields = schema.definitions["RefreshParameters"]["properties"]
    assert fields["sources"]["items"]["enum"] == ["inbox"]
    assert {"zh-Hans", "zh-Hant", "none"} <= set(fields["profile"]["enum"])
    assert all(field["description"] for field in fields.values())
    assert list(fields)[-1] == "config"
    assert "null" not in str(schema)
    assert [str(d.schedules[0].schedule.cron) for d in offered.values() if d.schedules] == ["30 2 * * *"]
    assert all(
        deployment.parameters["parameters"]["config"] == "nightly.yaml" for deployment in offered.values()
    )


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
