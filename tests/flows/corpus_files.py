"""Generated captures as files, and what a store holds of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tasks.snapshot import Store
from tests.corpus import generate


def write_jsonl(path: Path, count: int, *, seed: int = 1) -> int:
    """Write `count` generated captures as JSON Lines; returns their number."""
    rows = [
        {
            "url": sample.url,
            "title": sample.title,
            "html": sample.html,
            "captured_at": sample.captured_at.isoformat(),
        }
        for sample in generate(count, seed)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return len(rows)


def article(topic: str, number: int = 0) -> str:
    """A short clean article that resembles no other one."""
    sample = next(iter(generate(1, hash_of(f"{topic} {number}"))))
    return f"{sample.title}\n\n{sample.text}"


def hash_of(name: str) -> int:
    """A seed from a name, the same on every machine."""
    return int.from_bytes(name.encode().ljust(8, b"-")[:8], "big") % 1_000_003


def content(store: Path | Store) -> dict[str, Any]:
    """What the newest version holds, without times, versions and places of files."""
    opened = Store.open(store) if isinstance(store, Path) else store
    latest = opened.latest()
    assert latest is not None
    ledger = opened.read(
        "captures", columns=["capture_id", "outcome", "rule", "document_id", "of_capture", "figure"]
    )
    return {
        "digest": latest.content_digest,
        "documents": sorted(opened.read("documents", columns=["document_id"]).column(0).to_pylist()),
        "ledger": sorted(map(repr, ledger.to_pylist())),
    }


__all__ = ["article", "content", "write_jsonl"]
