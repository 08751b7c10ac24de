"""Rows to store: small, made up here, valid in every column."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.settings import StoreSettings
from tasks.snapshot.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store with small files, so that a few rows make several."""
    return Store(StoreSettings(path=str(tmp_path / "store"), lock_wait_seconds=0))
