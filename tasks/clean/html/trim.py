"""Lines around the article that are not part of it: by-lines above, credits and offers below."""

from __future__ import annotations

import re
from typing import Final

from tasks.clean.html.words import Words

_SPACE: Final = re.compile(r"\s+")
_HEAD_LINES: Final = 8
_TAIL_LINES: Final = 10


def trim(lines: list[str], title: str, words: Words) -> tuple[int, int]:
    """The stretch of lines without the headline, by-lines and tools above and what follows the article."""
    end = _tail(lines, words)
    plain = _SPACE.sub("", title)
    start = 0
    for at in range(min(end - 1, _HEAD_LINES)):
        line = lines[at]
        bare = _SPACE.sub("", line)
        if (plain and (bare == plain or (len(bare) > 5 and bare in plain))) or (
            len(line) < 60 and words.head.match(line)
        ):
            start = at + 1
        elif len(line) > 20 or start < at:
            break
    return start, end


def _tail(lines: list[str], words: Words) -> int:
    end = _without_tail(lines, len(lines), words)
    for at in range(max(1, end - _TAIL_LINES), end):
        if len(lines[at]) < 40 and words.cut.match(lines[at]):
            return _without_tail(lines, at, words)
    return end


def _without_tail(lines: list[str], end: int, words: Words) -> int:
    while end > 1 and len(lines[end - 1]) < 60 and words.tail.match(lines[end - 1]):
        end -= 1
    return end
