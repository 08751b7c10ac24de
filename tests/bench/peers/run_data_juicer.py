"""data-juicer over JSON Lines with text: fix, convert to Simplified, filter, near-dedupe, write.

Runs in an environment with data-juicer, without this project: `python run_data_juicer.py FOLDER OUT`. Prints
the CPU seconds of all its processes, with documents in and out, as JSON.
"""

import gzip
import json
import resource
import subprocess
import sys
from pathlib import Path

OPERATORS = [
    {"fix_unicode_mapper": {"normalization": "NFC"}},
    {"chinese_convert_mapper": {"mode": "t2s"}},
    {"whitespace_normalization_mapper": {}},
    {"clean_links_mapper": {}},
    {"text_length_filter": {"min_len": 20}},
    {"character_repetition_filter": {"rep_len": 10, "max_ratio": 0.8}},
    {"special_characters_filter": {"max_ratio": 0.9}},
    {
        "document_minhash_deduplicator": {
            "tokenization": "character",
            "window_size": 5,
            "jaccard_threshold": 0.5,
        }
    },
]


def main() -> None:
    source, out = Path(sys.argv[1]), Path(sys.argv[2])
    out.mkdir(parents=True)
    read = 0
    with (out / "in.jsonl").open("w", encoding="utf-8") as lines:
        for file in sorted(source.iterdir()):
            for line in gzip.decompress(file.read_bytes()).decode().splitlines():
                lines.write(json.dumps({"text": json.loads(line)["text"]}, ensure_ascii=False) + "\n")
                read += 1
    config = {
        "project_name": "bench",
        "dataset_path": str(out / "in.jsonl"),
        "export_path": str(out / "out.jsonl"),
        "work_dir": str(out / "work"),
        "np": 1,
        "use_cache": False,
        "open_tracer": False,
        "process": OPERATORS,
    }
    (out / "config.yaml").write_text(json.dumps(config))  # JSON is YAML
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [Path(sys.executable).parent / "dj-process", "--config", out / "config.yaml"],
        check=True,
        stdout=sys.stderr,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    with (out / "out.jsonl").open(encoding="utf-8") as lines:
        kept = sum(1 for _ in lines)
    print(json.dumps({"cpu_seconds": round(seconds, 1), "stages": {}, "read": read, "kept": kept}))  # noqa: T201


if __name__ == "__main__":
    main()
