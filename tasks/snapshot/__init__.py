"""The versioned store: commits, published snapshots, and what is asked of them."""

from tasks.snapshot.errors import StoreError
from tasks.snapshot.manifest import DataFile, InputSums, Manifest, RunFacts
from tasks.snapshot.store import Store

__all__ = ["DataFile", "InputSums", "Manifest", "RunFacts", "Store", "StoreError"]
