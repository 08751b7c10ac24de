"""Whatever the bytes and however they arrive: reading never raises, nothing is lost, the result is one."""

from __future__ import annotations

import gzip
import io
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.collect import streams
from tasks.collect.compression import decompressed
from tasks.collect.streams import Plain, Window
from tasks.tables import Capture
from tests.collect.build import PAGE, frames, http, members, read, record, response, zipped

LINES = b"".join(
    json.dumps({"text": f"第{n}篇：{PAGE}", "url": f"http://shan.example/{n}"}).encode() + b"\n"
    for n in range(6)
)
RECORDS = [response(PAGE * (n + 1), f"http://shan.example/{n}") for n in range(4)]
RECORDS.append(
    record("response", http(gzip.compress(PAGE.encode()), "Content-Encoding: gzip"), "http://shan.example/z")
)


def _parquet() -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table({"text": [f"第{n}篇" * 30 for n in range(12)]}), buffer, row_group_size=4)
    return buffer.getvalue()


SAMPLES: dict[str, bytes] = {
    "a.txt": "清晨的河边很安静。\n".encode() * 20,
    "a.html": PAGE.encode(),
    "a.jsonl": LINES,
    "a.warc": b"".join(RECORDS),
    "a.parquet": _parquet(),
    "a.zip": zipped({"a.txt": b"x" * 300, "b.warc.gz": members(RECORDS)}),
    "a.txt.gz": gzip.compress("清晨的河边很安静。\n".encode() * 20),
    "a.warc.gz": members(RECORDS),
    "one.warc.gz": gzip.compress(b"".join(RECORDS)),
    "a.warc.zst": frames(RECORDS),
    "a.jsonl.zst": zstandard.compress(LINES),
}


def told(captures: list[Capture]) -> list[tuple[str, bytes, str | None]]:
    return [(capture.locator, capture.payload, capture.error) for capture in captures]


@pytest.mark.parametrize("name", SAMPLES)
def test_cut_anywhere_never_raises_and_never_hides_it(name: str, tmp_path: Path) -> None:
    data, path = SAMPLES[name], tmp_path / name
    path.write_bytes(data)
    whole = read(path)
    assert all(capture.error is None for capture in whole)
    good = Counter(capture.payload for capture in whole)
    for size in range(0, len(data), max(1, len(data) // 150)):
        path.write_bytes(data[:size])
        captures = read(path)
        assert captures
        if name not in ("a.txt", "a.html"):  # a cut text is a text
            intact = Counter(capture.payload for capture in captures if capture.error is None)
            complete = name in ("a.jsonl", "a.warc", "a.warc.gz", "a.warc.zst")  # may be cut between records
            assert size < 4 or not intact - good
            assert size < 4 or complete or any(capture.error for capture in captures)


@pytest.mark.parametrize("name", SAMPLES)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(draw=st.data())
def test_changed_bytes_never_raise(name: str, draw: st.DataObject, tmp_path: Path) -> None:
    data = bytearray(SAMPLES[name])
    for _ in range(draw.draw(st.integers(1, 4))):
        at = draw.draw(st.integers(0, len(data)))
        if draw.draw(st.booleans()):
            data[at : at + 1] = draw.draw(st.binary(min_size=1, max_size=1))
        else:
            data[at : at + draw.draw(st.integers(0, 40))] = draw.draw(st.binary(max_size=40))
    (tmp_path / name).write_bytes(data or b"x")
    assert read(tmp_path / name)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.one_of(
        st.binary(max_size=300),
        st.builds(
            lambda head, tail: head + tail,
            st.sampled_from(
                [b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"PK\x03\x04", b"PAR1", b"WARC/1.0\r\n", b'{"', b'[{"']
            ),
            st.binary(max_size=200),
        ),
    )
)
def test_any_bytes_give_a_capture(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "any").write_bytes(data)
    assert read(tmp_path / "any")


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("size", [1, 7, 64, 4096])
def test_how_the_bytes_arrive_changes_nothing(
    name: str, size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / name).write_bytes(SAMPLES[name])
    expected = told(read(tmp_path / name))
    plain: Callable[[Plain], bytes] = lambda layer: layer.raw.read(size)  # noqa: E731
    monkeypatch.setattr(Plain, "chunk", plain)
    assert told(read(tmp_path / name)) == expected


@settings(max_examples=100, deadline=None)
@given(
    data=st.binary(max_size=400).map(lambda data: data.replace(b"\0", b"\n")),
    sizes=st.lists(st.integers(1, 30), max_size=60),
    packed=st.sampled_from(["plain", "gzip", "zstd"]),
)
def test_a_window_gives_what_the_stream_holds(data: bytes, sizes: list[int], packed: str) -> None:
    half = len(data) // 2
    raw = {
        "plain": data,
        "gzip": members([data[:half], data[half:]]),
        "zstd": frames([data[:half], data[half:]]),
    }[packed]
    window = Window(Plain(io.BytesIO(raw)))
    if packed != "plain":
        window = decompressed(window, ratio=10_000, harmless=1 << 20)
    taken = b""
    for turn, size in enumerate(sizes):
        before = window.offset
        if turn % 4 == 0:
            part, found = window.take_until(b"\n", size)
            assert found == part.endswith(b"\n") or len(part) == size
        elif turn % 4 == 1:
            assert data[before:].startswith(window.peek(size))
            part = window.take(size)
        elif turn % 4 == 2:
            part = window.take(size)
            window.push_back(part[1:])
            part = part[:1]
        else:
            part = data[before : before + window.skip(size)]
        taken += part
        assert window.offset == len(taken)
    assert taken + b"".join(window.chunks()) == data
    assert window.damage is None


def test_chunk_size_is_what_the_tests_assume() -> None:
    assert streams.CHUNK >= 4096
