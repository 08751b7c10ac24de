"""Files to workers that share no folder with the run, and back: through an object store that both reach."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tasks.files import open_files


class Carrier:
    """Carries files below `root`, by their names there, through the objects below `address`.

    `options` are those of tasks.files. Thread-safe. Errors are FilesError and OSError.
    """

    def __init__(self, root: Path, address: str, options: Mapping[str, str]) -> None:
        self._root, self._address, self._options = root.absolute(), address, dict(options)
        self._files = open_files(address, root / "carried", options)
        self._sent: set[str] = set()
        self._lock = threading.Lock()

    def pack(self, function: Callable[..., Any], arguments: Sequence[Any]) -> tuple[Any, ...]:
        """Send the files among the arguments; gives the arguments of `carried` for the worker."""
        for name in self._names(arguments):
            with self._lock:
                due = name not in self._sent and (self._root / name).is_file()
                self._sent |= {name} if due else set()
            if due:
                self._files.write(name, (self._root / name).read_bytes())
        return self._root, self._address, self._options, function, tuple(arguments)

    def unpack(self, arguments: Sequence[Any]) -> None:
        """Take in the files that the worker has made of the arguments."""
        for name in self._names(arguments):
            place = self._root / name
            if not place.exists():
                content = self._files.read(name)
                partial = place.with_name(f".{place.name}.tmp")
                partial.write_bytes(content)
                partial.replace(place)

    def close(self) -> None:
        """Remove what was carried."""
        self._files.remove_tree("")

    def _names(self, arguments: Sequence[Any]) -> list[str]:
        return [
            argument.relative_to(self._root).as_posix()
            for argument in arguments
            if isinstance(argument, Path)
        ]


def carried(
    root: Path,
    address: str,
    options: Mapping[str, str],
    function: Callable[..., Any],
    arguments: Sequence[Any],
) -> Any:
    """On the worker: call a function with the paths among its arguments moved to a folder of this machine.

    The files that are there are fetched before, those the function makes are sent after.
    """
    with tempfile.TemporaryDirectory(prefix="qingyuan-") as folder:
        files = open_files(address, Path(folder) / "carried", options)
        moved: dict[Path, Path] = {}
        made: list[Path] = []
        for path in (argument for argument in arguments if isinstance(argument, Path)):
            moved[path] = Path(folder) / path.relative_to(root)
            moved[path].parent.mkdir(parents=True, exist_ok=True)
            try:
                moved[path].write_bytes(files.read(path.relative_to(root).as_posix()))
            except FileNotFoundError:
                made.append(path)
        result = function(*(moved.get(one, one) if isinstance(one, Path) else one for one in arguments))
        for path in made:
            if moved[path].is_file():
                files.write(path.relative_to(root).as_posix(), moved[path].read_bytes())
        return result


__all__ = ["Carrier", "carried"]
