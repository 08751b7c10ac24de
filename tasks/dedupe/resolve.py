"""Every kept capture of a run gets its document; every document its canonical copy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import pyarrow as pa

from config.settings import DedupeSettings
from tasks.dedupe.candidates import Candidates, find_candidates
from tasks.dedupe.clusters import Document, Evidence, Node, cluster, edges, outdated
from tasks.dedupe.copies import Copy, read_documents, read_new, read_texts
from tasks.dedupe.match import Prepared, Relation, Verdict, compare
from tasks.tables import CAPTURES, DOCUMENTS, Outcome

DECISIONS: Final = pa.schema(
    [
        CAPTURES.field(name)
        for name in (
            "capture_id",
            "outcome",
            "rule",
            "reason",
            "figure",
            "threshold",
            "document_id",
            "of_capture",
        )
    ]
)
"""What becomes of a capture: the columns of the ledger that matching decides."""

CHANGES: Final = pa.schema(
    [
        DOCUMENTS.field("document_id"),
        DOCUMENTS.field("capture_id"),
        pa.field(
            "replaces", pa.string(), metadata={"meaning": "stored canonical capture it takes the place of"}
        ),
        pa.field("new", pa.bool_(), nullable=False, metadata={"meaning": "whether the article is new"}),
        pa.field(
            "added", pa.int32(), nullable=False, metadata={"meaning": "captures that joined the article"}
        ),
        pa.field(
            "contains",
            pa.list_(pa.string()),
            nullable=False,
            metadata={"meaning": "articles newly found in it"},
        ),
    ]
)
"""Articles that are new, or whose canonical copy, members or contained articles change."""


class Resolution(NamedTuple):
    """What matching decided."""

    captures: pa.Table
    """DECISIONS: one row for each kept capture of the run."""
    superseded: pa.Table
    """DECISIONS: stored captures that are canonical no longer."""
    documents: pa.Table
    """CHANGES, ordered by document_id."""
    signatures: pa.Table
    """SIGNATURES of the captures that are kept, to be appended to the index."""


def resolve(
    cleaned_files: Sequence[str],
    signature_files: Sequence[str],
    document_files: Sequence[str],
    settings: DedupeSettings,
) -> Resolution:
    """Match the kept captures of a run with each other and with the stored corpus.

    In: Parquet files of CLEANED (this run; every capture once), of SIGNATURES and of DOCUMENTS (the
    snapshot the run started from). The result does not depend on the order or the number of files.
    Texts are read for the pairs compared, `batch_documents` at a time. Raises SignatureVersionError.
    """
    copies, signatures = read_new(cleaned_files, settings)
    texts = _texts(copies)
    row_of = {copy.capture_id: row for row, copy in enumerate(copies)}
    heads = signatures.take([row_of[text[0].capture_id] for text in texts])
    addresses = {copy.url_key for copy in copies if copy.url_key}
    candidates = find_candidates(heads, addresses, signature_files, settings)
    stored = read_documents(document_files, _documents_in(candidates), settings)
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
    )
    return _Report(evidence, settings).resolution(signatures, row_of)


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
    for batch in _batches(pairs, settings.batch_documents):
        wanted = {_copy(node, texts, stored) for pair in batch for node in pair}
        read = read_texts(wanted, cleaned_files, document_files, settings)
        prepared = {capture_id: Prepared.of(text) for capture_id, text in read.items()}
        for a, b in batch:
            one, other = _copy(a, texts, stored), _copy(b, texts, stored)
            yield (a, b), compare(prepared[one.capture_id], prepared[other.capture_id], settings)


def _copy(node: Node, texts: Sequence[Sequence[Copy]], stored: Mapping[str, Copy]) -> Copy:
    return stored[node] if isinstance(node, str) else texts[node][0]


def _batches(pairs: set[tuple[int, Node]], limit: int) -> Iterator[list[tuple[int, Node]]]:
    """Pairs in batches that touch at most `limit` texts; pairs of connected texts lie close together."""
    parent: dict[Node, Node] = {}

    def root(node: Node) -> Node:
        while parent.setdefault(node, node) != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for a, b in sorted(pairs, key=repr):
        parent[root(a)] = root(b)
    batch: list[tuple[int, Node]] = []
    touched: set[Node] = set()
    for a, b in sorted(pairs, key=lambda pair: (repr(root(pair[0])), repr(pair[1]), pair[0])):
        if batch and len(touched | {a, b}) > limit:
            yield batch
            batch, touched = [], set()
        batch.append((a, b))
        touched |= {a, b}
    if batch:
        yield batch


class _Report:
    """Turns evidence into decisions, with their reasons."""

    def __init__(self, evidence: Evidence, settings: DedupeSettings) -> None:
        self.evidence = evidence
        self.settings = settings
        self.copies, self.links = edges(evidence)
        self.documents = cluster(evidence, self.copies)
        self.verdicts: dict[Node, dict[Node, Verdict]] = {}
        for (a, b), verdict in self.copies.items():
            self.verdicts.setdefault(a, {})[b] = verdict
            self.verdicts.setdefault(b, {})[a] = verdict

    def resolution(self, signatures: pa.Table, row_of: Mapping[str, int]) -> Resolution:
        captures: list[dict[str, Any]] = []
        superseded: list[dict[str, Any]] = []
        changes: list[dict[str, Any]] = []
        document_of: dict[Node, str] = {document: document for document in self.evidence.stored}
        canonical_nodes: set[Node] = set()
        for document in self.documents:
            change, rows, replaced = self._document(document)
            captures += rows
            superseded += replaced
            changes.append(change)
            document_of.update(dict.fromkeys(document.texts, document.document_id))
            canonical_nodes.update(
                text
                for text in document.texts
                if any(copy.capture_id == change["capture_id"] for copy in self.evidence.texts[text])
            )
        changed = {change["document_id"]: change for change in changes}
        canonical_nodes.update(
            document
            for document in self.evidence.stored
            if document not in changed or changed[document]["replaces"] is None
        )
        for longer, shorter in self.links:
            outer, inner = document_of[longer], document_of[shorter]
            if outer == inner or longer not in canonical_nodes:
                continue
            if outer not in changed:
                changed[outer] = self._change(outer, self.evidence.stored[outer].capture_id, new=False)
            if inner not in changed[outer]["contains"]:
                changed[outer]["contains"].append(inner)
        for change in changed.values():
            change["contains"].sort()
        captures.sort(key=lambda row: str(row["capture_id"]))
        kept = [row for row in captures if row["outcome"] == Outcome.KEPT]
        rows = signatures.take([row_of[row["capture_id"]] for row in kept])
        documents = pa.array([row["document_id"] for row in kept], pa.string())
        position = rows.schema.get_field_index("document_id")
        return Resolution(
            captures=pa.Table.from_pylist(captures, schema=DECISIONS),
            superseded=pa.Table.from_pylist(superseded, schema=DECISIONS),
            documents=pa.Table.from_pylist([changed[key] for key in sorted(changed)], schema=CHANGES),
            signatures=rows.set_column(position, rows.schema.field(position), documents),
        )

    @staticmethod
    def _change(
        document_id: str, capture_id: str, *, new: bool, added: int = 0, replaces: str | None = None
    ) -> dict[str, Any]:
        return {
            "document_id": document_id,
            "capture_id": capture_id,
            "replaces": replaces,
            "new": new,
            "added": added,
            "contains": [],
        }

    def _document(
        self, document: Document
    ) -> tuple[dict[str, Any], list[dict[str, Any]], list[dict[str, Any]]]:
        """Change of the document, decisions on its new captures, decision on its stored canonical copy."""
        stored = self.evidence.stored.get(document.document_id)
        members = [copy for text in document.texts for copy in self.evidence.texts[text]]
        everyone = members + ([stored] if stored else [])
        old = outdated(everyone)
        canonical = min((copy for copy in everyone if copy.capture_id not in old), key=lambda copy: copy.rank)
        rows = [
            self._decision(copy, text, document, canonical, old)
            for text in document.texts
            for copy in self.evidence.texts[text]
        ]
        replaced: list[dict[str, Any]] = []
        replaces = None
        if stored and canonical is not stored:
            replaces = stored.capture_id
            newest = old.get(stored.capture_id)
            replaced.append(
                self._row(
                    stored,
                    Outcome.SUPERSEDED,
                    "dedupe.url" if newest else "dedupe.canonical",
                    f"a newer revision of the page was captured: {newest.capture_id}"
                    if newest
                    else f"a better copy of the article arrived: {canonical.rank.better_by(stored.rank)}",
                    document,
                    canonical,
                )
            )
        change = self._change(
            document.document_id,
            canonical.capture_id,
            new=stored is None,
            added=len(members),
            replaces=replaces,
        )
        return change, rows, replaced

    def _row(
        self,
        copy: Copy,
        outcome: Outcome,
        rule: str,
        reason: str,
        document: Document,
        of: Copy | str | None,
        figure: float | None = None,
        threshold: float | None = None,
    ) -> dict[str, Any]:
        return {
            "capture_id": copy.capture_id,
            "outcome": str(outcome),
            "rule": rule,
            "reason": reason,
            "figure": figure,
            "threshold": threshold,
            "document_id": document.document_id,
            "of_capture": of.capture_id if isinstance(of, Copy) else of,
        }

    def _decision(
        self, copy: Copy, text: int, document: Document, canonical: Copy, old: Mapping[str, Copy]
    ) -> dict[str, Any]:
        first = self.evidence.texts[text][0]
        if copy is canonical:
            return self._kept(copy, text, document, old)
        if copy.capture_id in old:
            newest = old[copy.capture_id]
            return self._row(
                copy,
                Outcome.SUPERSEDED,
                "dedupe.url",
                f"a newer revision of the page was captured: {newest.capture_id}",
                document,
                newest,
            )
        same = canonical if canonical in self.evidence.texts[text] else first
        if copy is not same:
            reason = f"same text as capture {same.capture_id}"
            if same is canonical:
                reason += f", the better copy: {same.rank.better_by(copy.rank)}"
            return self._row(copy, Outcome.DUPLICATE, "dedupe.skeleton", reason, document, same, 1.0, 1.0)
        if text in self.evidence.skeletons and self.evidence.skeletons[text][0] == document.document_id:
            other = self.evidence.skeletons[text][1]
            return self._row(
                copy,
                Outcome.DUPLICATE,
                "dedupe.skeleton",
                f"same text as capture {other}",
                document,
                other,
                1.0,
                1.0,
            )
        return self._near(copy, text, document, canonical)

    def _near(self, copy: Copy, text: int, document: Document, canonical: Copy) -> dict[str, Any]:
        known = self.verdicts.get(text, {})
        options = [
            (
                canonical not in self._members(node),
                node != document.reference,
                -verdict.jaccard,
                repr(node),
                node,
            )
            for node, verdict in known.items()
            if node == document.document_id or node in document.texts
        ]
        if not options:
            return self._row(
                copy,
                Outcome.DUPLICATE,
                "dedupe.url",
                f"another state of the page of capture {canonical.capture_id}",
                document,
                canonical,
            )
        node = min(options)[-1]
        verdict = known[node]
        other = self._members(node)[0]
        if canonical in self._members(node):
            other = canonical
        if verdict.relation is Relation.NEAR:
            rule, figure, limit, name = "dedupe.near", verdict.jaccard, self.settings.similarity, "similarity"
        else:
            rule, figure, limit, name = (
                "dedupe.contained",
                verdict.containment,
                self.settings.containment,
                "containment",
            )
        reason = f"{name} {figure:.3f} with capture {other.capture_id}, limit {limit:.2f}"
        if verdict.difference:
            reason += f"; {verdict.difference}"
        return self._row(copy, Outcome.DUPLICATE, rule, reason, document, other, round(figure, 6), limit)

    def _members(self, node: Node) -> Sequence[Copy]:
        return [self.evidence.stored[node]] if isinstance(node, str) else self.evidence.texts[node]

    def _kept(self, copy: Copy, text: int, document: Document, old: Mapping[str, Copy]) -> dict[str, Any]:
        stored = self.evidence.stored.get(document.document_id)
        others = [
            other
            for number in document.texts
            for other in self.evidence.texts[number]
            if other is not copy and other.capture_id not in old
        ] + ([stored] if stored and stored.capture_id not in old else [])
        if others:
            second = min(others, key=lambda other: other.rank)
            return self._row(
                copy,
                Outcome.KEPT,
                "dedupe.canonical",
                f"the best of {len(others) + 1} copies; the next is {second.capture_id}: {copy.rank.better_by(second.rank)}",
                document,
                None,
            )
        if old:
            return self._row(
                copy, Outcome.KEPT, "dedupe.url", "the newest revision of its page", document, None
            )
        return self._row(
            copy, Outcome.KEPT, "dedupe.unique", "no other copy of this article is known", document, None
        )


__all__ = ["CHANGES", "DECISIONS", "Resolution", "resolve"]
