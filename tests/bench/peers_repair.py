"""What others make of damaged pages: the same generated pages through each, a table and a chart.

    python -m tests.bench.peers_repair [--peers PYTHON] [clean.txt ...]

PYTHON is an interpreter with trafilatura; without it, trafilatura is left out. Of data-juicer its
mappers' calls are made (fix_unicode: ftfy.fix_text; chinese_convert: OpenCC t2s; punctuation: ASCII forms;
white space: one space), since the package needs torch. A paragraph counts as
restored when it is the clean one but for script, width of punctuation and white space.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import ftfy
import opencc

from config.settings import RepairSettings
from tasks.clean.repair import Repairer
from tasks.clean.repair.codepage import scripts
from tasks.clean.repair.shift import fold
from tests.bench.repair import pages, paragraphs

CHART = Path(__file__).parents[2] / "docs" / "images" / "damage-peers.svg"
PAGES = 50
_EXTRACT = """
import sys, html, trafilatura
for page in sys.stdin.read().split("\\x00"):
    body = "".join(f"<p>{html.escape(line)}</p>" for line in page.split("\\n"))
    found = trafilatura.extract(f"<html><body><article>{body}</article></body></html>") or ""
    sys.stdout.write(found + "\\x00")
"""
_REGEX = re.compile(r"[(（][a-zāáǎàēéěèīíǐìōóǒòūúǔùüǖǘǚǜ]{1,6}[)）]|\?")


def _trafilatura(python: str, observed: list[str]) -> dict[str, str]:
    done = subprocess.run(
        [python, "-c", _EXTRACT], input="\0".join(observed), capture_output=True, text=True, check=True
    )
    return dict(zip(observed, done.stdout.split("\0"), strict=False))


def _juicer(text: str) -> str:
    """data-juicer's fix_unicode, chinese_convert, punctuation and white space mappers, one after the other."""
    text = opencc.OpenCC("t2s").convert(ftfy.fix_text(text))
    text = fold(text)
    return "\n".join(" ".join(line.split()) for line in text.split("\n"))


def _plain(line: str) -> str:
    return fold("".join(line.split()).translate(scripts().simplified)).replace("著", "着")


def chart(rows: list[tuple[str, float, float]]) -> str:
    """Bars: paragraphs restored, of all damaged ones and of those damaged in their bytes."""
    height, left, scale = 46, 190, 4.6
    total = 76 + height * len(rows)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 {total}" font-family="sans-serif" font-size="12">',
        f'<rect width="760" height="{total}" fill="white"/>',
        '<text x="16" y="24" font-size="14" font-weight="bold">Damaged paragraphs restored, %</text>',
        '<rect x="16" y="38" width="12" height="12" fill="#4878a8"/><text x="33" y="48">all damaged</text>',
        '<rect x="126" y="38" width="12" height="12" fill="#d08030"/>'
        '<text x="143" y="48">damaged in their bytes</text>',
    ]
    for number, (name, every, deep) in enumerate(rows):
        y = 62 + number * height
        parts.append(f'<text x="{left - 10}" y="{y + 22}" text-anchor="end">{name}</text>')
        for at, (value, colour) in enumerate(((every, "#4878a8"), (deep, "#d08030"))):
            top = y + at * 17
            parts.append(
                f'<rect x="{left}" y="{top}" width="{value * scale:.1f}" height="15" fill="{colour}"/>'
                f'<text x="{left + value * scale + 6:.1f}" y="{top + 12}">{value:.1f}</text>'
            )
    return "\n".join([*parts, "</svg>", ""])


def main(arguments: list[str]) -> None:
    """Print the table and write docs/images/damage-peers.svg."""
    python = ""
    if arguments[:1] == ["--peers"]:
        python, arguments = arguments[1], arguments[2:]
    made = pages(paragraphs(arguments))[:PAGES]
    observed = ["\n".join(item.text for item in fired) for fired, _ in made]
    repairer = Repairer(RepairSettings())
    simplify = opencc.OpenCC("t2s").convert
    systems: dict[str, Callable[[str], str]] = {
        "Qingyuan": lambda text: repairer.restore(text).text,
        "ftfy": ftfy.fix_text,
        "OpenCC t2s": simplify,
        "data-juicer's calls": _juicer,
        "regular expression": lambda text: _REGEX.sub("", text),
    }
    if python:
        extracted = _trafilatura(python, observed)
        systems["trafilatura"] = lambda text: extracted.get(text, "")
    rows = []
    for name, run in systems.items():
        every = deep = every_right = deep_right = 0
        for page, (fired, clean) in zip(observed, made, strict=True):
            lines = set(map(_plain, run(page).split("\n")))
            for item, text in zip(fired, clean, strict=True):
                if not item.places:
                    continue
                right = _plain(text) in lines
                in_bytes = any(place.kind != "gloss" for place in item.places)
                every, every_right = every + 1, every_right + right
                deep, deep_right = deep + in_bytes, deep_right + (right and in_bytes)
        rows.append((name, 100 * every_right / max(1, every), 100 * deep_right / max(1, deep)))
        sys.stdout.write(
            f"{name:22} {every} damaged: {rows[-1][1]:5.1f} %  {deep} in bytes: {rows[-1][2]:5.1f} %\n"
        )
    CHART.write_text(chart(rows), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
