"""WARC files: names, rolling, and what is left after a kill at any byte."""

from __future__ import annotations

import gzip
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.fetch.warc import SAME_PAYLOAD, Exchange, Original, WarcSeries, recover
from tests.fetch.archive import records

MOMENT = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)


def _exchange(number: int, body: bytes = "正文".encode() * 30) -> Exchange:
    headers = [("Content-Type", "text/html"), ("Transfer-Encoding", "chunked"), ("X-\xc3\xa9", "\xd6\xb5")]
    sent = [("Host", "a.example")]
    return Exchange(
        f"http://a.example/{number}", MOMENT, f"/{number}", sent, "HTTP/1.1", 200, "\xba\xc3", headers, body
    )


def _series(folder: Path, roll: int = 1 << 30) -> WarcSeries:
    return WarcSeries(folder, "site", roll, {"software": "test"})


def _folder(store: Path) -> Path:
    return store / "fetch" / "warc" / "site"


def test_records_are_where_they_were_said_to_be(tmp_path: Path) -> None:
    series = _series(_folder(tmp_path))
    written = [series.exchange(_exchange(number)) for number in range(3)]
    series.close()
    found = {one["id"]: one for one in records(tmp_path)}
    for number, place in enumerate(written):
        one = found[place.record_id]
        assert (one["file"], one["offset"], one["url"]) == (
            place.file,
            place.offset,
            f"http://a.example/{number}",
        )
        assert one["headers"]["WARC-Date"] == place.date == "2026-03-01T08:30:00.000000Z"
        assert one["http"]["X-Crawl-Transfer-Encoding"] == "chunked", (
            "the body is stored without that encoding"
        )
        assert "Transfer-Encoding" not in one["http"]
    path = _folder(tmp_path) / written[0].file
    raw = gzip.decompress(path.read_bytes())
    assert b"HTTP/1.1 200 \xba\xc3\r\n" in raw, "bytes that are no ASCII stay as they are"
    assert b"X-\xc3\xa9: \xd6\xb5\r\n" in raw


def test_a_file_has_its_name_only_when_it_is_complete(tmp_path: Path) -> None:
    series = _series(_folder(tmp_path))
    series.exchange(_exchange(1))
    assert [path.suffix for path in _folder(tmp_path).iterdir()] == [".open"]
    series.close()
    assert [path.name for path in _folder(tmp_path).iterdir()] == series.finished
    series.close()


def test_files_roll_by_size_and_never_change_again(tmp_path: Path) -> None:
    series = _series(_folder(tmp_path), roll=2000)
    seen: dict[str, bytes] = {}
    for number in range(20):
        series.exchange(_exchange(number, os.urandom(400)))
        for path in _folder(tmp_path).glob("*.warc.gz"):
            assert seen.setdefault(path.name, path.read_bytes()) == path.read_bytes()
    series.close()
    assert len(series.finished) >= 5
    assert len([one for one in records(tmp_path) if one["type"] == "response"]) == 20
    again = _series(_folder(tmp_path), roll=2000)
    again.exchange(_exchange(99))
    again.close()
    assert not set(again.finished) & set(series.finished)


def test_a_revisit_refers_to_its_original(tmp_path: Path) -> None:
    series = _series(_folder(tmp_path))
    original = Original("http://a.example/1", "2026-01-01T00:00:00Z", "<urn:uuid:1>", "sha1:ABC")
    series.exchange(_exchange(1), revisit=(SAME_PAYLOAD, original))
    series.close()
    revisit = next(one for one in records(tmp_path) if one["type"] == "revisit")
    assert revisit["body"] == b""
    assert revisit["headers"]["WARC-Payload-Digest"] == "sha1:ABC"
    assert revisit["headers"]["WARC-Refers-To"] == "<urn:uuid:1>"


def _open_file(folder: Path) -> tuple[bytes, list[int]]:
    """An open file with five exchanges, and where its records end."""
    series = _series(folder)
    ends = []
    for number in range(5):
        series.exchange(_exchange(number, os.urandom(100) * (number + 1)))
        ends.append(next(folder.glob("*.open")).stat().st_size)
    os.close(series._handle)
    return next(folder.glob("*.open")).read_bytes(), ends


@pytest.fixture(scope="module")
def left_open(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, list[int]]:
    return _open_file(tmp_path_factory.mktemp("open"))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(0, 10_000), garbage=st.binary(max_size=40))
def test_a_kill_costs_at_most_the_record_under_way(
    left_open: tuple[bytes, list[int]], tmp_path_factory: pytest.TempPathFactory, cut: int, garbage: bytes
) -> None:
    data, ends = left_open
    cut = min(cut, len(data))
    store = tmp_path_factory.mktemp("cut")
    _folder(store).mkdir(parents=True)
    (_folder(store) / ".site-1.warc.gz.open").write_bytes(data[:cut] + garbage)
    found = recover(_folder(store))
    assert len(found) == 1
    assert not list(_folder(store).glob("*.open"))
    kept = {one["url"] for one in records(store) if one["type"] == "response"}
    whole = {f"http://a.example/{number}" for number, end in enumerate(ends) if end <= cut}
    assert whole <= kept, "a record that was written as a whole is lost"
    assert len(kept) <= len(whole) + 1
    assert recover(_folder(store)) == []


def test_a_file_without_captures_is_removed(tmp_path: Path) -> None:
    _folder(tmp_path).mkdir(parents=True)
    (_folder(tmp_path) / ".site-1.warc.gz.open").write_bytes(b"")
    assert [(one.records, one.lost_bytes) for one in recover(_folder(tmp_path))] == [(0, 0)]
    assert list(_folder(tmp_path).iterdir()) == []


def test_a_record_larger_than_the_reading_buffer_is_kept(tmp_path: Path) -> None:
    series = _series(_folder(tmp_path))
    series.exchange(_exchange(1, os.urandom(300_000)))
    series.exchange(_exchange(2, bytes(5_000_000)))
    os.close(series._handle)
    assert [(one.records, one.lost_bytes) for one in recover(_folder(tmp_path))] == [(4, 0)]


def test_after_a_failed_write_the_file_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    series = _series(_folder(tmp_path))
    series.exchange(_exchange(1))
    real = os.write
    calls: list[int] = []

    def full(handle: int, data: memoryview) -> int:
        calls.append(len(data))
        if len(calls) == 1:
            return real(handle, data[: len(data) // 2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tasks.fetch.warc.os.write", full)
    with pytest.raises(OSError, match="No space left"):
        series.exchange(_exchange(2))
    monkeypatch.undo()
    series.exchange(_exchange(3))
    series.close()
    assert [one["url"][-1] for one in records(tmp_path) if one["type"] == "response"] == ["1", "3"]
