"""Files as objects below a prefix of an S3-compatible bucket.

obstore is the client that deltalake has inside, so the same variables of the environment
(AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, ...) serve both, and both try again after 5xx and timeouts.
A put appears whole or not at all; a conditional put (`If-None-Match`, `If-Match`) is the one
operation that decides between rivals.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError
from obstore.store import ObjectStore, from_url

_ADDRESS: Final = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[^\s?#]*)?")
_HTTP: Final = ("allow_http", "timeout", "connect_timeout", "allow_invalid_certificates")
"""Options of the connection rather than of the store."""
_RETRIES = 10
_THREADS: Final = 8
_PIECE: Final = 8 << 20

T = TypeVar("T")
R = TypeVar("R")


class FilesError(OSError):
    """An object store cannot be used; the message says what to do."""


class ObjectFiles:
    """Files below `s3://bucket/prefix`; see `tasks.files.Files`."""

    def __init__(self, address: str, copies: Path, options: Mapping[str, str]) -> None:
        if not _ADDRESS.fullmatch(address):
            raise FilesError(f"{address}: no address of objects; it has the form s3://bucket/prefix")
        self.address = address.rstrip("/")
        self.folder: Path | None = None
        self.options: Mapping[str, str] = options
        self._copies = copies
        http = {"timeout": "180s", "connect_timeout": "10s"}
        for name in _HTTP:
            if given := options.get(f"aws_{name}", os.environ.get(f"AWS_{name.upper()}")):
                http[name] = given
        self._store: ObjectStore = from_url(
            self.address,
            config=cast(Any, {name: value for name, value in options.items() if name[4:] not in _HTTP}),
            client_options=cast(Any, http),
            retry_config={"max_retries": _RETRIES, "retry_timeout": timedelta(seconds=120)},
        )

    def where(self, name: str) -> str:
        """Address of an object."""
        return f"{self.address}/{name}"

    def read(self, name: str) -> bytes:
        """The content of an object."""
        with self._told(name):
            return bytes(obstore.get(self._store, name).bytes())

    def read_all(self, names: Sequence[str]) -> list[bytes]:
        """The contents of many objects, some at a time."""
        return self._each(self.read, names)

    def write(self, name: str, content: bytes) -> None:
        """Write or replace an object."""
        with self._told(name):
            obstore.put(self._store, name, content)

    def create(self, name: str, content: bytes) -> str | None:
        """Write an object that is not there yet; its tag, None where there is another one."""
        with self._told(name):
            try:
                return obstore.put(self._store, name, content, mode="create")["e_tag"]
            except (AlreadyExistsError, PreconditionError):
                return self._tag_of(name, content)

    def read_tagged(self, name: str) -> tuple[bytes, str] | None:
        """Content and tag of an object, None where there is none; every put gives another tag."""
        with self._told(name):
            try:
                found = obstore.get(self._store, name)
            except FileNotFoundError:
                return None
            return bytes(found.bytes()), str(found.meta["e_tag"])

    def replace(self, name: str, content: bytes, tag: str) -> str | None:
        """Replace an object that still has the tag; its new tag, None where it has gone or was replaced."""
        with self._told(name):
            try:
                return obstore.put(self._store, name, content, mode={"e_tag": tag})["e_tag"]
            except (PreconditionError, FileNotFoundError):
                return self._tag_of(name, content)

    def _tag_of(self, name: str, content: bytes) -> str | None:
        """The tag of an object that holds this: a put whose answer was lost, tried again, finds its own."""
        found = self.read_tagged(name)
        return found[1] if found and found[0] == content else None

    def size(self, name: str) -> int | None:
        """Bytes of an object; None where there is none."""
        with self._told(name):
            try:
                return int(obstore.head(self._store, name)["size"])
            except FileNotFoundError:
                return None

    def names(self, folder: str) -> list[str]:
        """Names of all objects below a prefix, sorted."""
        with self._told(folder):
            return sorted(str(item["path"]) for part in obstore.list(self._store, folder) for item in part)

    def ages(self, folder: str) -> dict[str, timedelta]:
        """Time since each object below a prefix was written, by the clock of the service."""
        probe = f"{folder}/.now"
        self.write(probe, b"")
        with self._told(folder):
            found = {
                i["path"]: i["last_modified"] for part in obstore.list(self._store, folder) for i in part
            }
        self.remove([probe])
        now = found.pop(probe)
        return {name: now - written for name, written in found.items()}

    def folders(self, folder: str) -> list[str]:
        """Last parts of the prefixes directly below a prefix, sorted."""
        with self._told(folder):
            found = obstore.list_with_delimiter(self._store, folder)
        return sorted(str(prefix).rstrip("/").rpartition("/")[2] for prefix in found["common_prefixes"])

    def local(self, names: Sequence[str], *, fresh: bool = False) -> list[Path]:
        """Copies of the objects, fetched where they are not there yet."""
        paths = [self._copies / name for name in names]
        due = [name for name, path in zip(names, paths, strict=True) if fresh or not path.exists()]
        self._each(self._fetch, due)
        return paths

    def _fetch(self, name: str) -> None:
        path = self._copies / name
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
        try:
            with self._told(name), draft.open("xb") as out:
                found = obstore.get(self._store, name)
                for piece in found.stream(min_chunk_size=_PIECE):
                    out.write(piece)
                if out.tell() != found.meta["size"]:
                    raise FilesError(f"{self.where(name)}: ended after {out.tell():,} bytes; try again")
            draft.chmod(0o444)
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)

    def move_in(self, files: Iterable[tuple[Path, str]]) -> None:
        """Put local files, each under its name; they become the local copies."""
        due = [(source, name) for source, name in files if source.exists()]
        self._each(lambda file: self.put(*file), due)
        for source, name in due:
            path = self._copies / name
            path.parent.mkdir(parents=True, exist_ok=True)
            source.chmod(0o444)
            shutil.move(source, path)

    def put(self, source: Path, name: str) -> None:
        """Put a local file under a name; it stays as it is."""
        with source.open("rb") as stream, self._told(name):
            obstore.put(self._store, name, stream, chunk_size=_PIECE, max_concurrency=2)

    def appear(self, folder: str, texts: Mapping[str, str], files: Mapping[str, Sequence[Path]]) -> None:
        """Put the files, then create the first text, which is the step that counts, then put the others."""
        (first, text), *others = texts.items()
        if self.size(f"{folder}/{first}") is not None:
            raise FileExistsError(f"{self.where(folder)}: exists already")
        self._each(
            lambda file: self.put(*file),
            [(path, f"{folder}/{place}/{path.name}") for place in files for path in files[place]],
        )
        if self.create(f"{folder}/{first}", text.encode()) is None:
            raise FileExistsError(f"{self.where(folder)}: exists already")
        for name, content in others:
            self.write(f"{folder}/{name}", content.encode())

    def move(self, folder: str, target: str) -> None:
        """Copy a prefix, then remove the origin; what `appear` made first (manifest.json) goes last."""
        names = self.names(folder)
        with self._told(folder):
            for name in names:
                obstore.copy(self._store, name, target + name.removeprefix(folder))
        self.remove(sorted(names, key=lambda name: name.endswith("/manifest.json")))

    def remove(self, names: Iterable[str]) -> None:
        """Remove objects, in this order, and their copies; absent ones are passed over."""
        for name in names:
            with self._told(name):
                obstore.delete(self._store, name)
            (self._copies / name).unlink(missing_ok=True)

    def remove_tree(self, folder: str) -> None:
        """Remove all objects below a prefix, and their copies."""
        names = self.names(folder)
        with self._told(folder):
            obstore.delete(self._store, names)  # a thousand in one request
        for name in names:
            (self._copies / name).unlink(missing_ok=True)

    def _each(self, act: Callable[[T], R], items: Sequence[T]) -> list[R]:
        if len(items) < 2:
            return [act(item) for item in items]
        with ThreadPoolExecutor(min(_THREADS, len(items))) as threads:
            return list(threads.map(act, items))

    @contextmanager
    def _told(self, name: str) -> Iterator[None]:
        """Errors of the client as one sentence; an absent object stays a FileNotFoundError."""
        try:
            yield
        except FileNotFoundError as error:
            raise FileNotFoundError(2, "is missing", self.where(name)) from error
        except (BaseError, ValueError) as error:
            raise FilesError(
                f"{self.where(name)}: the object store cannot be used ({_first_line(error)}); "
                "check address, keys and endpoint (AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, ...)"
            ) from error


def _first_line(error: Exception) -> str:
    return " ".join(str(error).partition("\n\n")[0].split())[:300]
