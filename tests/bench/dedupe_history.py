"""Cost of matching against what is stored: `python -m tests.bench.dedupe_history [join] [history] [hot]`.

join     100,000 new signatures against 10,000,000 stored: time and memory
history  1,000 new against 0, 1 and 10 million stored, as a plot (docs/deduplication.svg)
hot      200,000 texts with identical sketches

The lookups of the stored signatures are made before, as the run before would have made them; what that
costs is a figure of its own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from config.settings import DedupeSettings
from tasks.dedupe.candidates import find_candidates
from tasks.dedupe.index import Wanted, look_up_all
from tasks.dedupe.pairs import pairs_of_part
from tasks.dedupe.signatures import SIGNATURE_VERSION, SKETCH
from tasks.tables import SIGNATURES
from tests.bench.figures import peak_mb, show

PLOT = Path(__file__).parents[2] / "docs" / "deduplication.svg"


def index(path: Path, rows: int, seed: int) -> list[str]:
    """A synthetic index of random sketches, in files of a million rows; they are made once."""
    files = []
    for start in range(0, rows, 1_000_000):
        size = min(1_000_000, rows - start)
        file = path / f"index-{start}-{size}.parquet"
        files.append(str(file))
        if file.exists():
            continue
        draw = np.random.default_rng(seed + start)
        ids = [f"{number:032x}" for number in range(start, start + size)]
        bands = pa.array(draw.integers(0, 2**63, size * SKETCH, dtype=np.uint64))
        table = pa.table(
            {
                "capture_id": ids,
                "document_id": ids,
                "url_key": [
                    f"site{number % 5000}.example.cn/{number}" for number in range(start, start + size)
                ],
                "signature_version": pa.array(np.full(size, SIGNATURE_VERSION, np.int32)),
                "skeleton": [f"{number * 7919:032x}" for number in range(start, start + size)],
                "shingles": pa.array(np.full(size, 900, np.int32)),
                "bands": pa.ListArray.from_arrays(
                    pa.array(np.arange(0, size * SKETCH + 1, SKETCH, dtype=np.int32)), bands
                ),
            },
            schema=SIGNATURES,
        )
        pq.write_table(table, file, compression="zstd", row_group_size=100_000)
    return files


def new_rows(files: list[str], count: int) -> pa.Table:
    """`count` new signatures, every tenth with eight hashes of a stored one."""
    draw = np.random.default_rng(99)
    bands = draw.integers(0, 2**63, (count, SKETCH), dtype=np.uint64)
    if files:
        stored = pq.ParquetFile(files[0]).read_row_group(0, columns=["bands"])["bands"].combine_chunks()
        flat = stored.flatten().to_numpy().reshape(-1, SKETCH)
        places = np.arange(0, count, 10)
        bands[places, :8] = flat[places % len(flat), :8]
    ids = [f"{number + 10**12:032x}" for number in range(count)]
    return pa.table(
        {
            "capture_id": ids,
            "document_id": ids,
            "url_key": [""] * count,
            "signature_version": [SIGNATURE_VERSION] * count,
            "skeleton": ids,
            "shingles": [900] * count,
            "bands": pa.ListArray.from_arrays(
                pa.array(np.arange(0, count * SKETCH + 1, SKETCH, dtype=np.int32)), pa.array(bands.ravel())
            ),
        },
        schema=SIGNATURES,
    )


def alone(part: str, folder: Path, stored: int, new: int = 0) -> dict[str, float]:
    """Figures of a part that runs in a process of its own, for the sake of its memory."""
    command = [sys.executable, "-m", "tests.bench.dedupe_history", part]
    command += ["--folder", str(folder), "--stored", str(stored), "--new", str(new)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    figures: dict[str, float] = json.loads(output)
    return figures


def measured(folder: Path, stored: int, new: int) -> dict[str, float]:
    """Seconds and MiB of one join."""
    index(folder, stored, 1)
    made = alone("lookups", folder, stored)
    if made["cpu_seconds"] > 2:
        show(**made)
    return alone("one", folder, stored, new)


def lookups(folder: Path, stored: int) -> None:
    """Make the lookups of the stored signatures, measured."""
    clock = time.process_time()
    nothing = Wanted.of(np.empty(0, np.uint64), [], [])
    look_up_all(index(folder, stored, 1), folder / f"lookups-{stored}", nothing, 1, 1)
    show(lookups_of=stored, cpu_seconds=round(time.process_time() - clock, 2), peak_mb=round(peak_mb()))


def one(folder: Path, stored: int, new: int) -> None:
    """One join, measured."""
    files = index(folder, stored, 1)
    table = new_rows(files, new)
    addresses = [f"new.example.cn/{number}" for number in range(new)]
    before = peak_mb()
    clock, started = time.process_time(), time.perf_counter()
    candidates = find_candidates(table, addresses, files, DedupeSettings(), folder / f"lookups-{stored}")
    show(
        stored=stored,
        new=new,
        seconds=round(time.perf_counter() - started, 2),
        cpu_seconds=round(time.process_time() - clock, 2),
        peak_mb=round(peak_mb()),
        peak_before_mb=round(before),
        candidates=len(candidates.stored),
    )


def history(folder: Path) -> None:
    """Cost of 1,000 new captures against growing history, with a plot."""
    points = [measured(folder, stored, 1000) for stored in (0, 1_000_000, 10_000_000)]
    for point in points:
        show(**point)
    many = [measured(folder, 1_000_000, new) for new in (1000, 10_000, 100_000)]
    for point in many:
        show(**point)
    PLOT.write_text(plot(points, many), encoding="utf-8")


def plot(points: list[dict[str, float]], many: list[dict[str, float]]) -> str:
    """Two lines of CPU seconds as SVG: against stored signatures and against new ones."""
    top = max(point["cpu_seconds"] for point in [*points, *many])
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 300" font-family="sans-serif" font-size="12">',
        '<rect width="720" height="300" fill="white"/>',
    ]
    panels = (
        (60, "1,000 new against the stored", "stored", points),
        (410, "new against 1 million stored", "new", many),
    )
    for left, title, name, rows in panels:
        parts.append(f'<text x="{left}" y="24" font-weight="bold">{title}: CPU seconds</text>')
        parts.append(f'<path d="M{left} 40V250H{left + 260}" fill="none" stroke="#555"/>')
        places = []
        for number, row in enumerate(rows):
            x, y = left + 30 + number * 100, 250 - 200 * row["cpu_seconds"] / top
            places.append(f"{x:.0f},{y:.0f}")
            parts.append(f'<circle cx="{x:.0f}" cy="{y:.0f}" r="4" fill="#06c"/>')
            parts.append(
                f'<text x="{x:.0f}" y="{y - 8:.0f}" text-anchor="middle">{row["cpu_seconds"]:.2f}</text>'
            )
            parts.append(f'<text x="{x:.0f}" y="268" text-anchor="middle">{int(row[name]):,}</text>')
        parts.append(f'<polyline points="{" ".join(places)}" fill="none" stroke="#06c"/>')
    return "\n".join([*parts, "</svg>", ""])


def hot(count: int) -> None:
    """Texts that all have the same sketch: their pairs stay bounded."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sketch = pa.array(np.arange(SKETCH, dtype=np.uint64).tolist() * count, pa.uint64())
        offsets = pa.array(np.arange(0, count * SKETCH + 1, SKETCH, dtype=np.int32))
        texts = pa.array(np.arange(count), pa.int64())
        heads = pa.table({"text": texts, "bands": pa.ListArray.from_arrays(offsets, sketch)})
        pq.write_table(heads, folder / "heads.parquet")
        clock = time.process_time()
        pairs_of_part(folder / "heads.parquet", folder / "partial.parquet", 0, 1, DedupeSettings())
        spent = time.process_time() - clock
        pairs = pq.read_metadata(folder / "partial.parquet").num_rows
        show(identical=count, pairs=pairs, cpu_seconds=round(spent, 1), peak_mb=round(peak_mb()))


def main() -> None:
    """Run the parts named, or all of them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", choices=["join", "history", "hot", "one", "lookups"])
    parser.add_argument("--folder", type=Path, default=Path("build/bench-dedupe"))
    parser.add_argument("--stored", type=int, default=10_000_000)
    parser.add_argument("--new", type=int, default=100_000)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    parts = options.parts or ["hot", "join", "history"]
    if "one" in parts:
        one(options.folder, options.stored, options.new)
    if "lookups" in parts:
        lookups(options.folder, options.stored)
    if "hot" in parts:
        hot(200_000)
    if "join" in parts:
        show(**measured(options.folder, options.stored, options.new))
    if "history" in parts:
        history(options.folder)


if __name__ == "__main__":
    main()
