"""Phrases in a text: which occurrences count when they overlap."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from typing import Final

from ahocorasick_rs import AhoCorasick, Implementation, MatchKind

Match = tuple[int, int, int]
"""An occurrence: number of the phrase, start, end."""

_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def encodable(text: str) -> str:
    """The text with U+FFFD for lone surrogates, which have no UTF-8 form to search in."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return _SURROGATE.sub("\ufffd", text)
    return text


class Words:
    """Words found from left to right, the longest at each place."""

    def __init__(self, words: Iterable[str]) -> None:
        self._find = AhoCorasick(
            words, MatchKind.LeftmostLongest, store_patterns=False, implementation=Implementation.ContiguousNFA
        ).find_matches_as_indexes

    def find(self, text: str) -> list[Match]:
        """Occurrences in order, none overlapping another."""
        return self._find(encodable(text))


class Phrases:
    """The phrases of one step, with their precedence.

    `dictionaries` in order of precedence. `leftward` chooses upstream's rule (from left to right)
    over that of opencc-python-reimplemented (the longest anywhere first).
    """

    def __init__(self, dictionaries: Iterable[Mapping[str, str]], *, leftward: bool) -> None:
        owner: dict[str, int] = {}
        for number, entries in enumerate(dictionaries):
            for key in entries:
                owner.setdefault(key, number)
        self.keys = sorted(owner, key=len, reverse=True)
        if len(set(owner.values())) > 1:
            self.keys.sort(key=owner.__getitem__)
        self._leftward = leftward
        self._longest = max(map(len, self.keys))
        # A number that grows as precedence falls: one for all phrases of one dictionary and length.
        self._rank: list[int] = []
        previous, rank = None, 0
        for key in self.keys:
            if (place := (owner[key], len(key))) != previous:
                previous, rank = place, rank + 1
            self._rank.append(rank)
        self._find = AhoCorasick(
            self.keys, store_patterns=False,
            # Searched about a third faster as a DFA, which for tens of thousands of phrases takes 100 MB.
            implementation=Implementation.DFA if len(self.keys) < 2000 else Implementation.ContiguousNFA,
        ).find_matches_as_indexes

    def find(self, text: str) -> list[Match]:
        """All occurrences, overlapping ones too, in order of their ends."""
        return self._find(encodable(text), overlapping=True)

    def accept(self, found: list[Match], seeds: Iterable[int], cuts: bytearray | None = None) -> list[Match]:
        """Those of the occurrences that count, in order.

        Only looks at occurrences connected, by overlapping, with one of the `seeds` (numbers into
        `found`, ascending): what happens elsewhere is of no interest to the caller. `cuts` marks
        with 1 the offsets no match may reach over.
        """
        accepted: list[Match] = []
        count, position = len(found), 0
        for seed in seeds:
            if seed < position:
                continue
            first = seed
            _, start, end = found[seed]
            position = seed + 1
            grown = True
            while grown:
                grown = False
                while first and found[first - 1][2] > start:
                    first -= 1
                    start = min(start, found[first][1])
                ahead = position
                while ahead < count and found[ahead][2] - self._longest < end:
                    if found[ahead][1] < end:
                        end = found[ahead][2]
                        position = ahead + 1
                        if found[ahead][1] < start:
                            start, grown = found[ahead][1], True
                    ahead += 1
            if position - first == 1 and cuts is None:
                accepted.append(found[first])
            else:
                accepted += self._choose(found[first:position], start, end, cuts)
        return accepted

    def _choose(self, cluster: list[Match], begin: int, end: int, cuts: bytearray | None) -> list[Match]:
        rank = self._rank
        if self._leftward:
            cluster.sort(key=lambda match: (match[1], rank[match[0]]))
        else:
            cluster.sort(key=lambda match: (rank[match[0]], match[1]))
        taken = bytearray(end - begin)
        accepted = []
        for match in cluster:
            _, start, stop = match
            if taken.find(1, start - begin, stop - begin) < 0 and (cuts is None or cuts.find(1, start + 1, stop) < 0):
                taken[start - begin : stop - begin] = b"\1" * (stop - start)
                accepted.append(match)
        accepted.sort(key=lambda match: match[1])
        return accepted

    def covering(self, found: list[Match], positions: Iterable[int]) -> set[int]:
        """Numbers of the occurrences, one at least for each position that lies in any."""
        ends = [match[2] for match in found]
        numbers = set()
        for position in positions:
            number = bisect_right(ends, position)
            while number < len(found) and found[number][2] - self._longest <= position:
                if found[number][1] <= position:
                    numbers.add(number)
                    break
                number += 1
        return numbers
