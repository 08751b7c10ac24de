"""Lines that belong into the metadata: source and time, by-lines, editors' credits, the headline."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from tasks.clean.dates import find_times
from tasks.clean.lexicon import Chrome
from tasks.clean.lines import Line, Look, han_count

_ANCHOR_LINES: Final = 30
"""Non-blank lines at the head among which the source and time line is looked for."""
_SIGN: Final = 6
_VALUE: Final = 40
_NAMES: Final = 24
_BYLINE: Final = 80
_DATELINE: Final = re.compile("[电電讯訊]|报道|報道|報導|记者|記者")
_LEFTOVER: Final = 12
_LEFTOVER_BEHIND: Final = 4
"""Han characters that may stand before the first label or time, and behind a time, and be no label."""
_MAYBE: Final = re.compile(r"[\d:/|]")
"""One of these is in every line with a label or a time."""
_LATIN_BEFORE: Final = 3
_LATIN_BEHIND: Final = 6
"""The same for Latin words: a site's name and a by-line have few, a sentence has many."""
_LATIN_WORD: Final = re.compile(r"[A-Za-z]{2,}")
_CLAUSE: Final = re.compile(r"[。；，,;.]$")
_CLAUSE_HAN: Final = 6
"""Han characters from which a line that ends so belongs to a text, not to the head of a page."""
_TITLE: Final = range(4, 81)
_SUBTITLE: Final = re.compile(r"^\s*(?:[-—–─]{1,2}|[(（])")
_SITE_TAIL: Final = re.compile(r"\s*[-_|–—·丨].{1,40}$")
_SPACED_NAME: Final = re.compile(r"(?<![一-鿿])([一-鿿]) ([一-鿿])(?![一-鿿])")
_ORIGINAL: Final = re.compile(r"原[创創] (\S{2,12}) (\S+)")
"""How WeChat names author and account of an original article."""
_EDGE_MARKS: Final = " \t\u3000\u00a0:：,，;；|丨/·-—_。"
_TWICE: Final = re.compile(r"^(\S+) \1$")
_NOT_ORIGIN: Final = re.compile(r"^(?:本站|网络|互联网|未知|不详|无|admin|佚名|原创|转载)$", re.IGNORECASE)
_BY_EDITORS: Final = re.compile(
    r"[（(【\[]\s*(?:责任编辑|責任編輯|责编|責編|编辑|編輯|值班编辑|实习编辑|审核|校对|监制|初审|终审)\s*[:：]?\s*[^（()）】\]]{1,40}[）)】\]]\s*$"
)
_BY_SOURCE: Final = re.compile(
    r"[（(【\[]\s*(?:文章|本文|稿件|新闻)?(?:来源|來源|转载自|轉載自|原载|原載)\s*[:：]\s*(?P<source>[^（()）】\]]{1,30})[）)】\]]\s*$"
)


@dataclass(slots=True)
class Found:
    """Metadata read from the lines of a text, as they stand there."""

    title: str | None = None
    source: str | None = None
    author: str | None = None
    published_at: str | None = None
    editors: str | None = None
    evidence: dict[str, str] = field(default_factory=dict)

    def set(self, name: str, value: str | None, evidence: str) -> None:
        """Keep the first value found for a field."""
        if value and getattr(self, name) is None:
            setattr(self, name, value)
            self.evidence[name] = evidence


@dataclass(frozen=True, slots=True)
class Credits:
    """What a line of labels says."""

    values: tuple[tuple[str, str, str], ...]
    """(kind, label, value) in order."""
    time: str | None

    def kinds(self) -> set[str]:
        """Kinds of labels in the line."""
        return {kind for kind, _label, value in self.values if value}


def read_credits(line: Line, chrome: Chrome, captured_at: datetime | None) -> Credits | None:
    """The labels, times and names of a line that consists of nothing else, or None."""
    key = line.key
    if not key or len(key) > 200 or key[-1:] in "。!?" or not _MAYBE.search(key):
        return None
    labels = list(chrome.label.finditer(key))
    if labels and labels[0].lastgroup == "editors":
        # Credits are often run together: 监制:张某审核:李某责编:王某.
        labels = list(chrome.label_inside.finditer(key))
    times = [time for time in find_times(key, captured_at) if time.exact or time.clock]
    if not labels and not times:
        return None
    words = line.words
    stops = sorted([match.start() for match in labels] + [time.start for time in times] + [len(key)])
    values = []
    rest = [(0, stops[0])]
    for match in labels:
        kind = match.lastgroup or ""
        stop = next(at for at in stops if at >= match.end())
        value = words[match.end() : stop]
        values.append((kind, words[match.start() : match.end()].strip(_EDGE_MARKS), _value(value)))
    rest += [(time.end, next((at for at in stops if at >= time.end), len(key))) for time in times]
    before, *behind = (chrome.label_noise.sub("", key[a:b]) for a, b in rest)
    if han_count(before) > _LEFTOVER or sum(map(han_count, behind)) > _LEFTOVER_BEHIND:
        return None
    if len(_LATIN_WORD.findall(before)) > _LATIN_BEFORE or (
        sum(len(_LATIN_WORD.findall(part)) for part in behind) > _LATIN_BEHIND
    ):
        return None
    if any(len(value) > _VALUE for kind, _label, value in values if kind != "other"):
        return None
    if not labels and (
        (key[0] in "([" and not times[0].clock) or all(len(time.iso) < len("2000-01-01") for time in times)
    ):
        return None  # the date of a speech, the number of an issue
    # 来源 behind a bare name and a time (人民网 2023-05-11) is the name.
    name = words[: stops[0]].strip(_EDGE_MARKS)
    if times and not any(kind == "source" for kind, _l, _v in values) and 2 <= han_count(name) <= _LEFTOVER:
        if re.search(r"[,。，、\[]|^\d", name) or words[: stops[0]].rstrip().endswith((":", "：")):
            return None
        if original := _ORIGINAL.fullmatch(name):
            values.insert(0, ("author", "", original[1]))
            name = original[2]
        values.insert(0, ("source", "", name))
    return Credits(tuple(values), times[0].iso if times else None)


def take_head(
    lines: list[Line],
    head: int,
    chrome: Chrome,
    captured_at: datetime | None,
    found: Found,
    *,
    headline: bool = True,
) -> None:
    """Headline, source, time and author from the lines before the first paragraph; marks what goes.

    The headline is the line above the source and time line, or the line below the breadcrumb.
    Without either the text keeps all its lines: its first line may be a heading of the article.
    With `headline` false (it was taken already) only the source line goes.
    """
    rows = [line for line in lines[:head] if not line.blank][:_ANCHOR_LINES]
    clause = next((number for number, line in enumerate(rows) if _is_clause(line)), len(rows))
    del rows[clause:]
    anchors: list[int] = []
    for number, line in enumerate(rows):
        if line.gone or line.look is Look.ANYWHERE:
            continue
        credits = read_credits(line, chrome, captured_at)
        if credits is None or not (credits.time or credits.kinds() & {"source", "author", "time", "editors"}):
            continue
        if not credits.values and not (
            any(_may_be_title(row) or _short_title(row, chrome) for row in rows[:number])
            or _labelled(rows[number + 1 : number + 2], chrome)
        ):
            continue  # a date on top is a heading, as in a diary
        strong = credits.time or "source" in credits.kinds() or credits.kinds() == {"author"}
        if not (anchors or strong or any(row.kind == "breadcrumb" for row in rows[:number])):
            continue
        _keep(credits, found, line)
        line.drop("meta.source_line", "source, time or author of the article")
        anchors.append(number)
    if anchors:
        _drop_beside(rows, anchors[0], chrome)
    if headline:
        _take_headline(lines[:head], rows, anchors, chrome, found)


def _is_clause(line: Line) -> bool:
    """Whether a line that is too short for a paragraph is a sentence all the same, or a part of one."""
    return _CLAUSE.search(line.words) is not None and han_count(line.text) >= _CLAUSE_HAN and not line.gone


def _labelled(rows: list[Line], chrome: Chrome) -> bool:
    """Whether one of the lines names source or author behind a label."""
    found = [read_credits(row, chrome, None) for row in rows if row.look is not Look.PROSE]
    return any(
        label and kind in ("source", "author") for one in found if one for kind, label, _value in one.values
    )


def _drop_beside(rows: list[Line], anchor: int, chrome: Chrome) -> None:
    """Mark what stands beside the source line: other labels (索引号, 浏览), clocks and signs of players."""
    for number, line in enumerate(rows):
        if line.gone or line.look is Look.PROSE:
            continue
        credits = read_credits(line, chrome, None)
        if credits and credits.values and all(kind == "other" for kind, _label, _value in credits.values):
            line.drop("meta.source_line", "labels of the page beside source and time")
        elif number > anchor and not han_count(line.text) and len(line.words) <= _SIGN:
            line.drop("chrome.button", "beside the source line")


def _take_headline(
    lines: list[Line], rows: list[Line], anchors: list[int], chrome: Chrome, found: Found
) -> None:
    crumb = max((number for number, line in enumerate(rows) if line.kind == "breadcrumb"), default=None)
    if not anchors and crumb is None:
        _repeated_title(rows, found)
        return
    zones = [rows[:anchor] for anchor in anchors] or [rows[: (crumb or 0) + 2]]
    where = "the line above source and time" if anchors else "below the breadcrumb"
    for above in zones:
        below = [line for line in above if crumb is None or line.start > rows[crumb].start]
        candidates = (
            [line for line in below if _may_be_title(line)]
            or list(filter(_may_be_title, above))
            or [line for line in below if _short_title(line, chrome)]
        )
        if candidates:
            title = candidates[-1]
            break
    else:
        return
    found.set("title", title.words, where)
    title.drop("meta.headline", "the headline")
    for line in above:
        if not line.gone and line.start > title.start and chrome.outlet.fullmatch(line.key):
            found.set("source", line.words, "a publisher between headline and time")
            line.drop("meta.source_line", "source of the article")
        short = line.look in (Look.SHORT, Look.WEAK) and not _SUBTITLE.match(line.text)
        if short and not line.gone and line.start < title.start:
            line.drop("chrome.head", "above the headline")
    for line in lines:
        if line.words == title.words:
            line.drop("meta.headline", "the headline again")


def take_credits(lines: list[Line], first: int, chrome: Chrome, found: Found) -> None:
    """Editors' credits and the source behind the last paragraph."""
    for line in lines[first:]:
        if line.gone or line.blank:
            continue
        credits = read_credits(line, chrome, None)
        if credits is None or not credits.values or not (credits.kinds() & {"editors", "source", "author"}):
            continue
        # A time without the label of a source or editors is that of another article, its name a headline.
        if credits.time and not any(
            label and kind in ("source", "editors") for kind, label, _value in credits.values
        ):
            continue
        _keep(credits, found, line, time=False)
        line.drop("meta.credits", "editors, author or source of the article")


def trailing_credits(line: Line, found: Found) -> tuple[int, str] | None:
    """Where credits in brackets at the end of a paragraph begin, and their rule; takes them into `found`."""
    tail = line.text[-60:]
    shift = len(line.text) - len(tail)
    if match := _BY_EDITORS.search(tail):
        found.set("editors", match.group().strip("（()）【】[] \t"), "behind the last paragraph")
        return shift + match.start(), "meta.credits"
    if match := _BY_SOURCE.search(tail):
        found.set("source", _origin(match["source"]), "behind the last paragraph")
        return shift + match.start(), "meta.credits"
    return None


def byline(lines: list[Line], chrome: Chrome, found: Found) -> None:
    """Author from the by-line in the first lines of the body; the line stays."""
    seen = 0
    for line in lines:
        if line.gone or line.blank:
            continue
        seen += 1
        folded = " ".join(line.folded.split())[:_BYLINE]
        if any(word in folded for word in chrome.byline_words) and (match := chrome.byline.search(folded)):
            head = line.words[:_BYLINE]
            if len(line.words) > _BYLINE and not _DATELINE.search(head):
                continue
            group = next(name for name, value in match.groupdict().items() if value)
            names = re.split(r"[ 、,，]+", head[match.start(group) : match.end(group)].strip())
            if names[-1].endswith(("摄", "攝")):
                continue  # the photographer
            found.set("author", " ".join(names), "by-line")
            return
        if seen >= 6:
            return


def _value(text: str) -> str:
    """The value of a label without marks at its ends and without half a pair of brackets."""
    text = text.strip(_EDGE_MARKS)
    for left, right in ("()", "（）", "[]", "【】"):
        if text.endswith(right) and left not in text:
            text = text[:-1].strip(_EDGE_MARKS)
        if text.startswith(left) and right not in text:
            text = text[1:].strip(_EDGE_MARKS)
    return text


def _may_be_title(line: Line) -> bool:
    if line.gone or line.look not in (Look.SHORT, Look.PROSE) or _SUBTITLE.match(line.text):
        return False
    if line.key.count(">") > 1 and "<" not in line.key:
        return False  # the way to the page
    return len(line.words) in _TITLE and han_count(line.text) >= 4 and line.words[-1] not in "。；，,;、："


def _short_title(line: Line, chrome: Chrome) -> bool:
    """Whether a line as short as the name of a button may be a headline after all, where nothing else is."""
    if line.gone or line.look is not Look.WEAK or line.kind != "button" or han_count(line.text) < 4:
        return False
    return line.key not in chrome.nav_words


def _repeated_title(rows: list[Line], found: Found) -> None:
    """`Headline_Site` as the first line and the headline again below: the page's <title> and its heading."""
    if not rows or rows[0].look not in (Look.SHORT, Look.PROSE) or len(rows[0].words) > 150:
        return
    for line in rows[1:]:
        if not _may_be_title(line) or len(line.words) < 6:
            continue
        rest = rows[0].words.removeprefix(line.words)
        if rest != rows[0].words and (not rest or _SITE_TAIL.fullmatch(rest)):
            found.set("title", line.words, "the first line, repeated as a heading")
            rows[0].drop("meta.headline", "the title of the page")
            line.drop("meta.headline", "the headline")
            return


def _keep(credits: Credits, found: Found, line: Line, *, time: bool = True) -> None:
    where = f"line: {line.words[:60]}"
    if time:
        found.set("published_at", credits.time, where)
    editors = []
    for kind, label, value in credits.values:
        if not value:
            continue
        if kind == "source":
            found.set("source", _origin(value), where)
        elif kind == "author":
            if len(value) <= _NAMES:
                found.set("author", " ".join(re.split(r"[\s、,，]+", value)), where)
        elif kind == "editors":
            names = _SPACED_NAME.sub(r"\1\2", value)
            editors.append(f"{label}：{names}")
    if editors:
        found.editors = " ".join([*([found.editors] if found.editors else []), *editors])
        found.evidence.setdefault("editors", where)


def _origin(value: str) -> str | None:
    value = value.rstrip("（([【").strip(_EDGE_MARKS + '《》“”"[]【】')
    value = _TWICE.sub(r"\1", value.removeprefix("原创 "))
    return None if not value or _NOT_ORIGIN.match(value) else value
