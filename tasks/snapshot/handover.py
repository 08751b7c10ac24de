"""A folder of one version to hand to others: Parquet, a card that explains it, checksums."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from tasks.files import open_files
from tasks.snapshot.describe import type_name
from tasks.snapshot.digest import check_bytes
from tasks.snapshot.errors import StoreError
from tasks.snapshot.figures import FILE as FIGURES
from tasks.snapshot.manifest import PUBLISHED, Manifest
from tasks.snapshot.reader import SNAPSHOTS
from tasks.snapshot.report import PAGE
from tasks.snapshot.store import Store
from tasks.snapshot.summary import summary
from tasks.tables import TABLES


@dataclass(frozen=True)
class Handover:
    """What was put where."""

    version: int
    folder: str
    """Its path, or its `s3://` address."""
    files: int
    bytes: int


def publish(store: Store, version: int, target: str | Path) -> Handover:
    """Make `target` a copy of the version for others: a new or empty folder, or an `s3://` address.

    It holds data/ (documents) and captures/ (the ledger) as Parquet, README.md (a dataset card that
    `datasets.load_dataset` understands), manifest.json, SUMMARY.md, the report and SHA256SUMS. It appears in
    one step. Raises UnknownVersionError, DamagedError where a file is not whole, and StoreError where
    the target is in use.
    """
    manifest = store.manifest(version)
    remote = "://" in str(target)
    place = str(target).rstrip("/") if remote else str(Path(target).absolute())
    parent, _, name = place.rpartition("/")
    home = open_files(parent or "/", store.path / "copies", store.settings.options)
    if not remote and Path(place).exists() and (not Path(place).is_dir() or any(Path(place).iterdir())):
        raise StoreError(f"{target}: exists already; give a new or an empty folder")
    files = {folder: _whole(store, table, manifest) for table, folder in PUBLISHED.items()}
    texts = {
        "manifest.json": manifest.model_dump_json(indent=1),
        "SUMMARY.md": summary(manifest),
        "README.md": card(manifest, store.settings.licence),
    }
    for paper in (PAGE, FIGURES):
        place_of = f"{SNAPSHOTS}/v{version}/{paper}"
        if store.home.size(place_of) is not None:  # the report of an old version may not be written yet
            texts[paper] = store.home.read(place_of).decode()
    sums = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()}
    listed = {f"{folder}/{f.name}": f for table, folder in PUBLISHED.items() for f in manifest.files(table)}
    sums |= {name: file.sha256 for name, file in listed.items()}
    texts["SHA256SUMS"] = "".join(f"{sums[name]}  {name}\n" for name in sorted(sums))
    try:
        home.appear(name, texts, files)
    except FileExistsError as error:
        raise StoreError(f"{target}: exists already; give a new or an empty folder") from error
    size = sum(len(text.encode()) for text in texts.values()) + sum(file.bytes for file in listed.values())
    return Handover(version, place, len(sums) + 1, size)


def _whole(store: Store, table: str, manifest: Manifest) -> list[Path]:
    """Local paths of a table's files. Raises DamagedError for one that is lost or has other bytes."""
    files = manifest.files(table)
    paths = store.local(table, files)
    for path, file in zip(paths, files, strict=True):
        check_bytes(path, file.sha256)
    return paths


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
