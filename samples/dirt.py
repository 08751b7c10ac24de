"""The dirt of the samples: what mirrors and forums do to a clean text, byte by byte where they work on bytes."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pypinyin
import yaml
from opencc import OpenCC

from tasks.clean.repair import Place, damage, mirror_text

HERE = Path(__file__).parent
DIRT: Mapping[str, Any] = yaml.safe_load((HERE / "dirt.yaml").read_text(encoding="utf-8"))
_NARROW = str.maketrans("，：；！？（）", ",:;!?()")


_BOT_WRITES = {"着": "著", "群": "群", "游": "游"}
"""Where the bot's plain table differs from OpenCC's character table."""


@functools.cache
def _converter() -> OpenCC:
    return OpenCC("s2t")


@functools.cache
def _traditional(character: str) -> str:
    return _BOT_WRITES.get(character) or str(_converter().convert(character))


def mirrored(text: str) -> str:
    """Simplified text as the mirror's bot makes it Traditional, character by character."""
    return mirror_text(text, _traditional)


def glosses(table: str) -> dict[str, str]:
    """Characters with the reading that the bot puts behind them: the first one, without a look at the context."""
    characters = dict.fromkeys(DIRT["gloss_tables"][table]) if table else {}
    return {
        character: pypinyin.pinyin(character, style=pypinyin.Style.TONE)[0][0] for character in characters
    }


def damaged(text: str, table: str = "", cut: str = "") -> str:
    """Mirror a clean Simplified text, then gloss the characters of a table and cut before the marks in `cut`.

    Raises ValueError if nothing is hit, or if marks are given and no byte is shifted: the capture would
    not show what it is said to show.
    """
    choose: Callable[[Place], bool] = lambda place: place.kind == "cut" and place.what in cut  # noqa: E731
    done = damage(mirrored(text), glosses(table), choose)
    if not done.places or (cut and all(place.kind == "gloss" for place in done.places)):
        raise ValueError(f"no such damage in {text[:30]!r}")
    return done.text


def narrowed(text: str) -> str:
    """Full-width punctuation written in ASCII."""
    return text.translate(_NARROW)


def questioned(text: str, every: int = 7) -> str:
    """No-break spaces that became question marks: one after the first character of every n-th paragraph start."""
    lines = text.split("\n")
    return "\n".join(
        f"{line[:1]}? {line[1:]}" if n % every == 2 and len(line) > 20 else line
        for n, line in enumerate(lines)
    )


def farm(start: int, count: int, *, services: bool = False) -> str:
    """A line of places as link farms put it under a page."""
    places = DIRT["places"].split()
    chosen = [places[(start + 7 * n) % len(places)] for n in range(count)]
    line = "| ".join(chosen) + "|"
    return line.replace(f"{chosen[9]}|", f"{chosen[9]}| {DIRT['services']}", 1) if services else line


def spun(text: str) -> str:
    """Synonyms put in for words, one after the other, blind to what stands around them."""
    for word, synonym in DIRT["spun"].items():
        text = text.replace(word, synonym)
    return text


def in_forum(title: str, body: str, time: str, *, user: str, views: int) -> str:
    """A text capture of a forum thread."""
    head = str(DIRT["forum_head"]).format(title=title, time=time, user=user, views=views)
    return f"{head}{body}{DIRT['forum_tail']}"


__all__ = ["DIRT", "damaged", "farm", "glosses", "in_forum", "mirrored", "narrowed", "questioned", "spun"]
