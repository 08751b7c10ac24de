"""When a run warns: figures far from their history, and never when they are near or few."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from config.messages import Words
from config.settings import WatchSettings
from tasks.snapshot.watch import silent, unusual

WORDS = Words("en")
USUAL = {
    "outcome": {"kept": 700, "duplicate": 200, "rejected": 100},
    "site": {
        "a.example\tkept": 500,
        "a.example\trejected": 20,
        "b.example\trejected": 80,
        "b.example\tkept": 200,
    },
    "documents": {"": 700},
    "damage": {"gbk_shift": 70},
}
CASES: list[tuple[str, dict[str, dict[str, int]], list[str]]] = [
    ("as ever", USUAL, []),
    (
        "many rejected",
        {"outcome": {"kept": 50, "duplicate": 10, "rejected": 40}},
        ["40 % of the new captures are rejected, 10 % before"],
    ),
    ("few captures say nothing", {"outcome": {"rejected": 40}}, []),
    (
        "a site suddenly rejected",
        {"site": {"a.example\trejected": 90, "a.example\tkept": 10}},
        ["90 % of the new captures of a.example are rejected or failed, 4 % before"],
    ),
    ("a site rejected as ever", {"site": {"b.example\trejected": 30, "b.example\tkept": 70}}, []),
    ("a new site has no history", {"site": {"c.example\trejected": 90}}, []),
    (
        "a surge of damage",
        {"documents": {"": 100}, "damage": {"gbk_shift": 60}},
        ["60 % of the new documents have shifted bytes (GBK), 10 % before"],
    ),
    ("less damage is no news", {"documents": {"": 100}, "damage": {}}, []),
    (
        "damage of a new kind",
        {"documents": {"": 100}, "damage": {"mojibake": 30}},
        ["30 % of the new documents have mojibake, 0 % before"],
    ),
]  # made up for this test


def groups(value: dict[str, dict[str, int]]) -> dict[str, Counter[str]]:
    return {kind: Counter(counts) for kind, counts in value.items()}


@pytest.mark.parametrize(("now", "told"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_warnings_tell_what_is_off(now: dict[str, dict[str, int]], told: list[str]) -> None:
    assert unusual(groups(now), [groups(USUAL)], WatchSettings(), WORDS) == told


def test_without_history_nothing_is_unusual() -> None:
    assert unusual(groups({"outcome": {"rejected": 1000}}), [], WatchSettings(), WORDS) == []


@pytest.mark.parametrize(
    ("days", "settings", "told"),
    [
        (9.5, {}, ["source inbox has brought nothing new for 9 days"]),
        (6.9, {}, []),
        (9.5, {"silent_days": 0}, []),
        (2.0, {"silent_days": 1}, ["source inbox has brought nothing new for 2 days"]),
    ],
)
def test_a_silent_source_is_told(days: float, settings: dict[str, Any], told: list[str]) -> None:
    now = datetime(2026, 5, 1, tzinfo=UTC)
    history = [
        (now - timedelta(days=30), groups({"collection": {"inbox": 3}})),
        (now - timedelta(days=days), groups({"collection": {"inbox": 1}})),
        (now - timedelta(hours=1), groups({"collection": {"other": 5}})),
    ]
    sources = ["inbox", "other", "never-seen"]
    assert silent(history, sources, now, WatchSettings(**settings), WORDS) == told
