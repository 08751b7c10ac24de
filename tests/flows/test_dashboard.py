"""The dashboard in a real browser: a run by hand with its report, a refused value, a schedule, crashes.

All tests share one `qingyuan serve`. With QINGYUAN_SCREENSHOTS=docs/images they renew the pictures.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tasks.snapshot import Store
from tests.conftest import ROOT
from tests.flows.corpus_files import write_jsonl
from tests.flows.serving import Served

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
if not CHROMIUM and not os.environ.get("CI"):
    pytest.skip("there is no chromium here (apt-get install chromium)", allow_module_level=True)
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright  # noqa: E402

pytestmark = [pytest.mark.xdist_group("dashboard"), pytest.mark.timeout(900)]
PATIENCE = 200
"""Seconds until a thing must have happened on a slow machine."""
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)
STORY = """<html><head><title>河边的老船坞重新开工</title></head><body><h1>河边的老船坞重新开工</h1>
<p>清晨的薄雾还没有散去，老船坞的木门就被推开了。师傅们把晒了一个夏天的杉木抬进棚里，量好尺寸，开始刨第一块船板。</p>
<p>“这门手艺停了十二年，现在又有人来学了。”船坞的主人说，今年春天来了四个年轻人，最小的才十九岁，他们要在这里住满三年。</p>
</body></html>"""


@pytest.fixture(scope="module")
def told() -> Iterator[list[dict[str, Any]]]:
    """What the webhook was told."""
    messages: list[dict[str, Any]] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            messages.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    messages.append({"address": f"http://127.0.0.1:{server.server_port}/"})
    yield messages
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, told: list[dict[str, Any]]) -> Iterator[Served]:
    """A served store with a refresh every minute."""
    folder = tmp_path_factory.mktemp("served")
    shutil.copytree(ROOT / "samples/captures", folder / "new")
    write_jsonl(folder / "inbox.jsonl", 3)
    write_jsonl(folder / "large.jsonl", 1500, seed=9)
    settings = {
        "sources": [
            {"name": "inbox", "paths": ["inbox.jsonl"]},
            {"name": "new-pages", "paths": ["new"]},
        ],
        "serve": {"refresh_cron": "* * * * *", "crash_seconds": 40, "heartbeat_seconds": 30},
        "notify": {"webhook": told[0]["address"], "every_seconds": 0.5},
    }
    service = Served(folder, settings)
    yield service
    service.kill()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE * 1000)
    with sync_playwright() as play:
        window = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        yield window
        window.close()


@pytest.fixture
def page(browser: Browser, served: Served) -> Iterator[Page]:
    """A page on the dashboard; fails when anything asked for an address outside of this machine."""
    context = browser.new_context(viewport={"width": 1360, "height": 900}, color_scheme="light")
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    context.set_default_timeout(PATIENCE * 1000)
    served.ready()
    sheet = context.new_page()
    yield sheet
    context.close()
    outside = [url for url in asked if not url.startswith(("http://127.0.0.1:", "data:", "blob:"))]
    assert asked
    assert not outside


def picture(page: Page, name: str, height: int = 0) -> None:
    """Renew a picture of the documentation, if asked to; `height` takes in more than the window."""
    if folder := os.environ.get("QINGYUAN_SCREENSHOTS"):
        page.wait_for_timeout(800)
        width = page.viewport_size["width"] if page.viewport_size else 0
        clip: Any = {"x": 0, "y": 0, "width": width, "height": height} if height else None
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=bool(height), clip=clip)


def open_form(page: Page, served: Served) -> None:
    """From the front door to the form of the refresh."""
    page.goto(served.dashboard)
    page.get_by_text("Deployments", exact=True).first.click()
    page.get_by_role("link", name="refresh", exact=True).first.click()
    page.get_by_role("button", name="Run", exact=True).click()
    page.get_by_text("Custom run").click()
    field(page, "Limit").wait_for()


def field(page: Page, name: str) -> Locator:
    """A field of the form with its label; labels stand beside their inputs, not on them."""
    return page.locator(".p-label", has=page.get_by_text(f"{name} (Optional)", exact=True)).last


def test_an_impossible_value_is_refused(page: Page, served: Served) -> None:
    open_form(page, served)
    before = {run["id"] for run in served.runs() if not run["auto_scheduled"]}
    sent: list[int] = []
    page.on(
        "response", lambda answer: sent.append(answer.status) if "create_flow_run" in answer.url else None
    )
    field(page, "Limit").locator("input").fill("-5")
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_text("-5 is less than the minimum of 0").first).to_be_visible()
    picture(page, "dashboard-refused")
    assert {run["id"] for run in served.runs() if not run["auto_scheduled"]} == before


def test_a_scheduled_run_appears_by_itself_and_produces_a_version(page: Page, served: Served) -> None:
    def done() -> dict[str, Any] | None:
        ended = [r for r in served.runs() if r["auto_scheduled"] and r["state_name"] == "Completed"]
        return ended[-1] if ended else None

    first = served.until(done, PATIENCE)
    store = Store.open(served.store)
    assert len(store.read("documents", columns=["collection"]).to_pylist()) >= 3
    assert "inbox" in store.read("documents", columns=["collection"]).column(0).to_pylist()
    page.goto(f"{served.dashboard}/runs/flow-run/{first['id']}")
    expect(page.get_by_text("auto-scheduled").first).to_be_visible()
    expect(page.get_by_text("Completed", exact=True).first).to_be_visible()
    # In peace from here on: while runs of every minute queue, a slow machine never comes to the others.
    served.ask(f"/deployments/{served.ready()['refresh']['id']}/pause_deployment", {})


def test_a_run_by_hand_leads_to_a_report_that_shows_the_new_document(page: Page, served: Served) -> None:
    (served.folder / "story.html").write_text(STORY, encoding="utf-8")
    open_form(page, served)
    expect(page.get_by_text("Configured sources to load; none chosen means all.")).to_be_visible()
    field(page, "Limit").locator("input").fill("50")
    field(page, "Paths").get_by_role("button", name="Add item").click()
    field(page, "Paths").locator("textarea, input").last.fill("story.html")
    page.get_by_text("Start", exact=True).click()
    picture(page, "dashboard-form")
    with page.expect_response(lambda answer: "create_flow_run" in answer.url) as created:
        page.get_by_role("button", name="Submit").click()
    assert created.value.status == 201
    run = created.value.json()
    assert run["parameters"]["parameters"]["paths"] == ["story.html"]
    assert run["parameters"]["parameters"]["limit"] == 50
    page.goto(f"{served.dashboard}/runs/flow-run/{run['id']}")
    expect(page.get_by_text("Completed", exact=True).first).to_be_visible()
    picture(page, "dashboard-run")
    page.get_by_text("Artifacts", exact=True).first.click()
    expect(page.get_by_text("What became of the captures of this run")).to_be_visible()
    page.get_by_text("version", exact=True).last.click()
    link = page.get_by_role("link", name="open the report")
    link.wait_for()
    picture(page, "dashboard-artifact")
    page.goto(str(link.get_attribute("href")))
    expect(page.get_by_text("河边的老船坞重新开工").first).to_be_visible()
    expect(page.get_by_text("师傅们把晒了一个夏天的杉木抬进棚里").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    picture(page, "report", 1900)
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    picture(page, "report-phone", 1700)


def test_a_killed_run_is_shown_as_crashed_and_told(
    page: Page, served: Served, told: list[dict[str, Any]]
) -> None:
    run = served.begin(served.ready()["refresh"]["id"], {"paths": ["large.jsonl"]})
    engine = served.until(lambda: served.engine(run), PATIENCE)
    served.until(lambda: served.run(run)["state_name"] == "Running", PATIENCE)
    os.kill(engine, signal.SIGKILL)
    page.goto(f"{served.dashboard}/runs/flow-run/{run}")
    expect(page.get_by_text("Crashed", exact=True).first).to_be_visible()
    name = served.run(run)["name"]
    served.until(lambda: any(m.get("run") == name and m["event"] == "crashed" for m in told), PATIENCE)


def test_when_the_whole_process_group_dies_its_run_is_shown_as_crashed(page: Page, served: Served) -> None:
    run = served.begin(served.ready()["reclean"]["id"], {"dry_run": True})
    served.until(lambda: served.engine(run), PATIENCE)
    served.until(lambda: served.run(run)["state_name"] == "Running", PATIENCE)
    os.killpg(served.process.pid, signal.SIGKILL)
    served.process.wait()
    page.goto(f"{served.dashboard}/runs/flow-run/{run}")
    expect(page.get_by_text("Crashed", exact=True).first).to_be_visible()
    assert "no sign of life" in served.run(run)["state"]["message"]
    picture(page, "dashboard-crashed")
