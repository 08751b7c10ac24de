"""A site's recipe applied to a page: its body and fields instead of those found by worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from selectolax.lexbor import LexborHTMLParser, LexborNode

from tasks.clean.dates import parse_time
from tasks.clean.html.outline import Outline
from tasks.clean.html.words import load_words
from tasks.clean.metadata import load_labels
from tasks.clean.sites import Recipe, Recipes, select_bodies, select_text, texts_around
from tasks.tables import Metadata

_MAX_PLAIN = 30


@dataclass(frozen=True, slots=True)
class Reading:
    """What a recipe found on a page."""

    recipe: Recipe
    bodies: list[str]
    """HTML of the body's blocks; of a thread one for each post."""
    heads: list[tuple[str | None, str | None]]
    """Author and time of each post; empty where the blocks are no posts."""
    fields: Mapping[str, str]

    def over(self, metadata: Metadata) -> Metadata:
        """The metadata with the recipe's fields in place of what was found without it."""
        evidence = dict(metadata.evidence) | dict.fromkeys(self.fields, f"recipe {self.recipe.name}")
        return replace(metadata, **self.fields, evidence=evidence)


def read_by_recipe(
    recipes: Recipes, outline: Outline, tree: LexborHTMLParser, url: str | None, captured_at: datetime | None
) -> Reading | None:
    """What the recipe for the page `tree`, read as `outline`, finds; None without a recipe or body.

    What the recipe drops leaves the tree.
    """
    recipe = recipes.find(" ".join({block.attributes for block in outline.blocks}), tree, url)
    if recipe is None:
        return None
    fields: dict[str, str] = {}
    if title := select_text(tree, recipe.title):
        fields["title"] = title
    for selector in recipe.published_at:
        if (text := select_text(tree, [selector])) and (time := parse_time(text, captured_at)):
            fields["published_at"] = time
            break
    for name, selectors in (("source", recipe.source), ("author", recipe.author)):
        for selector in selectors:
            if value := _value(name, select_text(tree, [selector])):
                fields[name] = value
                break
    nodes = select_bodies(tree, recipe)
    heads = [_head(recipe, node, captured_at) for node in nodes if recipe.posts]
    return Reading(recipe, [node.html or "" for node in nodes], heads, fields) if nodes else None


def _head(recipe: Recipe, node: LexborNode, captured_at: datetime | None) -> tuple[str | None, str | None]:
    """Author and time of the post `node`."""
    not_member = load_words().not_member
    authors = (_value("author", text) for text in texts_around(node, recipe.author))
    times = (parse_time(text, captured_at) for text in texts_around(node, recipe.published_at))
    author = next((name for name in authors if name and not not_member.fullmatch(name)), None)
    return author, next(filter(None, times), None)


def _value(name: str, text: str | None) -> str | None:
    """The value in the text of a field: behind its label, or a short text as it stands."""
    match = load_labels().values[name].search(text) if text else None
    return match[1].strip() if match else text if text and len(text) <= _MAX_PLAIN else None
