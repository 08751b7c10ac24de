"""Recipes for single sites: where a kind of site keeps title, body, time and source.

A recipe is a file config/sites/*.yaml: host patterns and CSS selectors, written against a site's
structure, with small example pages and what must come out of them as its own test.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError

from config.settings import CONFIG, SettingsError

_LEVELS = 8
_NAMES = re.compile(r"[.#]([\w-]+)")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Example(_Strict):
    """A small page written for the recipe, and what it must give."""

    name: str
    url: str
    html: str
    title: str | None = None
    text: str | None = None
    published_at: str | None = None
    source: str | None = None
    author: str | None = None


Selectors = Annotated[list[str], Field(description="CSS selectors; the first that finds text counts.")]


class Recipe(_Strict):
    """Where a kind of site keeps what."""

    name: Annotated[str, Field(min_length=1, pattern=r"^[a-z0-9_-]+$")]
    description: str
    hosts: Annotated[
        list[str], Field(description="Host patterns such as `*.example.cn`; empty: by marks only.")
    ] = []
    marks: Annotated[
        list[str],
        Field(description="CSS selectors of block elements that all must find something on the page."),
    ] = []
    title: Selectors = []
    body: Annotated[
        list[str], Field(min_length=1, description="CSS selectors; all blocks of the first that finds any.")
    ]
    published_at: Selectors = []
    source: Selectors = []
    author: Selectors = []
    drop: Annotated[list[str], Field(description="CSS selectors of what has to leave the body.")] = []
    posts: Annotated[bool, Field(description="Whether the body's blocks are posts of a thread.")] = False
    tests: Annotated[list[Example], Field(min_length=1)]

    @field_validator("marks", "title", "body", "published_at", "source", "author", "drop")
    @classmethod
    def _selectors(cls, selectors: list[str]) -> list[str]:
        probe = LexborHTMLParser("<html><body><p></p></body></html>")
        for selector in selectors:
            try:
                probe.css_first(selector)
            except SelectolaxError as error:
                raise ValueError(f"not a CSS selector: {selector!r}") from error
        return selectors

    @cached_property
    def _names(self) -> tuple[str, ...]:
        """The classes and ids that every page with the marks holds (of marks without alternatives)."""
        return tuple(
            name
            for mark in self.marks
            if "," not in mark and ":" not in mark
            for name in _NAMES.findall(mark)
        )

    def fits(self, names: str, tree: LexborHTMLParser, host: str | None) -> bool:
        """Whether the recipe is for the page `tree`: a host pattern matches (if there are any), all marks
        are found and their names stand in `names`, the attributes of the page's block elements."""
        if self.hosts and not any(fnmatchcase(host or "", pattern) for pattern in self.hosts):
            return False
        if not all(name in names for name in self._names):  # far cheaper than a search of the tree
            return False
        return bool(self.hosts or self.marks) and all(tree.css_first(mark) is not None for mark in self.marks)


@dataclass(frozen=True, slots=True)
class Recipes:
    """The recipes of a folder, those with host patterns first."""

    recipes: tuple[Recipe, ...]

    def find(self, names: str, tree: LexborHTMLParser, url: str | None) -> Recipe | None:
        """The recipe for the page `tree` whose block elements have the attributes `names`, or None."""
        try:
            host = urlsplit(url if "://" in url else f"//{url}").hostname if url else None
        except ValueError:
            host = None
        return next((recipe for recipe in self.recipes if recipe.fits(names, tree, host)), None)


def load_recipes(folder: Path = CONFIG / "sites") -> Recipes:
    """Read and check every recipe; raises SettingsError naming file and field."""
    recipes: list[Recipe] = []
    for file in sorted(folder.glob("*.yaml")):
        try:
            recipes.append(Recipe.model_validate(yaml.safe_load(file.read_text(encoding="utf-8"))))
        except ValidationError as error:
            lines = [
                f"{file}: {'.'.join(map(str, problem['loc']))}: {problem['msg']}"
                for problem in error.errors()
            ]
            raise SettingsError("\n".join(lines)) from error
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise SettingsError(f"{file}: cannot be read as YAML: {error}") from error
    return Recipes(tuple(sorted(recipes, key=lambda recipe: (not recipe.hosts, recipe.name))))


def select_text(tree: LexborHTMLParser, selectors: Iterable[str]) -> str | None:
    """The text of the first selector that finds any, white space collapsed; of a <meta> its content."""
    for selector in selectors:
        if (node := tree.css_first(selector)) is not None:
            text = node.attributes.get("content") if node.tag == "meta" else node.text()
            if text and (plain := " ".join(text.split())):
                return plain
    return None


def select_bodies(tree: LexborHTMLParser, recipe: Recipe) -> list[LexborNode]:
    """The body's blocks, without what has to be dropped; none if there is none with text."""
    for selector in recipe.body:
        nodes = [node for node in tree.css(selector) if node.text(strip=True)]
        if nodes:
            for node in nodes:
                for part in [part for drop in recipe.drop for part in node.css(drop)]:
                    part.decompose()
            return nodes
    return []


def texts_around(node: LexborNode, selectors: Iterable[str]) -> Iterator[str]:
    """The texts that the selectors find around `node`, selector by selector, the nearest first."""
    for selector in selectors:
        block = node.parent
        for _ in range(_LEVELS):
            if block is None or block.tag in ("body", "html"):
                break
            yield from filter(None, (" ".join(found.text().split()) for found in block.css(selector)))
            block = block.parent


@dataclass(frozen=True, slots=True)
class RecipeResult:
    """The outcome of one example of a recipe."""

    recipe: str
    example: str
    field: str
    expected: str
    found: str | None

    @property
    def passed(self) -> bool:
        """Whether what was found is what was expected."""
        return self.expected == self.found


def compare(recipe: Recipe, example: Example, found: dict[str, Any]) -> list[RecipeResult]:
    """Hold what was found on an example page against what the recipe expects, field by field."""
    expected = example.model_dump(exclude={"name", "url", "html"}, exclude_none=True)
    if "text" in expected:
        expected["text"] = expected["text"].strip()
    return [
        RecipeResult(recipe.name, example.name, name, value, found.get(name))
        for name, value in expected.items()
    ]
