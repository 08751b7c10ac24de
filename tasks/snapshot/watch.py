"""What is off with a run: the figures of its new captures, held against those of the versions before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from config.messages import Words
from config.settings import WatchSettings
from tasks.snapshot import figures
from tasks.snapshot.figures import Groups
from tasks.snapshot.manifest import Manifest
from tasks.snapshot.store import Store

_BAD: Final = ("rejected", "failed")


def warnings(
    store: Store,
    manifest: Manifest | None,
    sources: Iterable[str],
    now: datetime,
    settings: WatchSettings,
    words: Words,
) -> list[str]:
    """Sentences about what is off after a run; `manifest` is its version, None where it made none.

    `sources` are the names of the sources it loads. Versions without figures tell nothing.
    """
    if settings.action == "off":
        return []
    last = manifest.version if manifest else store.next_version()
    before = [line for line in store.headlines() if line.version < last]
    known = [
        (line.created_at, found.arrived)
        for line in before[-settings.history :]
        if (found := figures.load(store, line.version))
    ]
    told: list[str] = []
    if manifest:
        arrived = figures.figures_of(store, manifest).arrived
        told = unusual(arrived, [past for _, past in known], settings, words)
        known.append((manifest.created_at, arrived))
    return told + silent(known, sources, now, settings, words)


def unusual(now: Groups, history: Sequence[Groups], settings: WatchSettings, words: Words) -> list[str]:
    """Shares among what arrived now that differ from those of all that arrived before (see WatchSettings)."""
    before: Groups = {}
    for arrived in history:
        for kind, counts in arrived.items():
            before.setdefault(kind, Counter()).update(counts)
    told = []
    told += _outcomes(_group(now, "outcome"), _group(before, "outcome"), settings, words)
    told += _sites(_group(now, "site"), _group(before, "site"), settings, words)
    news, olds = _group(now, "documents").total(), _group(before, "documents").total()
    if min(news, olds) >= settings.min_captures:
        for kind, number in sorted(_group(now, "damage").items()):
            share, usual = number / news, _group(before, "damage")[kind] / olds
            if share - usual > settings.damage_change:
                told.append(
                    words(
                        "watch.damage",
                        damage=words.name("damage", kind),
                        now=_percent(share),
                        before=_percent(usual),
                    )
                )
    return told


def silent(
    history: Sequence[tuple[datetime, Groups]],
    sources: Iterable[str],
    now: datetime,
    settings: WatchSettings,
    words: Words,
) -> list[str]:
    """Sources whose last new capture is older than `silent_days`; one that never brought any is not known."""
    latest: dict[str, datetime] = {}
    for created, arrived in history:
        for name in _group(arrived, "collection"):
            latest[name] = max(created, latest.get(name, created))
    told = []
    for name in sources:
        days = (now - latest[name]).total_seconds() / 86_400 if name in latest else 0.0
        if settings.silent_days and days > settings.silent_days:
            told.append(words("watch.silent", source=name, days=int(days)))
    return told


def _group(groups: Groups, kind: str) -> Counter[str]:
    return groups.get(kind, Counter())


def _outcomes(now: Counter[str], before: Counter[str], settings: WatchSettings, words: Words) -> list[str]:
    if min(now.total(), before.total()) < settings.min_captures:
        return []
    told = []
    for outcome in sorted({*now, *before}):
        share, usual = now[outcome] / now.total(), before[outcome] / before.total()
        if abs(share - usual) > settings.share_change:
            name = words.name("outcome", outcome)
            told.append(words("watch.share", outcome=name, now=_percent(share), before=_percent(usual)))
    return told


def _sites(now: Counter[str], before: Counter[str], settings: WatchSettings, words: Words) -> list[str]:
    told = []
    past = _bad_shares(before)
    for site, (bad, all_of_them) in sorted(_bad_shares(now).items()):
        old_bad, old_all = past.get(site, (0, 0))
        if min(all_of_them, old_all) < settings.min_captures:
            continue
        share, usual = bad / all_of_them, old_bad / old_all
        if share > settings.site_rejected and usual < settings.site_rejected / 2:
            name = site or words("report.no_site")
            told.append(words("watch.site", site=name, now=_percent(share), before=_percent(usual)))
    return told


def _bad_shares(counts: Counter[str]) -> dict[str, tuple[int, int]]:
    shares: dict[str, tuple[int, int]] = {}
    for key, number in counts.items():
        site, _, outcome = key.partition("\t")
        bad, total = shares.get(site, (0, 0))
        shares[site] = (bad + number * (outcome in _BAD), total + number)
    return shares


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
