"""From the fields of a structured record (JSON, Parquet) to a capture, by the mapping of its source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any

from tasks.collect.looks import media_type
from tasks.collect.reading import Place
from tasks.tables import Capture

_MILLISECONDS = 100_000_000_000
"""Unix times from here on are milliseconds (in seconds it would be the year 5138)."""


def capture_of(fields: Mapping[str, Any], place: Place, record: str) -> Capture:
    """Make the capture of one record, or the failure that says which field is missing or wrong."""
    mapping = place.source.fields
    name, content = _first(fields, mapping.text)
    if name is None:
        return place.failure(
            f"none of the fields {', '.join(mapping.text)} holds a text; "
            f"name the field under `fields.text` of source {place.source.name!r}",
            record=record,
        )
    if not isinstance(content, str | bytes):
        return place.failure(f"field {name!r} holds no text but {type(content).__name__}", record=record)
    payload = content if isinstance(content, bytes) else encode(content)
    if len(payload) > place.settings.max_payload_bytes:
        return place.failure(place.beyond_limit(f"field {name!r}"), record=record)
    stated = _first(fields, mapping.media_type)[1]
    return place.capture(
        payload,
        _media_type(stated) or media_type(payload),
        record=record,
        url=_text(_first(fields, mapping.url)[1]),
        captured_at=moment(_first(fields, mapping.captured_at)[1]),
        title=_text(_first(fields, mapping.title)[1]),
        error=None if payload.strip() else f"field {name!r} is empty",
    )


def encode(text: str) -> bytes:
    """UTF-8 bytes of a text; bytes that were no UTF-8 when it was read come back as they were."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def lookup(fields: Mapping[str, Any], name: str) -> Any:
    """Value of a field; a dot in the name leads into a nested record (`meta.url`)."""
    if name in fields:
        return fields[name]
    value: Any = fields
    for part in name.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return None
        value = value[part]
    return value


def _first(fields: Mapping[str, Any], names: Sequence[str]) -> tuple[str | None, Any]:
    for name in names:
        value = lookup(fields, name)
        if value is not None:
            return name, value
    return None, None


def _text(value: Any) -> str | None:
    """A short string fit for a table: no bytes that are no text, None if there is nothing."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace").strip() or None
    return encode(value).decode("utf-8", "replace").strip() or None if isinstance(value, str) else None


def _media_type(value: Any) -> str | None:
    kind = (_text(value) or "").partition(";")[0].strip().lower()
    return kind if kind.count("/") == 1 else None


def moment(value: Any) -> datetime | None:
    """Read a time: ISO 8601, 14 digits (YYYYMMDDhhmmss), or Unix seconds or milliseconds; in UTC.

    A time without a zone is taken as UTC; what cannot be read is None.
    """
    if isinstance(value, bytes):
        value = value.decode("ascii", "replace")
    if isinstance(value, bool):
        return None
    try:
        if isinstance(value, str):
            value = value.strip()
            if value.isdecimal() and len(value) == len("YYYYMMDDhhmmss"):
                return datetime.strptime(value + "+0000", "%Y%m%d%H%M%S%z")
            if value.replace(".", "", 1).isdecimal() and len(value) > len("YYYYMMDD"):
                value = float(value)
            else:
                value = datetime.fromisoformat(value)
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value / 1000 if value >= _MILLISECONDS else value, UTC)
        if isinstance(value, date) and not isinstance(value, datetime):
            value = datetime.combine(value, time())
        if isinstance(value, datetime):
            return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return None


__all__ = ["capture_of", "encode", "lookup", "moment"]
