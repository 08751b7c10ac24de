"""One run at a time: an exclusive lock on the store that the kernel releases when its holder dies."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Protocol

from tasks.snapshot.errors import StoreBusyError, StoreError

_PAUSE: Final = 0.05


class Exclusive(Protocol):
    """What lets one run at a time write to a store."""

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""

    def confirmed(self) -> bool:
        """The same, asked of the store itself: before a step that must not be taken twice."""

    def acquire(self, owner: str, wait: float) -> None:
        """Take the lock, waiting up to `wait` seconds. Raises StoreBusyError naming the holder."""

    def release(self) -> None:
        """Let the next one in."""


class Lock:
    """An flock on a file that also tells who holds it.

    A child process that was forked while the lock was held does not keep it alive: it closes its
    copy of the handle at once.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None
        os.register_at_fork(after_in_child=self._forget)

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""
        return self._handle is not None

    def confirmed(self) -> bool:
        """Whether this object holds the lock: the kernel takes it from nobody."""
        return self.held

    def acquire(self, owner: str, wait: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Take the lock, waiting up to `wait` seconds. Raises StoreBusyError naming the holder."""
        deadline = clock() + wait
        try:
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise StoreError(
                f"{self._path}: cannot be written ({error.strerror}); check the rights of the store"
            ) from error
        try:
            while not self._try(handle):
                if clock() >= deadline:
                    raise StoreBusyError(self._explain(wait))
                time.sleep(_PAUSE)
            os.ftruncate(handle, 0)
            os.pwrite(handle, about(owner), 0)
        except BaseException:
            os.close(handle)
            raise
        self._handle = handle

    def release(self) -> None:
        """Let the next one in."""
        if self._handle is not None:
            os.ftruncate(self._handle, 0)
            os.close(self._handle)
            self._handle = None

    @staticmethod
    def _try(handle: int) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EAGAIN, errno.EACCES):
                return False
            raise
        return True

    def _explain(self, waited: float) -> str:
        try:
            content = self._path.read_bytes()
        except OSError:
            content = b""
        return busy(str(self._path.parent), content, waited)

    def _forget(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def about(owner: str, **more: str | float) -> bytes:
    """Who holds the lock, for whoever finds it taken: JSON."""
    who = {
        "owner": owner,
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    return json.dumps(who | more).encode()


def busy(store: str, content: bytes, waited: float) -> str:
    """The sentence for a run that found the lock taken; `content` is what `about` gave its holder."""
    try:
        who = json.loads(content)
        holder = f"{who['owner']} (process {who['pid']} on {who['host']}, since {who['since']})"
    except (ValueError, KeyError, TypeError):
        holder = "another run"
    return (
        f"{store}: the store is in use by {holder}; waited {waited:g} s. "
        "Wait for it to end, or raise store.lock_wait_seconds."
    )
