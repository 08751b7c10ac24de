"""A folder of one version to hand to others: Parquet, a card that explains it, checksums."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa

from tasks.snapshot import disk
from tasks.snapshot.describe import type_name
from tasks.snapshot.errors import StoreError
from tasks.snapshot.manifest import PUBLISHED, Manifest
from tasks.snapshot.store import Store
from tasks.tables import TABLES

_PAPERS: Final = ("manifest.json", "SUMMARY.md", "report.html", "report.json")


@dataclass(frozen=True)
class Handover:
    """What was put where."""

    version: int
    folder: Path
    files: int
    bytes: int


def publish(store: Store, version: int, target: Path) -> Handover:
    """Make `target`, which must not exist or be empty, a copy of the version for others.

    It holds data/ (documents) and captures/ (the ledger) as Parquet, README.md (a dataset card that
    `datasets.load_dataset` understands), manifest.json, SUMMARY.md, the report and SHA256SUMS. It
    appears in one step. Raises UnknownVersionError, and StoreError where the target is in use.
    """
    manifest = store.manifest(version)
    source = store.published(version)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise StoreError(f"{target}: exists already; give a new or an empty folder")
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.tmp")
    disk.remove_tree(draft)
    draft.mkdir()
    for table, place in PUBLISHED.items():
        disk.link_files((source / place / file.name for file in manifest.files(table)), draft / place)
    for name in _PAPERS:
        if (source / name).exists():  # the report of an old version may not be written yet
            disk.write_file(draft / name, (source / name).read_text(encoding="utf-8"))
    disk.write_file(draft / "README.md", card(manifest, store.settings.licence))
    sums = dict(_sums(draft, manifest))
    disk.write_file(draft / "SHA256SUMS", "".join(f"{sums[name]}  {name}\n" for name in sorted(sums)))
    size = sum(path.stat().st_size for path in draft.rglob("*") if path.is_file())
    draft.replace(target)
    disk.sync_folder(target.parent)
    return Handover(version, target, len(sums) + 1, size)


def _sums(folder: Path, manifest: Manifest) -> Iterator[tuple[str, str]]:
    for table, place in PUBLISHED.items():
        for file in manifest.files(table):
            yield f"{place}/{file.name}", file.sha256
    for name in (*_PAPERS, "README.md"):
        if (folder / name).exists():
            yield name, hashlib.sha256((folder / name).read_bytes()).hexdigest()


def card(manifest: Manifest, licence: str) -> str:
    """README.md of a published version: a dataset card in Markdown with a YAML head."""
    counts = manifest.counts
    lines = [
        "---",
        f"license: {json.dumps(licence)}",
        "language: [zh]",
        f"pretty_name: {json.dumps(f'Qingyuan corpus v{manifest.version}')}",
        f"size_categories: [{json.dumps(_size(counts.documents.total))}]",
        "configs:",
        *_config("documents", default=True),
        *_config("captures", default=False),
        "---",
        "",
        f"# Qingyuan corpus, version {manifest.version}" + (f" ({manifest.tag})" if manifest.tag else ""),
        "",
        f"{counts.documents.total:,} Chinese documents, each the clean copy of one article, chosen from "
        f"{counts.captures:,} captures. The ledger tells for every capture what became of it, and why.",
        "",
        "```python",
        "from datasets import load_dataset",
        'documents = load_dataset("path/to/this/folder", split="train")',
        'ledger = load_dataset("path/to/this/folder", "captures", split="train")',
        "```",
        "",
        "## Counts",
        "",
        "| what | number |",
        "|---|---:|",
        f"| documents | {counts.documents.total:,} |",
        f"| captures | {counts.captures:,} |",
        *(f"| captures {outcome} | {number:,} |" for outcome, number in counts.outcomes.items()),
        "",
        "## Licence",
        "",
        f"{licence}. The texts belong to their authors and publishers; `url` and `source` name them.",
        "",
        "## Provenance",
        "",
        f"- made {manifest.created_at:%Y-%m-%d %H:%M:%S} UTC by run `{manifest.run_id}`, "
        f"code {manifest.code_version or 'unknown'}",
        f"- settings digest `{manifest.settings_digest or 'unknown'}`; the settings are in manifest.json",
        *(f"- {name}: {version}" for name, version in sorted(manifest.dictionaries.items())),
        f"- {manifest.inputs.files:,} input files, {manifest.inputs.bytes:,} bytes in this run",
        f"- content digest `{manifest.content_digest}`",
        "- `sha256sum -c SHA256SUMS` checks the files",
    ]
    for table, place in PUBLISHED.items():
        lines += ["", f"## Columns of {place}/", "", *_columns(TABLES[table])]
    return "\n".join(lines) + "\n"


def _config(table: str, *, default: bool) -> list[str]:
    return [
        f"- config_name: {table}",
        *(["  default: true"] if default else []),
        "  data_files:",
        "  - split: train",
        f"    path: {PUBLISHED[table]}/*.parquet",
    ]


def _columns(schema: pa.Schema) -> list[str]:
    rows = [f"| {f.name} | {type_name(f.type)} | {f.metadata[b'meaning'].decode()} |" for f in schema]
    return ["| column | type | meaning |", "|---|---|---|", *rows]


def _size(documents: int) -> str:
    bounds = [1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000]
    names = ["n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M", "10M<n<100M", "100M<n<1B", "n>1B"]
    return names[sum(documents >= bound for bound in bounds)]
