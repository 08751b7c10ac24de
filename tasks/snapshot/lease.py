"""One run at a time on objects: a lock that its holder renews, and that others may take when it does not."""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from tasks.files import FilesError, ObjectFiles
from tasks.snapshot.errors import StoreBusyError
from tasks.snapshot.lock import about, busy

_NAME: Final = "lock"
_PAUSE: Final = 0.5


class Lease:
    """A lock object with owner and lease, taken and renewed by conditional puts.

    No two clocks are compared: whoever waits takes the lock over when the object has not changed,
    by its own clock, for the lease that the object names. A holder that was cut off for so long finds
    its lock lost, and behind that stands the conditional put of the manifest.
    """

    def __init__(self, files: ObjectFiles, seconds: float) -> None:
        self._files = files
        self._seconds = seconds
        self._tag: str | None = None
        self._renewed = 0.0
        self._content = b""
        self._end = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def held(self) -> bool:
        """Whether this object holds the lock, and has renewed it within the lease."""
        return self._tag is not None and time.monotonic() - self._renewed < self._seconds

    def confirmed(self) -> bool:
        """Whether the lock object is still the one that was put here."""
        found = self._files.read_tagged(_NAME) if self.held else None
        return found is not None and found[0].startswith(self._content[:-1])

    def acquire(self, owner: str, wait: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Take the lock, waiting up to `wait` seconds. Raises StoreBusyError naming the holder."""
        began = seen_at = clock()
        seen: str | None = None
        while True:
            content = about(owner, lease_seconds=self._seconds, token=secrets.token_hex(8))
            asked = time.monotonic()
            found = self._files.read_tagged(_NAME)
            tag = None
            if found is None:
                tag = self._files.create(_NAME, content)
            elif found[1] != seen:
                seen, seen_at = found[1], clock()
            elif clock() - seen_at >= self._lease_of(found[0]):
                tag = self._files.replace(_NAME, content, seen)
            if tag:
                self._hold(content, tag, asked)
                return
            if clock() - began >= wait:
                raise StoreBusyError(busy(self._files.address, found[0] if found else b"", wait))
            time.sleep(min(_PAUSE, self._seconds / 4))

    def _lease_of(self, content: bytes) -> float:
        try:
            return float(json.loads(content)["lease_seconds"])
        except (ValueError, KeyError, TypeError):
            return self._seconds

    def release(self) -> None:
        """Let the next one in, unless another has taken the lock already."""
        if self._thread is None:
            return
        self._end.set()
        self._thread.join()
        self._thread = None
        with suppress(FilesError):  # then it ends by itself
            found = self._files.read_tagged(_NAME)
            if found and found[1] == self._tag:
                self._files.remove([_NAME])
        self._tag = None

    def _hold(self, content: bytes, tag: str, since: float) -> None:
        self._content, self._tag, self._renewed = content, tag, since
        self._end.clear()
        self._thread = threading.Thread(target=self._renew, name="lease", daemon=True)
        self._thread.start()

    def _renew(self) -> None:
        beat = 1
        while self._tag is not None and not self._end.wait(self._seconds / 4):
            asked = time.monotonic()
            try:
                self._tag = self._files.replace(
                    _NAME, self._content[:-1] + f', "beat": {beat}}}'.encode(), self._tag
                )
            except FilesError:  # tried again with the next beat; meanwhile `held` ends by itself
                continue
            self._renewed = asked
            beat += 1
