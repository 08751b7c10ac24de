"""zip archives of captures."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from tests.collect.build import PAGE, limits, members, read, read_counting, response, zipped

LINE = json.dumps({"text": "河边"}).encode()


def test_members_of_every_format_with_one_compression(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": ["河边", "山上"]}), tmp_path / "p")
    entries = {
        "文/甲.txt": "河边".encode(),
        "page.html": PAGE.encode(),
        "lines.jsonl.gz": gzip.compress(LINE + b"\n" + LINE),
        "crawl.warc.gz": members([response(), response(url="http://shan.example/2")]),
        "crawl.warc.zst": zstandard.compress(response()),
        "table.parquet": (tmp_path / "p").read_bytes(),
        "table.parquet.gz": gzip.compress((tmp_path / "p").read_bytes()),
    }
    (tmp_path / "a.zip").write_bytes(zipped(entries))
    captures = read(tmp_path / "a.zip")
    assert [capture.error for capture in captures] == [None] * 11
    places = [capture.locator for capture in captures]
    assert places[:4] == [
        "a.zip!文/甲.txt",
        "a.zip!page.html",
        "a.zip!lines.jsonl.gz#1",
        "a.zip!lines.jsonl.gz#2",
    ]
    assert places[-1] == "a.zip!table.parquet.gz#2"


def test_hidden_members_are_counted(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(
        zipped({"__MACOSX/a.txt": b"x", ".DS_Store": b"x", "a.txt": b"x", "d/": b""})
    )
    captures, skipped = read_counting(tmp_path / "a.zip")
    assert [capture.locator for capture in captures] == ["a.zip!a.txt"]
    assert skipped == {"hidden": 2}


def test_names_of_chinese_systems(tmp_path: Path) -> None:
    data = zipped({"placehold.txt": b"x"}).replace(b"placehold", "河边a".encode("gbk") + b"1234")
    (tmp_path / "a.zip").write_bytes(data)
    (capture,) = read(tmp_path / "a.zip")
    assert capture.locator == "a.zip!河边a1234.txt"


def test_an_encrypted_member_leaves_the_others(tmp_path: Path) -> None:
    data = bytearray(zipped({"locked.txt": b"x", "open.txt": b"y"}))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "a.zip").write_bytes(data)
    locked, free = read(tmp_path / "a.zip")
    assert "encrypted" in str(locked.error)
    assert (free.payload, free.error) == (b"y", None)


def test_a_damaged_member_leaves_the_others(tmp_path: Path) -> None:
    data = bytearray(zipped({"a.txt": PAGE.encode() * 3, "b.txt": b"y"}))
    start = data.index(b"a.txt") + 5
    data[start : start + 12] = b"\xff" * 12
    (tmp_path / "a.zip").write_bytes(data)
    broken, whole = read(tmp_path / "a.zip")
    assert "cannot be read" in str(broken.error)
    assert (whole.payload, whole.error) == (b"y", None)


def test_a_wrong_checksum_is_noticed(tmp_path: Path) -> None:
    data = bytearray(zipped({"a.txt": b"hello"}))
    data[data.index(b"PK\x01\x02") + 16] ^= 0xFF
    (tmp_path / "a.zip").write_bytes(data)
    (capture,) = read(tmp_path / "a.zip")
    assert "CRC" in str(capture.error)


def test_what_is_not_opened_says_so(tmp_path: Path) -> None:
    (tmp_path / "nested.zip").write_bytes(zipped({"inner.zip": zipped({"a.txt": b"x"})}))
    (tmp_path / "office.docx").write_bytes(zipped({"[Content_Types].xml": b"x", "a.xml": b"y"}))
    (tmp_path / "empty.zip").write_bytes(zipped({}))
    errors = {capture.locator: str(capture.error) for capture in read(tmp_path)}
    assert {name.rsplit("/", 1)[1]: error for name, error in errors.items()} == {
        "empty.zip": "the zip archive is empty",
        "nested.zip!inner.zip": "an archive inside an archive is not opened: unpack the outer one",
        "office.docx": "looks like an Office document; only text, HTML, JSON, Parquet, WARC and zip are read",
    }


def test_too_many_members(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zipped({f"{n}.txt": b"x" for n in range(5)}))
    captures = read(tmp_path / "a.zip", limits(max_archive_members=3))
    assert [capture.error is None for capture in captures] == [True] * 3 + [False]
    assert "2 members were not read" in str(captures[3].error)


def test_a_compressed_zip(tmp_path: Path) -> None:
    (tmp_path / "a.zip.gz").write_bytes(gzip.compress(zipped({"a.txt": b"x"})))
    (capture,) = read(tmp_path / "a.zip.gz")
    assert (capture.locator, capture.payload) == ("a.zip.gz!a.txt", b"x")
