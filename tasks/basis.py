"""What a run is decided against: everything a version holds, or, for a reclean, nothing."""

from __future__ import annotations

from dataclasses import dataclass, field

import pyarrow.parquet as pq

from tasks.snapshot import Store


@dataclass(frozen=True, slots=True)
class Basis:
    """Parquet files that new captures are matched against, and ids that have to be kept."""

    version: int
    """The version built on; 0 where there is none."""
    ledger: list[str] = field(default_factory=list)
    signatures: list[str] = field(default_factory=list)
    documents: list[str] = field(default_factory=list)
    before: list[str] = field(default_factory=list)
    """Reclean only: the ledger whose captures are decided afresh; they keep their arrival and documents."""

    @classmethod
    def latest(cls, store: Store) -> Basis:
        """All that the newest version holds: a run adds to it."""
        base = store.latest()
        if base is None:
            return cls(0)
        return cls(base.version, store.files("captures"), store.files("signatures"), store.files("documents"))

    @classmethod
    def afresh(cls, store: Store) -> Basis:
        """Nothing to match against: every capture of the newest version is decided again."""
        base = store.latest()
        return cls(base.version if base else 0, before=store.files("captures"))

    def held(self) -> dict[str, str]:
        """Capture id -> document id of the captures decided afresh, so that articles keep their ids."""
        held: dict[str, str] = {}
        for file in self.before:
            table = pq.read_table(file, columns=["capture_id", "document_id"])
            pairs = zip(table["capture_id"].to_pylist(), table["document_id"].to_pylist(), strict=True)
            held.update((capture, document) for capture, document in pairs if document)
        return held
