"""Some new documents of a run, before and after cleaning, for its report.

Chosen so that every mixture of damage is seen before any is seen twice; the same run chooses the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain, groupby, zip_longest
from typing import Any, Final

import pyarrow.parquet as pq

from tasks.article import Article
from tasks.clean.sides import Row, side_by_side
from tasks.staging import Staging

_AROUND: Final = 1
"""Unchanged lines shown beside a changed one."""


@dataclass(frozen=True)
class Sample:
    """A document as a reader of the report sees it."""

    document_id: str
    title: str
    place: str
    """Url, or the locator where there is none."""
    published_at: str
    damage: tuple[str, ...]
    edits: list[dict[str, Any]]
    """What each rule did: rule, count, reason, before, after."""
    lines: list[Row | int]
    """Lines in their order; a number stands for so many unchanged ones."""
    left_out: int
    """Characters at the end that are not shown."""

    @property
    def places(self) -> int:
        """Changes made."""
        return sum(edit["count"] for edit in self.edits)


def choose(
    documents: Iterable[Mapping[str, Any]], staging: Staging, limit: int
) -> dict[str, tuple[str, str, int]]:
    """Pick up to `limit` documents whose capture was cleaned in this run, most kinds of damage first.

    `documents` have document_id, capture_id, damage, converted. Gives capture id: (document id, shard, row).
    Documents that other copies helped to settle are passed over: alone, their capture reads otherwise.
    """
    marks = pq.read_table(
        staging.exact, columns=["capture_id", "shard", "shard_row"], filters=[("mark", "=", "clean")]
    ).to_pydict()
    places = dict(zip(marks["capture_id"], zip(marks["shard"], marks["shard_row"], strict=True), strict=True))
    for shard in staging.shards("settled"):
        for name in pq.read_table(shard, columns=["capture_id"]).column(0).to_pylist():
            places.pop(name, None)
    kinds: dict[tuple[str, ...], list[tuple[str, str]]] = {}
    for row in documents:
        if row["capture_id"] in places:
            kind = (*sorted(row["damage"]), *filter(None, (row["converted"],)))
            kinds.setdefault(kind, []).append((row["document_id"], row["capture_id"]))
    queues = [sorted(kinds[kind])[:limit] for kind in sorted(kinds, key=lambda kind: (-len(kind), kind))]
    turns = filter(None, chain.from_iterable(zip_longest(*queues)))
    picked = list(turns)[:limit]
    return {capture: (document, *places[capture]) for document, capture in picked}


def sample_of(article: Article, document_id: str, characters: int) -> Sample:
    """What the report shows of a cleaned capture: `characters` of it, long unchanged stretches folded."""
    rows: list[Row] = []
    shown = 0
    all_rows = side_by_side(article.original, article.trail)
    for row in all_rows:
        shown += max(_length(row.before), _length(row.after))
        if shown > characters and rows:
            break
        rows.append(row)
    left_out = sum(_length(row.after) for row in all_rows[len(rows) :])
    capture = article.capture
    return Sample(
        document_id=document_id,
        title=article.metadata.title or "",
        place=capture.url or capture.locator,
        published_at=article.metadata.published_at or "",
        damage=article.damage,
        edits=article.edits,
        lines=list(_folded(rows)),
        left_out=left_out,
    )


def _length(pieces: Iterable[Any]) -> int:
    return sum(len(piece.text) for piece in pieces)


def _folded(rows: list[Row]) -> Iterable[Row | int]:
    for changed, group in groupby(rows, key=lambda row: row.changed):
        part = list(group)
        hidden = len(part) - 2 * _AROUND
        if changed or hidden < 2 or len(part) == len(rows):
            yield from part
        else:
            yield from part[:_AROUND]
            yield hidden
            yield from part[-_AROUND:]
