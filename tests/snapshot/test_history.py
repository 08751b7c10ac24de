"""Listing, showing, naming versions, and telling the life of a capture."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tasks.snapshot.errors import StoreError, UnknownVersionError
from tasks.snapshot.history import list_versions, resolve, show, tag, why
from tasks.snapshot.store import Store
from tests.snapshot.rows import capture, commit, document, fill, ident


def better_copy(store: Store) -> None:
    """v1: a and x. v2: a better copy of a. v3: something else."""
    fill(store, "r1", "ax")
    commit(
        store,
        "r2",
        [document("a", "更好的一份。\n", capture="better")],
        [
            capture("better", doc="a", version=2, decided=2),
            capture("a", "superseded", "dedupe.better", doc="a", of_capture=ident("better"), decided=2),
        ],
        {"documents": [ident("a")], "captures": [ident("a")]},
    )
    fill(store, "r3", "z")


def test_list_tells_each_version_in_a_line(store: Store) -> None:
    better_copy(store)
    lines = list_versions(store)
    assert [(line.version, line.documents, line.new, line.changed, line.gone) for line in lines] == [
        (1, 2, 2, 0, 0),
        (2, 2, 0, 1, 0),
        (3, 3, 1, 0, 0),
    ]
    assert [line.captures for line in lines] == [2, 3, 4]
    assert lines[1].run_id == "r2"


def test_show_is_json_and_leaves_the_files_out(store: Store) -> None:
    better_copy(store)
    shown = json.loads(json.dumps(show(store, 2)))
    assert shown["counts"]["outcomes"] == {"kept": 2, "superseded": 1}
    assert shown["tables"]["captures"]["rows"] == 3
    assert shown["folder"].endswith("snapshots/v2")


def test_a_version_is_found_by_number_tag_or_latest(store: Store) -> None:
    better_copy(store)
    tag(store, 2, "release-1")
    assert [resolve(store, name) for name in ("2", "v2", "release-1", "latest")] == [2, 2, 2, 3]
    for name in ("9", "v9", "nothing"):
        with pytest.raises(UnknownVersionError):
            resolve(store, name)


def test_a_tag_names_one_version_and_may_be_taken_off(store: Store) -> None:
    better_copy(store)
    tag(store, 2, "release-1")
    assert "v2 (release-1)" in (Path(store.published(2)) / "SUMMARY.md").read_text()
    with pytest.raises(StoreError, match="is on v2"):
        tag(store, 1, "release-1")
    tag(store, 2, None)
    tag(store, 1, "release-1")
    assert [line.tag for line in list_versions(store)] == ["release-1", None, None]


@pytest.mark.parametrize("name", ["3", "v3", "latest", "a b", "", "../x"])
def test_some_names_are_no_tags(store: Store, name: str) -> None:
    fill(store, "r1", "a")
    with pytest.raises(StoreError, match="cannot be a tag"):
        tag(store, 1, name)


@pytest.mark.parametrize("query", ["https://news.example/a", "in/a.html", ident("a"), ident("a")[:8]])
def test_why_tells_the_life_of_a_capture_and_of_its_document(store: Store, query: str) -> None:
    better_copy(store)
    lives = {(life.kind, life.id): life for life in why(store, query)}
    events = lives["capture", ident("a")].events
    assert [(event.version, event.what, event.rule) for event in events] == [
        (1, "kept", "keep"),
        (2, "superseded", "dedupe.better"),
    ]
    assert events[1].capture_id == ident("better")
    assert events[1].reason == "because of the test"
    document_events = lives["document", ident("a")].events
    assert [(event.version, event.what, event.capture_id) for event in document_events] == [
        (1, "new", ident("a")),
        (2, "changed", ident("better")),
    ]


def test_why_finds_revisits_by_their_canonical_url(store: Store) -> None:
    better_copy(store)
    assert [life.id for life in why(store, "http://m.news.example/a", url_key="news.example/a")] == [
        ident("a"),
        ident("a"),
    ]


def test_why_tells_of_what_is_gone(store: Store) -> None:
    fill(store, "r1", "ab")
    change = {"documents": [ident("a")], "captures": [ident("a")]}
    commit(store, "r2", [], [capture("a", "rejected", "quality.advert", figure=0.9, threshold=0.5)], change)
    lives = why(store, ident("a"))
    assert [event.what for event in lives[0].events] == ["kept", "rejected"]
    assert (lives[0].events[1].figure, lives[0].events[1].threshold) == (0.9, 0.5)
    assert [event.what for event in lives[1].events] == ["new", "gone"]


def test_why_of_something_unknown_is_empty(store: Store) -> None:
    assert why(store, "https://nowhere.example/") == []
    fill(store, "r1", "a")
    assert why(store, "https://nowhere.example/") == []
    assert why(store, "' OR 1=1 --") == []
