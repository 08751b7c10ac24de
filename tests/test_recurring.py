"""Lines that recur on a site: counted in every run."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from config.settings import StoreSettings
from tasks.clean.chrome import line_hash
from tasks.recurring import LineCounts, edge_lines


def batch(*rows: tuple[str, str | None, str]) -> pa.RecordBatch:
    """Rows of document id, site and text."""
    return pa.RecordBatch.from_pylist(
        [{"document_id": name, "site": site, "text": text} for name, site, text in rows],
        schema=pa.schema([("document_id", pa.string()), ("site", pa.string()), ("text", pa.string())]),
    )


def counted(counts: LineCounts, version: int) -> list[dict[str, object]]:
    batches = counts.rows(version, StoreSettings())
    return [row for found in batches for row in found.to_pylist()]


def test_a_line_counts_once_a_new_document_and_site(tmp_path: Path) -> None:
    counts = LineCounts(["old"], tmp_path / "lines")
    rows = [("a", "a.cn", "甲\n甲\n乙"), ("b", "b.cn", "甲"), ("c", None, "甲"), ("old", "a.cn", "甲")]
    assert list(counts.watch([batch(*rows)])) == [batch(*rows)]
    found = {(row["site"], row["line_hash"]): row["documents"] for row in counted(counts, 3)}
    assert found == {("a.cn", line_hash("甲")): 1, ("a.cn", line_hash("乙")): 1, ("b.cn", line_hash("甲")): 1}


def test_keys_differ_between_versions_and_are_sorted(tmp_path: Path) -> None:
    counts = LineCounts([], tmp_path / "lines")
    list(counts.watch([batch(("a", "a.cn", "甲\n乙\n丙"))]))
    keys = [[row["line_id"] for row in counted(counts, version)] for version in (1, 2)]
    assert keys[0] == sorted(keys[0])
    assert not set(keys[0]) & set(keys[1])
    nothing = LineCounts([], tmp_path / "nothing")
    assert not list(nothing.watch([])) + counted(nothing, 1)


def test_lines_in_the_middle_do_not_count() -> None:
    text = "\n".join("长" * number for number in range(1, 41))
    assert line_hash("长") in edge_lines(text)
    assert len(edge_lines(text)) == 16
