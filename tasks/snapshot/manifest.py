"""The manifest of a snapshot: what the version consists of and how it came about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from tasks.snapshot.digest import hex_digest

FORMAT: Final = 1
"""Version of the manifest format; higher ones are refused with a clear message."""

KEYS: Final[Mapping[str, str]] = {
    "documents": "document_id",
    "captures": "capture_id",
    "signatures": "capture_id",
    "inputs": "path",
    "payloads": "capture_id",
    "lines": "line_id",
}
"""The column that names a row in each table; unique inside a version."""

PUBLISHED: Final[Mapping[str, str]] = {"documents": "data", "captures": "captures"}
"""Tables that stand in the folder of a version, and the folder they stand in."""


class Model(BaseModel):
    """Base of the models here: immutable; unknown fields of newer code are passed over when read."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class DataFile(Model):
    """A Parquet file of a table."""

    name: str
    rows: int
    bytes: int
    sha256: str
    """Of the file's bytes."""
    digest: str = ""
    """Documents only: sum of the row digests modulo 2**256, 64 hex digits."""
    tally: dict[str, int] = Field(default_factory=dict)
    """Captures only: rows by `outcome rule`, e.g. `rejected quality.han_share`."""


class TablePin(Model):
    """The state of one table in a version."""

    delta_version: int
    """Version of the Delta log that lists the same files."""
    rows: int
    files: list[DataFile]


class DocumentCounts(Model):
    """Documents against the version before."""

    total: int = 0
    new: int = 0
    changed: int = 0
    gone: int = 0


class Counts(Model):
    """The figures of a version."""

    read: int = 0
    """Captures read in the run."""
    repeated: int = 0
    """Captures of those that the ledger knew already (same place, same bytes)."""
    captures: int = 0
    """Rows of the ledger."""
    outcomes: dict[str, int] = Field(default_factory=dict)
    """Rows of the ledger by outcome; they add up to `captures`."""
    rules: dict[str, int] = Field(default_factory=dict)
    """Rows of the ledger by `outcome rule`; they add up to `captures`."""
    documents: DocumentCounts = DocumentCounts()


class InputSums(Model):
    """What the run took in."""

    files: int = 0
    bytes: int = 0
    sha256: str = ""
    """Over the sorted payload sums or file sums of the inputs; the run says which in `notes`."""


class RunFacts(Model):
    """What a run tells the store about itself."""

    read: int = 0
    repeated: int = 0
    tag: str | None = None
    code_version: str = ""
    settings_digest: str = ""
    settings: dict[str, Any] = Field(default_factory=dict)
    dictionaries: dict[str, str] = Field(default_factory=dict)
    """Versions or sums of word lists and conversion tables, by name."""
    signature_version: int = 0
    inputs: InputSums = InputSums()
    notes: list[str] = Field(default_factory=list)


class Headline(Model):
    """The part of a manifest that a list of versions needs; reading it skips the files."""

    format: int = FORMAT
    version: int
    parent: int | None = None
    tag: str | None = None
    run_id: str
    created_at: datetime
    counts: Counts = Counts()


class Manifest(Headline):
    """A version of the corpus: the one file whose appearance makes it exist."""

    code_version: str = ""
    settings_digest: str = ""
    settings: dict[str, Any] = Field(default_factory=dict)
    dictionaries: dict[str, str] = Field(default_factory=dict)
    signature_version: int = 0
    inputs: InputSums = InputSums()
    content_digest: str
    """Same documents, same digest, whatever their order and their files (see digest.py)."""
    tables: dict[str, TablePin]
    notes: list[str] = Field(default_factory=list)

    def files(self, table: str) -> list[DataFile]:
        """Files of the table; none when this version does not know it."""
        pin = self.tables.get(table)
        return pin.files if pin else []


def content_digest(files: Iterable[DataFile]) -> str:
    """Digest over all rows of the files: the digests of the files added up modulo 2**256."""
    return hex_digest(sum(int(file.digest, 16) for file in files))


def tallies(files: Iterable[DataFile]) -> tuple[dict[str, int], dict[str, int]]:
    """Rows of the ledger by outcome, and by `outcome rule`, both sorted by name."""
    rules: Counter[str] = Counter()
    for file in files:
        rules.update(file.tally)
    outcomes: Counter[str] = Counter()
    for name, count in rules.items():
        outcomes[name.partition(" ")[0]] += count
    return dict(sorted(outcomes.items())), dict(sorted(rules.items()))
