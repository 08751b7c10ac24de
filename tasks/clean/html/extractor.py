"""From a page to the article: the stages of extraction in their order."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

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
from tasks.clean.html.posts import find_posts, opening_author
from tasks.clean.html.prune import prune, prune_list
from tasks.clean.html.recipe import Reading, read_by_recipe
from tasks.clean.html.render import render, render_plain
from tasks.clean.html.scripts import article_in_scripts
from tasks.clean.html.trim import trim
from tasks.clean.html.words import load_words
from tasks.clean.metadata import read_statements
from tasks.clean.sites import Recipes, load_recipes
from tasks.tables import Metadata, Post


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
    posts: tuple[Post, ...] = ()
    """Of a forum page the posts, with their places in the text; what stands before the first is the title."""


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines of text, and for each the number of the post it belongs to, -1 for none."""

    texts: list[str]
    posts: list[int]

    def add(self, lines: list[str], starts: list[int], start: int) -> None:
        """Append the lines of the block that starts at piece `start`, where posts begin at `starts`."""
        post = bisect_right(starts, start) - 1
        for line in lines:
            for mark in _MARK.findall(line):
                post = bisect_right(starts, int(mark)) - 1
            if words := _MARK.sub("", line).strip() if SEAM in line else line:
                self.texts.append(words)
                self.posts.append(post)

    def begins(self, posts: list[Post], title: str, page: Metadata) -> tuple[Post, ...]:
        """The posts that have lines, each with the place in the text at which it begins; sentences
        between the title and the first of them are the opening post, whose head is the `page`'s."""
        time = page.published_at
        if any(post.published_at == time for post in posts) and not (page.author and len(time or "") == 10):
            time = None  # the page states no time but those of the answers
        opening = Post(0, page.author, time)
        found: list[Post] = []
        above = [
            text for text, number in zip(self.texts, self.posts, strict=True) if number < 0 and text != title
        ]
        offset, last = 0, -2 if not posts or any(map(_SENTENCE.search, above)) else -1
        for text, number in zip(self.texts, self.posts, strict=True):
            if number > last and not (number < 0 and text == title):
                found.append(replace(posts[number] if number >= 0 else opening, start=offset))
                last = number
            offset += len(text) + 1
        return tuple(found)


_SENTENCE: Final = re.compile("[，。！？；]")
_MARK: Final = re.compile(rf"{SEAM}(\d+){SEAM}")


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
        outline = self._outline(tree)
        reading = read_by_recipe(self._recipes, outline, tree, url, captured_at)
        page_title = title or (reading and reading.fields.get("title")) or statements.title
        forum = self._is_forum(tree, page_title, url)
        if outline.blocks[0].text < self._settings.min_visible and (
            inner := article_in_scripts(html, statements)
        ):
            outline = self._outline(LexborHTMLParser(inner))
            forum = False
        headline = find_headline(outline, page_title)
        choice = choose(outline, headline, self._words, forum=forum)
        score = list_score(outline, choice.value, url, headed=headline >= 0 and choice.value > 25)
        heading = headline_text(outline, headline, page_title)
        posts: list[Post] = []
        opener: str | None = None
        kind = "article"
        if reading:
            forum = reading.recipe.posts
            heading = reading.fields.get("title", heading)
            posts = [Post(0, *head) for head in reading.heads]
            lines = self._recipe_lines(reading)
        elif not forum and score > self._settings.list_score:
            kind = "list"
            choice = Choice([choose_list(outline, self._words)], 0.0)
            lines = self._list_lines(outline, choice)
        elif forum:
            found = find_posts(outline, choice.blocks, self._words, captured_at)
            posts = [post.at(0) for post in found]
            opener = opening_author(outline, headline, choice.blocks, found, self._words)
            lines = self._article_lines(outline, choice, forum, [post.start for post in found])
        else:
            lines = self._article_lines(outline, choice, forum, [])
        if forum:
            kind = "forum"
        start, end = trim(lines.texts, heading, self._words)
        lines = Lines(lines.texts[start:end], lines.posts[start:end])
        if lines.texts:
            lines.texts[-1] = self._words.ending.sub("", lines.texts[-1]) or lines.texts[-1]
        if forum and heading and heading not in lines.texts[:3]:
            lines = Lines([heading, *lines.texts], [-1, *lines.posts])
        text = "\n".join(lines.texts)
        metadata = describe(
            outline, statements, headline, choice.blocks[0], html, url=url, captured_at=captured_at
        )
        if reading:
            metadata = reading.over(metadata)
        elif opener and not metadata.author:
            metadata = replace(
                metadata, author=opener, evidence={**metadata.evidence, "author": "opening post"}
            )
        size = sum(block.text + block.linked for block in choice.blocks)
        density = sum(block.linked for block in choice.blocks) / size if size else 0.0
        return Extracted(
            title or metadata.title,
            text,
            metadata,
            kind if text else "empty",
            round(density, 3),
            score,
            cut or outline.cut,
            lines.begins(posts, heading, metadata) if forum else (),
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

    def _article_lines(self, outline: Outline, choice: Choice, forum: bool, posts: list[int]) -> Lines:
        """The lines of the chosen blocks; `posts` are the pieces at which posts begin."""
        lines = Lines([], [])
        template = labels(outline, choice.blocks, self._words) if forum else []
        marks = [(start, start) for start in posts]
        for block in choice.blocks:
            left_out = sorted((*prune(outline, block, self._words, forum=forum), *template, *marks))
            inside = [span for span in left_out if span[0] <= block.end]
            lines.add(self._render(outline, block, inside, layout=forum), posts, block.start)
        if not lines.texts:
            for block in choice.blocks:
                lines.add(self._render(outline, block, []), posts, block.start)
        return lines

    def _recipe_lines(self, reading: Reading) -> Lines:
        lines = Lines([], [])
        for number, body in enumerate(reading.bodies):
            outline = self._outline(LexborHTMLParser(f"<div>{body}</div>"))
            texts = self._render(outline, outline.blocks[0], [])
            lines.texts.extend(texts)
            lines.posts.extend([number if reading.heads else -1] * len(texts))
        return lines

    def _list_lines(self, outline: Outline, choice: Choice) -> Lines:
        lines = Lines([], [])
        for block in choice.blocks:
            lines.add(self._render(outline, block, prune_list(outline, block)), [], block.start)
        return lines

    def _render(
        self, outline: Outline, block: Block, left_out: list[Span], *, layout: bool = False
    ) -> list[str]:
        if block.end - block.start <= self._settings.max_fragment:
            return render(outline.markup(block, left_out), layout=layout)
        left_out = [span for span in left_out if span[0] < span[1]]
        starts = [span[0] for span in left_out]
        runs = outline.runs[block.runs : block.runs_end]
        kept = (
            run
            for run in runs
            if not (at := bisect_right(starts, run.begin)) or left_out[at - 1][1] <= run.begin
        )
        return render_plain(run.words.replace(SEAM, "") for run in kept)
