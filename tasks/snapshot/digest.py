"""A digest over rows that does not depend on their order.

Each row is hashed with SHA-256 over a canonical form; the hashes are added up modulo 2**256
(an additive multiset hash, Bellare and Micciancio 1997). It recognises accidents and proves that
two runs gave the same corpus; it is not meant to withstand somebody who crafts rows against it.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from tasks.snapshot.errors import DamagedError, StoreError

_MODULUS: Final = 1 << 256


def _plain(value: Any) -> Any:
    """Without nulls, so that a column added later leaves the digests of old rows alone."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def check_bytes(path: Path, sha256: str) -> None:
    """Raise DamagedError unless the file holds the bytes it was written with.

    Before rows are carried on into another file: Parquet's page headers have no checksum, so damage there
    could go unnoticed.
    """
    try:
        found = file_sha256(path)
    except OSError as error:
        raise DamagedError(f"{path}: cannot be read ({error}); see `qingyuan snapshots verify`") from error
    if found != sha256:
        raise DamagedError(f"{path}: its bytes have changed; see `qingyuan snapshots verify`")


def row_digest(row: dict[str, Any]) -> int:
    """SHA-256 of a row in canonical JSON (sorted names, no nulls, UTF-8), as a number."""
    form = json.dumps(_plain(row), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return int.from_bytes(hashlib.sha256(form.encode("utf-8", "surrogatepass")).digest(), "big")


def documents_digest(rows: pa.Table | pa.RecordBatch) -> int:
    """Sum of the row digests of documents; the text counts through its SHA-256.

    Raises StoreError where `text_sha256` is not the sum of `text`.
    """
    total = 0
    texts = rows.column("text")
    others = rows.drop_columns(["text"])
    for index, field in enumerate(others.schema):
        if pa.types.is_timestamp(field.type):  # as microseconds: quicker than as objects
            others = others.set_column(index, field.name, others.column(index).cast(pa.int64()))
    for text, row in zip(texts, others.to_pylist(), strict=True):
        if hashlib.sha256(text.as_buffer()).hexdigest() != row["text_sha256"]:
            raise StoreError(
                f"document {row['document_id']}: text_sha256 is not the SHA-256 of its text in UTF-8"
            )
        total += row_digest(row)
    return total


def hex_digest(total: int) -> str:
    """A sum of row digests as 64 hex digits, modulo 2**256."""
    return f"{total % _MODULUS:064x}"
