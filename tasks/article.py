"""One capture on its way to a document: every stage of cleaning in its order.

This is where the stages meet: decode, (extract), repair, chrome, normalise, convert, judge. What
each of them changed is kept as a trail of edits; what became of the capture is its outcome.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlsplit

from config.settings import Settings
from tasks.clean.characters import newlines
from tasks.clean.chrome import ChromeStripper
from tasks.clean.decode import Decoded, PayloadTooLargeError, decode, unwrap
from tasks.clean.edits import Trail, follow, summarise
from tasks.clean.heads import Found
from tasks.clean.html import Extracted, Extractor
from tasks.clean.junk import known_kind, unreadable_share
from tasks.clean.normalise import Normaliser
from tasks.clean.privacy import mask
from tasks.clean.quality import Quality, judge, measure
from tasks.clean.repair import Repairer
from tasks.clean.spun import SpunScore, score_spun
from tasks.convert import Converter
from tasks.tables import Capture, Change, Edit, Metadata, Outcome, Post

_HTML: Final = frozenset(("text/html", "application/xhtml+xml", "application/vnd.wap.xhtml+xml"))
_NONE: Final[Mapping[str, Any]] = MappingProxyType({})
_FIELDS: Final = ("title", "author", "source", "site_name", "section", "editors")
"""Metadata that is repaired, normalised and converted like the text."""
_NARROW_PLACES: Final = 3
_EVIDENCE: Final = 10
"""Phrases that are kept as evidence of spinning."""
_NARROW_SHARE: Final = 0.2
_MINUTES: Final = re.compile(r"(T\d\d:\d\d)(?!:)")
_WIDE: Final = re.compile("[，；：？！（）]")


@dataclass(frozen=True, slots=True)
class Article:
    """What cleaning made of one capture."""

    capture: Capture
    outcome: Outcome
    """kept, rejected or failed (duplicates are found later)."""
    rule: str
    reason: str
    figure: float | None = None
    threshold: float | None = None
    charset: str | None = None
    charset_evidence: str | None = None
    replaced: int = 0
    metadata: Metadata = field(default_factory=Metadata)
    original: str = ""
    """The decoded text of a text capture, the extracted text of a page, before any change."""
    text: str = ""
    trail: Trail = ()
    """(pass name, Change) in order; applied to `original` they give `text`."""
    posts: tuple[Post, ...] = ()
    """Of a thread the posts, with their places in `text`."""
    script: str = "none"
    converted: str | None = None
    damage: tuple[str, ...] = ()
    quality: Quality | None = None
    edits: list[dict[str, Any]] = field(default_factory=list)
    """What each rule did, in the shape of EDIT_SUMMARY."""

    def row(self) -> dict[str, Any]:
        """A row of CLEANED in tasks/tables.py but for PLACE, which says which capture it is.

        Document columns are null unless the capture is kept.
        """
        kept = self.outcome is Outcome.KEPT
        row: dict[str, Any] = {
            "charset": self.charset,
            "charset_evidence": self.charset_evidence,
            "replaced_bytes": self.replaced if self.charset else None,
            "outcome": self.outcome.value,
            "rule": self.rule,
            "reason": self.reason,
            "figure": self.figure,
            "threshold": self.threshold,
        }
        document: dict[str, Any] = {
            "site": _site(self.capture.url),
            **{name: getattr(self.metadata, name) for name in _METADATA},
            "text": self.text,
            "script": self.script,
            "converted": self.converted,
            "posts": [asdict(post) for post in self.posts] or None,
            "damage": list(self.damage),
            "edits": self.edits if kept else None,
            "quality": self.quality.row() if self.quality else None,
            "text_sha256": hashlib.sha256(self.text.encode()).hexdigest(),
        }
        return row | (document if kept else dict.fromkeys(document))

    def to_json(self, *, full_edits: bool = False) -> dict[str, Any]:
        """The capture as `qingyuan clean --jsonl` prints it; `full_edits` adds the original and each edit."""
        every = {
            "original": self.original,
            "trail": [
                {"pass": name, **{key: value for key, value in asdict(edit).items() if value}}
                for name, change in self.trail
                for edit in change.edits
            ],
        }
        return (every if full_edits else {}) | {
            "capture": self.capture.locator,
            "url": self.capture.url,
            "title": self.metadata.title,
            "text": self.text,
            "source": self.metadata.source,
            "author": self.metadata.author,
            "published_at": self.metadata.published_at,
            "posts": [asdict(post) for post in self.posts],
            "script": self.script,
            "converted": self.converted,
            "edits": self.edits,
            "damage": list(self.damage),
            "quality": self.quality.row() if self.quality else None,
            "outcome": self.outcome.value,
            "reason": self.reason,
            "rule": self.rule,
            "editors": self.metadata.editors,
        }


_METADATA: Final = (
    "title", "author", "source", "published_at", "site_name", "canonical_url", "language", "section", "editors",
)  # fmt: skip


class _StopError(Exception):
    """A capture whose way ends before its text is judged."""

    def __init__(self, outcome: Outcome, rule: str, reason: str) -> None:
        super().__init__(reason)
        self.outcome, self.rule, self.reason = outcome, rule, reason


class Cleaner:
    """Cleans captures as the settings say; build it once in each worker process."""

    def __init__(self, settings: Settings) -> None:
        clean = settings.clean
        self._settings = settings
        self._extractor = Extractor(clean.extract)
        self._repairer = Repairer(clean.repair)
        self._stripper = ChromeStripper(clean.chrome)
        self._normaliser = Normaliser(clean.normalise)
        self._converter = Converter(settings.convert)
        self._profiles = {source.name: source.profile for source in settings.sources}

    def clean(
        self,
        capture: Capture,
        *,
        siblings: Mapping[str, str] = _NONE,
        recurring: Mapping[str, Collection[int]] = _NONE,
    ) -> Article:
        """The article in a capture and what became of it. Never raises for what a capture holds.

        `siblings` are texts of other captures of the same article by their ids, for the repair;
        `recurring` holds, by site, hashes of lines that recur over it (`tasks.clean.chrome.line_hash`).
        """
        way = _Way(self, capture)
        try:
            return way.run(siblings, recurring)
        except _StopError as stop:
            return way.article(stop.outcome, stop.rule, stop.reason)
        except Exception as error:  # noqa: BLE001 - one bad capture never stops a run
            reason = f"{way.stage} failed: {type(error).__name__}: {error}"[:500]
            return way.article(Outcome.FAILED, f"clean.{way.stage}", reason)


class _Way:
    """The state of one capture between the stages."""

    def __init__(self, cleaner: Cleaner, capture: Capture) -> None:
        self.cleaner = cleaner
        self.stage = "read"
        self.capture = capture
        self.known: dict[str, Any] = {}
        """What the stages have found, as fields of the Article."""
        self.trail: list[tuple[str, Change]] = []

    def run(self, siblings: Mapping[str, str], recurring: Mapping[str, Collection[int]]) -> Article:
        capture = self.capture
        settings = self.cleaner._settings
        if capture.error:
            raise _StopError(Outcome.FAILED, "collect.error", capture.error)
        html = capture.media_type.lower() in _HTML
        self.stage = "decode"
        text = self._decode(capture)
        extracted: Extracted | None = None
        metadata = Metadata(title=capture.title)
        if html:
            self.stage = "extract"
            extracted = self.cleaner._extractor.extract(
                text, url=capture.url, captured_at=capture.captured_at
            )
            text, metadata = newlines(extracted.text), extracted.metadata
            metadata = replace(metadata, title=capture.title or extracted.title or metadata.title)
            if not text.strip():
                raise _StopError(Outcome.REJECTED, "clean.empty", "the page has no text of its own")
        self.known.update(original=text)
        self.stage = "repair"
        text, metadata, damage, unrepaired = self._repair(text, metadata, siblings)
        self.stage = "chrome"
        stripped = self.cleaner._stripper.strip(
            text,
            captured_at=capture.captured_at,
            headline=not html,
            recurring=recurring.get(_site(capture.url) or "", ()),
        )
        self._pass("chrome", stripped.change)
        metadata = _joined(metadata, stripped.found)
        self.stage = "normalise"
        normal = self.cleaner._normaliser.normalise(stripped.change.text)
        self.trail += normal
        text = normal[-1][1].text if normal else stripped.change.text
        self.stage = "convert"
        profile = self.cleaner._profiles.get(capture.source)
        converted = self.cleaner._converter.convert(text, profile=profile)
        self._pass("convert", Change(converted.text, converted.edits))
        metadata = self._finish_metadata(metadata, profile)
        self.stage = "quality"
        masked = mask(converted.text, settings.clean.privacy)
        self._pass("privacy", masked)
        script = str(converted.script)
        simplified = script == "hans" or converted.profile is not None
        han = len(converted.text)
        # The lines that went into the metadata are spun with the rest (`泉源:` for `来源:`).
        bylines = [edit.before for edit in stripped.change.edits if edit.rule.startswith("meta.")]
        spun = score_spun("\n".join([converted.text, *bylines]), han, simplified=simplified)
        kinds = self._kinds(damage, masked.text, spun)
        if extracted and extracted.cut:
            kinds += ("cut_at_limit",)
        # Of the text as it was: asterisks would count as symbols, and masking decides nothing.
        quality = measure(
            converted.text,
            link_density=extracted.link_density if extracted else None,
            list_score=extracted.list_score if extracted else None,
            damage=sum(damage.values()),
            unrepaired=unrepaired + self.known["replaced"],
            spun=spun.score,
            spun_evidence=[f"{phrase} ← {original}" for phrase, original, _ in spun.evidence[:_EVIDENCE]],
            simplified=simplified,
        )
        posts = self._posts(extracted, masked.text, profile) if extracted else ()
        self.known.update(
            metadata=metadata, text=masked.text, posts=posts, trail=tuple(self.trail), script=script,
            edits=summarise(self.trail, lambda text: mask(text, settings.clean.privacy).text),
            converted=converted.profile, damage=kinds, quality=quality,
        )  # fmt: skip
        verdict = judge(quality, settings.clean.quality)
        if verdict:
            self.known.update(figure=verdict.figure, threshold=verdict.threshold)
            raise _StopError(Outcome.REJECTED, verdict.rule, verdict.reason)
        return self.article(Outcome.KEPT, "clean", "passed every quality rule")

    def article(self, outcome: Outcome, rule: str, reason: str) -> Article:
        """What is known so far, with what becomes of the capture."""
        return Article(self.capture, outcome, rule, reason, **self.known)

    def _pass(self, name: str, change: Change) -> None:
        if change.edits:
            self.trail.append((name, change))

    def _decode(self, capture: Capture) -> str:
        settings = self.cleaner._settings.collect
        if not capture.payload:
            raise _StopError(Outcome.REJECTED, "clean.empty", "the capture is empty (0 bytes)")
        try:
            payload = unwrap(capture.payload, capture.headers, settings.max_payload_bytes)
        except PayloadTooLargeError as error:
            raise _StopError(Outcome.FAILED, "clean.too_large", str(error)) from error
        if kind := known_kind(payload):
            raise _StopError(Outcome.REJECTED, "clean.binary", f"the bytes are {kind}, not text")
        decoded: Decoded = decode(
            payload,
            media_type=capture.media_type,
            headers=capture.headers,
        )
        self.known.update(
            charset=decoded.charset, charset_evidence=decoded.evidence, replaced=decoded.replaced
        )
        text = newlines(decoded.text)
        if not text.strip():
            raise _StopError(Outcome.REJECTED, "clean.empty", "the capture holds nothing but white space")
        if share := unreadable_share(payload, text, decoded.charset):
            raise _StopError(
                Outcome.REJECTED, "clean.binary", f"the bytes are no text: {share:.0%} cannot be read"
            )
        return text

    def _repair(
        self, text: str, metadata: Metadata, siblings: Mapping[str, str]
    ) -> tuple[str, Metadata, Mapping[str, int], int]:
        """Repair text and metadata together: a headline alone does not show the habit of its page."""
        restore = self.cleaner._repairer.restore
        names = [name for name in _FIELDS if getattr(metadata, name)]
        heads = [" ".join(_whole(str(getattr(metadata, name))).split("\n")) for name in names]
        if names:
            head = "\n".join(heads)
            whole = restore(f"{head}\n{text}", siblings=siblings)
            changes = _behind(whole.changes, len(head) + 1)
            rows = whole.text.split("\n", len(names))
            if changes is not None and len(rows) == len(names) + 1:
                self.trail += changes
                metadata = _with(metadata, dict(zip(names, rows, strict=False)))
                return rows[-1], metadata, whole.damage, whole.unrepaired
            metadata = _with(
                metadata, {name: restore(value).text for name, value in zip(names, heads, strict=True)}
            )
        restored = restore(text, siblings=siblings)
        self.trail += restored.changes
        return restored.text, metadata, restored.damage, restored.unrepaired

    def _posts(self, page: Extracted, text: str, profile: str | None) -> tuple[Post, ...]:
        """The posts of the page that are left in the clean `text`, with their places there."""
        posts = page.posts
        places = follow([len(newlines(page.text[: post.start])) for post in posts], self.trail)
        ends = [*places[1:], len(text)]
        return tuple(
            Post(
                start,
                self._finish(post.author, profile) if post.author else None,
                _seconds(post.published_at),
            )
            for post, start, end in zip(posts, places, ends, strict=False)
            if text[start:end].strip()
        )

    def _finish(self, value: str, profile: str | None) -> str | None:
        line = self.cleaner._normaliser.headline(value).strip()
        converted = self.cleaner._converter.convert(line, profile=profile).text
        return mask(converted, self.cleaner._settings.clean.privacy).text or None

    def _finish_metadata(self, metadata: Metadata, profile: str | None) -> Metadata:
        values: dict[str, Any] = {
            name: self._finish(value, profile) for name in _FIELDS if (value := getattr(metadata, name))
        }
        values["published_at"] = _seconds(metadata.published_at)
        return replace(metadata, **values)

    def _kinds(self, damage: Mapping[str, int], text: str, spun: SpunScore) -> tuple[str, ...]:
        edits = [edit for _name, change in self.trail for edit in change.edits]
        kinds = [kind for kind, count in damage.items() if count]
        rules = {edit.rule for edit in edits}
        if any(rule.startswith("farm.") for rule in rules):
            kinds.append("link_farm")
        widened = sum(edit.count for edit in edits if edit.rule == "punct.widen")
        if widened >= _NARROW_PLACES and widened >= _NARROW_SHARE * len(_WIDE.findall(text)):
            kinds.append("narrow_punctuation")
        if any(rule.startswith("chrome.") for rule in rules):
            kinds.append("site_chrome")
        if "unicode.private_use" in rules:
            kinds.append("private_use")
        if spun.score >= self.cleaner._settings.clean.quality.spun_flag:
            kinds.append("spun_synonyms")
        return tuple(dict.fromkeys(kinds))


def _seconds(time: str | None) -> str | None:
    """A time with its seconds: RFC 3339 has no clock time without, and one form sorts."""
    return _MINUTES.sub(r"\1:00", time) if time else None


def _behind(changes: Sequence[tuple[str, Change]], border: int) -> list[tuple[str, Change]] | None:
    """The part of some passes that lies behind offset `border`; None if an edit reaches across it."""
    out = []
    for name, change in changes:
        edits: list[Edit] = []
        moved = 0
        for edit in change.edits:
            end = edit.start + len(edit.before)
            if edit.start >= border:
                edits.append(replace(edit, start=edit.start - border))
            elif end >= border or "\n" in edit.before or "\n" in edit.after:
                return None
            else:
                moved += len(edit.after) - len(edit.before)
        border += moved
        if edits:
            out.append((name, Change(change.text[border:], tuple(edits))))
    return out


def _joined(metadata: Metadata, found: Found) -> Metadata:
    """What the page declares, completed by what its lines say."""
    names = ("title", "author", "source", "published_at", "editors")
    values = {
        name: getattr(found, name) for name in names if not getattr(metadata, name) and getattr(found, name)
    }
    evidence = {**found.evidence, **metadata.evidence}
    return replace(metadata, **values, evidence=evidence)


def _with(metadata: Metadata, values: Mapping[str, Any]) -> Metadata:
    return replace(metadata, **values)


def _whole(text: str) -> str:
    """Text without lone surrogates, which structured sources can carry and no encoding can."""
    return text.encode("utf-8", "replace").decode() if re.search(r"[\ud800-\udfff]", text) else text


@lru_cache(maxsize=64)
def _site(url: str | None) -> str | None:
    try:
        return (urlsplit(url).hostname or None) if url else None
    except ValueError:
        return None
