"""HTML pages saved as files: the payload is the bytes of the file."""

from __future__ import annotations

from collections.abc import Iterator

from tasks.collect.looks import MANY_TAGS, binary, markup
from tasks.collect.reading import Place
from tasks.collect.streams import Window
from tasks.collect.text import whole
from tasks.tables import Capture

_NAMES = (".html", ".htm", ".xhtml", ".shtml", ".xht")


def _tags(name: str) -> int | None:
    if name.endswith(_NAMES):
        return 1
    return None if name.endswith(".txt") else MANY_TAGS


def recognise(head: bytes, name: str) -> bool:
    """It begins like HTML or XML, or has tags and is named so."""
    return binary(head) is None and markup(head, tags=_tags(name)) is not None


def read(stream: Window, place: Place) -> Iterator[Capture]:
    """Give the one capture of an HTML (or other XML) file."""
    media_type = markup(stream.peek(1 << 12), tags=_tags(place.name))
    yield whole(stream, place, media_type or "text/html")


__all__ = ["read", "recognise"]
