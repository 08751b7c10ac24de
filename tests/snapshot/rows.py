"""Makes rows of every table from a few words; all values are invented."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from tasks.snapshot.manifest import Manifest, RunFacts
from tasks.snapshot.store import Store
from tasks.tables import TABLES

Row = dict[str, Any]
SEEN = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
QUALITY = {
    field.name: [] if pa.types.is_list(field.type) else 0
    for field in TABLES["documents"].field("quality").type
}


def ident(name: str) -> str:
    """An id of 32 hex digits."""
    return hashlib.sha256(name.encode()).hexdigest()[:32]


def document(name: str, text: str | None = None, capture: str | None = None, **values: Any) -> Row:
    """A document; its capture has the same name unless told."""
    text = f"{name}：河水清清，两岸人家。\n" if text is None else text
    return {
        "document_id": ident(name),
        "capture_id": ident(capture or name),
        "url": f"https://news.example/{name}",
        "site": "news.example",
        "collection": "test",
        "captured_at": SEEN,
        "title": f"题目{name}",
        "text": text,
        "script": "hans",
        "damage": [],
        "edits": [],
        "quality": QUALITY,
        "text_sha256": hashlib.sha256(text.encode()).hexdigest(),
        **values,
    }


def capture(
    name: str, outcome: str = "kept", rule: str = "keep", doc: str | None = None, **values: Any
) -> Row:
    """A row of the ledger; kept captures belong to the document of their name unless told."""
    kept = outcome == "kept"
    return {
        "capture_id": ident(name),
        "collection": "test",
        "locator": f"in/{name}.html",
        "url": f"https://news.example/{name}",
        "url_key": f"news.example/{name}",
        "captured_at": SEEN,
        "media_type": "text/html",
        "payload_sha256": hashlib.sha256(name.encode()).hexdigest(),
        "payload_bytes": 100,
        "outcome": outcome,
        "rule": rule,
        "reason": "because of the test",
        "document_id": ident(doc or name) if kept or doc else None,
        "version": 1,
        "decided": 1,
        **values,
    }


def table(name: str, rows: Iterable[Row]) -> pa.Table:
    """Rows as Arrow, in the columns given."""
    return pa.Table.from_pylist(list(rows), schema=TABLES[name])


def commit(
    store: Store,
    run: str,
    documents: Iterable[Row] = (),
    captures: Iterable[Row] = (),
    deletes: dict[str, list[str]] | None = None,
    **facts: Any,
) -> Manifest:
    """Write and commit; `read` is set to what balances unless given."""
    rows = {"documents": list(documents), "captures": list(captures)}
    gone = (deletes or {}).get("captures", [])
    new = [row for row in rows["captures"] if row["capture_id"] not in gone]
    appends = {}
    with store.exclusive("test", 0):
        for name, listed in rows.items():
            with store.writer(name, run) as writer:
                if listed:
                    writer.write(table(name, listed))
            appends[name] = writer.files
        return store.commit(
            run, appends=appends, deletes=deletes, facts=RunFacts(**{"read": len(new), **facts})
        )


def fill(store: Store, run: str, names: Iterable[str]) -> Manifest:
    """Commit kept documents by name."""
    listed = list(names)
    return commit(store, run, [document(n) for n in listed], [capture(n) for n in listed])
