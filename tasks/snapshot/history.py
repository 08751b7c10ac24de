"""What versions there are, what one is, and the life of a capture or document through them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from tasks.snapshot.errors import StoreError, UnknownVersionError
from tasks.snapshot.manifest import Headline, Manifest
from tasks.snapshot.reader import SNAPSHOTS
from tasks.snapshot.search import engine, fetch, same, view
from tasks.snapshot.store import Store
from tasks.snapshot.summary import summary

_TAG: Final = re.compile(r"(?!v?\d+$|latest$)[\w][\w.-]{0,63}")
_PREFIX: Final = re.compile(r"[0-9a-f]{8,32}")
_MOST: Final = 100

_CAPTURES: Final = """
SELECT filename, capture_id, document_id, url, locator, outcome, rule, reason, figure, threshold, of_capture
FROM captures WHERE url = $text OR locator = $text OR url_key = $key
    OR ($prefix AND (starts_with(capture_id, $text) OR starts_with(document_id, $text)))
ORDER BY capture_id, filename LIMIT $limit
"""
_DOCUMENTS: Final = """
SELECT filename, document_id, capture_id, url, title, text_sha256
FROM documents WHERE document_id IN (SELECT unnest($ids)) ORDER BY document_id, filename
"""


_CAPTURE_COLUMNS: Final = same(
    *("filename", "capture_id", "document_id", "url", "url_key", "locator"),
    *("outcome", "rule", "reason", "figure", "threshold", "of_capture"),
)
_DOCUMENT_COLUMNS: Final = same("filename", "document_id", "capture_id", "url", "title", "text_sha256")


@dataclass(frozen=True)
class VersionLine:
    """A version in one line."""

    version: int
    tag: str | None
    created_at: datetime
    documents: int
    new: int
    changed: int
    gone: int
    captures: int
    run_id: str


def list_versions(store: Store) -> list[VersionLine]:
    """All versions, oldest first."""
    return [_line(headline) for headline in store.headlines()]


def _line(manifest: Headline) -> VersionLine:
    documents = manifest.counts.documents
    return VersionLine(
        version=manifest.version,
        tag=manifest.tag,
        created_at=manifest.created_at,
        documents=documents.total,
        new=documents.new,
        changed=documents.changed,
        gone=documents.gone,
        captures=manifest.counts.captures,
        run_id=manifest.run_id,
    )


def resolve(store: Store, name: str) -> int:
    """The version meant by `7`, `v7`, `latest` or a tag. Raises UnknownVersionError."""
    if re.fullmatch(r"v?\d+", name):
        version = int(name.removeprefix("v"))
        store.published(version)
        return version
    versions = store.versions()
    if name == "latest" and versions:
        return versions[-1]
    for headline in reversed(store.headlines()):
        if headline.tag == name:
            return headline.version
    raise UnknownVersionError(
        f"{store.home.address}: no version or tag {name}; see `qingyuan snapshots list`"
    )


def show(store: Store, version: int) -> dict[str, Any]:
    """Everything a version says about itself, without the list of files; ready for JSON."""
    manifest = store.manifest(version)
    shown = manifest.model_dump(mode="json", exclude={"tables"})
    shown["tables"] = {
        name: {
            "rows": pin.rows,
            "files": len(pin.files),
            "bytes": sum(file.bytes for file in pin.files),
            "delta_version": pin.delta_version,
        }
        for name, pin in manifest.tables.items()
    }
    shown["folder"] = store.published(version)
    return shown


def tag(store: Store, version: int, name: str | None) -> Manifest:
    """Give a version a name, or take it away (None). Raises StoreError where it is taken or unfit."""
    if name is not None and not _TAG.fullmatch(name):
        raise StoreError(
            f"{name!r} cannot be a tag: use letters, digits, dot, dash and underscore, and not a number alone"
        )
    with store.exclusive("tag"):
        manifest = store.manifest(version)
        if name is not None:
            for other in store.headlines():
                if other.version != version and other.tag == name:
                    raise StoreError(f"tag {name} is on v{other.version}; take it off there first")
        tagged = manifest.model_copy(update={"tag": name})
        folder = f"{SNAPSHOTS}/v{version}"
        store.home.write(f"{folder}/manifest.json", tagged.model_dump_json(indent=1).encode())
        store.home.write(f"{folder}/SUMMARY.md", summary(tagged).encode())
    return tagged


@dataclass(frozen=True)
class Event:
    """The state of a capture or document from a version on."""

    version: int
    created_at: datetime
    what: str
    """Captures: their outcome. Documents: new, changed or gone."""
    rule: str | None = None
    reason: str | None = None
    figure: float | None = None
    threshold: float | None = None
    document_id: str | None = None
    capture_id: str | None = None
    """Captures: the one it duplicates or was superseded by. Documents: the canonical one."""
    title: str | None = None


@dataclass(frozen=True)
class Life:
    """What became of one capture or document, version by version."""

    kind: str
    """capture or document"""
    id: str
    place: str
    """Url, or the locator where there is no url."""
    events: list[Event]


def why(store: Store, query: str, *, url_key: str | None = None) -> list[Life]:
    """The life of the captures that `query` names, and of the documents they belong to.

    `query` is a url, a locator, or a capture or document id (8 digits of it are enough); with
    `url_key`, the canonical form of a url, all revisits of the page are found. Only versions that
    still exist are told. At most 100 captures; an empty list where nothing fits.
    """
    manifests = store.manifests()
    parameters = {
        "text": query,
        "key": url_key,
        "prefix": _PREFIX.fullmatch(query) is not None,
        "limit": _MOST * 10,
    }
    with engine(store.settings, store.path / "staging" / "scratch") as sql:
        view(sql, "captures", _all_files(store, manifests, "captures"), _CAPTURE_COLUMNS)
        captures = fetch(sql, _CAPTURES, parameters)
        ids = {row["document_id"] for row in captures} - {None}
        view(sql, "documents", _all_files(store, manifests, "documents"), _DOCUMENT_COLUMNS)
        documents = fetch(sql, _DOCUMENTS, {"ids": sorted(ids)})
    lives = []
    for name, rows in _grouped(captures, "capture_id")[:_MOST]:
        events = _events(manifests, "captures", rows, _capture_event)
        lives.append(Life("capture", name, rows[-1]["url"] or rows[-1]["locator"], events))
    for name, rows in _grouped(documents, "document_id"):
        events = _events(manifests, "documents", rows, _document_event)
        lives.append(Life("document", name, rows[-1]["url"] or "", events))
    return lives


def _all_files(store: Store, manifests: Iterable[Manifest], table: str) -> list[Path]:
    files = {file.name: file for manifest in manifests for file in manifest.files(table) if file.rows}
    return store.local(table, [files[name] for name in sorted(files)])


def _grouped(rows: Iterable[dict[str, Any]], key: str) -> list[tuple[str, list[dict[str, Any]]]]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(row[key], []).append({**row, "filename": Path(row["filename"]).name})
    return sorted(groups.items())


def _capture_event(manifest: Manifest, row: dict[str, Any], first: bool) -> Event:  # noqa: ARG001 - called like _document_event
    return Event(
        version=manifest.version,
        created_at=manifest.created_at,
        what=row["outcome"],
        rule=row["rule"],
        reason=row["reason"],
        figure=row["figure"],
        threshold=row["threshold"],
        document_id=row["document_id"],
        capture_id=row["of_capture"],
    )


def _document_event(manifest: Manifest, row: dict[str, Any], first: bool) -> Event:
    return Event(
        version=manifest.version,
        created_at=manifest.created_at,
        what="new" if first else "changed",
        capture_id=row["capture_id"],
        document_id=row["document_id"],
        title=row["title"],
    )


def _events(manifests: Iterable[Manifest], table: str, rows: list[dict[str, Any]], event: Any) -> list[Event]:
    """One event for each version in which the row is another than in the version before."""
    events: list[Event] = []
    before: dict[str, Any] | None = None
    for manifest in manifests:
        names = {file.name for file in manifest.files(table)}
        row = next((row for row in rows if row["filename"] in names), None)
        now = {name: value for name, value in row.items() if name != "filename"} if row else None
        if now != before:
            if row:
                told = event(manifest, row, not events)
                events.append(replace(told, what="back") if before is None and events else told)
            else:
                events.append(Event(manifest.version, manifest.created_at, "gone"))
        before = now
    return events
