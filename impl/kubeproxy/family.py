"""Addresses of both families: the same words for IPv4 and IPv6.

A node has one proxier per family, each with rules of its own; nothing but the family's name and loopback tells them
apart. IPv6 addresses are in their shortest form, as Go's net.IP prints them; with a port they stand in brackets.
Upstream: newDualStackProxier (pkg/proxy/metaproxier) and pkg/proxy/util (v1.32); net.JoinHostPort of Go.
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from immutabledict import immutabledict

IPV4, IPV6 = "IPv4", "IPv6"
FAMILIES = (IPV4, IPV6)
LOOPBACK = immutabledict({IPV4: "127.0.0.0/8", IPV6: "::1/128"})
BITS = immutabledict({IPV4: 32, IPV6: 128})


def family_of(address: str) -> str:
    """Tell the family of an address or network by its look."""
    return IPV6 if ":" in address else IPV4


def join(address: str, port: int) -> str:
    """Put an address and a port together: "10.0.0.1:80", "[fd00::1]:80"."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def split(target: str) -> tuple[str, int]:
    """Take an address and a port apart."""
    address, _, port = target.rpartition(":")
    return address.strip("[]"), int(port)


def shortest(address: str) -> str:
    """Return an address as it is compared: IPv6 in its shortest form; what is no address is left as it is."""
    try:
        return str(ip_address(address)) if ":" in address else address
    except ValueError:
        return address


def contains(network: str, address: str) -> bool:
    """Tell whether an address lies in a network ("10.0.0.0/8") or is the one address named; families do not mix."""
    if "/" not in network:
        return network == address
    return ip_address(address) in _network(network)


@lru_cache(maxsize=4096)
def _network(text: str) -> IPv4Network | IPv6Network:
    return ip_network(text)


def is_local(address: str, local: frozenset[str]) -> bool:
    """Tell whether an address is the node's own; all of 127.0.0.0/8 is, and ::1."""
    return address in local or address.startswith("127.") or address == "::1"
