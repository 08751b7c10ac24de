"""Addresses inside, names that change their meaning, certificates, proxies."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from config.settings import FetchSettings, FetchSource
from tasks.fetch import FetchError, FetchReport, run_fetch
from tasks.fetch.guard import Guard, RefusedAddress
from tests.conftest import ROOT
from tests.fetch.archive import addresses, records
from tests.fetch.conftest import local_settings
from tests.fetch.server import Asked, Reply, Site, html

Fetch = Callable[..., FetchReport]


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.9.9.9",
        "10.0.0.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "0.1.2.3",
        "255.255.255.255",
        "224.0.0.1",
        "240.0.0.1",
        "198.18.0.1",
        "192.0.2.1",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fd12::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a00:1",
        "2002:7f00:1::",
        "2001:db8::1",
        "localhost",
        "0x7f.1",
        "nonsense",
    ],
)
def test_addresses_inside_are_refused(address: str) -> None:
    assert not Guard([]).permits(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_public_addresses_are_permitted(address: str) -> None:
    assert Guard([]).permits(address)


def test_a_network_can_be_allowed() -> None:
    guard = Guard([ip_network("10.1.0.0/16")])
    assert guard.permits("10.1.2.3")
    assert not guard.permits("10.2.0.1")


def test_no_socket_for_an_address_inside() -> None:
    with pytest.raises(RefusedAddress):
        Guard([]).socket((socket.AF_INET, socket.SOCK_STREAM, 6, "", ("169.254.169.254", 80)))


def test_nothing_reaches_a_local_server_unless_allowed(fetch: Fetch, tmp_path: Path) -> None:
    hosts = ["127.0.0.1", "localhost", "2130706433", "0x7f000001", "127.1", "[::ffff:127.0.0.1]"]
    with Site({"/": html("secret")}) as site:
        port = site.base.rpartition(":")[2]
        urls = [f"http://{host}:{port}/" for host in hosts]
        report = fetch(
            *urls, sections={"safety": {"allow_networks": []}, "politeness": {"retries": 0, "robots": False}}
        )
        assert site.log == []
        assert report.counts["new"] == 0
        assert report.counts["refused"] + report.counts["failed"] == len(addresses(tmp_path)) >= 5


REBINDING = """
import socket, sys
real, seen = socket.getaddrinfo, []
def getaddrinfo(host, *args, **options):
    if host == "rebind.example":
        seen.append(host)
        host = "127.0.0.1" if len(seen) % 2 else "127.0.0.2"
    return real(host, *args, **options)
socket.getaddrinfo = getaddrinfo
from tasks.fetch.crawl import main
sys.exit(main())
"""


def test_a_name_that_changes_its_address_gains_nothing(tmp_path: Path) -> None:
    """The first answer for the name is allowed, the second is inside: only the first is connected to."""
    with (
        Site({"/": html("public", Connection="close")}) as site,
        Site({"/": html("inside")}, host="127.0.0.2") as inside,
    ):
        port = site.base.rpartition(":")[2]
        inner = inside.base.rpartition(":")[2]
        urls = [f"http://rebind.example:{number}/{page}" for number in (port, inner) for page in range(4)]
        source = FetchSource(name="site", urls=urls)
        settings = local_settings(
            politeness={"robots": False, "retries": 0, "per_host": 1, "host_failures": 99}
        )
        order = {
            "source": source.model_dump(mode="json"),
            "settings": settings.model_dump(mode="json"),
            "options": {"max_pages": 99, "ignore_cache": False, "dry_run": False},
            "folder": str(tmp_path),
            **{name: str(tmp_path / name) for name in ("report", "lock", "log")},
        }
        script = tmp_path / "rebinding.py"
        script.write_text(REBINDING)
        done = subprocess.run(
            [sys.executable, str(script)],
            input=json.dumps(order).encode() + b"\n",
            env={"PYTHONPATH": str(ROOT), "PATH": ""},
            check=False,
            capture_output=True,
        )
        assert done.returncode == 0, done.stderr.decode()
        assert inside.log == []


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for 127.0.0.1, with its key, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    return path


def test_certificates_are_checked(fetch: Fetch, tmp_path: Path, certificate: Path) -> None:
    with Site({"/page": html("x" * 50)}, tls=certificate) as site:
        report = fetch(site.base + "/page", sections={"politeness": {"robots": False}})
        assert site.log == []
        assert [reason[:4] for reason in report.refused] == ["TLS:"]
        fetch(site.base + "/page", sections={"safety": {"ca_file": str(certificate)}})
        assert site.paths() == ["/page"]


def test_a_proxy_is_used_for_everything(fetch: Fetch, tmp_path: Path) -> None:
    def forward(asked: Asked) -> Reply:
        return Reply(status=404) if asked.path.endswith("robots.txt") else html("through the proxy")

    with Site() as proxy:
        urls = [
            "http://news.example/a",
            "http://127.0.0.1:1/inside",
            "http://localhost/inside",
            "http://[::1]/inside",
        ]
        proxy.routes = {f"http://news.example/{name}": forward for name in ("a", "robots.txt")}
        report = fetch(*urls, sections={"safety": {"proxy": proxy.base, "allow_networks": []}})
        assert [one.path for one in proxy.log] == ["http://news.example/robots.txt", "http://news.example/a"]
        assert report.refused == {"private address": 3}
        assert [one["url"] for one in records(tmp_path) if one["type"] == "response"] == [
            "http://news.example/a"
        ]


def test_an_agent_without_a_contact_is_not_sent_out(tmp_path: Path) -> None:
    with pytest.raises(FetchError, match=r"fetch\.contact"):
        run_fetch(FetchSource(name="site", urls=["http://news.example/"]), FetchSettings(), tmp_path)
