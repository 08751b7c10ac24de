"""Which files a source consists of."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tasks.collect import CollectError
from tests.collect.build import files


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("b/2.txt", "b/1.txt", "a.txt", "b/c/3.txt", ".hidden/x.txt", "b/.x.txt", "d.jsonl"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name, encoding="utf-8")
    return tmp_path


def paths(root: Path, *given: Path | str) -> list[str]:
    return [file.path for file in files(root, *given)]


def test_a_folder_is_walked_in_order_without_hidden_files(tree: Path) -> None:
    assert paths(tree, ".") == ["a.txt", "b/1.txt", "b/2.txt", "b/c/3.txt", "d.jsonl"]


def test_order_and_repetition_of_the_paths_change_nothing(tree: Path) -> None:
    once = paths(tree, "b", "a.txt")
    assert paths(tree, "a.txt", "b", "b/1.txt", "b/c", "./a.txt", tree / "b") == once


def test_patterns(tree: Path) -> None:
    assert paths(tree, "*.txt") == ["a.txt"]
    assert paths(tree, "**/*.txt") == ["a.txt", "b/1.txt", "b/2.txt", "b/c/3.txt"]


def test_a_name_with_pattern_characters_is_taken_as_it_is(tree: Path) -> None:
    (tree / "[1].txt").write_text("x", encoding="utf-8")
    assert paths(tree, "[1].txt") == ["[1].txt"]


def test_a_hidden_file_that_is_named_is_read(tree: Path) -> None:
    assert paths(tree, "b/.x.txt") == ["b/.x.txt"]


def test_a_file_outside_the_root_keeps_its_whole_path(tree: Path) -> None:
    assert paths(tree / "b", tree / "a.txt") == [(tree / "a.txt").as_posix()]


def test_links_are_followed_and_loops_end(tree: Path) -> None:
    (tree / "b" / "loop").symlink_to(tree)
    (tree / "link.txt").symlink_to(tree / "a.txt")
    assert paths(tree, ".") == ["a.txt", "b/1.txt", "b/2.txt", "b/c/3.txt", "d.jsonl", "link.txt"]


def test_size_and_time_are_those_of_the_file(tree: Path) -> None:
    os.utime(tree / "a.txt", ns=(5, 7_000_000_001))
    (file,) = files(tree, "a.txt")
    assert (file.collection, file.size, file.modified_ns) == ("test", 5, 7_000_000_001)


@pytest.mark.parametrize(
    ("path", "says"), [("nowhere", "there is no file or folder nowhere"), ("*.warc", "no file matches")]
)
def test_a_path_to_nothing_stops_with_source_and_path(tree: Path, path: str, says: str) -> None:
    with pytest.raises(CollectError, match="source 'test'") as error:
        files(tree, path)
    assert says in str(error.value)


@pytest.mark.skipif(sys.platform == "darwin", reason="file names are always UTF-8 there")
def test_a_name_that_is_no_utf8_can_be_written_down(tree: Path) -> None:
    name = os.fsencode(tree) + b"/\xba\xd3.txt"
    Path(os.fsdecode(name)).write_text("x", encoding="utf-8")
    written = paths(tree, ".")
    assert [path.encode("utf-8") for path in written]
    assert "\\xba\\xd3.txt" in written
