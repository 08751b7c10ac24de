"""Lookups of stored signatures: they find what reading everything would find, and mend themselves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random

import numpy as np
import pyarrow.parquet as pq
import pytest

from config.settings import DedupeSettings
from tasks.dedupe.candidates import find_candidates
from tasks.dedupe.index import Found, Wanted, forget_lookups, look_up_all
from tasks.dedupe.signatures import SIGNATURE_VERSION, SignatureVersionError
from tasks.tables import SIGNATURES
from tests.dedupe.support import write

SETTINGS = DedupeSettings()
Row = dict[str, object]


def row(name: str, bands: Sequence[int], *, skeleton: str = "", url: str = "") -> Row:
    return {
        "capture_id": f"capture {name}",
        "document_id": name,
        "url_key": url,
        "signature_version": SIGNATURE_VERSION,
        "skeleton": skeleton or f"skeleton {name}",
        "shingles": 900,
        "bands": list(bands),
    }


def stored(folder: Path, rows: Sequence[Row], per_file: int) -> list[str]:
    folder.mkdir(exist_ok=True)
    return [
        write(folder / f"{start:05}.parquet", rows[start : start + per_file], SIGNATURES)
        for start in range(0, len(rows), per_file)
    ]


def look(files: Sequence[str], folder: Path, wanted: Wanted, limit: int = 16) -> Found:
    return look_up_all(files, folder, wanted, limit, 2)


def numbers(*values: int) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    return np.array(values, dtype=np.uint64)


def test_finds_what_reading_everything_finds(tmp_path: Path) -> None:
    draw = Random(7)
    rows = [
        row(f"{draw.randrange(10**6):06}-{n}", draw.sample(range(4000), 16), url=f"a.cn/{n % 300}")
        for n in range(700)
    ]
    files = stored(tmp_path / "s", rows, 300)
    hashes = draw.sample(range(5000), 200)
    skeletons = [str(rows[5]["skeleton"]), "unknown", ""]
    found = look(files, tmp_path / "index", Wanted.of(numbers(*hashes), skeletons, ["a.cn/3", "b.cn/3", ""]))
    assert sorted(map(tuple, (hit.values() for hit in found.sketches.to_pylist()))) == sorted(
        (key, str(one["document_id"])) for one in rows for key in set(hashes) & set(one["bands"])
    )
    assert {hit["document_id"] for hit in found.names.to_pylist()} == {
        one["document_id"] for one in rows if one["skeleton"] in skeletons or one["url_key"] == "a.cn/3"
    }
    assert {name for hit in found.names.to_pylist() for name in hit} == {
        "document_id",
        "capture_id",
        "url_key",
        "skeleton",
    }


def test_hot_hash_of_the_stored_gives_its_smallest_documents_however_they_lie(tmp_path: Path) -> None:
    names = [f"{number:04}" for number in range(3000)]
    Random(1).shuffle(names)
    rows = [row(name, range(16)) for name in names]
    new = stored(tmp_path / "n", [row(f"new {number}", range(16)) for number in range(5)], 5)
    found = []
    for per_file in (3000, 700):
        files = stored(tmp_path / str(per_file), rows, per_file)
        table = pq.read_table(new[0], schema=SIGNATURES)
        found.append(find_candidates(table, [], files, SETTINGS, tmp_path / f"index {per_file}").stored)
    assert found[0] == found[1]
    assert found[0] == [(text, f"{number:04}") for text in range(5) for number in range(SETTINGS.bucket)]


def test_lookups_are_made_once_mended_and_cleared_away(tmp_path: Path) -> None:
    rows = [row(str(number), [number, number + 1]) for number in range(50)]
    files = stored(tmp_path / "s", rows, 25)
    index, wanted = tmp_path / "index", Wanted.of(numbers(30), [], [])
    first = look(files, index, wanted)
    assert sorted(first.sketches["document_id"].to_pylist()) == ["29", "30"]
    made = {path: path.stat().st_ino for path in index.iterdir()}
    assert len(made) == 4
    assert look(files, index, wanted) == first
    assert {path: path.stat().st_ino for path in index.iterdir()} == made
    for path in made:
        path.write_bytes(path.read_bytes()[:-20])
    assert look(files, index, wanted) == first
    forget_lookups(files[1:], index)
    assert look(files[1:], index, wanted) == first
    assert {path.name.split(".")[0] for path in index.iterdir()} == {"00025"}
    assert look([], index, wanted).sketches.num_rows == 0
    assert len(list(index.iterdir())) == 2, "a run against nothing clears nothing away"


def test_files_without_rows_and_texts_without_hashes(tmp_path: Path) -> None:
    files = stored(tmp_path / "s", [row("1", [], url="a.cn/")], 1)
    files.append(write(tmp_path / "s" / "empty.parquet", [], SIGNATURES))
    found = look(files, tmp_path / "index", Wanted.of(numbers(1, 2), [""], ["a.cn/"]))
    assert found.sketches.num_rows == 0
    assert found.names["document_id"].to_pylist() == ["1"]


def test_signatures_of_another_version_stop_every_run(tmp_path: Path) -> None:
    files = stored(tmp_path / "s", [row("1", [1]) | {"signature_version": SIGNATURE_VERSION - 1}], 1)
    for _ in range(2):
        with pytest.raises(SignatureVersionError, match="qingyuan reclean"):
            look(files, tmp_path / "index", Wanted.of(numbers(1), [], []))
