"""Full-width punctuation restored in Chinese sentences, and quotes paired.

Mirror tools and careless typing leave `,;:?!()` in Chinese text. A mark is widened where it stands
beside Han text; numbers, times, addresses, code and Latin text keep theirs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from tasks.clean.characters import BLANK, HAN
from tasks.clean.edits import Rewriter
from tasks.tables import Change

WIDE: Final = dict(zip(",;:?!()", "，；：？！（）", strict=True))
_CJK: Final = f"{HAN}\u3040-\u30ff"
# Marks and closing brackets of either width are looked through alike, so widening one does not decide the next.
_CLOSERS: Final = "”’)]）】》」』〉〕\"'%％°,;:?!，；：？！。、…"
_OPENERS: Final = "“‘(\\[（【《「『〈〔\"'"
_LOOK: Final = 4
_IS_CJK: Final = re.compile(f"[{_CJK}]")
_IS_HAN: Final = re.compile(f"[{HAN}]")
_LATIN: Final = re.compile("[A-Za-z]")
_AHEAD: Final = re.compile(f"[{BLANK}]?[{_OPENERS}]{{0,3}}[{_CJK}]")
_MARKS: Final = re.compile(r"[,;:?!]+")
_NARROW: Final = re.compile(r"[,;:?!()]")
_FACE: Final = re.compile(r"[:;][-']?[()DPp3Oo|](?![A-Za-z0-9])|://|:[a-z_]+:(?!//)")
_ENTITY: Final = re.compile(r"&#?\w{1,8}$")
_STOP: Final = re.compile(rf"\.(?=[”’」』]?(?:\n|\Z)|[“‘「『]?[{HAN}])")
_HAN_STOPS: Final = 3
"""So many full stops written as a dot between Han characters, and more of them than 。, are a habit."""
_STRAIGHT_BAR: Final = re.compile(r"=\"|\d\"|[{}<>`\\]")
_ONE_WAY_SPAN: Final = 60
"""Longest quotation that is taken for one when both its marks point the same way."""


def widen(text: str) -> Change:
    """Widen narrow marks and brackets beside Han text; one edit for each run of marks or bracket."""
    rewriter = Rewriter(text)
    for start, line in _lines_with(text, _NARROW):
        if _latin_line(line):
            continue
        _widen_marks(rewriter, start, line)
        _widen_brackets(rewriter, start, line)
    _widen_stops(rewriter, text)
    return rewriter.change()


def pair_quotes(text: str) -> Change:
    """Straight double quotes around Chinese become “ ”; two marks of one direction become a pair."""
    rewriter = Rewriter(text)
    start = 0
    for line in text.split("\n"):
        straight = [match.start() for match in re.finditer('"', line)] if '"' in line else []
        if straight and len(straight) % 2 == 0 and not _STRAIGHT_BAR.search(line) and not _latin_line(line):
            for left, right in zip(straight[::2], straight[1::2], strict=True):
                if _quotes_chinese(line, left, right):
                    reason = "straight quotes around Chinese"
                    rewriter.replace(start + left, start + left + 1, "“", "quote.pair", reason)
                    rewriter.replace(start + right, start + right + 1, "”", "quote.pair", reason)
        if not straight and ("“" in line) != ("”" in line):
            _turn(rewriter, start, line)
        start += len(line) + 1
    return rewriter.change()


def _lines_with(text: str, mark: re.Pattern[str]) -> Iterator[tuple[int, str]]:
    """(offset, line) of the lines in which `mark` occurs, without visiting the others."""
    position = 0
    while match := mark.search(text, position):
        start = text.rfind("\n", 0, match.start()) + 1
        end = text.find("\n", match.start())
        end = len(text) if end < 0 else end
        yield start, text[start:end]
        position = end


def _latin_line(line: str) -> bool:
    """Whether a line is Latin text or code with some Han in it rather than the reverse."""
    han = len(_IS_HAN.findall(line))
    return han == 0 or 3 * han < len(_LATIN.findall(line))


def _behind(line: str, at: int) -> str:
    """The character before `at`; marks, closing quotes and brackets, and spaces behind them, are skipped."""
    at -= 1
    for _ in range(_LOOK):
        if at >= 0 and (line[at] in _CLOSERS or (at and line[at].isspace() and line[at - 1] in _CLOSERS)):
            at -= 1
    return line[at] if at >= 0 else ""


def _widen_marks(rewriter: Rewriter, start: int, line: str) -> None:
    for match in _MARKS.finditer(line):
        run, at, end = match.group(), match.start(), match.end()
        last, following = _behind(line, at), line[end : end + 1]
        before = bool(last and _IS_CJK.match(last))
        if _FACE.match(line, at) or (line[at - 1 : at] == ":" and at):
            continue
        if run[0] == ";" and _ENTITY.search(line[:at]):
            continue
        after = _AHEAD.match(line, end) is not None
        if run[0] == "!" or len(run) > 1:
            # Yahoo!奇摩 keeps its mark, 增长20%!全镇 does not.
            fits = before or (after and not (last.isascii() and last.isalpha()))
        elif run[0] in ",:" and at and line[at - 1].isdigit() and following.isdigit():
            fits = False
        else:
            fits = before or after
        if fits:
            wide = "".join(WIDE[mark] for mark in run)
            rewriter.replace(start + at, start + end, wide, "punct.widen", "beside Han text", len(run))


def _widen_brackets(rewriter: Rewriter, start: int, line: str) -> None:
    open_at: list[int] = []
    for match in re.finditer("[()（）]", line):
        at = match.start()
        if line[at] in "(（":
            open_at.append(at)
            continue
        if not open_at:
            continue
        left = open_at.pop()
        if line[left] == "（" and line[at] == "）":
            continue
        inside = line[left + 1 : at]
        outside = _behind(line, left)
        if _IS_HAN.search(inside):
            reason = "brackets around Han text"
        elif (
            inside.strip()
            and any(char.isalnum() for char in inside)
            and ((outside and _IS_CJK.match(outside)) or (not outside and _IS_HAN.match(line, at + 1)))
        ):
            reason = "brackets behind Han text"
        else:
            continue
        if line[left] == "(":
            rewriter.replace(start + left, start + left + 1, "（", "punct.widen", reason)
        if line[at] == ")":
            rewriter.replace(start + at, start + at + 1, "）", "punct.widen", reason)


def _widen_stops(rewriter: Rewriter, text: str) -> None:
    """A dot between Han characters is a full stop only where the text has that habit."""
    if "." not in text:
        return
    stops = [at for at in (m.start() for m in _STOP.finditer(text)) if at and _IS_HAN.match(text, at - 1)]
    if len(stops) >= _HAN_STOPS and len(stops) > text.count("。"):
        for at in stops:
            rewriter.replace(at, at + 1, "。", "punct.stop", "the text writes its full stops as dots")


def _quotes_chinese(line: str, left: int, right: int) -> bool:
    inside = line[left + 1 : right]
    if not inside or inside != inside.strip():
        return False
    near = line[left - 1 : left] if left else ""
    beyond = line[right + 1 : right + 2]
    return bool(
        _IS_HAN.search(inside) or (near and _IS_CJK.match(near)) or (beyond and _IS_CJK.match(beyond))
    )


def _turn(rewriter: Rewriter, start: int, line: str) -> None:
    for wrong, other, offset, right in (("”", "“", 0, "“"), ("“", "”", 1, "”")):
        if other in line:
            continue
        places = [match.start() for match in re.finditer(wrong, line)]
        pairs = list(zip(places[::2], places[1::2], strict=False))
        if not places or len(places) % 2 or any(b - a > _ONE_WAY_SPAN or b - a < 2 for a, b in pairs):
            continue
        for pair in pairs:
            at = start + pair[offset]
            rewriter.replace(at, at + 1, right, "quote.direction", "both quotation marks point the same way")
