"""Edits as a thing to build, apply, compose and sum up.

A pass rewrites a text through a `Rewriter`; a trail is the list of (pass name, Change) of one
capture in order. Applying the trail to the text it began with gives the text it ended with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, Final

from tasks.tables import Change, Edit

Trail = tuple[tuple[str, Change], ...]

_EXAMPLE: Final = 120
"""Characters of an example kept in the summary of a rule."""


class EditError(ValueError):
    """Edits that do not fit the text they are applied to."""


class Rewriter:
    """Collects replacements in one text, in any order, and gives the Change."""

    def __init__(self, text: str) -> None:
        self.text: Final = text
        self._edits: list[Edit] = []

    def replace(self, start: int, end: int, after: str, rule: str, reason: str = "", count: int = 1) -> None:
        """Let text[start:end] become `after`; a replacement by itself is no edit and is left out."""
        before = self.text[start:end]
        if before != after:
            self._edits.append(Edit(rule, start, before, after, reason, count))

    def change(self) -> Change:
        """The new text with its edits in order. Raises EditError when two of them overlap."""
        if not self._edits:
            return Change(self.text)
        edits = tuple(sorted(self._edits, key=lambda edit: (edit.start, edit.start + len(edit.before))))
        return Change(apply(self.text, edits), edits)


def apply(text: str, edits: Iterable[Edit]) -> str:
    """Text after the edits of one pass.

    Raises EditError when an edit overlaps the one before it, lies outside the text, or its
    `before` is not what stands there.
    """
    parts = []
    position = 0
    for edit in edits:
        if edit.start < position:
            raise EditError(
                f"{edit.rule} at {edit.start} overlaps the edit before it, which ends at {position}"
            )
        if not text.startswith(edit.before, edit.start) or edit.start > len(text):
            raise EditError(
                f"{edit.rule} at {edit.start} expects {edit.before[:20]!r}, which does not stand there"
            )
        parts.append(text[position : edit.start])
        parts.append(edit.after)
        position = edit.start + len(edit.before)
    parts.append(text[position:])
    return "".join(parts)


def replay(text: str, trail: Iterable[tuple[str, Change]]) -> str:
    """Text after all passes of a trail, from their edits alone. Raises EditError as `apply` does."""
    for _name, change in trail:
        text = apply(text, change.edits)
    return text


def follow(offsets: Sequence[int], trail: Iterable[tuple[str, Change]]) -> list[int]:
    """Where the characters at `offsets` (rising) of the first text stand in the last one.

    An offset inside what an edit replaces moves to its end.
    """
    places = list(offsets)
    for _name, change in trail:
        moved = at = 0
        edits = change.edits
        for index, place in enumerate(places):
            while at < len(edits) and edits[at].start + len(edits[at].before) <= place:
                moved += len(edits[at].after) - len(edits[at].before)
                at += 1
            inside = at < len(edits) and edits[at].start < place
            places[index] = edits[at].start + moved + len(edits[at].after) if inside else place + moved
    return places


def compose(first: Sequence[Edit], second: Sequence[Edit]) -> tuple[Edit, ...]:
    """One list of edits that does what `first` and then `second` do.

    Edits of the two that overlap are united into one: rules joined by `+`, reasons by `; `,
    counts added.
    """
    shift = 0  # offset in the text between the two minus offset in the original
    placed: list[tuple[int, int, Edit, bool]] = []
    for edit in first:
        start = edit.start + shift
        placed.append((start, start + len(edit.after), edit, True))
        shift += len(edit.after) - len(edit.before)
    placed += [(edit.start, edit.start + len(edit.before), edit, False) for edit in second]
    placed.sort(key=lambda item: (item[0], item[1]))
    out: list[Edit] = []
    shift = position = 0
    while position < len(placed):
        end = placed[position][1]
        after = position + 1
        while after < len(placed) and placed[after][0] < end:
            end = max(end, placed[after][1])
            after += 1
        group = placed[position:after]
        out.append(_united(group, shift))
        shift += sum(len(edit.after) - len(edit.before) for _s, _e, edit, early in group if early)
        position = after
    return tuple(edit for edit in out if edit.before != edit.after)


def compose_all(trail: Iterable[tuple[str, Change]]) -> tuple[Edit, ...]:
    """One list of edits from the first text of a trail to its last."""
    whole: tuple[Edit, ...] = ()
    for _name, change in trail:
        if change.edits:
            whole = compose(whole, change.edits)
    return whole


def _united(group: list[tuple[int, int, Edit, bool]], shift: int) -> Edit:
    if len(group) == 1:
        start, _end, edit, early = group[0]
        return edit if early else replace(edit, start=start - shift)
    low, high = group[0][0], max(end for _start, end, _edit, _early in group)
    between = [""] * (high - low)
    for start, end, edit, early in group:
        between[start - low : end - low] = edit.after if early else edit.before
    text = "".join(between)
    before = _substitute(text, low, [(s, e, edit.before) for s, e, edit, early in group if early])
    after = _substitute(text, low, [(s, e, edit.after) for s, e, edit, early in group if not early])
    edits = [edit for _s, _e, edit, _early in group]
    return Edit(
        rule="+".join(dict.fromkeys(edit.rule for edit in edits)),
        start=low - shift,
        before=before,
        after=after,
        reason="; ".join(dict.fromkeys(edit.reason for edit in edits if edit.reason)),
        count=sum(edit.count for edit in edits),
        alternatives=tuple(dict.fromkeys(other for edit in edits for other in edit.alternatives)),
    )


def _substitute(text: str, low: int, places: list[tuple[int, int, str]]) -> str:
    parts = []
    position = 0
    for start, end, new in places:
        parts += [text[position : start - low], new]
        position = end - low
    parts.append(text[position:])
    return "".join(parts)


def summarise(
    trail: Iterable[tuple[str, Change]], hide: Callable[[str], str] | None = None
) -> list[dict[str, Any]]:
    """What each rule did: one dict a rule in the shape of EDIT_SUMMARY of tasks/tables.py, by name.

    The example is the first edit of the rule, put through `hide` where that is given (masking);
    `alternatives` are those of its first ambiguous edit.
    """
    hide = hide or str
    rules: dict[str, dict[str, Any]] = {}
    for _name, change in trail:
        for edit in change.edits:
            row = rules.get(edit.rule)
            if row is None:
                row = rules[edit.rule] = {
                    "rule": edit.rule,
                    "count": 0,
                    "removed": 0,
                    "added": 0,
                    "before": _short(hide(edit.before)),
                    "after": _short(hide(edit.after)),
                    "reason": edit.reason,
                    "alternatives": [],
                }
            row["count"] += edit.count
            row["removed"] += len(edit.before)
            row["added"] += len(edit.after)
            if edit.alternatives and not row["alternatives"]:
                row["alternatives"] = list(edit.alternatives)
    return [rules[name] for name in sorted(rules)]


def _short(text: str) -> str:
    return text if len(text) <= _EXAMPLE else f"{text[: _EXAMPLE - 1]}…"
