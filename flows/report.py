"""What a run shows in the dashboard when it ends: the funnel and the new version."""

from __future__ import annotations

from prefect.artifacts import create_markdown_artifact, create_table_artifact

from tasks.assemble import Funnel
from tasks.snapshot.manifest import Manifest


def plain(text: str) -> str:
    """Text from a server or a capture, without the characters that mean something in Markdown or HTML."""
    return text.translate(str.maketrans("|<>`*_[]\n", "         "))


def funnel_rows(funnel: Funnel) -> list[dict[str, str | int]]:
    """The funnel as rows of a table: what became of the captures of this run, most frequent first."""
    rows: list[dict[str, str | int]] = [
        {"what became of them": "read", "rule": "", "captures": funnel.read},
        {"what became of them": "known already", "rule": "", "captures": funnel.known},
    ]
    rows += [
        {"what became of them": outcome, "rule": rule, "captures": count}
        for (outcome, rule), count in sorted(funnel.outcomes.items(), key=lambda item: (-item[1], item[0]))
    ]
    return rows


def report_artifacts(funnel: Funnel, manifest: Manifest | None, folder: str | None, message: str) -> None:
    """Put the funnel table and a summary of the run into the dashboard. Runs inside a flow run."""
    create_table_artifact(
        funnel_rows(funnel), key="funnel", description="What became of the captures of this run."
    )
    lines = [f"# {message}", ""]
    if manifest and folder:
        documents = manifest.counts.documents
        lines += [
            "| documents | new | changed | gone |",
            "|---|---|---|---|",
            f"| {documents.total:,} | {documents.new:,} | {documents.changed:,} | {documents.gone:,} |",
            "",
            f"Published in `{folder}`: `data/*.parquet` (documents), `captures/*.parquet` (ledger), `SUMMARY.md`.",
        ]
    create_markdown_artifact("\n".join(lines), key="version", description=message)
