"""Reports of versions over HTTP, for links in the dashboard: browsers refuse file: links from a web page.

Read-only; serves `report.html` of the published versions and the list of them, nothing else.
"""

from __future__ import annotations

import base64
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from config.settings import Settings
from tasks.snapshot import Store
from tasks.snapshot.report import page_of, versions_html

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
_STARTUP_SECONDS = 10


def application(settings: Settings) -> Starlette:
    """The pages: `/` lists the versions, `/v7` is the report of version 7. With a password it is asked for."""
    store = Store(settings.store)
    wanted = base64.b64encode(settings.serve.password.encode()).decode()

    def refused(request: Request) -> Response | None:
        given = request.headers.get("authorization", "").removeprefix("Basic ")
        if not settings.serve.password or secrets.compare_digest(given.encode(), wanted.encode()):
            return None
        challenge = {"WWW-Authenticate": 'Basic realm="qingyuan", charset="UTF-8"'}
        return PlainTextResponse("a password is needed", 401, challenge)

    def listing(request: Request) -> Response:
        return refused(request) or HTMLResponse(versions_html(store, settings.report), headers=_HEADERS)

    def report(request: Request) -> Response:
        if answer := refused(request):
            return answer
        version = request.path_params["version"]
        if version not in store.versions():
            return PlainTextResponse("there is no such version", 404)
        try:
            content = store.home.read(page_of(version))
        except FileNotFoundError:
            return PlainTextResponse("this version has no report yet; the next run writes it", 404)
        return HTMLResponse(content, headers=_HEADERS)

    return Starlette(routes=[Route("/", listing), Route("/v{version:int}", report)])


@contextmanager
def reports_served(settings: Settings) -> Iterator[None]:
    """Serve the reports at `serve.host`:`serve.reports_port` meanwhile. Raises ServeError where the port is taken."""
    serve = settings.serve
    config = uvicorn.Config(
        application(settings), host=serve.host, port=serve.reports_port, log_level="warning", access_log=False
    )
    try:
        listening = socket.create_server((serve.host, serve.reports_port))
    except OSError as error:
        where = f"{serve.host}:{serve.reports_port}"
        raise OSError(
            f"{where}: reports cannot be served there ({error.strerror}); set serve.reports_port"
        ) from error
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, name="reports", daemon=True)
    thread.start()
    try:
        deadline = time.monotonic() + _STARTUP_SECONDS
        while not server.started and thread.is_alive() and time.monotonic() < deadline:
            time.sleep(0.02)
        yield
    finally:
        server.should_exit = True
        thread.join(_STARTUP_SECONDS)
        listening.close()
