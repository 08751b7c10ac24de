"""Before and after, side by side: what each rule changed in a capture and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any, Final, Protocol

from jinja2 import Environment, Template
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tasks.clean.edits import Trail, compose
from tasks.tables import Capture, Edit, Metadata, Outcome

_TEMPLATE: Final = Path(__file__).with_name("explain.html")
_LONG: Final = 8
"""Length from which an edit that keeps its length is shown character by character."""
_FIELDS: Final = ("title", "source", "author", "published_at", "editors")


class Explained(Protocol):
    """What is explained: an `Article` of tasks/article.py."""

    @property
    def capture(self) -> Capture: ...
    @property
    def outcome(self) -> Outcome: ...
    @property
    def reason(self) -> str: ...
    @property
    def metadata(self) -> Metadata: ...
    @property
    def original(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def trail(self) -> Trail: ...
    @property
    def script(self) -> str: ...
    @property
    def converted(self) -> str | None: ...
    @property
    def damage(self) -> tuple[str, ...]: ...
    @property
    def edits(self) -> list[dict[str, Any]]: ...


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


def explain_terminal(article: Explained, console: Console) -> None:
    """Print metadata, the rules that acted, and the changed lines side by side."""
    console.print(Text(article.capture.locator, style="bold"))
    for name, value in _facts(article).items():
        console.print(Text.assemble((f"{name:>13}  ", "dim"), value))
    rules = Table(box=box.SIMPLE, title="What each rule did", title_justify="left")
    for heading in ("rule", "count", "reason", "before", "after"):
        rules.add_column(heading, justify="right" if heading == "count" else "left", overflow="fold")
    for row in article.edits:
        rules.add_row(*(Text(str(row[name])) for name in ("rule", "count", "reason", "before", "after")))
    if article.edits:
        console.print(rules)
    table = Table(box=box.SIMPLE_HEAD, show_lines=True, expand=True)
    table.add_column("before", ratio=1, overflow="fold")
    table.add_column("after", ratio=1, overflow="fold")
    styles = {"same": "", "removed": "red strike", "added": "green"}
    for changed, group in groupby(side_by_side(article.original, article.trail), key=lambda row: row.changed):
        rows = list(group)
        if not changed:
            table.add_row(Text(f"… {len(rows)} unchanged", style="dim"), Text(""))
            continue
        for line in rows:
            table.add_row(
                *(
                    Text.assemble(*((_visible(piece), styles[piece.kind]) for piece in side))
                    for side in (line.before, line.after)
                )
            )
    console.print(table)


def explain_html(articles: Sequence[Explained]) -> str:
    """One self-contained page that shows the articles side by side; everything of a capture is escaped."""
    shown = [
        {
            "locator": article.capture.locator,
            "url": article.capture.url,
            "outcome": article.outcome.value,
            "facts": _facts(article),
            "edits": article.edits,
            "rows": side_by_side(article.original, article.trail),
            "text": article.text,
        }
        for article in articles
    ]
    return _template().render(articles=shown)


@lru_cache(maxsize=1)
def _template() -> Template:
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(_TEMPLATE.read_text("utf-8"))


def _facts(article: Explained) -> Mapping[str, str]:
    facts = {name: getattr(article.metadata, name) for name in _FIELDS}
    facts["outcome"] = f"{article.outcome.value}: {article.reason}"
    facts["script"] = article.script + (f", converted with {article.converted}" if article.converted else "")
    facts["damage"] = ", ".join(article.damage)
    return {name: value for name, value in facts.items() if value}


def _visible(piece: Piece) -> str:
    """The text of a piece; a changed piece that is white space alone is drawn."""
    text = piece.text
    if piece.kind != "same" and text and not text.strip():
        return text.replace("\n", "↵").replace("\t", "→").replace(" ", "␣").replace("\u3000", "□")
    return text.rstrip("\n")
