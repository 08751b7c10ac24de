"""Notifications reach a webhook and a mail server; their failures are told without secrets."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_string
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from config.settings import NotifySettings

NOTICE = {
    "event": "crashed",
    "flow": "refresh",
    "run": "蓝-otter",
    "message": "no sign of life for 95 s",
    "url": "http://127.0.0.1:4200/runs/flow-run/1",
}


@contextmanager
def running(server: socketserver.BaseServer) -> Iterator[int]:
    """A server in a thread; gives its port."""
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


def webhook(got: list[Any], status: int = 204) -> ThreadingHTTPServer:
    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(status)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return ThreadingHTTPServer(("127.0.0.1", 0), Hook)


def mail_server(got: list[tuple[list[str], str]]) -> socketserver.ThreadingTCPServer:
    """As much of SMTP (RFC 5321) as a letter without encryption needs."""

    class Mail(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 test\r\n")
            to: list[str] = []
            while line := self.rfile.readline().decode():
                word = line[:4].upper()
                if word == "RCPT":
                    to.append(line.split("<")[1].split(">")[0])
                if word == "DATA":
                    self.wfile.write(b"354 go on\r\n")
                    lines = []
                    while (part := self.rfile.readline()) != b".\r\n":
                        lines.append(part.decode())
                    got.append((to, "".join(lines)))
                self.wfile.write(b"221 bye\r\n" if word == "QUIT" else b"250 ok\r\n")
                if word == "QUIT":
                    return

    return socketserver.ThreadingTCPServer(("127.0.0.1", 0), Mail)


def test_a_notice_reaches_webhook_and_mailbox(prefect_server: str) -> None:
    from flows.notify import Notice, send

    posted: list[Any] = []
    letters: list[tuple[list[str], str]] = []
    with running(webhook(posted)) as port, running(mail_server(letters)) as smtp:
        settings = NotifySettings(
            webhook=f"http://127.0.0.1:{port}/hook",
            email_to=["anna@example.org", "li@example.org"],
            smtp_port=smtp,
        )
        assert send(Notice(**NOTICE), settings) == []
    assert posted == [NOTICE]
    ((to, text),) = letters
    letter = message_from_string(text, policy=default)
    assert to == ["anna@example.org", "li@example.org"]
    assert letter["Subject"] == "[qingyuan] refresh crashed: 蓝-otter"
    assert "no sign of life for 95 s" in letter.get_content()
    assert NOTICE["url"] in letter.get_content()


def test_what_does_not_answer_is_told_without_its_secrets(prefect_server: str) -> None:
    from flows.notify import Notice, send

    with running(webhook([], 500)) as port:
        settings = NotifySettings(
            webhook=f"http://127.0.0.1:{port}/token-geheim",
            email_to=["anna@example.org"],
            smtp_port=1,
            timeout_seconds=2,
        )
        problems = send(Notice(**NOTICE), settings)
    assert len(problems) == 2
    assert "geheim" not in " ".join(problems)


def test_nothing_is_sent_without_an_address(prefect_server: str) -> None:
    from flows.notify import Notice, send

    assert send(Notice(**NOTICE), NotifySettings()) == []


def test_the_watcher_tells_each_state_once_and_remembers_over_restarts(
    prefect_server: str, tmp_path: Path
) -> None:
    from prefect import flow
    from prefect.states import Completed, Failed

    from flows.notify import Watcher

    @flow(name="told-flow")
    def told_flow(bad: bool) -> Any:
        return Failed(message="a sentence") if bad else Completed()

    posted: list[Any] = []
    with running(webhook(posted)) as port:
        settings = NotifySettings(webhook=f"http://127.0.0.1:{port}", every_seconds=3600)

        def watcher() -> Watcher:
            return Watcher(settings, "http://127.0.0.1:4200", tmp_path / "notified.json")

        with watcher() as first:
            told_flow(True, return_state=True)
            told_flow(False, return_state=True)
            (notice,) = first.look()
            assert (notice.event, notice.flow, notice.message) == ("failed", "told-flow", "a sentence")
            assert first.look() == []
        with watcher() as second:
            assert second.look() == []
            told_flow(True, return_state=True)
            assert len(second.look()) == 1
    assert [message["event"] for message in posted] == ["failed", "failed"]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"crash_seconds": 40, "heartbeat_seconds": 60}, "crash_seconds must be longer"),
        ({"refresh_cron": "every night"}, "no cron line of five fields"),
        ({"host": "0.0.0.0"}, "set a password"),
    ],
)
def test_impossible_settings_of_the_server_are_refused(values: dict[str, Any], words: str) -> None:
    from config.settings import ServeSettings

    with pytest.raises(ValueError, match=words):
        ServeSettings(**values)
