"""The samples are what their program makes, and hold what they are said to hold."""

from __future__ import annotations

import shutil
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from config.settings import CollectSettings, Source
from samples import make
from tasks.collect import find_inputs, read_captures
from tasks.tables import Capture

ROOT = Path(make.__file__).parent.parent
COMPRESSED = (".gz", ".zst", ".zip", ".parquet")


def captures(root: Path) -> dict[str, list[Capture]]:
    source, settings = Source(name="samples", paths=["samples/captures"]), CollectSettings()
    return {file.path: list(read_captures(file, source, settings)) for file in find_inputs(source, root)}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("made")
    make.write(root)
    return root


@pytest.fixture(scope="module")
def expected() -> dict[str, dict[str, Any]]:
    return dict(yaml.safe_load((ROOT / "samples" / "expected.yaml").read_text(encoding="utf-8")))


def test_making_them_again_gives_the_same(made: Path) -> None:
    here, there = captures(ROOT), captures(made)
    assert list(here) == list(there)
    for path in here:
        if path.endswith(COMPRESSED):  # bytes of compressors differ between their versions
            told = [
                [(c.payload, c.media_type, c.url, c.title, bool(c.error)) for c in part[path]]
                for part in (here, there)
            ]
            if not path.endswith("cut.txt.gz"):
                assert told[0] == told[1], path
        else:
            assert (ROOT / path).read_bytes() == (made / path).read_bytes(), path
    for name in ("README.md", "expected.yaml"):
        words = [(root / "samples" / name).read_text(encoding="utf-8") for root in (ROOT, made)]
        assert len(words[0].splitlines()) == len(words[1].splitlines())


def test_every_capture_has_an_expected_outcome(expected: dict[str, dict[str, Any]]) -> None:
    read = [capture.locator for group in captures(ROOT).values() for capture in group]
    assert sorted(read) == sorted(expected)
    assert 35 <= len(read) <= 60


def test_what_fails_is_what_is_meant_to_fail(expected: dict[str, dict[str, Any]]) -> None:
    for group in captures(ROOT).values():
        for capture in group:
            assert (capture.error is not None) == (expected[capture.locator]["outcome"] == "failed"), (
                capture.locator
            )


def test_each_article_gives_one_document(expected: dict[str, dict[str, Any]]) -> None:
    outcomes: dict[str, Counter[str]] = defaultdict(Counter)
    for entry in expected.values():
        if "article" in entry:
            outcomes[entry["article"]][entry["outcome"]] += 1
    articles = yaml.safe_load((ROOT / "samples" / "articles.yaml").read_text(encoding="utf-8"))
    assert set(outcomes) == set(articles)
    for article, counts in outcomes.items():
        assert (counts["kept"] == 1) != (counts["copy"] > 1), article


def test_every_format_and_compression_is_among_them() -> None:
    names = {
        "".join(path.suffixes[-2:]) for path in (ROOT / "samples" / "captures").rglob("*") if path.is_file()
    }
    assert {
        ".txt",
        ".html",
        ".jsonl",
        ".jsonl.gz",
        ".parquet",
        ".warc.gz",
        ".wet.gz",
        ".warc.zst",
        ".txt.zst",
        ".zip",
    } <= names


def test_they_are_small() -> None:
    sizes = [path.stat().st_size for path in (ROOT / "samples").rglob("*") if path.is_file()]
    assert sum(sizes) < 400_000


def test_the_program_names_what_was_read_and_not_meant(made: Path, tmp_path: Path) -> None:
    shutil.copytree(made / "samples", tmp_path / "samples")
    (tmp_path / "samples" / "captures" / "exports" / "articles.jsonl").write_text(
        "{}\n{}\n", encoding="utf-8"
    )
    with pytest.raises(ValueError, match=r"articles.jsonl: 2 captures read, 4 meant"):
        make.expected(make.build(), tmp_path)
