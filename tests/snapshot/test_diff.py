"""Comparing versions and texts."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from tasks.snapshot.diff import diff
from tasks.snapshot.store import Store
from tasks.snapshot.textdiff import compare
from tests.snapshot.rows import capture, commit, document, fill, ident


def history(store: Store) -> None:
    """v2 against v1: n is new, g is gone, c changed its text, t its title; d moved from a to b."""
    rows = [document(n) for n in "abgct"]
    commit(store, "r1", rows, [*map(capture, "abgct"), capture("d", "duplicate", "dedupe.near", doc="a")])
    commit(
        store,
        "r2",
        [
            document("n", site="other.example"),
            document("c", "c：河水清清，两岸花开。\n"),
            document("t", title="新题"),
        ],
        [
            capture("n"),
            capture("g", "rejected", "quality.advert"),
            capture("d", "duplicate", "dedupe.skeleton", doc="b", reason="the same skeleton"),
        ],
        {
            "documents": [ident(n) for n in "gct"],
            "captures": [ident("g"), ident("d")],
        },
    )


def test_a_diff_names_what_came_went_changed_and_moved(store: Store) -> None:
    history(store)
    found = diff(store, 1, 2)
    assert (found.added, found.removed, found.changed, found.moved) == (1, 1, 2, 1)
    assert [line.document_id for line in found.documents_added] == [ident("n")]
    assert [line.document_id for line in found.documents_removed] == [ident("g")]
    changed = {line.document_id: line for line in found.documents_changed}
    assert changed[ident("t")].fields == ["title"]
    assert changed[ident("t")].text == []
    assert changed[ident("c")].fields == ["text", "text_sha256"]
    assert [str(hunk) for hunk in changed[ident("c")].text] == ["…c：河水清清，两岸[-人家-]{+花开+}。⏎…"]
    assert found.by_site == {
        "news.example": {"added": 0, "removed": 1, "changed": 2},
        "other.example": {"added": 1, "removed": 0, "changed": 0},
    }
    assert {(c.before, c.after): c.captures for c in found.by_reason} == {
        ("", "kept keep"): 1,
        ("kept keep", "rejected quality.advert"): 1,
        ("duplicate dedupe.near", "duplicate dedupe.skeleton"): 1,
    }
    move = found.captures_moved[0]
    assert (move.document_before, move.document_after) == (ident("a"), ident("b"))
    assert move.reason == "the same skeleton"


def test_a_diff_backwards_is_the_mirror_image(store: Store) -> None:
    history(store)
    there, back = diff(store, 1, 2), diff(store, 2, 1)
    assert (there.added, there.removed) == (back.removed, back.added)
    assert there.documents_added == back.documents_removed


def test_nothing_differs_from_itself(store: Store) -> None:
    history(store)
    found = diff(store, 2, 2)
    assert (found.added, found.removed, found.changed, found.moved) == (0, 0, 0, 0)
    assert found.by_reason == []


def test_rows_that_were_only_copied_are_no_change(store: Store) -> None:
    fill(store, "r1", "ab")
    commit(store, "r2", [document("a", "变了。\n")], deletes={"documents": [ident("a")]})
    assert [line.document_id for line in diff(store, 1, 2).documents_changed] == [ident("a")]


def test_lists_are_limited_totals_are_not(store: Store) -> None:
    fill(store, "r1", "a")
    fill(store, "r2", [f"n{i}" for i in range(30)])
    found = diff(store, 1, 2, limit=10)
    assert found.added == 30
    assert len(found.documents_added) == 10


def test_json_holds_readable_lines(store: Store) -> None:
    history(store)
    value = json.loads(json.dumps(diff(store, 1, 2).to_json()))
    lines = [hunk["line"] for document in value["documents_changed"] for hunk in document["text"]]
    assert lines == ["…c：河水清清，两岸[-人家-]{+花开+}。⏎…"]


def test_html_escapes_what_came_from_captures(store: Store) -> None:
    evil = "<script>alert(1)</script>"
    fill(store, "r1", "a")
    commit(
        store,
        "r2",
        [
            document("a", f"{evil}\n", title=evil),
            document("b", site=evil, title=evil, url=f"javascript:{evil}"),
        ],
        [capture("b", rule=evil)],
        {"documents": [ident("a")]},
    )
    page = diff(store, 1, 2).to_html()
    assert "<script" not in page
    assert page.count("&lt;script&gt;") >= 4
    assert "href" not in page
    assert "src=" not in page


def test_long_passages_are_compared_whole() -> None:
    hunks = compare("甲" * 5000, "乙" * 5000)
    assert [(len(hunk.removed), len(hunk.added)) for hunk in hunks] == [(5000, 5000)]


@given(st.text("甲乙丙。\n", max_size=40), st.text("甲乙丙。\n", max_size=40))
def test_the_pieces_of_a_comparison_rebuild_the_new_text(old: str, new: str) -> None:
    hunks = compare(old, new)
    rebuilt, position = "", 0
    for hunk in hunks:
        rebuilt += old[position : hunk.start] + hunk.added
        position = hunk.start + len(hunk.removed)
        assert old[hunk.start : position] == hunk.removed
    assert rebuilt + old[position:] == new
    assert bool(hunks) == (old != new)
