"""Disks that are full or read-only: the run ends with an error, the last version stays as it was."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tasks.snapshot.errors import StoreError
from tasks.snapshot.store import Store
from tasks.snapshot.verify import verify
from tests.snapshot.rows import capture, commit, document, fill

_NOISE = [os.urandom(30_000).hex() for _ in range(60)]


def large(store: Store, run: str) -> None:
    """A run of two megabytes."""
    names = [f"{run}-{i}" for i in range(len(_NOISE))]
    with store.exclusive(run, 0):
        store.recover()
        commit(store, run, [document(n, t) for n, t in zip(names, _NOISE, strict=True)], map(capture, names))


def full(folder: Path) -> list[str]:
    """Fill a small file system (needs the right to mount) up to all degrees; what went wrong."""
    place = folder / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(place)],
        check=False,
        capture_output=True,
        text=True,
    )
    if mounted.returncode:
        return [f"skipped, a small file system cannot be mounted: {mounted.stderr.strip()}"]
    wrong = []
    try:
        store = Store.open(place / "store")
        fill(store, "first", "ab")
        for spare in range(0, 4_000_000, 100_000):
            ballast = place / "ballast"
            free = shutil.disk_usage(place).free
            ballast.write_bytes(b"\0" * max(0, free - spare))
            failed = False
            run = f"run-{spare}"
            before = store.versions()
            try:
                large(store, run)
            except (OSError, StoreError):
                failed = True
            except Exception as error:  # noqa: BLE001 - anything else is a finding
                wrong.append(f"{spare} bytes free: {type(error).__name__}: {error}")
                failed = True
            ballast.unlink()
            latest = store.versions()[-1]
            if failed and latest > before[-1] + 1:
                wrong.append(f"{spare} bytes free: more than one version appeared")
            wrong += [f"{spare} bytes free: {p}" for p in verify(store, latest).problems]
            with store.exclusive("after", 0):
                store.recover()
            if not failed:
                return wrong
        wrong.append("never had room enough")
    finally:
        subprocess.run(["umount", str(place)], check=False)
    return wrong


def read_only(folder: Path) -> list[str]:
    """A store that must not be written: readable, and a run is told so; what went wrong."""
    place, copy = folder / "writable", folder / "read-only"
    store = Store.open(place / "store")
    fill(store, "first", "ab")
    copy.mkdir()
    bound = subprocess.run(
        f"mount --bind {place} {copy} && mount -o remount,ro,bind {copy}",
        shell=True,
        check=False,
        capture_output=True,
        text=True,
    )
    if bound.returncode:
        return [f"skipped, a folder cannot be mounted read-only: {bound.stderr.strip()}"]
    try:
        frozen = Store.open(copy / "store")
        wrong = list(verify(frozen, 1).problems)
        try:
            large(frozen, "second")
            wrong.append("a run could write")
        except StoreError as error:
            sys.stdout.write(f"  {error}\n")
        if frozen.versions() != [1]:
            wrong.append(f"versions are {frozen.versions()}")
    finally:
        subprocess.run(["umount", str(copy)], check=False)
    return wrong
