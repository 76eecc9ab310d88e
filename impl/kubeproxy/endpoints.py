"""Which endpoints a Service port has, and which of them this node's traffic may use.

Upstream: pkg/proxy/endpointslicecache.go and pkg/proxy/topology.go (v1.32, v1.36).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from attrs import frozen

from ..api.policy import Endpoint, EndpointSlice
from ..api.releases import NEWEST, Change, Release
from ..api.well_known import SERVICE_NAME, ZONE
from .family import family_of, join, shortest, split
from .services import OTHER_PROXY, Port


@frozen(order=True)
class Address:
    """One endpoint as seen from a node: "ADDRESS:PORT" or "[ADDRESS]:PORT", whether on it, and its conditions."""

    target: str
    local: bool = False
    ready: bool = True
    serving: bool = True
    terminating: bool = False
    zone_hints: frozenset[str] = frozenset()

    @property
    def ip(self) -> str:
        """The address without the port."""
        return split(self.target)[0]

    @property
    def draining(self) -> bool:
        """Whether it still serves although it is to go: the last resort."""
        return self.serving and self.terminating


@frozen
class Choice:
    """Endpoints for policy Cluster, for policy Local, and all that rules lead to.

    `any` says whether there is any at all, `known` how many there are in whatever condition.
    """

    cluster: tuple[Address, ...] = ()
    local: tuple[Address, ...] = ()
    reachable: tuple[Address, ...] = ()
    any: bool = False
    known: int = 0


def by_service(slices: Iterable[EndpointSlice]) -> dict[tuple[str, str], list[EndpointSlice]]:
    """Sort slices by the Service (namespace, name) they say they are of, so that no port looks at all of them."""
    found: dict[tuple[str, str], list[EndpointSlice]] = {}
    for endpoint_slice in slices:
        found.setdefault(
            (endpoint_slice.metadata.namespace, endpoint_slice.metadata.labels.get(SERVICE_NAME, "")), []
        ).append(endpoint_slice)
    return found


def addresses_of(
    port: Port, slices: Iterable[EndpointSlice], node_name: str, release: Release = NEWEST
) -> tuple[Address, ...]:
    """Return the endpoints of a port in the order of their text, one for each address."""
    found: dict[str, Address] = {}
    for slice_ in sorted(slices, key=lambda piece: (piece.metadata.namespace, piece.metadata.name)):
        for address in _in_slice(port, slice_, node_name):
            if address.target not in found or _replaces(address, release):
                found[address.target] = address
    return tuple(found[target] for target in sorted(found))


def _replaces(address: Address, release: Release) -> bool:
    """Tell whether an endpoint counts instead of one before with its address: before 1.36 a local one did so.

    Since then one that does not terminate does: the address may have been another Pod's. Of two such upstream leaves
    open which counts.
    """
    return not address.terminating if Change.LIVING_ENDPOINT_COUNTS in release else address.local


def _in_slice(port: Port, one: EndpointSlice, node_name: str) -> Iterator[Address]:
    meta = one.metadata
    if (meta.namespace, meta.labels.get(SERVICE_NAME)) != (port.namespace, port.service) or OTHER_PROXY in meta.labels:
        return
    for number in (p.port for p in one.ports if (p.name, p.protocol or "TCP") == (port.name, port.protocol)):
        if number and one.address_type == port.family:
            yield from (_address(endpoint, number, node_name) for endpoint in one.endpoints if _usable(endpoint, one))


def _usable(endpoint: Endpoint, one: EndpointSlice) -> bool:
    """Tell whether an endpoint has an address, of the family its slice speaks of."""
    return bool(endpoint.addresses) and family_of(endpoint.addresses[0]) == one.address_type


def _address(endpoint: Endpoint, number: int, node_name: str) -> Address:
    hints = (endpoint.hints or {}).get("forZones") or ()
    return Address(
        target=join(shortest(endpoint.addresses[0]), number),
        local=endpoint.node_name == node_name,
        ready=endpoint.conditions.ready,
        serving=endpoint.conditions.serving,
        terminating=endpoint.conditions.terminating,
        zone_hints=frozenset(hint["name"] for hint in hints),
    )


def endpoints_for(
    port: Port,
    slices: Iterable[EndpointSlice],
    node_name: str,
    node_labels: Mapping[str, str] | None = None,
    release: Release = NEWEST,
) -> Choice:
    """Choose among a port's endpoints for a node: the ready ones; where there is none, those that still serve."""
    found = addresses_of(port, slices, node_name, release)
    zone = _zone_to_keep(found, (node_labels or {}).get(ZONE, ""))
    cluster = _cluster(found, zone) if port.uses_cluster_endpoints else ()
    if not port.uses_local_endpoints:
        return Choice(cluster, (), cluster, any=bool(cluster), known=len(found))
    local = _ready_else_draining(address for address in found if address.local)
    usable = any(address.ready or address.draining for address in found)
    reachable = tuple(sorted({*cluster, *local}))
    return Choice(cluster, local, reachable, any=bool(cluster) or usable, known=len(found))


def _cluster(found: tuple[Address, ...], zone: str) -> tuple[Address, ...]:
    near = tuple(address for address in found if address.ready and (not zone or zone in address.zone_hints))
    return near or tuple(address for address in found if address.draining)


def _ready_else_draining(found: Iterable[Address]) -> tuple[Address, ...]:
    mine = tuple(found)
    return tuple(address for address in mine if address.ready) or tuple(address for address in mine if address.draining)


def _zone_to_keep(found: tuple[Address, ...], zone: str) -> str:
    """Return the node's zone if traffic stays in it: every ready endpoint has hints, and one of them names it."""
    ready = [address for address in found if address.ready]
    hinted = all(address.zone_hints for address in ready) and any(zone in address.zone_hints for address in ready)
    return zone if hinted else ""
