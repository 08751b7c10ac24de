"""A site's recipe applied to a page: its body and fields instead of those found by worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from selectolax.lexbor import LexborHTMLParser

from tasks.clean.dates import parse_time
from tasks.clean.metadata import load_labels
from tasks.clean.sites import Recipe, Recipes, select_body, select_text
from tasks.tables import Metadata

_MAX_PLAIN = 30


@dataclass(frozen=True, slots=True)
class Reading:
    """What a recipe found on a page."""

    recipe: Recipe
    body: str
    fields: Mapping[str, str]

    def over(self, metadata: Metadata) -> Metadata:
        """The metadata with the recipe's fields in place of what was found without it."""
        evidence = dict(metadata.evidence) | dict.fromkeys(self.fields, f"recipe {self.recipe.name}")
        return replace(metadata, **self.fields, evidence=evidence)


def read_by_recipe(
    recipes: Recipes, html: str, tree: LexborHTMLParser, url: str | None, captured_at: datetime | None
) -> Reading | None:
    """What the recipe for the page `html`, parsed as `tree`, finds; None without a recipe or body.

    What the recipe drops leaves the tree.
    """
    recipe = recipes.find(html, tree, url)
    if recipe is None:
        return None
    fields: dict[str, str] = {}
    if title := select_text(tree, recipe.title):
        fields["title"] = title
    for selector in recipe.published_at:
        if (text := select_text(tree, [selector])) and (time := parse_time(text, captured_at)):
            fields["published_at"] = time
            break
    labels = load_labels()
    for name, selectors in (("source", recipe.source), ("author", recipe.author)):
        for selector in selectors:
            text = select_text(tree, [selector])
            match = labels.values[name].search(text) if text else None
            value = match[1].strip() if match else text if text and len(text) <= _MAX_PLAIN else None
            if value:
                fields[name] = value
                break
    body = select_body(tree, recipe)
    return Reading(recipe, body, fields) if body else None
