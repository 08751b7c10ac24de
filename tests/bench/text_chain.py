"""The whole text chain over single captures: speed by stage beside ftfy, and exactness beside plain clean-ups.

Run: python -m tests.bench.text_chain [FILE...]

FILE is clean Chinese text in UTF-8 (segmented and tagged corpora, `词/n 词/v`, are read without their
tags). Without a file the texts of ../shared/pages are taken, or those of the tests where there are none.
Times are the best of three in CPU seconds of one process, all in one run on one machine.
"""

from __future__ import annotations

import re
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ftfy
import yaml
from opencc import OpenCC

from config.settings import load_settings
from tasks.article import Cleaner
from tasks.clean.chrome import ChromeStripper
from tasks.clean.normalise import Normaliser
from tasks.clean.quality import measure
from tasks.clean.repair import Repairer
from tasks.clean.spun import score_spun
from tasks.convert import Converter
from tasks.tables import Capture

ROOT = Path(__file__).parent.parent.parent
CASES = ROOT / "tests" / "cases" / "clean" / "pages.yaml"
PAGES = ROOT.parent / "shared" / "pages"
ROUNDS = 3
DOCUMENT = 6000
"""Characters of the documents a corpus is cut into."""


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")


def _texts(files: list[str]) -> list[str]:
    paths = [Path(file) for file in files] or sorted(PAGES.glob("*.txt"))
    texts = [path.read_text("utf-8") for path in paths] or [row["text"] for row in _cases()] * 40
    if files:
        rows = [re.sub(r"/[a-z]+(?: |$)", "", text, flags=re.MULTILINE).split("\n") for text in texts]
        lines = [line.strip() for text in rows for line in text if line.strip()]
        texts, size, part = [], 0, []
        for line in lines:
            part.append(line)
            size += len(line)
            if size >= DOCUMENT:
                texts.append("\n".join(part))
                part, size = [], 0
        texts += ["\n".join(part)] if part else []
    return texts


def _cases() -> list[dict[str, Any]]:
    return [row for row in yaml.safe_load(CASES.read_text("utf-8")) if not row.get("keep")]


def _capture(text: str) -> Capture:
    return Capture("bench", "bench", text.encode(), "text/plain")


def _seconds(run: Callable[[str], object], texts: list[str]) -> float:
    best = 1e9
    for _ in range(ROUNDS):
        start = time.process_time()
        for text in texts:
            run(text)
        best = min(best, time.process_time() - start)
    return best


def regex_removal(text: str) -> str:
    """What a script by hand does: brackets with Latin in them, known footers, runs of white space."""
    text = re.sub(r"\([a-zāáǎàēéěèīíǐìōóǒòūúǔùüǖǘǚǜ]+ ?\)", "", text)
    rows = [
        row
        for row in text.split("\n")
        if not re.search(r"ICP|版权|版權|Powered by|上一篇|下一篇|主办|主辦", row)
    ]
    return "\n".join(" ".join(row.split()) for row in rows if row.strip())


def speed(cleaner: Cleaner, texts: list[str]) -> None:
    """MB/s of the chain, of its stages, and of ftfy, on clean text."""
    settings = load_settings()
    megabytes = sum(len(text.encode()) for text in texts) / 1e6
    repairer, stripper = Repairer(settings.clean.repair), ChromeStripper(settings.clean.chrome)
    normaliser, converter = Normaliser(settings.clean.normalise), Converter(settings.convert)
    stages: dict[str, Callable[[str], object]] = {
        "whole chain": lambda text: cleaner.clean(_capture(text)),
        "  repair": repairer.restore,
        "  chrome, link farms": stripper.strip,
        "  normal form": normaliser.normalise,
        "  conversion": converter.convert,
        "  quality figures": lambda text: measure(text, simplified=True),
        "  spinning": lambda text: score_spun(text, len(text), simplified=True),
        "ftfy.fix_text": ftfy.fix_text,
        "plain regex removal": regex_removal,
    }
    _print(f"clean text: {len(texts)} documents, {megabytes:.2f} MB")
    _print(f"{'':22}{'MB/s':>8}{'x ftfy':>8}")
    times = {name: _seconds(run, texts) for name, run in stages.items()}
    for name, seconds in times.items():
        _print(f"{name:22}{megabytes / seconds:8.1f}{times['ftfy.fix_text'] / seconds:8.2f}")


def untouched(cleaner: Cleaner, texts: list[str]) -> None:
    """What the chain changes in clean text, by rule, and whether cleaning again changes anything."""
    rules: Counter[str] = Counter()
    again = 0
    for text in texts:
        article = cleaner.clean(_capture(text))
        rules.update({row["rule"]: row["count"] for row in article.edits})
        again += cleaner.clean(_capture(article.text)).text != article.text if article.text else 0
    _print(f"edits by rule: {dict(rules.most_common())}")
    _print(f"documents that a second cleaning changes: {again}")


def side_by_side(cleaner: Cleaner) -> None:
    """Pages of tests/cases/clean: how many come out exactly, and how near the others are."""
    simplify = OpenCC("t2s").convert
    systems: dict[str, Callable[[str], str]] = {
        "Qingyuan": lambda text: cleaner.clean(_capture(text)).text,
        "ftfy.fix_text": ftfy.fix_text,
        "OpenCC t2s": simplify,
        "ftfy + OpenCC + regex": lambda text: regex_removal(simplify(ftfy.fix_text(text))),
    }
    cases = _cases()
    _print(f"{len(cases)} pages written for the tests\n{'':24}{'exact':>6}{'4-gram F1':>11}")
    for name, run in systems.items():
        results = [(run(case["input"]), case["text"]) for case in cases]
        exact = sum("".join(got.split()) == "".join(want.split()) for got, want in results)
        _print(f"{name:24}{exact:6}{sum(_f1(*result) for result in results) / len(results):11.3f}")


def _f1(got: str, want: str) -> float:
    a, b = (
        Counter(text[at : at + 4] for at in range(len(text) - 3))
        for text in ("".join(got.split()), "".join(want.split()))
    )
    shared = (a & b).total()
    return 2 * shared / max(1, a.total() + b.total())


def main(files: list[str]) -> None:
    """Print the three tables."""
    cleaner = Cleaner(load_settings())
    texts = _texts(files)
    speed(cleaner, texts)
    untouched(cleaner, texts)
    side_by_side(cleaner)


if __name__ == "__main__":
    main(sys.argv[1:])
