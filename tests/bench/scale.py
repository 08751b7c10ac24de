"""Cost of whole runs over generated captures: `python -m tests.bench.scale SIZE...` (10000 100000 1000000).

Each size is a run of the product as a user starts it, `qingyuan run` in a process of its own, over the
pages of tests/bench/pages.py. Taken down: wall and CPU seconds of each stage (all processes), peak memory
of the whole tree, bytes written. Results go to tests/bench/results/*.json, and docs/performance.md is
drawn anew from all results there (`--draw` alone draws only).

A stopped run goes on where it stood: the same command finds its pages, its staging folder and the samples
taken so far. `--folder` says where pages and stores lie (default build/bench-scale).

    --history OLD...   10,000 new captures into stored corpora of so many documents
    --incremental OLD  1,000 new captures into a stored corpus: from the start to the published version
    --workers N        so many worker processes
    --engine dask      the same with a local Dask cluster
    --night            all of it for the page, up to a million captures; what was measured with the present
                       code is passed over, so the same command goes on after a stop (about two hours)
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
import yaml

from config.settings import StoreSettings
from tasks.provenance import code_version
from tasks.snapshot.manifest import RunFacts
from tasks.snapshot.store import Store
from tests.bench.pages import write_pages
from tests.bench.performance import draw
from tests.bench.snapshot import BATCH, ids, write

ROOT = Path(__file__).parents[2]
RESULTS = Path(__file__).parent / "results"
STAGES = ("start", "read", "clean", "match", "settle", "commit", "finish")
PROCESSES = ("flow", "server", "workers")
PERIOD = 0.5
"""Seconds between two looks at the processes of a run."""


def show(**figures: object) -> None:
    """One line of figures."""
    sys.stdout.write(json.dumps(figures, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def stage_of(store: Path, seen: set[str]) -> str:
    """The stage a run is in, by what its staging folder holds."""
    plan = next(iter((store / "staging").glob("plan-*")), None)
    if plan is None:
        return "finish" if seen & set(STAGES[1:]) else "start"
    if next((store / "staging" / "files").glob("*"), None):
        return "commit"
    if (plan / "doubts.parquet").exists():
        return "settle"
    if (plan / "match").exists():
        return "match"
    return "clean" if (plan / "exact.parquet").exists() else "read"


class Watch(threading.Thread):
    """Looks at a process and all it started until `close`: CPU and wall seconds by stage, memory at most.

    `figures` is kept in a file too, so that those of a run that was stopped and went on add up.
    """

    def __init__(self, process: int, store: Path, kept: Path) -> None:
        super().__init__(daemon=True)
        self._root, self._store, self._kept = psutil.Process(process), store, kept
        self._over = threading.Event()
        self._cpu: dict[int, float] = {}
        before = json.loads(kept.read_text()) if kept.exists() else {"plan": "", "stages": {}}
        self._plan: str = before["plan"]
        self.figures: dict[str, dict[str, float]] = before["stages"]

    def run(self) -> None:
        """Look again and again."""
        before = told = time.perf_counter()
        while not self._over.wait(PERIOD):
            now = time.perf_counter()
            self._look(now - before)
            before = now
            if now - told > 10:
                self._kept.write_text(json.dumps({"plan": self._plan, "stages": self.figures}))
                told = now

    def _look(self, seconds: float) -> None:
        plan = next((path.name for path in (self._store / "staging").glob("plan-*")), self._plan)
        if plan != self._plan:
            # Nothing of an earlier start is used: the program or the settings have changed since.
            self._plan, self.figures = (
                plan,
                {k: v for k, v in self.figures.items() if k == "start" and not self._plan},
            )
        stage = stage_of(self._store, set(self.figures))
        row = self.figures.setdefault(stage, dict.fromkeys(("seconds", "peak_mb", *PROCESSES), 0.0))
        memory = 0
        try:
            processes = [self._root, *self._root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return
        for process in processes:
            try:
                with process.oneshot():
                    times, held, command = process.cpu_times(), process.memory_info().rss, process.cmdline()
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
            memory += held
            spent = times.user + times.system
            name = "flow" if process == self._root else "server" if "uvicorn" in command else "workers"
            row[name] += spent - self._cpu.get(process.pid, 0.0)
            self._cpu[process.pid] = spent
        row["seconds"] += seconds
        row["peak_mb"] = max(row["peak_mb"], memory / 2**20)

    def close(self) -> None:
        """Stop looking."""
        self._over.set()
        self.join()
        self._kept.unlink(missing_ok=True)


def make_database(home: Path) -> None:
    """Make Prefect's database unless it is there: an installation does that once, not once a run."""
    if not (home / "prefect.db").exists():
        home.mkdir(parents=True, exist_ok=True)
        command = [Path(sys.executable).with_name("prefect"), "server", "database", "upgrade", "--yes"]
        environment = os.environ | {"PREFECT_HOME": str(home)}
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)


def run_once(store: Path, paths: list[Path], settings: Mapping[str, Any]) -> dict[str, Any]:
    """One `qingyuan run` over the paths, watched."""
    store.mkdir(parents=True, exist_ok=True)
    config, home = store.with_suffix(".yaml"), store.parent / "prefect"
    make_database(home)
    own = {
        "store": {"path": str(store), "memory_bytes": 192 << 20},
        "serve": {"home": str(home), "port": 4299},
        "sources": [{"name": "pages", "paths": [str(path) for path in paths]}],
    }
    config.write_text(yaml.safe_dump(own | dict(settings)), encoding="utf-8")
    command = [str(Path(sys.executable).with_name("qingyuan")), "run", "--json", "--config", str(config)]
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    watch = Watch(process.pid, store, store.with_suffix(".watch.json"))
    watch.start()
    try:
        output, _ = process.communicate()
    finally:
        process.terminate()  # of a benchmark that is stopped; a run that has ended does not mind
    if process.returncode:
        raise SystemExit(f"the run ended with {process.returncode}; the same command goes on from there")
    passed = time.perf_counter() - began
    watch.close()
    stages = {
        stage: {name: round(value, 1) for name, value in watch.figures[stage].items()}
        for stage in STAGES
        if stage in watch.figures
    }
    result = json.loads(output)
    return {
        "seconds": round(sum(row["seconds"] for row in stages.values()), 1),
        "seconds_of_last_start": round(passed, 1),
        "cpu_seconds": round(sum(row[name] for row in stages.values() for name in PROCESSES), 1),
        "peak_mb": max(row["peak_mb"] for row in stages.values()),
        "stages": stages,
        "read": result["read"],
        "outcomes": result["outcomes"],
        "stored_mb": round(
            sum(file.stat().st_size for file in (store / "tables").rglob("*.parquet")) / 1e6, 1
        ),
    }


def save(name: str, figures: Mapping[str, Any]) -> None:
    """Keep the figures beside the benchmarks, and draw the page anew."""
    RESULTS.mkdir(exist_ok=True)
    # Places below the checkout are told from there: the figures are those of any checkout.
    arguments = [argument.removeprefix(f"{ROOT}/") for argument in sys.argv[1:]]
    told: dict[str, Any] = {
        "command": " ".join([f"python -m tests.bench.{Path(sys.argv[0]).stem}", *arguments]),
        "code": code_version(),
        "machine": {"cores": os.cpu_count(), "memory_gb": round(psutil.virtual_memory().total / 2**30)},
    }
    kept = told | dict(figures)
    (RESULTS / f"{name}.json").write_text(json.dumps(kept, ensure_ascii=False, indent=1) + "\n")
    show(**{key: value for key, value in kept.items() if key not in ("outcomes", "stages")})
    draw()


def measured(name: str) -> bool:
    """Whether there are figures made with the present code."""
    file = RESULTS / f"{name}.json"
    return file.exists() and json.loads(file.read_text()).get("code") == code_version()


def whole(folder: Path, size: int, settings: Mapping[str, Any], name: str, **told: Any) -> None:
    """A first run over `size` captures; `told` goes into the result."""
    pages = write_pages(folder / "pages", size)
    store = folder / f"store-{name}"
    if (store / "snapshots").exists() or not store.with_suffix(".watch.json").exists():
        shutil.rmtree(store, ignore_errors=True)  # finished before, or not watched: measured anew
    save(name, {"captures": size} | told | run_once(store, pages, settings))
    shutil.rmtree(store)


def onto(folder: Path, old: int, new: int, name: str, settings: Mapping[str, Any]) -> None:
    """`new` captures into a stored corpus of `old` documents (rows as a run writes them, with made-up texts)."""
    pages = write_pages(folder / "pages-new", new, seed=2)
    store = folder / f"store-{name}"
    shutil.rmtree(store, ignore_errors=True)
    if old:
        # In a process of its own, so that its memory is not counted here.
        subprocess.run(
            [sys.executable, "-m", "tests.bench.scale", "--fill", str(store), str(old)], check=True, cwd=ROOT
        )
    save(name, {"captures": new, "old": old} | run_once(store, pages, settings))
    shutil.rmtree(store)


def night(folder: Path) -> None:
    """Everything that docs/performance.md shows and that is not measured yet with the present code."""
    for workers in (1, 2):
        if not measured(f"workers-{workers}"):
            whole(folder, 50_000, {"run": {"workers": workers}}, f"workers-{workers}", workers=workers)
    for size in (10_000, 50_000, 100_000):
        if not measured(f"scale-{size}"):
            whole(folder, size, {}, f"scale-{size}")
    for peer in ("datatrove", "data-juicer"):
        if not measured(f"peer-{peer}"):
            # A peer that cannot be installed here is no reason to stop.
            command = [sys.executable, "-m", "tests.bench.peer", peer, "--folder", str(folder)]
            subprocess.run(command, check=False, cwd=ROOT)
    if not measured("incremental-1000000"):
        onto(folder, 1_000_000, 1_000, "incremental-1000000", {})
    if not measured("scale-1000000"):
        whole(folder, 1_000_000, {}, "scale-1000000")
    for old in (0, 100_000, 1_000_000):
        if not measured(f"history-{old}"):
            onto(folder, old, 10_000, f"history-{old}", {})


def fill(folder: Path, total: int) -> None:
    """Store `total` made-up documents with their ledger and signatures."""
    store = Store(StoreSettings(path=str(folder)))
    text = "这是一段存好的旧文章。" * 40
    with store.exclusive("bench"):
        batches = (ids(start, min(BATCH, total - start)) for start in range(0, total, BATCH))
        appends = write(store, "base", batches, lambda number: f"第{number}条。{text}\n")
        store.commit("base", appends=appends, facts=RunFacts(read=total))


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sizes", nargs="*", type=int)
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "bench-scale")
    parser.add_argument("--history", nargs="+", type=int, default=[], metavar="OLD")
    parser.add_argument("--incremental", type=int, metavar="OLD")
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--engine", choices=["local", "dask"], default="local")
    parser.add_argument("--night", action="store_true")
    parser.add_argument("--draw", action="store_true")
    parser.add_argument("--fill", nargs=2, metavar=("STORE", "OLD"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    if options.fill:
        fill(Path(options.fill[0]), int(options.fill[1]))
        return
    options.folder = options.folder.resolve()
    options.folder.mkdir(parents=True, exist_ok=True)
    settings = {"run": {"engine": options.engine, "workers": options.workers}}
    usual = options.engine == "local" and not options.workers
    for size in options.sizes:
        # Other engines and numbers of workers are for a look, not for the page.
        name = f"scale-{size}" if usual else f"other-{size}-{options.engine}-{options.workers}"
        whole(options.folder, size, settings, name)
    for old in options.history:
        onto(options.folder, old, 10_000, f"history-{old}", settings)
    if options.incremental is not None:
        onto(options.folder, options.incremental, 1_000, f"incremental-{options.incremental}", settings)
    if options.night:
        night(options.folder)
    if options.draw:
        draw()


if __name__ == "__main__":
    main()
