"""A version in plain words, for people who open its folder."""

from __future__ import annotations

from tasks.snapshot.manifest import Manifest


def _row(cells: tuple[object, ...]) -> str:
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


def summary(manifest: Manifest) -> str:
    """SUMMARY.md of a version: what is in it, what came in, what became of it. Markdown."""
    counts = manifest.counts
    documents = counts.documents
    lines = [
        f"# Snapshot v{manifest.version}" + (f" ({manifest.tag})" if manifest.tag else ""),
        "",
        f"{documents.total:,} documents: {documents.new:,} new, {documents.changed:,} changed and "
        f"{documents.gone:,} gone since "
        + (f"v{manifest.parent}." if manifest.parent is not None else "the beginning."),
        f"{counts.read:,} captures were read in this run, {counts.repeated:,} of them known already. "
        f"The ledger holds {counts.captures:,} captures:",
        "",
        _row(("outcome", "rule", "captures")),
        "|---|---|---:|",
    ]
    for name, count in sorted(counts.rules.items(), key=lambda item: (-item[1], item[0])):
        outcome, _, rule = name.partition(" ")
        lines.append(_row((outcome, rule, f"{count:,}")))
    lines += [
        "",
        f"Made at {manifest.created_at:%Y-%m-%d %H:%M:%S} UTC by run `{manifest.run_id}` "
        f"with code {manifest.code_version or 'unknown'}; content digest `{manifest.content_digest}`.",
        *(f"- {note}" for note in manifest.notes),
        "",
        "The documents are in `data/`, the ledger (one row a capture) in `captures/`: Parquet files that "
        "explain their columns. `manifest.json` says how this version came about.",
    ]
    return "\n".join(lines) + "\n"
