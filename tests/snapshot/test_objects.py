"""A store on objects of a real S3 server: everything a store in a folder does, and what may go wrong between."""

from __future__ import annotations

import json
from pathlib import Path

import polars
import pyarrow.dataset as ds
import pytest
from pyarrow.fs import S3FileSystem

from config.settings import StoreSettings
from tasks.files import FilesError, ObjectFiles
from tasks.snapshot import remains
from tasks.snapshot import store as store_module
from tasks.snapshot.diff import diff
from tasks.snapshot.errors import ConflictError, DamagedError, StoreBusyError, StoreError
from tasks.snapshot.handover import publish
from tasks.snapshot.history import list_versions, resolve, show, tag, why
from tasks.snapshot.lease import Lease
from tasks.snapshot.maintain import compact, prune, restore
from tasks.snapshot.store import Store
from tasks.snapshot.verify import verify
from tests.s3 import objects
from tests.snapshot.rows import commit, document, fill, ident
from tests.soak import storms

DEAD = b'{"owner": "the dead run", "pid": 1, "host": "h", "since": "then", "lease_seconds": 0.3}'


@pytest.fixture
def address(bucket: str) -> str:
    return f"{bucket}/corpora/one"


def machine(address: str, folder: Path, lease: float = 60) -> Store:
    """The store as one machine sees it; another folder is another machine."""
    return Store(
        StoreSettings(path=address, local=str(folder), lock_wait_seconds=0, lock_lease_seconds=lease)
    )


@pytest.fixture
def store(address: str, tmp_path: Path) -> Store:
    return machine(address, tmp_path / "here")


@pytest.fixture
def other(address: str, tmp_path: Path) -> Store:
    """The same store, opened on another machine."""
    return machine(address, tmp_path / "there")


def names(store: Store, part: str) -> list[str]:
    prefix = store.home.address.removeprefix("s3://").partition("/")[2] + "/"
    bucket = store.home.address.removeprefix("s3://").partition("/")[0]
    return sorted(n.removeprefix(prefix) for n in objects(bucket) if n.startswith(prefix + part))


def test_all_commands_work(store: Store, other: Store, tmp_path: Path, bucket: str) -> None:
    assert list_versions(store) == []
    fill(store, "r1", "ab")
    commit(store, "r2", [document("a", "变了。\n")], deletes={"documents": [ident("a")]})
    fill(other, "r3", "c")
    assert store.versions() == other.versions() == [1, 2, 3]
    assert [line.documents for line in list_versions(other)] == [2, 2, 3]
    assert sorted(other.read("documents", version=1, columns=["title"])["title"].to_pylist()) == [
        "题目a",
        "题目b",
    ]
    assert show(other, 3)["folder"] == f"{store.home.address}/snapshots/v3"
    changes = diff(other, 1, 3)
    assert (changes.added, changes.changed, changes.removed) == (1, 1, 0)
    tag(store, 1, "first")
    assert resolve(other, "first") == 1
    assert [event.what for event in why(other, ident("a"))[1].events] == ["new", "changed"]
    for version in (1, 2, 3):
        assert verify(other, version).problems == []
    restored = restore(other, resolve(other, "first"))
    assert (restored.version, restored.content_digest) == (4, store.manifest(1).content_digest)
    restore(store, 3)
    merged = compact(store)
    assert merged is not None
    assert merged.version == 6
    assert len(store.files("documents")) == 1
    report = prune(store, [2], dry_run=False)
    assert (report.dropped, other.versions()) == ([2], [1, 3, 4, 5, 6])
    assert verify(other, 6).problems == verify(other, 3).problems == []
    here = publish(other, 1, tmp_path / "handed-over")
    there = publish(store, 1, f"{bucket}/handed/over")
    assert here.bytes == there.bytes
    assert len([n for n in objects(bucket.removeprefix("s3://")) if n.startswith("handed/over/")]) == 6
    with pytest.raises(StoreError, match="exists already"):
        publish(store, 1, f"{bucket}/handed/over")
    assert names(store, "staging") == names(store, "lock") == []


def test_other_programs_read_a_version_by_its_manifest_and_by_the_log(store: Store, s3_address: str) -> None:
    fill(store, "r1", "ab")
    manifest = fill(store, "r2", "c")
    root = store.home.address.removeprefix("s3://")
    service = S3FileSystem(endpoint_override=s3_address, access_key="x", secret_key="y", scheme="http")
    files = [f"{root}/tables/documents/{file.name}" for file in manifest.files("documents")]
    assert ds.dataset(files, filesystem=service).count_rows() == 3
    options = {"aws_endpoint_url": s3_address, "aws_allow_http": "true", "aws_region": "us-east-1"}
    pinned = store.manifest(1).tables["documents"].delta_version
    table = polars.read_delta(
        f"{store.home.address}/tables/documents", version=pinned, storage_options=options
    )
    assert table.height == 2


def test_one_holds_the_store_and_the_other_is_told_who(address: str, tmp_path: Path, other: Store) -> None:
    store = machine(address, tmp_path / "here", lease=2)
    with store.exclusive("the nightly run"):
        with pytest.raises(StoreBusyError, match="in use by the nightly run"), other.exclusive("b", 0):
            pass
        with pytest.raises(StoreBusyError, match=r"waited 3\.5 s"), other.exclusive("b", 3.5):
            pass  # the holder lives and renews
        store.recover()
    with other.exclusive("b", 0):
        pass


def test_the_lock_of_a_dead_run_is_taken_over(store: Store, other: Store) -> None:
    assert isinstance(store.home, ObjectFiles)
    store.home.create("lock", DEAD)
    with pytest.raises(StoreBusyError, match="in use by the dead run"), other.exclusive("impatient", 0):
        pass
    with other.exclusive("heir", 60), pytest.raises(StoreBusyError, match="heir"):
        store.exclusive("third", 0).__enter__()
    assert names(store, "lock") == []


def test_a_run_that_lost_its_lock_cannot_commit(
    store: Store, other: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store, "r1", "a")
    align = store_module.delta.align

    def cut_off(*arguments: object) -> int:
        monkeypatch.setattr(store_module.delta, "align", align)
        store.home.remove(["lock"])
        with other.exclusive("heir", 60):
            other.recover()
            with pytest.raises(StoreError, match="not held"):
                store.recover()
        fill(other, "heir", "c")
        return align(*arguments)

    monkeypatch.setattr(store_module.delta, "align", cut_off)
    with pytest.raises(StoreError, match="not held"):
        fill(store, "r2", "b")
    assert verify(other, other.versions()[-1]).problems == []
    assert sorted(other.read("documents")["title"].to_pylist()) == ["题目a", "题目c"]


def test_a_rival_that_was_first_wins(store: Store, other: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Should the lock fail altogether, the conditional put of the manifest still lets one win."""
    fill(store, "r1", "a")
    align, confirmed = store_module.delta.align, Lease.confirmed

    def late(*arguments: object) -> int:
        monkeypatch.setattr(store_module.delta, "align", align)
        store.home.remove(["lock", "staging/commit.json"])
        fill(other, "rival", "r")
        monkeypatch.setattr(Lease, "confirmed", lambda _: True)
        return align(*arguments)

    monkeypatch.setattr(store_module.delta, "align", late)
    with pytest.raises(ConflictError, match="v2 was made by another run"):
        fill(store, "r2", "b")
    monkeypatch.setattr(Lease, "confirmed", confirmed)
    with other.exclusive("next", 60):
        other.recover()
    assert verify(other, 2).problems == []
    fill(other, "r3", "b")
    assert verify(other, 3).problems == []
    assert other.read("documents").num_rows == 3


def broken_off(store: Store, monkeypatch: pytest.MonkeyPatch, owner: type | object, step: str) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(owner, step, broken)
        with pytest.raises(KeyboardInterrupt):
            fill(store, "r2", "b")


@pytest.mark.parametrize(("where", "step"), [("here", "move_in"), ("there", "move_in"), ("there", "appear")])
def test_an_interrupted_commit_goes_forward_or_back(
    where: str, step: str, store: Store, other: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store, "r1", "a")
    broken_off(store, monkeypatch, ObjectFiles, step)
    heir = store if where == "here" else other
    forward = where == "here" or step == "appear"  # the files lie where the other machine finds them
    with heir.exclusive("next", 0):
        (said,) = heir.recover() if forward else heir.recover()[:1]
    assert said.startswith("completed the interrupted" if forward else "discarded the interrupted")
    assert heir.versions() == ([1, 2] if forward else [1])
    assert verify(heir, heir.versions()[-1]).problems == []
    fill(heir, "r2", "b")
    assert heir.versions() == [1, 2]
    assert verify(heir, 2).problems == []
    assert names(heir, "staging/commit.json") == []


def test_objects_of_a_discarded_commit_go_after_a_day(
    store: Store, other: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store, "r1", "a")
    broken_off(store, monkeypatch, store_module.delta, "align")
    stays = names(store, "tables/documents/v00002")
    assert stays
    with other.exclusive("next", 0):
        assert other.recover()[0].startswith("discarded the interrupted commit of v2")
        assert names(store, "tables/documents/v00002") == stays
        assert other.recover() == []
        monkeypatch.setattr(remains, "_GRACE", remains.timedelta(seconds=-1))
        assert other.recover()[0].startswith("removed up to")
    assert names(store, "tables/documents/v00002") == names(store, "staging") == []
    assert verify(other, 1).problems == []


@pytest.mark.parametrize("left", ["snapshots/v1/manifest.json", "staging/trash/v1/manifest.json"])
def test_an_interrupted_pruning_goes_forward_or_back(
    left: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store, "r1", "a")
    commit(store, "r2", [document("a", "变了。\n")], deletes={"documents": [ident("a")]})
    remove = ObjectFiles.remove

    def broken(self: ObjectFiles, doomed: list[str]) -> None:
        for name in doomed:
            if name == left:
                raise KeyboardInterrupt
            remove(self, [name])

    with monkeypatch.context() as patch:
        patch.setattr(ObjectFiles, "remove", broken)
        patch.setattr(ObjectFiles, "remove_tree", lambda files, folder: files.remove(files.names(folder)))
        with pytest.raises(KeyboardInterrupt):
            prune(store, [1], dry_run=False)
    with store.exclusive("next", 60):
        said = store.recover()
    gone = left.startswith("staging")
    assert said == (["finished dropping 1 versions"] if gone else [])
    assert store.versions() == ([2] if gone else [1, 2])
    for version in store.versions():
        assert verify(store, version).problems == []
    assert names(store, "staging") == []


def test_what_a_killed_run_carried_to_its_workers_is_removed(store: Store) -> None:
    fill(store, "r1", "a")
    for number in range(3):
        store.home.write(f"{remains.CARRIED}/run/plan-1/captures/{number}.parquet", b"shard")
    with store.exclusive("next"):
        assert store.recover() == ["removed 3 objects that a killed run had carried to its workers"]
        assert store.recover() == []
    assert names(store, "staging") == []
    assert verify(store, 1).problems == []


def test_damage_of_objects_is_found_whatever_the_local_copies_hold(store: Store) -> None:
    manifest = fill(store, "r1", "a")
    (file,) = manifest.files("documents")
    name = f"tables/documents/{file.name}"
    content = store.home.read(name)
    store.home.write(name, content[:100] + bytes([content[100] ^ 1]) + content[101:])
    assert "bytes have changed" in verify(store, 1).problems[0]
    store.home.write(name, content[:-9])
    assert "bytes instead of" in verify(store, 1).problems[0]
    store.home.remove([name])
    assert "is missing" in verify(store, 1).problems[0]
    with pytest.raises(DamagedError, match="is missing"):
        store.read("documents")
    store.home.write(name, content)
    assert verify(store, 1).problems == []


def test_a_service_that_cannot_be_reached_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"aws_endpoint_url": "http://127.0.0.1:9", "aws_allow_http": "true"}
    settings = StoreSettings(path="s3://bucket/x", local=str(tmp_path), options=options)
    monkeypatch.setattr("tasks.files.objects._RETRIES", 0)
    with pytest.raises(FilesError, match="check address, keys and endpoint"):
        Store(settings).versions()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"path": "gs://bucket/x"}, "s3://bucket/prefix"),
        ({"path": "s3://b"}, "s3://bucket/prefix"),
        ({"options": {"endpoint": "x"}}, "aws_endpoint_url"),
        ({"options": {"aws_secret_access_key": "x"}}, "AWS_SECRET_ACCESS_KEY"),
    ],
)
def test_settings_of_objects_are_checked(values: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        StoreSettings.model_validate(values)


def test_two_stores_share_nothing_on_this_machine() -> None:
    folders = {StoreSettings(path=path).folder for path in ("s3://buck/a/b", "s3://buck/a-b", "s3://buck/a")}
    assert len(folders) == 3
    assert StoreSettings(path="data").folder == Path("data")
    assert json.loads(StoreSettings(path="s3://buck/a").model_dump_json())["path"] == "s3://buck/a"


def test_a_bad_service_makes_runs_slow_not_wrong(s3_address: str, tmp_path: Path) -> None:
    """The long campaigns against objects (storm, kills, rivals): `make soak`."""
    spoiled, _, wrong = storms.weather(tmp_path, s3_address, 1, 0.15, 7)
    assert not wrong
    assert spoiled
