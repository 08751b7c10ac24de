"""Normalisation of a text: characters, punctuation, spaces, lines, in this order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, NamedTuple

from config.settings import NormaliseSettings
from tasks.clean.characters import (
    BLANKS,
    NARROW,
    QUOTES,
    SUSPECTS,
    characters,
    compose_marks,
    kinds_in,
)
from tasks.clean.edits import Trail
from tasks.clean.punctuation import pair_quotes, widen
from tasks.clean.spacing import lines, spaces
from tasks.tables import Change

_ROUNDS: Final = 5


class _Pass(NamedTuple):
    name: str
    marks: int
    """The kinds of characters (tasks.clean.characters) without which it changes nothing; 0: it needs none."""
    run: Callable[[str], Change]


class Normaliser:
    """Brings a text into the one form of the corpus."""

    def __init__(self, settings: NormaliseSettings) -> None:
        passes = [_Pass("characters", SUSPECTS, characters), _Pass("marks", 0, compose_marks)]
        if settings.punctuation:
            passes.append(_Pass("punctuation", NARROW, widen))
        if settings.quotes:
            passes.append(_Pass("quotes", QUOTES, pair_quotes))
        self._body = [*passes, _Pass("spaces", BLANKS, spaces), _Pass("lines", 0, lines)]
        self._headline = [*passes, _Pass("spaces", BLANKS, partial(spaces, headline=True))]

    def normalise(self, text: str) -> Trail:
        """Passes that changed the text, in order; the last one's text is the normal form."""
        return _run(text, self._body)

    def headline(self, text: str) -> str:
        """A title, author or source in the same form, on one line."""
        text = " ".join(text.split("\n"))
        trail = _run(text, self._headline)
        return trail[-1][1].text if trail else text


def _run(text: str, passes: Sequence[_Pass]) -> Trail:
    """Run the passes until none changes anything: what one removes can bring together what another joins.

    Only empty lines bring nothing together when they go.
    """
    trail: list[tuple[str, Change]] = []
    kinds = kinds_in(text)
    for _round in range(_ROUNDS):
        settled = True
        for name, marks, run in passes:
            if marks and not marks & kinds:
                continue
            change = run(text)
            if change.edits:
                trail.append((name, change))
                text = change.text
                if any(edit.rule != "line.blank" for edit in change.edits):
                    settled = False
                    kinds = kinds_in(text)
        if settled:
            break
    return tuple(trail)
