"""What a run is decided against: everything a version holds, or, for a reclean, nothing."""

from __future__ import annotations

from dataclasses import dataclass, field

from tasks.dedupe.signatures import check_versions
from tasks.snapshot import Store


@dataclass(frozen=True, slots=True)
class Basis:
    """Parquet files that new captures are matched against, and ids that have to be kept."""

    version: int
    """The version built on; 0 where there is none."""
    ledger: list[str] = field(default_factory=list)
    signatures: list[str] = field(default_factory=list)
    documents: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    before: list[str] = field(default_factory=list)
    """Reclean only: the ledger whose captures are decided afresh; they keep their arrival and documents."""

    @classmethod
    def latest(cls, store: Store) -> Basis:
        """All that the newest version holds: a run adds to it.

        Raises SignatureVersionError if its signatures cannot be compared with those of this program.
        """
        base = store.latest()
        if base is None:
            return cls(0)
        if base.signature_version:  # 0: a version made without matching
            check_versions([base.signature_version])
        return cls(
            base.version,
            store.files("captures"),
            store.files("signatures"),
            store.files("documents"),
            store.files("lines"),
        )

    @classmethod
    def afresh(cls, store: Store) -> Basis:
        """Nothing to match against: every capture of the newest version is decided again."""
        base = store.latest()
        return cls(base.version if base else 0, lines=store.files("lines"), before=store.files("captures"))
