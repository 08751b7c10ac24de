"""What a run of the fetch did, as it is written beside the WARC files and shown to people."""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

BUSY: Final = 75
"""Exit code of the crawl when another fetch of the source is under way (EX_TEMPFAIL)."""


@dataclass(frozen=True, slots=True)
class FetchOptions:
    """What a person may choose for one run."""

    max_pages: int
    """Pages fetched at most."""
    ignore_cache: bool = False
    """Ask for every known page now, and without conditions."""
    dry_run: bool = False
    """Only find out what would be fetched: read sitemaps, feeds and lists, keep nothing."""


@dataclass
class FetchReport:
    """Figures of a run, while it lasts and at its end."""

    source: str
    run: int = 0
    resumed: bool = False
    """It took up a run that had been broken off."""
    dry_run: bool = False
    started: float = 0.0
    """Unix seconds."""
    seconds: float = 0.0
    finished: bool = False
    stopped: str = ""
    """Why it ended before everything was fetched: limit, time, stopped; empty if it did not."""
    counts: Counter[str] = field(default_factory=Counter)
    """requests, bytes (received), new, changed, unchanged, gone, missing, redirected, refused, failed, retried,
    postponed, found (addresses that were not known), dropped (no room to remember them), waiting."""
    refused: Counter[str] = field(default_factory=Counter)
    """Rule -> addresses."""
    failed: Counter[str] = field(default_factory=Counter)
    """Error -> addresses."""
    files: list[str] = field(default_factory=list)
    """Finished WARC files with pages, paths from the store."""
    recovered: list[str] = field(default_factory=list)
    """Files that a killed run had left open and that were closed now."""
    planned: list[str] = field(default_factory=list)
    """Dry run: addresses that would be fetched (the first 10,000)."""
    error: str = ""

    def to_json(self) -> dict[str, Any]:
        """As a JSON value."""
        return dict(vars(self))

    def write(self, path: Path) -> None:
        """Write it so that a reader sees a whole report, the old or the new."""
        draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        draft.write_text(json.dumps(self.to_json(), ensure_ascii=False, indent=1), encoding="utf-8")
        draft.replace(path)

    @classmethod
    def read(cls, path: Path) -> FetchReport:
        """Read a report. Raises OSError or ValueError."""
        values = json.loads(path.read_text(encoding="utf-8"))
        for name in ("counts", "refused", "failed"):
            values[name] = Counter(values[name])
        return cls(**values)
