"""Every kept capture of a run gets its document; every document its canonical copy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from config.settings import DedupeSettings
from tasks.dedupe.candidates import Candidates, find_candidates
from tasks.dedupe.clusters import Evidence, Node
from tasks.dedupe.copies import Copy, read_documents, read_new, read_texts
from tasks.dedupe.match import Prepared, Verdict, compare
from tasks.dedupe.report import Resolution, report


def resolve(
    cleaned_files: Sequence[str],
    signature_files: Sequence[str],
    document_files: Sequence[str],
    settings: DedupeSettings,
    *,
    held: Mapping[str, str] | None = None,
    index: Path | None = None,
) -> Resolution:
    """Match the kept captures of a run with each other and with the stored corpus.

    In: Parquet files of CLEANED (this run; every capture once), of SIGNATURES and of DOCUMENTS (the
    snapshot the run started from). The result does not depend on the order or the number of files.
    Texts are read for the pairs compared, `batch_documents` at a time. `held` (capture -> document) keeps
    the ids of documents when the corpus is cleaned anew. `index` is a folder for the lookups of the stored
    signatures (see index.py). Raises SignatureVersionError.
    """
    copies, signatures = read_new(cleaned_files, settings)
    texts = _texts(copies)
    row_of = {copy.capture_id: row for row, copy in enumerate(copies)}
    heads = signatures.take(pa.array([row_of[text[0].capture_id] for text in texts], pa.int64()))
    addresses = {copy.url_key for copy in copies if copy.url_key}
    candidates = find_candidates(heads, addresses, signature_files, settings, index)
    stored = {
        document_id: replace(copy, skeleton=candidates.skeleton_of.get(copy.capture_id, ""))
        for document_id, copy in read_documents(document_files, _documents_in(candidates), settings).items()
    }
    revision_pairs = _revision_pairs(texts, candidates, stored)
    near_pairs: set[tuple[int, Node]] = {*candidates.among}
    near_pairs.update((text, document) for text, document in candidates.stored if document in stored)
    near_pairs.update(
        (number, document)
        for number, text in enumerate(texts)
        for copy in text
        for document in candidates.urls.get(copy.url_key, ())
        if document in stored
    )
    compared = dict(
        _compare(near_pairs | revision_pairs, texts, stored, cleaned_files, document_files, settings)
    )
    evidence = Evidence(
        texts=texts,
        stored=stored,
        skeletons={
            number: candidates.skeletons[text[0].skeleton]
            for number, text in enumerate(texts)
            if text[0].skeleton in candidates.skeletons
            and candidates.skeletons[text[0].skeleton][0] in stored
        },
        verdicts={pair: verdict for pair, verdict in compared.items() if pair in near_pairs},
        revisions={
            pair: compared[pair]
            for pair in revision_pairs
            if compared[pair].containment >= settings.revision_similarity
        },
        held=held or {},
    )
    return report(evidence, signatures, settings)


def _texts(copies: Sequence[Copy]) -> list[list[Copy]]:
    """Copies with one skeleton together, best first; the groups in the order of their best copies' ids."""
    groups: dict[str, list[Copy]] = {}
    for copy in copies:
        groups.setdefault(copy.skeleton or f"none {copy.capture_id}", []).append(copy)
    texts = [sorted(group, key=lambda copy: copy.rank) for group in groups.values()]
    return sorted(texts, key=lambda text: text[0].capture_id)


def _documents_in(candidates: Candidates) -> set[str]:
    return (
        {document for document, _ in candidates.skeletons.values()}
        | {document for documents in candidates.urls.values() for document in documents}
        | {document for _, document in candidates.stored}
    )


def _revision_pairs(
    texts: Sequence[Sequence[Copy]], candidates: Candidates, stored: Mapping[str, Copy]
) -> set[tuple[int, Node]]:
    """Pairs of different texts of one address: the newest with each older one, each with the stored copy."""
    by_url: dict[str, list[tuple[Any, ...]]] = {}
    pairs: set[tuple[int, Node]] = set()
    for number, text in enumerate(texts):
        for copy in text:
            if copy.url_key:
                known = copy.captured_at is not None
                by_url.setdefault(copy.url_key, []).append(
                    (known, copy.rank.captured_at, copy.capture_id, number)
                )
                pairs.update(
                    (number, document)
                    for document in candidates.urls.get(copy.url_key, ())
                    if document in stored and stored[document].url_key == copy.url_key
                )
    for seen in by_url.values():
        newest = max(seen)[-1]
        pairs.update((max(newest, one[-1]), min(newest, one[-1])) for one in seen if one[-1] != newest)
    return pairs


def _compare(
    pairs: set[tuple[int, Node]],
    texts: Sequence[Sequence[Copy]],
    stored: Mapping[str, Copy],
    cleaned_files: Sequence[str],
    document_files: Sequence[str],
    settings: DedupeSettings,
) -> Iterator[tuple[tuple[int, Node], Verdict]]:
    places = {document_id: copy.place for document_id, copy in stored.items()}
    for batch in _batches(pairs, places, settings.batch_documents):
        wanted = {_copy(node, texts, stored) for pair in batch for node in pair}
        read = read_texts(wanted, cleaned_files, document_files)
        prepared = {capture_id: Prepared.of(text) for capture_id, text in read.items()}
        for a, b in batch:
            one, other = _copy(a, texts, stored), _copy(b, texts, stored)
            yield (a, b), compare(prepared[one.capture_id], prepared[other.capture_id], settings)


def _copy(node: Node, texts: Sequence[Sequence[Copy]], stored: Mapping[str, Copy]) -> Copy:
    return stored[node] if isinstance(node, str) else texts[node][0]


def _batches(
    pairs: set[tuple[int, Node]], places: Mapping[str, tuple[int, int]], limit: int
) -> Iterator[list[tuple[int, Node]]]:
    """Pairs in batches that touch at most `limit` texts; pairs of connected texts lie close together.

    They follow the places of the stored texts, so that the files of documents are read about once.
    """
    parent: dict[Node, Node] = {}

    def root(node: Node) -> Node:
        while parent.setdefault(node, node) != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for a, b in sorted(pairs, key=repr):
        parent[root(a)] = root(b)
    start: dict[Node, tuple[int, int]] = {}
    for _, b in pairs:
        if isinstance(b, str):
            start[root(b)] = min(places[b], start.get(root(b), places[b]))
    batch: list[tuple[int, Node]] = []
    touched: set[Node] = set()

    def order(pair: tuple[int, Node]) -> tuple[tuple[int, int], str, str, int]:
        gathered = root(pair[0])
        return start.get(gathered, (-1, -1)), repr(gathered), repr(pair[1]), pair[0]

    for a, b in sorted(pairs, key=order):
        if batch and len(touched) + (a not in touched) + (b not in touched) > limit:
            yield batch
            batch, touched = [], set()
        batch.append((a, b))
        touched |= {a, b}
    if batch:
        yield batch


__all__ = ["Resolution", "resolve"]
