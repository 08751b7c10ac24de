"""The word lists and patterns of config/lexicon, loaded and compiled once a process."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
import yaml
from ahocorasick_rs import AhoCorasick, Implementation, MatchKind

from config.settings import CONFIG
from tasks.clean.characters import code_points

_FOLDER: Final = CONFIG / "lexicon"


def fold(text: str) -> str:
    """Text as the lexicon writes it, of the same length: Simplified, ASCII forms half-width, plain spaces.

    Only for recognising: what is recognised is cut from the text itself.
    """
    # Ten times quicker than str.translate for a whole text.
    folded = _fold_table().take(code_points(text), mode="clip")
    return folded.tobytes().decode("utf-32-le", "surrogatepass")


@lru_cache(maxsize=1)
def _fold_table() -> np.ndarray[Any, np.dtype[np.uint32]]:
    """What every code point is folded to."""
    table = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
    table |= dict.fromkeys((0x3000, 0xA0, 0x2002, 0x2003, 0x09), 0x20)
    table |= {
        ord("丨"): ord("|"),
        ord("│"): ord("|"),
        ord("┃"): ord("|"),
        ord("┊"): ord("|"),
        ord("┆"): ord("|"),
        ord("〉"): ord(">"),
        ord("〔"): ord("["),
    }
    table |= {ord("〕"): ord("]")}
    rows = [row for row in (_FOLDER / "fold.txt").read_text("utf-8").splitlines() if not row.startswith("#")]
    for traditional, simplified in zip(rows[::2], rows[1::2], strict=True):
        table |= {ord(a): ord(b) for a, b in zip(traditional, simplified, strict=True)}
    codes = np.arange(0x110000, dtype=np.uint32)
    codes[list(table)] = list(table.values())
    return codes


@dataclass(frozen=True)
class Chrome:
    """The compiled content of chrome.yaml."""

    anywhere: re.Pattern[str]
    edge: re.Pattern[str]
    weak: re.Pattern[str]
    share_words: frozenset[str]
    nav_words: frozenset[str]
    forum_sign: re.Pattern[str]
    """Any of the signs."""
    forum_signs: tuple[re.Pattern[str], ...]
    forum_counter: re.Pattern[str]
    forum_copy: re.Pattern[str]
    forum_title: re.Pattern[str]
    forum_post: re.Pattern[str]
    forum_profile: re.Pattern[str]
    forum_end: re.Pattern[str]
    forum_buttons: re.Pattern[str]
    label: re.Pattern[str]
    label_inside: re.Pattern[str]
    """The same labels, also right behind a name."""
    label_noise: re.Pattern[str]
    outlet: re.Pattern[str]
    byline: re.Pattern[str]
    byline_words: tuple[str, ...]
    """One of them is in every by-line: looked for first, as the pattern is slow to find nothing."""


@lru_cache(maxsize=1)
def chrome() -> Chrome:
    """Patterns and words by which chrome is recognised; the name of the group that matched is the rule."""
    data: Mapping[str, Any] = yaml.safe_load((_FOLDER / "chrome.yaml").read_text("utf-8"))
    labels = "|".join(f"(?P<{name}>{pattern})" for name, pattern in data["labels"].items())
    return Chrome(
        anywhere=_groups(data["anywhere"]),
        edge=_groups(data["edge"]),
        weak=_groups(data["weak"]),
        share_words=frozenset(fold(data["share_words"]).lower().split()),
        nav_words=frozenset(fold(data["nav_words"]).lower().split()),
        forum_sign=_any(data["forum_signs"]),
        forum_signs=tuple(re.compile(sign, re.IGNORECASE) for sign in data["forum_signs"]),
        forum_counter=_any(data["forum_counter"]),
        forum_copy=_any(data["forum_copy"]),
        forum_title=_any(data["forum_title"]),
        forum_post=_any(data["forum_post"]),
        forum_profile=_any(data["forum_profile"]),
        forum_end=_any(data["forum_end"]),
        forum_buttons=_any(data["forum_buttons"]),
        label=re.compile(rf"(?:^|(?<=[^一-鿿]))(?:{labels})(?:\s*[:/|]\s*|(?<=于)\s*(?=\d))", re.IGNORECASE),
        label_inside=re.compile(rf"(?:{labels})\s*[:/|]\s*", re.IGNORECASE),
        label_noise=re.compile(data["label_noise"], re.IGNORECASE),
        outlet=_any([data["outlet"]]),
        byline=_any(data["byline"]),
        byline_words=tuple(data["byline_words"].split()),
    )


def _any(patterns: list[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.IGNORECASE)


def _groups(groups: Mapping[str, list[str]]) -> re.Pattern[str]:
    parts = [
        f"(?P<{name}>{'|'.join(f'(?:{pattern})' for pattern in patterns)})"
        for name, patterns in groups.items()
    ]
    return re.compile("|".join(parts), re.IGNORECASE)


@lru_cache(maxsize=1)
def places() -> Mapping[str, tuple[str, ...]]:
    """Names of counties, cities and districts with the codes of the provinces they lie in."""
    out: dict[str, tuple[str, ...]] = {}
    for row in (_FOLDER / "places.txt").read_text("utf-8").splitlines():
        if not row.startswith("#"):
            codes, names = row.split("\t")
            out |= dict.fromkeys(names.split(), tuple(codes.split(",")))
    return out


def _matcher(words: Sequence[str]) -> AhoCorasick:
    # The larger of its forms: a few hundred words take 2 ms to build and half the time to find.
    return AhoCorasick(words, matchkind=MatchKind.LeftmostLongest, implementation=Implementation.DFA)


@dataclass(frozen=True)
class Adverts:
    """The compiled content of adverts.yaml."""

    matcher: AhoCorasick
    words: tuple[str, ...]
    """The words by the matcher's pattern number."""


@lru_cache(maxsize=1)
def adverts() -> Adverts:
    """Words of adult, gambling, medical and trade advertising."""
    data: Mapping[str, str] = yaml.safe_load((_FOLDER / "adverts.yaml").read_text("utf-8"))
    words = tuple(dict.fromkeys(word for group in data.values() for word in fold(group).lower().split()))
    return Adverts(_matcher(words), words)


@dataclass(frozen=True)
class Spun:
    """The compiled content of spun.tsv."""

    matcher: AhoCorasick
    entries: tuple[tuple[str, str, float], ...]
    """(spun phrase, what stood there, weight), by the matcher's pattern number."""


@lru_cache(maxsize=1)
def spun() -> Spun:
    """Phrases that only synonym spinning writes."""
    entries = []
    for row in (_FOLDER / "spun.tsv").read_text("utf-8").splitlines():
        if row and not row.startswith("#"):
            phrase, original, weight = row.split("\t")
            entries.append((phrase, original, float(weight)))
    phrases = [phrase for phrase, _original, _weight in entries]
    return Spun(_matcher(phrases), tuple(entries))
