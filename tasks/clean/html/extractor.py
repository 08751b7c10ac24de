"""From a page to the article: the stages of extraction in their order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from selectolax.lexbor import LexborHTMLParser

from config.settings import ExtractSettings
from tasks.clean.html.about import describe
from tasks.clean.html.choose import choose
from tasks.clean.html.forum import labels
from tasks.clean.html.headline import find_headline, main_part, words_of
from tasks.clean.html.outline import body_markup, read_outline
from tasks.clean.html.prune import prune
from tasks.clean.html.render import render
from tasks.clean.html.trim import trim
from tasks.clean.html.words import load_words
from tasks.clean.metadata import read_statements
from tasks.tables import Metadata


@dataclass(frozen=True, slots=True)
class Extracted:
    """The article of a page."""

    title: str | None
    text: str
    metadata: Metadata
    kind: str
    """article, forum, list or empty."""
    link_density: float
    """Characters inside links / characters, of the chosen part, 0..1."""
    list_score: float
    """How much the page looks like a list of other pages, 0..1."""


class Extractor:
    """Finds the article in HTML pages, options compiled once."""

    def __init__(self, settings: ExtractSettings) -> None:
        self._settings = settings
        self._words = load_words()

    def extract(self, html: str, *, url: str | None = None, captured_at: datetime | None = None) -> Extracted:
        """The article of the page `html`; any text is accepted, a page without text gives an empty one."""
        words = self._words
        tree = LexborHTMLParser(html)
        statements = read_statements(tree, html)
        title = statements.title
        body = tree.body
        marks = (
            " ".join(value or "" for name, value in body.attributes.items() if name in ("id", "class"))
            if body
            else ""
        )
        forum = any(words.forum.search(text) for text in (title, marks, url or ""))
        outline = read_outline(body_markup(tree), words, 200_000)
        headline = find_headline(outline, title)
        choice = choose(outline, headline, forum=forum)
        lines: list[str] = []
        for block in choice.blocks:
            left_out = prune(outline, block, forum=forum)
            if forum:
                left_out = sorted((*left_out, *labels(outline, block, words)))
            lines += render(outline.markup(block, left_out))
        heading = words_of(outline.runs[headline]) if headline >= 0 else main_part(title)
        lines = trim(lines, heading, words)
        if forum and heading and heading not in lines[:3]:
            lines.insert(0, heading)
        metadata = describe(outline, statements, headline, choice.blocks[0], url=url, captured_at=captured_at)
        return Extracted(metadata.title, "\n".join(lines), metadata, "forum" if forum else "article", 0.0, 0.0)
