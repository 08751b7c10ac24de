"""White space: what layout left behind goes, what carries meaning stays; one paragraph a line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from tasks.clean.characters import BLANK, HAN
from tasks.clean.edits import Rewriter
from tasks.tables import Change

_TIGHT_BEFORE: Final = "，。、；：）》〉」』】〕！？"
_TIGHT_AFTER: Final = "，。、；：（《〈「『【〔"
_QUOTE_ENDS: Final = "”’」』"
_STOPS: Final = "，。！？；…"
"""Before a closing quotation mark: what is quoted is a sentence, not a word."""
_AFTER_SPEECH: Final = re.compile(f"[{HAN}“‘「『]")
_RUN: Final = re.compile(f"[{BLANK}]+")
_BREAK: Final = re.compile(r"\n+")
_IS_HAN: Final = re.compile(f"[{HAN}]")
_WIDE_TEXT: Final = re.compile(f"[{HAN}\u3000-\u303f\u3040-\u30ff\uac00-\ud7af\uff01-\uff60]")
_END: Final = re.compile(r"[。！？!?…；;：:”’」』）)》】]$")
_STOPPED: Final = re.compile(r"[。！？；…][”’」』]?$")
_INSIDE: Final = re.compile("[，。、；,;].")
_BETWEEN_HAN: Final = re.compile(f"(?<=[{HAN}])[{BLANK}]+(?=[{HAN}])")
_LETTER_SPACED: Final = 0.4
"""Share of gaps per Han character from which a line counts as letter-spaced or cut into words."""
_LETTER_SPACED_HAN: Final = 12
_WRAP_LINES: Final = 4
_ALIKE: Final = 12
_WRAP_WIDTH: Final = range(36, 121)
"""Display width (Han 2, Latin 1) of hard-wrapped lines."""


def spaces(text: str, *, headline: bool = False) -> Change:
    """Strip lines, make single spaces of runs, and drop spaces that Chinese does not write.

    Kept: spaces between Han characters (names in by-lines, parts of a headline), beside Latin words
    and digits, tabs of a table, the layout of lines without any Han (code). In a `headline` the
    space behind ！ and ？ stays too: it separates its parts.
    """
    rewriter = Rewriter(text)
    position = 0
    while match := _RUN.search(text, position):
        start = text.rfind("\n", 0, match.start()) + 1
        end = text.find("\n", match.start())
        position = len(text) if end < 0 else end
        _line(rewriter, start, text[start:position], headline)
    return rewriter.change()


def lines(text: str) -> Change:
    """One line a paragraph: hard-wrapped lines are joined, empty lines dropped."""
    joined = _wrapped(text)
    if not joined and "\n\n" not in text and text[:1] != "\n" and text[-1:] != "\n":
        return Change(text)
    rewriter = Rewriter(text)
    _ends(rewriter, text)
    head, tail = len(text) - len(text.lstrip("\n")), len(text.rstrip("\n"))
    for match in _BREAK.finditer(text, head, tail):
        start, end = match.span()
        if start in joined:
            rewriter.replace(start, end, joined[start], "line.unwrap", "lines of equal width cut a sentence")
        elif end - start > 1:
            rewriter.replace(start, end, "\n", "line.blank", "an empty line", end - start - 1)
    return rewriter.change()


def _ends(rewriter: Rewriter, text: str) -> None:
    head = len(text) - len(text.lstrip("\n"))
    rewriter.replace(0, head, "", "line.blank", "an empty line", head)
    if head < len(text):
        tail = len(text.rstrip("\n"))
        rewriter.replace(tail, len(text), "", "line.blank", "an empty line", len(text) - tail)


def _line(rewriter: Rewriter, start: int, line: str, headline: bool) -> None:
    body = line.rstrip()
    if len(body) < len(line):
        rewriter.replace(start + len(body), start + len(line), "", "space.edge", "at the end of a line")
    if not body or not _WIDE_TEXT.search(body) or not _RUN.search(body):
        return
    inner = len(body) - len(body.lstrip())
    if inner:
        rewriter.replace(start, start + inner, "", "space.edge", "an indent")
    artefacts = _artefacts(body[inner:])
    stopped = not headline and bool(_STOPPED.search(body))
    sentence = stopped and bool(_INSIDE.search(body))
    for match in _RUN.finditer(body, inner):
        run, left, right = match.group(), body[match.start() - 1], body[match.end()]
        after, rule, reason = " ", "space.run", "a run of white space"
        if left in "（【《" and right in "）】》":
            continue
        spoken = stopped and body[match.start() - 2] in _STOPS
        if _tight(left, right, headline):
            after, rule, reason = "", "space.punctuation", "beside full-width punctuation"
        elif left in _QUOTE_ENDS and (
            (spoken and _AFTER_SPEECH.match(right)) or (sentence and _IS_HAN.match(right))
        ):
            after, rule, reason = "", "space.punctuation", "behind a quotation inside a sentence"
        elif match.start() - inner in artefacts:
            after, rule, reason = "", "space.han", "between the characters of a sentence"
        elif "\t" in run:
            after = "\t"
        rewriter.replace(start + match.start(), start + match.end(), after, rule, reason, len(run))


def _tight(left: str, right: str, headline: bool) -> bool:
    if right in _TIGHT_BEFORE or left in _TIGHT_AFTER:
        return True
    if left in "！？":
        return not headline
    return (left in "“‘" and bool(_IS_HAN.match(right))) or (right in "”’" and bool(_IS_HAN.match(left)))


def _artefacts(line: str) -> frozenset[int]:
    """Offsets of gaps between Han characters that layout made: letter-spacing, or former line ends."""
    gaps = [match.start() for match in _BETWEEN_HAN.finditer(line)]
    if not gaps:
        return frozenset()
    han = len(_IS_HAN.findall(line))
    if han >= _LETTER_SPACED_HAN and len(gaps) >= _LETTER_SPACED * han:
        return frozenset(gaps)
    # Former line ends come at even distances inside one sentence text.
    if len(gaps) >= 3 and _END.search(line):
        steps = [b - a for a, b in pairwise(gaps)]
        if min(steps) >= 15 and max(steps) - min(steps) <= 3 and gaps[0] <= max(steps):
            return frozenset(gaps)
    return frozenset()


def _width(line: str) -> int:
    return len(line) + len(_WIDE_TEXT.findall(line))


def _wrapped(text: str) -> dict[int, str]:
    """Line ends inside hard-wrapped paragraphs, with what joins the lines there."""
    if text.count("\n") + 1 < _WRAP_LINES:
        return {}
    rows: list[tuple[int, str]] = []
    start = 0
    for row in text.split("\n"):
        if row:
            rows.append((start, row))
        start += len(row) + 1
    out: dict[int, str] = {}
    for group in _even(rows):
        cut = [row for row in group[:-1] if not _END.search(row[1])]
        # Verse and captions of one width have no marks inside their lines; wrapped prose has.
        inside = [row for row in group if _INSIDE.search(row[1])]
        if len(group) >= _WRAP_LINES and 2 * len(cut) > len(group) and 2 * len(inside) >= len(group):
            for (start, line), (_next, following) in pairwise(group):
                spaced = line[-1:].isascii() and following[:1].isascii()
                out[start + len(line)] = " " if spaced else ""
    return out


def _even(rows: list[tuple[int, str]]) -> Iterator[list[tuple[int, str]]]:
    """Runs of lines of one width (within 2); the shorter line that ends the paragraph belongs to its run."""
    for alike in _alike(rows):
        group: list[tuple[int, str]] = []
        width = 0
        for row in alike:
            own = _width(row[1])
            if group and abs(own - width) <= 2:
                group.append(row)
                continue
            if len(group) >= _WRAP_LINES and own < width and not _END.search(group[-1][1]):
                group.append(row)
            yield group
            group, width = ([row], own) if own in _WRAP_WIDTH else ([], 0)
        yield group


def _alike(rows: list[tuple[int, str]]) -> Iterator[list[tuple[int, str]]]:
    """Runs of four lines and more that are alike in length, each with the line behind it: few texts have one."""
    first = 0
    for number in range(1, len(rows) + 1):
        size = len(rows[number - 1][1])
        if number < len(rows) and size <= _WRAP_WIDTH.stop and abs(len(rows[number][1]) - size) <= _ALIKE:
            continue
        if number - first >= _WRAP_LINES:
            yield rows[first : number + 1]
        first = number
