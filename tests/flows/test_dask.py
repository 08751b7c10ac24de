"""The same flow on a Dask cluster: a real scheduler and two worker processes over TCP."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from distributed import Client

from config.settings import Settings, StoreSettings
from tasks.carry import Carrier
from tasks.cluster import DaskWorkers
from tasks.files import ObjectFiles
from tasks.pool import LocalWorkers, WorkerDiedError
from tasks.snapshot import Store
from tasks.snapshot.remains import CARRIED
from tests import s3
from tests.conftest import ROOT
from tests.flows.corpus_files import content, write_jsonl

Refresh = Callable[..., Any]
PATIENCE = 240
"""Seconds before a cluster that does not come up is an error: machines that test may be busy."""


@pytest.fixture(scope="module")
def hidden(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the workers do not see, where the system lets them have mounts of their own."""
    return tmp_path_factory.mktemp("hidden")


def apart(folder: Path) -> list[str]:
    """Before a command: it sees this folder empty. Nothing where the system does not allow that."""
    command = ["unshare", "--map-root-user", "--mount", "sh", "-c"]
    command += ['mount -t tmpfs none "$0" && exec "$@"', str(folder)]
    able = shutil.which("unshare") and not subprocess.run([*command, "true"], check=False).returncode
    return command if able else []


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory, s3_address: str, hidden: Path) -> Iterator[str]:
    """Address of a scheduler with two workers, each a process of one thread in a folder of its own."""
    folder = tmp_path_factory.mktemp("dask")
    file = folder / "scheduler.json"
    environment = os.environ | s3.environment(s3_address) | {"PYTHONPATH": str(ROOT)}
    common = ["--host", "127.0.0.1", "--no-dashboard", "--scheduler-file", str(file)]

    def start(command: str, *options: str) -> subprocess.Popen[bytes]:
        arguments = [*apart(hidden), sys.executable, "-m", f"distributed.cli.dask_{command}"]
        arguments += [*common, *options]
        with (folder / "log").open("ab") as log:
            return subprocess.Popen(
                arguments, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True
            )

    running = [start("scheduler", "--port", "0")]
    try:
        deadline = time.monotonic() + PATIENCE
        while not (file.exists() and file.stat().st_size):
            assert time.monotonic() < deadline, (folder / "log").read_text()
            threading.Event().wait(0.05)
        running.append(
            start("worker", "--nworkers", "2", "--nthreads", "1", "--local-directory", str(folder))
        )
        address = json.loads(file.read_text())["address"]
        with Client(address, timeout=PATIENCE) as client:
            client.wait_for_workers(2, timeout=PATIENCE)
        yield address
    finally:
        for process in running:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def kill_a_worker_that_cleans(address: str, staging: Path, killed: list[int]) -> None:
    """Once a shard is cleaned and more are to come, kill one worker process as a machine is lost."""
    deadline = time.monotonic() + PATIENCE
    while not killed and time.monotonic() < deadline:
        if any(staging.glob("plan-*/cleaned/*.parquet")):
            with Client(address) as client:
                busy = [worker for worker, keys in client.processing().items() if keys]
                if busy:
                    (process,) = client.run(os.getpid, workers=busy[:1]).values()
                    killed.append(process)
                    os.kill(process, signal.SIGKILL)
        threading.Event().wait(0.02)


def test_same_version_as_a_local_run_though_a_worker_is_lost(
    refresh: Refresh, cluster: str, tmp_path: Path
) -> None:
    for number in range(3):
        write_jsonl(tmp_path / "in" / f"{number}.jsonl", 60, seed=number)
    small = {"shard_captures": 20, "workers": 2}
    assert refresh(tmp_path / "in", run=small, store={"path": "here"}).version == 1
    killed: list[int] = []
    killer = threading.Thread(
        target=kill_a_worker_that_cleans, args=(cluster, tmp_path / "there" / "staging", killed)
    )
    killer.start()
    result = refresh(
        tmp_path / "in",
        run=small | {"engine": "dask", "dask_address": cluster},
        store={"path": "there"},
    )
    killer.join()
    assert result.version == 1
    assert killed
    assert content(tmp_path / "there") == content(tmp_path / "here")


def test_with_a_store_on_objects_all_shards_travel_through_its_bucket(
    refresh: Refresh, cluster: str, bucket: str, hidden: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The workers have folders of their own, and one is lost; only what reads the index stays."""
    inputs = hidden / "in"
    write_jsonl(inputs / "0.jsonl", 100)
    os.mkfifo(inputs / "pipe.jsonl")  # a file that cannot travel is recorded as in a local run
    small = {"shard_captures": 10, "workers": 2}
    far: dict[str, Any] = {"path": f"{bucket}/corpus", "local": str(hidden / "local")}
    dask = small | {"engine": "dask", "dask_address": cluster}
    at_home, sent, left = set(), [], set()
    run, put, close = LocalWorkers.run, ObjectFiles.put, Carrier.close

    def note_run(workers: LocalWorkers, function: Callable[..., Any], *args: Any) -> Any:
        at_home.add(function.__name__)
        return run(workers, function, *args)

    def note_put(files: ObjectFiles, source: Path, name: str) -> None:
        if CARRIED in files.address:
            sent.append(f"{files.address}/{name}")
        put(files, source, name)

    def note_close(carrier: Carrier) -> None:
        left.update(s3.objects(bucket.removeprefix("s3://")))
        close(carrier)

    with monkeypatch.context() as patch:
        patch.setattr(LocalWorkers, "run", note_run)
        patch.setattr(ObjectFiles, "put", note_put)
        patch.setattr(Carrier, "close", note_close)
        killed: list[int] = []
        staging = StoreSettings(**far).folder / "staging"
        killer = threading.Thread(target=kill_a_worker_that_cleans, args=(cluster, staging, killed))
        killer.start()
        assert refresh(inputs, run=dask, store=far).version == 1
        killer.join()
        assert killed
        assert at_home == {"collect_job"}
        write_jsonl(inputs / "1.jsonl", 60)
        write_jsonl(inputs / "2.jsonl", 30, seed=2)
        assert refresh(inputs, run=dask, store=far).version == 2
    assert at_home == {"collect_job", "make_lookup", "stored_of_slice"}
    kinds = {name.split("/plan-")[1].split("/", 1)[1].rpartition("/")[0] for name in left if "/plan-" in name}
    assert kinds >= {"captures", "cleaned", "match/signed", "match/partial", "match/verdicts"}
    assert kinds >= {"match/decided/captures", "match/decided/documents"}
    assert len(sent) == len(set(sent))
    assert not any(f"/{made}/" in name for name in sent for made in ("cleaned", "signed", "verdicts"))
    assert not any(CARRIED in name for name in s3.objects(bucket.removeprefix("s3://")))
    with Client(cluster) as client:
        kept = client.run(lambda dask_worker: [*Path(dask_worker.local_directory).parent.glob("carried-*")])
        assert not any(kept.values())
        if apart(hidden):
            assert not any(client.run(lambda: [*hidden.iterdir()]).values())
    (inputs / "1.jsonl").rename(hidden / "1.jsonl")
    (inputs / "2.jsonl").rename(hidden / "2.jsonl")
    assert refresh(inputs, run=small, store={"path": "here"}).version == 1
    (hidden / "1.jsonl").rename(inputs / "1.jsonl")
    (hidden / "2.jsonl").rename(inputs / "2.jsonl")
    assert refresh(inputs, run=small, store={"path": "here"}).version == 2
    assert content(Store(StoreSettings(**far))) == content(tmp_path / "here")


def die() -> None:
    """What a capture does that crashes native code."""
    os.kill(os.getpid(), signal.SIGKILL)


def test_work_that_kills_every_worker_is_given_back(cluster: str) -> None:
    """Then the flow takes the shard apart in a process of its own (test_workers.py)."""
    with Client(cluster) as client:
        workers = DaskWorkers(client)
        with pytest.raises(WorkerDiedError):
            workers.run(die)
        assert workers.run(Settings().digest) == Settings().digest()


def test_a_cluster_of_its_own_where_no_address_is_given(refresh: Refresh, tmp_path: Path) -> None:
    write_jsonl(tmp_path / "in.jsonl", 20)
    assert refresh(tmp_path / "in.jsonl", run={"engine": "dask", "workers": 1}).read == 20
