"""Flows over versions, each with a form in the dashboard: list, compare, hand over, restore, tag, ask why.

The commands `qingyuan snapshots ...` do the same work at once, without a server.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.logging import get_run_logger
from pydantic import BaseModel, ConfigDict, Field

from config.settings import Settings, load_settings
from flows.report import plain
from tasks.dedupe.urls import url_key
from tasks.snapshot import Store, StoreError, handover, history, maintain
from tasks.snapshot import diff as differences
from tasks.snapshot.report import complete

VERSION = "7, v7, latest, or a tag."


class StoreParameters(BaseModel):
    """What every form over the store asks for."""

    model_config = ConfigDict(extra="forbid")

    config: str = Field(
        "", description="Settings file that goes over the shipped ones; empty for those alone."
    )

    def settings(self) -> Settings:
        """The settings. Raises SettingsError."""
        return load_settings(Path(self.config) if self.config else None)

    def store(self) -> Store:
        """The store of these settings. Raises SettingsError."""
        return Store(self.settings().store)


class ListParameters(StoreParameters):
    """What a person may choose when listing versions."""

    version: str = Field("", description=f"Show this one in full: {VERSION} Empty lists all.")


@flow(name="versions", persist_result=False)
def versions(parameters: ListParameters = ListParameters()) -> list[dict[str, Any]]:  # noqa: B008 - immutable here
    """List all versions, or show one in full."""
    store = parameters.store()
    if parameters.version:
        rows = [history.show(store, history.resolve(store, parameters.version))]
        fields = [{"field": name, "value": str(value)} for name, value in rows[0].items()]
        create_table_artifact(fields, key="shown-version", description=f"v{rows[0]['version']}")
        return rows
    rows = [asdict(line) for line in history.list_versions(store)]
    shown = [{name: str(value) if name == "created_at" else value for name, value in r.items()} for r in rows]
    create_table_artifact(shown, key="versions", description="All versions, oldest first")
    return rows


class DiffParameters(StoreParameters):
    """What a person may choose when comparing two versions."""

    a: str = Field(description=f"The older version: {VERSION}")
    b: str = Field("latest", description=f"The newer version: {VERSION}")
    limit: int = Field(50, ge=0, le=1000, description="Documents listed of each kind.")
    html: str = Field("", description="Also write the whole comparison as a page to this file.")


@flow(name="diff", persist_result=False)
def diff(parameters: DiffParameters) -> dict[str, Any]:
    """Documents added, removed and changed between two versions, and why."""
    store = parameters.store()
    a, b = history.resolve(store, parameters.a), history.resolve(store, parameters.b)
    found = differences.diff(store, a, b, limit=parameters.limit)
    if parameters.html:
        Path(parameters.html).write_text(found.to_html(), encoding="utf-8")
        get_run_logger().info("written: %s", parameters.html)
    create_markdown_artifact(diff_markdown(found), key="diff", description=f"v{a} against v{b}")
    value = found.to_json()
    return {name: value[name] for name in ("a", "b", "added", "removed", "changed", "moved", "by_site")}


def diff_markdown(found: differences.Diff) -> str:
    """A comparison as Markdown: totals, by site, by reason, then the documents."""
    lines = [
        f"# v{found.a} against v{found.b}",
        "",
        f"{found.added:,} documents added, {found.removed:,} removed, {found.changed:,} changed; "
        f"{found.moved:,} captures moved to another document.",
        "",
        "| site | added | removed | changed |",
        "|---|--:|--:|--:|",
    ]
    for site, counts in found.by_site.items():
        lines.append(
            f"| {plain(site)} | {counts['added']:,} | {counts['removed']:,} | {counts['changed']:,} |"
        )
    lines += ["", "| captures | before | after |", "|--:|---|---|"]
    lines += [f"| {c.captures:,} | {c.before or '-'} | {c.after or '-'} |" for c in found.by_reason]
    for title, documents in (("Added", found.documents_added), ("Removed", found.documents_removed)):
        lines += ["", f"## {title}", ""] if documents else []
        lines += [
            f"- {document.document_id} {plain(document.title or '')} {plain(document.url or '')}"
            for document in documents
        ]
    lines += ["", "## Changed", ""] if found.documents_changed else []
    for changed in found.documents_changed:
        lines.append(f"- {changed.document_id} {plain(changed.title or '')} ({', '.join(changed.fields)})")
        lines += [f"    - {plain(str(hunk))}" for hunk in changed.text[:20]]
    return "\n".join(lines)


class PublishParameters(StoreParameters):
    """What a person may choose when handing a version over."""

    version: str = Field("latest", description=VERSION)
    target: str = Field(
        description="A new or empty folder, or s3://bucket/prefix; it gets Parquet, a dataset card and checksums."
    )


@flow(name="publish", persist_result=False)
def publish(parameters: PublishParameters) -> dict[str, Any]:
    """Make a folder of one version ready to hand over."""
    store = parameters.store()
    done = handover.publish(store, history.resolve(store, parameters.version), parameters.target)
    text = f"v{done.version}: {done.files:,} files, {done.bytes:,} bytes in `{done.folder}`"
    create_markdown_artifact(text, key="publish", description=f"v{done.version} handed over")
    return asdict(done)


class RestoreParameters(StoreParameters):
    """What a person may choose when going back."""

    version: str = Field(description=f"The version to go back to: {VERSION}")


@flow(name="restore", persist_result=False)
def restore(parameters: RestoreParameters) -> dict[str, Any]:
    """Make a new version that equals an old one; nothing is lost."""
    store = parameters.store()
    manifest = maintain.restore(store, history.resolve(store, parameters.version))
    complete(store, parameters.settings().report)
    text = f"v{manifest.version} is the latest version; content `{manifest.content_digest}`"
    create_markdown_artifact(text, key="restore", description=f"v{manifest.version} restored")
    return {"version": manifest.version, "content_digest": manifest.content_digest}


class TagParameters(StoreParameters):
    """What a person may choose when naming a version."""

    version: str = Field("latest", description=VERSION)
    name: str = Field("", description="The name; empty takes it away.")


@flow(name="tag", persist_result=False)
def tag(parameters: TagParameters) -> dict[str, Any]:
    """Give a version a name that forms and commands understand."""
    store = parameters.store()
    tagged = history.tag(store, history.resolve(store, parameters.version), parameters.name or None)
    get_run_logger().info("v%d: %s", tagged.version, tagged.tag or "no tag")
    return {"version": tagged.version, "tag": tagged.tag}


class WhyParameters(StoreParameters):
    """What a person asks about."""

    query: str = Field(min_length=1, description="Url, locator, capture or document id.")


@flow(name="why", persist_result=False)
def why(parameters: WhyParameters) -> list[dict[str, Any]]:
    """What became of a capture, in which version, and why."""
    lives = history.why(parameters.store(), parameters.query, url_key=url_key(parameters.query))
    if not lives:
        raise StoreError(f"{parameters.query}: no capture or document has this url, locator or id")
    lines = []
    for life in lives:
        lines += [f"**{life.kind} {life.id}** {plain(life.place)}", ""]
        lines += [
            f"- v{e.version}: {e.what} {e.rule or ''} {plain(e.reason or '')} {plain(e.title or '')}".rstrip()
            for e in life.events
        ]
        lines.append("")
    create_markdown_artifact("\n".join(lines), key="why", description=plain(parameters.query))
    return [asdict(life) for life in lives]
