"""Killed at any moment: nothing done is done again, nothing is lost, the archive stays readable."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tasks.fetch import FetchError, FetchReport
from tests.fetch.archive import addresses, records
from tests.fetch.server import Asked, Reply, Site, html

Fetch = Callable[..., FetchReport]
PAGES = 40


@pytest.fixture
def crawls(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """The processes that `run_fetch` starts."""
    started: list[subprocess.Popen[bytes]] = []
    real = subprocess.Popen

    def start(*args: Any, **options: Any) -> subprocess.Popen[bytes]:
        started.append(real(*args, **options))
        return started[-1]

    monkeypatch.setattr("tasks.fetch.run.subprocess.Popen", start)
    return started


def _list_page() -> Reply:
    return html("".join(f'<a href="/article/{number}">{number}</a>' for number in range(PAGES)))


@pytest.mark.parametrize("moment", [1, 25])
def test_killed_and_resumed(
    fetch_apart: Fetch, tmp_path: Path, crawls: list[subprocess.Popen[bytes]], moment: int
) -> None:
    served: list[str] = []

    def article(asked: Asked) -> Reply:
        served.append(asked.path)
        if len(served) == moment:
            crawls[0].kill()
        return html(f"{asked.path} 的正文。" * 30)

    with Site({"/list": _list_page(), **{f"/article/{number}": article for number in range(PAGES)}}) as site:
        run: dict[str, Any] = {"kind": "list", "source": {"include": ["/article/"]}}
        # Nothing is due again, so whatever is asked for twice was lost.
        run["sections"] = {
            "revisit": {"first": 9e5, "shortest": 9e5, "longest": 9e5},
            "politeness": {"per_host": 4},
        }
        with pytest.raises(FetchError, match="takes it up"):
            fetch_apart(site.base + "/list", **run)
        state = addresses(tmp_path)
        done = {url.removeprefix(site.base) for url, row in state.items() if row["status"] == "kept"}
        assert len(state) == PAGES + 1, "the links of the list were lost"
        assert list((tmp_path / "fetch" / "traffic" / "site").glob("*.open"))
        site.forget()

        report = fetch_apart(site.base + "/list", **run)
        assert report.resumed
        assert report.recovered
        assert sorted(site.paths()) == sorted({f"/article/{number}" for number in range(PAGES)} - done)

        everything = records(tmp_path)
        assert not list((tmp_path / "fetch").rglob("*.open"))
        bodies = {
            one["url"].removeprefix(site.base): one["body"].decode()
            for one in everything
            if one["type"] == "response"
        }
        assert set(bodies) == {f"/article/{number}" for number in range(PAGES)}
        assert all(f"{path} 的正文。" in body for path, body in bodies.items())
        places = {(one["file"], one["offset"]) for one in everything if one["type"] == "response"}
        state = addresses(tmp_path)
        assert {(row["warc"], row["place"]) for url, row in state.items() if "/article/" in url} <= places


def _let_go(crawl: subprocess.Popen[bytes]) -> None:
    crawl.stdin.close()


@pytest.mark.parametrize("end", [_let_go, subprocess.Popen.terminate], ids=["starter gone", "terminated"])
def test_a_crawl_that_is_told_to_stop_can_be_taken_up(
    fetch_apart: Fetch,
    tmp_path: Path,
    crawls: list[subprocess.Popen[bytes]],
    end: Callable[[subprocess.Popen[bytes]], None],
) -> None:
    def article(asked: Asked) -> Reply:
        if asked.path not in done:
            end(crawls[0])
        done.add(asked.path)
        return html(asked.path * 50)

    done: set[str] = set()

    with Site({"/list": _list_page(), **{f"/article/{number}": article for number in range(PAGES)}}) as site:
        run: dict[str, Any] = {"kind": "list", "source": {"include": ["/article/"]}}
        run["sections"] = {"politeness": {"per_host": 1, "delay": 0.02}}
        report = fetch_apart(site.base + "/list", **run)
        assert (report.stopped, report.finished) == ("stopped", False)
        asked = len(site.paths())
        assert asked < PAGES
        assert not list((tmp_path / "fetch").rglob("*.open"))
        crawls.clear()
        site.routes |= {f"/article/{number}": html(f"{number}" * 50) for number in range(PAGES)}
        again = fetch_apart(site.base + "/list", **run)
        assert again.resumed
        assert len(site.paths()) == PAGES + 1


def test_two_fetches_of_one_source_at_once(fetch_apart: Fetch, tmp_path: Path) -> None:
    refused: list[str] = []

    def page(asked: Asked) -> Reply:
        try:
            fetch_apart(site.base + "/page")
        except FetchError as error:
            refused.append(str(error))
        return html("x" * 50)

    with Site({"/page": page}) as site:
        fetch_apart(site.base + "/page", sections={"limits": {"timeout": 60}})
    assert refused == ["fetch source site: another fetch of it is under way"]


def test_a_full_disk_stops_the_run_and_loses_nothing(fetch: Fetch, tmp_path: Path) -> None:
    folder = tmp_path / "fetch" / "warc"
    folder.mkdir(parents=True)
    (folder / "site").write_text("a file where the folder should be")
    with Site({"/page": html("x" * 50)}) as site:
        with pytest.raises(FetchError, match=r"NotADirectoryError|FileExistsError"):
            fetch(site.base + "/page")
        (folder / "site").unlink()
        assert fetch(site.base + "/page").counts["new"] == 1
