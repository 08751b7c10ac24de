"""Settings and one way to fetch, shared by the tests."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from config.settings import FetchKind, FetchSettings, FetchSource
from tasks.fetch import FetchReport, run_fetch
from tasks.fetch.crawl import carry_out

_LOCAL: dict[str, dict[str, Any]] = {
    "politeness": {"delay": 0, "autothrottle": False, "per_host": 8, "backoff": 0.05, "max_backoff": 5},
    "limits": {"timeout": 10, "body_bytes": 1 << 20},
    "revisit": {"first": 0, "shortest": 0, "longest": 0},
    "safety": {"allow_networks": ["127.0.0.1/32"]},
}


def local_settings(**sections: dict[str, Any]) -> FetchSettings:
    """Settings for a local server, everything due at once; sections may be overridden."""
    merged = {name: {**_LOCAL.get(name, {}), **sections.get(name, {})} for name in _LOCAL | sections}
    return FetchSettings(contact="mailto:owner@example.org", **merged)


def _carry_out_here(order: str, report: Path, progress: Callable[[FetchReport], None] | None) -> int:
    """In place of the process: the same order, carried out in this one, which saves its start."""
    code = carry_out(json.loads(order))
    logging.captureWarnings(False)
    if progress:
        progress(FetchReport.read(report))
    return code


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Crawl in this process."""
    monkeypatch.setattr("tasks.fetch.run._supervise", _carry_out_here)


@pytest.fixture
def fetch_apart(tmp_path: Path) -> Callable[..., FetchReport]:
    """Fetch one source named `site` into the store at tmp_path, the real way: in a process of its own."""

    def run(
        *urls: str,
        kind: FetchKind = FetchKind.URLS,
        source: dict[str, Any] | None = None,
        sections: dict[str, dict[str, Any]] | None = None,
        **options: Any,
    ) -> FetchReport:
        made = FetchSource(name="site", kind=kind, urls=list(urls), **(source or {}))
        return run_fetch(made, local_settings(**(sections or {})), tmp_path, **options)

    return run


@pytest.fixture
def fetch(here: None, fetch_apart: Callable[..., FetchReport]) -> Callable[..., FetchReport]:
    """As `fetch_apart`, but in this process."""
    return fetch_apart
