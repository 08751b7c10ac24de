"""Before and after, side by side: what each rule changed in a capture and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, Final, Protocol

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tasks.clean.edits import Trail
from tasks.clean.sides import Piece, side_by_side
from tasks.pages import render
from tasks.tables import Capture, Metadata, Outcome

_CONTROLS: Final = {code: 0x2400 + code for code in range(0x20) if chr(code) not in "\n\t"} | dict.fromkeys(
    range(0x7F, 0xA0), 0x2421
)
"""Control characters as their pictures: a terminal would obey what a capture says."""
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


def explain_terminal(article: Explained, console: Console) -> None:
    """Print metadata, the rules that acted, and the changed lines side by side."""
    console.print(Text(_tame(article.capture.locator), style="bold"))
    for name, value in _facts(article).items():
        console.print(Text.assemble((f"{name:>13}  ", "dim"), _tame(value)))
    rules = Table(box=box.SIMPLE, title="What each rule did", title_justify="left")
    for heading in ("rule", "count", "reason", "before", "after"):
        rules.add_column(heading, justify="right" if heading == "count" else "left", overflow="fold")
    for row in article.edits:
        rules.add_row(
            *(Text(_tame(str(row[name]))) for name in ("rule", "count", "reason", "before", "after"))
        )
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
    if table.rows:  # of a capture that could not be read there is no text
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
    return render("explain.html", articles=shown)


def _facts(article: Explained) -> Mapping[str, str]:
    facts = {name: getattr(article.metadata, name) for name in _FIELDS}
    facts["outcome"] = f"{article.outcome.value}: {article.reason}"
    facts["script"] = article.script + (f", converted with {article.converted}" if article.converted else "")
    facts["damage"] = ", ".join(article.damage)
    return {name: value for name, value in facts.items() if value}


def _tame(text: str) -> str:
    return text.translate(_CONTROLS)


def _visible(piece: Piece) -> str:
    """The text of a piece; a changed piece that is white space alone is drawn."""
    text = _tame(piece.text)
    if piece.kind != "same" and text and not text.strip():
        return text.replace("\n", "↵").replace("\t", "→").replace(" ", "␣").replace("\u3000", "□")
    return text.rstrip("\n")
