"""When to ask again: the wait until the next visit, and the waits that servers and failures impose."""

from __future__ import annotations

import zlib
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from config.settings import PolitenessSettings, RevisitSettings


def next_wait(wait: float | None, *, changed: bool, settings: RevisitSettings) -> float:
    """Seconds until the next visit of a page: shorter after a change, longer without one.

    The multiplicative rule is that of Apache Nutch's AdaptiveFetchSchedule; `wait` is the one that
    has just passed, None at the first visit.
    """
    if wait is None:
        return _bounded(settings.first, settings)
    return _bounded(wait * (settings.shrink if changed else settings.grow), settings)


def failure_wait(failures: int, settings: RevisitSettings) -> float:
    """Seconds until the next try of a page that failed in `failures` runs, one after another."""
    return _bounded(settings.shortest * 2.0 ** min(failures, 40), settings)


def _bounded(wait: float, settings: RevisitSettings) -> float:
    return max(0.0, min(max(wait, settings.shortest), settings.longest))


def retry_wait(attempt: int, key: str, settings: PolitenessSettings) -> float:
    """Seconds before try number `attempt` + 1 inside a run, doubling, at most `max_backoff`.

    Up to a quarter is added so that the pages of a host do not come back all at once; which part
    follows from the address, so that a run can be repeated.
    """
    wait = settings.backoff * 2.0 ** min(attempt, 40)
    return min(
        wait * (1 + zlib.crc32(key.encode("utf-8", "surrogatepass")) % 1000 / 4000), settings.max_backoff
    )


def retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds that a Retry-After header asks for (a number, or a HTTP date); None if it says nothing usable."""
    if not value:
        return None
    value = value.strip()
    if value.isascii() and value.isdigit():
        return float(value[:12])
    moment = http_date(value)
    return max(0.0, (moment - now).total_seconds()) if moment else None


def http_date(value: str) -> datetime | None:
    """The time of a HTTP date; None if it is none."""
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
