"""What is never connected to: addresses inside private networks, checked on the socket itself."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence
from typing import Any

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Refused(Exception):  # noqa: N818 - it is a decision, not a fault
    """An address or answer that is not fetched by rule; trying again would not help."""


class RefusedAddress(Refused, OSError):  # noqa: N818 - see Refused
    """A connection to an address that must not be connected to."""


class Guard:
    """Decides about IP addresses.

    A connection is refused unless its address is a public one or lies in an allowed network. The check
    sits where the socket is made, so it sees the very address that will be connected to: a name that
    resolves differently a second time (DNS rebinding) or a redirect gains nothing.
    """

    def __init__(self, allowed: Sequence[Network]) -> None:
        self._allowed = tuple(allowed)

    def permits(self, address: str) -> bool:
        """Whether an IP address may be connected to; what is no IP address may not."""
        try:
            ip = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return False
        return any(ip in network for network in self._allowed) or all(map(_public, _inside(ip)))

    def socket(self, info: tuple[Any, Any, int, str, tuple[Any, ...]]) -> socket.socket:
        """Make the socket for one resolved address. Raises RefusedAddress."""
        family, kind, protocol, _, address = info
        if not self.permits(str(address[0])):
            # One text for all addresses of a name: then the first of several errors is passed on as it is.
            raise RefusedAddress("private address")
        return socket.socket(family=family, type=kind, proto=protocol)


def _inside(ip: Address) -> list[Address]:
    """The address, and the IPv4 addresses it stands for (mapped, 6to4, Teredo)."""
    if isinstance(ip, ipaddress.IPv4Address):
        return [ip]
    if ip.ipv4_mapped:
        return [ip.ipv4_mapped]
    return [ip, *(part for part in (ip.sixtofour, *(ip.teredo or ())) if part is not None)]


def _public(ip: Address) -> bool:
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)
