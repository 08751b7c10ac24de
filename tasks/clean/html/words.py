"""What the names of classes and ids and the words of lines tell, read from config/lexicon/html.yaml."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import yaml

from config.settings import CONFIG

_NAMES: Final = re.compile(r'(?:^|\s)(?:id|class|role|itemprop)="([^"]*)"')
# WordPress names an article by its topics too: class="post-21 hentry tag-recent category-hot".
_POST_CLASS: Final = re.compile(r"\bhentry\b|\btype-post\b|\bpost-\d")
_TOPICS: Final = re.compile(r"(?<!\S)(?:tag|category|cat|term|format)-\S+")
_HIDDEN: Final = re.compile(r'style="[^"]*display:\s*none|(?:^|\s)hidden(?:=""|\s|$)|aria-hidden="true"')


# What the name of a block promises.
CHROME: Final = -2
COMMENT: Final = -1
NONE: Final = 0
CONTENT: Final = 1
BODY: Final = 2


@dataclass(frozen=True)
class Words:
    """The word lists, compiled once."""

    hint: Callable[[str], tuple[int, bool]]
    """Attributes of a block -> what its names promise, and whether it is hidden."""
    boilerplate: re.Pattern[str]
    """Parts of a site's boilerplate, as they stand."""
    head: re.Pattern[str]
    """A line above the article: by-line, time, tools."""
    tail: re.Pattern[str]
    """A line below the article that is not part of it."""
    cut: re.Pattern[str]
    """A line below the article after which nothing belongs to it."""
    ending: re.Pattern[str]
    """What a site hangs on the end of the last line."""
    advert: re.Pattern[str]
    """A line that says it is an advertisement."""
    attachment: re.Pattern[str]
    """Names of files that belong to an article."""
    member: re.Pattern[str]
    """Tags of links to a member of a forum."""
    member_place: re.Pattern[str]
    """Attributes of a block that holds a member's name."""
    not_member: re.Pattern[str]
    """Whole texts beside a post that are no name: buttons, counts, times, ranks."""
    forum: re.Pattern[str]
    """Titles, body classes and urls of forums and of questions and answers."""


@lru_cache(maxsize=1)
def load_words() -> Words:
    """The word lists shipped in config/lexicon/html.yaml."""
    raw: dict[str, Any] = yaml.safe_load((CONFIG / "lexicon" / "html.yaml").read_text(encoding="utf-8"))

    def either(name: str, template: str = "(?:{})") -> re.Pattern[str]:
        return re.compile(template.format("|".join(raw[name])), re.IGNORECASE)

    body, content, chrome, comment = (
        either(name) for name in ("names_body", "names_content", "names_chrome", "names_comment")
    )

    @lru_cache(maxsize=16384)
    def hint(attributes: str) -> tuple[int, bool]:
        hidden = _HIDDEN.search(attributes) is not None
        names = " ".join(_NAMES.findall(attributes))
        if _POST_CLASS.search(names):
            names = _TOPICS.sub("", names)
        if len(names) < 2:
            return NONE, hidden
        if body.search(names):
            return BODY, hidden
        if chrome.search(names):
            return CHROME, hidden
        if comment.search(names):
            return COMMENT, hidden
        return (CONTENT if content.search(names) else NONE), hidden

    return Words(
        hint=hint,
        boilerplate=re.compile("|".join(map(re.escape, raw["boilerplate"]))),
        head=either("head_lines", r"^(?:{})"),
        tail=either("tail_lines", r"^(?:{})\s*$"),
        cut=either("cut_lines", r"^(?:{})"),
        ending=either("endings", r"\s*(?:{})\s*$"),
        advert=either("adverts", r"^(?:{})"),
        attachment=either("attachments"),
        member=either("member_links"),
        member_place=either("member_places"),
        not_member=either("not_members"),
        forum=either("forum"),
    )
