"""What is known of every address, in SQLite: survives a crash at any instant, and is the frontier too.

A run is what stands between `begin` and `finish`; one that was never finished is taken up again under
its number, so what it had done stays done. An address waits while its `due` time has come and the run
has not touched it.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, NamedTuple

from tasks.fetch.urls import page_key

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS run (
    run INTEGER PRIMARY KEY, source TEXT NOT NULL, started REAL NOT NULL, finished REAL, counts TEXT
);
CREATE TABLE IF NOT EXISTS address (
    source TEXT NOT NULL,
    key TEXT NOT NULL,          -- see urls.page_key
    url TEXT NOT NULL,          -- as it is sent
    kind TEXT NOT NULL,         -- see spider.Kind
    depth INTEGER NOT NULL,     -- links from a starting page
    hops INTEGER NOT NULL,      -- redirects that led here
    seen REAL NOT NULL,         -- when it was first met (Unix seconds, like all times here)
    due REAL,                   -- when to ask next; empty: never
    wait REAL,                  -- seconds between the last visit and `due`
    run INTEGER,                -- the last run that visited it
    status TEXT NOT NULL,       -- see Status
    http INTEGER,
    reason TEXT,
    checked REAL,
    changed REAL,
    checks INTEGER NOT NULL DEFAULT 0,
    changes INTEGER NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0,
    etag TEXT,
    last_modified TEXT,
    digest TEXT,                -- SHA-256 of the decoded body
    payload_digest TEXT,        -- WARC-Payload-Digest of the last full answer
    record_id TEXT,             -- its WARC-Record-ID
    record_date TEXT,           -- its WARC-Date
    warc TEXT,                  -- file and offset of the last record written for the address
    place INTEGER,
    PRIMARY KEY (source, key)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS address_due ON address (source, due);
CREATE INDEX IF NOT EXISTS address_gone ON address (status, changed) WHERE status = 'gone';
"""


class Status(StrEnum):
    """What became of an address at the last visit."""

    NEW = "new"
    KEPT = "kept"
    GONE = "gone"
    REDIRECT = "redirect"
    REFUSED = "refused"
    FAILED = "failed"


class Address(NamedTuple):
    """An address to remember."""

    url: str
    kind: str
    depth: int = 0
    hops: int = 0
    modified: float | None = None
    """When its page changed last, as another page said (Unix seconds)."""


@dataclass(frozen=True, slots=True)
class Task:
    """An address to visit, with what is known of it."""

    key: str
    url: str
    kind: str
    depth: int
    hops: int
    status: str
    wait: float | None
    failures: int
    etag: str | None
    last_modified: str | None
    digest: str | None
    payload_digest: str | None
    record_id: str | None
    record_date: str | None
    changes: int
    attempt: int = 0
    """Tries inside this run that failed."""


_TASK_COLUMNS: Final = ", ".join(item.name for item in fields(Task) if item.name != "attempt")


@dataclass(frozen=True, slots=True)
class GonePage:
    """A page that was there and has been deleted."""

    source: str
    url: str
    http: int
    """404 or 410."""
    since: float
    """When that was first seen (Unix seconds)."""


def connect(path: Path) -> sqlite3.Connection:
    """Open the state, making it if it is not there: write-ahead log, one commit a visit."""
    path.parent.mkdir(parents=True, exist_ok=True)
    base = sqlite3.connect(path, timeout=60, isolation_level=None)
    base.execute("PRAGMA journal_mode = WAL")
    base.execute("PRAGMA synchronous = NORMAL")
    base.executescript(_SCHEMA)
    return base


def gone_pages(store: Path, source: str | None = None) -> Iterator[GonePage]:
    """Pages answered with 404 or 410 that had been fetched before, of one source or of all."""
    path = store / "fetch" / "state.sqlite"
    if not path.exists():
        return
    query = (
        "SELECT source, url, http, changed FROM address "
        "WHERE status = 'gone' AND changes > 0 AND kind IN ('page', 'site') "
        "AND (?1 IS NULL OR source = ?1) ORDER BY source, url"
    )
    with closing(connect(path)) as base:
        for row in base.execute(query, (source,)):
            yield GonePage(*row)


class State:
    """The state of one source during a run."""

    def __init__(self, path: Path, source: str) -> None:
        self._base = connect(path)
        self._source = source
        self.run = 0
        self.resumed = False

    def begin(self, now: float) -> None:
        """Begin a run, or take up the one that was not finished."""
        row = self._base.execute(
            "SELECT run FROM run WHERE source = ? AND finished IS NULL ORDER BY run DESC LIMIT 1",
            (self._source,),
        ).fetchone()
        self.resumed = row is not None
        if row:
            self.run = int(row[0])
        else:
            added = self._base.execute("INSERT INTO run (source, started) VALUES (?, ?)", (self._source, now))
            self.run = int(added.lastrowid or 0)

    def finish(self, now: float, counts: Mapping[str, Any]) -> None:
        """End the run: the next one is a new one."""
        self._base.execute(
            "UPDATE run SET finished = ?, counts = ? WHERE run = ?", (now, json.dumps(counts), self.run)
        )

    def close(self) -> None:
        """Release the file."""
        self._base.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """What is written inside is there as a whole or not at all."""
        self._base.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._base.execute("ROLLBACK")
            raise
        self._base.execute("COMMIT")

    def count(self) -> int:
        """Addresses remembered for the source."""
        row = self._base.execute("SELECT count(*) FROM address WHERE source = ?", (self._source,)).fetchone()
        return int(row[0])

    def remember(
        self, addresses: Iterable[Address], now: float, *, room: int, always: bool = False
    ) -> tuple[list[Task], int]:
        """Remember addresses. Out: those to visit that were not waiting before, and how many had no room.

        A known one becomes due if its page is said to have changed since the last visit, or with
        `always` unless this run has visited it. At most `room` new ones are taken in.
        """
        wanted: list[Task] = []
        dropped = 0
        for address in addresses:
            key = page_key(address.url)
            row = self._base.execute(
                "SELECT due, run, checked FROM address WHERE source = ? AND key = ?", (self._source, key)
            ).fetchone()
            if row is None:
                if room <= 0:
                    dropped += 1
                    continue
                room -= 1
                self._base.execute(
                    "INSERT INTO address (source, key, url, kind, depth, hops, seen, due, status) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (
                        self._source,
                        key,
                        address.url,
                        address.kind,
                        address.depth,
                        address.hops,
                        now,
                        now,
                        Status.NEW,
                    ),
                )
            else:
                due, run, checked = row
                newer = address.modified is not None and checked is not None and address.modified > checked
                if (
                    run == self.run
                    or not (always or newer)
                    or (due is not None and due <= now and not always)
                ):
                    continue
                self._base.execute(
                    "UPDATE address SET due = ?, depth = min(depth, ?), kind = iif(?, ?, kind) "
                    "WHERE source = ? AND key = ?",
                    (now, address.depth, always, address.kind, self._source, key),
                )
            wanted.append(self._task(key))
        return wanted, dropped

    def _task(self, key: str) -> Task:
        row = self._base.execute(
            f"SELECT {_TASK_COLUMNS} FROM address WHERE source = ? AND key = ?", (self._source, key)
        ).fetchone()
        return Task(*row)

    def waiting(self, now: float, limit: int, *, everything: bool = False) -> list[Task]:
        """The next addresses to visit, at most `limit`: index pages, then pages never seen, then those longest due.

        With `everything` also those that are not due yet.
        """
        rows = self._base.execute(
            f"SELECT {_TASK_COLUMNS} FROM address WHERE source = ? AND due <= ? AND run IS NOT ? "
            "ORDER BY kind IN ('page', 'site', 'cc_record'), checks > 0, due, depth, key LIMIT ?",
            (self._source, float("inf") if everything else now, self.run, limit),
        )
        return [Task(*row) for row in rows]

    def visited(self, key: str, values: Mapping[str, Any]) -> None:
        """Note a visit of this run; `values` are columns of the address."""
        names = ", ".join(f"{name} = ?" for name in values)
        self._base.execute(
            f"UPDATE address SET run = ?, checks = checks + 1, {names} WHERE source = ? AND key = ?",
            (self.run, *values.values(), self._source, key),
        )

    def postpone(self, key: str, due: float, reason: str) -> None:
        """Leave an address that could not be asked to a later run, from `due` on."""
        self._base.execute(
            "UPDATE address SET due = ?, reason = ? WHERE source = ? AND key = ?",
            (due, reason, self._source, key),
        )
