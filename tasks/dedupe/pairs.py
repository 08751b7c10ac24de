"""Which texts are compared: the new texts of a run are numbered, and pairs of them found by hash and address.

Everything lies in files: a run's texts may be millions. The hashes are divided into parts by their
remainder; each part is joined by one worker, so nobody holds them all. Databases have a memory limit
and spill to disk.

Files of the folder: `signed/` (SIGNED), `copies` (RANKED of every new capture, with the number of its
text), `heads` (one row a text: the best copy with its signature), `partial/` (pairs that share hashes of
a part), `stored/` (what the stored signatures say), `documents` (RANKED of the stored documents
concerned, with a number behind the texts'), `texts/` (the texts of captures and documents), `pairs`
(what is compared, in batches).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from config.settings import DedupeSettings
from tasks.dedupe.candidates import find_candidates
from tasks.dedupe.copies import read_documents
from tasks.dedupe.database import arrow, database, parquet
from tasks.dedupe.signed import RANKED, SIGNED, TEXT, TEXTS_TOGETHER, rank_columns
from tasks.dedupe.urls import url_key
from tasks.tables import PASSING, SIGNATURES

Numbers = NDArray[np.int64]

_RANK: Final = "unrepaired, damage, spun, shorter, captured_at NULLS LAST, capture_id"
_TEXTS: Final = f"""
CREATE TABLE numbered AS
SELECT *, row_number() OVER (PARTITION BY text_key ORDER BY {_RANK}) AS place
FROM (SELECT * EXCLUDE (bands), CASE WHEN skeleton = '' THEN 'none ' || capture_id ELSE skeleton END AS text_key
      FROM signed);
CREATE TABLE texts AS
SELECT text_key, capture_id, row_number() OVER (ORDER BY capture_id) - 1 AS text FROM numbered WHERE place = 1;
"""
_COPIES: Final = """
SELECT n.* EXCLUDE (text_key, place), t.text FROM numbered n JOIN texts t USING (text_key) ORDER BY t.text, n.place
"""
_HEADS: Final = "SELECT s.*, t.text FROM signed s JOIN texts t USING (capture_id) ORDER BY t.text"
_AMONG: Final = """
COPY (
    SELECT m.text AS a, h.text AS b, count(*)::INTEGER AS shared FROM members m JOIN members h USING (key)
    WHERE h.place < {bucket} AND h.text < m.text GROUP BY ALL
) TO '{out}' (FORMAT parquet)
"""
_PAIRS: Final = """
CREATE TABLE near AS
SELECT a, b FROM (
    SELECT a, b, sum(shared) AS shared FROM {partial} GROUP BY ALL HAVING sum(shared) >= {min_shared}
) QUALIFY row_number() OVER (PARTITION BY a ORDER BY shared DESC, b) <= {candidates};
CREATE VIEW addressed AS
SELECT c.text, c.url_key, c.capture_id, c.captured_at, d.node, d.url_key = c.url_key AS same_page
FROM copies c LEFT JOIN {urls} u USING (url_key) LEFT JOIN documents d USING (document_id) WHERE c.url_key <> '';
CREATE TABLE newest AS
SELECT url_key, text FROM addressed QUALIFY row_number() OVER (
    PARTITION BY url_key
    ORDER BY captured_at IS NOT NULL DESC, captured_at DESC NULLS LAST, capture_id DESC, text DESC) = 1;
CREATE TABLE pairs AS
SELECT a, b, bool_or(near) AS near, bool_or(revision) AS revision FROM (
    SELECT a, b, true AS near, false AS revision FROM near
    UNION ALL SELECT s.text, d.node, true, false FROM {stored} s JOIN documents d USING (document_id)
    UNION ALL SELECT text, node, true, same_page FROM addressed WHERE node IS NOT NULL
    UNION ALL SELECT greatest(n.text, c.text), least(n.text, c.text), false, true
              FROM addressed c JOIN newest n USING (url_key) WHERE n.text <> c.text
) GROUP BY a, b;
"""


@contextmanager
def files(folder: Path, settings: DedupeSettings) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database with the files of the folder that are there already as views of their names."""
    with database(settings) as connection:
        for name in ("copies", "heads", "documents", "pairs"):
            if (folder / f"{name}.parquet").exists():
                rows = parquet([str(folder / f"{name}.parquet")], "")
                connection.execute(f"CREATE VIEW {name} AS SELECT * FROM {rows}")
        yield connection


def parts(folder: Path, name: str) -> list[str]:
    """The files of a subfolder, in order."""
    return [str(path) for path in sorted((folder / name).glob("*.parquet"))]


def save(connection: duckdb.DuckDBPyConnection, query: str, out: Path, *, group: int = 122_880) -> None:
    """Write the rows of a query, in their order, as a Parquet file with row groups of `group` rows."""
    name = str(out).replace("'", "''")
    options = f"FORMAT parquet, COMPRESSION zstd, PRESERVE_ORDER true, ROW_GROUP_SIZE {group}"
    connection.execute(f"COPY ({query}) TO '{name}' ({options})")


def number_texts(folder: Path, settings: DedupeSettings) -> int:
    """Number the texts (captures that share a skeleton are one) by the ids of their best copies.

    Writes `copies` and `heads`; returns the number of texts.
    """
    with files(folder, settings) as connection:
        connection.register("none", SIGNED.empty_table())
        signed = parquet(parts(folder, "signed"), "FROM none")
        connection.execute(f"CREATE VIEW signed AS SELECT * FROM {signed}")
        connection.execute(_TEXTS)
        save(connection, _COPIES, folder / "copies.parquet")
        save(connection, _HEADS, folder / "heads.parquet")
    return int(pq.read_metadata(folder / "heads.parquet").num_rows)


def pairs_of_part(heads: Path, out: Path, part: int, of: int, settings: DedupeSettings) -> list[Path]:
    """Pairs of new texts that share hashes of the part, with the number of those, for `partial/`."""
    with database(settings) as connection:
        keys = arrow(
            connection,
            "SELECT key, text::INTEGER AS text FROM "
            f"(SELECT unnest(bands) AS key, text FROM {parquet([str(heads)], '')}) WHERE key % {of} = {part}",
        )
        connection.register("members", _buckets(keys["key"].to_numpy(), keys["text"].to_numpy()))
        connection.execute(_AMONG.format(bucket=settings.bucket, out=str(out).replace("'", "''")))
    return [out]


def _buckets(keys: NDArray[np.uint64], texts: NDArray[np.int32]) -> pa.Table:
    """Hashes that several texts share: key, text, and the place of the text among those of the key.

    The first texts of a key stand for it, so that a hash shared by n texts costs n pairs, not n^2.
    """
    order = np.lexsort((texts, keys))
    keys, texts = keys[order], texts[order]
    first = (
        np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
        if keys.size
        else np.empty(0, np.int64)
    )
    sizes = np.diff(np.append(first, keys.size))
    places = np.arange(keys.size) - np.repeat(first, sizes)
    shared = np.repeat(sizes > 1, sizes)
    return pa.table({"key": keys[shared], "text": texts[shared], "place": places[shared]})


def stored_of_slice(
    folder: Path,
    first: int,
    count: int,
    signature_files: Sequence[str],
    index: Path,
    settings: DedupeSettings,
) -> None:
    """What the stored signatures say of `count` texts from number `first` on; writes `stored/`.

    This runs where the folder `index` lies: a few pages of it are read, it is not sent to other machines.
    One file each of near candidates (text, document_id), of stored captures with an equal skeleton (text,
    skeleton, document_id, capture_id; the document is null where another one of that skeleton goes before)
    and of addresses (url_key, document_id). Raises SignatureVersionError.
    """
    with files(folder, settings) as connection:
        span = f"text >= {first} AND text < {first + count}"
        heads = arrow(connection, f"SELECT * FROM heads WHERE {span} ORDER BY text")
        urls = arrow(connection, f"SELECT DISTINCT url_key FROM copies WHERE {span} AND url_key <> ''")
    new = pa.table(
        {
            "capture_id": heads["capture_id"],
            "document_id": heads["capture_id"],
            "url_key": heads["url_key"],
            "signature_version": pa.array([0] * heads.num_rows, pa.int32()),
            **{name: heads[name] for name in ("skeleton", "shingles", "bands")},
        }
    ).cast(SIGNATURES)
    found = find_candidates(new, urls["url_key"].to_pylist(), signature_files, settings, index)
    text_of = {skeleton: first + row for row, skeleton in enumerate(heads["skeleton"].to_pylist())}
    same = [
        (text_of[key], key, found.skeletons[key][0] if found.skeletons[key][1] == capture else None, capture)
        for capture, key in found.skeleton_of.items()
    ]
    tables = {
        "near": _table(
            ("text", "document_id"), [(first + text, document) for text, document in found.stored]
        ),
        "same": _table(("text", "skeleton", "document_id", "capture_id"), same),
        "urls": _table(
            ("url_key", "document_id"), [(key, one) for key, many in found.urls.items() for one in many]
        ),
    }
    for name, table in tables.items():
        (folder / "stored" / name).mkdir(parents=True, exist_ok=True)
        pq.write_table(table, folder / "stored" / name / f"{first:09d}.parquet")


def _table(names: Sequence[str], rows: Sequence[tuple[object, ...]]) -> pa.Table:
    types = {name: pa.int64() if name == "text" else pa.string() for name in names}
    columns = zip(*rows, strict=True) if rows else ([] for _ in names)
    return pa.table(
        {name: pa.array(column, types[name]) for name, column in zip(names, columns, strict=True)}
    )


NO_STORED: Final = {
    "near": "SELECT NULL::BIGINT AS text, NULL::VARCHAR AS document_id WHERE false",
    "same": "SELECT NULL::BIGINT AS text, NULL::VARCHAR AS skeleton, NULL::VARCHAR AS document_id, "
    "NULL::VARCHAR AS capture_id WHERE false",
    "urls": "SELECT NULL::VARCHAR AS url_key, NULL::VARCHAR AS document_id WHERE false",
}


def stored(folder: Path, name: str) -> str:
    """SQL for the rows of one kind of what the stored signatures say."""
    return parquet(parts(folder, f"stored/{name}"), NO_STORED[name])


def find_documents(folder: Path, texts: int, document_files: Sequence[str], settings: DedupeSettings) -> None:
    """The stored documents that new texts may belong to; writes `documents`, numbered behind the texts.

    Their texts are gathered here in one pass over the row groups that have some; whoever compares reads them alone.
    """
    schema = pa.schema(
        [*RANKED, ("document_id", pa.string()), ("skeleton", pa.string()), ("node", pa.int64())]
    )
    wanted = " UNION ".join(f"SELECT document_id FROM {stored(folder, name)}" for name in NO_STORED)
    with database(settings) as connection:
        ids = arrow(connection, wanted)["document_id"].drop_null().to_pylist()
        same = arrow(
            connection,
            "SELECT capture_id, any_value(skeleton) AS skeleton FROM "
            f"(SELECT capture_id, skeleton FROM {stored(folder, 'same')}) GROUP BY capture_id",
        )
    skeleton_of = dict(zip(same["capture_id"].to_pylist(), same["skeleton"].to_pylist(), strict=True))
    columns = ["document_id", "capture_id", "url", "captured_at", "quality", "text"]
    found = [schema.empty_table()]
    rows = 0
    kept = folder / "texts" / "stored.parquet"
    with pq.ParquetWriter(kept, TEXT, **PASSING) as writer:
        for table in read_documents(document_files, ids, columns):
            writer.write_table(table.select(["text"]).cast(TEXT), row_group_size=TEXTS_TOGETHER)
            values = {name: table[name] for name in schema.names if name in table.column_names}
            characters = pc.fill_null(pc.struct_field(table["quality"], "characters"), 0)
            values |= rank_columns(table.append_column("characters", characters), settings)
            values["file"] = pa.array([str(kept)] * table.num_rows, pa.string())
            values["row"] = pa.array(range(rows, rows + table.num_rows), pa.int64())
            urls = table["url"].to_pylist()
            values["url_key"] = pa.array([url_key(url) or "" for url in urls], pa.string())
            skeletons = [skeleton_of.get(capture, "") for capture in table["capture_id"].to_pylist()]
            values["skeleton"] = pa.array(skeletons, pa.string())
            values["node"] = pa.nulls(table.num_rows, pa.int64())
            found.append(pa.table({name: values[name] for name in schema.names}).cast(schema))
            rows += table.num_rows
    ordered = pa.concat_tables(found).sort_by("document_id")
    nodes = pa.array(range(texts, texts + ordered.num_rows), pa.int64())
    ordered = ordered.set_column(schema.get_field_index("node"), schema.field("node"), nodes)
    pq.write_table(ordered, folder / "documents.parquet", compression="zstd")


def find_pairs(folder: Path, settings: DedupeSettings) -> list[list[str]]:
    """Gather the pairs to compare; writes `pairs` in row groups that are batches; returns the files each names.

    A batch touches `batch_documents` texts at most, and pairs of connected texts lie close together,
    so that few texts are read twice.
    """
    nothing = "SELECT NULL::BIGINT AS a, NULL::BIGINT AS b, NULL::INTEGER AS shared WHERE false"
    with files(folder, settings) as connection:
        connection.execute(
            _PAIRS.format(
                partial=parquet(parts(folder, "partial"), nothing),
                stored=stored(folder, "near"),
                urls=stored(folder, "urls"),
                min_shared=settings.min_shared,
                candidates=settings.candidates,
            )
        )
        pairs = arrow(connection, "SELECT a, b, near, revision FROM pairs ORDER BY a, b")
    a, b = pairs["a"].to_numpy(), pairs["b"].to_numpy()
    labels = components(a, b, int(max(a.max(initial=-1), b.max(initial=-1))) + 1)
    order = np.lexsort((a, b, labels[a]))
    batch = max(1, settings.batch_documents // 2)
    ordered = pairs.take(order)
    # Rows of heads and documents stand in the order of their numbers; names of files are kept once each.
    tables = [
        pq.read_table(folder / f"{name}.parquet", columns=["file", "row"], read_dictionary=["file"])
        for name in ("heads", "documents")
    ]
    places = pa.concat_tables(tables, promote_options="permissive")
    places = places.unify_dictionaries().combine_chunks()
    for side in "ab":
        at = places.take(ordered[side])
        ordered = ordered.append_column(f"{side}_file", at["file"]).append_column(f"{side}_row", at["row"])
    pq.write_table(ordered, folder / "pairs.parquet", row_group_size=batch)
    # Each name once, however many batches name it: they are thousands, and so are the batches.
    names = places["file"].chunk(0).dictionary.to_pylist() if len(order) else []
    batches = (ordered.slice(start, batch) for start in range(0, len(order), batch))
    return [
        sorted(names[code] for code in {*_codes(one["a_file"]), *_codes(one["b_file"])}) for one in batches
    ]


def _codes(column: pa.ChunkedArray) -> list[int]:
    """The dictionary's numbers of the values that occur."""
    return pc.unique(column.combine_chunks().indices).to_pylist()  # type: ignore[no-any-return] # Arrow is untyped


def components(a: Numbers, b: Numbers, count: int) -> Numbers:
    """The smallest node of the component of each of `count` nodes, by the edges (a, b)."""
    labels = np.arange(count)
    while True:
        least = np.minimum(labels[a], labels[b])
        before = labels.copy()
        # Hook the roots, then let every node follow its root to the end.
        np.minimum.at(labels, labels[a], least)
        np.minimum.at(labels, labels[b], least)
        while True:
            jumped = labels[labels]
            if np.array_equal(jumped, labels):
                break
            labels = jumped
        if np.array_equal(labels, before):
            return labels


__all__ = [
    "NO_STORED",
    "components",
    "files",
    "find_documents",
    "find_pairs",
    "number_texts",
    "pairs_of_part",
    "parts",
    "save",
    "stored",
    "stored_of_slice",
]
