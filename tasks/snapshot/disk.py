"""File operations that survive a power cut: what is written is on the disk before it is named."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path


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


def write_file(path: Path, content: str) -> None:
    """Write a text file so that it has either its old or its new content, never a part."""
    draft = path.with_name(f".{path.name}.tmp")
    with draft.open("w", encoding="utf-8") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(path)
    sync_folder(path.parent)


def link_files(files: Iterable[Path], folder: Path) -> None:
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


def remove_tree(folder: Path) -> None:
    """Remove a folder with all that is in it; nothing happens where there is none."""
    if folder.exists():
        shutil.rmtree(folder)
