"""Repair of damaged Chinese: encoding accidents, byte shifts of mirror sites, pinyin glosses.

`Repairer` is the way back, `damage` the way there; codepage.py, readings.py and language.py hold
what both need to know of the code page, of pinyin and of Chinese words.
"""

from tasks.clean.repair.forward import Damaged, Place, damage, mirror_text
from tasks.clean.repair.gloss import Habit, find_habit, strip_glosses
from tasks.clean.repair.repairer import Repairer, Restored

__all__ = [
    "Damaged",
    "Habit",
    "Place",
    "Repairer",
    "Restored",
    "damage",
    "find_habit",
    "mirror_text",
    "strip_glosses",
]
