"""Work for machines that share no folder with the run: what it reads and writes travels through a bucket.

A function can travel if the files it reads are paths among its arguments, however deep, and it returns
the paths of the files it wrote, last the one that says that all are there. Nothing else is declared:
packing replaces each path by a name, and the other side by its own path of that name. A file is sent
once, whoever made it, and each machine fetches it once.
"""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import secrets
import tempfile
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from tasks.files import FilesError, ObjectFiles

_THREADS: Final = 32
"""Transfers at a time; those of large files hold 16 MB each."""

Name = tuple[str, bool]
"""A path on its way: its name, and whether it is a folder (which goes empty)."""


class StuckError(Exception):
    """An argument cannot travel: a folder outside the folder that is carried, or a file that cannot be read."""


@dataclass(frozen=True, slots=True)
class Route:
    """Where the files of a run lie on their way."""

    address: str
    options: tuple[tuple[str, str], ...]
    """Those of tasks.files."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """A call on its way to a worker."""

    route: Route
    reads: list[str]
    """Names of the files that the worker fetches before."""
    call: bytes


class Carrier:
    """Carries calls, with files below `root` and single files from elsewhere, through objects below `address`.

    `options` are those of tasks.files. Files keep their content under their path. Thread-safe. Errors are
    FilesError and OSError.
    """

    def __init__(self, root: Path, address: str, options: Mapping[str, str]) -> None:
        self._root = root.absolute()
        # A part of its own: what workers cut off from an earlier run still send does not get in between.
        self._route = Route(f"{address}/{secrets.token_hex(8)}", tuple(sorted(options.items())))
        self._files = ObjectFiles(self._route.address, self._root, options)
        # Not below the root: removing objects removes their copies.
        self._all = ObjectFiles(address, self._root / "copies", options)
        self._there: dict[str, Future[None]] = {}
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(_THREADS)

    def pack(self, call: tuple[Callable[..., Any], tuple[Any, ...], Mapping[str, Any]]) -> Parcel:
        """Make a call ready for `carried` on a worker, its files sent. Raises StuckError."""
        reads: dict[str, Path] = {}

        def name_of(path: Path) -> Name:
            whole = path.absolute()
            if whole.is_relative_to(self._root):
                name = whole.relative_to(self._root).as_posix()
            elif whole.is_file() and os.access(whole, os.R_OK):
                name = f"outside/{hashlib.sha256(os.fsencode(whole)).hexdigest()}"
            else:
                raise StuckError(str(path))
            if whole.is_file():
                reads[name] = whole
            return name, whole.is_dir()

        packed = _pack(call, name_of)
        try:
            list(self._threads.map(self._send, reads, reads.values()))
        except FilesError:
            raise
        except OSError as error:  # of the file: it has gone, or its disk fails
            raise StuckError(str(error)) from error
        return Parcel(self._route, list(reads), packed)

    def unpack(self, answer: bytes) -> Any:
        """The result of a call, the files it names fetched."""
        made: list[str] = []

        def place_of(name: Name) -> Path:
            made.append(name[0])
            return self._root / name[0]

        result = _unpack(answer, place_of)
        list(self._threads.map(self._fetch, made[:-1]))
        list(map(self._fetch, made[-1:]))
        here: Future[None] = Future()
        here.set_result(None)
        with self._lock:
            for name in made:
                self._there.setdefault(name, here)
        return result

    def close(self) -> None:
        """Remove what was carried, if the bucket can be reached; else the next run's recovery does it."""
        self._threads.shutdown(cancel_futures=True)
        with suppress(FilesError):
            self._all.remove_tree("")

    def _fetch(self, name: str) -> None:
        # Anew: a call that broke off here, in an earlier start of the run, may have left a shorter one.
        self._files.local([name], fresh=True)

    def _send(self, name: str, path: Path) -> None:
        """Send a file, or wait until another thread has."""
        with self._lock:
            there = self._there.get(name)
            mine = there is None
            if there is None:
                there = self._there[name] = Future()
        if not mine:
            there.result()
            return
        try:
            self._files.put(path, name)
        except BaseException as error:
            with self._lock:
                del self._there[name]
            there.set_exception(error)
            raise
        there.set_result(None)


def carried(parcel: Parcel, scratch: Path) -> bytes:
    """On the worker: make a call that `Carrier.pack` packed; gives what `Carrier.unpack` takes.

    Fetched files stay below `scratch`, for all workers of the machine. The call writes into a folder of its
    own, and what it returns appears under its name when it is whole: its worker may die at any time.
    """
    files = _files(parcel.route, scratch / parcel.route.address.rpartition("/")[2])
    copies = dict(zip(parcel.reads, files.local(parcel.reads), strict=True))
    with tempfile.TemporaryDirectory(prefix="call-", dir=scratch) as own:
        made: dict[str, Path] = {}

        def place_of(name: Name) -> Path:
            if copy := copies.get(name[0]):
                return copy
            path = Path(own) / name[0]
            (path if name[1] else path.parent).mkdir(parents=True, exist_ok=True)
            return path

        def name_of(path: Path) -> Name:
            name = path.relative_to(own).as_posix()
            made[name] = path
            return name, False

        function, args, kwargs = _unpack(parcel.call, place_of)
        answer = _pack(function(*args, **kwargs), name_of)
        files.move_in((path, name) for name, path in made.items())
    return answer


@lru_cache(2)
def _files(route: Route, copies: Path) -> ObjectFiles:
    copies.mkdir(parents=True, exist_ok=True)
    return ObjectFiles(route.address, copies, dict(route.options))


class _Packer(pickle.Pickler):
    def __init__(self, stream: io.BytesIO, name_of: Callable[[Path], Name]) -> None:
        super().__init__(stream, protocol=pickle.HIGHEST_PROTOCOL)
        self._name_of = name_of

    def persistent_id(self, value: Any) -> Name | None:
        return self._name_of(value) if isinstance(value, Path) else None


class _Unpacker(pickle.Unpickler):
    def __init__(self, stream: io.BytesIO, place_of: Callable[[Name], Path]) -> None:
        super().__init__(stream)
        self._place_of = place_of

    def persistent_load(self, name: Name) -> Path:
        return self._place_of(name)


def _pack(value: Any, name_of: Callable[[Path], Name]) -> bytes:
    stream = io.BytesIO()
    _Packer(stream, name_of).dump(value)
    return stream.getvalue()


def _unpack(packed: bytes, place_of: Callable[[Name], Path]) -> Any:
    return _Unpacker(io.BytesIO(packed), place_of).load()


__all__ = ["Carrier", "Parcel", "StuckError", "carried"]
