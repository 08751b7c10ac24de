"""HTML pages: the article, all of it, and nothing else."""

from tasks.clean.html.extractor import Extracted, Extractor

__all__ = ["Extracted", "Extractor"]
