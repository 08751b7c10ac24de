"""What a run shows in the dashboard when it ends: funnel, version, changes, what failed and what was slow.

Text of captures (titles, addresses) is stripped of everything that means something in Markdown or HTML.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow.compute as pc
from prefect.artifacts import create_markdown_artifact, create_table_artifact

from config.messages import Words
from config.settings import Settings
from flows.orchestration import reports_address
from tasks.assemble import Funnel
from tasks.snapshot import Manifest, Store
from tasks.snapshot.diff import diff
from tasks.snapshot.report import why

_LISTED = 20
"""Captures and documents listed by name."""
_LONG = 200
"""Characters shown of an address or a reason."""


def plain(text: str) -> str:
    """Text from a capture or a server, without the characters that mean something in Markdown or HTML."""
    return text.translate(str.maketrans("|<>`*_[]\\\n", "          "))[:_LONG]


def funnel_rows(funnel: Funnel, words: Words) -> list[dict[str, str | int]]:
    """The funnel as rows of a table: what became of the captures of this run, most frequent first."""
    outcome, reason, captures = words("run.outcome"), words("run.why"), words("run.captures")
    rows: list[dict[str, str | int]] = [
        {outcome: words("outcome.read"), reason: "", captures: funnel.read},
        {outcome: words("outcome.known"), reason: "", captures: funnel.known},
    ]
    for kind, rule, count in funnel.rows():
        name = words.name("outcome", kind)
        rows.append({outcome: name, reason: why(f"{kind} {rule}", words), captures: count})
    return rows


def message(
    funnel: Funnel, manifest: Manifest | None, latest: Manifest | None, words: Words, *, dry_run: bool
) -> str:
    """The result of a run in one sentence."""
    if manifest:
        documents = manifest.counts.documents
        return words("run.published", version=manifest.version, **documents.model_dump())
    if dry_run:
        return words("run.dry", new=funnel.new)
    return words("run.same", version=latest.version) if latest else words("run.empty")


def report_artifacts(
    funnel: Funnel,
    manifest: Manifest | None,
    store: Store,
    settings: Settings,
    headline: str,
    *,
    warnings: Sequence[str],
    slowest: Sequence[tuple[float, str]],
) -> None:
    """Put funnel, version, failed and slow captures into the dashboard. Runs inside a flow run."""
    words = Words(settings.report.language)
    create_table_artifact(funnel_rows(funnel, words), key="funnel", description=words("run.funnel"))
    lines: list[str] = []
    if warnings:
        lines += [f"**{words('report.warnings')}**", "", *(f"- {plain(line)}" for line in warnings), ""]
    if latest := manifest or store.latest():
        version = latest.version
        lines += [
            f"**[{words('run.report')}]({reports_address(settings.serve)}/v{version})**",
            "",
            f"{words('run.folder')}: `{settings.store.path}/snapshots/v{version}`",
            "",
            *(_changes(store, manifest, words) if manifest else []),
        ]
    create_markdown_artifact("\n".join(lines) or headline, key="version", description=headline)
    failed = _failed(store, manifest) if manifest else []
    capture, reason, seconds = words("run.capture"), words("run.why"), words("run.seconds")
    if failed:
        rows: list[dict[str, object]] = [
            {capture: plain(place), reason: plain(text)} for place, text in failed
        ]
        create_table_artifact(rows, key="failed-captures", description=words("run.failed"))
    if slowest:
        rows = [{seconds: round(time, 2), capture: plain(place)} for time, place in slowest[:_LISTED]]
        create_table_artifact(rows, key="slowest-captures", description=words("run.slowest"))


def _changes(store: Store, manifest: Manifest, words: Words) -> list[str]:
    """What changed against the version before, by site, and the first new documents: Markdown."""
    if manifest.parent not in store.versions():
        return []
    found = diff(store, manifest.parent, manifest.version, limit=_LISTED)
    names = [words(f"report.{name}") for name in ("new", "changed", "gone")]
    lines = [
        f"## {words('run.changes', version=str(manifest.parent))}",
        "",
        f"| {words('run.site')} | " + " | ".join(names) + " |",
        "|---|--:|--:|--:|",
    ]
    largest = sorted(found.by_site.items(), key=lambda item: (-sum(item[1].values()), item[0]))[:_LISTED]
    for site, counts in largest:
        figures = " | ".join(f"{counts[name]:,}" for name in ("added", "changed", "removed"))
        lines.append(f"| {plain(site) or words('report.no_site')} | {figures} |")
    if found.documents_added:
        lines += ["", f"## {words('run.examples', count=len(found.documents_added))}", ""]
        untitled = words("report.untitled")
        lines += [
            f"- {plain(line.title or untitled)} {plain(line.url or '')}" for line in found.documents_added
        ]
    return lines


def _failed(store: Store, manifest: Manifest) -> list[tuple[str, str]]:
    """(place, reason) of the first captures that failed in this version."""
    mine = set(store.files("captures", manifest.version))
    if manifest.parent in store.versions():
        mine -= set(store.files("captures", manifest.parent))
    batches = store.scan(
        "captures",
        columns=["url", "locator", "reason"],
        filter=(pc.field("version") == manifest.version) & (pc.field("outcome") == "failed"),
        files=sorted(mine),
    )
    found: list[tuple[str, str]] = []
    for batch in batches:
        found += [(row["url"] or row["locator"], row["reason"]) for row in batch.to_pylist()]
        if len(found) >= _LISTED:
            break
    return found[:_LISTED]
