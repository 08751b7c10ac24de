"""What is known or the same to the byte does not go through cleaning again."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from itertools import islice, permutations
from pathlib import Path
from typing import Any

import pyarrow as pa

from config.settings import DedupeSettings
from tasks.dedupe.exact import MARKS, exact_staged
from tasks.tables import CAPTURES, STAGED
from tests.dedupe.support import write

SETTINGS = DedupeSettings()
COLUMNS = ("capture_id", "url_key", "payload_sha256", "captured_at", "locator", "error")


def row(capture_id: str, payload: str, day: int | None = None, error: str | None = None) -> dict[str, Any]:
    return {
        "capture_id": capture_id,
        "url_key": None,
        "payload_sha256": hashlib.sha256(payload.encode()).hexdigest(),
        "captured_at": datetime(2024, 1, day, tzinfo=UTC) if day else None,
        "locator": f"file#{capture_id}",
        "error": error,
    }


def staged(rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=pa.schema([STAGED.field(name) for name in COLUMNS]))


def ledger(folder: Path, *rows: tuple[dict[str, Any], str | None]) -> list[str]:
    full = [
        entry
        | {
            "collection": "test",
            "media_type": "text/plain",
            "payload_bytes": 1,
            "outcome": "kept" if document else "rejected",
            "rule": "r",
            "reason": "r",
            "document_id": document,
            "version": 1,
            "decided": 1,
        }
        for entry, document in rows
    ]
    return [write(folder / "ledger.parquet", full, CAPTURES)]


def marks(rows: list[dict[str, Any]], files: list[str] | None = None) -> dict[str, tuple[str, str | None]]:
    found = exact_staged(staged(rows), files or [], SETTINGS)
    assert found.schema == MARKS
    assert found["row"].to_pylist() == list(range(len(rows)))
    return {mark["capture_id"]: (mark["mark"], mark["of_capture"]) for mark in found.to_pylist()}


def test_new_captures_go_to_cleaning() -> None:
    assert marks([row("a", "x"), row("b", "y")]) == {"a": ("clean", None), "b": ("clean", None)}
    assert marks([]) == {}


def test_earliest_of_equal_payloads_stands_for_the_others_whatever_the_order() -> None:
    rows = [row("c", "x"), row("b", "x", 2), row("a", "x", 3), row("d", "x", 2)]
    for order in islice(permutations(rows), 0, 24, 7):
        assert marks(list(order)) == {
            "b": ("clean", None),
            "a": ("duplicate", "b"),
            "c": ("duplicate", "b"),
            "d": ("duplicate", "b"),
        }


def test_same_capture_read_twice_counts_once() -> None:
    found = exact_staged(staged([row("a", "x"), row("b", "y"), row("a", "x")]), [], SETTINGS)
    assert found["mark"].to_pylist() == ["clean", "clean", "repeated"]


def test_ledger_knows_captures_and_payloads(tmp_path: Path) -> None:
    files = ledger(tmp_path, (row("old", "x", 5), "doc"), (row("bad", "y", 5), None))
    rows = [
        row("old", "x", 5),
        row("new", "x", 1),
        row("again", "y", 1),
        row("bad", "y", 5),
        row("other", "z"),
    ]
    assert marks(rows, files) == {
        "old": ("known", None),
        "new": ("duplicate", "old"),
        "again": ("clean", None),
        "bad": ("known", None),
        "other": ("clean", None),
    }
    found = exact_staged(staged(rows), files, SETTINGS).to_pylist()
    assert found[1]["document_id"] == "doc"
    assert "old" in found[1]["reason"]


def test_what_could_not_be_read_or_is_empty_represents_nothing() -> None:
    rows = [row("a", "", 1), row("b", "", 2), row("c", "x", 1, error="truncated"), row("d", "x", 2)]
    assert {mark for mark, _ in marks(rows).values()} == {"clean"}
