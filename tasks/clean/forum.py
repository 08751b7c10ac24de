"""Pages of forum software (Discuz, phpWind, vBulletin kinds): headline and posts stay, the furniture goes."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from typing import Final

from tasks.clean.dates import parse_time
from tasks.clean.heads import Found
from tasks.clean.lexicon import Chrome, fold
from tasks.clean.lines import Line, Look, han_count, undoubled

_SIGNS: Final = 3
_POSTED: Final = ("发表于", "发表时", "发布于", "发布时", "声望力", "vBulletin")
_PROFILE_LINE: Final = 24
_PROFILE_LINES: Final = 60
_BELOW: Final = 10
_NAMED: Final = 2
"""Han characters of a thread's subject."""
_POST: Final = 60
"""Han characters from which a line behind the last post is more than a notice."""


def mark_forum(
    folded: str, lines: list[Line], chrome: Chrome, captured_at: datetime | None, found: Found
) -> bool:
    """Mark the furniture of a forum page, a `folded` text, and read headline and time of its first post.

    False (and nothing marked) for a page of another kind.
    """
    if not any(sign in folded for sign in _POSTED):
        return False
    short = [line for line in lines if line.key and len(line.key) <= 160]
    hits = [line for line in short if chrome.forum_sign.fullmatch(line.key)]
    if len(hits) < _SIGNS:
        return False
    signs = sum(any(sign.fullmatch(line.key) for line in hits) for sign in chrome.forum_signs)
    posts = [
        number for number, line in enumerate(lines) if line.key and chrome.forum_post.fullmatch(line.key)
    ]
    if signs < _SIGNS or not posts:
        return False
    end = _end(lines, posts[-1], chrome)
    top = _headline(lines, posts[0], chrome, found)
    match = chrome.forum_post.fullmatch(lines[posts[0]].key)
    if match:
        time = next((value for value in match.groupdict().values() if value), "")
        found.set("published_at", parse_time(time, captured_at), "line: " + lines[posts[0]].words[:60])
    for number, line in enumerate(lines):
        if line.blank:
            continue
        if number <= posts[0] and line.look is not Look.PROSE:
            line.drop("meta.headline" if number == top else "chrome.forum", "above the first post")
        elif number >= end:
            line.drop("chrome.forum", "below the last post")
    for before, post in pairwise(posts):
        _profile(lines, before + 1, post, chrome)
    for post in posts:
        _member_below(lines, post + 1, end, chrome)
    first = [
        next((line for line in lines[post + 1 : end] if line.words and not line.gone), None) for post in posts
    ]
    _labelled([*lines[: posts[0]], *filter(None, first)], chrome, found)
    for line in lines[posts[0] : end]:
        if line.gone or not line.key or len(line.key) > 40:
            continue
        if chrome.forum_buttons.fullmatch(undoubled(line.key)):
            line.drop("chrome.forum", "buttons of a post")
    return True


def _headline(lines: list[Line], post: int, chrome: Chrome, found: Found) -> int | None:
    """Number of the headline: below the counter of views and replies, named, or above the link to copy."""
    for number in range(post):
        if lines[number].key and chrome.forum_counter.fullmatch(lines[number].key):
            following = [n for n in range(number + 1, post) if _title_like(lines[n], chrome)]
            if following:
                found.set("title", _without_link(lines[following[0]], chrome), "below views and replies")
                return following[0]
    for number in range(post):
        subject = _subject(lines[number], chrome)
        if subject and han_count(subject) >= _NAMED:
            found.set("title", subject, "the line that names the thread")
            return number
    for number in range(post):
        if lines[number].key and chrome.forum_copy.fullmatch(lines[number].key):
            before = [n for n in range(number) if _title_like(lines[n], chrome)]
            if before:
                found.set("title", _without_link(lines[before[-1]], chrome), "above the link to copy")
                return before[-1]
    return None


def _labelled(lines: list[Line], chrome: Chrome, found: Found) -> None:
    """The headline behind a label or an icon, above the posts or at the head of one, and its repetitions there."""
    for line in lines:
        subject = _subject(line, chrome)
        if subject is not None:
            if subject:
                found.set("title", subject, "behind its label")
            line.drop("meta.headline", "the headline of a post")
        elif line.words and line.words == found.title:
            line.drop("meta.headline", "the headline again")


def _subject(line: Line, chrome: Chrome) -> str | None:
    """The subject behind a label or an icon; empty for a label alone, None for a line without one."""
    match = chrome.forum_title.fullmatch(line.key) if line.key else None
    if match is None:
        return None
    group = next((name for name in ("title", "title2", "title3") if match[name]), None)
    return line.words[match.start(group) : match.end(group)] if group else ""


def _without_link(line: Line, chrome: Chrome) -> str:
    """The headline without the link to copy that can stand behind it."""
    head, _space, last = line.words.rpartition(" ")
    return head if head and chrome.forum_copy.fullmatch(fold(last)) else line.words


def _title_like(line: Line, chrome: Chrome) -> bool:
    if (
        line.look not in (Look.SHORT, Look.PROSE, Look.WEAK)
        or han_count(line.text) < 4
        or len(line.words) > 100
    ):
        return False
    return not chrome.forum_profile.fullmatch(line.key)


def _end(lines: list[Line], post: int, chrome: Chrome) -> int:
    """Number of the first line below the last post: its buttons, if the reply form follows, or the form."""
    form = next(
        (n for n in range(post + 1, len(lines)) if lines[n].key and chrome.forum_end.fullmatch(lines[n].key)),
        None,
    )
    if form is None:
        return len(lines)
    if any(han_count(line.text) >= _POST and line.look is Look.PROSE for line in lines[form:]):
        return len(lines)
    for number in range(post + 1, form):
        line = lines[number]
        if line.key and chrome.forum_buttons.fullmatch(line.key):
            rest = lines[number:form]
            if not any(han_count(other.text) >= _POST or other.look is Look.PROSE for other in rest):
                return number
    return form


def _member_below(lines: list[Line], first: int, end: int, chrome: Chrome) -> None:
    """Mark the member's profile that vBulletin and phpWind put below the head of a post."""
    last = None
    for number in range(first, min(end, first + _BELOW)):
        line = lines[number]
        if line.blank:
            continue
        if not line.key or len(line.words) > _PROFILE_LINE or "。" in line.text:
            break
        if chrome.forum_profile.fullmatch(line.key):
            last = number
    for line in lines[first : last + 1] if last is not None else ():
        if not line.blank:
            line.drop("chrome.forum_profile", "profile beside a post")


def _profile(lines: list[Line], first: int, post: int, chrome: Chrome) -> None:
    """Mark the member's profile above a later post: from the line over its first label to the post's line."""
    start = None
    for number in range(post - 1, max(first, post - _PROFILE_LINES) - 1, -1):
        line = lines[number]
        if line.blank or line.gone:
            continue
        if len(line.words) > _PROFILE_LINE or line.look is Look.PROSE:
            break
        if chrome.forum_buttons.fullmatch(line.key):
            start = number
            break
        if chrome.forum_profile.fullmatch(line.key):
            start = number
    if start is None:
        lines[post].drop("chrome.forum", "the head of a post")
        return
    name = next((n for n in range(start - 1, first - 1, -1) if not lines[n].blank), None)
    if name is not None and lines[name].look is Look.SHORT and len(lines[name].words) <= 16:
        start = name
    for line in lines[start : post + 1]:
        if not line.blank:
            line.drop("chrome.forum_profile", "profile beside a post")
