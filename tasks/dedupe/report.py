"""What matching decided, row by row, each with its rule, its figure and a sentence of reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import pyarrow as pa

from config.settings import DedupeSettings
from tasks.dedupe.clusters import Document, Evidence, Node, cluster, edges, outdated
from tasks.dedupe.copies import Copy
from tasks.dedupe.match import Relation, Verdict
from tasks.tables import CAPTURES, DOCUMENTS, SIGNATURES, Outcome

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

    @classmethod
    def empty(cls) -> Resolution:
        """Nothing decided."""
        return cls(*(schema.empty_table() for schema in (DECISIONS, DECISIONS, CHANGES, SIGNATURES)))


class _Why(NamedTuple):
    """A decision on one capture."""

    outcome: Outcome
    rule: str
    reason: str
    of: str | None = None
    figure: float | None = None
    threshold: float | None = None

    def row(self, copy: Copy, document: Document) -> dict[str, Any]:
        """The row of DECISIONS."""
        return {
            "capture_id": copy.capture_id,
            "outcome": str(self.outcome),
            "rule": self.rule,
            "reason": self.reason,
            "figure": self.figure,
            "threshold": self.threshold,
            "document_id": document.document_id,
            "of_capture": self.of,
        }


@dataclass(frozen=True, slots=True)
class _Members:
    """The copies of a document and what stands for it."""

    document: Document
    stored: Copy | None
    copies: list[tuple[int, Copy]]
    """New copies with the number of their text."""
    old: Mapping[str, Copy]
    """Outdated capture -> newest revision of its page."""
    canonical: Copy

    @classmethod
    def of(cls, document: Document, evidence: Evidence) -> _Members:
        stored = evidence.stored.get(document.document_id)
        copies = [(text, copy) for text in document.texts for copy in evidence.texts[text]]
        everyone = [copy for _, copy in copies] + ([stored] if stored else [])
        old = outdated(everyone)
        current = (copy for copy in everyone if copy.capture_id not in old)
        return cls(document, stored, copies, old, min(current, key=lambda copy: copy.rank))

    def rivals(self) -> list[Copy]:
        """The other copies that might stand for the document."""
        everyone = [copy for _, copy in self.copies] + ([self.stored] if self.stored else [])
        return [copy for copy in everyone if copy is not self.canonical and copy.capture_id not in self.old]


def report(evidence: Evidence, signatures: pa.Table, settings: DedupeSettings) -> Resolution:
    """Gather the evidence into documents and say what becomes of every capture.

    In: the evidence, and the signatures of the new captures.
    """
    pairs, links = edges(evidence)
    known: dict[Node, dict[Node, Verdict]] = {}
    for (a, b), verdict in pairs.items():
        known.setdefault(a, {})[b] = verdict
        known.setdefault(b, {})[a] = verdict
    captures: list[dict[str, Any]] = []
    superseded: list[dict[str, Any]] = []
    changes: dict[str, dict[str, Any]] = {}
    document_of: dict[Node, str] = {document_id: document_id for document_id in evidence.stored}
    standing: set[Node] = set(evidence.stored)
    for document in cluster(evidence, pairs):
        members = _Members.of(document, evidence)
        canonical, stored = members.canonical, members.stored
        for text, copy in members.copies:
            captures.append(_decide(text, copy, members, evidence, known, settings).row(copy, document))
            document_of[text] = document.document_id
            if copy is canonical:
                standing.add(text)
        change = _change(document.document_id, canonical, new=stored is None, added=len(members.copies))
        if stored and canonical is not stored:
            superseded.append(_superseded(stored, members).row(stored, document))
            change["replaces"] = stored.capture_id
            standing.discard(document.document_id)
        changes[document.document_id] = change
    for longer, shorter in links:
        outer, inner = document_of[longer], document_of[shorter]
        if outer != inner and longer in standing:
            if outer not in changes:
                changes[outer] = _change(outer, evidence.stored[outer])
            changes[outer]["contains"] = sorted({*changes[outer]["contains"], inner})
    captures.sort(key=lambda row: str(row["capture_id"]))
    return Resolution(
        captures=pa.Table.from_pylist(captures, schema=DECISIONS),
        superseded=pa.Table.from_pylist(superseded, schema=DECISIONS),
        documents=pa.Table.from_pylist([changes[key] for key in sorted(changes)], schema=CHANGES),
        signatures=_signatures(captures, signatures),
    )


def _signatures(captures: Sequence[Mapping[str, Any]], signatures: pa.Table) -> pa.Table:
    """Signatures of the kept captures, with their documents."""
    kept = [row for row in captures if row["outcome"] == Outcome.KEPT]
    row_of = {capture_id: row for row, capture_id in enumerate(signatures["capture_id"].to_pylist())}
    rows = signatures.take(pa.array([row_of[row["capture_id"]] for row in kept], pa.int64()))
    documents = pa.array([row["document_id"] for row in kept], pa.string())
    place = rows.schema.get_field_index("document_id")
    return rows.set_column(place, rows.schema.field(place), documents)


def _change(document_id: str, canonical: Copy, *, new: bool = False, added: int = 0) -> dict[str, Any]:
    change = {"document_id": document_id, "capture_id": canonical.capture_id, "new": new, "added": added}
    return change | {"replaces": None, "contains": []}


def _superseded(stored: Copy, members: _Members) -> _Why:
    canonical = members.canonical
    if stored.capture_id in members.old:
        return _revised(stored, members)
    reason = f"a better copy of the article arrived: {canonical.rank.better_by(stored.rank)}"
    return _Why(Outcome.SUPERSEDED, "dedupe.canonical", reason, canonical.capture_id)


def _revised(copy: Copy, members: _Members) -> _Why:
    newest = members.old[copy.capture_id].capture_id
    reason = f"a newer revision of the page was captured: {newest}"
    return _Why(Outcome.SUPERSEDED, "dedupe.url", reason, newest)


def _decide(
    text: int,
    copy: Copy,
    members: _Members,
    evidence: Evidence,
    known: Mapping[Node, Mapping[Node, Verdict]],
    settings: DedupeSettings,
) -> _Why:
    if copy is members.canonical:
        return _kept(members)
    if copy.capture_id in members.old:
        return _revised(copy, members)
    group = evidence.texts[text]
    same = members.canonical if members.canonical in group else group[0]
    if copy is not same:
        reason = f"same text as capture {same.capture_id}"
        if same is members.canonical:
            reason += f", the better copy: {same.rank.better_by(copy.rank)}"
        return _Why(Outcome.DUPLICATE, "dedupe.skeleton", reason, same.capture_id, 1.0, 1.0)
    document_id, other = evidence.skeletons.get(text, (None, None))
    if document_id == members.document.document_id:
        return _Why(Outcome.DUPLICATE, "dedupe.skeleton", f"same text as capture {other}", other, 1.0, 1.0)
    return _similar(known.get(text, {}), members, evidence, settings)


def _kept(members: _Members) -> _Why:
    rivals = members.rivals()
    if rivals:
        second = min(rivals, key=lambda copy: copy.rank)
        better = members.canonical.rank.better_by(second.rank)
        reason = f"the best of {len(rivals) + 1} copies; the next is {second.capture_id}: {better}"
        return _Why(Outcome.KEPT, "dedupe.canonical", reason)
    if members.old:
        return _Why(Outcome.KEPT, "dedupe.url", "the newest revision of its page")
    return _Why(Outcome.KEPT, "dedupe.unique", "no other copy of this article is known")


def _similar(
    verdicts: Mapping[Node, Verdict], members: _Members, evidence: Evidence, settings: DedupeSettings
) -> _Why:
    """A near copy: of the canonical copy if they were compared, else of the reference, else of the nearest."""
    canonical, document = members.canonical, members.document

    def copies(node: Node) -> Sequence[Copy]:
        return [evidence.stored[node]] if isinstance(node, str) else evidence.texts[node]

    own = [node for node in verdicts if node == document.document_id or node in document.texts]
    if not own:
        reason = f"another state of the page of capture {canonical.capture_id}"
        return _Why(Outcome.DUPLICATE, "dedupe.url", reason, canonical.capture_id)
    node = min(
        own,
        key=lambda node: (
            canonical not in copies(node),
            node != document.reference,
            -verdicts[node].jaccard,
            copies(node)[0].capture_id,
        ),
    )
    verdict = verdicts[node]
    other = (canonical if canonical in copies(node) else copies(node)[0]).capture_id
    if verdict.relation is Relation.NEAR:
        rule, name, figure, limit = "dedupe.near", "similarity", verdict.jaccard, settings.similarity
    else:
        rule, name, figure, limit = (
            "dedupe.contained",
            "containment",
            verdict.containment,
            settings.containment,
        )
    reason = f"{name} {figure:.3f} with capture {other}, limit {limit:.2f}"
    if verdict.difference:
        reason += f"; {verdict.difference}"
    return _Why(Outcome.DUPLICATE, rule, reason, other, round(figure, 6), limit)


__all__ = ["CHANGES", "DECISIONS", "Resolution", "report"]
