"""Plain text, and everything that no other reader knows: the payload is the bytes of the file."""

from __future__ import annotations

from collections.abc import Iterator

from tasks.collect.looks import binary
from tasks.collect.reading import Place
from tasks.collect.streams import Window
from tasks.tables import Capture


def recognise(_head: bytes, _name: str) -> bool:
    """Whatever is left over is text, or is refused by the reader."""
    return True


def read(stream: Window, place: Place) -> Iterator[Capture]:
    """Give the one capture of a text file."""
    head = stream.peek(1 << 12)
    if not head and not stream.damage:
        yield place.failure("the file is empty")
        return
    unreadable = binary(head)
    if unreadable:
        media_type, words = unreadable
        yield place.capture(
            b"",
            media_type,
            error=f"looks like {words}; only text, HTML, JSON, Parquet, WARC and zip are read",
        )
        return
    yield whole(stream, place, "text/plain")


def whole(stream: Window, place: Place, media_type: str) -> Capture:
    """The rest of the stream as one capture; a failure with what could be read where it is damaged."""
    limit = place.settings.max_payload_bytes
    payload = stream.take(limit + 1)
    if len(payload) > limit:
        return place.failure(place.beyond_limit("the file"))
    return place.capture(payload, media_type, error=stream.damage)


__all__ = ["read", "recognise", "whole"]
