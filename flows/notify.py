"""Tell people when a run failed, crashed, is late, or found its figures off: by webhook and by e-mail.

One watcher in the serving process looks at the runs of the server, so that also a run is told whose
whole process group died and one that never began. What was told is remembered over restarts.
"""

from __future__ import annotations

import json
import logging
import smtplib
import ssl
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from types import TracebackType

import httpx
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.sorting import FlowRunSort

from config.settings import NotifySettings

_LOG = logging.getLogger("qingyuan.notify")
_EVENTS = {
    "Failed": "failed",
    "Crashed": "crashed",
    "Late": "late",
    "Missed": "late",
    "Completed": "completed",
}
"""Names of states of a run, and what they are called in `notify.on`."""
_REMEMBERED = timedelta(days=2)
_MOST = 200


@dataclass(frozen=True)
class Notice:
    """What is told."""

    event: str
    """failed, crashed, late, warning or completed"""
    flow: str
    run: str
    """Name of the run."""
    message: str
    url: str
    """The run in the dashboard."""


def send(notice: Notice, settings: NotifySettings) -> list[str]:
    """Tell everyone the settings name; gives what went wrong, a sentence for each way that failed."""
    problems = []
    if settings.webhook:
        try:
            answer = httpx.post(settings.webhook, json=asdict(notice), timeout=settings.timeout_seconds)
            answer.raise_for_status()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            # Without the address: it often holds a token.
            problems.append(f"the webhook was not reached: {type(error).__name__}")
    if settings.email_to:
        try:
            _mail(notice, settings)
        except (OSError, smtplib.SMTPException) as error:
            problems.append(f"mail by {settings.smtp_host} was not sent: {type(error).__name__}")
    for problem in problems:
        _LOG.warning(problem)
    return problems


def _mail(notice: Notice, settings: NotifySettings) -> None:
    letter = EmailMessage()
    letter["Subject"] = f"[qingyuan] {notice.flow} {notice.event}: {notice.run}"
    letter["From"] = settings.email_from
    letter["To"] = ", ".join(settings.email_to)
    letter["Date"] = datetime.now(UTC)
    letter.set_content(f"{notice.message}\n\n{notice.url}\n")
    context = ssl.create_default_context()
    where = (settings.smtp_host, settings.smtp_port)
    if settings.smtp_security == "tls":
        connection: smtplib.SMTP = smtplib.SMTP_SSL(*where, timeout=settings.timeout_seconds, context=context)
    else:
        connection = smtplib.SMTP(*where, timeout=settings.timeout_seconds)
    with connection:
        if settings.smtp_security == "starttls":
            connection.starttls(context=context)
        if settings.smtp_user:
            connection.login(settings.smtp_user, settings.smtp_password)
        connection.send_message(letter)


class Watcher:
    """A thread that looks at the runs of the server every `notify.every_seconds` and tells what is to be told.

    `memory` is the file in which it remembers what it told.
    """

    def __init__(self, settings: NotifySettings, dashboard: str, memory: Path) -> None:
        self._settings = settings
        self._dashboard = dashboard
        self._memory = memory
        self._told: dict[str, str] = {}
        self._since = datetime.now(UTC)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="notify", daemon=True)

    def __enter__(self) -> Watcher:
        try:
            remembered = json.loads(self._memory.read_text("utf-8"))
            self._told = dict(remembered["told"])
            self._since = datetime.fromisoformat(remembered["since"])
        except (OSError, ValueError, KeyError, TypeError):
            pass  # the first start: what happened before is not told
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(self._settings.timeout_seconds)

    def _watch(self) -> None:
        while not self._stop.wait(self._settings.every_seconds):
            try:
                self.look()
            except Exception as error:  # noqa: BLE001 - the server may restart; the next look tries again
                _LOG.warning("runs could not be looked at: %s", type(error).__name__)

    def look(self) -> list[Notice]:
        """Tell about every run that reached a state worth telling since the last look; gives what was told."""
        told = []
        for run, flow, event, message in self._news():
            notice = Notice(
                event=event,
                flow=flow,
                run=run.name,
                message=message,
                url=f"{self._dashboard}/runs/flow-run/{run.id}",
            )
            self._told[f"{run.id} {event}"] = datetime.now(UTC).isoformat()
            if event in self._settings.on:
                send(notice, self._settings)
                told.append(notice)
        self._remember()
        return told

    def _news(self) -> Iterator[tuple[FlowRun, str, str, str]]:
        """(run, name of its flow, event, message) of what was not told yet, oldest first."""
        names = FlowRunFilter.model_validate({"state": {"name": {"any_": sorted(_EVENTS)}}})
        with get_client(sync_client=True) as client:
            runs = client.read_flow_runs(
                flow_run_filter=names, sort=FlowRunSort.EXPECTED_START_TIME_DESC, limit=_MOST
            )
            flows = {flow.id: flow.name for flow in client.read_flows()}
        for run in reversed(runs):
            state = run.state
            if state is None or state.timestamp < self._since:
                continue
            event = _EVENTS[state.name or ""]
            if f"{run.id} {event}" not in self._told:
                yield run, flows.get(run.flow_id, ""), event, state.message or state.name or ""

    def _remember(self) -> None:
        oldest = (datetime.now(UTC) - _REMEMBERED).isoformat()
        self._told = {key: at for key, at in self._told.items() if at > oldest}
        draft = self._memory.with_name(f".{self._memory.name}.tmp")
        since = max(self._since, datetime.now(UTC) - _REMEMBERED)
        draft.write_text(json.dumps({"since": since.isoformat(), "told": self._told}), encoding="utf-8")
        draft.replace(self._memory)
