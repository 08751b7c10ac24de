"""The harness of the site recipes: each runs on its own example pages."""

from __future__ import annotations

from pathlib import Path

from config.settings import CONFIG, ExtractSettings
from tasks.clean.html.extractor import Extractor
from tasks.clean.sites import RecipeResult, Recipes, compare, load_recipes


def check_recipes(folder: Path = CONFIG / "sites") -> list[RecipeResult]:
    """Run every recipe of the folder on its own example pages; one result for each expected field.

    Raises SettingsError for a recipe that is not valid.
    """
    recipes = load_recipes(folder)
    results: list[RecipeResult] = []
    for recipe in recipes.recipes:
        extractor = Extractor(ExtractSettings(), recipes=Recipes((recipe,)))
        for example in recipe.tests:
            page = extractor.extract(example.html, url=example.url)
            metadata = page.metadata
            found = {"title": page.title, "text": page.text, "published_at": metadata.published_at}
            found |= {"source": metadata.source, "author": metadata.author}
            results += compare(recipe, example, found)
    return results
