"""What is known of a text before its damaged places are looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tasks.clean.repair.context import Context
from tasks.clean.repair.language import LanguageModel
from tasks.clean.repair.sequence import SequenceModel
from tasks.clean.repair.shift import Tables


@dataclass(frozen=True, slots=True)
class Page:
    """A damaged text and what its readings are judged by."""

    text: str
    glossed: Mapping[str, str]
    """Characters the page glosses, with their syllables; empty without such a habit."""
    context: Context
    model: LanguageModel
    pairs: SequenceModel
    tables: Tables


__all__ = ["Page"]
