"""Calls that travel with their files: through a real S3 server, between folders that share nothing."""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tasks.carry import Carrier, StuckError, carried
from tasks.files import FilesError, ObjectFiles
from tests import s3


class Job(NamedTuple):
    """Paths deep among the arguments."""

    number: int
    files: tuple[Path, ...]


class Shouted(NamedTuple):
    """Paths deep in a result."""

    out: list[Path]
    seen: str


def shout(job: Job, named: Mapping[str, Path], folder: Path, *, missing: Path) -> Shouted:
    """Writes a file for each file read, and one that says that all are there."""
    assert not missing.exists()
    assert missing.parent.is_dir()
    out = [folder / f"{job.number}-{path.name}" for path in named.values()]
    for path, to in zip(named.values(), out, strict=True):
        to.write_text(path.read_text().upper())
    (folder / "done").write_text("")
    (folder / "left behind").write_text("")
    return Shouted([*out, folder / "done"], " ".join(path.read_text() for path in job.files))


def fail(file: Path, out: Path) -> Path:
    """Writes, then fails."""
    out.write_text("half")
    raise ValueError(file.read_text())


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """What is carried: two files in a folder."""
    folder = tmp_path / "home" / "plan"
    (folder / "out").mkdir(parents=True)
    for name in ("one", "two"):
        (folder / name).write_text(name)
    return tmp_path / "home"


@pytest.fixture
def carrier(root: Path, bucket: str) -> Carrier:
    return Carrier(root, f"{bucket}/corpus/carried", {})


def objects(bucket: str) -> list[str]:
    """Names of what lies in the bucket, without the part that is new each time."""
    return sorted(
        name.split("/carried/")[1].split("/", 1)[1] for name in s3.objects(bucket.removeprefix("s3://"))
    )


def call(root: Path, number: int) -> Any:
    plan, outside = root / "plan", root.parent / "input"
    outside.write_text("outside")
    named = {"a": plan / "one", "b": plan / "two"}
    return shout, (Job(number, (outside,)), named, plan / "out"), {"missing": plan / "new" / "none"}


def test_a_call_travels_with_what_it_reads_and_comes_back_with_what_it_wrote(
    carrier: Carrier, root: Path, bucket: str, tmp_path: Path
) -> None:
    answer = carried(carrier.pack(call(root, 1)), tmp_path / "far")
    assert not any((root / "plan" / "out").iterdir())
    result = carrier.unpack(answer)
    out = root / "plan" / "out"
    assert result == Shouted([out / "1-one", out / "1-two", out / "done"], "outside")
    assert (out / "1-two").read_text() == "TWO"
    assert not (out / "left behind").exists()
    *made, outside, one, two = sorted(
        objects(bucket), key=lambda name: (not name.startswith("plan/out"), name)
    )
    assert made == ["plan/out/1-one", "plan/out/1-two", "plan/out/done"]
    assert (outside.partition("/")[0], one, two) == ("outside", "plan/one", "plan/two")
    (copies,) = (tmp_path / "far").iterdir()  # the folder of the call is gone
    assert (copies / "plan" / "out" / "1-one").exists()
    carrier.close()
    assert objects(bucket) == []
    assert (out / "1-two").exists()


def test_a_file_is_sent_once_and_fetched_once_by_a_machine(
    carrier: Carrier, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved: list[str] = []
    put, fetch = ObjectFiles.put, ObjectFiles._fetch
    monkeypatch.setattr(
        ObjectFiles, "put", lambda files, path, name: (moved.append(f"put {name}"), put(files, path, name))
    )
    monkeypatch.setattr(
        ObjectFiles, "_fetch", lambda files, name: (moved.append(f"get {name}"), fetch(files, name))
    )
    with ThreadPoolExecutor(8) as threads:
        parcels = list(threads.map(lambda number: carrier.pack(call(root, number)), range(8)))
    assert sorted(set(moved)) == sorted(moved)
    moved.clear()
    for parcel in parcels:
        carrier.unpack(carried(parcel, tmp_path / "far"))
    assert moved.count("get plan/one") == moved.count("get plan/two") == 1
    moved.clear()
    made = (shout, (Job(9, ()), {"a": root / "plan/out/1-one"}, root / "plan"), {"missing": root / "none"})
    carried(carrier.pack(made), tmp_path / "far")
    assert sorted(moved) == ["put plan/9-1-one", "put plan/done"]


def test_what_a_broken_off_call_left_is_replaced(carrier: Carrier, root: Path, tmp_path: Path) -> None:
    out = root / "plan" / "out"
    (out / "1-one").write_text("HALF")
    carrier.unpack(carried(carrier.pack(call(root, 1)), tmp_path / "far"))
    assert (out / "1-one").read_text() == "ONE"


def test_what_a_failed_call_wrote_is_nowhere(
    carrier: Carrier, root: Path, bucket: str, tmp_path: Path
) -> None:
    parcel = carrier.pack((fail, (root / "plan" / "one", root / "plan" / "out" / "x"), {}))
    with pytest.raises(ValueError, match="one"):
        carried(parcel, tmp_path / "far")
    assert objects(bucket) == ["plan/one"]
    assert [path.name for path in (tmp_path / "far").rglob("*") if path.is_file()] == ["one"]


def test_what_only_this_machine_has_does_not_travel(
    carrier: Carrier, root: Path, tmp_path: Path, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "pipe")
    for stuck in (tmp_path, tmp_path / "nowhere", tmp_path / "pipe"):
        with pytest.raises(StuckError, match=stuck.name):
            carrier.pack((fail, (Job(1, (stuck,)), stuck), {}))

    def vanished(files: ObjectFiles, source: Path, name: str) -> None:
        raise FileNotFoundError(2, "gone", str(source))

    monkeypatch.setattr(ObjectFiles, "put", vanished)
    with pytest.raises(StuckError, match="gone"):
        carrier.pack((fail, (root / "plan" / "one", root / "x"), {}))
    assert objects(bucket) == []


def test_the_sentence_where_the_bucket_cannot_be_reached(
    root: Path, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    carrier = Carrier(root, f"{bucket}-absent/carried", {})
    for _ in range(2):  # nobody waits for a transfer that failed
        with pytest.raises((FilesError, StuckError), match="absent"):
            carrier.pack((fail, (root / "plan" / "one", root / "x"), {}))
    carrier.close()
