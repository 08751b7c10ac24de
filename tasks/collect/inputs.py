"""Which files a source consists of: single files, folders and patterns, always in the same order."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from config.settings import Source


class CollectError(Exception):
    """A source that cannot be read; the message names source and path and says what to do."""


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file to read captures from."""

    collection: str
    """Name of the source."""
    path: str
    """As locators write it: relative to the root, with slashes, if it lies inside; else absolute."""
    size: int
    """Bytes; 0 if it cannot be opened."""
    modified_ns: int
    """Time of modification, nanoseconds since 1970; 0 if it cannot be opened."""
    location: Path = field(compare=False)
    """Where it is opened."""


def find_inputs(source: Source, root: Path) -> Iterator[InputFile]:
    """Give the files of a source, sorted by path, each one once; relative paths count from `root`.

    Hidden files and folders are passed over unless they are named; symbolic links are followed, a
    folder is visited once. What cannot be opened is given too: reading it says why.
    Raises CollectError for a path or pattern that leads to nothing.
    """
    root = _absolute(root)
    places = sorted({place for path in source.paths for place in _places(path, source, root)})
    folders: set[tuple[int, int]] = set()
    seen: set[Path] = set()
    for place in places:
        if any(parent in seen for parent in place.parents):
            continue  # inside a folder that is in the list itself
        seen.add(place)
        for file in _walk(place, folders):
            yield _input(file, source, root)


def _places(path: str, source: Source, root: Path) -> list[Path]:
    whole = _absolute(root / Path(path).expanduser())
    if os.path.lexists(whole):
        return [whole]
    found = glob.glob(str(whole), recursive=True)  # noqa: PTH207 - absolute patterns
    if not found and not (source.inbox and glob.has_magic(path)):
        what = "no file matches the pattern" if glob.has_magic(path) else "there is no file or folder"
        raise CollectError(
            f"source {source.name!r}: {what} {path} (looked in {root}); correct `paths` of this source"
        )
    return [_absolute(Path(name)) for name in found]


def _absolute(path: Path) -> Path:
    """Absolute without `..`; links stay as they are written, unlike Path.resolve."""
    return Path(os.path.abspath(path))  # noqa: PTH100 - resolve would follow links


def _walk(place: Path, folders: set[tuple[int, int]]) -> Iterator[Path]:
    """The files at or below a place, in the order of their paths."""
    if not place.is_dir():
        yield place
        return
    try:
        status = place.stat()
        if (status.st_dev, status.st_ino) in folders:
            return
        folders.add((status.st_dev, status.st_ino))
        entries = sorted(place.iterdir())
    except OSError:
        yield place
        return
    for entry in entries:
        if not entry.name.startswith("."):
            yield from _walk(entry, folders)


def _input(file: Path, source: Source, root: Path) -> InputFile:
    written = file.relative_to(root) if file.is_relative_to(root) else file
    try:
        status = file.stat()
        size, modified = status.st_size, status.st_mtime_ns
    except OSError:
        size = modified = 0
    path = os.fsencode(written.as_posix()).decode("utf-8", "backslashreplace")
    return InputFile(source.name, path, size, modified, file)


__all__ = ["CollectError", "InputFile", "find_inputs"]
