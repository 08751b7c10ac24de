"""What a page says about its article: title, author, source, time and more, each with its evidence.

Machine-readable statements come first (<meta>, JSON-LD, microdata), then what stands by the
headline for readers: `来源：…`, `责任编辑：…`, the time nearest the headline.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

import yaml
from selectolax.lexbor import LexborHTMLParser, LexborNode

from config.settings import CONFIG
from tasks.clean.dates import FoundTime, find_times, parse_time

_MAX_JSON: Final = 1 << 20
_MAX_VALUE: Final = 300
_LONG_TEXT: Final = 160
_NOT_TIME: Final = 40
_ARTICLE_TYPES: Final = ("Article", "BlogPosting", "Posting", "WebPage", "Question", "Report", "Video")
_URL_DATE: Final = re.compile(
    r"(?<!\d)((?:19|20)\d{2})[-/_]?(0[1-9]|1[0-2])(?:[-/_]?(0[1-9]|[12]\d|3[01]))?(?![\d])(?=[/_.\-t]|\d*[/_.])"
)
_TITLED_TIME: Final = re.compile(
    r'title="([^"<>]{0,9}(?:19|20)\d\d[-年/][^"<>]{3,30})"[^<>]{0,200}>[^<>]{1,20}前\s*<'
)
_TIME_VARIABLES: Final = ("var ct", "createTime", "publish_time", "publishTime", "pubDate")
_SCRIPT_TIME: Final = re.compile(r"""[\w ]+['"]?\s*[:=]\s*['"]((?:19|20)\d\d-[^'"]{4,20}|1\d{9})['"]""")
_SPACE: Final = re.compile(r"\s+")
_TIME_HINT: Final = re.compile(
    r"(?:19|20)\d\d|\d\s?[-/.年]\s?\d|[０-９]|[一二][〇○零一二三四五六七八九]{3}|民[国國]|[前刚剛今昨月]"
)


@dataclass(frozen=True, slots=True)
class Statements:
    """What the page states for machines, read before scripts leave the tree."""

    title: str = ""
    meta: dict[str, str] = field(default_factory=dict)
    """Content of <meta> by name in lower case; the first one counts."""
    linked_data: tuple[dict[str, Any], ...] = ()
    """JSON-LD objects, those of articles first."""
    canonical: str | None = None
    language: str | None = None
    items: Mapping[str, str] = field(default_factory=dict)
    """Microdata: short texts of elements by itemprop (`_ITEMS`)."""
    times: tuple[str, ...] = ()
    """Values of itemprop=datePublished and <time datetime> (the first few)."""

    def linked(self, *path: str) -> str | None:
        """The first text at a path in the JSON-LD objects, e.g. `linked("author", "name")`."""
        for thing in self.linked_data:
            value: Any = thing
            for key in path:
                if isinstance(value, list):
                    value = value[0] if value else None
                value = value.get(key) if isinstance(value, dict) else (value if key == "name" else None)
            if isinstance(value, list):
                value = value[0] if value else None
            if isinstance(value, str) and value.strip():
                return value.strip()
        return None


@dataclass(frozen=True)
class Labels:
    """The names and labels of config/lexicon/html_metadata.yaml, compiled once."""

    meta: dict[str, tuple[str, ...]]
    values: dict[str, re.Pattern[str]]
    """Field -> `label: value` with the value as group 1."""
    time: re.Pattern[str]
    not_time: re.Pattern[str]
    not_source: re.Pattern[str]


@lru_cache(maxsize=1)
def load_labels() -> Labels:
    """The labels shipped in config/lexicon/html_metadata.yaml."""
    raw: dict[str, Any] = yaml.safe_load(
        (CONFIG / "lexicon" / "html_metadata.yaml").read_text(encoding="utf-8")
    )
    stop = raw["stop"]
    values = {
        name: re.compile(
            rf"(?:{raw['labels'][name]})\s*[:：]\s*[\[【（(]?\s*((?:(?!{stop}).){{2,40}}?)\s*(?={stop}|[\]】）)]|$)"
        )
        for name in ("source", "author", "editors")
    }
    return Labels(
        meta={name: tuple(keys) for name, keys in raw["meta"].items()},
        values=values,
        time=re.compile(raw["labels"]["time"]),
        not_time=re.compile(raw["not_time"], re.IGNORECASE),
        not_source=re.compile(raw["not_source"], re.IGNORECASE),
    )


_STATEMENTS: Final = (
    'meta[content], link[rel="canonical"], script[type="application/ld+json"], '
    "[itemprop], time[datetime], time[pubdate]"
)
_MAX_STATEMENTS: Final = {"meta": 200, "link": 1, "script": 8, "time": 5, "item": 60}
_ITEM_SIZE: Final = 60
_ITEMS: Final = frozenset(("headline", "author", "editor", "publisher", "articleSection"))


def read_statements(tree: LexborHTMLParser) -> Statements:
    """The machine-readable statements of the parsed page, found in one pass over the tree."""
    found: dict[str, list[LexborNode]] = {kind: [] for kind in _MAX_STATEMENTS}
    for node in tree.css(_STATEMENTS):
        kinds = {node.tag or ""} & found.keys()
        if "meta" not in kinds and (item := node.attributes.get("itemprop")):
            kinds.add("time" if item == "datePublished" else "item")
        for kind in kinds:
            if len(found[kind]) < _MAX_STATEMENTS[kind]:
                found[kind].append(node)
    meta: dict[str, str] = {}
    for tag in found["meta"]:
        attributes = tag.attributes
        name = (
            attributes.get("name")
            or attributes.get("property")
            or attributes.get("itemprop")
            or attributes.get("http-equiv")
        )
        content = attributes.get("content")
        if name and content and content.strip():
            meta.setdefault(name.strip().lower(), content.strip())
    items: dict[str, str] = {}
    for tag in found["item"]:
        if (name := tag.attributes.get("itemprop")) not in _ITEMS or name is None:
            continue
        inner = tag.css_first('[itemprop="name"]') or tag
        text = _SPACE.sub(" ", inner.attributes.get("content") or inner.text()).strip()
        if text and len(text) < _ITEM_SIZE:
            items.setdefault(name, text)
    times = [
        tag.attributes.get("content") or tag.attributes.get("datetime") or tag.text(strip=True)
        for tag in found["time"]
    ]
    title = tree.css_first("title")
    page = tree.css_first("html")
    return Statements(
        title=_SPACE.sub(" ", title.text()).strip() if title is not None else "",
        meta=meta,
        linked_data=tuple(_linked_data(found["script"])),
        canonical=(found["link"][0].attributes.get("href") or None) if found["link"] else None,
        language=(page.attributes.get("lang") or page.attributes.get("xml:lang"))
        if page is not None
        else None,
        times=tuple(time for time in times if time),
        items=items,
    )


def _linked_data(scripts: Sequence[LexborNode]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for node in scripts:
        text = node.text()
        if len(text) > _MAX_JSON:
            continue
        try:
            value = json.loads(text, strict=False)
        except (ValueError, RecursionError):
            continue
        things = (
            value
            if isinstance(value, list)
            else value.get("@graph", [value])
            if isinstance(value, dict)
            else []
        )
        found += [thing for thing in things if isinstance(thing, dict)] if isinstance(things, list) else []
    return sorted(
        found, key=lambda thing: not any(kind in str(thing.get("@type")) for kind in _ARTICLE_TYPES)
    )


class Finder:
    """Collects fields, the first find of each with its evidence."""

    def __init__(self, statements: Statements, labels: Labels) -> None:
        self.statements = statements
        self.labels = labels
        self.values: dict[str, str] = {}
        self.evidence: dict[str, str] = {}

    def set(self, name: str, value: str | None, evidence: str) -> None:
        """Keep `value` (white space collapsed, at most 300 characters) unless the field is known."""
        if value and (pattern := self.labels.values.get(name)) and (labelled := pattern.match(value)):
            value = labelled[1]
        if (
            value
            and name not in self.values
            and (plain := _SPACE.sub(" ", html.unescape(value)).strip())[:_MAX_VALUE]
        ):
            self.values[name] = plain[:_MAX_VALUE]
            self.evidence[name] = " ".join(evidence.split())

    def set_from_meta(self, name: str) -> None:
        """Take the field from the first <meta> that states it."""
        for key in self.labels.meta[name]:
            if value := self.statements.meta.get(key):
                if name in ("author", "source", "editors") and (
                    "://" in value or self.labels.not_source.match(value)
                ):
                    continue
                self.set(name, value, f"meta {key}")
                return

    def set_from_text(self, name: str, texts: Sequence[str]) -> None:
        """Take the field from a visible `label: value`."""
        if name in self.values:
            return
        pattern = self.labels.values[name]
        for text in texts:
            if ("：" in text or ":" in text) and (match := pattern.search(text)):
                value = match[1].strip(" \u3000:：，。、/|-—·")
                if value and not self.labels.not_source.match(value):
                    self.set(name, value, f"text {match[0][:20]}")
                    return


def stated_time(
    statements: Statements, labels: Labels, captured_at: datetime | None
) -> tuple[str, str] | None:
    """The time of publication the page states for machines, with its evidence."""
    for key in labels.meta["published_at"]:
        if (
            (value := statements.meta.get(key))
            and (time := parse_time(value, captured_at))
            and len(time) >= 10
        ):
            return time, f"meta {key}"
    for key in ("datePublished", "uploadDate", "dateCreated"):
        if (value := statements.linked(key)) and (time := parse_time(value, captured_at)):
            return time, f"json-ld {key}"
    return None


def visible_time(
    texts: Sequence[tuple[int, str]], labels: Labels, captured_at: datetime | None
) -> tuple[str, str] | None:
    """The best time among the texts around the headline, as (ISO 8601, evidence).

    `texts` are (distance from the headline in runs, negative above it; text). A time with a clock or
    by a label such as 发布 or 来源 beats a bare date, near beats far, below beats above.
    """
    best: tuple[float, FoundTime, str] | None = None
    for distance, text in texts:
        if len(text) > _LONG_TEXT or not _TIME_HINT.search(text):
            continue
        last = 0
        for found in find_times(text[:200], captured_at):
            before, last = text[last : found.start], found.end
            if len(found.iso) < 10 or labels.not_time.search(before):
                continue
            if labels.not_time.search(text, last) and len(text) - last < _NOT_TIME:
                continue
            near = 1.0 / (2 + (distance if distance >= 0 else -2 * distance))
            score = near + 0.6 * found.clock + 0.5 * bool(labels.time.search(text)) + 0.3 * found.exact
            score -= 0.4 * (len(text) > 90) + 0.5 * (len(text) > 3 * (found.end - found.start) + 40)
            if best is None or score > best[0]:
                best = score, found, text
    if best is None or best[0] < 0.45:
        return None
    return best[1].iso, f"text {best[2][:24]}"


def titled_time(source: str, captured_at: datetime | None) -> tuple[str, str] | None:
    """The date in the title of the first relative time (`<span title="2023-05-28">11个月前</span>`), or
    in the variable a script shows it from (`var ct = "1683766800"`)."""
    match = _TITLED_TIME.search(source)
    if match and (time := parse_time(match[1], captured_at)):
        return time, f"title {match[1][:24]}"
    for name in _TIME_VARIABLES:
        at = source.find(name)
        if (
            at >= 0
            and (match := _SCRIPT_TIME.match(source, at))
            and (time := parse_time(match[1], captured_at))
        ):
            return time, f"script {match[1][:24]}"
    return None


def url_time(url: str | None) -> tuple[str, str] | None:
    """The date in an address such as /2024-05/20/ or /t20240520_1.htm."""
    if not url or not (match := _URL_DATE.search(url)):
        return None
    time = parse_time("-".join(part for part in match.groups() if part))
    return (time, "url") if time else None


def more_exact(stated: tuple[str, str] | None, visible: tuple[str, str] | None) -> tuple[str, str] | None:
    """Of two times the first, unless the second is the same day and states the clock too."""
    if stated and visible and len(visible[0]) > len(stated[0]) and visible[0][:10] == stated[0]:
        return visible
    return stated or visible


def strings_of(value: Any, depth: int = 0) -> Iterator[tuple[str, str]]:
    """Every (key, text) in a JSON value, to a depth of 40."""
    if depth > 40:
        return
    items = (
        value.items()
        if isinstance(value, dict)
        else ((("", item) for item in value) if isinstance(value, list) else ())
    )
    for key, item in items:
        if isinstance(item, str):
            yield str(key), item
        else:
            yield from strings_of(item, depth + 1)
