"""data-juicer over JSON Lines with text: fix, convert to Simplified, filter, dedupe, write.

Runs in an environment with data-juicer, without this project: `python run_data_juicer.py FOLDER OUT`. Prints
the CPU seconds of all its processes, with documents in and out, as JSON.
"""

import gzip
import json
import resource
import subprocess
import sys
from pathlib import Path

import yaml

LEXICON = Path(__file__).parents[3] / "config" / "lexicon"


def operators(words: str) -> list[dict[str, object]]:
    """Every operator that needs no model and has a counterpart in our chain, which is named beside it.

    `words` is a folder with the lists of words. Not run: language and perplexity (their models are
    downloads), clean_email and clean_ip (our masking is off by default too).
    """
    listed = {"lang": "zh", "tokenization": False}
    return [
        {"fix_unicode_mapper": {"normalization": "NFC"}},  # repair of encodings, NFC
        {"chinese_convert_mapper": {"mode": "t2s"}},  # conversion
        {"punctuation_normalization_mapper": {}},  # punctuation
        {"whitespace_normalization_mapper": {}},  # spacing
        {"remove_specific_chars_mapper": {}},  # characters
        {"clean_links_mapper": {}},  # chrome
        {"remove_repeat_sentences_mapper": {}},  # chrome that is there twice, repetition
        {"text_length_filter": {"min_len": 20}},  # quality: length
        {"alphanumeric_filter": {"min_ratio": 0.1}},  # Han, Latin and digit shares
        {"special_characters_filter": {"max_ratio": 0.9}},  # symbol share
        {"character_repetition_filter": {"rep_len": 10, "max_ratio": 0.8}},  # repetition of n-grams
        {"word_repetition_filter": {"lang": "zh", "rep_len": 10, "max_ratio": 0.8}},
        {"average_line_length_filter": {"min_len": 1}},  # list pages, repetition of lines
        {"maximum_line_length_filter": {"min_len": 1}},
        {"stopwords_filter": listed | {"stopwords_dir": words, "min_ratio": 0.0}},  # stop-character share
        {"flagged_words_filter": listed | {"flagged_words_dir": words, "max_ratio": 1.0}},  # adverts
        {"document_deduplicator": {}},  # exact copies
        {
            "document_minhash_deduplicator": {
                "tokenization": "character",
                "window_size": 5,
                "jaccard_threshold": 0.5,
            }
        },  # copies of one article
    ]


def word_lists(folder: Path) -> str:
    """Our lists of words in the form data-juicer reads; the folder they lie in."""
    folder.mkdir()
    adverts = yaml.safe_load((LEXICON / "adverts.yaml").read_text(encoding="utf-8"))
    lines = (LEXICON / "function_characters.txt").read_text(encoding="utf-8").splitlines()
    stop = [character for line in lines if not line.startswith("#") for character in line]
    flagged = [word for kind in adverts.values() for word in kind.split()]
    for name, words in (("stopwords", stop), ("flagged_words", flagged)):
        (folder / f"{name}.json").write_text(json.dumps({"zh": words}), encoding="utf-8")
    return str(folder)


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
        "process": operators(word_lists(out / "words")),
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
    print(json.dumps({"cpu_seconds": round(seconds, 1), "stages": {}, "read": read, "kept": kept}))  # noqa: T201 - what it prints is its result


if __name__ == "__main__":
    main()
