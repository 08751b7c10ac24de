"""Figures of the deduplication: `python -m tests.bench.dedupe [quality] [speed] [peers]`.

quality  recall by kind of copy and precision on 20,000 generated documents (`--count N`)
speed    signatures per CPU second on documents of 1,200 characters
peers    recall and precision of other programs (`--peers datatrove=PYTHON text-dedup=PYTHON ...`; dedupe_peers.py)
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from config.settings import DedupeSettings, Settings
from tasks.article import Cleaner
from tasks.dedupe.resolve import resolve
from tasks.dedupe.signatures import sign
from tasks.shards import staged_row
from tasks.tables import Capture
from tests.bench.figures import show
from tests.corpus import Sample, generate
from tests.dedupe.support import capture, write


def _cleaned(samples: Sequence[Sample]) -> list[dict[str, Any]]:
    """The samples as cleaning leaves them; each is given as plain text."""
    cleaner = Cleaner(Settings())
    captures = [
        Capture(
            "bench",
            sample.url,
            sample.text.encode(),
            "text/plain",
            sample.url,
            captured_at=sample.captured_at,
        )
        for sample in samples
    ]
    return [staged_row(capture) | cleaner.clean(capture).row() for capture in captures]


def quality(count: int, seed: int, *, cleaned: bool) -> None:
    """Recall and precision on the generated corpus; texts go into matching as captured, or cleaned before."""
    samples = list(generate(count, seed))
    if cleaned:
        rows = _cleaned(samples)
    else:
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
    contains = {row["document_id"]: set(row["contains"]) for row in resolution.documents.to_pylist()}
    found = [document.get(row["capture_id"], row["capture_id"]) for row in rows]
    show(
        documents=count,
        seed=seed,
        cleaned=cleaned,
        rejected=sum(row["outcome"] != "kept" for row in rows),
        **judged(samples, found, contains),
        cpu_seconds=round(spent, 1),
        seconds=round(passed, 1),
    )


def judged(
    samples: Sequence[Sample], found: Sequence[Hashable], contains: Mapping[Hashable, set[Hashable]]
) -> dict[str, Any]:
    """Recall by kind and precision of what was found: a cluster for each sample, and clusters linked to others."""
    original = {sample.origin: found[i] for i, sample in enumerate(samples) if sample.kind == "original"}
    hits: dict[str, list[bool]] = defaultdict(list)
    for i, sample in enumerate(samples):
        for origin in sample.origins:
            if sample.kind in ("original", "template") or origin not in original:
                continue
            linked = original[origin] in contains.get(found[i], ())
            hits[sample.kind].append(linked if sample.kind == "glued" else found[i] == original[origin])
    members: dict[Hashable, list[int]] = defaultdict(list)
    for i, cluster in enumerate(found):
        members[cluster].append(i)
    pairs: Counter[str] = Counter()
    for group in members.values():
        for place, i in enumerate(group):
            for j in group[:place]:
                if samples[i].origins == samples[j].origins:
                    pairs["right"] += 1
                elif samples[i].family:
                    pairs["template"] += 1
                else:
                    glued = len(samples[i].origins + samples[j].origins) > 2
                    pairs["glued" if glued else "wrong"] += 1
    joined = [hit for kind, kind_hits in hits.items() if kind != "spun20" for hit in kind_hits]
    copies = [hit for kind, own in hits.items() if kind not in ("spun20", "glued") for hit in own]
    return {
        "recall": {kind: round(sum(own) / len(own), 4) for kind, own in sorted(hits.items())},
        "recall_without_spun20": round(sum(joined) / len(joined), 4),
        "recall_without_spun20_and_glued": round(sum(copies) / len(copies), 4),
        "precision_of_pairs": round(pairs["right"] / max(1, sum(pairs.values())), 4),
        "template_pairs_merged": pairs["template"],
        "pairs": dict(pairs),
    }


def peers(count: int, seed: int, interpreters: Sequence[str]) -> None:
    """The same figures of other programs, each in its own environment: NAME=PYTHON."""
    samples = list(generate(count, seed))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "corpus.jsonl"
        lines = (json.dumps({"id": i, "text": sample.text}) for i, sample in enumerate(samples))
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        script = Path(__file__).with_name("dedupe_peers.py")
        for entry in interpreters:
            name, _, python = entry.partition("=")
            command = [python, "-P", str(script), name, str(file)]
            done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=folder)
            if done.returncode:
                show(peer=name, failed=done.stderr[-500:])
                continue
            result = json.loads(done.stdout.splitlines()[-1])
            show(
                peer=name,
                documents=count,
                **judged(samples, result["clusters"], {}),
                cpu_seconds=round(result["cpu_seconds"], 1),
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
    work()
    return time.process_time() - start


def main() -> None:
    """Run the parts named, or all of them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", choices=["quality", "speed", "peers"])
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--cleaned", action="store_true", help="clean the texts before they are matched")
    parser.add_argument("--peers", nargs="*", default=[], metavar="NAME=PYTHON")
    options = parser.parse_args()
    parts = options.parts or ["speed", "quality"]
    if "speed" in parts:
        speed()
    if "quality" in parts:
        quality(options.count, options.seed, cleaned=options.cleaned)
    if "peers" in parts:
        peers(options.count, options.seed, options.peers)


if __name__ == "__main__":
    main()
