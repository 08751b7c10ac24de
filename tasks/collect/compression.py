"""Compressions undone on the way: gzip with many members, zstd with many frames, guarded against bombs."""

from __future__ import annotations

import bisect
import zlib
from typing import Final

import zstandard

from tasks.collect.streams import CHUNK, DamageError, Window

_GZIP: Final = b"\x1f\x8b\x08"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_ZSTD_DICTIONARY: Final = b"\x5d\x2a\x4d\x18"
"""Skippable frame that holds a dictionary: https://iipc.github.io/warc-specifications/specifications/warc-zstd/"""
_ZSTD_STEP: Final = 1 << 10
"""A zstd block of 128 KiB takes 4 bytes at least, so one step gives 32 MiB at most."""
_ZSTD_WINDOW: Final = 1 << 27


class _Compressed:
    """What gzip and zstd share: members one after the other, a guard against bombs, places."""

    kind = ""
    magics: tuple[bytes, ...] = ()
    step = 1 << 16

    def __init__(self, inner: Window, *, ratio: int, harmless: int) -> None:
        self.inner = inner
        self.ratio = ratio
        self.harmless = harmless
        self.produced = 0
        self.pending = b""
        self.open = False
        self._starts: list[tuple[int, int]] = []

    @property
    def consumed(self) -> int:
        """Compressed bytes used so far."""
        return self.inner.offset - len(self.pending)

    def chunk(self) -> bytes:
        """Give the next decompressed bytes."""
        while True:
            if not self.pending:
                self.pending = self.inner.take(self.step)
            if not self.open and not self._next_member():
                return b""
            if not self.pending:
                raise DamageError(
                    self.inner.damage
                    or f"the {self.kind} data ends early: the file was cut at byte {self.consumed}"
                )
            data = self._decode()
            self.produced += len(data)
            if self.produced > self.harmless and self.produced > self.ratio * self.consumed:
                raise DamageError(
                    f"expands to more than {self.ratio} times its size: taken for a decompression bomb "
                    "(collect.max_expansion)"
                )
            if data:
                return data

    def _next_member(self) -> bool:
        """Open the member at hand; False at the end of the file."""
        self.pending = (self.pending + self.inner.take(64)).lstrip(b"\0")  # writers may pad with zeros
        if not self.pending:
            if self.inner.damage:
                raise DamageError(self.inner.damage)
            return False
        if not self.pending.startswith(self.magics):
            raise DamageError(f"bytes that are no {self.kind} data follow at byte {self.consumed}")
        self._starts.append((self.produced, self.consumed))
        self.open = self._start()
        return self.open

    def resume(self) -> bool:
        """Go to the next thing that looks like the start of a member and decompresses a little."""
        if self.produced > self.harmless and self.produced > self.ratio * self.consumed:
            return False
        self.open = False
        self.pending = self.pending[1:]
        while True:
            places = [place for magic in self.magics if (place := self.pending.find(magic)) >= 0]
            if places:
                self.pending = self.pending[min(places) :] + self.inner.take(self.step)
                if self._plausible():
                    return True
                self.pending = self.pending[1:]
                continue
            more = self.inner.take(self.step)
            if not more:
                return False
            self.pending = self.pending[-3:] + more

    def place(self, offset: int) -> str:
        """Give the start of the member in the file; `+n` where the byte is the n-th within the member."""
        index = bisect.bisect_right(self._starts, (offset, 1 << 62)) - 1
        if index > 4096:  # what lies behind is not asked for again
            del self._starts[: index - 16]
            index = 16
        produced, start = self._starts[max(index, 0)] if self._starts else (0, 0)
        return str(start) if offset == produced else f"{start}+{offset - produced}"

    def _start(self) -> bool:
        """Make a decoder for the member at hand; False if nothing but padding was left."""
        raise NotImplementedError

    def _decode(self) -> bytes:
        raise NotImplementedError

    def _plausible(self) -> bool:
        raise NotImplementedError


class Gzip(_Compressed):
    """gzip, any number of members (RFC 1952)."""

    kind = "gzip"
    magics = (_GZIP,)

    def _start(self) -> bool:
        self._decoder = zlib.decompressobj(31)
        return True

    def _decode(self) -> bytes:
        before = self._decoder.copy()
        try:
            data = self._decoder.decompress(self.pending, CHUNK)
        except zlib.error:
            return self._salvage(before)
        if self._decoder.eof:
            self.pending, self.open = self._decoder.unused_data, False
        else:
            self.pending = self._decoder.unconsumed_tail
        return data

    def _salvage(self, decoder: zlib._Decompress) -> bytes:
        """Give what comes before the broken byte; the damage is raised when nothing is left to give."""
        for index in range(len(self.pending)):
            try:
                data = decoder.decompress(self.pending[index : index + 1])
            except zlib.error as error:
                raise DamageError(f"the gzip data is broken near byte {self.consumed}") from error
            if data:
                self.pending = self.pending[index + 1 :]
                self._decoder = decoder
                return data
        raise DamageError(f"the gzip data is broken near byte {self.consumed}")

    def _plausible(self) -> bool:
        try:
            return len(self.pending) > 18 and bool(zlib.decompressobj(31).decompress(self.pending, 16))
        except zlib.error:
            return False


class Zstd(_Compressed):
    """zstd, any number of frames, with the dictionary frame of WARC files (RFC 8878)."""

    kind = "zstd"
    magics = (_ZSTD, *(bytes([0x50 + n]) + b"\x2a\x4d\x18" for n in range(16)))
    step = _ZSTD_STEP
    _dictionary: zstandard.ZstdCompressionDict | None = None

    def _start(self) -> bool:
        self._skippable()
        if self.pending and not self.pending.startswith(_ZSTD):
            raise DamageError(f"bytes that are no zstd data follow at byte {self.consumed}")
        self._decoder = self._new()
        return bool(self.pending)

    def _new(self) -> zstandard.ZstdDecompressionObj:
        return zstandard.ZstdDecompressor(
            dict_data=self._dictionary, max_window_size=_ZSTD_WINDOW
        ).decompressobj()

    def _skippable(self) -> None:
        """Step over skippable frames; keep the dictionary if one of them holds it."""
        while self.pending[1:4] == b"\x2a\x4d\x18":
            header, magic = self.pending[4:8], self.pending[:4]
            size = int.from_bytes(header, "little")
            self.inner.push_back(self.pending[8:])
            self.pending = b""
            if magic == _ZSTD_DICTIONARY and size <= self.harmless:
                content = self.inner.take(size)
                if content.startswith(_ZSTD):
                    try:
                        content = zstandard.ZstdDecompressor().decompress(
                            content, max_output_size=self.harmless
                        )
                    except zstandard.ZstdError as error:
                        raise DamageError("the zstd dictionary at the start of the file is broken") from error
                self._dictionary = zstandard.ZstdCompressionDict(content)
            else:
                self.inner.skip(size)
            self.pending = self.inner.take(self.step)

    def _decode(self) -> bytes:
        piece, rest = self.pending[: self.step], self.pending[self.step :]
        try:
            data = self._decoder.decompress(piece)
        except zstandard.ZstdError as error:
            raise DamageError(f"the zstd data is broken near byte {self.consumed}") from error
        self.pending = rest
        if self._decoder.eof:
            self.pending, self.open = self._decoder.unused_data + rest, False
        return data

    def _plausible(self) -> bool:
        try:
            self._new().decompress(self.pending[: self.step])
        except zstandard.ZstdError:
            return False
        return len(self.pending) > 8


COMPRESSIONS: Final[tuple[type[Gzip] | type[Zstd], ...]] = (Gzip, Zstd)
"""Compressions that are undone, recognised by their magic bytes. A new one is one class and one entry."""


def compression(head: bytes) -> type[Gzip] | type[Zstd] | None:
    """Name the compression that the first bytes of a stream belong to."""
    return next((kind for kind in COMPRESSIONS if head.startswith(kind.magics)), None)


def decompressed(window: Window, *, ratio: int, harmless: int) -> Window:
    """Undo one compression if the bytes are compressed.

    `ratio`: output / input above which it is taken for a bomb, looked at once the output is larger
    than `harmless` bytes.
    """
    kind = compression(window.peek(4))
    return window if kind is None else Window(kind(window, ratio=ratio, harmless=harmless))


__all__ = ["compression", "decompressed"]
