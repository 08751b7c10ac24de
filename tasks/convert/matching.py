"""Phrases in a text: which occurrences count where they overlap."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Final

from ahocorasick_rs import AhoCorasick, Implementation, MatchKind

Span = tuple[int, int]
"""Start and end of an occurrence."""

_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def _encodable(text: str) -> str:
    """The text with U+FFFD for lone surrogates, which have no UTF-8 form to search in."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return _SURROGATE.sub("\ufffd", text)
    return text


class Words:
    """A few words to be found from left to right, the longest at each place."""

    def __init__(self, words: Iterable[str]) -> None:
        self._find = AhoCorasick(
            words, MatchKind.LeftmostLongest, store_patterns=False
        ).find_matches_as_indexes

    def find(self, text: str) -> list[Span]:
        """Occurrences in order, none overlapping another."""
        return [(start, end) for _, start, end in self._find(_encodable(text))]


class Lexicon:
    """Many words, quick to build, for looking them up at a place."""

    def __init__(self, words: Collection[str]) -> None:
        self.words = words
        self.longest = max(map(len, words), default=0)
        masks: dict[str, int] = {}  # first two characters of words -> a bit for each length that occurs
        for word in words:
            head = word[:2]
            masks[head] = masks.get(head, 0) | 1 << len(word)
        lengths = {
            mask: tuple(length for length in range(self.longest, 0, -1) if mask >> length & 1)
            for mask in set(masks.values())
        }
        self.lengths = {head: lengths[mask] for head, mask in masks.items()}
        self.singles = {head for head in masks if len(head) == 1}

    def starting(self, text: str, start: int) -> list[int]:
        """Ends of all words that start at this place, the longest first."""
        ends = [
            start + length
            for length in self.lengths.get(text[start : start + 2], ())
            if text[start : start + length] in self.words and start + length <= len(text)
        ]
        if self.singles and text[start] in self.singles and (not ends or ends[-1] > start + 1):
            ends.append(start + 1)
        return ends

    def walk(self, text: str) -> list[Span]:
        """Words from left to right, the longest at each place."""
        spans = []
        start, lengths, singles = 0, self.lengths, self.singles
        while start < len(text):
            end = start + 1
            # Looked up here first: at most places no word starts, and a call would cost more than all else.
            if text[start : start + 2] in lengths or (singles and text[start] in singles):
                ends = self.starting(text, start)
                if ends:
                    end = ends[0]
                    spans.append((start, end))
            start = end
        return spans


class Phrases:
    """The phrases of one step, with their precedence and what they become.

    `dictionaries` in order of precedence. `leftward` chooses upstream's rule (from left to right)
    over that of opencc-python-reimplemented (the longest anywhere first). Most phrases become what
    `alone` makes of their characters one by one: they only keep others from matching. So the
    text is searched for those that differ, and the rest looked up around their occurrences.
    """

    def __init__(
        self, dictionaries: Sequence[Mapping[str, str]], alone: Callable[[str], str], *, leftward: bool
    ) -> None:
        self._leftward = leftward
        merged: dict[str, str] = {}
        for entries in reversed(dictionaries):
            merged.update(entries)
        self._owner: dict[str, int] = {}
        for number in range(len(dictionaries) - 1, 0, -1):
            self._owner.update(dict.fromkeys(dictionaries[number], number))
        for key in self._owner.keys() & dictionaries[0].keys():
            del self._owner[key]
        single = alone("\n".join(merged)).split("\n")
        values = [value if " " not in value else value.split(" ", 1)[0] for value in merged.values()]
        self.changes = {
            key: value for key, value, other in zip(merged, values, single, strict=True) if value != other
        }
        """The phrases that differ, with what they become."""
        self.lexicon = Lexicon(merged.keys())
        self._characters = frozenset("".join(merged))
        automaton = AhoCorasick(
            self.changes,
            store_patterns=False,
            # Searches a third faster as a DFA, which for many thousands of phrases would take 100 MB.
            implementation=Implementation.DFA if len(self.changes) < 2000 else Implementation.ContiguousNFA,
        )
        self._find = automaton.find_matches_as_indexes

    def find(self, text: str) -> list[Span]:
        """Occurrences of phrases that differ, overlapping ones too."""
        return [(start, end) for _, start, end in self._find(_encodable(text), overlapping=True)]

    def cover(self, text: str, place: int) -> bool:
        """Whether a phrase stands in the text at this place."""
        lengths, characters = self.lexicon.lengths, self._characters
        if text[place] in self.lexicon.singles:
            return True
        for start in range(place, max(-1, place - self.lexicon.longest), -1):
            if text[start] not in characters:
                return False
            known = lengths.get(text[start : start + 2])
            if known and start + known[0] > place:
                ends = self.lexicon.starting(text, start)
                if ends and ends[0] > place:
                    return True
        return False

    def settle(self, text: str, places: Iterable[Span], cuts: bytearray | None = None) -> list[Span]:
        """The occurrences of phrases that count, in order, at and around the given places.

        `places` are in order. `cuts` marks with 1 the offsets that no occurrence may reach over.
        """
        accepted: list[Span] = []
        done = 0
        for start, end in places:
            if start >= done:
                found, done = self._connected(text, start, end)
                if len(found) == 1 and cuts is None:
                    accepted += found
                elif found:
                    accepted += self._choose(text, found, done, cuts)
        return accepted

    def _connected(self, text: str, start: int, end: int) -> tuple[list[Span], int]:
        """All occurrences that overlap the place or one another, and where they end."""
        lexicon = self.lexicon
        lengths, singles, characters, reach = (
            lexicon.lengths,
            lexicon.singles,
            self._characters,
            lexicon.longest - 1,
        )
        found: list[Span] = []
        right, left = start, start - 1
        while True:
            while right < end:
                if text[right : right + 2] in lengths or text[right] in singles:
                    for stop in lexicon.starting(text, right):
                        found.append((right, stop))
                        end = max(end, stop)
                right += 1
            # Single characters reach no further than themselves: of interest only inside of what is connected.
            while left >= 0 and left >= start - reach:
                if text[left] not in characters:
                    return found, end
                known = lengths.get(text[left : left + 2])
                if known and left + known[0] > start:
                    ends = lexicon.starting(text, left)
                    if ends and ends[0] > start:
                        break
                left -= 1
            else:
                return found, end
            for place in range(left, start):
                for stop in lexicon.starting(text, place):
                    found.append((place, stop))
                    end = max(end, stop)
            start = left
            left -= 1

    def _choose(self, text: str, found: list[Span], end: int, cuts: bytearray | None) -> list[Span]:
        owner = self._owner

        def longest(span: Span) -> tuple[int, int, int]:
            return owner.get(text[span[0] : span[1]], 0) if owner else 0, span[0] - span[1], span[0]

        def leftmost(span: Span) -> tuple[int, int, int]:
            return span[0], owner.get(text[span[0] : span[1]], 0) if owner else 0, -span[1]

        found.sort(key=leftmost if self._leftward else longest)
        base = min(found)[0]
        taken = bytearray(end - base)
        accepted = []
        for start, stop in found:
            if taken.find(1, start - base, stop - base) < 0 and (
                cuts is None or cuts.find(1, start + 1, stop) < 0
            ):
                taken[start - base : stop - base] = b"\1" * (stop - start)
                accepted.append((start, stop))
        accepted.sort()
        return accepted
