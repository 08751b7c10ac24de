"""Which copies make one document, and which of them stands for it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from tasks.dedupe.copies import Copy
from tasks.dedupe.match import COVER_CELLS, Relation, Verdict

_COPIES: Final = (Relation.NEAR, Relation.CONTAINED)
_PART: Final = COVER_CELLS // 8
"""Cells a text covers at least to count as a part of a longer one."""
_WHOLE: Final = COVER_CELLS * 7 // 8
"""Cells a text covers at least to be the longer one rather than a part of it."""
_SAMPLE: Final = 200


@dataclass(slots=True)
class Evidence:
    """What is known of the texts of a run. A node is the number of a new text or the id of a stored document."""

    texts: Sequence[Sequence[Copy]]
    """New texts: the captures that share a skeleton, best first."""
    stored: Mapping[str, Copy]
    """Canonical copies of stored documents."""
    skeletons: Mapping[int, tuple[str, str]]
    """New text -> stored document, and its capture, with the same skeleton."""
    verdicts: Mapping[tuple[int, Node], Verdict]
    """Compared pairs; the first of a pair is a new text."""
    revisions: Mapping[tuple[int, Node], Verdict]
    """Pairs of texts of one address that are revisions of one page."""
    held: Mapping[str, str] = field(default_factory=dict)
    """New capture -> document it belonged to before the corpus was cleaned anew."""


Node = int | str


@dataclass(slots=True)
class Document:
    """An article: its texts, and the copy they were compared with."""

    document_id: str
    reference: Node
    texts: list[int] = field(default_factory=list)


def edges(evidence: Evidence) -> tuple[dict[tuple[int, Node], Verdict], list[tuple[Node, Node]]]:
    """Pairs that are copies, and pairs (longer, shorter) where one text only contains the other.

    A text that contains two others which do not overlap (two articles glued together, the pages of an
    article and the whole) is a copy of neither, though each of them lies in it.
    """
    parts: dict[Node, list[int]] = {}
    for (a, b), verdict in evidence.verdicts.items():
        if verdict.cover.bit_count() >= _PART:
            parts.setdefault(b if verdict.a_in_b else a, []).append(verdict.cover)
    glued = {node for node, covers in parts.items() if _disjoint(covers)}
    copies: dict[tuple[int, Node], Verdict] = {}
    links: list[tuple[Node, Node]] = []
    for (a, b), verdict in evidence.verdicts.items():
        longer, shorter = (b, a) if verdict.a_in_b else (a, b)
        part = longer in glued and 0 < verdict.cover.bit_count() < _WHOLE
        if verdict.relation in _COPIES and not part:
            copies[a, b] = verdict
        elif verdict.relation is Relation.LINKED or (verdict.relation in _COPIES and part):
            links.append((longer, shorter))
    return copies, links


def _disjoint(covers: Sequence[int]) -> bool:
    distinct = sorted(set(covers))
    # A text found in thousands of others needs no more than a sample of them.
    distinct = distinct[:: len(distinct) // _SAMPLE + 1]
    return any(
        (one & other).bit_count() * 10 <= min(one.bit_count(), other.bit_count())
        for number, one in enumerate(distinct)
        for other in distinct[:number]
    )


def cluster(evidence: Evidence, copies: Mapping[tuple[int, Node], Verdict]) -> list[Document]:
    """Gather new texts into documents.

    Revisions of one page stay together. A group of texts joins the stored document it is closest to
    (same skeleton, else same address, else highest similarity, then smallest id); stored documents are
    never merged. The rest gathers around reference copies: the texts with most copies first (then the
    greatest sum of similarities), each text joining the reference it is most similar to, so every member
    was compared with the reference itself and no chain of near copies joins different articles.
    """
    group_of, groups = _page_groups(len(evidence.texts), evidence.revisions)
    found: dict[int, tuple[int, float, str]] = {}
    neighbours: dict[int, dict[int, float]] = {number: {} for number in groups}
    for text, (same, _) in evidence.skeletons.items():
        _closer(found, group_of[text], (3, 1.0, same))
    for (a, b), verdict in evidence.revisions.items():
        if isinstance(b, str):
            _closer(found, group_of[a], (2, verdict.containment, b))
    for (a, b), verdict in copies.items():
        similarity = max(verdict.jaccard, verdict.containment * 0.5)
        if isinstance(b, str):
            _closer(found, group_of[a], (1, similarity, b))
        elif group_of[a] != group_of[b]:
            one, other = group_of[a], group_of[b]
            neighbours[one][other] = max(similarity, neighbours[one].get(other, 0.0))
            neighbours[other][one] = neighbours[one][other]
    documents: dict[str, Document] = {}
    for group, (_, _, document_id) in sorted(found.items()):
        joined = documents.setdefault(document_id, Document(document_id, document_id))
        joined.texts += groups[group]
    best = {group: min(evidence.texts[text][0].rank for text in texts) for group, texts in groups.items()}
    rest = [group for group in groups if group not in found]
    weight = {
        group: (-len(neighbours[group]), -round(sum(sorted(neighbours[group].values())), 6)) for group in rest
    }
    centres: dict[int, Document] = {}
    for group in sorted(rest, key=lambda number: (weight[number], best[number])):
        near = [
            (-value, best[other], other) for other, value in neighbours[group].items() if other in centres
        ]
        if near:
            centres[min(near)[2]].texts += groups[group]
        else:
            reference = min(groups[group], key=lambda text: evidence.texts[text][0].rank)
            centres[group] = Document("", reference, list(groups[group]))
    _name(list(centres.values()), evidence)
    return sorted([*documents.values(), *centres.values()], key=lambda document: document.document_id)


def _name(documents: Sequence[Document], evidence: Evidence) -> None:
    """Give new documents their ids: the one most of their captures held before, else the smallest capture id."""
    captures = [
        sorted(copy.capture_id for text in document.texts for copy in evidence.texts[text])
        for document in documents
    ]
    claims = [
        (-count, held, ids[0], number)
        for number, ids in enumerate(captures)
        for held, count in Counter(evidence.held[one] for one in ids if one in evidence.held).items()
    ]
    taken: set[str] = set(evidence.stored)
    for _, held, _, number in sorted(claims):
        if held not in taken and not documents[number].document_id:
            documents[number].document_id = held
            taken.add(held)
    reserved = taken | set(evidence.held.values())
    for document, ids in zip(documents, captures, strict=True):
        if not document.document_id:
            free = (one for one in ids if one not in reserved)
            document.document_id = next(free, hashlib.sha256(f"apart {ids[0]}".encode()).hexdigest()[:32])


def _closer(found: dict[int, tuple[int, float, str]], group: int, option: tuple[int, float, str]) -> None:
    old = found.get(group)
    if old is None or (-option[0], -option[1], option[2]) < (-old[0], -old[1], old[2]):
        found[group] = option


def _page_groups(count: int, pairs: Iterable[tuple[int, Node]]) -> tuple[list[int], dict[int, list[int]]]:
    """Groups of texts that are revisions of one page: group of each text, texts of each group."""
    parent = list(range(count))

    def root(text: int) -> int:
        while parent[text] != text:
            parent[text] = parent[parent[text]]
            text = parent[text]
        return text

    for a, b in pairs:
        if isinstance(b, int):
            one, other = sorted((root(a), root(b)))
            parent[other] = one
    group_of = [root(text) for text in range(count)]
    groups: dict[int, list[int]] = {}
    for text, group in enumerate(group_of):
        groups.setdefault(group, []).append(text)
    return group_of, groups


def outdated(copies: Iterable[Copy]) -> dict[str, Copy]:
    """Capture id -> the newest revision of its address, for copies of which a newer one is known."""
    by_url: dict[str, list[Copy]] = {}
    for copy in copies:
        if copy.url_key and copy.captured_at is not None:
            by_url.setdefault(copy.url_key, []).append(copy)
    old: dict[str, Copy] = {}
    for revisions in by_url.values():
        newest = max(revisions, key=lambda copy: (copy.rank.captured_at, copy.skeleton, copy.capture_id))
        first = min(
            (copy for copy in revisions if copy.skeleton and copy.skeleton == newest.skeleton),
            key=lambda copy: copy.rank,
            default=newest,
        )
        for copy in revisions:
            # Seen again unchanged is no revision: the first sight of the newest text stands for it.
            if copy.rank.captured_at < newest.rank.captured_at and copy.skeleton != newest.skeleton:
                old[copy.capture_id] = first
    return old


__all__ = ["Document", "Evidence", "Node", "cluster", "edges", "outdated"]
