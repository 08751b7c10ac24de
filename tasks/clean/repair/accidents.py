"""Encoding accidents: text decoded with the wrong table, NBSP that became `?`, entities escaped twice.

Repaired where the inverse is exact: encoding the result and misreading it again gives what stood
there. Of UTF-8 read as GBK a byte here and there is often lost; the characters around it come back
by the same inverse, the lost ones are □ and counted. What was destroyed altogether (锟斤拷, U+FFFD)
is counted, not touched.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final

import ftfy.bad_codecs  # noqa: F401 - registers sloppy-windows-1252
import yaml

from config.settings import CONFIG
from tasks.clean.repair.language import LanguageModel
from tasks.clean.repair.shift import LOST
from tasks.tables import Change, Edit

_HAN: Final = "\u3400-\u9fff"
_CONTINUES: Final = re.escape(bytes(range(0x80, 0xC0)).decode("sloppy-windows-1252"))
_UPPER: Final = re.escape(bytes(range(0x81, 0xFF)).decode("latin-1"))
# One search each: an alternation of them is ten times slower.
_SUSPECTS: Final = (
    re.compile(f"[À-ÿ][\x80-\xff{_CONTINUES}]"),
    re.compile("锟斤|烫烫烫|屯屯屯|\ufffd|锛|銆|鐨|涓|鏄"),
    re.compile("&(?:#|[a-zA-Z])"),
    re.compile("~{"),
)
_LATIN_UTF8: Final = re.compile(
    f"(?:[ã-éï][\x80-\xbf{_CONTINUES}]{{2}}|[\x20-\x7e](?=[ã-éï][\x80-\xbf{_CONTINUES}]{{2}}))+"
)
_HZ: Final = re.compile(r"~\{(?:[!-}][!-~])+~\}")
"""HZ (RFC 1843): GB 2312 in seven bits, as mail and news groups carried it."""
_LATIN_GBK: Final = re.compile(f"[{_UPPER}]{{4,}}")
_GBK_UTF8: Final = re.compile(r"[^\x00-\x7f]{3,}\??")
_GBK_SIGN: Final = re.compile("[锛銆鐨涓鏄鍦浜绗鍚鎴鏈鍜]")
_LOST: Final = re.compile("(?:锟斤拷|锟斤|斤拷){2,}|锟斤拷|烫{3,}|屯{3,}|\ufffd+")
_INDENTED: Final = re.compile(rf"^\?{{2,8}}(?=[ ]?[{_HAN}“《（(])", re.MULTILINE)
_SPLIT_LABEL: Final = re.compile(rf"(?<=[\[【])[{_HAN}](?:\? ?[{_HAN}]){{1,4}}(?=[\]】])")
_SPLIT_HEAD: Final = re.compile(rf"(?<![{_HAN}])[{_HAN}](?:\? ?[{_HAN}]){{1,4}}(?= ?[：:])")
_ENTITY: Final = re.compile(
    r"&(?:amp;)+(?:#\d{2,7}|#x[0-9a-fA-F]{2,6}|[a-zA-Z]{2,8});"
    r"|&(?:nbsp|ldquo|rdquo|lsquo|rsquo|mdash|hellip|middot|bull|ensp|emsp);"
    r"|(?:&#(?:\d{4,6}|x[0-9a-fA-F]{4,5});)+"
)
_ABOUT_CODE: Final = re.compile("HTML|html|XML|实体|實體|转义|轉義|</|标签|標籤|entity|Entity")
_UNREADABLE: Final = re.compile("\ufffd+")
_MOST_LOST: Final = 0.25
"""Share of lost characters up to which a misread text is worth reading."""
_LIKELY: Final = -9.0
"""Mean cost of a character, natural logarithm, above which a decoded text is taken for Chinese."""


def _decoded(text: str, wrong: str, right: str) -> str | None:
    """`text`, once decoded as `wrong`, decoded as `right`; None where that is not exact."""
    try:
        result = text.encode(wrong).decode(right)
        return result if result.encode(right).decode(wrong) == text else None
    except (UnicodeEncodeError, UnicodeDecodeError):
        return None


class _Pass:
    """Collects the edits of the pass; places must not overlap, the first one wins."""

    def __init__(self, text: str, model: Callable[[], LanguageModel]) -> None:
        self.text = text
        self.edits: list[Edit] = []
        self.damage: dict[str, int] = {}
        self.unrepaired = 0
        self._model = model
        self._taken: list[tuple[int, int]] = []

    def chinese(self, text: str, least: int) -> bool:
        """Whether a decoded text is Chinese of at least `least` characters."""
        if sum("\u3400" <= character <= "\u9fff" for character in text) < least:
            return False
        return self._model().score(text) / len(text) > _LIKELY

    def edit(self, rule: str, kind: str, start: int, before: str, after: str, reason: str) -> None:
        end = start + len(before)
        if before == after or any(start < stop and begin < end for begin, stop in self._taken):
            return
        self._taken.append((start, end))
        self.edits.append(Edit(rule, start, before, after, reason))
        self.damage[kind] = self.damage.get(kind, 0) + 1

    def lost(self, kind: str, places: int, characters: int) -> None:
        self.damage[kind] = self.damage.get(kind, 0) + places
        self.unrepaired += characters

    def taken(self, start: int) -> bool:
        return any(begin <= start < stop for begin, stop in self._taken)


def _mojibake(work: _Pass) -> None:
    text = work.text
    for match in _LATIN_UTF8.finditer(text):
        part = match[0].lstrip(" -~")
        part = match[0][len(match[0]) - len(part) :]
        result = _decoded(part, "sloppy-windows-1252", "utf-8") or _decoded(part, "latin-1", "utf-8")
        if result and len(result) > 1 and work.chinese(result, 1):
            reason = "UTF-8 read as Windows-1252; misreading the repaired text gives what stood here"
            work.edit("mojibake.utf8-as-latin1", "mojibake", match.end() - len(part), part, result, reason)
    for match in _LATIN_GBK.finditer(text):
        result = _decoded(match[0], "latin-1", "gbk")
        if result and work.chinese(result, 2):
            reason = "GBK read as Latin-1; misreading the repaired text gives what stood here"
            work.edit("mojibake.gbk-as-latin1", "mojibake", match.start(), match[0], result, reason)
    for match in _HZ.finditer(text) if "HZ" not in text else ():
        result = _decoded(match[0], "ascii", "hz")
        if result and work.chinese(result, 1):
            reason = "Chinese in the seven bits of HZ; encoding the repaired text gives what stood here"
            work.edit("mojibake.hz", "mojibake", match.start(), match[0], result, reason)
    if any(edit.rule != "mojibake.hz" for edit in work.edits):
        # Between stretches that came back: the same accident, with bytes that were lost.
        rest = sum(not work.taken(match.start()) for match in _SUSPECTS[0].finditer(text))
        work.lost("mojibake", rest, rest)
    if not _GBK_SIGN.search(text):
        return
    for match in _GBK_UTF8.finditer(text):
        run = match[0]
        if not _GBK_SIGN.search(run):
            continue
        exact = _decoded(run, "gb18030", "utf-8")
        if exact:
            if work.chinese(exact, 2) and work.chinese(run, 0) is False:
                reason = "UTF-8 read as GBK; misreading the repaired text gives what stood here"
                work.edit("mojibake.utf8-as-gbk", "mojibake", match.start(), run, exact, reason)
        elif len(run) >= 6 and (found := _around_losses(run)):
            lost = found.count(LOST)
            if not work.chinese(found.replace(LOST, ""), 3):
                continue
            if lost <= _MOST_LOST * len(found):
                reason = f"UTF-8 read as GBK; {lost} characters lost bytes on the way"
                work.edit("mojibake.utf8-as-gbk", "mojibake", match.start(), run, found, reason)
                work.lost("mojibake", 0, lost)
            else:
                work.lost("mojibake", 1, len(run))


def _around_losses(run: str) -> str | None:
    """A run of UTF-8 read as GBK, read again, with LOST for characters that lack bytes; None if it is no GBK."""
    try:
        # A byte that no UTF-8 has stands for what a decoder could not read.
        pieces = [piece.encode("gb18030") for piece in _UNREADABLE.split(run.rstrip("?"))]
    except UnicodeEncodeError:
        return None
    return _UNREADABLE.sub(LOST, b"\xff".join(pieces).decode("utf-8", "replace"))


def _entities(work: _Pass) -> None:
    found = list(_ENTITY.finditer(work.text))
    if len(found) < 2 or _ABOUT_CODE.search(work.text):
        return
    for match in found:
        after = html.unescape(re.sub("&(?:amp;)+", "&", match[0])).replace("\xa0", " ")
        if after.startswith("&"):
            continue
        reason = "an HTML entity that was escaped twice, on a page that does not write about HTML"
        work.edit("entity.unescape", "double_escape", match.start(), match[0], after, reason)


@lru_cache(1)
def _labels() -> frozenset[str]:
    """Labels that are written with spaces between their characters."""
    data = yaml.safe_load((CONFIG / "lexicon" / "repair.yaml").read_text(encoding="utf-8"))
    return frozenset(data["spaced_labels"].split())


def _split_labels(text: str) -> list[re.Match[str]]:
    """Labels set apart with no-break spaces that became `?`: in brackets, or known ones before a colon."""
    known = (match for match in _SPLIT_HEAD.finditer(text) if re.sub("[? ]", "", match[0]) in _labels())
    return [*_SPLIT_LABEL.finditer(text), *known]


def _no_break_spaces(work: _Pass) -> None:
    text = work.text
    for match in _split_labels(text):
        after = match[0].replace("? ", " ").replace("?", " ")
        reason = "a label set apart with no-break spaces, which became question marks"
        work.edit("nbsp.question", "nbsp_as_question", match.start(), match[0], after, reason)
    indented = list(_INDENTED.finditer(text))
    lines = sum(1 for line in text.split("\n") if len(line) > 8)
    # A forum shouts ??? now and then; an indentation stands before most lines, always with one width.
    if len(indented) >= 3 and 2 * len(indented) >= lines and len({len(match[0]) for match in indented}) == 1:
        for match in indented:
            reason = (
                f"{len(indented)} of {lines} lines begin with {len(match[0])} question marks: an indentation"
            )
            work.edit("nbsp.indent", "nbsp_as_question", match.start(), match[0], "", reason)


def undo_accidents(text: str, model: Callable[[], LanguageModel]) -> tuple[Change, dict[str, int], int]:
    """The text with its encoding accidents undone, the kinds found with their counts, and how many stay.

    `model` is called when there is something to judge.
    """
    asked = "?" in text and ("??" in text or _split_labels(text))
    if not asked and not any(pattern.search(text) for pattern in _SUSPECTS):
        return Change(text), {}, 0
    work = _Pass(text, model)
    _mojibake(work)
    _entities(work)
    _no_break_spaces(work)
    ruins = [match for match in _LOST.finditer(text) if not work.taken(match.start())]
    if ruins:
        work.lost("replacement_runs", len(ruins), len(ruins))
    if not work.edits:
        return Change(text), work.damage, work.unrepaired
    edits = tuple(sorted(work.edits, key=lambda edit: edit.start))
    parts = []
    last = 0
    for edit in edits:
        parts += [text[last : edit.start], edit.after]
        last = edit.start + len(edit.before)
    return Change("".join(parts) + text[last:], edits), work.damage, work.unrepaired


__all__ = ["undo_accidents"]
