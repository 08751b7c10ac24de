"""Converting a document paragraph by paragraph, and only what is due."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from operator import ne
from pathlib import Path
from typing import Final, NamedTuple

from config.settings import ConversionProfile, ConvertSettings
from tasks.convert.engine import OpenCC, Undecided
from tasks.convert.lexicon import SHIPPED, Exceptions, read_exceptions
from tasks.convert.script import LEAST_KANA, Evidence, Script, judge, total, weigh, weigh_each
from tasks.tables import Edit

_CLAUSE: Final = re.compile(r"[^。！？；：，、…!?;:,\s]*[。！？；：，、…!?;:,\s]+|[^。！？；：，、…!?;:,\s]+")
_LETTER: Final = "[A-Za-z0-9]"


@dataclass(frozen=True, slots=True)
class Converted:
    """A text after conversion."""

    text: str
    edits: tuple[Edit, ...]
    """What changed, in order; applying them to the input gives the text. The rule is `convert.` and
    the profile for a changed passage (count: characters), `convert.ambiguous` for a character that
    no phrase decided, whether it changed or not (alternatives: what else it might be)."""
    script: Script
    """Script of the text that came in."""
    profile: str | None
    """Profile applied; None if the text was left as it was."""
    changed: int
    """Number of characters that differ."""


class _Piece(NamedTuple):
    """A part of the text, without line feeds, in which something may change."""

    start: int
    end: int
    due: bool
    """To be converted; otherwise it is the rest of a mixed paragraph, where punctuation follows."""


class Converter:
    """Converts texts as the settings say. Compiles a profile when it is first used.

    Raises SettingsError when the settings name dictionaries or files that cannot be used.
    """

    def __init__(self, settings: ConvertSettings) -> None:
        self._settings = settings
        self._exceptions = read_exceptions([SHIPPED, *map(Path, settings.lexicon)])
        self._engines: dict[str, OpenCC] = {}
        self._marks = {target: _mark_pattern(exceptions) for target, exceptions in self._exceptions.items()}
        self._engine(settings.profile)

    def detect(self, text: str) -> Script:
        """Script of a text; Japanese if most of its Han characters stand in Japanese paragraphs."""
        return self._detect(text, weigh(text))

    def convert(self, text: str, *, profile: str | None = None) -> Converted:
        """Convert the paragraphs that are not in the script of the profile yet.

        Of a paragraph in both scripts only the clauses that are not. Japanese is left alone.
        `profile` names a profile of the settings, None means the general one; raises SettingsError
        when there is no such profile.
        """
        name = profile or self._settings.profile
        chosen = self._settings.named(name)
        engine = self._engine(name)
        evidence = weigh(text)
        if (
            chosen is None
            or engine is None
            or not (evidence.hant if chosen.target == "hans" else evidence.hans)
        ):
            return Converted(text, (), self._detect(text, evidence), None, 0)
        paragraphs = text.split("\n")
        starts = _starts(paragraphs)
        rows = weigh_each(text, starts)
        script = self._whole(rows)
        if script is Script.JA:
            return Converted(text, (), script, None, 0)
        pieces = self._pieces(starts, paragraphs, self._scripts(rows, script), chosen)
        reason = f"{script} text; {self._provenance(engine, chosen)}"
        edits: list[Edit] = []
        parts: list[str] = []
        position = 0
        for piece, after, undecided in self._run(engine, chosen, text, pieces):
            before = text[piece.start : piece.end]
            if before != after:
                edits += _edits(piece.start, before, after, undecided, f"convert.{name}", reason)
                parts += text[position : piece.start], after
                position = piece.end
        if not edits:
            return Converted(text, (), script, None, 0)
        parts.append(text[position:])
        changed = sum(edit.count for edit in edits if edit.before != edit.after)
        return Converted("".join(parts), tuple(edits), script, name, changed)

    def _provenance(self, engine: OpenCC, profile: ConversionProfile) -> str:
        without = f" without {' '.join(profile.without)}" if profile.without else ""
        words = len(self._exceptions[profile.target].words)
        own = f"; {words} words of its own" if words else ""
        return f"{self._settings.dictionaries} {engine.version}, {profile.config}{without}{own}"

    def _engine(self, name: str) -> OpenCC | None:
        if name not in self._engines:
            profile = self._settings.named(name)
            if profile is None:
                return None
            exceptions = self._exceptions[profile.target]
            self._engines[name] = _compiled(
                profile.config,
                self._settings.dictionaries,
                tuple(profile.without),
                tuple(exceptions.words.items()),
                tuple(exceptions.undecided.items()),
            )
        return self._engines[name]

    def _judge(self, evidence: Evidence) -> Script:
        return judge(evidence, mixed_share=self._settings.mixed_share, kana_share=self._settings.kana_share)

    def _detect(self, text: str, evidence: Evidence) -> Script:
        if evidence.kana < LEAST_KANA:  # no paragraph is Japanese
            return self._judge(evidence)
        return self._whole(weigh_each(text, _starts(text.split("\n"))))

    def _whole(self, rows: Sequence[Evidence]) -> Script:
        chinese = [row for row in rows if self._judge(row) is not Script.JA]
        if len(chinese) < len(rows) and 2 * sum(row.han for row in chinese) < sum(row.han for row in rows):
            return Script.JA
        return self._judge(total(chinese)._replace(kana=0))

    def _scripts(self, rows: Sequence[Evidence], whole: Script) -> list[Script]:
        """The script of each piece; one without evidence goes with the whole, or in a mixed whole with
        the nearest before it that has some, or else the first."""
        scripts = [self._judge(row) for row in rows]
        told = [script for script in scripts if script in (Script.HANS, Script.HANT, Script.MIXED)]
        last = told[0] if told else Script.NONE
        for number, script in enumerate(scripts):
            if script is Script.NONE:
                scripts[number] = last if whole is Script.MIXED else whole
            elif script is not Script.JA:
                last = script
        return scripts

    def _pieces(
        self, starts: list[int], paragraphs: list[str], scripts: list[Script], profile: ConversionProfile
    ) -> list[_Piece]:
        pieces: list[_Piece] = []
        for start, paragraph, script in zip(starts, paragraphs, scripts, strict=True):
            if script is Script.MIXED:
                pieces += self._clauses(start, paragraph, profile)
            elif paragraph and script not in (Script.NONE, Script.JA, profile.target):
                pieces.append(_Piece(start, start + len(paragraph), due=True))
        return pieces

    def _clauses(self, start: int, paragraph: str, profile: ConversionProfile) -> list[_Piece]:
        clauses = _CLAUSE.findall(paragraph)
        starts = _starts(clauses, gap=0)
        scripts = self._scripts(weigh_each(paragraph, starts), Script.MIXED)
        return [
            _Piece(
                start + offset, start + offset + len(clause), due=script not in (Script.NONE, profile.target)
            )
            for offset, clause, script in zip(starts, clauses, scripts, strict=True)
        ]

    def _run(
        self, engine: OpenCC, profile: ConversionProfile, text: str, pieces: list[_Piece]
    ) -> Iterator[tuple[_Piece, str, list[Undecided]]]:
        # No phrase reaches across a line feed, so one call for all gives what single calls would.
        traced = engine.trace("\n".join(text[piece.start : piece.end] for piece in pieces if piece.due))
        results = iter(traced.text.split("\n"))
        undecided = traced.undecided
        number = start = place = 0
        for piece in pieces:
            own: list[Undecided] = []
            if piece.due:
                after = next(results)
                end = start + piece.end - piece.start
                while number < len(undecided) and undecided[number].start < end:
                    at = undecided[number]
                    own.append(Undecided(at.start - start, at.place - place, at.values))
                    number += 1
                start, place = end + 1, place + len(after) + 1
            else:
                after = text[piece.start : piece.end]
            pattern = self._marks[profile.target]
            if self._settings.punctuation and pattern:
                marks = self._exceptions[profile.target].marks
                after = pattern.sub(lambda match: marks[match.group()], after)  # noqa: B023 - called at once
            yield piece, after, own


@lru_cache(maxsize=8)
def _compiled(
    config: str,
    package: str,
    without: tuple[str, ...],
    words: tuple[tuple[str, str], ...],
    undecided: tuple[tuple[str, tuple[str, ...]], ...],
) -> OpenCC:
    """The compiled configuration, shared by all who ask for the same one in this process."""
    values = {key: options if len(options) > 1 else () for key, options in undecided}
    return OpenCC(config, package=package, without=without, words=dict(words), values=values)


def _mark_pattern(exceptions: Exceptions) -> re.Pattern[str] | None:
    """Finds the marks to change; ‘ or ’ between Latin letters or digits is an apostrophe."""
    if not exceptions.marks:
        return None
    marks = "|".join(map(re.escape, exceptions.marks))
    return re.compile(f"(?:{marks})(?<!{_LETTER}[‘’](?={_LETTER}))")


def _starts(pieces: Sequence[str], gap: int = 1) -> list[int]:
    return list(accumulate((len(piece) + gap for piece in pieces[:-1]), initial=0))


def _edits(
    start: int, before: str, after: str, undecided: list[Undecided], rule: str, reason: str
) -> Iterator[Edit]:
    position = reached = 0
    for at, place, values in [*undecided, Undecided(len(before), len(after), ())]:
        if before[position:at] != after[reached:place]:
            old, new = before[position:at], after[reached:place]
            yield Edit(rule, start + position, old, new, reason, _changed(old, new))
        if values:
            old, new = before[at], after[place]
            others = tuple(value for value in values[1:] if value != new)
            yield Edit(
                "convert.ambiguous", start + at, old, new, "no phrase of the dictionaries decides", 1, others
            )
        position, reached = at + 1, place + 1


def _changed(before: str, after: str) -> int:
    """Characters that differ; where the length changes, those from the first to the last difference."""
    if len(before) == len(after):
        return sum(map(ne, before, after))
    shorter = min(len(before), len(after))
    head = next(number for number in range(shorter + 1) if before[: number + 1] != after[: number + 1])
    tail = 0
    while tail < shorter - head and before[-1 - tail] == after[-1 - tail]:
        tail += 1
    return max(len(before), len(after)) - head - tail
