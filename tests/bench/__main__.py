"""All benchmarks, one after the other: `make bench`. Each prints its figures and what they are beside.

Peers (trafilatura, C++ OpenCC) run in environments of their own below build/, since they clash with
the pinned packages; without an index to install them from, the benchmarks run without peers.
"""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

BUILD = Path(__file__).parents[2] / "build"
PEERS = {
    "html": [
        *("trafilatura", "readability-lxml", "resiliparse", "justext", "gne"),
        "magic-html; python_version >= '3.12'",
    ],
    "opencc": ["OpenCC"],
}


def environment(name: str) -> Path | None:
    """The interpreter of a peers' environment, made if needed; None where it cannot be made."""
    folder = BUILD / "peers" / name
    python = folder / "bin" / "python"
    ready = folder / ".installed"
    if not ready.exists():
        venv.create(folder, clear=True)
        uv = Path(sys.executable).with_name("uv")  # older pips fail over the extras of these packages
        install = [str(uv), "pip", "install", "--quiet", "--python", str(python), *PEERS[name]]
        if subprocess.run(install, check=False).returncode:
            sys.stderr.write(f"peers {name} cannot be installed here: measuring without them\n")
            return None
        ready.touch()
    return python


def main() -> int:
    """Run every benchmark; the exit code is 1 if a gate failed."""
    html, opencc = environment("html"), environment("opencc")
    benches: list[tuple[str, list[str], dict[str, str]]] = [
        ("repair", [], {}),
        ("peers_repair", ["--peers", str(html)] if html else [], {}),
        ("text_chain", [], {}),
        ("html", ["--peers", str(html)] if html else [], {}),
        ("convert", [], {"OPENCC_PYTHON": str(opencc)} if opencc else {}),
        ("dedupe", [], {}),
        ("dedupe_history", [], {}),
        ("snapshot", ["0.1", "0.1", "100"], {}),
        ("collect", ["0.2"], {}),
        ("fetch", [], {}),
        # A million captures take hours: python -m tests.bench.scale --night
        ("scale", ["10000", "100000", "--history", "0", "100000"], {}),
        ("peer", ["datatrove"], {}),
        ("peer", ["data-juicer"], {}),
    ]
    chosen = set(sys.argv[1:])
    failed = []
    for name, arguments, extra in benches:
        if chosen and name not in chosen:
            continue
        sys.stdout.write(f"\n== {name}\n")
        sys.stdout.flush()
        command = [sys.executable, "-m", f"tests.bench.{name}", *arguments]
        if subprocess.run(command, check=False, env=os.environ | extra).returncode:
            failed.append(name)
    if failed:
        sys.stdout.write(f"\nfailed: {', '.join(failed)}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
