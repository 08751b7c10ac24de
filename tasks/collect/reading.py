"""What every reader is given and gives: the place it reads from, the limits, captures and failures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from config.settings import CollectSettings, Source
from tasks.collect.streams import Window
from tasks.tables import Capture


@dataclass(frozen=True, slots=True)
class Place:
    """Where a stream comes from, and under which options it is read."""

    source: Source
    settings: CollectSettings
    locator: str
    """The path, or `path!member` inside an archive."""
    dispatch: Callable[[Window, Place], Iterator[Capture]]
    """Reads a stream of any format; archives hand their members to it."""
    name: str
    """Name that may break ties between formats: lower case, without the endings of compressions."""
    depth: int = 0
    """Archives opened on the way here."""
    skipped: Counter[str] = field(default_factory=Counter)
    """Records that are no captures, by kind; the reader counts them here."""

    def member(self, name: str) -> Place:
        """The place of a member of an archive."""
        return replace(self, locator=f"{self.locator}!{name}", name=bare_name(name), depth=self.depth + 1)

    def capture(
        self,
        payload: bytes,
        media_type: str,
        *,
        record: str | None = None,
        url: str | None = None,
        captured_at: datetime | None = None,
        headers: tuple[tuple[str, str], ...] = (),
        title: str | None = None,
        error: str | None = None,
    ) -> Capture:
        """Make a capture found here, `record` naming it inside a container."""
        return Capture(
            source=self.source.name,
            locator=self.locator if record is None else f"{self.locator}#{record}",
            payload=payload,
            media_type=media_type,
            url=url,
            captured_at=captured_at,
            headers=headers,
            title=title,
            error=error,
        )

    def failure(self, error: str, *, record: str | None = None, payload: bytes = b"") -> Capture:
        """Make the capture that stands for something that could not be read; `error` says why, for people."""
        return self.capture(payload, "application/octet-stream", record=record, error=error)

    def beyond_limit(self, what: str) -> str:
        """The sentence for something that is too large."""
        limit = self.settings.max_payload_bytes
        return f"{what} is larger than {limit} bytes and was not read (collect.max_payload_bytes)"


def bare_name(path: str) -> str:
    """Last part of a path in lower case, without .gz and .zst."""
    name = path.rsplit("/", 1)[-1].lower()
    for ending in (".gz", ".zst", ".zstd"):
        name = name.removesuffix(ending)
    return name


__all__ = ["Place", "bare_name"]
