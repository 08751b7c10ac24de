"""Pages made for the tests: our own prose, turned Traditional as a mirror does it, and damaged."""

from __future__ import annotations

import random
from functools import lru_cache
from pathlib import Path

import opencc

from tasks.clean.repair import Damaged, damage, mirror_text
from tasks.clean.repair.codepage import scripts
from tasks.clean.repair.readings import readings

CASES = Path(__file__).parents[2] / "cases" / "repair"


@lru_cache(1)
def prose() -> tuple[str, ...]:
    """Clean Traditional paragraphs, encodable in GBK."""
    lines = (CASES / "prose.txt").read_text(encoding="utf-8").splitlines()
    convert = opencc.OpenCC("s2t").convert
    return tuple(mirror_text(line, convert) for line in lines if line and not line.startswith("#"))


def gloss_table(paragraphs: tuple[str, ...], size: int, chance: random.Random) -> dict[str, str]:
    """A table of glosses: Traditional characters of the paragraphs with their usual readings."""
    traditional = sorted({c for text in paragraphs for c in text if scripts().is_traditional(c)})
    return {c: readings(c)[0] for c in chance.sample(traditional, min(size, len(traditional)))}


def damaged_page(seed: int, size: int = 40) -> tuple[list[Damaged], tuple[str, ...]]:
    """Damaged paragraphs of one page and the clean ones: a third of the triggers fired."""
    chance = random.Random(seed)
    paragraphs = prose()
    table = gloss_table(paragraphs, size, chance)
    return [
        damage(text, table, lambda place: place.kind == "cut" and chance.random() < 1 / 3)
        for text in paragraphs
    ], paragraphs
