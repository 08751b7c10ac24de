"""Whatever is wrong with a version is found and named."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tasks.snapshot.store import Store
from tasks.snapshot.verify import verify
from tests.snapshot.rows import capture, commit, document, fill, ident, table


@pytest.fixture
def filled(store: Store) -> Store:
    fill(store, "r1", "ab")
    commit(store, "r2", [document("c")], [capture("c"), capture("d", "duplicate", "dedupe.near", doc="a")])
    return store


def flip(path: Path, at: int) -> None:
    path.chmod(0o644)
    content = bytearray(path.read_bytes())
    content[at] ^= 4
    path.write_bytes(content)


def first(store: Store, table: str) -> Path:
    return Path(store.files(table)[0])


def edit_manifest(store: Store, old: str, new: str) -> None:
    path = Path(store.published(2)) / "manifest.json"
    content = path.read_text()
    assert old in content
    path.write_text(content.replace(old, new, 1))


def unlink_log(store: Store) -> None:
    shutil.rmtree(store.path / "tables" / "captures" / "_delta_log")


def stray(store: Store) -> None:
    shutil.copy(first(store, "documents"), Path(store.published(2)) / "data" / "stray.parquet")


DAMAGE: dict[str, tuple[Callable[[Store], object], str]] = {
    "a bit flipped": (lambda store: flip(first(store, "documents"), 200), "bytes have changed"),
    "a bit flipped in the footer": (lambda store: flip(first(store, "captures"), -20), "bytes have changed"),
    "a file truncated": (
        lambda store: (
            first(store, "documents").chmod(0o644),
            first(store, "documents").write_bytes(first(store, "documents").read_bytes()[:-9]),
        ),
        "bytes instead of",
    ),
    "a file lost": (lambda store: first(store, "documents").unlink(), "is missing"),
    "a published file lost": (
        lambda store: (Path(store.published(2)) / "data" / first(store, "documents").name).unlink(),
        "is missing",
    ),
    "a stray file": (stray, "does not belong here"),
    "the digest changed": (
        lambda store: edit_manifest(store, '"content_digest": "', '"content_digest": "0'),
        "content digest",
    ),
    "the outcomes changed": (
        lambda store: edit_manifest(store, '"kept keep": 3', '"kept keep": 4'),
        "not those",
    ),
    "the manifest broken": (lambda store: edit_manifest(store, "{", "["), "cannot be read as a manifest"),
    "the log lost": (unlink_log, "Delta log cannot be read"),
}


def test_a_sound_version_has_no_problems(filled: Store) -> None:
    for version in (1, 2):
        result = verify(filled, version)
        assert result.ok, result.problems
        assert len(result.checks) == 5


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_named(filled: Store, name: str) -> None:
    damage, message = DAMAGE[name]
    damage(filled)
    assert any(message in problem for problem in verify(filled, 2).problems), verify(filled, 2).problems


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("a", b"right"), ("b", None)], ""),
        ([("a", b"wrong")], "has other bytes"),
        ([("a", None)], "names 1 payloads, but has the bytes of 0"),
        ([("a", b"right"), ("b", b"right")], "names 1 payloads, but has the bytes of 2"),
    ],
)
def test_the_archive_holds_every_payload_once(filled: Store, rows: list, message: str) -> None:
    sha256 = hashlib.sha256(b"right").hexdigest()
    listed = [{"capture_id": ident(n), "payload_sha256": sha256, "payload": content} for n, content in rows]
    with filled.exclusive("test"), filled.writer("payloads", "r3") as writer:
        writer.write(table("payloads", listed))
    with filled.exclusive("test"):
        filled.commit("r3", appends={"payloads": writer.files})
    found = verify(filled, 3)
    assert found.ok is not bool(message)
    assert message in " ".join(found.problems)


def test_a_ledger_that_points_nowhere_is_found(store: Store) -> None:
    fill(store, "r1", "a")
    commit(store, "r2", [], [capture("x", "duplicate", "dedupe.near", doc="missing")])
    assert any("a document that does not exist" in problem for problem in verify(store, 2).problems)


def test_damage_of_one_version_leaves_the_others_sound(filled: Store) -> None:
    later = {Path(path).name for path in filled.files("documents", 2)}
    earlier = {Path(path).name for path in filled.files("documents", 1)}
    (only,) = later - earlier
    flip(filled.file("documents", only), 100)
    assert not verify(filled, 2).ok
    assert verify(filled, 1).ok
