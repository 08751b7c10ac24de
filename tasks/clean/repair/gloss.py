"""Pinyin glosses `動(dòng)`: does a page show the habit of a machine, and removing them where it does."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tasks.clean.repair.codepage import BYTES, pair, scripts
from tasks.clean.repair.readings import LETTERS, SYLLABLE, readings, reads, sounds
from tasks.tables import Change, Edit

_HAN: Final = "\u3400-\u9fff"
GLOSS: Final = re.compile(rf"[(（] ?({SYLLABLE})[ \u3000]?[)）]")
"""A bracketed syllable; the character before it decides whether it is a gloss."""
_BROKEN: Final = re.compile(rf"[{_HAN}]\?(?=[{LETTERS}]*[āáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜ])({SYLLABLE}) ?[)）]")
"""A gloss that lost its opening bracket to an orphan byte: the handwriting of the byte editor."""
_LETTER_OR_HAN: Final = re.compile(f"[{_HAN}]")


@dataclass(frozen=True, slots=True)
class Habit:
    """What a page glosses."""

    table: Mapping[str, str]
    """Glossed character to its syllable."""
    evidence: int
    """Distinct Traditional characters glossed in running text, and broken glosses."""


def find_habit(text: str, distinct: int = 3) -> Habit | None:
    """The glossing habit of a machine, None where the page does not show it.

    A machine glosses Traditional characters only, always with a reading of that character, nearly
    always the first of the dictionary, and at every occurrence. A lesson or a dictionary glosses
    what its reader may not know: common and shared characters too, once, or as a headword that
    stands alone.
    """
    if ")" not in text and "）" not in text:
        return None
    glossed: Counter[str] = Counter()
    table: dict[str, str] = {}
    usual = shared = 0
    running: set[str] = set()
    is_traditional = scripts().is_traditional
    for match in GLOSS.finditer(text):
        start = match.start()
        character = text[start - 1] if start else ""
        if not "\u3400" <= character <= "\u9fff":
            continue
        if not reads(character, match[1]):
            continue
        if not is_traditional(character):
            shared += 1
            continue
        glossed[character] += 1
        table[character] = match[1]
        usual += reads_first(character, match[1])
        if _LETTER_OR_HAN.match(text, match.end()) or (start > 1 and _LETTER_OR_HAN.match(text, start - 2)):
            running.add(character)
    broken = len({match[0] for match in _BROKEN.finditer(text)}) if "?" in text else 0
    evidence = len(running) + broken
    total = sum(glossed.values())
    if evidence < distinct or not running:
        return None
    if shared > 0.1 * total or usual < 0.8 * total:
        return None
    occurrences = sum(text.count(character) for character in glossed)
    if total < 0.7 * occurrences:
        return None
    return Habit(table, evidence)


def reads_first(character: str, syllable: str) -> bool:
    """Whether the syllable is the first reading the dictionary gives for the character or its Simplified form."""
    syllable = syllable.strip()
    found = readings(character)
    if found[:1] == (syllable,):
        return True
    simplified = scripts().simplified.get(ord(character))
    return simplified is not None and readings(simplified)[:1] == (syllable,)


def strip_glosses(text: str, habit: Habit | None) -> Change:
    """Remove the glosses of a page that shows the habit; without a habit the text stays as it is."""
    if habit is None:
        return Change(text)
    edits = []
    parts = []
    last = 0
    for match in GLOSS.finditer(text):
        start = match.start()
        character = text[start - 1] if start else ""
        syllable = match[1]
        if "@" <= character <= "~" and start > 1:
            # The second byte of the character before and a letter spell a glossed character.
            before = BYTES.get(text[start - 2], 0)
            character = pair(before & 0xFF, ord(character)) or ""
            if not character or habit.table.get(character) != syllable:
                continue
        if not "\u3400" <= character <= "\u9fff":
            continue
        if not reads(character, syllable) and not (character in habit.table and sounds(character, syllable)):
            continue
        reason = f"{syllable} is a reading of {character}, and the page glosses {habit.evidence} characters like this"
        edits.append(Edit("gloss.strip", start, match[0], "", reason))
        parts.append(text[last:start])
        last = match.end()
    if not edits:
        return Change(text)
    parts.append(text[last:])
    return Change("".join(parts), tuple(edits))


def without_glosses(text: str) -> str:
    """The text without anything that looks like a gloss: context for a language model, not a result."""
    return GLOSS.sub("", text) if "(" in text or "（" in text else text


__all__ = ["GLOSS", "Habit", "find_habit", "strip_glosses", "without_glosses"]
