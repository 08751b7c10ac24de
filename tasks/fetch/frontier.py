"""The queue of a run: Scrapy's scheduler, fed from the state, fair between hosts, bounded in memory."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Final

from scrapy import Request
from scrapy.core.scheduler import BaseScheduler
from scrapy.crawler import Crawler

from tasks.fetch.state import State, Task
from tasks.fetch.urls import host_of

_REFILL: Final = 0.1
"""Share of the bound below which waiting addresses are read from the state again."""


def wake() -> Request:
    """A request that only makes Scrapy ask the frontier for the next one."""
    return Request("data:,wake")


@dataclass(slots=True)
class _Host:
    tasks: deque[Task] = field(default_factory=deque)
    under_way: int = 0
    paused: bool = False
    left: tuple[str, float] | None = None
    """Why the host is left alone for the rest of the run, and until when (Unix seconds), if it is."""
    in_turn: bool = False
    failures: int = 0


class Frontier(BaseScheduler):
    """What is to be fetched in this run.

    Hosts take turns, each with at most `per_host` requests under way, so a slow host holds up nobody.
    At most `bound` addresses are in memory; the rest waits in the state. Addresses whose host is
    paused or left stay in the state and are due again in a later run.
    """

    def __init__(self, crawler: Crawler) -> None:
        settings = crawler.settings["FETCH"]
        self._crawler = crawler
        self._state: State
        self._make: Callable[[Task], Request | None]
        self._everything: bool = crawler.settings["FETCH_OPTIONS"].ignore_cache
        self._per_host: int = settings.politeness.per_host
        self._host_failures: int = settings.politeness.host_failures
        self._bound: int = settings.limits.frontier
        self._pages_left: int = crawler.settings["FETCH_OPTIONS"].max_pages
        self._deadline = time.monotonic() + settings.limits.seconds
        self._hosts: dict[str, _Host] = {}
        self._turns: deque[str] = deque()
        self._pending: set[str] = set()
        self._timers: dict[asyncio.TimerHandle, None] = {}
        self._queued = 0
        self._more = True
        self.stopped = ""
        """Why no more is handed out, if so: limit, time, stopped, failed."""
        self.counts: Counter[str] = Counter()

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Frontier:
        """Scrapy's way of making it."""
        return cls(crawler)

    def open(self, spider: Any) -> None:
        """Begin: the spider has the state, and turns tasks into requests."""
        self._state = spider.state
        self._make = spider.request_for

    def close(self, reason: str) -> None:  # noqa: ARG002 - Scrapy's signature
        """End: what waits stays in the state."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def add(self, tasks: Iterable[Task]) -> None:
        """Queue addresses; those in the queue or under way are passed over, those without room wait in the state."""
        for task in tasks:
            if task.key in self._pending:
                continue
            if self._queued >= self._bound:
                self._more = True
                continue
            self._pending.add(task.key)
            self._push(task)

    def finished(self, task: Task) -> None:
        """The visit of an address is over, well or badly."""
        if task.key in self._pending:
            self._pending.discard(task.key)
            self._release(task)

    def retry(self, task: Task, wait: float, *, whole_host: bool) -> None:
        """Ask again after `wait` seconds; with `whole_host` nothing of the host is asked before."""
        host = self._release(task)
        if whole_host:
            host.paused = True
        self._queued += 1
        loop = asyncio.get_running_loop()
        again = replace(task, attempt=task.attempt + 1)

        def over() -> None:
            self._timers.pop(timer, None)
            self._queued -= 1
            host.paused = False
            self._push(again, first=True)
            self._crawler.engine.crawl(wake())

        timer = loop.call_later(wait, over)
        self._timers[timer] = None

    def leave_host(self, url: str, reason: str, until: float) -> None:
        """Ask this host nothing more in this run; its addresses are due again at `until` (Unix seconds)."""
        host = self._host(host_of(url))
        if host.left:
            return
        host.left = (reason, until)
        self._queued -= len(host.tasks)
        with self._state.transaction():
            for task in host.tasks:
                self._postpone(task, host)
        host.tasks.clear()

    def connected(self, url: str, well: bool, until: float = 0) -> None:
        """Count failures to connect, one after another; after too many the host is left until `until`."""
        host = self._host(host_of(url))
        host.failures = 0 if well else host.failures + 1
        if host.failures >= self._host_failures:
            self.leave_host(url, "the host does not answer", until)

    def left(self, url: str) -> tuple[str, float] | None:
        """Why the host of an address is left alone, and until when; None if it is not."""
        return self._host(host_of(url)).left

    def stop(self, reason: str) -> None:
        """Hand out nothing more; what is under way is finished."""
        self.stopped = self.stopped or reason
        for timer in self._timers:
            timer.cancel()
        self._queued -= len(self._timers)
        self._timers.clear()

    def waiting(self) -> int:
        """Addresses in memory that were not handed out."""
        return self._queued

    def has_pending_requests(self) -> bool:
        """Whether the run must go on: Scrapy closes the spider when this is false and nothing is under way."""
        if self.stopped:
            return False
        self._refill()
        return self._queued > 0

    def enqueue_request(self, request: Request) -> bool:  # noqa: ARG002 - Scrapy's signature
        """Scrapy's way in; here only the sign that a wait is over, since addresses come from the state."""
        return True

    def next_request(self) -> Request | None:
        """The next request that may be sent now, or None."""
        if not self.stopped and time.monotonic() > self._deadline:
            self.stop("time")
        while not self.stopped:
            self._refill()
            task = self._take()
            if task is None:
                return None
            request = self._make(task)
            if request is None:
                self.finished(task)
                continue
            if request.meta["counted"]:
                if self._pages_left <= 0:
                    self.finished(task)
                    self.stop("limit")
                    return None
                self._pages_left -= task.attempt == 0
            return request
        return None

    def _take(self) -> Task | None:
        while self._turns:
            name = self._turns.popleft()
            host = self._hosts[name]
            host.in_turn = False
            if host.paused or not host.tasks or host.under_way >= self._per_host:
                continue
            task = host.tasks.popleft()
            host.under_way += 1
            self._queued -= 1
            self._take_turn(name, host)
            return task
        return None

    def _push(self, task: Task, *, first: bool = False) -> None:
        name = host_of(task.url)
        host = self._host(name)
        if host.left:
            self._postpone(task, host)
            return
        if first:
            host.tasks.appendleft(task)
        else:
            host.tasks.append(task)
        self._queued += 1
        self._take_turn(name, host)

    def _postpone(self, task: Task, host: _Host) -> None:
        reason, until = host.left or ("", 0.0)
        self._state.postpone(task.key, until, reason)
        self._pending.discard(task.key)
        self.counts["postponed"] += 1

    def _release(self, task: Task) -> _Host:
        name = host_of(task.url)
        host = self._host(name)
        host.under_way -= 1
        self._take_turn(name, host)
        return host

    def _take_turn(self, name: str, host: _Host) -> None:
        if host.tasks and not host.in_turn and not host.paused and host.under_way < self._per_host:
            host.in_turn = True
            self._turns.append(name)

    def _host(self, name: str) -> _Host:
        host = self._hosts.get(name)
        if host is None:
            host = self._hosts[name] = _Host()
        return host

    def _refill(self) -> None:
        """Read waiting addresses from the state when there is room for many."""
        if not self._more or self._queued > self._bound * _REFILL:
            return
        busy = len(self._pending)
        found = self._state.waiting(time.time(), self._bound + busy, everything=self._everything)
        self._more = len(found) == self._bound + busy
        before = len(self._pending)
        self.add(found)
        # Nothing but addresses of hosts that are left: reading them again would change nothing.
        self._more = self._more and len(self._pending) > before
