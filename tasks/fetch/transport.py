"""How Scrapy downloads here: aiohttp with a guarded socket, bounded answers, raw headers for the archive."""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import aiohttp
import yarl
from scrapy import Request
from scrapy.core.downloader.handlers.base import BaseDownloadHandler
from scrapy.crawler import Crawler
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    ResponseDataLossError,
    UnsupportedURLSchemeError,
)
from scrapy.http import Headers, Response
from scrapy.responsetypes import responsetypes

from config.settings import FetchSettings
from tasks.fetch.guard import Guard, Refused, RefusedAddress
from tasks.fetch.warc import Exchange

_HEADER_LINES: Final = 128
_HEADER_BYTES: Final = 16 << 10


class _Response(aiohttp.ClientResponse):
    """Keeps the address of the peer, which aiohttp forgets when a short body came with the headers."""

    peer: str | None = None

    async def start(self, connection: Any) -> aiohttp.ClientResponse:
        name = connection.transport.get_extra_info("peername") if connection.transport else None
        self.peer = str(name[0]) if name else None
        return await super().start(connection)


class Transport(BaseDownloadHandler):
    """Scrapy's download handler for http and https.

    Sets `request.meta["exchange"]` to what went over the wire. Raises Refused for what is against a
    rule, and Scrapy's download errors for what may succeed another time.
    """

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        settings: FetchSettings = crawler.settings["FETCH"]
        self._limits = settings.limits
        self._accepted = frozenset(settings.limits.content_types)
        self._proxy = settings.safety.proxy
        guard = Guard(settings.safety.allow_networks)
        self._guard = guard
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0,
                # Behind a proxy all connections go to the proxy, which the configuration names.
                socket_factory=None if self._proxy else guard.socket,
                ssl=_tls(settings.safety.verify_tls, settings.safety.ca_file),
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            response_class=_Response,
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
            timeout=aiohttp.ClientTimeout(total=settings.limits.timeout),
            max_line_size=_HEADER_BYTES,
            max_field_size=_HEADER_BYTES,
            max_headers=_HEADER_LINES,
        )

    async def download_request(self, request: Request) -> Response:
        """Send one request and read the answer within the limits."""
        url = yarl.URL(request.url, encoded=True)
        if self._proxy:
            self._check_name(url.host or "")
        headers = [
            (name.decode("latin-1"), value.decode("latin-1")) for name, value in _pairs(request.headers)
        ]
        begun, moment = time.monotonic(), datetime.now(UTC)
        try:
            async with self._session.get(
                url, headers=headers, allow_redirects=False, proxy=self._proxy
            ) as answer:
                request.meta["download_latency"] = time.monotonic() - begun
                body = await self._body(answer, request.meta)
                sent = [("Host", url.raw_authority), *headers]
                version = answer.version or aiohttp.HttpVersion11
                request.meta["exchange"] = exchange = Exchange(
                    url=request.url,
                    date=moment,
                    target=url.raw_path_qs,
                    request_headers=sent,
                    version=f"HTTP/{version.major}.{version.minor}",
                    status=answer.status,
                    reason=(answer.reason or "").encode("utf-8", "surrogateescape").decode("latin-1"),
                    headers=[
                        (name.decode("latin-1"), value.decode("latin-1"))
                        for name, value in answer.raw_headers
                    ],
                    body=body,
                    address=getattr(answer, "peer", None),
                )
        except aiohttp.ClientError as error:
            raise _translated(error) from error
        except TimeoutError as error:
            raise DownloadTimeoutError(f"no complete answer in {self._limits.timeout:g} s") from error
        except ValueError as error:  # a header or an address that cannot be sent or parsed
            raise Refused(f"not a usable exchange: {error}") from error
        received = Headers(answer.raw_headers)
        kind = responsetypes.from_args(headers=received, url=request.url, body=body)
        return kind(
            url=request.url, status=exchange.status, headers=received, body=body, protocol=exchange.version
        )

    async def close(self) -> None:
        """Close the connections that are kept open."""
        await self._session.close()

    async def _body(self, answer: aiohttp.ClientResponse, meta: Mapping[str, Any]) -> bytes:
        longest = self._limits.body_bytes
        stated = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if meta.get("pages_only") and answer.status == 200 and stated and stated not in self._accepted:
            answer.close()
            raise Refused(f"content type {stated[:80]}")
        if (answer.content_length or 0) > longest:
            answer.close()
            raise Refused("body too large")
        body = bytearray()
        async for chunk in answer.content.iter_any():
            body += chunk
            if len(body) > longest:
                answer.close()
                raise Refused("body too large")
        return bytes(body)

    def _check_name(self, host: str) -> None:
        """Behind a proxy the names are resolved there; what says openly that it is inside is refused here."""
        literal = host.strip("[]")
        inside = literal == "localhost" or literal.endswith((".localhost", ".local", ".internal"))
        is_address = ":" in literal or literal.replace(".", "").isdigit()
        if inside or (is_address and not self._guard.permits(literal)):
            raise RefusedAddress("private address")


def _tls(verify: bool, ca_file: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=None)
    if ca_file:
        context.load_verify_locations(cafile=ca_file)
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _pairs(headers: Headers) -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, values in headers.items() for value in values]


def _translated(error: aiohttp.ClientError) -> Exception:
    """Scrapy's name for an error of aiohttp."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientConnectorSSLError):
        return Refused(f"TLS: {str(error)[-160:]}")
    if isinstance(error, aiohttp.ClientConnectorError):
        if isinstance(error.os_error, RefusedAddress):
            return error.os_error
        if isinstance(error, aiohttp.ClientConnectorDNSError):
            return CannotResolveHostError("the host name cannot be resolved")
        return DownloadConnectionRefusedError(f"no connection: {error.os_error.strerror or 'refused'}")
    if isinstance(error, aiohttp.InvalidURL | aiohttp.NonHttpUrlClientError):
        return UnsupportedURLSchemeError(str(error))
    if isinstance(error, aiohttp.ClientPayloadError):
        return ResponseDataLossError("the body is cut")
    return DownloadFailedError(f"{type(error).__name__}: {str(error)[:160]}")
