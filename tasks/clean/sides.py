"""A text before and after, line by line, with the places that differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final

from tasks.clean.edits import Trail, compose
from tasks.tables import Edit

_LONG: Final = 8
"""Length from which an edit that keeps its length is shown character by character."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text in one of the columns."""

    text: str
    kind: str
    """same, removed or added."""
    rule: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """What stood in a line of the original, and what stands there now."""

    before: tuple[Piece, ...]
    after: tuple[Piece, ...]

    @property
    def changed(self) -> bool:
        """Whether anything differs."""
        return any(piece.kind != "same" for piece in (*self.before, *self.after))


def side_by_side(original: str, trail: Trail) -> list[Row]:
    """The original line by line with what the whole trail made of it.

    The texts of the left column, joined, are the original; those of the right one the result.
    """
    edits: tuple[Edit, ...] = ()
    for _name, change in trail:
        edits = compose(edits, tuple(_fine(change.edits)))
    rows: list[Row] = []
    left: list[Piece] = []
    right: list[Piece] = []

    def flush() -> None:
        if left or right:
            rows.append(Row(tuple(left), tuple(right)))
            left.clear()
            right.clear()

    def same(text: str) -> None:
        for line in text.splitlines(keepends=True):
            left.append(Piece(line, "same"))
            right.append(Piece(line, "same"))
            if line.endswith("\n"):
                flush()

    position = 0
    for edit in edits:
        same(original[position : edit.start])
        if edit.before:
            left.append(Piece(edit.before, "removed", edit.rule, edit.reason))
        if edit.after:
            right.append(Piece(edit.after, "added", edit.rule, edit.reason))
        if edit.before.endswith("\n"):
            flush()
        position = edit.start + len(edit.before)
    same(original[position:])
    flush()
    return rows


def _fine(edits: Sequence[Edit]) -> Iterator[Edit]:
    """Edits that exchange characters one for one, cut down to the characters that differ."""
    for edit in edits:
        if len(edit.before) != len(edit.after) or len(edit.before) < _LONG:
            yield edit
            continue
        position = 0
        pairs = zip(edit.before, edit.after, strict=True)
        for equal, group in groupby(pairs, key=lambda pair: pair[0] == pair[1]):
            run = list(group)
            if not equal:
                before, after = ("".join(column) for column in zip(*run, strict=True))
                yield replace(edit, start=edit.start + position, before=before, after=after, count=len(run))
            position += len(run)
