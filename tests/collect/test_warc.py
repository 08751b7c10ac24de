"""WARC and WET: what is a capture, what is passed over, and how reading goes on after damage."""

from __future__ import annotations

import gzip
import io
import zlib
from datetime import UTC, datetime
from pathlib import Path

import brotli
import pytest
import zstandard
from warcio.archiveiterator import ArchiveIterator
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from tests.collect.build import PAGE, frames, http, limits, members, read, read_counting, record, response

BODY = PAGE.encode()
A, B, C = (response(PAGE + mark, f"http://shan.example/{mark}") for mark in "abc")


def write(folder: Path, *parts: bytes, name: str = "a.warc") -> Path:
    path = folder / name
    path.write_bytes(b"".join(parts))
    return path


def chunked(data: bytes, size: int = 7, extension: bytes = b"", trailer: bytes = b"") -> bytes:
    parts = [data[at : at + size] for at in range(0, len(data), size)]
    return b"".join(b"%x%s\r\n%s\r\n" % (len(p), extension, p) for p in parts) + b"0\r\n" + trailer + b"\r\n"


def test_a_response_gives_url_time_headers_and_body(tmp_path: Path) -> None:
    body = http(BODY, "X-Served-By: one", "x-served-by: two", media="Text/HTML; charset=GBK")
    (capture,) = read(write(tmp_path, record("response", body)))
    assert capture.url == "http://shan.example/1"
    assert capture.captured_at == datetime(2024, 5, 1, tzinfo=UTC)
    assert capture.media_type == "text/html"
    assert capture.headers == (
        ("content-type", "Text/HTML; charset=GBK"),
        ("x-served-by", "one"),
        ("x-served-by", "two"),
    )
    assert (capture.payload, capture.error, capture.locator) == (BODY, None, "a.warc#0")


def test_what_is_no_capture_is_counted(tmp_path: Path) -> None:
    kinds = ["warcinfo", "request", "metadata", "revisit", "continuation", "revisit"]
    captures, skipped = read_counting(write(tmp_path, *(record(kind, b"x: y") for kind in kinds), A))
    assert [capture.url for capture in captures] == ["http://shan.example/a"]
    assert skipped == {"warcinfo": 1, "request": 1, "metadata": 1, "revisit": 2, "continuation": 1}


def test_wet_and_resource_records(tmp_path: Path) -> None:
    text = "清晨的河边很安静。".encode()
    captures = read(write(tmp_path, record("conversion", text), record("resource", BODY, media="text/html")))
    assert [(c.payload, c.media_type, c.headers) for c in captures] == [
        (text, "text/plain", ()),
        (BODY, "text/html", ()),
    ]


@pytest.mark.parametrize("stated", ["", "application/octet-stream", "nonsense"])
def test_without_a_useful_media_type_the_body_tells(stated: str, tmp_path: Path) -> None:
    (capture,) = read(write(tmp_path, record("response", http(BODY, media=stated))))
    assert capture.media_type == "text/html"


ENCODINGS = {
    "gzip": gzip.compress(BODY),
    "x-gzip": gzip.compress(BODY),
    "deflate": zlib.compress(BODY),
    "Deflate": zlib.compress(BODY)[2:-4],
    "br": brotli.compress(BODY),
    "zstd": zstandard.compress(BODY),
    "identity": BODY,
    "gzip, br": brotli.compress(gzip.compress(BODY)),
}


@pytest.mark.parametrize("coding", ENCODINGS)
@pytest.mark.parametrize("transfer", ["", "chunked"])
def test_encodings_of_the_body_are_undone(coding: str, transfer: str, tmp_path: Path) -> None:
    data = chunked(ENCODINGS[coding]) if transfer else ENCODINGS[coding]
    lines = [f"Content-Encoding: {coding}", *([f"Transfer-Encoding: {transfer}"] if transfer else [])]
    (capture,) = read(write(tmp_path, record("response", http(data, *lines))))
    assert (capture.payload, capture.error) == (BODY, None)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_a_body_that_was_stored_decoded_is_taken_as_it_is(coding: str, tmp_path: Path) -> None:
    lines = [f"Content-Encoding: {coding}", "Transfer-Encoding: chunked"]
    (capture,) = read(write(tmp_path, record("response", http(BODY, *lines))))
    assert (capture.payload, capture.error) == (BODY, None)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br"])
def test_a_cut_body_is_a_failure_with_its_beginning(coding: str, tmp_path: Path) -> None:
    body = (PAGE * 50).encode()
    packed = {"gzip": gzip.compress, "deflate": zlib.compress, "br": brotli.compress}[coding](body)
    (capture,) = read(write(tmp_path, record("response", http(packed[:-9], f"Content-Encoding: {coding}"))))
    assert "cut" in str(capture.error)
    assert body.startswith(capture.payload)


def test_chunk_extensions_trailers_and_cuts(tmp_path: Path) -> None:
    lines = ["Transfer-Encoding: chunked"]
    full = chunked(BODY, extension=b";name=value", trailer=b"X-Sum: 1\r\n")
    whole, cut = read(
        write(tmp_path, record("response", http(full, *lines)), record("response", http(full[:40], *lines)))
    )
    assert (whole.payload, whole.error) == (BODY, None)
    assert "chunked body is cut" in str(cut.error)
    assert cut.payload
    assert BODY.startswith(cut.payload)


def test_a_bomb_in_a_body_is_not_unpacked(tmp_path: Path) -> None:
    zeros = b"0" * (16 << 20)
    bombs = [gzip.compress(zeros), brotli.compress(zeros, quality=1), zstandard.compress(zeros)]
    parts = [
        record("response", http(bomb, f"Content-Encoding: {coding}"))
        for bomb, coding in zip(bombs, ("gzip", "br", "zstd"), strict=True)
    ]
    for capture in read(write(tmp_path, *parts), limits(max_payload_bytes=1 << 20)):
        assert "larger than" in str(capture.error)
        assert capture.payload == b""
        assert capture.url


def test_answers_that_are_no_page_are_failures(tmp_path: Path) -> None:
    moved = http(b"", "Location: http://shan.example/2", status="301 Moved Permanently")
    gone, redirect, empty = read(
        write(
            tmp_path,
            record("response", http(BODY, status="404 Not Found")),
            record("response", moved),
            record("response", http(b"")),
        )
    )
    assert gone.error == "the server answered 404 Not Found"
    assert gone.payload == BODY
    assert redirect.error == "the server answered 301 Moved Permanently: a redirect to http://shan.example/2"
    assert empty.error == "the body is empty"


@pytest.mark.parametrize("pack", [members, frames])
def test_offsets_of_compressed_records_open_them(pack: type, tmp_path: Path) -> None:
    data = pack([A, B, C])
    for capture in read(write(tmp_path, data)):
        offset = int(capture.locator.partition("#")[2])
        rest = data[offset:]
        one = zlib.decompressobj(31).decompress(rest) if pack is members else zstandard.decompress(rest)
        assert str(capture.url).encode() in one


def test_records_in_one_gzip_member_have_places_of_their_own(tmp_path: Path) -> None:
    captures = read(write(tmp_path, gzip.compress(A + B)))
    assert [capture.locator for capture in captures] == ["a.warc#0", f"a.warc#0+{len(A)}"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # warcio leaves files open
def test_files_of_another_writer_are_read_like_by_its_own_reader(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    writer = WARCWriter(buffer, gzip=True)
    writer.write_record(writer.create_warcinfo_record("a.warc.gz", {"software": "test"}))
    for n in range(5):
        head = StatusAndHeaders(
            "200 OK", [("Content-Type", "text/html"), ("X-N", str(n))], protocol="HTTP/1.1"
        )
        writer.write_record(
            writer.create_warc_record(
                f"http://shan.example/{n}", "response", payload=io.BytesIO(BODY * (n + 1)), http_headers=head
            )
        )
    path = write(tmp_path, buffer.getvalue())
    with path.open("rb") as stream:
        expected = [
            (r.rec_headers.get_header("WARC-Target-URI"), r.content_stream().read())
            for r in ArchiveIterator(stream)
            if r.rec_type == "response"
        ]
    assert [(capture.url, capture.payload) for capture in read(path)] == expected


def test_zstd_with_a_dictionary(tmp_path: Path) -> None:
    dictionary = zstandard.train_dictionary(4096, [response(PAGE + str(n) * 40) for n in range(300)])
    raw = dictionary.as_bytes()
    packer = zstandard.ZstdCompressor(dict_data=dictionary)
    for content in (raw, zstandard.compress(raw)):
        skippable = b"\x5d\x2a\x4d\x18" + len(content).to_bytes(4, "little") + content
        path = write(tmp_path, skippable, *(packer.compress(part) for part in (A, B, C)))
        assert [str(capture.url)[-1] for capture in read(path)] == ["a", "b", "c"]


BROKEN = {
    "junk between": (b"junk junk\r\n\r\n", "are no WARC record"),
    "too long a length": (record("response", http(BODY), length=5000), "Content-Length is wrong"),
    "too short a length": (record("response", http(BODY), length=50), "is wrong: no record follows"),
    "no length": (record("response", http(BODY), length="many"), "no valid Content-Length"),
    "a huge length": (record("response", http(BODY), length=10**30), "no valid Content-Length"),
    "a header without end": (
        b"WARC/1.0\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
        "header of this WARC record is cut",
    ),
    "segments": (
        record("response", http(BODY), "http://shan.example/1", "WARC-Segment-Number: 1"),
        "segments",
    ),
    "unknown encoding": (record("response", http(BODY, "Content-Encoding: lzma")), "'lzma' is not known"),
}


@pytest.mark.parametrize("case", BROKEN)
@pytest.mark.parametrize("pack", [b"".join, members, frames])
def test_after_a_broken_record_reading_goes_on(case: str, pack: type, tmp_path: Path) -> None:
    broken, says = BROKEN[case]
    captures = read(write(tmp_path, pack([A, broken, B, C])))
    good = [str(capture.url)[-1] for capture in captures if capture.error is None]
    assert good == ["a", "b", "c"]
    assert any(says in str(capture.error) for capture in captures)


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
def test_after_a_damaged_member_reading_goes_on(kind: str, tmp_path: Path) -> None:
    pack = members if kind == "gzip" else frames
    parts = [bytearray(pack([part])) for part in (A, B, C)]
    parts[1][20:60] = b"\xff" * 40
    captures = read(write(tmp_path, *map(bytes, parts)))
    assert [str(capture.url)[-1] for capture in captures if capture.error is None] == ["a", "c"]
    assert any(kind in str(capture.error) for capture in captures)


def test_line_feeds_alone_are_understood(tmp_path: Path) -> None:
    lines = "WARC/1.0\nWARC-Type: response\nWARC-Target-URI: <http://shan.example/1>\n"
    message = http(BODY).replace(b"\r\n", b"\n")
    data = (
        f"{lines}Content-Type: application/http\nContent-Length: {len(message)}\n\n".encode()
        + message
        + b"\n\n"
    )
    for capture in read(write(tmp_path, data, data)):
        assert (capture.payload, capture.url, capture.error) == (BODY, "http://shan.example/1", None)
        assert capture.headers == (("content-type", "text/html; charset=utf-8"),)


def test_a_large_record_is_passed_over(tmp_path: Path) -> None:
    large = record("response", http(b"x" * 300_000), "http://shan.example/large")
    captures = read(write(tmp_path, A, large, B), limits(max_payload_bytes=1024))
    assert [(str(capture.url)[-1], capture.error is None) for capture in captures] == [
        ("a", True),
        ("e", False),
        ("b", True),
    ]
    assert "larger than 1024 bytes" in str(captures[1].error)
