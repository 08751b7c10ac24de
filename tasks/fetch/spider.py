"""The spider: turns addresses into requests, and answers into records, states and further addresses."""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urljoin

import scrapy
from scrapy import Request
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    IgnoreRequest,
    ResponseDataLossError,
)
from scrapy.http import Response

from config.settings import FetchSettings, FetchSource
from tasks.fetch import commoncrawl
from tasks.fetch.discover import page_rules
from tasks.fetch.find import Finder, Kind, page_of
from tasks.fetch.frontier import Frontier
from tasks.fetch.guard import Refused
from tasks.fetch.report import FetchOptions, FetchReport
from tasks.fetch.revisit import failure_wait, next_wait, retry_after, retry_wait
from tasks.fetch.robots import RobotsError
from tasks.fetch.state import Address, State, Status, Task
from tasks.fetch.urls import Scope, clean_url, page_key
from tasks.fetch.warc import NOT_MODIFIED, SAME_PAYLOAD, Exchange, Original, WarcSeries, Written

_REDIRECTS: Final = (301, 302, 303, 307, 308)
_PASSING: Final = (408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524)
_NO_CONNECTION: Final = (DownloadTimeoutError, CannotResolveHostError, DownloadConnectionRefusedError)
_MAY_PASS: Final = (*_NO_CONNECTION, DownloadFailedError, ResponseDataLossError)
_PLANNED: Final = 10_000


class FetchSpider(scrapy.Spider):
    """Visits the addresses of one source."""

    name = "fetch"

    def __init__(
        self,
        source: FetchSource,
        settings: FetchSettings,
        options: FetchOptions,
        state: State,
        pages: WarcSeries,
        traffic: WarcSeries,
        report: FetchReport,
    ) -> None:
        super().__init__()
        self._source, self._fetch, self._options = source, settings, options
        self.state, self._pages, self._traffic, self.report = state, pages, traffic, report
        self._scope = Scope.of(source)
        self._room = settings.limits.addresses - state.count()
        self._finder = Finder(source, settings)

    @property
    def frontier(self) -> Frontier:
        """The queue of this run."""
        assert self.crawler.engine is not None
        frontier = self.crawler.engine.scheduler
        assert isinstance(frontier, Frontier)
        return frontier

    def archive(self, exchange: Exchange) -> None:
        """Keep an exchange that is no visit of an address: robots.txt."""
        self._traffic.exchange(exchange)

    async def start(self) -> AsyncIterator[Any]:
        """Nothing: the requests come from the frontier."""
        for nothing in list[Request]():
            yield nothing

    def request_for(self, task: Task) -> Request | None:
        """The request for an address; None if it is not to be sent."""
        kind = Kind(task.kind)
        now = time.time()
        if kind in (Kind.PAGE, Kind.SITE) and not self._scope.allows(task.url):
            self.state.postpone(task.key, now + self._fetch.revisit.longest, "outside the source")
            return None
        if self._options.dry_run and kind.kept:
            self._plan(task)
            if kind is not Kind.SITE or task.depth:
                return None
        headers = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.5"}
        headers["Accept-Language"] = self._fetch.languages
        url, meta = (
            task.url,
            {"task": task, "counted": kind.kept, "pages_only": kind in (Kind.PAGE, Kind.SITE)},
        )
        if task.record_date and not self._options.ignore_cache:
            headers |= {"If-None-Match": task.etag} if task.etag else {}
            headers |= {"If-Modified-Since": task.last_modified} if task.last_modified else {}
        if kind.of_common_crawl:
            # An interface for programs: its rules are its terms of use, not robots.txt.
            meta["dont_obey_robotstxt"] = True
        if kind is Kind.CC_RECORD:
            url, place = commoncrawl.range_of(task.url)
            headers["Range"] = f"bytes={place[0]}-{place[1]}"
        return Request(
            url, headers=headers, meta=meta, callback=self.received, errback=self.failed, dont_filter=True
        )

    def _plan(self, task: Task) -> None:
        self.report.counts["planned"] += 1
        if len(self.report.planned) < _PLANNED:
            self.report.planned.append(page_of(task))
        self.state.postpone(task.key, time.time() + self._fetch.revisit.longest, "dry run")
        if self.report.counts["planned"] >= self._options.max_pages:
            self.frontier.stop("limit")

    # Answers

    def received(self, response: Response) -> None:
        """Handle an answer, whatever its status."""
        task: Task = response.meta["task"]
        exchange: Exchange = response.meta["exchange"]
        self.report.counts["requests"] += 1
        self.report.counts["bytes"] += len(exchange.body)
        self.frontier.connected(task.url, well=True)
        try:
            self._answered(task, exchange, response)
        except Refused as error:
            self._refuse(task, str(error), exchange)
        except (OSError, sqlite3.Error, MemoryError):
            raise  # the archive or the state cannot be written: the run must end
        except Exception as error:
            # One strange answer never stops a run.
            self.logger.exception("answer of %s", task.url)
            self._fail(task, f"not understood: {type(error).__name__}", exchange)

    def _answered(self, task: Task, exchange: Exchange, response: Response) -> None:
        status = response.status
        kind = Kind(task.kind)
        if kind is Kind.CC_RECORD:
            if status == 206:
                self._common_crawl(task, exchange)
                return
        elif status == 200:
            self._page(task, exchange, response)
            return
        elif status == 304 and task.record_date:
            self._unchanged(task, exchange, NOT_MODIFIED)
            return
        elif status in _REDIRECTS and "Location" in response.headers and not kind.of_common_crawl:
            self._redirected(task, exchange, _header(response, "Location") or "")
            return
        if status in (404, 410) and not kind.of_common_crawl:
            self._gone(task, exchange)
        elif status in _PASSING:
            self._busy(task, exchange, response)
        else:
            self._fail(task, f"HTTP {status}", exchange)

    def _page(self, task: Task, exchange: Exchange, response: Response) -> None:
        kind = Kind(task.kind)
        rules: frozenset[str] = frozenset()
        if kind in (Kind.PAGE, Kind.SITE, Kind.LIST):
            tags = [value.decode("latin-1") for value in response.headers.getlist("X-Robots-Tag")]
            rules = page_rules(tags, response.body, self._fetch.agent)
        digest = hashlib.sha256(response.body).hexdigest()
        if task.record_date and digest == task.digest and not self._options.ignore_cache:
            self._unchanged(task, exchange, SAME_PAYLOAD)
            return
        found = list(self._finder.addresses(task, response, rules))
        politeness = self._fetch.politeness
        barred = (politeness.noarchive and "noarchive" in rules, politeness.noindex and "noindex" in rules)
        if kind.kept and any(barred):
            self._refuse(task, "noarchive" if barred[0] else "noindex", None, found=found)
            return
        written = self._series(task).exchange(exchange)
        self._done(
            task,
            Status.KEPT,
            http=200,
            changed=True,
            written=written,
            found=found,
            outcome="changed" if task.changes else "new" if kind.kept else "indexes",
            more={
                "etag": _validator(response, "ETag"),
                "last_modified": _validator(response, "Last-Modified"),
                "digest": digest,
                "payload_digest": written.payload_digest,
                "record_id": written.record_id,
                "record_date": written.date,
            },
        )

    def _series(self, task: Task) -> WarcSeries:
        """The files an answer belongs to: those for the corpus, or those for everything else."""
        kind = Kind(task.kind)
        return (
            self._pages
            if kind.kept and (kind is not Kind.SITE or self._scope.keeps(task.url))
            else self._traffic
        )

    def _unchanged(self, task: Task, exchange: Exchange, profile: str) -> None:
        original = Original(task.url, task.record_date or "", task.record_id, task.payload_digest)
        written = self._series(task).exchange(exchange, revisit=(profile, original))
        self._done(
            task, Status.KEPT, http=exchange.status, changed=False, written=written, outcome="unchanged"
        )

    def _redirected(self, task: Task, exchange: Exchange, location: str) -> None:
        target = clean_url(urljoin(task.url, location), self._fetch.limits.url_length)
        if target is None:
            raise Refused("redirect to what is not fetched")
        if page_key(target) == task.key:
            self._fail(task, "redirects to itself", exchange)
        elif task.hops + 1 > self._fetch.limits.redirects:
            self._fail(task, "too many redirects", exchange)
        elif not self._scope.allows(target):
            raise Refused("redirect out of the source")
        else:
            written = self._traffic.exchange(exchange)
            self._done(
                task,
                Status.REDIRECT,
                http=exchange.status,
                reason=target,
                changed=task.status not in (Status.REDIRECT, Status.NEW),
                written=written,
                found=[Address(target, task.kind, task.depth, task.hops + 1)],
                outcome="redirected",
            )

    def _gone(self, task: Task, exchange: Exchange) -> None:
        """The page is not there: the record says so, and the state keeps since when."""
        outcome = "gone" if task.changes else "missing"
        written = self._traffic.exchange(exchange)
        if Kind(task.kind).kept:
            note = [("outcome", outcome), ("http-status", str(exchange.status)), ("reason", exchange.reason)]
            written = self._pages.note(task.url, exchange.date, note)
        first = task.status != Status.GONE
        self._done(task, Status.GONE, http=exchange.status, changed=first, written=written, outcome=outcome)

    def _busy(self, task: Task, exchange: Exchange, response: Response) -> None:
        """The server asks to come later, or has a fault that may pass."""
        polite = self._fetch.politeness
        self._traffic.exchange(exchange)
        asked = retry_after(_header(response, "Retry-After"), datetime.now(UTC)) or 0.0
        if asked > polite.max_backoff:
            self._leave_host(task, f"HTTP {response.status}: asks for a later visit", asked)
        elif task.attempt < polite.retries:
            self.report.counts["retried"] += 1
            wait = max(asked, retry_wait(task.attempt, task.key, polite))
            self.frontier.retry(task, wait, whole_host=response.status in (429, 503))
        else:
            self._fail(task, f"HTTP {response.status}", None)

    def _common_crawl(self, task: Task, exchange: Exchange) -> None:
        page = page_of(task)
        file, offset = self._pages.member(commoncrawl.record_member(exchange.body, page, self._fetch))
        written = Written(file, offset, "", "", "")
        self._done(
            task, Status.KEPT, http=206, changed=True, written=written, outcome="new", never_again=True
        )

    # Ends of a visit

    def failed(self, failure: Any) -> None:
        """Handle a request without a usable answer."""
        error, request = failure.value, failure.request
        task: Task = request.meta["task"]
        exchange: Exchange | None = request.meta.get("exchange")
        self.report.counts["requests"] += (
            0 if isinstance(error, Refused | RobotsError) and not exchange else 1
        )
        reason = str(error).split("\n")[0][:200] or type(error).__name__
        if isinstance(error, Refused):
            self._refuse(task, reason, exchange)
        elif isinstance(error, RobotsError):
            self._leave_host(
                task, "robots.txt cannot be had", failure_wait(task.failures, self._fetch.revisit)
            )
        elif isinstance(error, IgnoreRequest):
            self._refuse(task, "body too large when decompressed", exchange)
        elif isinstance(error, _MAY_PASS):
            self._no_answer(task, error, reason)
        else:
            self._fail(task, f"{type(error).__name__}: {reason}", exchange)

    def _no_answer(self, task: Task, error: Exception, reason: str) -> None:
        wait = failure_wait(task.failures, self._fetch.revisit)
        self.frontier.connected(task.url, not isinstance(error, _NO_CONNECTION), time.time() + wait)
        if left := self.frontier.left(task.url):
            self._postpone(task, left[1], left[0])
        elif task.attempt < self._fetch.politeness.retries:
            self.report.counts["retried"] += 1
            self.frontier.retry(
                task, retry_wait(task.attempt, task.key, self._fetch.politeness), whole_host=False
            )
        else:
            self._fail(task, reason, None)

    def _leave_host(self, task: Task, reason: str, wait: float) -> None:
        until = time.time() + wait
        self.frontier.leave_host(task.url, reason, until)
        self._postpone(task, until, reason)

    def _postpone(self, task: Task, until: float, reason: str) -> None:
        self.state.postpone(task.key, until, reason)
        self.frontier.counts["postponed"] += 1
        self.frontier.finished(task)

    def _refuse(
        self, task: Task, reason: str, exchange: Exchange | None, found: Iterable[Address] = ()
    ) -> None:
        """Not fetched, or not kept, by rule: the archive says which."""
        if exchange:
            self._traffic.exchange(exchange)
        note = [("outcome", "refused"), ("reason", reason)]
        written = self._pages.note(page_of(task), datetime.now(UTC), note) if Kind(task.kind).kept else None
        self.report.refused[reason] += 1
        http = exchange.status if exchange else None
        self._done(
            task,
            Status.REFUSED,
            http=http,
            reason=reason,
            changed=False,
            written=written,
            found=found,
            outcome="refused",
        )

    def _fail(self, task: Task, reason: str, exchange: Exchange | None) -> None:
        """No use in this run; a later one tries again, less and less often."""
        if exchange:
            self._traffic.exchange(exchange)
        self.report.failed[reason] += 1
        self.report.counts["failed"] += 1
        now = time.time()
        wait = failure_wait(task.failures, self._fetch.revisit)
        values = {
            "status": Status.FAILED,
            "http": exchange.status if exchange else None,
            "reason": reason,
            "checked": now,
        }
        with self.state.transaction():
            self.state.visited(task.key, {**values, "failures": task.failures + 1, "due": now + wait})
        self.frontier.finished(task)

    def _done(
        self,
        task: Task,
        status: Status,
        *,
        http: int | None,
        changed: bool,
        outcome: str,
        reason: str | None = None,
        written: Written | None = None,
        found: Iterable[Address] = (),
        more: dict[str, Any] | None = None,
        never_again: bool = False,
    ) -> None:
        """A visit is over: note it and what was found in one transaction, after the archive has it."""
        now = time.time()
        wait = next_wait(task.wait, changed=changed, settings=self._fetch.revisit)
        if http == 410:
            wait = self._fetch.revisit.longest
        values: dict[str, Any] = {
            "status": status,
            "http": http,
            "reason": reason,
            "checked": now,
            "failures": 0,
        }
        values |= {"wait": wait, "due": None if never_again else now + wait, **(more or {})}
        if changed:
            values["changed"] = now
            if status is Status.KEPT:
                values["changes"] = task.changes + 1
        if written:
            values |= {"warc": written.file, "place": written.offset}
        with self.state.transaction():
            self.state.visited(task.key, values)
            new, dropped = self.state.remember(found, now, room=self._room)
        fresh = sum(other.status == Status.NEW for other in new)
        self._room -= fresh
        counts = self.report.counts
        counts[outcome] += 1
        counts["found"] += fresh
        counts["dropped"] += dropped
        self.frontier.finished(task)
        self.frontier.add(new)


def _header(response: Response, name: str) -> str | None:
    value = response.headers.get(name)
    return value.decode("latin-1")[:8000] if value else None


def _validator(response: Response, name: str) -> str | None:
    """A header that can be sent back as it came."""
    value = _header(response, name)
    return value if value and len(value) <= 1000 and value.isascii() and value.isprintable() else None
