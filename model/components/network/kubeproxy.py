"""What a node's proxy may do with connections: it knows ports and endpoints, programs a table, and sends packets by it.

The table of a port is the endpoints that are ready; where none is, those that still serve while they terminate. A port
that is for this node only has this node's. A connection goes to any endpoint of its port's table: Kubernetes does not
promise which. Between two synchronisations the table is as old as it is.
`takers` is all there is to choosing; the proofs of `properties/reachability/reachability` compare the rules with it
address by address, also for traffic from outside and for nodes that keep traffic in their zone. Upstream: pkg/proxy
(v1.32). Left out: session affinity, masquerading; in the machine, other addresses than the cluster IP and zones.
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import evolve, field, frozen
from immutabledict import immutabledict


@frozen(order=True)
class Endpoint:
    """One endpoint of a port: where, whether on this node, how it is, and the zones whose traffic it is meant for."""

    port: str
    target: str
    here: bool = False
    ready: bool = False
    serving: bool = False
    terminating: bool = False
    zones: frozenset[str] = frozenset()


@frozen
class State:
    """Ports known (and whether each is for this node only), endpoints known, and the table as last programmed."""

    ports: immutabledict[str, bool] = field(factory=immutabledict)
    endpoints: frozenset[Endpoint] = frozenset()
    table: immutabledict[str, frozenset[str]] = field(factory=immutabledict)


@frozen
class Learn:
    """News from the API server: ports and endpoints as they are now."""

    ports: immutabledict[str, bool]
    endpoints: frozenset[Endpoint]

    def enabled(self, state: State) -> bool:
        """Only news is news."""
        return (self.ports, self.endpoints) != (state.ports, state.endpoints)

    def apply(self, state: State) -> State:
        """Know it; the table stays as it is."""
        return evolve(state, ports=self.ports, endpoints=self.endpoints)


@frozen
class Sync:
    """Program the table from what is known."""

    def enabled(self, state: State) -> bool:
        """Only if that changes it."""
        return state.table != _table(state)

    def apply(self, state: State) -> State:
        """Write the whole table at once."""
        return evolve(state, table=_table(state))


Action = Learn | Sync


def steps(state: State) -> tuple[Action, ...]:
    """Return what the proxy may do of itself: news come from outside."""
    return tuple(action for action in (Sync(),) if action.enabled(state))


def destinations(state: State, port: str) -> frozenset[str]:
    """Return where a new connection to a port may go: empty is refused, or ignored."""
    return state.table.get(port, frozenset())


def _table(state: State) -> immutabledict[str, frozenset[str]]:
    return immutabledict((port, _best(state, port)) for port in sorted(state.ports))


def _best(state: State, port: str) -> frozenset[str]:
    """Rank a port's endpoints, and give those of the best rank there is."""
    return takers((endpoint for endpoint in state.endpoints if endpoint.port == port), here_only=state.ports[port])


def takers(endpoints: Iterable[Endpoint], *, here_only: bool = False, zone: str = "") -> frozenset[str]:
    """Return who may take a connection: the ready, else those that still serve while they go, else nobody.

    `here_only` asks for this node's alone. Otherwise traffic stays in the node's `zone` if every ready endpoint says
    which zones it is for, and one of them says this one; "" if the node has none.
    """
    mine = [endpoint for endpoint in endpoints if endpoint.here or not here_only]
    ready = [endpoint for endpoint in mine if endpoint.ready]
    if zone and not here_only and all(endpoint.zones for endpoint in ready):
        ready = [endpoint for endpoint in ready if zone in endpoint.zones] or ready
    leaving = frozenset(endpoint.target for endpoint in mine if endpoint.serving and endpoint.terminating)
    return frozenset(endpoint.target for endpoint in ready) or leaving
