"""Normalisation of a text: characters, punctuation, spaces, lines, in this order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from config.settings import NormaliseSettings
from tasks.clean.characters import characters, compose_marks
from tasks.clean.edits import Trail
from tasks.clean.punctuation import pair_quotes, widen
from tasks.clean.spacing import lines, spaces
from tasks.tables import Change

_ROUNDS: Final = 5


class Normaliser:
    """Brings a text into the one form of the corpus."""

    def __init__(self, settings: NormaliseSettings) -> None:
        passes: list[tuple[str, Callable[[str], Change]]] = [
            ("characters", characters),
            ("marks", compose_marks),
        ]
        if settings.punctuation:
            passes.append(("punctuation", widen))
        if settings.quotes:
            passes.append(("quotes", pair_quotes))
        self._before = tuple(passes)

    def normalise(self, text: str) -> Trail:
        """Passes that changed the text, in order; the last one's text is the normal form."""
        return self._run(text, (*self._before, ("spaces", spaces), ("lines", lines)))

    def headline(self, text: str) -> str:
        """A title, author or source in the same form, on one line."""
        text = " ".join(text.split("\n"))
        trail = self._run(text, (*self._before, ("spaces", lambda line: spaces(line, headline=True))))
        return trail[-1][1].text if trail else text

    def _run(self, text: str, passes: tuple[tuple[str, Callable[[str], Change]], ...]) -> Trail:
        """Run the passes until none changes anything: what one removes can bring together what another joins."""
        trail: list[tuple[str, Change]] = []
        for _round in range(_ROUNDS):
            before = len(trail)
            for name, run in passes:
                change = run(text)
                if change.edits:
                    trail.append((name, change))
                    text = change.text
            if len(trail) == before:
                break
        return tuple(trail)
