"""HTML pages: the article, all of it, and nothing else."""

from tasks.clean.html.check import check_recipes
from tasks.clean.html.extractor import Extracted, Extractor

__all__ = ["Extracted", "Extractor", "check_recipes"]
