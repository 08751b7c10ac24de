"""Bad input of every kind gets a recorded outcome with a sentence; the run goes on."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tasks.snapshot import Store
from tests.flows.corpus_files import article

GOOD = "good.txt"


def write_bad(folder: Path) -> dict[str, bytes]:
    """Files as they occur in the wild: cut, broken, hostile, empty."""
    clean = article("good").encode()
    return {
        GOOD: clean,
        "truncated.txt.gz": gzip.compress(clean * 3)[:-40],
        "broken.warc": b"WARC/1.0\r\nWARC-Type: response\r\nContent-Length: 99999\r\n\r\nHTTP/1.1 200 OK\r\n\r\n<p>",
        "lines.jsonl": b'{"text": "'
        + article("line").encode()[:30]
        + b'\n{"url": "http://a.example/"}\nnot json\n',
        "empty.txt": b"",
        "blank.txt": b" \n\t\n",
        "binary.bin": bytes(range(256)) * 40,
        "nul.txt": bytes(5000),
        "giant-line.txt": ("字" * 400_000).encode(),
        "wrong-charset.html": b'<meta charset="utf-8"><title>x</title><p>' + article("gbk").encode("gb18030"),
        "hostile.html": b"<div>" * 20_000 + b"<script>" + b"&" * 10_000,
        "surrogate.jsonl": json.dumps({"text": "\ud800\udfff" + "文" * 5}).encode(),
        "photo.png": b"\x89PNG\r\n\x1a\n" + bytes(2000),
        "english.txt": b"The quick brown fox jumps over the lazy dog. " * 40,
    }


def test_bad_input_is_recorded_and_the_run_goes_on(refresh: Callable[..., Any], tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    files = write_bad(folder)
    for name, payload in files.items():
        (folder / name).write_bytes(payload)
    result = refresh("in")
    assert result.version == 1
    rows = Store.open(tmp_path / "store").read("captures").to_pylist()
    seen = {name: [row for row in rows if row["locator"].startswith(f"in/{name}")] for name in files}
    assert [name for name, found in seen.items() if not found] == []
    assert [row["outcome"] for row in seen[GOOD]] == ["kept"]
    bad = [
        row
        for name, found in seen.items()
        for row in found
        if name not in (GOOD, "wrong-charset.html", "truncated.txt.gz")
    ]
    assert {row["outcome"] for row in bad} <= {"failed", "rejected"}
    for row in bad:
        assert len(row["reason"]) > 10, row
        assert "Traceback" not in row["reason"]
