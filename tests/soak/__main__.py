"""The fault campaign: `python -m tests.soak`; exit code 1 when something was wrong."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.s3 import s3_server
from tests.soak import disks, flips, kills, rivals, spark, storms


def main() -> int:
    """Run every campaign and say what each found."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--kills", type=int, default=200, help="kills at random instants")
    parser.add_argument("--every", type=int, default=1, help="hit every N-th file operation only")
    parser.add_argument("--rivals", type=int, nargs="+", default=[2, 4], help="numbers of runs at once")
    parser.add_argument("--commits", type=int, default=10, help="commits of each of several runs at once")
    parser.add_argument("--flips", type=int, default=100, help="files truncated or with a bit flipped")
    parser.add_argument("--clocks", type=int, default=20, help="commits under a clock that jumps")
    parser.add_argument("--storm", type=int, default=20, help="commits to objects through a bad service")
    parser.add_argument("--object-kills", type=int, default=40, help="kills of runs that write to objects")
    parser.add_argument(
        "--spark", action=argparse.BooleanOptionalAction, default=True, help="read with Spark"
    )
    parser.add_argument("--no-disks", action="store_true", help="leave out what needs the right to mount")
    options = parser.parse_args()
    failures = 0
    seed = time.time_ns()

    def say(text: str, wrong: object) -> None:
        nonlocal failures
        failures += bool(wrong)
        sys.stdout.write(f"{text}: {wrong or 'as it should be'}\n")
        sys.stdout.flush()

    with tempfile.TemporaryDirectory(prefix="soak-") as name:
        folder = Path(name)
        for part in ("killed", "failed", "dropped", "random", "rivals", "disks", "flips", "objects", "spark"):
            (folder / part).mkdir()
        # Forking comes first: the later campaigns start threads.
        tried, wrong = kills.at_operations(folder / "killed", options.every)
        say(f"kill -9 before each of {tried} file operations", wrong)
        tried, wrong = kills.at_operations(folder / "failed", options.every, fail=True)
        say(f"no space left at each of {tried} file operations", wrong)
        tried, wrong = kills.at_operations(folder / "dropped", options.every, kills.DROP)
        say(f"kill -9 before each of {tried} file operations of dropping a version", wrong)
        tried, hit, wrong = kills.at_random(folder / "random", options.kills, seed)
        say(f"kill -9 at {tried} random instants (seed {seed}), {hit} before the end", wrong)
        found = flips.flips(folder / "flips", options.flips, seed)
        say(f"{options.flips} Parquet files truncated or with a bit flipped (seed {seed})", found)
        found = flips.clocks(folder / "flips", options.clocks, seed)
        say(f"a clock that jumps by years, {options.clocks} commits", found)
        for runs in options.rivals:
            found = rivals.contest(folder / "rivals", runs, options.commits)
            say(f"{runs} runs at once, {options.commits} commits each", found)
            if options.storm:
                found = storms.contest(folder / "objects" / str(runs), runs, options.commits)
                say(f"{runs} machines on one bucket at once, {options.commits} commits each", found)
        if options.storm:
            with s3_server() as address:
                place = folder / "objects"
                spoiled, gave_up, found = storms.weather(place, address, options.storm, 0.3, seed)
            what = f"{options.storm} commits to objects, {spoiled} answers 500, 503, late, lost or unknown"
            say(
                f"{what}, {gave_up} runs gave up (seed {seed})",
                found or (spoiled == 0 and "no answer was spoiled"),
            )
        if options.object_kills:
            hit, found = storms.killed(folder / "objects", options.object_kills, seed)
            say(f"{options.object_kills} kills of runs that write to objects, {hit} before the end", found)
        if options.spark:
            say("Spark reads a version", spark.reading(folder / "spark"))
        if not options.no_disks:
            say("a full disk, at every degree", disks.full(folder / "disks"))
            say("a read-only store", disks.read_only(folder / "disks"))
    return 1 if failures else 0


if __name__ == "__main__":
    raise SystemExit(main())
