"""Finding stored signatures by their hashes without reading them all.

Beside every file of stored signatures stands a lookup of it, made once: its hashes in ascending order, each
with the row it comes from, and the rows in the order of their documents. A run maps these files into memory
and touches the pages that its own hashes lead to. Files of signatures never change, so a lookup stays good as
long as its file; one that is lost or belongs to an older file is made anew. Each file is looked up for itself,
on whatever machine: no machine needs all of them.
"""

from __future__ import annotations

import json
import mmap
import secrets
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import xxhash
from numpy.typing import NDArray

from tasks.dedupe.signatures import Hashes, check_versions
from tasks.tables import SIGNATURES

_LAYOUT: Final = 1
"""Changes with the layout of the lookup files; others are made anew."""
_KEYS: Final = pa.schema([("key", pa.uint64()), ("row", pa.uint32())])
_NAMES: Final = ("document_id", "capture_id", "url_key", "skeleton")
_ROWS: Final = pa.schema([SIGNATURES.field(name).remove_metadata() for name in _NAMES])
_BATCH_KEYS: Final = 1 << 19
_BATCH_ROWS: Final = 1 << 17
_PARTS: Final = 16
"""A file's hashes are sorted in so many pieces."""
# Odd, so that no two hashes become one; it spreads them over all numbers, the smallest of a text are small.
_SPREAD: Final = np.uint64(0x9E3779B97F4A7C15)


class Wanted(NamedTuple):
    """What a run looks for: hashes of its sketches, and keys of its skeletons and addresses; sorted, distinct."""

    sketches: Hashes
    names: Hashes

    @classmethod
    def of(cls, sketches: Hashes, skeletons: Iterable[str], url_keys: Iterable[str]) -> Wanted:
        """From the hashes of sketches, skeletons and keys of addresses as they come."""
        names = [_name_key("s", value) for value in skeletons if value]
        names += [_name_key("u", value) for value in url_keys if value]
        return cls(_distinct(sketches * _SPREAD), _distinct(np.array(names, dtype=np.uint64)))


class Found(NamedTuple):
    """What the stored signatures hold of it."""

    sketches: pa.Table
    """key (a hash of a sketch), document_id: of every key the smallest documents."""
    names: pa.Table
    """document_id, capture_id, url_key, skeleton of rows with a wanted skeleton or address."""


def _distinct(keys: Hashes) -> Hashes:
    ranked = np.sort(keys)
    return ranked[np.concatenate([[True], ranked[1:] != ranked[:-1]])] if ranked.size else ranked


def look_up(file: str, folder: Path, wanted: Wanted, limit: int) -> Found:
    """Look up a file of stored signatures; its lookup lies in `folder`, or is put there.

    At least `limit` rows of a key are found if there are so many, the smallest documents first. Raises
    SignatureVersionError if the signatures cannot be compared.
    """
    lookup = _Lookup.open(file, folder)
    keys, rows = lookup.find(wanted.sketches, limit)
    _, named = lookup.find(wanted.names, limit)
    documents = lookup.rows(rows, ["document_id"])["document_id"]
    inverse = np.uint64(pow(int(_SPREAD), -1, 1 << 64))
    return Found(
        pa.table({"key": keys * inverse, "document_id": documents}),
        lookup.rows(np.unique(named), list(_NAMES)),
    )


def make_lookup(file: str, folder: Path) -> None:
    """Put the lookup of a file of stored signatures into `folder`, unless it is there.

    Raises SignatureVersionError if the signatures cannot be compared.
    """
    _Lookup.open(file, folder)


def forget_lookups(files: Sequence[str], folder: Path) -> None:
    """Remove the lookups of other files than these."""
    names = {_stem(file) for file in files}
    for path in folder.glob("*.lookup-*"):
        if path.name.split(".lookup-")[0] not in names:
            path.unlink(missing_ok=True)


def look_up_all(files: Sequence[str], folder: Path, wanted: Wanted, limit: int, threads: int) -> Found:
    """Look up all files."""
    for file in files:
        make_lookup(file, folder)  # one after the other for the sake of memory
    with ThreadPoolExecutor(threads) as pool:
        found = list(pool.map(lambda file: look_up(file, folder, wanted, limit), files))
    empty = Found(
        pa.table({"key": pa.array([], pa.uint64()), "document_id": pa.array([], pa.string())}),
        _ROWS.empty_table(),
    )
    return Found(
        pa.concat_tables([empty.sketches, *(one.sketches for one in found)]),
        pa.concat_tables([empty.names, *(one.names for one in found)]),
    )


class _Lookup:
    """The lookup of one file, mapped into memory."""

    def __init__(self, keys: Path, rows: Path) -> None:
        self._key_map, self._row_map = _mapped(keys), _mapped(rows)
        self._keys = pa.ipc.open_file(pa.py_buffer(self._key_map))
        self._rows = pa.ipc.open_file(pa.py_buffer(self._row_map))
        metadata = json.loads(self._keys.schema.metadata[b"lookup"])
        self.origin: dict[str, int] = metadata["origin"]
        self.versions: list[int] = metadata["versions"]

    @classmethod
    def open(cls, file: str, folder: Path) -> _Lookup:
        """The lookup of a file; it is made if it is not there."""
        places = [folder / f"{_stem(file)}.lookup-{part}" for part in ("keys", "rows")]
        for final in (False, True):
            try:
                lookup = cls(*places)
                if lookup.origin == _origin(file):
                    check_versions(lookup.versions)
                    return lookup
            except (OSError, ValueError, KeyError, TypeError):
                if final:
                    raise
            _make(file, *places)
        raise OSError(f"{file}: changes while it is read")

    def find(self, wanted: Hashes, limit: int) -> tuple[Hashes, NDArray[np.uint32]]:
        """Keys that are there, and the row of each; a key with several rows comes several times."""
        keys: list[Hashes] = [np.empty(0, np.uint64)]
        rows: list[NDArray[np.uint32]] = [np.empty(0, np.uint32)]
        for number in range(self._keys.num_record_batches if wanted.size else 0):
            batch = self._keys.get_batch(number)
            stored = batch.column(0).to_numpy()
            # Pages once touched count as memory of this process until it says that it is done with them.
            self._key_map.madvise(mmap.MADV_DONTNEED)
            start, stop = np.searchsorted(wanted, [stored[0], stored[-1]], side="left")
            own = wanted[start : int(stop) + 1]
            places = np.searchsorted(stored, own, side="left")
            own, places = own[places < stored.size], places[places < stored.size]
            hit = stored[places] == own
            own, places = own[hit], places[hit]
            if not own.size:
                continue
            counts = np.minimum(np.searchsorted(stored, own, side="right") - places, limit)
            offsets = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
            keys.append(np.repeat(own, counts))
            rows.append(batch.column(1).to_numpy()[np.repeat(places, counts) + offsets])
        return np.concatenate(keys), np.concatenate(rows)

    def rows(self, rows: NDArray[np.uint32], columns: list[str]) -> pa.Table:
        """Rows by their numbers, copied."""
        order = np.argsort(rows, kind="stable")
        ranked = rows[order]
        parts = [_ROWS.empty_table().select(columns)]
        for number in range(self._rows.num_record_batches):
            start, stop = np.searchsorted(ranked, [number * _BATCH_ROWS, (number + 1) * _BATCH_ROWS])
            if stop > start:
                batch = self._rows.get_batch(number).select(columns)
                places = pa.array(ranked[start:stop] - np.uint32(number * _BATCH_ROWS))
                parts.append(pa.Table.from_batches([batch.take(places)]))
                self._row_map.madvise(mmap.MADV_DONTNEED)
        back = np.empty_like(order)
        back[order] = np.arange(order.size)
        return pa.concat_tables(parts).combine_chunks().take(pa.array(back))


def _mapped(file: Path) -> mmap.mmap:
    with file.open("rb") as stream:
        return mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)


def _stem(file: str) -> str:
    return Path(file).stem


def _origin(file: str) -> dict[str, int]:
    return {"layout": _LAYOUT, "bytes": Path(file).stat().st_size}


def _name_key(kind: str, value: str) -> int:
    return xxhash.xxh3_64_intdigest(f"{kind} {value}".encode("utf-8", "surrogatepass"))


def _make(file: str, keys_file: Path, rows_file: Path) -> None:
    """Write the lookup of a file of signatures."""
    origin = _origin(file)
    with pq.ParquetFile(file, pre_buffer=False) as source:
        versions = pc.unique(source.read(["signature_version"])["signature_version"]).to_pylist()
        check_versions(versions)
        order = _write_rows(source, rows_file)
        pa.default_memory_pool().release_unused()
        pieces = _Pieces()
        row_of = np.empty(order.size, dtype=np.uint32)
        row_of[order] = np.arange(order.size, dtype=np.uint32)
        first = 0
        for batch in source.iter_batches(batch_size=_BATCH_ROWS, columns=["bands", "skeleton", "url_key"]):
            rows = row_of[first : first + batch.num_rows]
            first += batch.num_rows
            bands = batch.column("bands")
            pieces.add(
                bands.flatten().to_numpy() * _SPREAD, np.repeat(rows, bands.value_lengths().to_numpy())
            )
            for kind, name in (("s", "skeleton"), ("u", "url_key")):
                keys = [_name_key(kind, value) if value else 0 for value in batch.column(name).to_pylist()]
                known = np.array(keys, dtype=np.uint64)
                pieces.add(known[known != 0], rows[known != 0])
    metadata = {"lookup": json.dumps({"origin": origin, "versions": versions})}
    with _writer(keys_file, _KEYS.with_metadata(metadata)) as writer:
        for part_keys, part_rows in pieces.sorted():
            part = pa.table({"key": part_keys, "row": part_rows}, schema=_KEYS)
            writer.write_table(part, max_chunksize=_BATCH_KEYS)


def _write_rows(source: pq.ParquetFile, rows_file: Path) -> NDArray[np.int64]:
    """Write the rows in the order of their documents; gives that order."""
    table = source.read(list(_NAMES)).combine_chunks()
    order: NDArray[np.int64] = pc.sort_indices(table["document_id"]).to_numpy().astype(np.int64)
    with _writer(rows_file, _ROWS) as writer:
        for start in range(0, order.size, _BATCH_ROWS):
            writer.write_table(table.take(pa.array(order[start : start + _BATCH_ROWS])).combine_chunks())
    return order


class _Pieces:
    """Keys with their rows, in _PARTS pieces by size, so that little more than one piece is sorted at a time."""

    def __init__(self) -> None:
        nothing: tuple[Hashes, NDArray[np.uint32]] = np.empty(0, np.uint64), np.empty(0, np.uint32)
        self._pieces = [[nothing] for _ in range(_PARTS)]

    def add(self, keys: Hashes, rows: NDArray[np.uint32]) -> None:
        """Take in keys in any order."""
        part = keys >> np.uint64(64 - _PARTS.bit_length() + 1)
        for number, piece in enumerate(self._pieces):
            own = part == number
            piece.append((keys[own], rows[own]))

    def sorted(self) -> Iterator[tuple[Hashes, NDArray[np.uint32]]]:
        """All keys ascending, those of one key by row; what was given is used up."""
        for piece in self._pieces:
            keys = np.concatenate([keys for keys, _ in piece])
            rows = np.concatenate([rows for _, rows in piece])
            piece.clear()
            if keys.size:
                order = np.lexsort((rows, keys))
                yield keys[order], rows[order]


class _writer:  # noqa: N801 - reads as a function
    """An Arrow file that appears under its name when it is complete."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}.tmp")
        self._sink = pa.OSFile(str(self._draft), "wb")
        self._writer = pa.ipc.new_file(self._sink, schema)

    def __enter__(self) -> pa.ipc.RecordBatchFileWriter:
        return self._writer

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._writer.close()
        self._sink.close()
        if kind is None:
            self._draft.replace(self._path)
        else:
            self._draft.unlink(missing_ok=True)


__all__ = ["Found", "Wanted", "forget_lookups", "look_up", "look_up_all", "make_lookup"]
