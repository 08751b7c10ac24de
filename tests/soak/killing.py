"""Kill a process, or let it fail, at a chosen file operation inside a folder, again and again.

Python reports file operations to audit hooks before it does them; the child that carries the
work out kills itself there with SIGKILL. Children are forked from a process that has imported
everything and started no thread.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from tasks.snapshot.errors import StoreError

_OPERATIONS = {
    "open",
    "os.rename",
    "os.link",
    "os.mkdir",
    "os.remove",
    "os.rmdir",
    "os.chmod",
    "os.truncate",
    "shutil.rmtree",
    "shutil.copyfile",
}

HIT = 3


def forked(work: Callable[[], None]) -> int:
    """Run `work` in a forked child; its exit status as `os.waitstatus_to_exitcode` gives it."""
    child = os.fork()
    if child == 0:
        try:
            work()
            os._exit(0)
        except BaseException:  # noqa: BLE001 - the child must end here, whatever happened
            sys.excepthook(*sys.exc_info())
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def hit_at(instant: int, folder: Path, work: Callable[[], None], *, fail: bool = False) -> bool:
    """Run `work` in a child that dies before its operation number `instant` below `folder`.

    With `fail` the operation fails (no space left) instead. False if the work ended before.
    """
    count = 0

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal count
        if event in _OPERATIONS and arguments and str(arguments[0]).startswith(str(folder)):
            count += 1
            if count == instant + 1:
                if fail:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.kill(os.getpid(), signal.SIGKILL)

    def watched() -> None:
        sys.addaudithook(hook)
        try:
            work()
        except (OSError, StoreError):
            os._exit(HIT)
        if count > instant:
            os._exit(HIT)

    status = forked(watched)
    if status not in (0, HIT, -signal.SIGKILL):
        raise RuntimeError(f"the work ended with {status} at instant {instant}")
    return status != 0
