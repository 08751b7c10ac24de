"""datatrove over WARC files: extract, filter, near-dedupe, Parquet, with FineWeb-2's settings for Chinese.

Runs in an environment with datatrove, without this project: `python peer_datatrove.py FOLDER OUT`. Each
stage runs in a process forked for it, and its CPU seconds are printed, with documents in and out, as JSON.
"""

import json
import logging
import os
import resource
import sys
from pathlib import Path

from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.dedup import MinhashDedupCluster, MinhashDedupFilter, MinhashDedupSignature
from datatrove.pipeline.dedup.minhash import MinhashConfig, MinhashDedupBuckets
from datatrove.pipeline.extractors import Trafilatura
from datatrove.pipeline.filters import (
    FineWebQualityFilter,
    GopherQualityFilter,
    GopherRepetitionFilter,
)
from datatrove.pipeline.readers import JsonlReader, WarcReader
from datatrove.pipeline.writers import JsonlWriter, ParquetWriter
from datatrove.utils.hashing import HashConfig
from datatrove.utils.typeshelper import Languages

ZH = Languages.mandarin_chinese
CONFIG = MinhashConfig(hash_config=HashConfig(precision=64), n_grams=5, num_buckets=14, hashes_per_bucket=8)


def stages(source: str, out: Path):
    """Name and pipeline of each stage, in order."""
    kept, near = str(out / "kept"), str(out / "near")
    yield (
        "read, extract",
        [
            WarcReader(source, glob_pattern="*.warc.gz"),
            Trafilatura(favour_precision=True, timeout=30),  # with the default of 1 s pages vanish under load
            JsonlWriter(str(out / "extracted")),
        ],
    )
    yield (
        "filter",
        [
            JsonlReader(str(out / "extracted")),
            GopherRepetitionFilter(language=ZH, dup_line_frac=0.287, dup_para_frac=0.3),
            FineWebQualityFilter(language=ZH, line_punct_thr=0.106, new_line_ratio=0.178, short_line_thr=999),
            GopherQualityFilter(
                language=ZH,
                min_avg_word_length=1,
                max_avg_word_length=5,
                min_stop_words=0,
                max_non_alpha_words_ratio=0.6,
            ),
            JsonlWriter(kept),
        ],
    )
    yield "signatures", [JsonlReader(kept), MinhashDedupSignature(f"{near}/sign", config=CONFIG, language=ZH)]
    yield "buckets", [MinhashDedupBuckets(f"{near}/sign", f"{near}/buckets", config=CONFIG)]
    yield "clusters", [MinhashDedupCluster(f"{near}/buckets", f"{near}/remove", config=CONFIG)]
    yield (
        "write",
        [JsonlReader(kept), MinhashDedupFilter(f"{near}/remove"), ParquetWriter(str(out / "final"))],
    )


def forked(run) -> float:
    """CPU seconds of `run` in a process of its own."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    child = os.fork()
    if not child:
        try:
            run()
            os._exit(0)
        except BaseException:
            logging.exception("stage failed")
            os._exit(1)
    _, status = os.waitpid(child, 0)
    if status:
        raise SystemExit("a stage failed")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    source, out = sys.argv[1], Path(sys.argv[2])
    seconds = {}
    for name, pipeline in stages(source, out):
        tasks = 14 if name == "buckets" else 1
        run = LocalPipelineExecutor(
            pipeline, tasks=tasks, workers=1, logging_dir=str(out / "logs" / name), skip_completed=False
        ).run
        seconds[name] = round(forked(run), 2)
    own = resource.getrusage(resource.RUSAGE_SELF)
    total = sum(seconds.values()) + own.ru_utime + own.ru_stime

    def documents(stage: str, step: int, key: str) -> int:
        """A count of one step of a stage."""
        value = json.loads((out / "logs" / stage / "stats.json").read_text())[step]["stats"].get(key, 0)
        return int(value["total"] if isinstance(value, dict) else value)

    counts = {
        "read": documents("read, extract", 0, "documents"),
        "extracted": documents("read, extract", 1, "forwarded"),
        "kept": documents("write", 2, "total"),
    }
    print(json.dumps({"cpu_seconds": round(total, 1), "stages": seconds} | counts))  # noqa: T201 - what it prints is its result


if __name__ == "__main__":
    main()
