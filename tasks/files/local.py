"""Files in a folder: what is written is on the disk before it is named, and survives a power cut."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path


class LocalFiles:
    """Files below a folder of this machine; see `tasks.files.Files`."""

    def __init__(self, folder: Path) -> None:
        self.folder: Path | None = folder
        self.address = str(folder)
        self.options: Mapping[str, str] = {}
        self._root = folder

    def where(self, name: str) -> str:
        """Path of a file."""
        return str(self._root / name)

    def read(self, name: str) -> bytes:
        """The content of a file."""
        return (self._root / name).read_bytes()

    def read_all(self, names: Sequence[str]) -> list[bytes]:
        """The contents of many files."""
        return [self.read(name) for name in names]

    def write(self, name: str, content: bytes) -> None:
        """Write or replace a file: it has either its old or its new content, never a part."""
        path = self._root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, content)

    def size(self, name: str) -> int | None:
        """Bytes of a file; None where there is none."""
        try:
            return (self._root / name).stat().st_size
        except FileNotFoundError:
            return None

    def names(self, folder: str) -> list[str]:
        """Names of all files below a folder, sorted."""
        found = (path for path in (self._root / folder).rglob("*") if path.is_file())
        return sorted(path.relative_to(self._root).as_posix() for path in found)

    def folders(self, folder: str) -> list[str]:
        """Names of the folders directly in a folder, sorted."""
        try:
            return sorted(entry.name for entry in os.scandir(self._root / folder) if entry.is_dir())
        except FileNotFoundError:
            return []

    def local(self, names: Sequence[str], *, fresh: bool = False) -> list[Path]:  # noqa: ARG002 - they are what they are
        """The paths of the files."""
        return [self._root / name for name in names]

    def move_in(self, files: Iterable[tuple[Path, str]]) -> None:
        """Move files of the same file system, each to its name; they become read-only."""
        homes = set()
        for source, name in files:
            if source.exists():
                path = self._root / name
                path.parent.mkdir(parents=True, exist_ok=True)
                source.chmod(0o444)  # versions share the file: nobody should write to it
                source.rename(path)
                homes.add(path.parent)
        for home in homes:
            sync_folder(home)

    def appear(self, folder: str, texts: Mapping[str, str], files: Mapping[str, Sequence[Path]]) -> None:
        """Make a folder by renaming a draft of it; its files are links where the file system has them."""
        target = self._root / folder
        draft = target.with_name(f".{target.name}.tmp")
        _remove_tree(draft)
        draft.mkdir(parents=True)
        for place, paths in files.items():
            _link(paths, draft / place)
        for name, text in texts.items():
            _write(draft / name, text.encode())
        try:
            draft.rename(target)
        except OSError as error:
            if target.exists():
                _remove_tree(draft)
                raise FileExistsError(error.errno, "exists already", str(target)) from error
            raise
        sync_folder(target.parent)

    def move(self, folder: str, target: str) -> None:
        """Give a folder another name."""
        path = self._root / target
        path.parent.mkdir(parents=True, exist_ok=True)
        (self._root / folder).rename(path)
        sync_folder((self._root / folder).parent)

    def remove(self, names: Iterable[str]) -> None:
        """Remove files; absent ones are passed over."""
        for name in names:
            (self._root / name).unlink(missing_ok=True)

    def remove_tree(self, folder: str) -> None:
        """Remove a folder with all that is in it."""
        _remove_tree(self._root / folder)


def sync_folder(folder: Path) -> None:
    """Force the names inside a folder to the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_file(path: Path) -> None:
    """Force the content of a file to the disk."""
    with path.open("rb") as stream:
        os.fsync(stream.fileno())


def _write(path: Path, content: bytes) -> None:
    draft = path.with_name(f".{path.name}.tmp")
    with draft.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(path)
    sync_folder(path.parent)


def _link(files: Iterable[Path], folder: Path) -> None:
    """Give files a second name in `folder`; where the file system has no links, copy them."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        target = folder / file.name
        try:
            target.hardlink_to(file)
        except FileNotFoundError:
            raise
        except OSError:
            shutil.copyfile(file, target)
            sync_file(target)
    sync_folder(folder)


def _remove_tree(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
