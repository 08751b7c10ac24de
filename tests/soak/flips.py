"""Parquet files that are truncated or have a bit flipped: found, named, refused, and never made worse."""

from __future__ import annotations

import random
from pathlib import Path

from tasks.snapshot.errors import StoreError
from tasks.snapshot.store import Store
from tasks.snapshot.verify import verify
from tests.soak import kills


def flips(folder: Path, times: int, seed: int) -> list[str]:
    """Damage files of the last version at random places, one at a time; what went wrong.

    Each time `verify` must find it, reading must give rows or an error of ours, no run may carry the damage
    on, and with the file mended all versions must be sound and the next run converge. (Page headers have no
    checksum in Parquet: a bit flipped there can change what is read, which only `verify` tells.)
    """
    draw = random.Random(seed)
    wrong = []
    for number in range(times):
        store = Store.open(folder / str(number))
        kills.first(store)
        files = sorted(path for path in (store.path / "tables").glob("*/*.parquet"))
        victim = draw.choice(files)
        content = victim.read_bytes()
        place = draw.randrange(len(content))
        flipped = content[:place] + bytes([content[place] ^ 1 << draw.randrange(8)]) + content[place + 1 :]
        victim.chmod(0o644)
        victim.write_bytes(content[:place] if draw.random() < 0.3 else flipped)
        said = f"{victim.parent.name} at {place} of {len(content)}"
        if verify(store, 1).ok:
            wrong.append(f"{said}: not found")
        for act in (lambda store=store: store.read("documents"), lambda store=store: kills.second(store)):
            try:
                act()
            except StoreError:
                pass
            except Exception as error:  # noqa: BLE001 - anything else is a finding
                wrong.append(f"{said}: it ended with {type(error).__name__}: {str(error)[:120]}")
        victim.write_bytes(content)
        if not verify(store, 1).ok:
            wrong.append(f"{said}: v1 is not as it was")
        kills.second(store)
        latest = store.latest()
        assert latest is not None
        problems = verify(store, latest.version).problems
        if latest.version != 2 or problems:
            wrong.append(f"{said}: v{latest.version} {problems}")
    return wrong


def clocks(folder: Path, commits: int, seed: int) -> list[str]:
    """Commits under a clock that jumps back and forth by years; what went wrong."""
    import time
    from datetime import UTC, datetime, timedelta, tzinfo
    from unittest import mock

    draw = random.Random(seed)
    store = Store.open(folder / "clocks")
    now_ns = time.time_ns
    wrong = []
    for number in range(commits):
        shift = timedelta(days=draw.randrange(-20_000, 3_000))

        class Jumping(datetime):
            @classmethod
            def now(cls, tz: tzinfo | None = None) -> datetime:
                return datetime.now(UTC) + shift  # noqa: B023 - used in this round only

        def jumped() -> int:
            return now_ns() + int(shift.total_seconds()) * 10**9  # noqa: B023 - used in this round only

        with mock.patch("tasks.snapshot.store.datetime", Jumping), mock.patch("time.time_ns", jumped):
            kills.fill(store, f"run-{number}", [f"n{number}"])
    if store.versions() != list(range(1, commits + 1)):
        wrong.append(f"versions are {store.versions()}")
    for version in store.versions():
        wrong += verify(store, version).problems
        if store.read("documents", version=version).num_rows != version:
            wrong.append(f"v{version} has other documents than {version}")
    return wrong
