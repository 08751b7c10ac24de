"""Figures of a benchmark: printed as lines of JSON, and the memory of a process."""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path


def show(**figures: object) -> None:
    """One line of figures."""
    sys.stdout.write(json.dumps(figures, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def peak_mb() -> float:
    """Largest resident size of this process so far, MiB."""
    status = Path("/proc/self/status")
    if status.exists():
        # ru_maxrss begins with what the parent process held when it started this one.
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
