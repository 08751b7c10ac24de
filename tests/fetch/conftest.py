"""Settings and one way to fetch, shared by the tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from config.settings import FetchKind, FetchSettings, FetchSource
from tasks.fetch import FetchReport, run_fetch

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


@pytest.fixture
def fetch(tmp_path: Path) -> Callable[..., FetchReport]:
    """Fetch one source named `site` into the store at tmp_path."""

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
