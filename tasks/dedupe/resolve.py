"""Every kept capture of a run gets its document; every document its canonical copy.

Matching goes in steps whose pieces are independent of each other, so that `each` may spread them over
workers: sign (some shards), join (a part of the hashes; a slice of the texts with the stored), compare (a
batch of pairs), decide (a batch of whole components). Between them, `aside`, one process orders files
within a memory limit. Nothing grows with the number of captures but files and a few numbers a text.
A piece reads what its arguments name and returns what it wrote, so that it can travel (tasks/carry.py).
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, ParamSpec, Protocol, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from config.settings import DedupeSettings
from tasks.dedupe.clusters import Evidence, Node
from tasks.dedupe.copies import Copy, Place, read_texts
from tasks.dedupe.database import arrow, database, parquet
from tasks.dedupe.index import forget_lookups, make_lookup
from tasks.dedupe.match import Prepared, Relation, Verdict, compare
from tasks.dedupe.pairs import (
    NO_STORED,
    components,
    files,
    find_documents,
    find_pairs,
    number_texts,
    pairs_of_part,
    parts,
    save,
    stored,
    stored_of_slice,
)
from tasks.dedupe.report import Resolution, report
from tasks.dedupe.signatures import SIGNATURE_VERSION
from tasks.dedupe.signed import copy_of, sign_files
from tasks.tables import SIGNATURES

_VERDICTS: Final = pa.schema(
    [
        ("a", pa.int64()),
        ("b", pa.int64()),
        ("near", pa.bool_()),
        ("revision", pa.bool_()),
        ("relation", pa.string()),
        ("jaccard", pa.float64()),
        ("containment", pa.float64()),
        ("a_in_b", pa.bool_()),
        ("cover", pa.uint64()),
        ("difference", pa.string()),
    ]
)
_HELD: Final = """
SELECT DISTINCT c.text, b.document_id, b.capture_id FROM copies c JOIN {before} b USING (capture_id)
WHERE b.document_id IS NOT NULL
"""
_NO_BEFORE: Final = "SELECT NULL::VARCHAR AS capture_id, NULL::VARCHAR AS document_id WHERE false"
_TEXT_FILES: Final = 256
"""Files that the texts of a run are put into at most: each batch of pairs wants some of most of them."""
_GROUP: Final = 8192
"""Rows of a row group where a batch is looked for among others."""


P = ParamSpec("P")
R = TypeVar("R")


class Each(Protocol):
    """Calls a function once for each tuple of arguments, in any order, perhaps on several workers."""

    def __call__(self, function: Callable[..., object], arguments: Iterable[tuple[Any, ...]]) -> None: ...


class Aside(Protocol):
    """Calls a function that holds much for a while, best in a process that ends behind it."""

    def __call__(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R: ...


def here(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """As Aside, in this process."""
    return function(*args, **kwargs)


@dataclass(frozen=True, slots=True)
class Matched:
    """What matching decided, in files: the tables of Resolution."""

    folder: Path

    def files(self, table: str) -> list[str]:
        """Parquet files of `captures`, `superseded`, `documents` or `signatures`."""
        return parts(self.folder, f"decided/{table}")

    def read(self) -> Resolution:
        """All tables in memory, each ordered by its first column."""
        tables = {}
        for name, empty in zip(Resolution._fields, Resolution.empty(), strict=True):
            table = pa.concat_tables(
                [empty, *(pq.read_table(file, schema=empty.schema) for file in self.files(name))]
            )
            tables[name] = table.sort_by(empty.column_names[0]).combine_chunks()
        return Resolution(**tables)


def match(
    folder: Path,
    cleaned_files: Sequence[str],
    signature_files: Sequence[str],
    document_files: Sequence[str],
    settings: DedupeSettings,
    *,
    before: Sequence[str] = (),
    index: Path | None = None,
    each: Each,
    aside: Aside = here,
) -> Matched:
    """Match the kept captures of a run with each other and with the stored corpus.

    In: Parquet files of CLEANED (this run; every capture once), of SIGNATURES and of DOCUMENTS (the
    snapshot the run started from); `before`, the ledger whose documents keep their ids when the corpus is
    cleaned anew; `index`, the folder of the lookups of the stored signatures (see index.py; without one
    they are made for this call). Works in `folder`, which is emptied first. The result does not depend
    on the order or the number of files or workers. Raises SignatureVersionError.
    """
    shutil.rmtree(folder, ignore_errors=True)
    for name in (
        "signed",
        "texts",
        "partial",
        "stored",
        "verdicts",
        *(f"decided/{name}" for name in Resolution._fields),
    ):
        (folder / name).mkdir(parents=True)

    def out(name: str, number: int) -> Path:
        return folder / name / f"{number:06d}.parquet"

    together = -(-len(cleaned_files) // _TEXT_FILES)
    groups = [
        cleaned_files[start : start + together] for start in range(0, len(cleaned_files), together or 1)
    ]
    signing = [
        ([Path(file) for file in group], out("signed", number), texts, str(texts), settings)
        for number, group in enumerate(groups)
        for texts in [out("texts", number)]
    ]
    each(sign_files, signing)
    texts = aside(number_texts, folder, settings)
    of = max(1, -(-texts // settings.part_texts))
    heads = folder / "heads.parquet"
    each(pairs_of_part, [(heads, out("partial", part), part, of, settings) for part in range(of)])
    if signature_files:
        lookups = index or folder / "index"
        forget_lookups(signature_files, lookups)
        each(make_lookup, [(file, lookups) for file in signature_files])
        step = settings.part_texts
        slices = [
            (folder, first, step, signature_files, lookups, settings) for first in range(0, texts, step)
        ]
        each(stored_of_slice, slices)
    aside(find_documents, folder, texts, document_files, settings)
    pairs = folder / "pairs.parquet"
    paths: dict[str, Path] = {}
    comparing = [
        (
            pairs,
            number,
            {file: paths.setdefault(file, Path(file)) for file in named},
            out("verdicts", number),
            settings,
        )
        for number, named in enumerate(aside(find_pairs, folder, settings))
    ]
    each(compare_batch, comparing)
    batches = aside(gather, folder, texts, before, settings)
    gathered = Gathered.of(folder)
    each(decide_batch, [(gathered, number, folder / "decided", settings) for number in range(batches)])
    return Matched(folder)


def resolve(
    cleaned_files: Sequence[str],
    signature_files: Sequence[str],
    document_files: Sequence[str],
    settings: DedupeSettings,
    *,
    before: Sequence[str] = (),
) -> Resolution:
    """As `match`, here and in memory."""

    def all_here(function: Callable[..., object], arguments: Iterable[tuple[Any, ...]]) -> None:
        for one in arguments:
            function(*one)

    with tempfile.TemporaryDirectory(prefix="qingyuan-") as folder:
        at = Path(folder) / "match"
        return match(
            at, cleaned_files, signature_files, document_files, settings, before=before, each=all_here
        ).read()


def compare_batch(
    pairs: Path, number: int, files: Mapping[str, Path], out: Path, settings: DedupeSettings
) -> list[Path]:
    """Compare the pairs of a batch, whose texts lie in `files`; writes those that say anything, for `verdicts/`."""
    with pq.ParquetFile(pairs) as file:
        rows = file.read_row_group(number).to_pylist()
    places = [tuple((row[f"{side}_file"], row[f"{side}_row"]) for side in "ab") for row in rows]
    last = {place: at for at, both in enumerate(places) for place in both}
    texts = read_texts(last, files)
    # Pairs of connected texts stand together: what is prepared is needed for a while only.
    prepared: dict[Place, Prepared] = {}
    found = []
    for at, (row, both) in enumerate(zip(rows, places, strict=True)):
        for place in both:
            if place not in prepared:
                prepared[place] = Prepared.of(texts[place])
        one, other = (prepared[place] for place in both)
        verdict = compare(one, other, settings)
        for place in both:
            if last[place] == at:
                prepared.pop(place, None)
        near = row["near"] and (verdict.relation is not Relation.DIFFERENT or verdict.cover > 0)
        revision = row["revision"] and verdict.containment >= settings.revision_similarity
        if near or revision:
            found.append(
                {
                    "a": row["a"],
                    "b": row["b"],
                    "near": near,
                    "revision": revision,
                    "relation": str(verdict.relation),
                }
                | {name: getattr(verdict, name) for name in _VERDICTS.names[5:]}
            )
    pq.write_table(pa.Table.from_pylist(found, schema=_VERDICTS), out)
    return [out]


@dataclass(frozen=True, slots=True)
class Gathered:
    """All that decisions rest on: files of the folder, whose batches are those of `gather`."""

    members: Path
    judged: Path
    documents: Path
    same: tuple[Path, ...]
    """Stored captures with an equal skeleton."""

    @classmethod
    def of(cls, folder: Path) -> Gathered:
        """Those of a folder."""
        return cls(
            folder / "members.parquet",
            folder / "judged.parquet",
            folder / "documents.parquet",
            tuple(Path(file) for file in parts(folder, "stored/same")),
        )


def gather(folder: Path, texts: int, before: Sequence[str], settings: DedupeSettings) -> int:
    """Put texts that have to do with each other into one batch; writes `members` and `judged`.

    Texts belong together that were compared with a result, have the skeleton of one stored document, or
    belonged to one document before. Returns the number of batches.
    """
    with files(folder, settings) as connection:
        connection.register("none", _VERDICTS.empty_table())
        verdicts = parquet(parts(folder, "verdicts"), "FROM none")
        connection.execute(f"CREATE TABLE held AS {_HELD.format(before=parquet(before, _NO_BEFORE))}")
        # Documents of before are nodes behind the stored ones; a capture whose id is one belongs to it too.
        edges = arrow(
            connection,
            f"""
            WITH last AS (SELECT coalesce(max(node), {texts - 1}) AS node FROM documents),
            names AS (SELECT document_id, row_number() OVER (ORDER BY document_id) + node AS node
                      FROM (SELECT DISTINCT document_id FROM held), last)
            SELECT a, b FROM {verdicts}
            UNION ALL SELECT s.text, d.node FROM {stored(folder, "same")} s JOIN documents d USING (document_id)
            UNION ALL SELECT h.text, n.node FROM held h JOIN names n USING (document_id)
            UNION ALL SELECT c.text, n.node FROM copies c JOIN names n ON n.document_id = c.capture_id
            """,
        )
        a, b = edges["a"].to_numpy(), edges["b"].to_numpy()
        count = max(int(b.max(initial=-1)), int(a.max(initial=-1)), texts - 1) + 1
        labels = components(a, b, count)[:texts]
        sizes = arrow(connection, "SELECT text, count(*) AS size FROM copies GROUP BY text ORDER BY text")[
            "size"
        ]
        order = np.argsort(labels, kind="stable")
        ends = np.cumsum(sizes.to_numpy()[order]) // settings.batch_documents
        ordered = labels[order]
        starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))[:texts]
        number = np.repeat(ends[starts], np.diff(np.append(starts, texts)))
        batch = np.empty(texts, np.int64)
        batch[order] = np.unique(number, return_inverse=True)[1]
        connection.register("batches", pa.table({"text": np.arange(texts), "batch": batch}))
        save(
            connection,
            """
            SELECT m.batch, c.*, held.document_id AS held, h.shingles AS head_shingles, h.bands
            FROM copies c JOIN batches m USING (text) LEFT JOIN held USING (capture_id)
            LEFT JOIN heads h USING (capture_id) ORDER BY m.batch, c.text
            """,
            folder / "members.parquet",
            group=_GROUP,
        )
        save(
            connection,
            f"SELECT m.batch, v.* FROM {verdicts} v JOIN batches m ON m.text = v.a ORDER BY m.batch, v.a, v.b",
            folder / "judged.parquet",
            group=_GROUP,
        )
    return int(batch.max(initial=-1)) + 1


def decide_batch(gathered: Gathered, number: int, out: Path, settings: DedupeSettings) -> list[Path]:
    """Say what becomes of the captures of a batch; writes the tables of Resolution below the folder `out`."""

    def rows(connection: Any, file: Path, order: str) -> pa.Table:
        query = f"SELECT * FROM {parquet([str(file)], '')} WHERE batch = {number} ORDER BY {order}"
        return arrow(connection, query)

    with database(settings) as connection:
        members = rows(connection, gathered.members, "text, capture_id")
        judged = rows(connection, gathered.judged, "a, b").to_pylist()
        connection.register("members", members.select(["text"]))
        same = arrow(
            connection,
            f"SELECT * FROM {parquet([str(file) for file in gathered.same], NO_STORED['same'])} "
            "WHERE text IN (SELECT text FROM members) AND document_id IS NOT NULL",
        ).to_pylist()
        connection.register(
            "wanted",
            pa.table({"node": [row["b"] for row in judged], "id": pa.nulls(len(judged), pa.string())}),
        )
        connection.register(
            "named", pa.table({"id": pa.array([row["document_id"] for row in same], pa.string())})
        )
        documents = arrow(
            connection,
            f"SELECT * FROM {parquet([str(gathered.documents)], '')} "
            "WHERE node IN (SELECT node FROM wanted) OR document_id IN (SELECT id FROM named)",
        ).to_pylist()
    described = members.drop_columns(["bands", "head_shingles"]).to_pylist()
    texts, place_of = _texts(described)
    node_of: dict[int, Node] = {**place_of, **{row["node"]: row["document_id"] for row in documents}}
    known = {row["document_id"]: copy_of(row) for row in documents}
    verdicts: dict[str, dict[tuple[int, Node], Verdict]] = {"near": {}, "revision": {}}
    for row in judged:
        fields = (row[name] for name in _VERDICTS.names[5:])
        verdict = Verdict(Relation(row["relation"]), *fields)
        for kind, chosen in verdicts.items():
            if row[kind]:
                chosen[place_of[row["a"]], node_of[row["b"]]] = verdict
    evidence = Evidence(
        texts=texts,
        stored=known,
        skeletons={
            place_of[row["text"]]: (row["document_id"], row["capture_id"])
            for row in same
            if row["document_id"] in known
        },
        verdicts=verdicts["near"],
        revisions=verdicts["revision"],
        held={row["capture_id"]: row["held"] for row in described if row["held"]},
    )
    resolution = report(evidence, _signatures(members), settings)
    written = []
    for name, table in resolution._asdict().items():
        if table.num_rows:
            (out / name).mkdir(exist_ok=True)
            written.append(out / name / f"{number:06d}.parquet")
            pq.write_table(table, written[-1])
    return written


def _texts(rows: Sequence[dict[str, Any]]) -> tuple[list[list[Copy]], dict[int, int]]:
    """The copies of each text, best first, and the place of each text in the list by its number."""
    groups: dict[int, list[Copy]] = {}
    for row in rows:
        groups.setdefault(row["text"], []).append(copy_of(row))
    place_of = {text: place for place, text in enumerate(groups)}
    return [sorted(group, key=lambda copy: copy.rank) for group in groups.values()], place_of


def _signatures(members: pa.Table) -> pa.Table:
    """SIGNATURES of all captures of a batch: that of a text's best copy is that of all."""
    heads = members.filter(pc.is_valid(members["bands"]))
    row_of = {text: row for row, text in enumerate(heads["text"].to_pylist())}
    rows = pa.array([row_of[text] for text in members["text"].to_pylist()], pa.int64())
    columns = {
        "capture_id": members["capture_id"],
        "document_id": members["capture_id"],
        "url_key": members["url_key"],
        "signature_version": pa.array([SIGNATURE_VERSION] * len(rows), pa.int32()),
        "skeleton": members["skeleton"],
        "shingles": heads["head_shingles"].take(rows),
        "bands": heads["bands"].take(rows),
    }
    return pa.table(columns).cast(SIGNATURES)


__all__ = ["Aside", "Each", "Matched", "Resolution", "match", "resolve"]
