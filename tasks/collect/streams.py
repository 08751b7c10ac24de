"""Bytes of an input file in bounded memory.

A layer gives chunks of bytes (plain here, the compressed ones in compression.py); a `Window` reads
a layer with look-ahead, by lines or by count. Damage ends a stream at the place where it was met:
`Window.damage` then holds the sentence for people, and everything before it was given.
"""

from __future__ import annotations

import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, Final, Protocol

CHUNK: Final = 1 << 18
"""Bytes asked for at once."""

_READ_ERRORS: Final = (OSError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError)
"""What reading a file or a zip member can raise."""


class DamageError(Exception):
    """The stream cannot be read further; the message says why, for people."""


class Layer(Protocol):
    """A source of bytes."""

    kind: str

    def chunk(self) -> bytes:
        """Give the next bytes, empty at the end. Raises DamageError."""
        ...

    def resume(self) -> bool:
        """After damage: go to the next place where reading can start again; False if there is none."""
        ...

    def place(self, offset: int) -> str:
        """Name the place of the byte at `offset` of this layer's output within the file."""
        ...


class Plain:
    """The bytes as they are."""

    kind = "plain"

    def __init__(self, raw: IO[bytes]) -> None:
        self.raw = raw

    def chunk(self) -> bytes:
        """Read up to CHUNK bytes."""
        try:
            return self.raw.read(CHUNK)
        except _READ_ERRORS as error:
            raise DamageError(f"cannot be read further: {error or type(error).__name__}") from error

    def resume(self) -> bool:
        """Nothing to go on with."""
        return False

    def place(self, offset: int) -> str:
        """Give the byte offset."""
        return str(offset)


class Window:
    """A layer read with look-ahead. Memory: what the caller asks for, and two chunks."""

    def __init__(self, layer: Layer) -> None:
        self.layer = layer
        self.offset = 0
        """Bytes taken so far."""
        self.damage: str | None = None
        """Why the stream stopped before its end."""
        self._buffer = b""
        self._at = 0
        self._ended = False

    def _more(self) -> bool:
        if self._ended:
            return False
        try:
            data = self.layer.chunk()
        except DamageError as error:
            self.damage, data = str(error), b""
        if not data:
            self._ended = True
            return False
        self._buffer = self._buffer[self._at :] + data
        self._at = 0
        return True

    def _fill(self, size: int) -> None:
        """Have `size` bytes at hand if there are so many."""
        if len(self._buffer) - self._at >= size:
            return
        parts = [self._buffer[self._at :]]
        have = len(parts[0])
        self._buffer, self._at = b"", 0
        while have < size and self._more():
            parts.append(self._buffer)
            have += len(self._buffer)
            self._buffer = b""
        self._buffer = b"".join(parts)

    def peek(self, size: int) -> bytes:
        """Show the next `size` bytes, fewer at the end, without taking them."""
        self._fill(size)
        return self._buffer[self._at : self._at + size]

    def take(self, size: int) -> bytes:
        """Take the next `size` bytes, fewer at the end."""
        data = self.peek(size)
        self._at += len(data)
        self.offset += len(data)
        return data

    def skip(self, size: int) -> int:
        """Pass over `size` bytes without holding them; gives how many there were."""
        left = size
        while left > 0:
            have = len(self._buffer) - self._at
            if have == 0 and not self._more():
                break
            step = min(left, len(self._buffer) - self._at)
            self._at += step
            self.offset += step
            left -= step
        return size - left

    def push_back(self, data: bytes) -> None:
        """Put bytes that were just taken back in front."""
        self._buffer = data + self._buffer[self._at :]
        self._at = 0
        self.offset -= len(data)

    def take_until(self, mark: bytes, limit: int) -> tuple[bytes, bool]:
        """Take up to and including `mark`, or up to the end, or `limit` bytes if it is not among them.

        Gives the bytes and whether they end with the mark.
        """
        searched = 0
        while True:
            place = self._buffer.find(mark, self._at + searched)
            if place >= 0:
                size = place + len(mark) - self._at
                return (self.take(size), True) if size <= limit else (self.take(limit), False)
            have = len(self._buffer) - self._at
            if have >= limit:
                return self.take(limit), False
            searched = max(have - len(mark) + 1, 0)
            self._fill(have + max(CHUNK, have))  # doubling keeps long lines linear
            if len(self._buffer) - self._at == have:
                return self.take(have), False

    def skip_until(self, mark: bytes, *, including: bool = True) -> bool:
        """Pass over everything up to `mark`; False if the end came first."""
        while True:
            place = self._buffer.find(mark, self._at)
            if place >= 0:
                self.skip(place - self._at + (len(mark) if including else 0))
                return True
            have = len(self._buffer) - self._at
            self.skip(max(have - len(mark) + 1, 0))
            before = len(self._buffer) - self._at
            self._fill(before + CHUNK)
            if len(self._buffer) - self._at == before:
                self.skip(before)
                return False

    def resume(self) -> bool:
        """After damage: go on behind it; False if the rest cannot be read."""
        if self.damage is None or not self.layer.resume():
            return False
        self.damage, self._ended = None, False
        return True

    def place(self, offset: int) -> str:
        """Name the place of a byte for a locator."""
        return self.layer.place(offset)

    def as_file(self) -> IO[bytes]:
        """Give the whole stream as a seekable file: itself if it is one, else a temporary copy on disk.

        Raises DamageError. The caller closes it.
        """
        if isinstance(self.layer, Plain) and not isinstance(self.layer.raw, zipfile.ZipExtFile):
            self.layer.raw.seek(0)
            return self.layer.raw
        copy = tempfile.TemporaryFile()  # noqa: SIM115 - handed to the caller
        try:
            for data in self.chunks():
                copy.write(data)
            if self.damage:
                raise DamageError(self.damage)
        except BaseException:
            copy.close()
            raise
        copy.seek(0)
        return copy

    def chunks(self) -> Iterator[bytes]:
        """Take everything that is left, chunk by chunk."""
        while data := self.take(CHUNK):
            yield data


__all__ = ["CHUNK", "DamageError", "Layer", "Plain", "Window"]
