"""Lines around the article that are not part of it: by-lines above, credits and offers below."""

from __future__ import annotations

import re
from typing import Final

from tasks.clean.html.words import Words

_SPACE: Final = re.compile(r"\s+")
_HEAD_LINES: Final = 8
_TAIL_LINES: Final = 10


def trim(lines: list[str], title: str, words: Words) -> list[str]:
    """The lines without the headline, by-lines and tools above and what follows the article below."""
    lines = _trim_tail(lines, words)
    plain = _SPACE.sub("", title)
    start = 0
    for at, line in enumerate(lines[:_HEAD_LINES]):
        if at >= len(lines) - 1:
            break
        bare = _SPACE.sub("", line)
        if (plain and (bare == plain or (len(bare) > 5 and bare in plain))) or (
            len(line) < 60 and words.head.match(line)
        ):
            start = at + 1
        elif len(line) > 20 or start < at:
            break
    return lines[start:]


def _trim_tail(lines: list[str], words: Words) -> list[str]:
    end = len(lines)
    while end > 1 and len(lines[end - 1]) < 60 and words.tail.match(lines[end - 1]):
        end -= 1
    for at in range(max(1, end - _TAIL_LINES), end):
        if len(lines[at]) < 40 and words.cut.match(lines[at]):
            return lines[:at]
    return lines[:end]
