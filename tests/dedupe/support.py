"""Tables as the stages before and after matching would write them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.dedupe.report import Resolution
from tasks.dedupe.skeleton import skeleton
from tasks.dedupe.urls import url_key
from tasks.tables import CAPTURES, CLEANED, DOCUMENTS, SIGNATURES

QUALITY = {"damage": 0, "unrepaired": 0, "spun": 0.0}


def capture(
    text: str,
    *,
    url: str | None = None,
    captured_at: datetime | None = None,
    name: str = "",
    quality: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """A row of CLEANED for a kept capture, without what matching does not read."""
    place = name or url or text[:40]
    payload = hashlib.sha256(text.encode()).hexdigest()
    return {
        "capture_id": hashlib.sha256(f"{place}\0{payload}".encode()).hexdigest()[:32],
        "collection": "test",
        "locator": place,
        "url": url,
        "url_key": url_key(url),
        "captured_at": captured_at,
        "media_type": "text/plain",
        "payload_sha256": payload,
        "payload_bytes": len(text.encode()),
        "outcome": "kept",
        "rule": "quality",
        "reason": "passed",
        "text": text,
        "quality": QUALITY | {"han": int(skeleton(text).size)} | dict(quality or {}),
        "script": "hans",
        "damage": [],
        "edits": [],
        "text_sha256": payload,
    }


def write(path: Path, rows: Sequence[Mapping[str, Any]], schema: pa.Schema = CLEANED) -> str:
    """Write rows as a Parquet file; the name of the file."""
    pq.write_table(pa.Table.from_pylist(list(rows), schema=schema), path, row_group_size=1000)
    return str(path)


class Corpus:
    """A store reduced to what matching needs: the files of its newest state."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.captures: dict[str, dict[str, Any]] = {}
        self.documents: dict[str, dict[str, Any]] = {}
        self.signatures: list[dict[str, Any]] = []
        self.rows: dict[str, dict[str, Any]] = {}

    def files(self, name: str, rows: Sequence[Mapping[str, Any]], schema: pa.Schema) -> list[str]:
        """The rows as files; none for no rows."""
        return [write(self.folder / f"{name}.parquet", rows, schema)] if rows else []

    def signature_files(self) -> list[str]:
        """The stored signatures."""
        return self.files("signatures", self.signatures, SIGNATURES)

    def document_files(self) -> list[str]:
        """The stored documents."""
        return self.files("documents", list(self.documents.values()), DOCUMENTS)

    def ledger_files(self) -> list[str]:
        """The ledger."""
        return self.files("captures", list(self.captures.values()), CAPTURES)

    def commit(self, rows: Sequence[Mapping[str, Any]], resolution: Resolution) -> None:
        """Take in what a run decided on its captures."""
        self.rows |= {row["capture_id"]: dict(row) for row in rows}
        for decision in resolution.captures.to_pylist() + resolution.superseded.to_pylist():
            row = {name: self.rows[decision["capture_id"]].get(name) for name in CAPTURES.names}
            self.captures[decision["capture_id"]] = row | decision | {"version": 1, "decided": 1}
        for change in resolution.documents.to_pylist():
            old = self.documents.get(change["document_id"], {"members": 0, "contains": []})
            row = {name: self.rows[change["capture_id"]].get(name) for name in DOCUMENTS.names}
            self.documents[change["document_id"]] = row | {
                "document_id": change["document_id"],
                "capture_id": change["capture_id"],
                "members": old["members"] + change["added"],
                "contains": sorted({*old["contains"], *change["contains"]}),
            }
        self.signatures += resolution.signatures.to_pylist()
