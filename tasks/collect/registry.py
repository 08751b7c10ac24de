"""The formats that are read, and the way from a file to its captures.

A new format is one module with `recognise` and `read`, and one row in FORMATS.
"""

from __future__ import annotations

import stat
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from config.settings import CollectSettings, Source
from tasks.collect import archive, html, jsondocument, jsonlines, parquet, text, warc
from tasks.collect.compression import compression, decompressed
from tasks.collect.inputs import InputFile
from tasks.collect.reading import Place, bare_name
from tasks.collect.streams import Plain, Window
from tasks.tables import Capture

_HEAD: Final = 1 << 16


class Format(NamedTuple):
    """A format: how it is recognised (first bytes after decompression, name) and how it is read."""

    name: str
    recognise: Callable[[bytes, str], bool]
    read: Callable[[Window, Place], Iterator[Capture]]


FORMATS: Final = (
    Format("zip", archive.recognise, archive.read),
    Format("parquet", parquet.recognise, parquet.read),
    Format("warc", warc.recognise, warc.read),
    Format("json lines", jsonlines.recognise, jsonlines.read),
    Format("json document", jsondocument.recognise, jsondocument.read),
    Format("html", html.recognise, html.read),
    Format("text", text.recognise, text.read),
)
"""Asked in this order, the first that recognises the bytes reads them; text takes the rest."""


def read_captures(
    file: InputFile, source: Source, settings: CollectSettings, *, skipped: Counter[str] | None = None
) -> Iterator[Capture]:
    """Give the captures of a file, one by one, in its order.

    Never raises for what is in the file: what cannot be read is a Capture with `error`. Memory holds
    one capture and its surroundings, whatever the size of the file. `skipped` counts records that are
    no captures, by kind (request, revisit, ..., hidden).
    """
    place = Place(
        source=source,
        settings=settings,
        locator=file.path,
        dispatch=_dispatch,
        name=bare_name(file.path),
        skipped=Counter() if skipped is None else skipped,
    )
    try:
        if not stat.S_ISREG(file.location.stat().st_mode):
            yield place.failure("is no regular file or a folder that cannot be opened")
            return
        raw = file.location.open("rb", buffering=0)
    except OSError as error:
        yield place.failure(f"cannot be opened: {error.strerror or error}")
        return
    with raw:
        yield from _dispatch(Window(Plain(raw)), place)


def _dispatch(stream: Window, place: Place) -> Iterator[Capture]:
    settings = place.settings
    opened = decompressed(stream, ratio=settings.max_expansion, harmless=settings.max_payload_bytes)
    head = opened.peek(_HEAD)
    if opened is not stream and compression(head):
        yield place.failure("is compressed more than once: decompress it once")
        return
    chosen = next(entry for entry in FORMATS if entry.recognise(head, place.name))
    yield from chosen.read(opened, place)


__all__ = ["FORMATS", "Format", "read_captures"]
