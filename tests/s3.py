"""A real S3 server on this machine for the tests: moto, in a process of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import obstore
from obstore.store import S3Store

KEYS: Mapping[str, str] = {
    "AWS_ACCESS_KEY_ID": "tester",
    "AWS_SECRET_ACCESS_KEY": "of the tests",
    "AWS_REGION": "us-east-1",
    "AWS_ALLOW_HTTP": "true",
    "AWS_EC2_METADATA_DISABLED": "true",
}

# Not in this process: clients written in Rust may hold the interpreter while they wait for an answer.
_SERVER = """
import sys, threading
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print("listening", server.get_host_and_port()[1], flush=True)
sys.stdin.read()
server.stop()
"""


@contextmanager
def s3_server() -> Iterator[str]:
    """A server that is empty at first; gives its address and ends it."""
    process = subprocess.Popen(
        [sys.executable, "-c", _SERVER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if found := re.match(r"listening (\d+)", line):
                yield f"http://127.0.0.1:{found[1]}"
                return
        raise RuntimeError("moto did not start")
    finally:
        process.communicate()


def environment(address: str) -> dict[str, str]:
    """The variables that point all clients at a server."""
    return {**KEYS, "AWS_ENDPOINT_URL": address}


def make_bucket(name: str) -> None:
    """Create a bucket: a put to its own address."""
    request = urllib.request.Request(f"{os.environ['AWS_ENDPOINT_URL']}/{name}", method="PUT")
    with urllib.request.urlopen(request):
        pass


def objects(bucket: str) -> dict[str, int]:
    """Size of every object of a bucket, by name."""
    store = S3Store.from_url(f"s3://{bucket}")
    return {str(item["path"]): int(item["size"]) for part in obstore.list(store) for item in part}
