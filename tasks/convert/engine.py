"""OpenCC conversion, compiled: the output of opencc-python-reimplemented at many times its speed.

What the package does with a text, per step of the configuration: cut at separators; then, for each
dictionary in turn, take the longest match anywhere, the leftmost of equals, out of what is still
unmatched, until there is none. The same result in one pass: find all overlapping occurrences,
order them by (dictionary, longer first, start) and accept each that overlaps nothing accepted.
A last dictionary of single characters is a table look-up for whatever remained.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from typing import Final, NamedTuple

import ahocorasick_rs
import numpy as np
import numpy.typing as npt

from tasks.convert.dictionaries import Entries, Group, read_chain

SEPARATORS: Final = (
    "\\s\\-,.?!*　，。、；：？！…“”‘’『』「」﹁﹂—－（）《》〈〉～．／＼︒︑︔︓︿﹀︹︺︙︐［﹇］﹈︕︖︰︳︴︽︾︵︶｛︷｝︸﹃﹄【︻】︼"
)
"""Where the package cuts a text (inside of a character class); no phrase reaches across."""

_SEPARATOR = re.compile(f"[{SEPARATORS}]")
_SURROGATE = re.compile("[\ud800-\udfff]")

Codes = npt.NDArray[np.uint32]


class Traced(NamedTuple):
    """A converted text and the spans of its steps' inputs that phrases decided."""

    text: str
    phrases: list[tuple[int, int]]


class _Table:
    """A 1:1 table of characters as an array over code points."""

    def __init__(self, pairs: Mapping[str, str]) -> None:
        size = max(map(ord, pairs)) + 1
        self.codes: Codes = np.arange(size, dtype=np.uint32)
        for key, value in pairs.items():
            self.codes[ord(key)] = ord(value)

    def translate(self, text: str) -> str:
        if text.isascii():
            return text
        codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
        if int(codes.max()) < len(self.codes):
            codes = self.codes[codes]
        else:
            codes = np.where(codes < len(self.codes), self.codes[np.minimum(codes, len(self.codes) - 1)], codes)
        return codes.tobytes().decode("utf-32-le", "surrogatepass")


class _Step:
    """One step of a configuration."""

    def __init__(self, group: Group, without: Collection[str]) -> None:
        dictionaries = [
            {key: values[0] for key, values in entries.items() if key not in without}
            for entries in group.dictionaries
        ]
        last = dictionaries[-1]
        self._table: _Table | None = None
        if last and all(len(key) == len(value) == 1 for key, value in last.items()):
            self._table = _Table({key: value for key, value in last.items() if not _SEPARATOR.match(key)})
            dictionaries.pop()
        phrases: dict[str, tuple[int, str]] = {}
        for number, entries in enumerate(dictionaries):
            for key, value in entries.items():
                if key not in phrases and not _SEPARATOR.search(key):
                    phrases[key] = (number, value)
        order = sorted(phrases, key=lambda key: (phrases[key][0], -len(key)))
        self._values = [phrases[key][1] for key in order]
        ranks: dict[tuple[int, int], int] = {}
        self._rank = [ranks.setdefault((phrases[key][0], -len(key)), len(ranks)) for key in order]
        self._find: Callable[..., list[tuple[int, int, int]]] | None = None
        if order:
            automaton = ahocorasick_rs.AhoCorasick(
                order, store_patterns=False, implementation=ahocorasick_rs.Implementation.ContiguousNFA
            )
            self._find = automaton.find_matches_as_indexes

    def __call__(self, text: str, searched: str) -> Traced:
        out = self._table.translate(text) if self._table else text
        found = self._find(searched, overlapping=True) if self._find else ()
        if not found:
            return Traced(out, [])
        if len(found) > 1:
            rank = self._rank
            found.sort(key=lambda match: (rank[match[0]], match[1]))
        taken = bytearray(len(text))
        accepted = []
        for pattern, start, end in found:
            if taken.find(1, start, end) < 0:
                taken[start:end] = b"\1" * (end - start)
                accepted.append((start, end, pattern))
        accepted.sort()
        values = self._values
        parts = []
        position = 0
        for start, end, pattern in accepted:
            if out[start:end] != values[pattern]:
                parts += out[position:start], values[pattern]
                position = end
        parts.append(out[position:])
        return Traced("".join(parts), [(start, end) for start, end, _ in accepted])


class OpenCC:
    """A configuration of a dictionary package, compiled; `without` names keys to leave out of it."""

    def __init__(self, config: str, *, package: str = "opencc-python-reimplemented",
                 without: Collection[str] = ()) -> None:
        self.chain = read_chain(package, config)
        self._steps = [_Step(group, frozenset(without)) for group in self.chain.steps]

    def convert(self, text: str) -> str:
        """Convert a text of any length; lone surrogates stay what they are."""
        return self.trace(text).text

    def trace(self, text: str) -> Traced:
        """Convert a text and tell which places phrases decided, in offsets of each step's input."""
        phrases: list[tuple[int, int]] = []
        for step in self._steps:
            searched = _SURROGATE.sub("\ufffd", text)
            text, spans = step(text, searched)
            phrases += spans
        return Traced(text, phrases)


@lru_cache(maxsize=16)
def compiled(config: str, package: str, without: tuple[str, ...]) -> OpenCC:
    """The compiled configuration, shared by all who ask for the same one in this process."""
    return OpenCC(config, package=package, without=without)


__all__ = ["SEPARATORS", "Entries", "OpenCC", "Traced", "compiled"]
