"""JSON Lines, JSON documents and Parquet: from fields to captures."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.collect.build import limits, members, read
from tests.collect.test_formats import cases

RECORDS = cases("records.yaml")


def check(capture: Any, gives: dict[str, Any]) -> None:
    assert gives.pop("error", "") in (capture.error or "")
    for name, expected in gives.items():
        value = getattr(capture, name)
        if isinstance(value, datetime):
            value = value.isoformat()
        assert (value.decode() if isinstance(value, bytes) else value) == expected, name


@pytest.mark.parametrize("case", RECORDS, ids=lambda case: case["note"])
def test_fields_of_a_json_line(case: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps(case["record"], ensure_ascii=False), encoding="utf-8")
    (capture,) = read(tmp_path)
    assert capture.locator.endswith("a.jsonl#1")
    check(capture, dict(case["gives"]))


@pytest.mark.parametrize("case", RECORDS, ids=lambda case: case["note"])
def test_fields_of_a_parquet_row(case: dict[str, Any], tmp_path: Path) -> None:
    pq.write_table(pa.Table.from_pylist([case["record"]]), tmp_path / "a.parquet")
    (capture,) = read(tmp_path)
    assert ("#1" in capture.locator) == ("fields.text" not in (capture.error or ""))
    check(capture, dict(case["gives"]))


def test_mapping_of_the_source_with_nested_names(tmp_path: Path) -> None:
    rows = [{"doc": {"words": "河边", "meta": {"at": "http://shan.example/7"}}, "text": "别的"}]
    fields = {"text": ["doc.words"], "url": ["doc.meta.at"]}
    (tmp_path / "a.jsonl").write_text(json.dumps(rows[0]), encoding="utf-8")
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    for capture in read(tmp_path, fields=fields):
        assert (capture.payload.decode(), capture.url) == ("河边", "http://shan.example/7")


def test_a_broken_line_leaves_the_others(tmp_path: Path) -> None:
    good = json.dumps({"text": "河边"}).encode()
    lines = [good, b'{"text": "cut', b"[1, 2]", b"", b"\xff\xfe junk", b"[" * 100_000, good]
    (tmp_path / "a.jsonl").write_bytes(b"\n".join(lines))
    captures = read(tmp_path)
    assert [capture.locator.partition("#")[2] for capture in captures] == ["1", "2", "3", "5", "6", "7"]
    assert [capture.error is None for capture in captures] == [True, False, False, False, False, True]
    assert [captures[n].payload.rstrip(b"\n") for n in (1, 2, 3)] == [lines[1], lines[2], lines[4]]
    assert "line 3 holds no JSON object but list" in str(captures[2].error)


def test_a_gigantic_line_is_passed_over(tmp_path: Path) -> None:
    good = json.dumps({"text": "河边"})
    (tmp_path / "a.jsonl").write_text(f'{good}\n{{"text": "{"x" * 500_000}"}}\n{good}\n', encoding="utf-8")
    captures = read(tmp_path, limits(max_payload_bytes=1024))
    assert [capture.error is None for capture in captures] == [True, False, True]
    assert "line 2 is larger than" in str(captures[1].error)
    assert captures[2].locator.endswith("#3")


def test_bytes_that_are_no_utf8_survive(tmp_path: Path) -> None:
    payload = "河边很静".encode("gbk")
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "' + payload + b'", "title": "\\ud800"}\n')
    (capture,) = read(tmp_path)
    assert capture.payload == payload
    assert str(capture.title).encode("utf-8")


def test_a_damaged_gzip_member_costs_its_lines_only(tmp_path: Path) -> None:
    lines = [json.dumps({"text": f"第{n}行"}).encode() + b"\n" for n in range(30)]
    packed = bytearray(members([b"".join(lines[at : at + 10]) for at in (0, 10, 20)]))
    start = len(members([b"".join(lines[:10])]))
    packed[start + 20 : start + 40] = b"\xff" * 20
    (tmp_path / "a.jsonl.gz").write_bytes(packed)
    captures = read(tmp_path)
    whole = [capture.payload.decode() for capture in captures if capture.error is None]
    assert whole[:10] == [f"第{n}行" for n in range(10)]
    assert whole[-10:] == [f"第{n}行" for n in range(20, 30)]
    assert any("gzip" in str(capture.error) for capture in captures)


def test_json_documents(tmp_path: Path) -> None:
    rows = [{"text": "河边"}, 7, {"text": "山上"}]
    (tmp_path / "array.json").write_text(json.dumps(rows, indent=1), encoding="utf-8")
    (tmp_path / "one.json").write_text(json.dumps(rows[0], indent=1), encoding="utf-8")
    captures = read(tmp_path)
    assert [capture.payload.decode() for capture in captures] == ["河边", "", "山上", "河边"]
    assert [capture.error is None for capture in captures] == [True, False, True, True]
    (tmp_path / "array.json").write_text(json.dumps([{"text": "河" * 900}] * 5, indent=1), encoding="utf-8")
    large = read(tmp_path / "array.json", limits(max_payload_bytes=1024))
    assert "write it as JSON Lines" in str(large[0].error)


def parquet(path: Path, **options: Any) -> None:
    times = [datetime(2024, 5, 1, n, tzinfo=UTC) for n in range(9)]
    table = pa.table(
        {
            "content": pa.array([f"第{n}篇" * 50 for n in range(9)]),
            "url": pa.array([f"http://shan.example/{n}" for n in range(9)]).dictionary_encode(),
            "captured_at": pa.array(times),
            "unused": pa.array([b"\xff"] * 9),
        }
    )
    pq.write_table(table, path, row_group_size=3, **options)


def test_parquet_streams_row_groups(tmp_path: Path) -> None:
    parquet(tmp_path / "a.parquet")
    captures = read(tmp_path)
    assert [capture.payload.decode() for capture in captures] == [f"第{n}篇" * 50 for n in range(9)]
    assert captures[4].url == "http://shan.example/4"
    assert captures[4].captured_at == datetime(2024, 5, 1, 4, tzinfo=UTC)
    assert captures[4].locator.endswith("a.parquet#5")


def test_a_damaged_row_group_leaves_the_others(tmp_path: Path) -> None:
    parquet(tmp_path / "a.parquet", compression="zstd")
    data = bytearray((tmp_path / "a.parquet").read_bytes())
    group = pq.ParquetFile(tmp_path / "a.parquet").metadata.row_group(1).column(0)
    start = group.dictionary_page_offset or group.data_page_offset
    data[start : start + group.total_compressed_size] = b"\xff" * group.total_compressed_size
    (tmp_path / "a.parquet").write_bytes(data)
    captures = read(tmp_path)
    assert [capture.error is None for capture in captures] == [True] * 3 + [False] + [True] * 3
    assert "rows 4 to 6" in str(captures[3].error)


def test_binary_and_large_columns(tmp_path: Path) -> None:
    gbk = "河边".encode("gbk")
    table = pa.table(
        {"html": pa.array([gbk], pa.large_binary()), "title": pa.array(["静"], pa.large_string())}
    )
    pq.write_table(table, tmp_path / "a.parquet")
    (capture,) = read(tmp_path)
    assert (capture.payload, capture.title) == (gbk, "静")


def test_parquet_without_a_text_column_names_the_option(tmp_path: Path) -> None:
    pq.write_table(pa.table({"story": ["河"]}), tmp_path / "a.parquet")
    (capture,) = read(tmp_path)
    assert "fields.text" in str(capture.error)
    assert "story" in str(capture.error)


def test_parquet_without_rows(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": pa.array([], pa.string())}), tmp_path / "a.parquet")
    (capture,) = read(tmp_path)
    assert "no rows" in str(capture.error)
