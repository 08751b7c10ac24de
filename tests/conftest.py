"""Fixtures shared by all tests."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tasks.provenance import stale_modules
from tests.s3 import environment, make_bucket, s3_server

ROOT = Path(__file__).parent.parent


# The suite tries the same examples each time, so that it says the same of the same code; the long
# campaign (`make soak`) looks for new ones.
settings.register_profile("suite", derandomize=True, deadline=None)
settings.register_profile("soak", max_examples=1000)
settings.load_profile("suite")


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


@pytest.fixture(scope="session")
def s3_address() -> Iterator[str]:
    """Address of a real S3 server of this session."""
    with s3_server() as address:
        yield address


@pytest.fixture
def bucket(s3_address: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """`s3://` address of a new bucket; the environment of the test names server and keys."""
    for name, value in environment(s3_address).items():
        monkeypatch.setenv(name, value)
    name = f"bucket-{secrets.token_hex(6)}"
    make_bucket(name)
    return f"s3://{name}"
