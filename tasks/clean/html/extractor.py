"""From a page to the article: the stages of extraction in their order."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime

from selectolax.lexbor import LexborHTMLParser

from config.settings import ExtractSettings
from tasks.clean.html.about import describe
from tasks.clean.html.bounds import bounded
from tasks.clean.html.choose import Choice, choose
from tasks.clean.html.forum import labels
from tasks.clean.html.headline import find_headline, headline_text
from tasks.clean.html.lists import choose_list, list_score
from tasks.clean.html.markup import SEAM, body_markup
from tasks.clean.html.outline import Block, Outline, Span, read_outline
from tasks.clean.html.prune import prune, prune_list
from tasks.clean.html.recipe import read_by_recipe
from tasks.clean.html.render import render, render_plain
from tasks.clean.html.scripts import article_in_scripts
from tasks.clean.html.trim import trim
from tasks.clean.html.words import load_words
from tasks.clean.metadata import read_statements
from tasks.clean.sites import Recipes, load_recipes
from tasks.tables import Metadata


@dataclass(frozen=True, slots=True)
class Extracted:
    """The article of a page."""

    title: str | None
    text: str
    """Paragraphs apart by a line feed; of a forum page the title and the posts in their order."""
    metadata: Metadata
    kind: str
    """article, forum, list (a page of links to others) or empty (no text)."""
    link_density: float
    """Characters inside links / characters of the chosen part, 0..1."""
    list_score: float
    """How much the page looks like a list of other pages, 0..1."""
    cut: bool = False
    """Whether a bound of the settings left out the end of the page (max_characters, max_blocks)."""


class Extractor:
    """Finds the article in HTML pages; options and word lists are compiled once."""

    def __init__(self, settings: ExtractSettings, *, recipes: Recipes | None = None) -> None:
        """`recipes` are those of config/sites unless given; a wrong one raises SettingsError."""
        self._settings = settings
        self._recipes = load_recipes() if recipes is None else recipes
        self._words = load_words()

    def extract(
        self,
        html: str,
        *,
        url: str | None = None,
        captured_at: datetime | None = None,
        title: str | None = None,
    ) -> Extracted:
        """The article of the page `html`; any text is accepted, a page without text gives an empty one.

        `captured_at` is what relative times (3小时前) count from; `title` replaces the page's own.
        """
        cut = len(html) > self._settings.max_characters
        html = bounded(html, self._settings.max_characters, self._settings.max_depth)
        tree = LexborHTMLParser(html)
        statements = read_statements(tree)
        reading = read_by_recipe(self._recipes, html, tree, url, captured_at)
        page_title = title or (reading and reading.fields.get("title")) or statements.title
        forum = self._is_forum(tree, page_title, url)
        outline = self._outline(tree)
        if outline.blocks[0].text < self._settings.min_visible and (
            inner := article_in_scripts(html, statements)
        ):
            outline = self._outline(LexborHTMLParser(inner))
            forum = False
        headline = find_headline(outline, page_title)
        choice = choose(outline, headline, forum=forum)
        score = list_score(outline, choice.value, url, headed=headline >= 0 and choice.value > 25)
        heading = headline_text(outline, headline, page_title)
        if reading:
            forum = reading.recipe.posts
            kind = "forum" if forum else "article"
            lines = self._whole_lines(self._outline(LexborHTMLParser(reading.body)))
            heading = reading.fields.get("title", heading)
        elif not forum and score > self._settings.list_score:
            kind = "list"
            choice = Choice([choose_list(outline, self._words)], 0.0)
            lines = self._list_lines(outline, choice)
        else:
            kind = "forum" if forum else "article"
            lines = self._article_lines(outline, choice, forum)
        lines = trim(lines, heading, self._words)
        if forum and heading and heading not in lines[:3]:
            lines.insert(0, heading)
        metadata = describe(
            outline, statements, headline, choice.blocks[0], html, url=url, captured_at=captured_at
        )
        if reading:
            metadata = reading.over(metadata)
        size = sum(block.text + block.linked for block in choice.blocks)
        density = sum(block.linked for block in choice.blocks) / size if size else 0.0
        return Extracted(
            title or metadata.title,
            "\n".join(lines),
            metadata,
            kind if lines else "empty",
            round(density, 3),
            score,
            cut or outline.cut,
        )

    def _is_forum(self, tree: LexborHTMLParser, title: str, url: str | None) -> bool:
        body = tree.body
        names = (
            " ".join(value or "" for name, value in body.attributes.items() if name in ("id", "class"))
            if body
            else ""
        )
        return any(self._words.forum.search(text) for text in (title, names, url or ""))

    def _outline(self, tree: LexborHTMLParser) -> Outline:
        limit = self._settings.max_blocks
        outline = read_outline(body_markup(tree), self._words, limit)
        if outline.unreadable:
            outline = read_outline(body_markup(tree, prune=True), self._words, limit)
        return outline

    def _article_lines(self, outline: Outline, choice: Choice, forum: bool) -> list[str]:
        lines: list[str] = []
        template = labels(outline, choice.blocks, self._words) if forum else []
        for block in choice.blocks:
            left_out = sorted((*prune(outline, block, self._words, forum=forum), *template))
            lines += self._render(outline, block, [span for span in left_out if span[0] <= block.end])
        if not lines:
            for block in choice.blocks:
                lines += self._render(outline, block, [])
        return lines

    def _whole_lines(self, outline: Outline) -> list[str]:
        return self._render(outline, outline.blocks[0], [])

    def _list_lines(self, outline: Outline, choice: Choice) -> list[str]:
        return [
            line
            for block in choice.blocks
            for line in self._render(outline, block, prune_list(outline, block))
        ]

    def _render(self, outline: Outline, block: Block, left_out: list[Span]) -> list[str]:
        if block.end - block.start <= self._settings.max_fragment:
            return render(outline.markup(block, left_out))
        starts = [span[0] for span in left_out]
        runs = outline.runs[block.runs : block.runs_end]
        kept = (
            run
            for run in runs
            if not (at := bisect_right(starts, run.span[0])) or left_out[at - 1][1] <= run.span[0]
        )
        return render_plain(run.words.replace(SEAM, "") for run in kept)
