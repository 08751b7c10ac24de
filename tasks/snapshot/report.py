"""The report of a version: one page that shows what is in it, how it came about and what was off.

`report.html` and `report.json` (its figures) stand in the folder of the version, beside SUMMARY.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from config.messages import Words
from config.settings import ReportSettings
from tasks.pages import render
from tasks.snapshot.figures import LENGTHS, Figures, figures_of
from tasks.snapshot.manifest import Headline, Manifest
from tasks.snapshot.reader import SNAPSHOTS
from tasks.snapshot.store import Store

PAGE: Final = "report.html"
OUTCOMES: Final = ("kept", "duplicate", "superseded", "rejected", "failed")
"""In the order they are drawn."""
_RULES: Final = 16
_MONTHS: Final = 36
"""Longest stretch of dates that is drawn month by month."""


@dataclass(frozen=True)
class Bar:
    """A line of a bar chart."""

    label: str
    number: int
    share: float
    """Of the longest bar, 0..1."""
    kind: str = ""
    """Colour: an outcome, or nothing."""
    note: str = ""


@dataclass(frozen=True)
class Site:
    """A site with the outcomes of its captures."""

    name: str
    captures: int
    share: float
    """Of the largest site, 0..1."""
    parts: list[tuple[str, str, int]]
    """(outcome, word for it, captures)"""
    reasons: list[tuple[str, int]]
    """Why captures were rejected or failed, most frequent first."""


@dataclass(frozen=True)
class Trend:
    """Documents over the versions, for a drawing of 100 by 100 units."""

    line: str
    """Points of the line of all documents."""
    columns: list[tuple[float, float, float, str]]
    """(x, width, height, meaning) of the new documents of each version."""
    first: Headline
    last: Headline
    most: int
    most_new: int


def write(
    store: Store,
    version: int,
    settings: ReportSettings,
    *,
    samples: Sequence[Any] = (),
    warnings: Sequence[str] = (),
) -> str:
    """Write the report of a version and its figures; gives where it lies. Raises UnknownVersionError.

    `samples` are documents before and after (tasks.samples.Sample), `warnings` sentences.
    """
    manifest = store.manifest(version)
    found = figures_of(store, manifest)
    page = html(store, manifest, found, settings, samples=samples, warnings=warnings)
    store.home.write(page_of(version), page.encode())
    return store.home.where(page_of(version))


def page_of(version: int) -> str:
    """Name of the report of a version, in the store."""
    return f"{SNAPSHOTS}/v{version}/{PAGE}"


def complete(store: Store, settings: ReportSettings) -> list[int]:
    """Write the reports of all versions that have none; gives their numbers."""
    missing = [version for version in store.versions() if store.home.size(page_of(version)) is None]
    for version in missing:
        write(store, version, settings)
    return missing


def versions_html(store: Store, settings: ReportSettings) -> str:
    """A page that lists all versions, newest first, with links `v7` to their reports."""
    headlines = list(reversed(store.headlines()))
    return render("versions.html", w=Words(settings.language), language=settings.language, versions=headlines)


def html(
    store: Store,
    manifest: Manifest,
    found: Figures,
    settings: ReportSettings,
    *,
    samples: Sequence[Any] = (),
    warnings: Sequence[str] = (),
) -> str:
    """The page; everything that comes from captures is escaped."""
    words = Words(settings.language)
    headlines = [line for line in store.headlines() if line.version <= manifest.version]
    sites = _sites(found.whole.get("site", Counter()), words)
    whole = found.whole
    none: Counter[str] = Counter()
    return render(
        "report.html",
        w=words,
        language=settings.language,
        manifest=manifest,
        counts=manifest.counts,
        warnings=warnings,
        outcomes=[
            (outcome, words.name("outcome", outcome), manifest.counts.outcomes.get(outcome, 0))
            for outcome in OUTCOMES
        ],
        funnel=_funnel(manifest.counts.rules, words),
        trend=_trend(headlines[-settings.versions :]),
        sites=sites[: settings.sites],
        more_sites=max(0, len(sites) - settings.sites),
        damage=_bars(whole.get("damage", none), words, "damage"),
        damaged=whole.get("damaged", none)[""],
        rules=_bars(whole.get("rule", none), words, "rule")[:_RULES],
        lengths=_lengths(whole.get("length", none)),
        months=_months(whole.get("month", none)),
        undated=whole.get("month", none)[""],
        scripts=_bars(whole.get("script", none), words, "script"),
        converted=sum(whole.get("converted", none).values()),
        samples=samples,
    )


def _bars(counts: Mapping[str, int], words: Words, group: str) -> list[Bar]:
    most = max(counts.values(), default=0)
    return [
        Bar(words.name(group, name), number, number / most, note=name)
        for name, number in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    ]


def _funnel(rules: Mapping[str, int], words: Words) -> list[Bar]:
    most = max(rules.values(), default=0)
    bars = []
    for name, number in rules.items():
        outcome, _, rule = name.partition(" ")
        label = f"{words.name('outcome', outcome)} · {why(name, words)}"
        bars.append(Bar(label, number, number / most, outcome, rule))
    return sorted(bars, key=lambda bar: (OUTCOMES.index(bar.kind), -bar.number, bar.note))


def why(decision: str, words: Words) -> str:
    """The words for an `outcome rule`; the same rule can mean another thing for another outcome."""
    rule = decision.partition(" ")[2]
    exact = words.name("rule", decision)
    return words.name("rule", rule) if exact == decision else exact


def _sites(counts: Mapping[str, int], words: Words) -> list[Site]:
    outcomes: dict[str, Counter[str]] = {}
    reasons: dict[str, Counter[str]] = {}
    for key, number in counts.items():
        site, _, decided = key.partition("\t")
        outcome = decided.partition(" ")[0]
        outcomes.setdefault(site, Counter())[outcome] += number
        if outcome in ("rejected", "failed"):
            reasons.setdefault(site, Counter())[why(decided, words)] += number
    most = max((counts.total() for counts in outcomes.values()), default=0)
    sites = [
        Site(
            name,
            found.total(),
            found.total() / most,
            [(o, words.name("outcome", o), found[o]) for o in OUTCOMES if found[o]],
            reasons.get(name, Counter()).most_common(3),
        )
        for name, found in outcomes.items()
    ]
    return sorted(sites, key=lambda site: (-site.captures, site.name))


def _trend(headlines: Sequence[Headline]) -> Trend | None:
    if len(headlines) < 2:
        return None
    totals = [headline.counts.documents.total for headline in headlines]
    news = [headline.counts.documents.new for headline in headlines]
    most, most_new = max(*totals, 1), max(*news, 1)
    step = 100 / len(headlines)
    points = [(step * (i + 0.5), 100 - 92 * total / most) for i, total in enumerate(totals)]
    columns = [
        (step * (i + 0.2), step * 0.6, 30 * new / most_new, f"v{headline.version}: {total:,} / +{new:,}")
        for i, (headline, total, new) in enumerate(zip(headlines, totals, news, strict=True))
    ]
    line = " ".join(f"{x:.2f},{y:.2f}" for x, y in points)
    return Trend(line, columns, headlines[0], headlines[-1], most, most_new)


def _columns(labels: Iterable[str], numbers: Iterable[int]) -> list[Bar]:
    pairs = list(zip(labels, numbers, strict=True))
    most = max((number for _, number in pairs), default=0) or 1
    return [Bar(label, number, number / most) for label, number in pairs]


def _lengths(counts: Mapping[str, int]) -> list[Bar]:
    """A column for each class of length, without empty classes at both ends."""
    numbers = [counts.get(str(low), 0) for low in LENGTHS]
    labels = [f"{low // 1000}k+" if low >= 1000 else f"{low}+" for low in LENGTHS]
    used = [index for index, number in enumerate(numbers) if number]
    if not used:
        return []
    return _columns(labels[used[0] : used[-1] + 1], numbers[used[0] : used[-1] + 1])


def _months(counts: Mapping[str, int]) -> list[Bar]:
    """A column for each month, or for each year where they span more than three years or months are not given."""
    dated = {name: number for name, number in counts.items() if name}
    if not dated:
        return []
    months = {name for name in dated if len(name) == 7}
    first, last = (int(name[:4]) * 12 + int(name[5:7] or 1) - 1 for name in (min(dated), max(dated)))
    if len(months) == len(dated) and last - first < _MONTHS:
        names = [f"{month // 12}-{month % 12 + 1:02d}" for month in range(first, last + 1)]
        return _columns(names, [dated.get(name, 0) for name in names])
    years: Counter[int] = Counter()
    for name, number in dated.items():
        years[int(name[:4])] += number
    span = range(max(min(years), max(years) - 59), max(years) + 1)
    return _columns(map(str, span), [years[year] for year in span])
