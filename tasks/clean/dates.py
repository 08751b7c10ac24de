"""Times as Chinese pages write them, as ISO 8601 at the precision that is stated.

`2023年5月` becomes `2023-05`, `2023-05-11 09:00 +0800` becomes `2023-05-11T09:00+08:00`; a time
without a zone gets none. Relative forms (3小时前, 昨天 08:30) and dates without a year count from
the time of capture, read in China's zone, and carry that zone where they state an hour.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import Final

CHINA: Final = timezone(timedelta(hours=8))
_FIRST_YEAR: Final = 1900
_MAX_TEXT: Final = 20_000

_DIGITS: Final = {
    "〇": 0,
    "○": 0,
    "零": 0,
    "一": 1,
    "二": 2,
    "两": 2,
    "兩": 2,
    "三": 3,
    "四": 4,
    "五": 5,
    "六": 6,
    "七": 7,
    "八": 8,
    "九": 9,
    "元": 1,
}
_HAN: Final = "〇○零一二两兩三四五六七八九十廿卅百元"
_MONTHS: Final = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}
_AFTER_NOON: Final = frozenset(("下午", "晚上", "晚间", "晚間", "傍晚", "pm"))
_NUMBER: Final = rf"(?:\d{{1,2}}|[{_HAN}]{{1,3}})"
_MONTH_NAME: Final = r"(?P<{0}>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"

_CLOCK: Final = (
    r"(?:(?P<half>凌晨|早上|早晨|清晨|上午|中午|下午|晚上|晚间|晚間|傍晚|am|pm)\s*)?"
    r"(?P<hour>\d{1,2}|[一二三四五六七八九十]{1,3})\s*(?:[:：]\s*|[点點时時])"
    r"(?:(?P<minute>\d{1,2}|[零〇一二三四五六七八九十]{1,3})(?:\s*(?:[:：]\s*|分\s*)(?P<second>\d{1,2})(?:[.,]\d{1,9})?)?"
    r"(?!\d)分?秒?)?"
    r"(?:\s*(?P<half_after>am|pm)\b)?"
    r"(?:\s*(?P<zone>z\b|(?:utc|gmt)?\s*[+-]\d{1,2}(?::?\d{2})?(?![\d:])|utc\b|gmt\b|cst\b|北京时间|北京時間))?"
)
_WEEKDAY: Final = r"(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?"
_GAP: Final = (
    r"(?:\s*[,，]?\s*(?:[(（]?(?:星期|周|週|礼拜|禮拜)[一二三四五六日天][)）]?"
    rf"|{_WEEKDAY})?[\s,，|t\-—·]{{0,6}})"
)

_DATE: Final = re.compile(
    r"(?<![\d.])(?:"
    # 2023-05-11, 2023/5, 2023.05.11, 2023 年 5 月 11 日
    r"(?P<y1>(?:19|20)\d{2})(?:"
    r"\s*年(?:\s*(?P<m1>\d{1,2})\s*月(?:\s*份)?(?:\s*(?P<d1>\d{1,2})(?:\s*[日号號]|(?!\d)))?)?"
    r"|\s?(?P<sep>[-/.])\s?(?P<m2>\d{1,2})(?:\s?(?P=sep)\s?(?P<d2>\d{1,2}))?"
    r"|[-/.年](?P<m2x>\d{1,2})[-/.月](?P<d2x>\d{1,2})日?"
    r")(?:(?<=[日号號])|(?!\d))"
    # 20230511, 20230511090038
    r"|(?P<y3>(?:19|20)\d{2})(?P<m3>0[1-9]|1[0-2])(?P<d3>0[1-9]|[12]\d|3[01])(?:(?P<h3>[01]\d|2[0-3])(?P<n3>[0-5]\d)(?P<s3>[0-5]\d)?)?(?!\d)"
    # 二〇二三年五月十一日
    r"|(?P<y4>[一二][〇○零一二三四五六七八九]{3})年(?:\s*(?P<m4>[一二三四五六七八九十元]{1,2})月(?:\s*(?P<d4>[一二三四五六七八九十廿卅]{1,3})[日号號])?)?"
    # 民國112年5月11日
    rf"|(?:中華)?民[国國]\s*(?P<y5>\d{{1,3}}|[{_HAN}]{{1,5}})\s*年(?:\s*(?P<m5>{_NUMBER})\s*月(?:\s*(?P<d5>{_NUMBER})\s*[日号號])?)?"
    # May 11, 2023; May 11 Thu 2023; 11 May 2023
    rf"|{_MONTH_NAME.format('m6')}\s+(?P<d6>\d{{1,2}})(?:st|nd|rd|th)?,?(?:\s+{_WEEKDAY},?)?\s+(?P<y6>(?:19|20)\d{{2}})\b"
    rf"|(?P<d7>\d{{1,2}})(?:st|nd|rd|th)?[\s-]{_MONTH_NAME.format('m7')},?[\s-](?P<y7>(?:19|20)\d{{2}})\b"
    # 5月11日, 05-11 09:00 (year from the capture)
    rf"|(?<!年)(?<!年\s)(?P<m8>{_NUMBER})\s*月\s*(?P<d8>{_NUMBER})\s*[日号號]"
    r"|(?P<m9>\d{1,2})[-/](?P<d9>\d{1,2})(?=\s+\d{1,2}:\d{2})"
    rf")(?:{_GAP}{_CLOCK})?",
    re.IGNORECASE,
)
_RELATIVE: Final = re.compile(
    r"(?P<now>刚刚|剛剛|刚才|剛才)"
    rf"|(?P<count>\d{{1,4}}|[{_HAN}]{{1,3}}|半)\s*个?個?\s*"
    r"(?P<unit>秒|分[钟鐘]|小[时時]|[钟鐘][头頭]|天|日|周|週|星期|月|年)\s*(?:以)?[前之]前?"
    rf"|(?P<day>今天|今日|昨天|昨日|前天)(?:\s*{_CLOCK})?",
    re.IGNORECASE,
)
_DATE_START: Final = re.compile(rf"[\d{_HAN}民中jfmasondJFMASOND]")
_RELATIVE_START: Final = re.compile(rf"[\d{_HAN}半刚剛今昨前]")
_UNIX: Final = re.compile(r"\s*(\d{10})(\d{3})?\s*$")
_HINT: Final = re.compile(r"\d|[一二][〇○零一二三四五六七八九]{3}|民[国國]|[前刚剛今昨]|月")


@dataclass(frozen=True, slots=True)
class FoundTime:
    """A time found in a text: its ISO 8601 form and the place `[start, end)` where it stands."""

    iso: str
    start: int
    end: int
    clock: bool
    """Whether a time of day is stated."""
    exact: bool = True
    """Whether the year stands in the text (not: relative forms, 5月11日)."""


def parse_time(text: str, captured_at: datetime | None = None) -> str | None:
    """The first time stated in `text`, in ISO 8601 at the precision stated, or None.

    `captured_at` (aware, or naive in UTC) is what relative forms and dates without a year count
    from; without it they are not read. Times before 1900 or after the capture's next day are not
    taken for a time of publication.
    """
    if not text:
        return None
    if unix := _UNIX.match(text):
        moment = datetime.fromtimestamp(int(unix[1]), UTC)
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment.year >= 1990 else None
    found = next(find_times(text, captured_at), None)
    return found.iso if found else None


def find_times(text: str, captured_at: datetime | None = None) -> Iterator[FoundTime]:
    """The times stated in `text`, in order (its first 20,000 characters are read)."""
    text = text[:_MAX_TEXT]
    if not _HINT.search(text):
        return
    if captured_at is not None and captured_at.tzinfo is None:
        captured_at = captured_at.replace(tzinfo=UTC)
    if not text.isascii():
        text = _fold(text)
    position = 0
    dates = _first(_DATE, _DATE_START, text, 0)
    relatives = _first(_RELATIVE, _RELATIVE_START, text, 0) if captured_at else None
    while dates or relatives:
        first = min((match for match in (dates, relatives) if match), key=lambda match: match.start())
        found = _absolute(first, captured_at) if first is dates else _relative(first, captured_at)
        if found and _plausible(found.iso, captured_at):
            yield found
            position = first.end()
        else:
            position = first.start() + 1
        if dates and dates.start() < position:
            dates = _first(_DATE, _DATE_START, text, position)
        if relatives and relatives.start() < position:
            relatives = _first(_RELATIVE, _RELATIVE_START, text, position)


def _first(
    pattern: re.Pattern[str], starts: re.Pattern[str], text: str, position: int
) -> re.Match[str] | None:
    """The first match of a pattern, tried only where it can begin: ten times quicker than to search for it."""
    for start in starts.finditer(text, position):
        if match := pattern.match(text, start.start()):
            return match
    return None


def _fold(text: str) -> str:
    """Full-width digits and signs to their plain forms, length unchanged."""
    return text.translate(_fold_table())


@lru_cache(maxsize=1)
def _fold_table() -> dict[int, str]:
    table = {code: unicodedata.normalize("NFKC", chr(code)) for code in range(0xFF01, 0xFF5F)}
    return table | {0xA0: " ", 0x3000: " ", 0x2003: " ", 0x2002: " "}


def _number(text: str | None) -> int | None:
    """A number in Arabic or Chinese digits: 12, 十二, 二十三, 廿三, 一百一十二, 二〇二三."""
    if not text:
        return None
    if text.isdecimal():
        return int(text)
    if not set(text) & set("十百廿卅"):
        return int("".join(str(_DIGITS[character]) for character in text))
    total = unit = 0
    for character in text:
        if character == "百":
            total, unit = total + (unit or 1) * 100, 0
        elif character in "十廿卅":
            total, unit = total + (unit or 1) * 10 * (1 + "十廿卅".index(character)), 0
        else:
            unit = _DIGITS[character]
    return total + unit


def _absolute(match: re.Match[str], captured_at: datetime | None) -> FoundTime | None:
    groups = {name: value for name, value in match.groupdict().items() if value is not None}
    year_at = next((name for name in groups if name[0] == "y" and name[1:].isdecimal()), None)
    month_text = next((groups[name] for name in groups if name[0] == "m" and name[1:2].isdecimal()), None)
    day = _number(next((groups[name] for name in groups if name[0] == "d" and name[1:2].isdecimal()), None))
    month = _MONTHS.get(month_text.lower()[:3]) or _number(month_text) if month_text else None
    year = _number(groups[year_at]) if year_at else None
    if year_at == "y5" and year is not None:
        year += 1911
    if year is None:
        year = _nearest_year(month, day, captured_at)
    if year is None or (month is None and year_at not in ("y1", "y4", "y5")):
        return None
    if not _valid(year, month, day):
        return None
    iso = f"{year:04}" + (f"-{month:02}" if month else "") + (f"-{day:02}" if day else "")
    if "h3" in groups:
        clock = f"T{groups['h3']}:{groups['n3']}" + (f":{groups['s3']}" if "s3" in groups else "")
    else:
        clock = _clock(groups) if day else ""
    exact = year_at is not None
    return FoundTime(iso + clock, match.start(), match.end(), bool(clock), exact)


def _valid(year: int, month: int | None, day: int | None) -> bool:
    if year < _FIRST_YEAR:
        return False
    try:
        datetime(year, month or 1, day if day is not None else 1, tzinfo=UTC)
    except ValueError:
        return False
    return True


def _nearest_year(month: int | None, day: int | None, captured_at: datetime | None) -> int | None:
    """The year that makes month and day the latest such day not after the capture (a day's grace)."""
    if captured_at is None or not month or not day:
        return None
    local = captured_at.astimezone(CHINA) + timedelta(days=1)
    return local.year if (month, day) <= (local.month, local.day) else local.year - 1


def _clock(groups: dict[str, str]) -> str:
    """`T09:00:38+08:00` from the clock groups, as far as they are stated; empty if impossible."""
    hour, minute, second = (_number(groups.get(name)) for name in ("hour", "minute", "second"))
    if hour is None:
        return ""
    half = (groups.get("half") or groups.get("half_after") or "").lower()
    if (half in _AFTER_NOON and hour < 12) or (half == "中午" and hour < 3):
        hour += 12
    elif half in ("凌晨", "am") and hour == 12:
        hour = 0
    if hour > 23 or (minute or 0) > 59 or (second or 0) > 59:
        return ""
    clock = (
        f"T{hour:02}"
        + (f":{minute:02}" if minute is not None else "")
        + (f":{second:02}" if second is not None else "")
    )
    return clock + _zone(groups.get("zone"))


def _zone(text: str | None) -> str:
    if not text:
        return ""
    text = text.lower().strip()
    if text in ("z", "utc", "gmt"):
        return "Z"
    if text in ("cst", "北京时间", "北京時間"):
        return "+08:00"
    stated = re.search(r"([+-])(\d{1,2})(?::?(\d{2}))?$", text)
    if not stated or int(stated[2]) > 14:
        return ""
    return f"{stated[1]}{int(stated[2]):02}:{stated[3] or '00'}"


def _relative(match: re.Match[str], captured_at: datetime | None) -> FoundTime | None:
    if captured_at is None:
        return None
    local = captured_at.astimezone(CHINA)
    start, end = match.span()
    if match["now"]:
        return FoundTime(local.strftime("%Y-%m-%dT%H:%M+08:00"), start, end, True, False)
    if match["day"]:
        days = {"今": 0, "昨": 1, "前": 2}[match["day"][0]]
        groups = {name: value for name, value in match.groupdict().items() if value is not None}
        clock = _clock(groups)
        clock += "+08:00" if clock and len(clock) <= 9 else ""
        return FoundTime(f"{local - timedelta(days=days):%Y-%m-%d}{clock}", start, end, bool(clock), False)
    amount = 0.5 if match["count"] == "半" else float(_number(match["count"]) or 0)
    unit = match["unit"][0]
    try:
        if unit in "秒分":
            moment = local - timedelta(seconds=amount * (1 if unit == "秒" else 60))
            return FoundTime(f"{moment:%Y-%m-%dT%H:%M}+08:00", start, end, True, False)
        if unit in "小钟鐘":
            moment = local - timedelta(hours=amount)
            return FoundTime(f"{moment:%Y-%m-%dT%H}+08:00", start, end, True, False)
        if unit in "天日周週星":
            moment = local - timedelta(days=amount * (1 if unit in "天日" else 7))
            return FoundTime(f"{moment:%Y-%m-%d}", start, end, False, False)
    except OverflowError:
        return None
    months = local.year * 12 + local.month - 1 - round(amount * (1 if unit == "月" else 12))
    year, month = divmod(months, 12)
    if year < _FIRST_YEAR:
        return None
    return FoundTime(f"{year:04}-{month + 1:02}" if unit == "月" else f"{year:04}", start, end, False, False)


def _plausible(iso: str, captured_at: datetime | None) -> bool:
    if captured_at is None:
        return int(iso[:4]) < 2100
    limit = (captured_at.astimezone(CHINA) + timedelta(days=1)).strftime("%Y-%m-%d")
    return iso[:10] <= limit[: len(iso[:10])]
