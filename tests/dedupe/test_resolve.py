"""From kept captures to documents: who joins, who stands for the others, what the reasons say."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from config.settings import DedupeSettings
from tasks.dedupe.pairs import pairs_of_part
from tasks.dedupe.resolve import Resolution, resolve
from tasks.dedupe.siblings import find_doubts
from tasks.dedupe.signatures import SignatureVersionError
from tasks.tables import SIGNATURES
from tests.corpus import Sample, farm, generate, traditional
from tests.dedupe.support import Corpus, capture, write

SETTINGS = DedupeSettings()


@pytest.fixture(scope="module")
def samples() -> list[Sample]:
    return list(generate(200, 11))


@pytest.fixture(scope="module")
def articles(samples: list[Sample]) -> list[str]:
    """Texts of different articles, none glued to another."""
    return [sample.text for sample in samples if sample.kind == "original"]


def day(number: int) -> datetime:
    return datetime(2024, 3, number, tzinfo=UTC)


def run(
    folder: Path, rows: Sequence[dict[str, Any]], corpus: Corpus | None = None, per_file: int = 100
) -> Resolution:
    folder.mkdir(exist_ok=True)
    files = [
        write(folder / f"{start}.parquet", rows[start : start + per_file])
        for start in range(0, len(rows), per_file)
    ]
    if corpus is None:
        return resolve(files, [], [], SETTINGS)
    resolution = resolve(files, corpus.signature_files(), corpus.document_files(), SETTINGS)
    corpus.commit(rows, resolution)
    return resolution


def decisions(resolution: Resolution) -> dict[str, dict[str, Any]]:
    return {row["capture_id"]: row for row in resolution.captures.to_pylist()}


def test_result_depends_neither_on_order_nor_on_files(tmp_path: Path, samples: list[Sample]) -> None:
    rows = [capture(sample.text, url=sample.url, captured_at=sample.captured_at) for sample in samples]
    first = run(tmp_path / "a", rows, per_file=1000)
    Random(1).shuffle(rows)
    second = run(tmp_path / "b", rows, per_file=70)
    assert first == second
    assert first.captures.num_rows == len(rows)
    assert set(first.documents["document_id"].to_pylist()) == set(first.captures["document_id"].to_pylist())


def test_runs_one_after_the_other_find_the_same_articles(tmp_path: Path, samples: list[Sample]) -> None:
    chosen = [sample for sample in samples if sample.kind not in ("spun20", "glued")]
    corpus = Corpus(tmp_path)
    rows = [capture(sample.text, url=sample.url, captured_at=sample.captured_at) for sample in chosen]
    for number, start in enumerate(range(0, len(rows), 80)):
        run(tmp_path / str(number), rows[start : start + 80], corpus)
    found = {row["capture_id"]: corpus.captures[row["capture_id"]]["document_id"] for row in rows}
    by_origin: dict[str, set[str]] = {}
    for sample, row in zip(chosen, rows, strict=True):
        by_origin.setdefault(sample.origin, set()).add(found[row["capture_id"]])
    split = sum(len(documents) > 1 for documents in by_origin.values())
    assert split <= 0.05 * len(by_origin)
    assert len({document for documents in by_origin.values() for document in documents}) >= len(by_origin)
    kept = [row for row in corpus.captures.values() if row["outcome"] == "kept"]
    assert {row["document_id"]: row["capture_id"] for row in kept} == {
        document: row["capture_id"] for document, row in corpus.documents.items()
    }
    assert sum(row["members"] for row in corpus.documents.values()) == len(rows)


def test_better_copy_that_comes_later_replaces_the_text_and_the_id_stays(
    tmp_path: Path, articles: list[str]
) -> None:
    corpus = Corpus(tmp_path)
    damaged = capture(traditional(articles[0]), name="mirror", quality={"damage": 9, "unrepaired": 2})
    first = run(tmp_path / "1", [damaged], corpus)
    clean = capture(articles[0], name="paper")
    second = run(tmp_path / "2", [clean], corpus)
    document = first.documents["document_id"][0].as_py()
    assert second.documents.to_pylist() == [
        {
            "document_id": document,
            "capture_id": clean["capture_id"],
            "replaces": damaged["capture_id"],
            "new": False,
            "added": 1,
            "contains": [],
        }
    ]
    assert decisions(second)[clean["capture_id"]]["outcome"] == "kept"
    old = corpus.captures[damaged["capture_id"]]
    assert (old["outcome"], old["of_capture"]) == ("superseded", clean["capture_id"])
    assert "0 unrepaired places, the other 2" in old["reason"]
    worse = capture(articles[0][:-40], name="third", quality={"damage": 1})
    third = run(tmp_path / "3", [worse], corpus)
    assert decisions(third)[worse["capture_id"]]["outcome"] == "duplicate"
    assert third.superseded.num_rows == 0


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ({"unrepaired": 0, "damage": 9}, {"unrepaired": 1, "damage": 1}),
        ({"damage": 1}, {"damage": 2}),
        ({"spun": 0.1}, {"spun": 0.9}),
    ],
)
def test_canonical_copy_is_the_least_damaged_then_the_unspun(
    tmp_path: Path, articles: list[str], better: dict[str, float], worse: dict[str, float]
) -> None:
    one = capture(articles[1], name="one", quality=better)
    other = capture(articles[1] + "编辑：本站\n", name="other", quality=worse)
    found = decisions(run(tmp_path, [one, other]))
    assert [found[row["capture_id"]]["outcome"] for row in (one, other)] == ["kept", "duplicate"]


def test_changed_page_is_a_revision_and_the_newest_stands(tmp_path: Path, articles: list[str]) -> None:
    corpus = Corpus(tmp_path)
    address = "http://paper.example.cn/1.html"
    old = capture(articles[2], url=address, captured_at=day(1))
    middle = capture(articles[2] + articles[3][:100], url=address + "?utm_source=x", captured_at=day(2))
    new = capture(articles[2][:-50], url="https://www.paper.example.cn/1.html", captured_at=day(3))
    first = run(tmp_path / "1", [old], corpus)
    second = run(tmp_path / "2", [new, middle], corpus)
    found = decisions(second)
    assert found[new["capture_id"]]["outcome"] == "kept"
    assert (found[middle["capture_id"]]["outcome"], found[middle["capture_id"]]["rule"]) == (
        "superseded",
        "dedupe.url",
    )
    assert corpus.captures[old["capture_id"]]["of_capture"] == new["capture_id"]
    assert corpus.captures[old["capture_id"]]["outcome"] == "superseded"
    assert list(corpus.documents) == first.documents["document_id"].to_pylist()


def test_unchanged_page_seen_again_changes_nothing(tmp_path: Path, articles: list[str]) -> None:
    corpus = Corpus(tmp_path)
    address = "http://paper.example.cn/2.html"
    run(tmp_path / "1", [capture(articles[4], url=address, captured_at=day(1))], corpus)
    again = capture(articles[4] + "\n\n", url=address, captured_at=day(2))
    second = run(tmp_path / "2", [again], corpus)
    row = decisions(second)[again["capture_id"]]
    assert (row["outcome"], row["rule"]) == ("duplicate", "dedupe.skeleton")
    assert second.superseded.num_rows == second.signatures.num_rows == 0


def test_other_article_at_an_old_address_is_another_document(tmp_path: Path, articles: list[str]) -> None:
    corpus = Corpus(tmp_path)
    address = "http://paper.example.cn/"
    run(tmp_path / "1", [capture(articles[5], url=address, captured_at=day(1))], corpus)
    run(tmp_path / "2", [capture(articles[6], url=address, captured_at=day(2))], corpus)
    assert len(corpus.documents) == 2


def test_page_of_two_articles_contains_both_and_joins_neither(tmp_path: Path, articles: list[str]) -> None:
    one, other = capture(articles[7], name="one"), capture(articles[8][: len(articles[7])], name="other")
    glued = capture(one["text"] + other["text"], name="glued")
    resolution = run(tmp_path, [one, other, glued])
    found = {row["capture_id"]: row for row in resolution.documents.to_pylist()}
    assert len(found) == 3
    assert found[glued["capture_id"]]["contains"] == sorted([one["capture_id"], other["capture_id"]])


def test_new_capture_never_merges_stored_documents(tmp_path: Path, articles: list[str]) -> None:
    corpus = Corpus(tmp_path)
    one, other = capture(articles[9], name="one"), capture(articles[10][: len(articles[9])], name="other")
    run(tmp_path / "1", [one, other], corpus)
    bridge = capture(one["text"] + other["text"], name="bridge")
    resolution = run(tmp_path / "2", [bridge], corpus)
    assert len(corpus.documents) == 3
    assert (
        len(resolution.documents["contains"][-1].as_py() or resolution.documents["contains"][0].as_py()) == 2
    )


def test_long_document_is_linked_to_the_short_one_it_contains_whichever_comes_first(
    tmp_path: Path, articles: list[str]
) -> None:
    short = capture(articles[11][:300], name="short")
    long = capture("".join(articles[11:15]), name="long")
    for number, order in enumerate(([short, long], [long, short])):
        folder = tmp_path / str(number)
        folder.mkdir()
        corpus = Corpus(folder)
        for row in order:
            run(folder / row["locator"], [row], corpus)
        assert corpus.documents[long["capture_id"]]["contains"] == [short["capture_id"]]
        assert corpus.documents[short["capture_id"]]["contains"] == []


def test_texts_too_short_or_without_han_match_only_when_equal(tmp_path: Path) -> None:
    rows = [
        capture("今天停水。", name="1"),
        capture("今天停水！", name="2"),
        capture("今天停电。", name="3"),
        capture("Notice 12", name="4"),
        capture("Notice 13", name="5"),
        capture("", name="6"),
        capture("", name="7"),
    ]
    found = decisions(run(tmp_path, rows))
    documents = [found[row["capture_id"]]["document_id"] for row in rows]
    assert len(set(documents)) == 6
    assert documents[0] == documents[1]


def test_documents_keep_their_ids_when_cleaned_anew(tmp_path: Path, articles: list[str]) -> None:
    rows = [
        capture(articles[0], name="a"),
        capture(traditional(articles[0]), name="b"),
        capture(articles[1], name="c"),
    ]
    one, other, apart = (row["capture_id"] for row in rows)
    files = [write(tmp_path / "rows.parquet", rows)]

    def cleaned_anew(held: dict[str, str]) -> dict[str, dict[str, Any]]:
        ledger = pa.table({"capture_id": list(held), "document_id": list(held.values())})
        pq.write_table(ledger, tmp_path / "before.parquet")
        return decisions(resolve(files, [], [], SETTINGS, before=[str(tmp_path / "before.parquet")]))

    found = cleaned_anew({one: "earlier", other: "earlier", apart: "earlier"})
    assert [found[key]["document_id"] for key in (one, other, apart)] == ["earlier", "earlier", apart]
    found = cleaned_anew({one: apart, other: apart})
    assert found[one]["document_id"] == found[other]["document_id"] == apart
    assert found[apart]["document_id"] not in (one, other, apart)


def test_hot_bucket_is_bounded(tmp_path: Path) -> None:
    """Texts that all share their hashes are compared with a few of them, not all with all."""
    count = 3000
    table = pa.table(
        {
            "text": pa.array(range(count), pa.int64()),
            "bands": pa.array([list(range(16))] * count, SIGNATURES.field("bands").type),
        }
    )
    pq.write_table(table, tmp_path / "heads.parquet")
    (tmp_path / "partial").mkdir()
    for part in range(2):
        out = tmp_path / "partial" / f"{part}.parquet"
        pairs_of_part(tmp_path / "heads.parquet", out, part, 2, SETTINGS)
    found = pq.read_table(tmp_path / "partial").to_pylist()
    pairs = {(row["a"], row["b"]) for row in found}
    assert {a for a, _ in pairs} == set(range(1, count))
    assert len(pairs) <= count * SETTINGS.bucket
    assert sum(row["shared"] for row in found) == 16 * len(pairs)


def test_reasons_name_figure_limit_and_what_differs(tmp_path: Path, articles: list[str]) -> None:
    one = capture(articles[0], name="one")
    farmed = capture(farm(articles[0], 0.25, Random(3)), name="farm")
    row = decisions(run(tmp_path, [one, farmed]))[one["capture_id"]]
    assert (row["rule"], row["outcome"], row["threshold"]) == (
        "dedupe.near",
        "duplicate",
        SETTINGS.similarity,
    )
    assert 0.6 < row["figure"] < 0.95
    assert "characters only in one" in row["reason"]
    assert row["of_capture"] == farmed["capture_id"]


def test_no_captures_no_changes(tmp_path: Path) -> None:
    resolution = run(tmp_path, [])
    assert [table.num_rows for table in resolution] == [0, 0, 0, 0]
    rejected = capture("很短。") | {"outcome": "rejected"}
    assert run(tmp_path, [rejected]).captures.num_rows == 0


def test_index_of_another_version_stops_with_advice(tmp_path: Path, articles: list[str]) -> None:
    corpus = Corpus(tmp_path)
    run(tmp_path / "1", [capture(articles[0])], corpus)
    corpus.signatures[0]["signature_version"] = 99
    with pytest.raises(SignatureVersionError, match=r"version 99.*qingyuan reclean"):
        run(tmp_path / "2", [capture(articles[1])], corpus)


def marked(folder: Path, resolution: Resolution, row: dict[str, object]) -> tuple[list[str], Path, Path]:
    """Files of the decisions and of the exact marks in which `row` is to be cleaned, and a place for the answer."""
    pq.write_table(resolution.captures, folder / "decisions.parquet")
    marks = {"shard": "shard", "shard_row": 7, "capture_id": row["capture_id"], "mark": "clean"}
    pq.write_table(pa.Table.from_pylist([marks]), folder / "exact.parquet")
    return [str(folder / "decisions.parquet")], folder / "exact.parquet", folder / "out.parquet"


def test_other_copies_help_a_damaged_canonical_copy(tmp_path: Path, articles: list[str]) -> None:
    torn = capture(articles[0], name="a", quality={"unrepaired": 1, "damage": 1})
    worse = capture(articles[0][:-30], name="b", quality={"unrepaired": 3, "damage": 3})
    whole = capture(articles[1], name="c")
    resolution = run(tmp_path, [torn, worse, whole])
    files = [str(tmp_path / "0.parquet")]
    decisions, exact, out = marked(tmp_path, resolution, torn)
    assert find_doubts(out, decisions, files, exact, [], SETTINGS) == {0: ["shard"]}
    told = {"batch": 0, "shard": "shard", "shard_row": 7}
    assert pq.read_table(out).to_pylist() == [
        told
        | {
            "capture_id": torn["capture_id"],
            "of_capture": worse["capture_id"],
            "text": worse["text"],
        }
    ]
    assert find_doubts(out, [], [], exact, [], SETTINGS) == {}


def test_stored_copy_helps_a_damaged_one_that_replaces_it(tmp_path: Path, articles: list[str]) -> None:
    corpus = Corpus(tmp_path)
    run(tmp_path / "1", [capture(articles[0], name="a", quality={"unrepaired": 2})], corpus)
    run(tmp_path / "1b", [capture(text, name=text[:9]) for text in articles[3:30]], corpus)
    torn = capture(articles[0] + "尾声。", name="b", quality={"unrepaired": 1})
    files = [write(tmp_path / "torn.parquet", [torn])]
    documents = corpus.document_files()
    resolution = resolve(files, corpus.signature_files(), documents, SETTINGS)
    assert resolution.superseded.num_rows == 1
    decisions, exact, out = marked(tmp_path, resolution, torn)
    assert find_doubts(out, decisions, files, exact, documents, SETTINGS) == {0: ["shard"]}
    assert pq.read_table(out)["text"].to_pylist() == [articles[0]]


def test_figures_of_the_generated_corpus_do_not_fall(tmp_path: Path, samples: list[Sample]) -> None:
    """A small version of tests/bench/dedupe.py, as a floor."""
    rows = [capture(sample.text, url=sample.url, captured_at=sample.captured_at) for sample in samples]
    found = decisions(run(tmp_path, rows))
    document = [found[row["capture_id"]]["document_id"] for row in rows]
    original = {sample.origin: document[i] for i, sample in enumerate(samples) if sample.kind == "original"}
    joined = [
        document[i] == original[sample.origin]
        for i, sample in enumerate(samples)
        if sample.kind not in ("original", "template", "glued", "spun20")
    ]
    assert sum(joined) >= 0.97 * len(joined)
    templates = [document[i] for i, sample in enumerate(samples) if sample.kind == "template"]
    assert len(set(templates)) == len(templates)
