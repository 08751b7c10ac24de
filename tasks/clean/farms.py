"""Link farms: lines that string together place names, or words of advertising."""

from __future__ import annotations

import re
from typing import Final

from config.settings import ChromeSettings
from tasks.clean.lexicon import adverts, places
from tasks.clean.lines import Line

_SEPARATOR: Final = re.compile(r"[\s|,、;/·_\-—]+")
_PLACE_END: Final = tuple("县市区旗州盟镇")
_STOP: Final = re.compile(r"[。!?](?!$)")
_BARS: Final = "|｜丨│┃"
_ADVERT_WORDS: Final = 3
_ADVERT_SHARE: Final = 0.45
_LONGEST_NAME: Final = 14
_KEYWORD_LINE: Final = 12
_KEYWORDS: Final = 4000
"""Characters of a line that are searched for advertising words."""


def mark_farms(text: str, lines: list[Line], settings: ChromeSettings, *, head: int, tail: int) -> None:
    """Mark the lines of link farms.

    Scattered place names between strokes go wherever they stand; between spaces or one to a line,
    and words of advertising, only before line `head` and from line `tail` on. Names in a sentence
    (、 between them) are prose.
    """
    run: list[Line] = []
    bars = _barred(text)
    for number, line in enumerate(lines):
        edge = number < head or number >= tail
        if line.blank or not (edge or bars):
            continue
        if edge and len(line.text) <= 12 and _is_name(_bare(line)):
            run.append(line)
            continue
        _mark_run(run, settings)
        run = []
        if line.gone or len(line.text) < _KEYWORD_LINE:
            continue
        found = _row_of_names(line, settings, edge)
        if found:
            line.drop("farm.places", found)
        elif edge and (share := advert_share(line.folded)):
            line.drop("farm.keywords", f"{share:.0%} of the line are words of advertising")
    _mark_run(run, settings)


def _mark_run(run: list[Line], settings: ChromeSettings) -> None:
    if len(run) >= settings.farm_names and (found := _scattered([_bare(line) for line in run], settings)):
        for line in run:
            line.drop("farm.places", found)


def _barred(text: str) -> bool:
    return any(bar in text for bar in _BARS)


def _row_of_names(line: Line, settings: ChromeSettings, edge: bool) -> str:
    if not (edge or _barred(line.text)) or _STOP.search(line.folded):
        return ""
    names = [word for word in _SEPARATOR.split(line.folded) if word]
    if len(names) < settings.farm_names:
        return ""
    strokes = line.folded.count("|") >= len(names) // 2
    spaces = edge and not re.search("[,、;]", line.folded)
    return _scattered(names, settings) if strokes or spaces else ""


def advert_share(folded: str) -> float:
    """Share of a folded keyword line that advertising words cover; 0 for a sentence or fewer than three words."""
    if _STOP.search(folded):
        return 0.0
    folded = folded[:_KEYWORDS].lower()
    found = adverts().matcher.find_matches_as_indexes(folded)
    solid = len(_SEPARATOR.sub("", folded))
    if len({number for number, _start, _end in found}) < _ADVERT_WORDS or not solid:
        return 0.0
    share = sum(end - start for _number, start, end in found) / solid
    return share if share >= _ADVERT_SHARE else 0.0


def _bare(line: Line) -> str:
    return line.folded.strip(" |,、;/·")


def _provinces(name: str) -> tuple[str, ...]:
    """The provinces of a place that may stand behind that which it lies in (北京市朝阳区); none for other words."""
    known = places()
    if name in known or len(name) > _LONGEST_NAME:
        return known.get(name, ())
    for cut in range(2, len(name) - 1):
        if name[cut:] in known and name[:cut] in known:
            return known[name[:cut]]
    return ()


def _is_name(name: str) -> bool:
    return bool(_provinces(name)) or _like_name(name)


def _like_name(name: str) -> bool:
    return 2 <= len(name) <= 6 and name.endswith(_PLACE_END)


def _scattered(names: list[str], settings: ChromeSettings) -> str:
    """Why these words are a link farm, or nothing: enough places, of enough provinces, and mostly places."""
    found = [_provinces(name) for name in names]
    provinces = [codes for codes in found if codes]
    shaped = sum(bool(codes) or _like_name(name) for name, codes in zip(names, found, strict=True))
    # A name several provinces have counts for none: it would make neighbours look scattered.
    different = {codes[0] for codes in provinces if len(codes) == 1}
    if len(provinces) < settings.farm_names or 10 * shaped < 6 * len(names):
        return ""
    if len(different) < settings.farm_provinces or len(different) < len(provinces) / 8:
        return ""
    return f"{len(provinces)} place names from {len(different)} provinces"
