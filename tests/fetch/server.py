"""A small real HTTP server for the tests: a site given as a table of routes, and a log of what was asked."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any


@dataclass(frozen=True)
class Asked:
    """A request as the server saw it."""

    at: float
    """Monotonic time, seconds."""
    path: str
    headers: Mapping[str, str]
    """Names in lower case."""


@dataclass
class Reply:
    """An answer: `body`, or `parts` that are sent one by one for as long as the client reads."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    parts: Callable[[], Iterator[bytes]] | None = None
    raw: bytes | None = None
    """Sent as it is instead of everything else."""


Route = Reply | Callable[[Asked], Reply]


def html(text: str, **headers: str) -> Reply:
    """A page in UTF-8."""
    named = {"Content-Type": "text/html; charset=utf-8"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    return Reply(f"<html><head><title>页</title></head><body>{text}</body></html>".encode(), headers=named)


def tagged(reply: Reply, etag: str) -> Callable[[Asked], Reply]:
    """The same answer with an ETag, and 304 for whoever has it."""

    def answer(asked: Asked) -> Reply:
        if asked.headers.get("if-none-match") == etag:
            return Reply(status=304, headers={"ETag": etag})
        return Reply(reply.body, reply.status, {**reply.headers, "ETag": etag})

    return answer


class Site:
    """The server; a context manager. `routes` may be changed while it runs."""

    def __init__(
        self, routes: Mapping[str, Route] | None = None, *, host: str = "127.0.0.1", tls: Path | None = None
    ) -> None:
        self.routes: dict[str, Route] = dict(routes or {})
        self.log: list[Asked] = []
        self.sent = 0
        """Bytes of bodies the clients took."""
        self._host = host
        self._tls = tls
        self._stopping = threading.Event()

    def __enter__(self) -> Site:
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                site.answer(self)

            def log_message(self, *_: Any) -> None:
                """Nothing on standard error."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, *_: Any) -> None:
                """A client that goes away is no error here."""

        self._server = Server((self._host, 0), Handler)
        if self._tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self._tls)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        scheme = "https" if self._tls else "http"
        self.base = f"{scheme}://{self._host}:{self._server.server_port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._stopping.set()
        self._server.shutdown()
        self._server.server_close()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer one request by the routes; unknown paths get 404."""
        headers = {name.lower(): value for name, value in handler.headers.items()}
        asked = Asked(time.monotonic(), handler.path, headers)
        self.log.append(asked)
        route = self.routes.get(handler.path) or self.routes.get(handler.path.partition("?")[0])
        reply = (
            route(asked)
            if callable(route)
            else route or Reply(b"nothing here", 404, {"Content-Type": "text/plain"})
        )
        if reply.raw is not None:
            handler.wfile.write(reply.raw)
            handler.close_connection = True
            return
        handler.send_response(reply.status)
        for name, value in reply.headers.items():
            handler.send_header(name, value)
        if reply.parts is None:
            if reply.status != 304:
                handler.send_header("Content-Length", str(len(reply.body)))
            handler.end_headers()
            handler.wfile.write(reply.body)
            self.sent += len(reply.body)
            return
        handler.send_header("Connection", "close")
        handler.close_connection = True
        handler.end_headers()
        for part in reply.parts():
            if self._stopping.is_set():
                return
            handler.wfile.write(part)
            self.sent += len(part)

    def asked(self, path: str | None = None) -> list[Asked]:
        """The requests for a path, or all."""
        return [one for one in self.log if path is None or one.path == path]

    def paths(self) -> list[str]:
        """Paths in the order they were asked for, without robots.txt."""
        return [one.path for one in self.log if one.path != "/robots.txt"]

    def forget(self) -> None:
        """Empty the log."""
        self.log.clear()
        self.sent = 0
