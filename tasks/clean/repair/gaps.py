"""Shifted stretches from which private-use characters were dropped on the way.

Such a character held the trail byte of one clean character and the lead byte of the next; both are
lost, but they must together name a user-defined area, which leaves few possibilities.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tasks.clean.repair.codepage import BYTES, PAIRS, pair
from tasks.clean.repair.gloss import GLOSS
from tasks.clean.repair.language import LanguageModel
from tasks.clean.repair.readings import reads
from tasks.clean.repair.shift import Reading, State, Tables, Walker

_FOLLOWS: Final[dict[int, tuple[int, ...]]] = {}
"""Lead bytes of private-use characters with their trail bytes."""
for _number, _character in PAIRS.items():
    if "\ue000" <= _character <= "\uf8ff":
        _FOLLOWS[_number >> 8] = (*_FOLLOWS.get(_number >> 8, ()), _number & 0xFF)
_COST: Final = -3.0
"""Cost of a dropped character: few of the characters of a shifted stretch are private-use."""
_MEAN: Final = 7.0
"""Cost of a character that makes no text better or worse."""
_BEFORE: Final = 6
"""Characters before a doubtful place where what makes it so may have been dropped."""
_FARTHEST: Final = 10
_BEAM: Final = 8
_AGAIN: Final = 3
_MOST: Final = 3
"""Places of a stretch where characters may be missing."""
_HEADS: Final = 5


_BETWEEN: Final = "，。、“”：；"


class GapWalker:
    """Readings of stretches with a few places where private-use characters are missing."""

    def __init__(
        self, text: str, model: LanguageModel, tables: Tables, walker: Walker, glossed: Mapping[str, str]
    ) -> None:
        self._text = text
        self._model = model
        self._tables = tables
        self._walker = walker
        self._glossed = glossed

    def readings(self, start: int, pending: int, near: int) -> list[Reading]:
        """Readings with a gap about `near` clean characters on or later.

        The walk begins at `start` with `pending` waiting for its trail byte.
        """
        found: list[Reading] = []
        states = [State(start, pending, "", 0, (), 0.0)]
        for known in (max(0, near - _BEFORE), *[0] * (_MOST - 1)):
            opened: list[State] = []
            for state in states:
                for place in self._places(state, known):
                    for item in self._gap(place):
                        if isinstance(item, Reading):
                            found.append(item)
                        else:
                            opened.append(item)
            opened.sort(key=self._rank, reverse=True)
            states = opened[:_BEAM]
            for state in states:
                for reading in self._walker.walk(
                    state.index, state.pending, state.clean, state.size, state.marks
                ):
                    found.append(
                        Reading(
                            reading.clean, reading.end, reading.marks, reading.swaps, reading.lossy,
                            reading.cost + state.cost, state.gap,
                        )
                    )  # fmt: skip
            states = states[:_AGAIN]
        return found

    def _rank(self, state: State) -> float:
        """How good a state is; what follows it counts as far as it makes sense: there may be more gaps."""
        text = self._model.simplify(state.clean + self._ahead(state))
        best = self._model.forward(text)
        first = len(state.clean)
        return max(best[size] + _MEAN * size for size in range(first, len(text) + 1)) + state.cost

    def _ahead(self, state: State, most: int = 4) -> str:
        """The clean characters that follow a state without another gap."""
        pending, shown = state.pending, ""
        for character in self._text[state.index : state.index + most]:
            number = BYTES.get(character)
            whole = pair(pending, (number >> 8) if number else ord(character)) if character >= "@" else None
            if whole is None or "\ue000" <= whole <= "\uf8ff":
                break
            shown += whole
            if number is None:
                break
            pending = number & 0xFF
        return shown

    def _places(self, state: State, known: int) -> list[State]:
        """The states a walk without a gap passes through after the first `known` characters."""
        places = [state]
        for _ in range(known + _FARTHEST):
            character = self._text[state.index : state.index + 1]
            number = BYTES.get(character)
            if character == "(":
                gloss = GLOSS.match(self._text, state.index)
                if not gloss or not reads(self._text[state.index - 1], gloss[1]):
                    break
                marks = (*state.marks, (state.size + 1, gloss[0]))
                state = State(
                    gloss.end(), state.pending, state.clean, state.size, marks, state.cost, state.gap
                )
                continue
            if number is None or number & 0xFF < 0x81:
                break
            whole = pair(state.pending, number >> 8)
            if whole is None or "\ue000" <= whole <= "\uf8ff":
                break
            state = State(
                state.index + 1,
                number & 0xFF,
                state.clean + whole,
                state.size + 2,
                state.marks,
                state.cost,
                state.gap,
            )
            places.append(state)
        return places[known:]

    def _gap(self, state: State) -> list[Reading | State]:
        """What a private-use character dropped here may have held."""
        tables, clean = self._tables, state.clean
        character = self._text[state.index : state.index + 1]
        number = BYTES.get(character)
        heads = []
        for lead in _FOLLOWS:
            head = tables.known(state.pending, lead)
            if head is not None:
                score = self._model.score(clean[-3:] + head)
                heads.append((score + self._goes_on(head, lead, number), head, lead))
        heads.sort(reverse=True)
        cost = state.cost + _COST
        gap = state.gap if state.gap >= 0 else len(clean)
        found: list[Reading | State] = []
        for rank, (_, head, lead) in enumerate(heads[:_HEADS]):
            text = clean + head
            if number is not None:
                found += self._after(state, text, state.size + 2, _FOLLOWS[lead], number, cost, 3)
                for mark in _BETWEEN if rank < 2 else "":
                    # Two dropped in a row, with a punctuation mark between the characters they held.
                    middle = BYTES[mark]
                    if middle >> 8 in _FOLLOWS[lead] and middle & 0xFF in _FOLLOWS:
                        follows = _FOLLOWS[middle & 0xFF]
                        found += self._after(
                            state, text + mark, state.size + 4, follows, number, cost + _COST, 2
                        )
            elif "@" <= character <= "~":
                finals = [tables.known(follow, ord(character)) for follow in _FOLLOWS[lead]]
                found += [
                    Reading(text + final, state.index + 1, state.marks, (), 0, cost, gap)
                    for final in finals
                    if final is not None
                ]
            line = self._text[state.index : state.index + 40].partition("\n")[0]
            if lead < 0xA8 and 0 <= line.find("]") < (line + "[").find("["):
                found.append(Reading(text + "[", state.index, state.marks, (), 0, cost, gap))
        return found

    def _goes_on(self, head: str, lead: int, number: int | None) -> float:
        """How much more than by themselves a character goes with one that a gap may have held after it."""
        if number is None:
            return 0.0
        key = (head, lead, number >> 8)
        best = self._tables.joined.get(key)
        if best is None:
            best = 0.0
            for follow in _FOLLOWS[lead]:
                tail = self._tables.known(follow, number >> 8)
                if tail is not None:
                    best = max(best, self._model.together(head, tail))
            self._tables.joined[key] = best
        return best

    def _after(
        self,
        state: State,
        text: str,
        size: int,
        follows: tuple[int, ...],
        number: int,
        cost: float,
        count: int,
    ) -> list[Reading | State]:
        """The visible character after a gap: its first byte completes a character whose lead byte is lost."""
        tails = [
            tail
            for follow in follows
            if follow >= 0x81 and (tail := self._tables.known(follow, number >> 8)) is not None
        ]
        ahead = self._ahead(State(state.index + 1, number & 0xFF, "", 0, (), 0.0))
        gap = state.gap if state.gap >= 0 else len(state.clean)
        found: list[Reading | State] = []
        for _, tail in self._model.choose(text[-3:], tails, ahead, count):
            if number & 0xFF >= 0x81:
                found.append(
                    State(state.index + 1, number & 0xFF, text + tail, size + 2, state.marks, cost, gap)
                )
            elif number & 0xFF < 0x80:
                final = text + tail + chr(number & 0xFF)
                found.append(Reading(final, state.index + 1, state.marks, (), 0, cost, gap))
        return found


__all__ = ["GapWalker"]
