"""Matching in pieces: connected texts, and results that do not depend on how the work is divided."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from config.settings import DedupeSettings
from tasks.dedupe.pairs import components
from tasks.dedupe.resolve import resolve
from tests.corpus import generate
from tests.dedupe.support import Corpus, capture, write

NODES = 12


@given(st.lists(st.tuples(st.integers(0, NODES - 1), st.integers(0, NODES - 1)), max_size=20))
def test_components_are_those_of_a_walk(edges: list[tuple[int, int]]) -> None:
    """Each node is labelled with the smallest node that a walk along the edges reaches."""
    a, b = np.array([edge[0] for edge in edges], np.int64), np.array([edge[1] for edge in edges], np.int64)
    labels = components(a, b, NODES)
    for start in range(NODES):
        reached, found = {start}, [start]
        while found:
            node = found.pop()
            for edge in edges:
                if node in edge:
                    other = edge[0] + edge[1] - node
                    if other not in reached:
                        reached.add(other)
                        found.append(other)
        assert labels[start] == min(reached)


def test_parts_and_batches_leave_no_trace(tmp_path: Path) -> None:
    """Against a stored corpus and among each other: one piece of everything, or dozens."""
    samples = list(generate(160, 23))
    rows = [capture(sample.text, url=sample.url, captured_at=sample.captured_at) for sample in samples]
    corpus = Corpus(tmp_path)
    stored = [write(tmp_path / "stored.parquet", rows[:60])]
    corpus.commit(rows[:60], resolve(stored, [], [], DedupeSettings()))
    files = [write(tmp_path / f"{n}.parquet", rows[n : n + 30]) for n in range(60, 160, 30)]

    def matched(settings: DedupeSettings) -> object:
        return resolve(files, corpus.signature_files(), corpus.document_files(), settings)

    assert matched(DedupeSettings()) == matched(DedupeSettings(part_texts=9, batch_documents=8))
