"""Commands over versions: `snapshots list, show, diff, ...` and `why`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from config.settings import Settings
from flows.commands.app import (
    ConfigOption,
    JsonOption,
    UsageError,
    app,
    err,
    out,
    print_fields,
    print_json,
    print_table,
    settings_of,
)
from tasks.dedupe.urls import url_key
from tasks.snapshot import Store, handover, history, maintain
from tasks.snapshot import diff as differences
from tasks.snapshot import verify as verification
from tasks.snapshot.report import complete

snapshots = typer.Typer(
    help="Versions of the corpus: list, compare, hand over, restore.", no_args_is_help=True
)
app.add_typer(snapshots, name="snapshots")

VersionArgument = Annotated[str, typer.Argument(metavar="VERSION", help="7, v7, latest, or a tag.")]
LatestArgument = Annotated[str, typer.Argument(metavar="[VERSION]", help="7, v7, latest, or a tag.")]


def _store(config: Path | None) -> tuple[Settings, Store]:
    settings = settings_of(config)
    return settings, Store(settings.store)


@snapshots.command("list")
def list_versions(config: ConfigOption = None, as_json: JsonOption = False) -> int:
    """All versions, oldest first."""
    lines = history.list_versions(_store(config)[1])
    if as_json:
        print_json([asdict(line) for line in lines])
    elif not lines:
        err.print("no version yet; `qingyuan run` makes the first one")
    else:
        columns = ["version", "tag", "time", "documents", "new", "changed", "gone", "captures", "run"]
        print_table(
            "",
            columns,
            [
                (f"v{line.version}", line.tag, f"{line.created_at:%Y-%m-%d %H:%M}", line.documents, line.new,
                 line.changed, line.gone, line.captures, line.run_id)
                for line in lines
            ],
            right=["documents", "new", "changed", "gone", "captures"],
        )  # fmt: skip
    return 0


@snapshots.command()
def show(version: LatestArgument = "latest", config: ConfigOption = None, as_json: JsonOption = False) -> int:
    """What a version consists of, and how it came about."""
    _, store = _store(config)
    shown = history.show(store, history.resolve(store, version))
    if as_json:
        print_json(shown)
        return 0
    counts, documents = shown["counts"], shown["counts"]["documents"]
    print_fields(
        {
            "version": f"v{shown['version']}" + (f" ({shown['tag']})" if shown["tag"] else ""),
            "folder": shown["folder"],
            "made": f"{shown['created_at']} by {shown['run_id']}, code {shown['code_version']}",
            "documents": f"{documents['total']:,} ({documents['new']:,} new, {documents['changed']:,} changed, "
            f"{documents['gone']:,} gone)",
            "captures": f"{counts['captures']:,} in the ledger; {counts['read']:,} read in this run, "
            f"{counts['repeated']:,} of them known before",
            "content": shown["content_digest"],
        }
    )
    out.print()
    rows = [(count, *name.split(" ", 1)) for name, count in counts["rules"].items()]
    print_table(
        "", ["captures", "outcome", "rule"], sorted(rows, key=lambda row: -row[0]), right=["captures"]
    )
    for note in shown["notes"]:
        out.print(f"note: {note}", markup=False)
    return 0


@snapshots.command()
def diff(
    a: Annotated[str, typer.Argument(metavar="A", help="The older version.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The newer version.")] = "latest",
    config: ConfigOption = None,
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write a page to read.")] = None,
    limit: Annotated[int, typer.Option(min=0, help="Documents listed of each kind.")] = 200,
    as_json: JsonOption = False,
) -> int:
    """Documents added, removed and changed between two versions, and why."""
    _, store = _store(config)
    found = differences.diff(store, history.resolve(store, a), history.resolve(store, b), limit=limit)
    if html is not None:
        html.write_text(found.to_html(), encoding="utf-8")
        err.print(f"written: {html}", markup=False)
        return 0
    if as_json:
        print_json(found.to_json())
        return 0
    out.print(
        f"v{found.a} -> v{found.b}: {found.added:,} added, {found.removed:,} removed, {found.changed:,} changed, "
        f"{found.moved:,} captures moved"
    )
    lines = [("+", line) for line in found.documents_added] + [
        ("-", line) for line in found.documents_removed
    ]
    for sign, line in lines:
        out.print(f"{sign} {line.document_id}  {line.title or ''}  {line.url or ''}", markup=False)
    for document in found.documents_changed:
        out.print(
            f"~ {document.document_id}  {document.title or ''}  ({', '.join(document.fields)})", markup=False
        )
        for hunk in document.text:
            out.print(f"    {hunk}", markup=False)
    sites = [(*counts.values(), site or "-") for site, counts in found.by_site.items()]
    if sites:
        out.print()
        kinds = ["added", "removed", "changed"]
        print_table("", [*kinds, "site"], sites, right=kinds)
    reasons = [(change.captures, change.before or "-", change.after or "-") for change in found.by_reason]
    if reasons:
        out.print()
        print_table("", ["captures", "before", "after"], reasons, right=["captures"])
    return 0


@snapshots.command()
def tag(
    version: VersionArgument,
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="The name; empty takes it away.")] = "",
    config: ConfigOption = None,
) -> int:
    """Give a version a name that other commands understand."""
    _, store = _store(config)
    tagged = history.tag(store, history.resolve(store, version), name or None)
    out.print(f"v{tagged.version}: {tagged.tag or 'no tag'}", markup=False)
    return 0


@snapshots.command()
def publish(
    version: VersionArgument,
    target: Annotated[
        str, typer.Argument(metavar="FOLDER", help="A new or empty folder, or s3://bucket/prefix.")
    ],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> int:
    """Make a folder ready to hand over: Parquet, dataset card, checksums."""
    _, store = _store(config)
    done = handover.publish(store, history.resolve(store, version), target)
    if as_json:
        print_json(asdict(done))
    else:
        out.print(
            f"v{done.version}: {done.files:,} files, {done.bytes:,} bytes in {done.folder}", markup=False
        )
    return 0


@snapshots.command()
def restore(version: VersionArgument, config: ConfigOption = None, as_json: JsonOption = False) -> int:
    """A new version that equals an old one; nothing is lost."""
    settings, store = _store(config)
    manifest = maintain.restore(store, history.resolve(store, version))
    complete(store, settings.report)
    if as_json:
        print_json({"version": manifest.version, "content_digest": manifest.content_digest})
    else:
        out.print(f"v{manifest.version} is the latest version; content {manifest.content_digest}")
    return 0


@snapshots.command()
def verify(
    version: LatestArgument = "latest", config: ConfigOption = None, as_json: JsonOption = False
) -> int:
    """Check files, counts, ledger and digests of a version; exit code 1 if anything is wrong."""
    _, store = _store(config)
    result = verification.verify(store, history.resolve(store, version))
    if as_json:
        print_json(asdict(result) | {"ok": result.ok})
    else:
        for check in result.checks:
            out.print(f"ok     {check}", markup=False)
        for problem in result.problems:
            out.print(f"wrong  {problem}", markup=False)
        out.print(f"v{result.version} is {'sound' if result.ok else 'DAMAGED'}")
    return 0 if result.ok else 1


@snapshots.command()
def prune(
    versions: Annotated[list[str], typer.Argument(metavar="VERSION...", help="Versions to drop for good.")],
    really: Annotated[
        bool, typer.Option("--really", help="Drop them; without it only say what would go.")
    ] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> int:
    """Drop old versions deliberately."""
    _, store = _store(config)
    report = maintain.prune(store, [history.resolve(store, name) for name in versions], dry_run=not really)
    if as_json:
        print_json(asdict(report))
        return 0
    names = ", ".join(f"v{number}" for number in report.dropped)
    verb = "dropped" if report.done else "would drop (--really does it)"
    out.print(f"{verb}: {names}; {report.files:,} files, {report.bytes:,} bytes", markup=False)
    return 0


@snapshots.command()
def compact(config: ConfigOption = None, as_json: JsonOption = False) -> int:
    """Merge the small files that many small runs leave, as a new version with the same content."""
    settings, store = _store(config)
    if manifest := maintain.compact(store):
        complete(store, settings.report)
    if as_json:
        print_json({"version": manifest.version if manifest else None})
    else:
        out.print(f"v{manifest.version}: files merged" if manifest else "nothing to merge")
    return 0


@app.command()
def why(
    query: Annotated[str, typer.Argument(metavar="URL-OR-ID", help="Url, locator, capture or document id.")],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> int:
    """What became of a capture, in which version, and why."""
    lives = history.why(_store(config)[1], query, url_key=url_key(query))
    if not lives:
        raise UsageError(
            f"{query}: no capture or document has this url, locator or id (see captures/ of a version)"
        )
    if as_json:
        print_json([asdict(life) for life in lives])
        return 0
    for life in lives:
        out.print(f"{life.kind} {life.id}  {life.place}", markup=False)
        for event in life.events:
            out.print(f"  v{event.version}  {_told(asdict(event))}", markup=False)
    return 0


def _told(event: dict[str, Any]) -> str:
    """An event as a line: what happened, by which rule, why."""
    parts = [event["what"]]
    if event["rule"]:
        parts.append(f"({event['rule']})")
    if event["title"]:
        parts.append(f"《{event['title']}》")
    if event["reason"]:
        parts.append(event["reason"])
    if event["document_id"]:
        parts.append(f"-> document {event['document_id']}")
    return " ".join(parts)
