"""Signatures: a few numbers by which copies of an article find each other among millions.

The signature of a text is its bottom-k sketch (Cohen and Kaplan 2007): the SKETCH smallest hashes of its
spans of SPAN Han characters, more of them for a long text. Of two texts the smallest hashes of the union
that lie in both are in both sketches, so copies share about (similarity of their span sets) x SKETCH of
them and unrelated texts none. Which pairs really are copies is decided afterwards on the texts.

No random library and no library hash: every constant stands here and golden values are pinned by tests,
because stored signatures must mean the same for ever.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.dedupe.skeleton import LAST_DIGIT, Codes, code_points, counted_as, hash_content
from tasks.tables import SIGNATURES

SIGNATURE_VERSION: Final = 2
"""Changes whenever a stored signature would come out differently, the character table included."""
SPAN: Final = 10
"""Characters in a span whose hash may enter the sketch."""
SKETCH: Final = 16
"""Hashes in the sketch of a text of ordinary length."""
SPACING: Final = 64
"""A longer text has one hash for so many spans, so that it still shares some with a short one inside it."""
SHINGLE: Final = 4
"""Characters in a shingle; similarity is measured on shingles."""

Hashes = NDArray[np.uint64]
Shingles = NDArray[np.uint32]
"""Hashes of shingles."""
_BASE: Final = 0x9E3779B97F4A7C15
_MIX: Final = np.uint64(0xBF58476D1CE4E5B9)
_BATCH: Final = 40_000
"""Characters signed at a time: their arrays stay in the cache of a core."""


class SignatureVersionError(Exception):
    """Stored signatures were made by another version of the algorithm."""


def _pair(left: Hashes, right: Hashes, width: int) -> Hashes:
    """Polynomial hashes of runs made of a run of `left` and, behind it, one of `right` of that width."""
    return left * np.uint64(pow(_BASE, width, 1 << 64)) + right


def _short_runs(codes: Codes) -> tuple[Hashes, Hashes]:
    """Polynomial hashes (base _BASE, modulo 2^64) of all runs of two codes and of SHINGLE, of which there is one."""
    one = codes.astype(np.uint64)
    two = _pair(one[:-1], one[1:], 1)
    return two, _pair(two[:-2], two[2:], 2)


def _runs(codes: Codes) -> tuple[Hashes, Hashes]:
    """The same of all shingles and all spans; there is a span at least."""
    two, four = _short_runs(codes)
    eight = _pair(four[:-4], four[4:], 4)
    return four, _pair(eight[:-2], two[8:], 2)


def _shingle_hashes(polynomials: Hashes) -> Shingles:
    return ((polynomials * _MIX) >> np.uint64(32)).astype(np.uint32)


def _span_hashes(polynomials: Hashes) -> Hashes:
    mixed = polynomials ^ (polynomials >> np.uint64(32))
    mixed *= _MIX
    mixed ^= mixed >> np.uint64(29)
    return mixed


def _distinct(sorted_values: NDArray[Any]) -> NDArray[Any]:
    keep = np.empty(sorted_values.size, dtype=bool)
    keep[:1] = True
    np.not_equal(sorted_values[1:], sorted_values[:-1], out=keep[1:])
    return sorted_values[keep]


def _smallest(hashes: Hashes) -> Hashes:
    wanted = max(SKETCH, hashes.size // SPACING)
    if hashes.size > 4 * wanted:
        # Hashes are spread evenly: about three times as many as wanted lie below this limit.
        limit = np.uint64((3 * wanted << 64) // hashes.size - 1)
        low = _distinct(np.sort(hashes[hashes < limit]))
        if low.size >= wanted:
            return low[:wanted]
    return _distinct(np.sort(hashes))[:wanted]


def shingle_sequence(codes: Codes) -> Shingles:
    """Hashes of the shingles (runs of SHINGLE characters) of a skeleton, in its order."""
    if codes.size < SHINGLE:
        return np.empty(0, dtype=np.uint32)
    return _shingle_hashes(_short_runs(codes)[1])


def shingles(codes: Codes) -> Shingles:
    """The set of shingles of a skeleton: sorted distinct hashes."""
    return _distinct(np.sort(shingle_sequence(codes)))


def sketch(codes: Codes) -> Hashes:
    """The bottom-k sketch of a skeleton: its smallest hashes, ascending."""
    if codes.size < SPAN:
        return np.empty(0, dtype=np.uint64)
    return _smallest(_span_hashes(_runs(codes)[1]))


def sign(table: pa.Table, *, min_shingles: int = 50) -> pa.Table:
    """Signatures of texts.

    In: columns capture_id and text (others, if there are, url_key and document_id, are carried over).
    Out: one row a text with the columns of SIGNATURES, in the order given; document_id is the capture_id
    where none was given. Texts with fewer than `min_shingles` shingles get no sketch: they match only by
    their skeleton.
    """
    captures: list[str] = table["capture_id"].to_pylist()
    texts: list[str] = [text or "" for text in table["text"].to_pylist()]
    hashes: list[str] = []
    counts: list[int] = []
    sketches: list[Hashes] = []
    for batch in _batches(texts):
        for text, kept, spans, distinct in _measure(batch):
            hashes.append(hash_content(kept, text))
            counts.append(distinct)
            sketches.append(_smallest(spans) if distinct >= min_shingles else spans[:0])
    flat = np.concatenate(sketches) if sketches else np.empty(0, dtype=np.uint64)
    ends = np.cumsum([0, *map(len, sketches)])
    names = table.column_names
    keys = table["url_key"].to_pylist() if "url_key" in names else [None] * len(captures)
    columns = {
        "capture_id": captures,
        "document_id": table["document_id"].to_pylist() if "document_id" in names else captures,
        "url_key": [key or "" for key in keys],
        "signature_version": [SIGNATURE_VERSION] * len(captures),
        "skeleton": hashes,
        "shingles": counts,
        "bands": pa.ListArray.from_arrays(pa.array(ends, pa.int32()), pa.array(flat, pa.uint64())),
    }
    return pa.table(columns, schema=SIGNATURES)


def _batches(texts: Sequence[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    size = 0
    for text in texts:
        batch.append(text)
        size += len(text)
        if size >= _BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _measure(batch: Sequence[str]) -> Iterator[tuple[str, Codes, Hashes, int]]:
    """For every text its content, the hashes of its spans, the number of its distinct shingles."""
    counted = counted_as(code_points("".join(batch)))
    starts = np.cumsum([0, *map(len, batch)])
    kept = counted[counted != 0]
    kept_starts = np.concatenate([[0], np.cumsum(counted != 0)])[starts]
    is_han = kept > LAST_DIGIT
    han_starts = np.concatenate([[0], np.cumsum(is_han)])[kept_starts]
    # Runs across the border of two texts are computed too, and left out when a text takes its slice.
    padded = np.concatenate([kept[is_han], np.zeros(SPAN, dtype=np.uint32)])
    four, ten = _runs(padded)
    four_hashes, ten_hashes = _shingle_hashes(four), _span_hashes(ten)
    for number, text in enumerate(batch):
        content = kept[kept_starts[number] : kept_starts[number + 1]]
        start, stop = int(han_starts[number]), int(han_starts[number + 1])
        own = np.sort(four_hashes[start : max(start, stop - SHINGLE + 1)])
        distinct = int(np.count_nonzero(own[1:] != own[:-1])) + 1 if own.size else 0
        yield text, content, ten_hashes[start : max(start, stop - SPAN + 1)], distinct


def check_versions(versions: Sequence[int]) -> None:
    """Raise SignatureVersionError, which says what to do, unless all stored versions are the present one."""
    other = sorted({version for version in versions if version != SIGNATURE_VERSION})
    if other:
        raise SignatureVersionError(
            f"the stored signatures have version {', '.join(map(str, other))}, this program makes version "
            f"{SIGNATURE_VERSION}; run `qingyuan reclean` to sign the corpus anew"
        )


__all__ = [
    "SHINGLE",
    "SIGNATURE_VERSION",
    "SKETCH",
    "SPACING",
    "SPAN",
    "Hashes",
    "Shingles",
    "SignatureVersionError",
    "check_versions",
    "shingle_sequence",
    "shingles",
    "sign",
    "sketch",
]
