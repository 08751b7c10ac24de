"""Repair of byte damage: what comes back, and how fast, beside ftfy and plain removal by regex.

    python -m tests.bench.repair [clean.txt ...]

Without files the pages are made from the prose of the tests, its sentences in new orders; with
files, from their paragraphs (clean Chinese, one a line). All speeds are of one core, measured side
by side in this run; compare the ratios, not the absolute figures of different machines.
"""

from __future__ import annotations

import random
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

import ftfy
import opencc

from config.settings import RepairSettings
from tasks.clean.repair import Damaged, Repairer, damage, mirror_text
from tasks.clean.repair.codepage import scripts
from tasks.clean.repair.shift import PRIVATE_USE
from tests.clean.repair.pages import gloss_table, prose

PARAGRAPHS = 2000
ON_PAGE = 20
_PLAIN = re.compile(r"[(（][a-zāáǎàēéěèīíǐìōóǒòūúǔùüǖǘǚǜ]{1,6}[)）]|\?")


def paragraphs(files: list[str]) -> list[str]:
    """Clean Traditional paragraphs of 40 to 400 characters, encodable in GBK, without `?`."""
    chance = random.Random(1)
    if not files:
        sentences = [part for text in prose() for part in re.findall("[^。！？]+[。！？]+”?", text)]
        return ["".join(chance.sample(sentences, 4)) for _ in range(PARAGRAPHS)]
    convert = opencc.OpenCC("s2t").convert
    texts = [line.strip() for name in files for line in Path(name).read_text(encoding="utf-8").splitlines()]
    texts = [text for text in texts if 40 <= len(text) <= 400 and "?" not in text]
    chance.shuffle(texts)
    simplified = scripts().simplified
    made = (mirror_text(text.translate(simplified), convert) for text in texts[: 2 * PARAGRAPHS])
    return [text for text in made if "〇" not in text][:PARAGRAPHS]


def pages(texts: list[str]) -> list[tuple[list[Damaged], list[str]]]:
    """Pages of paragraphs with one gloss table of 10 to 70 characters each, a third of the cuts fired."""
    chance = random.Random(2)
    made = []
    for at in range(0, len(texts), ON_PAGE):
        page = texts[at : at + ON_PAGE]
        table = gloss_table(tuple(page), chance.randint(10, 70), chance)
        fired = [
            damage(text, table, lambda place: place.kind == "cut" and chance.random() < 1 / 3)
            for text in page
        ]
        made.append((fired, page))
    return made


def outcomes(
    repairer: Repairer, made: list[tuple[list[Damaged], list[str]]], drop: bool
) -> tuple[dict[str, int], int]:
    """What became of the paragraphs that were damaged in their bytes, and how many those are.

    With `drop`, only those that lose private-use characters on the way count.
    """
    counts = dict.fromkeys(
        ["exact", "□ (bytes are lost)", "marked with alternatives", "left damaged", "wrong without a mark"], 0
    )
    damaged = 0
    for fired, page in made:
        observed = [PRIVATE_USE.sub("", item.text) if drop else item.text for item in fired]
        restored = repairer.restore("\n".join(observed))
        lines = restored.text.split("\n")
        if len(lines) != len(page):
            raise SystemExit("a paragraph was lost")
        edits = [e for name, change in restored.changes if name == "repair" for e in change.edits]
        begin = 0
        for item, seen, line, clean in zip(fired, observed, lines, page, strict=True):
            end = begin + len(seen)
            doubtful = any(begin <= edit.start < end and edit.alternatives for edit in edits)
            begin = end + 1
            if seen == item.text if drop else all(place.kind == "gloss" for place in item.places):
                continue
            damaged += 1
            if line == clean:
                counts["exact"] += 1
            elif "□" in line:
                counts["□ (bytes are lost)"] += 1
            elif doubtful:
                counts["marked with alternatives"] += 1
            else:
                counts["left damaged" if "?" in line else "wrong without a mark"] += 1
    return counts, damaged


def speed(work: Callable[[str], object], texts: list[str]) -> float:
    """MB of UTF-8 a CPU second."""
    size = sum(len(text.encode()) for text in texts)
    start = time.process_time()
    for text in texts:
        work(text)
    return size / (time.process_time() - start) / 1e6


def main() -> None:
    """Print the figures."""
    repairer = Repairer(RepairSettings())
    texts = paragraphs(sys.argv[1:])
    made = pages(texts)
    print(f"paragraphs {len(texts)}")  # noqa: T201 - what it prints is its result
    for title, drop in (("as damaged", False), ("private-use characters dropped on the way", True)):
        counts, damaged = outcomes(repairer, made, drop)
        print(f"damaged in their bytes, {title}: {damaged}")  # noqa: T201 - what it prints is its result
        for name, count in counts.items():
            print(f"  {name:24} {count:6} {count / max(1, damaged):7.2%}")  # noqa: T201 - what it prints is its result
    clean_pages = ["\n".join(page) for _, page in made]
    dirty_pages = ["\n".join(item.text for item in fired) for fired, _ in made]
    rows: list[tuple[str, Callable[[str], object]]] = [
        ("repair", lambda text: repairer.restore(text).text),
        ("ftfy.fix_text", ftfy.fix_text),
        ("regex removal", lambda text: _PLAIN.sub("", text)),
    ]
    print(f"MB/s a core {'clean':>12} {'damaged':>12} {'paragraphs exact':>18}")  # noqa: T201 - what it prints is its result
    for name, work in rows:
        fast, slow = speed(work, clean_pages), speed(work, dirty_pages)
        right = 0
        for fired, page in made:
            lines = str(work("\n".join(item.text for item in fired))).split("\n")
            right += sum(a == b for a, b in zip(lines, page, strict=False))
        print(f"{name:14} {fast:9.1f} {slow:12.2f} {right / len(texts):18.2%}")  # noqa: T201 - what it prints is its result


if __name__ == "__main__":
    main()
