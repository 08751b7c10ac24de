"""Beside other pipelines, same input, one core, same work: `python -m tests.bench.peer datatrove|data-juicer`.

datatrove    WARC files: read, extract, filter, near-dedupe, Parquet
data-juicer  JSON Lines with text: fix, convert to Simplified, filter, dedupe, write: every operator that needs no
             model and has a counterpart here (peers/run_data_juicer.py names it)

The peers run in environments below build/peers, made on first use. Ours is `qingyuan run` with one worker,
from its start to the published version; all CPU seconds of all processes count on both sides. Results go to
tests/bench/results/peer-*.json; every capture must have its outcome.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path

from tests.bench.pages import FILE, write_file
from tests.bench.scale import ROOT, run_once, save

PEERS = Path(__file__).parent / "peers"
INSTALL = {
    "datatrove": [["datatrove[processing,io]==0.10.1", "lxml_html_clean", "spacy", "jieba"]],
    "data-juicer": [["torch==2.13.0"], ["py-data-juicer==1.6.1", "opencc", "aiohttp"]],
}
COUNTS = {"datatrove": 30_000, "data-juicer": 100_000}
"""Captures given: ten minutes of each peer."""
KINDS = {"datatrove": ("warc.gz", "*.warc.gz"), "data-juicer": ("text.jsonl.gz", "*.jsonl.gz")}


def environment(name: str) -> Path:
    """The interpreter of a peer's environment, made if needed."""
    folder = ROOT / "build" / "peers" / name
    ready = folder / ".installed"
    if not ready.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        for packages in INSTALL[name]:
            # pip rather than uv: it finds a torch built for the CPU where one lies on the disk.
            subprocess.run([folder / "bin/pip", "install", "--quiet", *packages], check=True)
        ready.touch()
    return folder / "bin" / "python"


def inputs(folder: Path, name: str, count: int) -> Path:
    """A folder with the first files of the peer's format that hold `count` captures."""
    ending, _ = KINDS[name]
    chosen = folder / "in"
    shutil.rmtree(chosen, ignore_errors=True)
    chosen.mkdir(parents=True)
    number = found = 0
    while found < count:
        last = number % 10
        if ("text.jsonl.gz" if last in (4, 9) else "html" if last in (2, 7) else "warc.gz") == ending:
            file = write_file(folder.parent / "pages", number, 1)
            (chosen / file.name).hardlink_to(file)
            found += FILE
        number += 1
    return chosen


def main() -> None:
    """Measure one peer."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("peer", choices=sorted(INSTALL))
    parser.add_argument("--count", type=int, help="captures")
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "bench-scale")
    options = parser.parse_args()
    name, count = options.peer, options.count or COUNTS[options.peer]
    folder = (options.folder / f"peer-{name}").resolve()
    shutil.rmtree(folder, ignore_errors=True)
    (options.folder / "pages").mkdir(parents=True, exist_ok=True)
    chosen = inputs(folder, name, count)
    script = PEERS / f"run_{name.replace('-', '_')}.py"
    output = subprocess.run(
        [environment(name), "-P", script, chosen, folder / "out"],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    peer = json.loads(output.splitlines()[-1])
    own = run_once(folder / "store", [chosen], {"run": {"workers": 1}})
    told = sum(outcome[2] for outcome in own["outcomes"])
    if told != own["read"] or own["read"] != peer["read"]:
        raise SystemExit(
            f"captures are missing: {peer['read']} given, {own['read']} read, {told} with an outcome"
        )
    start = own["stages"].get("start", {})
    begun = sum(start.get(process, 0.0) for process in ("flow", "server", "workers"))
    save(
        f"peer-{name}",
        {
            "peer": name,
            "captures": count,
            "peer_cpu_seconds": peer["cpu_seconds"],
            "own_cpu_seconds": own["cpu_seconds"],
            "own_start_cpu_seconds": round(begun, 1),
            "peer_stages": peer["stages"],
            "peer_kept": peer["kept"],
            "outcomes": own["outcomes"],
            "stages": own["stages"],
            "told": f"{count:,} captures on one core; {begun:,.1f} of our seconds are the start of program and "
            f"server. {name} keeps {peer['kept']:,} documents and says nothing of the others but counts; here each "
            f"of {own['read']:,} captures has its outcome in the ledger, {_kept(own['outcomes']):,} are kept.",
        },
    )


def _kept(outcomes: list[tuple[str, str, int]]) -> int:
    return sum(count for outcome, _, count in outcomes if outcome == "kept")


if __name__ == "__main__":
    main()
