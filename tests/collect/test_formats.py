"""A file is read by what it holds; what cannot be read is a capture that says why."""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
import zstandard

from tasks.collect import FORMATS
from tests.collect.build import PAGE, limits, read, response, zipped

CASES = Path(__file__).parent.parent / "cases" / "collect"


def cases(name: str) -> list[Any]:
    return list(yaml.safe_load((CASES / name).read_text(encoding="utf-8")))


def content(case: dict[str, Any]) -> bytes:
    return bytes.fromhex(case["hex"]) if "hex" in case else str(case["text"]).encode()


@pytest.mark.parametrize("case", cases("formats.yaml"), ids=lambda case: case["name"])
def test_content_decides_the_format(case: dict[str, Any], tmp_path: Path) -> None:
    data = content(case)
    chosen = next(entry.name for entry in FORMATS if entry.recognise(data, case["name"]))
    assert chosen == case["format"]
    path = tmp_path / case["name"]
    path.write_bytes(data)
    assert read(path)[0].media_type == case["media_type"]


@pytest.mark.parametrize("ending", ["", ".gz", ".zst"])
@pytest.mark.parametrize("case", cases("formats.yaml"), ids=lambda case: case["name"])
def test_compression_changes_nothing(case: dict[str, Any], ending: str, tmp_path: Path) -> None:
    plain, packed = tmp_path / case["name"], tmp_path / f"packed-{case['name']}{ending}"
    data = content(case)
    plain.write_bytes(data)
    packed.write_bytes({"": bytes, ".gz": gzip.compress, ".zst": zstandard.compress}[ending](data))
    captures = [(c.payload, c.media_type, c.error) for c in read(packed)]
    assert captures == [(c.payload, c.media_type, c.error) for c in read(plain)]


def test_compression_is_told_by_content_not_by_name(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(gzip.compress("河边".encode()))
    (tmp_path / "b.gz").write_bytes("山上".encode())
    assert [capture.payload.decode() for capture in read(tmp_path)] == ["河边", "山上"]


@pytest.mark.parametrize("case", cases("unreadable.yaml"), ids=lambda case: case["name"])
def test_what_cannot_be_read_says_why(case: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / case["name"]
    path.write_bytes(content(case))
    (capture,) = read(path)
    assert capture.error is not None
    assert case["says"] in capture.error
    assert capture.locator.startswith(case["name"])
    assert capture.media_type == case.get("media_type", capture.media_type)


def test_text_payload_is_the_bytes_of_the_file(tmp_path: Path) -> None:
    data = "河边".encode("gbk") + b"?\x80\r\n"
    (tmp_path / "a.txt").write_bytes(data)
    (capture,) = read(tmp_path)
    assert (capture.payload, capture.error, capture.captured_at, capture.url) == (data, None, None, None)


@pytest.mark.parametrize("name", ["big.txt", "big.html", "big.txt.gz", "big.txt.zst", "big.zip"])
def test_a_large_file_is_not_read_into_memory(name: str, tmp_path: Path) -> None:
    data = os.urandom(2000).hex().encode()
    packed = {"gz": gzip.compress, "zst": zstandard.compress}.get(name.rsplit(".", 1)[1], bytes)
    (tmp_path / name).write_bytes(zipped({"big.txt": data}) if name.endswith(".zip") else packed(data))
    (capture,) = read(tmp_path, limits(max_payload_bytes=1024))
    assert capture.error is not None
    assert "larger than 1024 bytes" in capture.error
    assert capture.payload == b""


@pytest.mark.parametrize("name", ["bomb.txt.gz", "bomb.txt.zst", "bomb.zip", "bomb.warc.gz"])
def test_a_decompression_bomb_is_refused(name: str, tmp_path: Path) -> None:
    data = b"0" * (8 << 20)
    if "warc" in name:
        data = response() + data
    packed = {"gz": gzip.compress, "zst": zstandard.compress}.get(name.rsplit(".", 1)[1], bytes)
    (tmp_path / name).write_bytes(zipped({"a.txt": data}) if name.endswith(".zip") else packed(data))
    captures = read(tmp_path, limits(max_payload_bytes=1 << 20))
    assert "decompression bomb" in str(captures[-1].error) or "larger than" in str(captures[-1].error)
    assert len(captures) < 5


SKIPPABLE = b"\x5e\x2a\x4d\x18" + (9).to_bytes(4, "little") + b"seektable"


@pytest.mark.parametrize(
    "data",
    [
        gzip.compress("河边".encode()) + b"\0" * 512,
        zstandard.compress("河边".encode()) + SKIPPABLE,
        SKIPPABLE + zstandard.compress("河".encode()) + SKIPPABLE + zstandard.compress("边".encode()),
        gzip.compress("河".encode()) + gzip.compress(b"") + gzip.compress("边".encode()),
    ],
    ids=["padded gzip", "seekable zstd", "skippable frames", "empty member"],
)
def test_what_compressors_add_is_no_damage(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(data)
    (capture,) = read(tmp_path)
    assert (capture.payload.decode(), capture.error) == ("河边", None)


def test_junk_after_the_compressed_data_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress("河边".encode()) + b"junk")
    (capture,) = read(tmp_path)
    assert capture.payload.decode() == "河边"
    assert "no gzip data follow" in str(capture.error)


def test_compressed_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.gz.gz").write_bytes(gzip.compress(gzip.compress(b"a")))
    (capture,) = read(tmp_path)
    assert "more than once" in str(capture.error)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_a_failure(tmp_path: Path) -> None:
    path = tmp_path / "secret.txt"
    path.write_text("河边", encoding="utf-8")
    path.chmod(0)
    (capture,) = read(path)
    assert "cannot be opened" in str(capture.error)


def test_special_files_and_dead_links_are_failures(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link.txt").symlink_to(tmp_path / "nowhere")
    link, pipe = read(tmp_path)
    assert "cannot be opened" in str(link.error)
    assert "no regular file" in str(pipe.error)


def test_same_bytes_at_one_place_are_one_capture(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(PAGE, encoding="utf-8")
    assert [c.capture_id for c in read(tmp_path)] == [c.capture_id for c in read(tmp_path)]
