"""Figures of the deduplication: `python -m tests.bench.dedupe [quality] [speed]`.

quality  recall by kind of copy and precision on 20,000 generated documents (`--count N`)
speed    signatures per CPU second on documents of 1,200 characters
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pyarrow as pa

from config.settings import DedupeSettings
from tasks.dedupe.resolve import resolve
from tasks.dedupe.signatures import sign
from tests.bench.figures import show
from tests.corpus import generate
from tests.dedupe.support import capture, write


def quality(count: int, seed: int) -> None:
    """Recall and precision on the generated corpus; texts go into matching as they were captured."""
    samples = list(generate(count, seed))
    rows = [capture(sample.text, url=sample.url, captured_at=sample.captured_at) for sample in samples]
    with tempfile.TemporaryDirectory() as folder:
        files = [write(Path(folder) / f"{n}.parquet", rows[n : n + 2000]) for n in range(0, count, 2000)]
        clock, started = time.process_time(), time.perf_counter()
        resolution = resolve(files, [], [], DedupeSettings())
        spent, passed = time.process_time() - clock, time.perf_counter() - started
    document = dict(
        zip(
            resolution.captures["capture_id"].to_pylist(),
            resolution.captures["document_id"].to_pylist(),
            strict=True,
        )
    )
    contains = {row["document_id"]: row["contains"] for row in resolution.documents.to_pylist()}
    found = [document[row["capture_id"]] for row in rows]
    original = {sample.origin: found[i] for i, sample in enumerate(samples) if sample.kind == "original"}
    hits: dict[str, list[bool]] = defaultdict(list)
    for i, sample in enumerate(samples):
        for origin in sample.origins:
            if sample.kind in ("original", "template") or origin not in original:
                continue
            linked = original[origin] in contains.get(found[i], ())
            hits[sample.kind].append(linked if sample.kind == "glued" else found[i] == original[origin])
    members: dict[str, list[int]] = defaultdict(list)
    for i, document_id in enumerate(found):
        members[document_id].append(i)
    right: Counter[str] = Counter()
    for group in members.values():
        for place, i in enumerate(group):
            for j in group[:place]:
                if samples[i].origins == samples[j].origins:
                    right["right"] += 1
                else:
                    right[
                        "template"
                        if samples[i].family
                        else "glued"
                        if len(samples[i].origins + samples[j].origins) > 2
                        else "wrong"
                    ] += 1
    joined = [hit for kind, kind_hits in hits.items() if kind != "spun20" for hit in kind_hits]
    show(
        documents=count,
        seed=seed,
        recall={kind: round(sum(kind_hits) / len(kind_hits), 4) for kind, kind_hits in sorted(hits.items())},
        recall_without_spun20=round(sum(joined) / len(joined), 4),
        precision_of_pairs=round(right["right"] / sum(right.values()), 4),
        template_pairs_merged=right["template"],
        wrong_pairs_by_kind=dict(right),
        cpu_seconds=round(spent, 1),
        seconds=round(passed, 1),
    )


def speed() -> None:
    """Signatures per CPU second, on 1,200 characters each."""
    texts = [(sample.text * 4)[:1200] for sample in generate(1500, 2)]
    table = pa.table({"capture_id": [str(number) for number in range(len(texts))], "text": texts})
    sign(table.slice(0, 50))
    best = min(_cpu(lambda: sign(table)) for _ in range(5))
    one = np.arange(50_000_000 // 8, dtype=np.uint64)
    unit = min(_cpu(lambda: one * np.uint64(3)) for _ in range(5))
    show(
        signatures_per_cpu_second=round(len(texts) / best),
        megabytes_multiplied_per_cpu_second=round(50 / unit),
    )


def _cpu(work: object) -> float:
    start = time.process_time()
    work()  # type: ignore[operator]
    return time.process_time() - start


def main() -> None:
    """Run the parts named, or all of them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", choices=["quality", "speed"])
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=3)
    options = parser.parse_args()
    parts = options.parts or ["speed", "quality"]
    if "speed" in parts:
        speed()
    if "quality" in parts:
        quality(options.count, options.seed)


if __name__ == "__main__":
    main()
