"""Makes config/lexicon/skeleton_characters.txt: `python -m tests.dedupe.freeze_characters`.

The table is part of the signatures: making it anew from newer dictionaries changes stored signatures,
so SIGNATURE_VERSION in tasks/dedupe/signatures.py has to rise with it.
"""

from __future__ import annotations

import unicodedata
from pathlib import Path

import opencc

from config.settings import CONFIG

FILE = CONFIG / "lexicon" / "skeleton_characters.txt"
EXTRA = {"著": "着"}
"""Mirrors that convert character by character write 著 for 着; OpenCC leaves the choice to phrases."""
HEAD = """\
# Which characters count as one in the skeleton of a text: the first of a line stands for the others.
# Frozen: made once by `python -m tests.dedupe.freeze_characters` from OpenCC's TSCharacters (first reading)
# and Unicode's compatibility ideographs (NFKC). A change of this file is a new SIGNATURE_VERSION.
"""


def table() -> dict[str, str]:
    """Character -> the Simplified character it counts as."""
    file = Path(opencc.__file__).parent / "dictionary" / "TSCharacters.txt"
    rows = (line.split("\t") for line in file.read_text(encoding="utf-8").splitlines())
    pairs = {one: many.split(" ")[0] for one, many in rows} | EXTRA
    for code in [*range(0xF900, 0xFB00), *range(0x2F800, 0x2FA20)]:
        plain = unicodedata.normalize("NFKC", chr(code))
        pairs[chr(code)] = pairs.get(plain, plain)
    return {one: other for one, other in pairs.items() if one != other}


def main() -> None:
    """Write the file."""
    groups: dict[str, list[str]] = {}
    for one, other in sorted(table().items()):
        groups.setdefault(other, []).append(one)
    lines = [target + "".join(group) for target, group in sorted(groups.items())]
    FILE.write_text(HEAD + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
