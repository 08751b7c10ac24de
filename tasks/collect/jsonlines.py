"""JSON Lines: one object a line. A broken line is a failure of its own, the others are read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from tasks.collect.reading import Place
from tasks.collect.records import capture_of
from tasks.collect.streams import Window
from tasks.tables import Capture

NAMES = (".jsonl", ".ndjson", ".jsonlines")
_BOM = b"\xef\xbb\xbf"
_OBJECT = re.compile(rb'\{\s*(?:"|\}|\Z)')
_SLACK = 1 << 16


def recognise(head: bytes, name: str) -> bool:
    """The first line is an object, or begins like one in a file named so."""
    start = head.removeprefix(_BOM).lstrip()
    if not _OBJECT.match(start):
        return False
    if name.endswith(NAMES):
        return True
    line, feed, rest = start.partition(b"\n")
    if not feed:  # a single line, or a line longer than what was looked at
        return len(start) >= _SLACK or not name.endswith((".json", ".txt")) or _parses(line)
    return _parses(line) or bool(_OBJECT.match(rest.lstrip(b"\r\n")))


def _parses(line: bytes) -> bool:
    try:
        return isinstance(parse(line), dict)
    except ValueError:
        return False


def parse(line: bytes) -> Any:
    """Read a JSON value. Bytes that are no UTF-8 survive as lone surrogates; raises ValueError."""
    try:
        return json.loads(line.decode("utf-8", "surrogateescape"))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def read(stream: Window, place: Place) -> Iterator[Capture]:
    """Give a capture for every line that is not blank; the record in the locator is its number from 1."""
    limit = 2 * place.settings.max_payload_bytes + _SLACK  # escapes double the size of Chinese text
    number = 0
    while True:
        line, ended = stream.take_until(b"\n", limit)
        if not line:
            if stream.damage is None:
                return
            yield place.failure(stream.damage, record=str(number + 1))
            if not stream.resume():
                return
            continue
        number += 1
        if number == 1:
            line = line.removeprefix(_BOM)
        if not ended and len(line) >= limit:
            stream.skip_until(b"\n")
            yield place.failure(place.beyond_limit(f"line {number}"), record=str(number))
        elif not ended and stream.damage:
            yield place.failure(f"line {number} is cut: {stream.damage}", record=str(number), payload=line)
            if not stream.resume():
                return
        elif line.strip():
            yield _capture(line, number, place)


def _capture(line: bytes, number: int, place: Place) -> Capture:
    record = str(number)
    try:
        value = parse(line)
    except ValueError as error:
        what = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
        return place.failure(f"line {number} is no valid JSON: {what}", record=record, payload=line)
    if not isinstance(value, dict):
        return place.failure(
            f"line {number} holds no JSON object but {type(value).__name__}", record=record, payload=line
        )
    return capture_of(value, place, record)


__all__ = ["NAMES", "parse", "read", "recognise"]
