"""What a node remembers of connections, and what kube-proxy makes it forget.

A connection keeps the destination that the rules gave its first packet: later packets do not pass the nat table
again, whatever has become of the rules. So a UDP sender that never pauses goes on reaching an endpoint that is gone, or
nobody if it began before there were rules; kube-proxy clears such entries, each release in its own way (`Cleanup`).
Upstream: pkg/proxy/conntrack/cleanup.go (v1.31, v1.32, and what k/k#139629 and k/k#141371 made of it).
Left out on purpose: time outs, the size of the table, the end of TCP connections, ICMP, marks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum

from attrs import evolve, frozen

from ..api.core import Service
from ..api.policy import EndpointSlice
from ..api.releases import NEWEST, Release
from .endpoints import addresses_of
from .packet import Fate, Packet, Verdict
from .route import follow, route
from .rule import RuleSet
from .services import Port, ports


@frozen(order=True)
class Entry:
    """One known connection: what its first packet said, and who answers ("ADDRESS:PORT": the reply's source).

    `masquerade` tells that the endpoint sees the node as its client, `replied` that a packet came back.
    """

    protocol: str
    source: str
    source_port: int
    destination: str
    port: int
    endpoint: str
    masquerade: bool = False
    replied: bool = False

    @property
    def translated(self) -> bool:
        """Whether the rules gave it another destination."""
        return self.endpoint != f"{self.destination}:{self.port}"

    def is_of(self, packet: Packet, source_port: int) -> bool:
        """Tell whether a packet is one of this connection."""
        mine = (self.protocol, self.source, self.source_port, self.destination, self.port)
        return mine == (packet.protocol, packet.source, source_port, packet.destination, packet.port)


Table = frozenset[Entry]


def send(
    table: Table, rules: RuleSet, packet: Packet, source_port: int, choice: tuple[bool, ...] = ()
) -> tuple[Verdict, Table]:
    """Send a packet: a known connection goes where it went; a new one is remembered, if it is let through.

    `choice` answers the random matches a new connection meets.
    """
    known = next((entry for entry in table if entry.is_of(packet, source_port)), None)
    if known is not None:
        endpoint = known.endpoint if known.translated else ""
        return follow(rules, packet, endpoint, replied=known.replied, masquerade=known.masquerade), table
    verdict = route(rules, packet, choice)
    if verdict.fate in {Fate.DROP, Fate.REJECT}:
        return verdict, table
    endpoint = verdict.destination or f"{packet.destination}:{packet.port}"
    who = (packet.protocol, packet.source, source_port, packet.destination, packet.port)
    return verdict, table | {Entry(*who, endpoint, verdict.masquerade)}


def answered(table: Table, packet: Packet, source_port: int) -> Table:
    """Return the table once a reply to a packet came back: its connection is established."""
    return frozenset(evolve(entry, replied=True) if entry.is_of(packet, source_port) else entry for entry in table)


# --- what kube-proxy clears -----------------------------------------------------------------------------------------


class Cleanup(Enum):
    """How a release finds UDP entries to clear after a change of rules."""

    EVENTS = "up to 1.31"
    """By what happened: endpoints that are no more, ports with their first endpoints, deleted Services' cluster IPs."""
    RECONCILED = "1.32"
    """By comparing the table with the ports; those without endpoints are passed over (the regression k/k#139628)."""
    RECONCILED_EMPTY = "k/k#139629"
    """The same, with ports without endpoints."""
    RECONCILED_DELETED = "k/k#141371"
    """The same, with ports of Services that are gone."""


class Event(Enum):
    """What had to happen in releases that went by events; each was added for a failure (`ALL_EVENTS` is 1.31)."""

    REMOVED = "an endpoint is no more"
    """Since k/k#22573, for k/k#19029."""
    FIRST = "a port has its first endpoints"
    """For k/k#48370."""
    DELETED = "a Service is no more"
    """Its cluster IP alone is cleared."""


ALL_EVENTS = frozenset(Event)


@frozen
class Served:
    """A UDP port and the endpoints ("ADDRESS:PORT") that serve it, ready or not."""

    port: Port
    endpoints: frozenset[str] = frozenset()

    @property
    def _doors(self) -> frozenset[tuple[str, int]]:
        addresses = (self.port.cluster_ip, *self.port.external_ips, *self.port.load_balancer_ips)
        return frozenset((address, self.port.port) for address in addresses)

    def is_asked_by(self, entry: Entry) -> bool:
        """Tell whether a connection asked for this port, at an address of the Service or at any as a node port."""
        at_node = bool(self.port.node_port) and entry.port == self.port.node_port
        return entry.protocol == "UDP" and (at_node or (entry.destination, entry.port) in self._doors)


def served(
    services: Iterable[Service], slices: Iterable[EndpointSlice], node_name: str, release: Release = NEWEST
) -> tuple[Served, ...]:
    """Return the UDP ports with the endpoints that serve them."""
    known = tuple(slices)
    return tuple(
        Served(
            port,
            frozenset(address.target for address in addresses_of(port, known, node_name, release) if address.serving),
        )
        for port in ports(services)
        if port.protocol == "UDP"
    )


def clean(
    table: Table,
    before: tuple[Served, ...],
    after: tuple[Served, ...],
    cleanup: Cleanup,
    events: frozenset[Event] = ALL_EVENTS,
) -> Table:
    """Return the table after kube-proxy has synchronised from `before` to `after`.

    `events` says what a release that goes by events looks for; others do not look at it.
    """
    if cleanup is Cleanup.EVENTS:
        return frozenset(entry for entry in table if events.isdisjoint(_events(entry, before, after)))
    now = tuple(_compared(before, after, cleanup))
    return frozenset(entry for entry in table if not any(_is_stale(entry, door) for door in now))


def _compared(before: tuple[Served, ...], after: tuple[Served, ...], cleanup: Cleanup) -> Iterator[Served]:
    yield from (door for door in after if door.endpoints or cleanup is not Cleanup.RECONCILED)
    if cleanup is Cleanup.RECONCILED_DELETED:
        there = {_name(door) for door in after}
        yield from (evolve(door, endpoints=frozenset()) for door in before if _name(door) not in there)


def _is_stale(entry: Entry, one: Served) -> bool:
    return one.is_asked_by(entry) and entry.endpoint not in one.endpoints


def _name(one: Served) -> tuple[str, str, str]:
    return (one.port.namespace, one.port.service, one.port.name)


def _events(entry: Entry, before: tuple[Served, ...], after: tuple[Served, ...]) -> Iterator[Event]:
    """Yield what happened that clears an entry."""
    old = {_name(door): door for door in before}
    for door in after:
        had = old[_name(door)].endpoints if _name(door) in old else frozenset()
        if door.is_asked_by(entry):
            if entry.endpoint in had - door.endpoints:
                yield Event.REMOVED
            if door.endpoints and not had:
                yield Event.FIRST
    gone = {served.port.cluster_ip for name, served in old.items() if name not in {_name(door) for door in after}}
    if entry.protocol == "UDP" and entry.destination in gone:
        yield Event.DELETED
