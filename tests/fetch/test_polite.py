"""Delays, crawl-delay, robots.txt that cannot be had, hosts that ask to be left alone."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

from tasks.fetch import FetchReport
from tests.fetch.archive import addresses
from tests.fetch.server import Reply, Site, html

Fetch = Callable[..., FetchReport]


def _gaps(site: Site) -> list[float]:
    return [b.at - a.at for a, b in itertools.pairwise(site.log)]


def test_crawl_delay_and_one_at_a_time(fetch: Fetch) -> None:
    robots = Reply(b"User-agent: Qingyuan\nCrawl-delay: 0.4\n")
    with Site({"/robots.txt": robots, **{f"/{number}": html(str(number)) for number in range(4)}}) as site:
        fetch(
            *(f"{site.base}/{number}" for number in range(4)),
            sections={"politeness": {"autothrottle": True, "per_host": 4}},
        )
        assert len(site.log) == 5
        assert min(_gaps(site)) >= 0.38, "also AutoThrottle must not go below it"


def test_hosts_without_rules_or_in_trouble(fetch: Fetch, tmp_path: Path) -> None:
    """No robots.txt allows all, one that cannot be had allows nothing, a redirected one counts."""
    with (
        Site({"/page": html("x"), "/robots.txt": Reply(status=503)}) as down,
        Site({"/page": html("y")}) as free,
        Site() as moved,
    ):
        moved.routes = {
            "/robots.txt": Reply(status=301, headers={"Location": "/rules"}),
            "/rules": Reply(b"User-agent: *\nDisallow: /page\n"),
            "/page": html("z"),
            "/other": html("z"),
        }
        urls = [
            down.base + "/page",
            down.base + "/page2",
            free.base + "/page",
            moved.base + "/page",
            moved.base + "/other",
        ]
        # Rules are per host and port, hosts are left per name: the other two answer before the first gives up.
        report = fetch(
            *urls,
            sections={
                "politeness": {"retries": 1, "backoff": 1},
                "revisit": {"shortest": 600, "longest": 600},
            },
        )
        assert set(down.paths()) == set()
        assert len(down.asked("/robots.txt")) == 2
        assert free.paths() == ["/page"]
        assert moved.paths() == ["/rules", "/other"]
        assert report.counts["postponed"] == 2
        state = addresses(tmp_path)
        assert state[down.base + "/page"]["reason"] == "robots.txt cannot be had"
        assert state[down.base + "/page"]["due"] > state[down.base + "/page"]["seen"] + 500
        assert report.refused == {"robots.txt": 1}


def test_a_server_that_asks_for_long_is_left_alone(fetch: Fetch, tmp_path: Path) -> None:
    busy = Reply(b"later", 429, {"Retry-After": "3600"})
    with Site({f"/{number}": busy for number in range(9)}) as site:
        report = fetch(
            *(f"{site.base}/{number}" for number in range(9)), sections={"politeness": {"per_host": 1}}
        )
        assert len(site.paths()) == 1
        assert report.counts["postponed"] == 9
        assert report.finished
        due = [row["due"] - row["seen"] for row in addresses(tmp_path).values()]
        assert min(due) > 3500


def test_a_host_that_does_not_answer_is_left_alone(fetch: Fetch, tmp_path: Path) -> None:
    with Site() as site:
        closed = site.base
    sections = {"politeness": {"per_host": 1, "host_failures": 3, "retries": 0, "robots": False}}
    report = fetch(*(f"{closed}/{number}" for number in range(9)), sections=sections)
    assert report.counts["requests"] == 3
    assert report.counts["postponed"] + report.counts["failed"] == 9


def test_time_of_a_run_is_bounded(fetch: Fetch) -> None:
    with Site({f"/{number}": html(str(number)) for number in range(50)}) as site:
        urls = [f"{site.base}/{number}" for number in range(50)]
        report = fetch(
            *urls, sections={"limits": {"seconds": 0.5}, "politeness": {"delay": 0.1, "per_host": 1}}
        )
        assert report.stopped == "time"
        assert len(site.paths()) < 20


def test_a_slow_host_holds_up_nobody(fetch: Fetch) -> None:
    rules = Reply(b"User-agent: *\nCrawl-delay: 0.5\n")
    slow = Site({"/robots.txt": rules, **{f"/{n}": html(f"{n}") for n in range(4)}})
    with slow, Site({f"/{n}": html(f"{n}") for n in range(40)}) as quick:
        urls = [f"{slow.base}/{n}" for n in range(4)]
        urls += [f"{quick.base.replace('127.0.0.1', 'localhost')}/{n}" for n in range(40)]
        fetch(*urls, sections={"politeness": {"total": 4, "per_host": 2}})
        assert len(slow.paths()) == 4
        assert len(quick.paths()) == 40
        assert max(one.at for one in quick.log) < slow.log[-1].at


def test_pages_wait_for_each_other(fetch: Fetch) -> None:
    with Site({f"/{n}": html(f"{n}") for n in range(4)}) as site:
        fetch(*(f"{site.base}/{n}" for n in range(4)), sections={"politeness": {"delay": 0.3, "per_host": 4}})
        assert min(_gaps(site)) >= 0.28
