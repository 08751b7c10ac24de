"""A single JSON document: one object over several lines, or an array of objects.

It has to be read as a whole, so it may not be larger than one capture; JSON Lines has no such limit.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from tasks.collect.jsonlines import NAMES, parse
from tasks.collect.reading import Place
from tasks.collect.records import capture_of
from tasks.collect.streams import Window
from tasks.tables import Capture

_BOM = b"\xef\xbb\xbf"
_OBJECT = re.compile(rb'\{\s*"(?:[^"\\]|\\.)*"\s*:')
_ARRAY = re.compile(rb'\[\s*(?:\{\s*"|\Z|\])')


def recognise(head: bytes, name: str) -> bool:
    """It begins with an object that has a key, or with an array of objects."""
    start = head.removeprefix(_BOM).lstrip()
    if name.endswith((".json", *NAMES)):
        return start[:1] in (b"{", b"[")
    return bool(_OBJECT.match(start) or _ARRAY.match(start)) and not name.endswith(".txt")


def read(stream: Window, place: Place) -> Iterator[Capture]:
    """Give a capture for each object; the record in the locator counts from 1."""
    limit = 2 * place.settings.max_payload_bytes
    data = stream.take(limit + 1)
    if len(data) > limit:
        yield place.failure(f"a JSON document of more than {limit} bytes is not read: write it as JSON Lines")
        return
    if stream.damage:
        yield place.failure(stream.damage, payload=data)
        return
    try:
        document = parse(data.removeprefix(_BOM))
    except ValueError as error:
        what = str(error) if isinstance(error, json.JSONDecodeError) else f"it is {error}"
        yield place.failure(f"no valid JSON: {what}", payload=data)
        return
    entries = document if isinstance(document, list) else [document]
    if not entries:
        yield place.failure("the JSON array is empty", payload=data)
    for number, entry in enumerate(entries, 1):
        if isinstance(entry, dict):
            yield capture_of(entry, place, str(number))
        else:
            yield place.failure(
                f"entry {number} holds no JSON object but {type(entry).__name__}", record=str(number)
            )


__all__ = ["read", "recognise"]
