"""The repair of one text: encoding accidents, then byte damage, then glosses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from config.settings import RepairSettings
from tasks.clean.repair.accidents import undo_accidents
from tasks.clean.repair.context import Context
from tasks.clean.repair.gloss import find_habit, strip_glosses
from tasks.clean.repair.language import LanguageModel, language_model
from tasks.clean.repair.page import Page
from tasks.clean.repair.sequence import SequenceModel
from tasks.clean.repair.shift import Tables
from tasks.clean.repair.sites import SiteRepair, may_be_cut, suspects
from tasks.tables import Change


@dataclass(frozen=True, slots=True)
class Restored:
    """A repaired text and how it came about."""

    text: str
    changes: tuple[tuple[str, Change], ...]
    """(name of the pass, its Change) in the order applied; passes that changed nothing are left out."""
    damage: Mapping[str, int]
    """Kinds of damage found and how often, repaired or not."""
    unrepaired: int
    """Damaged places that could not be repaired, lost digits among them."""


@lru_cache(1)
def _tools() -> tuple[LanguageModel, SequenceModel, Tables]:
    model = language_model()
    return model, SequenceModel(model), Tables(model)


class Repairer:
    """Repairs texts; cheap to construct, the language model is built when there is something to repair."""

    def __init__(self, settings: RepairSettings) -> None:
        self._settings = settings

    def restore(self, text: str, *, siblings: Mapping[str, str] = MappingProxyType({})) -> Restored:
        """The text as it was before it was damaged, as far as that can be proved.

        `siblings` are texts of other captures of the same article by their ids; they settle what
        stays ambiguous here, and the edit names the one that did.
        """
        changes: list[tuple[str, Change]] = []
        change, damage, unrepaired = undo_accidents(text, language_model)
        if change.edits:
            changes.append(("encoding", change))
            text = change.text
        habit = find_habit(text, self._settings.distinct_glosses)
        if may_be_cut(text) and (habit or suspects(text, language_model())):
            page = Page(text, habit.table if habit else {}, Context(text, siblings), *_tools())
            change, left_over = SiteRepair(page, self._settings, damaged=bool(habit)).run()
            if not habit and len(change.edits) >= self._settings.cuts_without_glosses:
                change, left_over = SiteRepair(page, self._settings).run()
            unrepaired += left_over
            if change.edits or left_over:
                damage["gbk_shift"] = len(change.edits) + left_over
            if change.edits:
                changes.append(("repair", change))
                text = change.text
        if habit:
            change = strip_glosses(text, habit)
            if change.edits:
                damage["pinyin_gloss"] = len(change.edits)
                changes.append(("gloss", change))
                text = change.text
        return Restored(text, tuple(changes), damage, unrepaired)


__all__ = ["Repairer", "Restored"]
