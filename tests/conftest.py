"""Fixtures shared by all tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.provenance import stale_modules

ROOT = Path(__file__).parent.parent


def pytest_configure() -> None:
    """Refuse to test compiled modules that are not those of the sources."""
    if stale := stale_modules(ROOT / "tasks"):
        pytest.exit(f"edited after it was compiled: {', '.join(map(str, stale))}; run `make compile`", 2)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The evaluation material beside the checkout; tests that need it are extra and skip without it."""
    folder = ROOT.parent / "shared"
    if not (folder / "seeds").is_dir():
        pytest.skip(f"evaluation material not found: {folder} (seeds, pages, damage)")
    return folder
