"""The Spark snippet of docs/reading.md over a real version, in an environment of its own."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

from tasks.snapshot.store import Store
from tests.snapshot.rows import fill

ROOT = Path(__file__).parents[2]
PACKAGE = "pyspark>=4,<5"
"""480 MB, and more than a minute to install: too much for the tests of every change."""


def reading(folder: Path) -> list[str]:
    """Run the snippet; what went wrong. Without Java it is passed over with a word."""
    if shutil.which("java") is None:
        sys.stdout.write("  skipped: Spark needs Java (on Debian: apt-get install default-jre-headless)\n")
        return []
    page = (ROOT / "docs/reading.md").read_text(encoding="utf-8")
    (snippet,) = (
        found for found in re.findall(r"^```python\n(.*?)^```", page, re.M | re.S) if "pyspark" in found
    )
    environment = ROOT / "build" / "spark"
    python = environment / "bin" / "python"
    if not python.exists():
        venv.create(environment, clear=True)
        uv = Path(sys.executable).with_name("uv")
        subprocess.run([uv, "pip", "install", "--quiet", "--python", python, PACKAGE], check=True)
    fill(Store.open(folder / "data"), "r1", "abc")
    done = subprocess.run([python, "-c", snippet], cwd=folder, capture_output=True, text=True, check=False)
    right = done.returncode == 0 and "news.example|    3|" in done.stdout and done.stdout.endswith("3\n")
    return [] if right else [f"it printed {done.stdout!r} and ended with {done.stderr[-300:]!r}"]
