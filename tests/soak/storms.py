"""A store on objects whose service answers 500, 503, late or not at all, and whose runs are killed.

A real proxy, in a process of its own, stands before a real S3 server and spoils a share of the
answers: some before the request was carried out, some after, so that the client does not know.
"""

from __future__ import annotations

import os
import random
import secrets
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from config.settings import StoreSettings
from tasks.files import FilesError
from tasks.snapshot.errors import ConflictError, StoreBusyError, StoreError
from tasks.snapshot.store import Store
from tasks.snapshot.verify import verify
from tests.s3 import environment, make_bucket, s3_server
from tests.snapshot.rows import fill
from tests.soak import kills

LEASE = 5.0
"""Long enough for a machine that is busy with something else."""
ROOT = Path(__file__).parents[2]

_PROXY = """
import http.client, random, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

port, share, seed = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
draw = random.Random(seed)
spoiled = 0

class Proxy(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_): pass

    def relay(self):
        global spoiled
        if self.path == "/-/spoiled":
            return self.answer(200, [], str(spoiled).encode())
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fate = draw.choice(["500", "503", "late", "lost", "unknown"]) if draw.random() < share else "fair"
        spoiled += fate != "fair"
        if fate in ("500", "503"):
            return self.answer(int(fate), [], b"")
        if fate == "late":
            time.sleep(draw.uniform(0, 1))
        if fate == "lost":
            self.close_connection = True
            return
        upstream = http.client.HTTPConnection("127.0.0.1", port)
        upstream.request(self.command, self.path, body, dict(self.headers))
        found = upstream.getresponse()
        content = found.read()
        upstream.close()
        if fate == "unknown":  # carried out, but nobody is told
            return self.answer(500, [], b"")
        self.answer(found.status, found.getheaders(), content)

    def answer(self, status, headers, content):
        self.send_response(status)
        length = str(len(content))
        for name, value in headers:
            if name.lower() == "content-length" and self.command == "HEAD":
                length = value
            elif name.lower() not in ("content-length", "connection", "transfer-encoding", "date", "server"):
                self.send_header(name, value)
        self.send_header("Content-Length", length)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = relay

server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
server.daemon_threads = True
print(server.server_port, flush=True)
server.serve_forever()
"""


@contextmanager
def storm(address: str, share: float, seed: int) -> Iterator[str]:
    """A proxy before the server at `address` that spoils `share` of the answers; gives its address."""
    command = [sys.executable, "-c", _PROXY, address.rpartition(":")[2], str(share), str(seed)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.kill()
        process.communicate()


def machine(address: str, folder: Path, endpoint: str) -> Store:
    """The store as a machine sees it that reaches the service at `endpoint`."""
    options = {"aws_endpoint_url": endpoint, "aws_allow_http": "true", "aws_region": "us-east-1"}
    return Store(StoreSettings(path=address, local=str(folder), options=options, lock_lease_seconds=LEASE))


def weather(folder: Path, address: str, commits: int, share: float, seed: int) -> tuple[int, int, list[str]]:
    """Make commits through a storm before the server at `address`.

    Answers spoiled, runs that gave up, and what went wrong.
    """
    gave_up = 0
    with mock.patch.dict(os.environ, environment(address)), storm(address, share, seed) as spoiled:
        bucket = f"storm-{secrets.token_hex(4)}"
        make_bucket(bucket)
        fair = machine(f"s3://{bucket}/corpus", folder / "fair", address)
        for number in range(commits):
            store = machine(f"s3://{bucket}/corpus", folder / "spoiled", spoiled)
            while True:
                try:
                    with store.exclusive("run", 60):
                        store.recover()
                        fill(store, f"run-{number}", [f"n{number}"])
                    break
                except (FilesError, StoreError, OSError) as error:
                    sys.stderr.write(f"  run {number} gave up: {str(error)[:160]}\n")
                    gave_up += 1
                    before = fair.versions()
                    if before and (problems := verify(fair, before[-1]).problems):
                        return 0, gave_up, problems
        with urllib.request.urlopen(f"{spoiled}/-/spoiled") as answer:
            count = int(answer.read())
        return count, gave_up, settled(fair, commits)


def settled(store: Store, commits: int) -> list[str]:
    """What is wrong with a store that has taken so many commits of one document, each once."""
    wrong = []
    if store.versions() != list(range(1, commits + 1)):
        wrong.append(f"versions are {store.versions()}")
    for version in store.versions():
        wrong += verify(store, version).problems
        if store.read("documents", version=version, columns=["title"]).num_rows != version:
            wrong.append(f"v{version} has other documents than {version}")
    return wrong


_RIVAL = """
import sys
from pathlib import Path
from tests.soak.storms import rival
rival(sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
"""


def rival(address: str, folder: Path, endpoint: str, name: int, commits: int) -> None:
    """One of several machines that write at once."""
    for number in range(commits):
        while True:
            try:
                store = machine(address, folder, endpoint)
                with store.exclusive(f"rival {name}", 30):
                    store.recover()
                    fill(store, f"run-{name}-{number}", [f"n{name}-{number}"])
                break
            except (StoreBusyError, ConflictError) as error:
                sys.stderr.write(f"rival {name}: {str(error)[:160]}\n")


def contest(folder: Path, runs: int, commits: int) -> list[str]:
    """Let `runs` machines make `commits` commits each; what went wrong."""
    with s3_server() as address, mock.patch.dict(os.environ, environment(address)):
        make_bucket("rivals")
        place = "s3://rivals/corpus"
        machines = [
            subprocess.Popen(
                [sys.executable, "-c", _RIVAL, place, folder / str(name), address, str(name), str(commits)],
                cwd=ROOT,
                stderr=subprocess.DEVNULL,
            )
            for name in range(runs)
        ]
        wrong = [f"machine {name} ended with {code}" for name, m in enumerate(machines) if (code := m.wait())]
        return wrong + settled(machine(place, folder / "judge", address), runs * commits)


_VICTIM = """
import sys
from pathlib import Path
from tests.soak.storms import LEASE, machine
from tests.soak import kills
store = machine(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
print("ready", flush=True)
kills.second(store)
print("done", flush=True)
"""


def killed(folder: Path, times: int, seed: int) -> tuple[int, list[str]]:
    """Kill runs that write to objects at random instants; the next run is on another machine, half of them.

    Kills that hit the run, and what went wrong.
    """
    draw = random.Random(seed)
    hit, wrong = 0, []
    with s3_server() as address, mock.patch.dict(os.environ, environment(address)):
        make_bucket("kills")
        digest, seconds = "", 0.0
        for number in range(times + 1):
            place = f"s3://kills/{number}"
            kills.first(machine(place, folder / "first", address))
            victim = subprocess.Popen(
                [sys.executable, "-c", _VICTIM, place, folder / f"{number}", address],
                cwd=ROOT,
                stdout=subprocess.PIPE,
                text=True,
            )
            assert victim.stdout is not None
            victim.stdout.readline()
            began = time.monotonic()
            if number == 0:  # the undisturbed run
                victim.communicate()
                seconds = time.monotonic() - began
            else:
                time.sleep(draw.uniform(0, seconds))
                victim.kill()
                hit += "done" not in victim.communicate()[0]
            heir = machine(place, folder / (f"{number}" if number % 2 else "heir"), address)
            latest = heir.latest()
            assert latest is not None
            problems = verify(heir, latest.version).problems
            kills.second(heir)
            latest = heir.latest()
            assert latest is not None
            digest = digest or latest.content_digest
            if (latest.version, latest.content_digest) != (2, digest):
                problems.append(f"v{latest.version} with content {latest.content_digest}")
            problems += [p for version in heir.versions() for p in verify(heir, version).problems]
            wrong += [f"kill {number}: {problem}" for problem in problems]
    return hit, wrong
