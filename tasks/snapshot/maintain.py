"""Deliberate changes of the store itself: go back to a version, drop old ones, merge small files."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass

from tasks.snapshot.diff import diff
from tasks.snapshot.digest import check_bytes
from tasks.snapshot.errors import DamagedError, StoreError
from tasks.snapshot.manifest import Counts, DataFile, DocumentCounts, Manifest, RunFacts
from tasks.snapshot.store import Store
from tasks.snapshot.verify import verify
from tasks.tables import TABLES


def restore(store: Store, version: int) -> Manifest:
    """Make a new version that equals an old one; the versions between stay.

    Captures that arrived later are no longer in the ledger, so the next run takes them in afresh.
    Gives the present version back when it equals the old one. Raises DamagedError when the old
    version does not verify.
    """
    with store.exclusive("restore"):
        store.recover()
        old = store.manifest(version)
        problems = verify(store, version).problems
        if problems:
            raise DamagedError(f"v{version} cannot be restored: {problems[0]}")
        latest = store.latest()
        if latest is None or _same(latest, old):
            return old if latest is None else latest
        changes = diff(store, latest.version, version, limit=0)
        counts = Counts(
            documents=DocumentCounts(new=changes.added, changed=changes.changed, gone=changes.removed)
        )
        facts = _facts(old, f"equals v{version}: restored")
        return store.install(_run("restore"), {t: old.files(t) for t in TABLES}, counts, facts, latest)


def compact(store: Store) -> Manifest | None:
    """Merge the small files that many small runs leave; None when there is nothing to merge.

    The result is a new version with the same rows and the same content digest.
    """
    with store.exclusive("compact"):
        store.recover()
        latest = store.latest()
        if latest is None:
            return None
        run_id = _run("compact")
        files: dict[str, list[DataFile]] = {}
        merged = 0
        for table in TABLES:
            present = latest.files(table)
            small = [file for file in present if file.bytes * 2 < store.settings.file_bytes]
            if len(small) < 2:
                files[table] = present
                continue
            merged += len(small)
            paths = store.local(table, small)
            for path, file in zip(paths, small, strict=True):
                check_bytes(path, file.sha256)
            with store.writer(table, run_id) as writer:
                for batch in store.scan(table, files=[str(path) for path in paths]):
                    writer.write(batch)
            files[table] = [file for file in present if file not in small] + writer.files
        if not merged:
            return None
        facts = _facts(latest, f"merged {merged} small files; the documents are those of v{latest.version}")
        return store.install(run_id, files, Counts(), facts, latest)


@dataclass(frozen=True)
class PruneReport:
    """Versions dropped (or, in a dry run, those that would be)."""

    dropped: list[int]
    kept: list[int]
    files: int
    """Parquet files that no remaining version needs."""
    bytes: int
    done: bool


def prune(store: Store, versions: Iterable[int], *, dry_run: bool = True) -> PruneReport:
    """Drop versions for good, with the files that only they need.

    Raises StoreError for the latest version, for one with a tag (take it off first) and for an
    unknown one; then nothing is dropped.
    """
    drop = sorted(set(versions))
    with store.exclusive("prune"):
        store.recover()
        manifests = {manifest.version: manifest for manifest in store.manifests()}
        for version in drop:
            if version not in manifests:
                store.published(version)
            if version == max(manifests):
                raise StoreError(f"v{version} is the latest version and stays")
            if tagged := manifests[version].tag:
                raise StoreError(f"v{version} has the tag {tagged} and stays; take the tag off to drop it")
        kept = sorted(set(manifests) - set(drop))
        needed = {(t, file.name) for v in kept for t in TABLES for file in manifests[v].files(t)}
        useless = {
            (table, file.name): file.bytes
            for version in drop
            for table in TABLES
            for file in manifests[version].files(table)
            if (table, file.name) not in needed
        }
        if drop and not dry_run:
            store.discard(drop)
        return PruneReport(drop, kept, len(useless), sum(useless.values()), done=not dry_run)


def _same(a: Manifest, b: Manifest) -> bool:
    return all({f.name for f in a.files(table)} == {f.name for f in b.files(table)} for table in TABLES)


def _facts(like: Manifest, note: str) -> RunFacts:
    names = set(RunFacts.model_fields) - {"read", "repeated", "tag", "notes"}
    return RunFacts(**like.model_dump(include=names), notes=[note])


def _run(what: str) -> str:
    return f"{what}-{secrets.token_hex(8)}"
