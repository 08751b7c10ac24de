"""Files by name below one root: a folder of this machine, or a prefix of an S3-compatible bucket.

All that the store (and a staging area on a shared place) needs of a file system, and no more. Who
uses it does not ask which of the two it is, but for `folder`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from tasks.files.local import LocalFiles
from tasks.files.objects import FilesError, ObjectFiles


class Files(Protocol):
    """Files by name; names are relative to the root, with slashes.

    What is written is whole or not there. Errors are OSError (FileNotFoundError for an absent
    file, FilesError for a service that cannot be reached or refuses).
    """

    address: str
    """The root: an absolute path, or `s3://bucket/prefix`."""
    folder: Path | None
    """The root as a folder; None for objects, which have neither links nor renames."""
    options: Mapping[str, str]
    """What other clients of the same place need: options of the object store; empty for a folder."""

    def where(self, name: str) -> str:
        """Path or address of a file, for messages and other programs."""

    def read(self, name: str) -> bytes:
        """The content of a file."""

    def read_all(self, names: Sequence[str]) -> list[bytes]:
        """The contents of many files, at once where that is quicker."""

    def write(self, name: str, content: bytes) -> None:
        """Write or replace a file."""

    def size(self, name: str) -> int | None:
        """Bytes of a file; None where there is none."""

    def names(self, folder: str) -> list[str]:
        """Names of all files below a folder, sorted; none where there is no such folder."""

    def folders(self, folder: str) -> list[str]:
        """Last parts of the names of the folders directly in a folder, sorted."""

    def local(self, names: Sequence[str], *, fresh: bool = False) -> list[Path]:
        """The files as local paths, to read only. They must never change under their names.

        Of objects these are copies, kept from call to call; `fresh` fetches them anew.
        """

    def move_in(self, files: Iterable[tuple[Path, str]]) -> None:
        """Move local files, each to its name; those that are no longer there were moved before."""

    def appear(self, folder: str, texts: Mapping[str, str], files: Mapping[str, Sequence[Path]]) -> None:
        """Make a folder with texts, and with local files by subfolder, in one step.

        A folder of this machine is renamed into place and shares its files with their origin where
        links exist; of objects the first text is the step that counts, and decides between rivals.
        Raises FileExistsError where the folder is there already.
        """

    def move(self, folder: str, target: str) -> None:
        """Give a folder another name; objects go one by one, its manifest.json last."""

    def remove(self, names: Iterable[str]) -> None:
        """Remove files; absent ones are passed over."""

    def remove_tree(self, folder: str) -> None:
        """Remove a folder with all that is in it; nothing happens where there is none."""


def open_files(address: str | Path, copies: Path, options: Mapping[str, str] | None = None) -> Files:
    """The files below a folder or `s3://bucket/prefix`.

    `copies` is a local folder for copies of objects, of which other roots need one of their own;
    `options` are options of an object store by their names in the environment (`aws_endpoint_url`),
    beside which the environment itself counts. Raises FilesError for an address of another kind.
    """
    if "://" in str(address):
        return ObjectFiles(str(address), copies, options or {})
    return LocalFiles(Path(address).absolute())


__all__ = ["Files", "FilesError", "LocalFiles", "ObjectFiles", "open_files"]
