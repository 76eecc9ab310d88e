"""Who works on packets in a world of connections: kube-proxies, kernels, senders and the load balancer."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from functools import partial

from attrs import frozen

from .....impl.api.releases import Release
from .....impl.kubeproxy.conntrack import Served, Table, answered, clean, send, served
from .....impl.kubeproxy.endpoints import addresses_of
from .....impl.kubeproxy.packet import Fate, Packet, Verdict
from .....impl.kubeproxy.route import destinations, journeys
from .....impl.kubeproxy.services import ports
from .....model.machine import Action, Fairness, Outcome, View
from .....model.world.component import Component, constantly
from .....model.world.verbs import Verb
from ...nodes.kubelets import PROXY, runtime_slot
from ...nodes.node_state import up_slot
from .nodes import CLIENT, OPEN, SERVED, accepts
from .setup import (
    RESTARTS,
    Balancer,
    DataPath,
    Flow,
    Known,
    flow_slot,
    known_slot,
    memory_slot,
    request_slot,
    sent_to_slot,
    split,
    table_slot,
)

BALANCER = "load balancer"
"""Who checks nodes and sends connections to those that answer well."""
Slots = dict[str, Hashable]


def components(path: DataPath) -> tuple[Component[DataPath], ...]:
    """Return the senders, what the kernel forgets, the load balancer, lasting connections, and proxies that restart."""
    setup = path.setup
    found = [_sender(path, flow) for flow in setup.flows]
    if setup.balancer is not None:
        found.append(_balancer(path))
    if setup.longest_request is not None:
        found.append(_clients(path))
    return (*found, _restarting(path))


def _sender(path: DataPath, flow: Flow) -> Component[DataPath]:
    acts = [Action(f"{flow.name}: sends", f"flow {flow.name}", partial(_sends, path, flow))]
    if flow.pauses:
        acts.append(Action(f"{flow.name}: pauses", f"pause {flow.name}", partial(_pauses, flow)))
    return Component(f"flow {flow.name}", lambda _path: acts, constantly({flow_slot(flow.name): ""}))


def _balancer(path: DataPath) -> Component[DataPath]:
    nodes = path.setup.nodes
    acts = [
        Action(
            f"{BALANCER}: checks {node}",
            f"check {node}",
            partial(_checks, path, node),
            by=BALANCER,
            verb=Verb.CHECKS,
            on=node,
        )
        for node in nodes
    ]
    return Component(BALANCER, lambda _path: acts, constantly(dict.fromkeys(map(sent_to_slot, nodes), True)))


def _clients(path: DataPath) -> Component[DataPath]:
    acts = []
    for place in path.places:
        number = place.rpartition("/")[2]
        acts.append(Action(f"{CLIENT} {number}: connects", CLIENT, partial(_connects, place), Fairness.NONE))
        served_ = partial(_is_served, place)
        name, group = f"{CLIENT} {number}: is served", f"served {number}"
        acts.append(Action(name, group, served_, by=CLIENT, verb=Verb.IS_SERVED, on=place))
    return Component("clients", lambda _path: acts, constantly(dict.fromkeys(map(request_slot, path.places), "")))


def _restarting(path: DataPath) -> Component[DataPath]:
    acts = [
        Action(f"kube-proxy {node}: restarts", "fault proxy", partial(_restarts, node), Fairness.NONE)
        for node in (path.setup.nodes if path.setup.restarts else ())
    ]
    return Component("proxy restarts", lambda _path: acts, constantly({RESTARTS: path.setup.restarts}))


# --- kube-proxy -----------------------------------------------------------------------------------------------------


@frozen
class _Proxy:
    """The kube-proxy of a node."""

    path: DataPath
    node: str

    def syncs(self, view: View) -> Iterator[Outcome]:
        """Program the rules and clear the flows that this release finds stale.

        Both are one step: a packet in between would meet the new rules and could only make an entry that is right, or
        keep one alive that is cleared a moment later.
        """
        if is_current(self.path, view, self.node):
            return
        known = now(self.path, view)
        updates: Slots = {known_slot(self.node): known, memory_slot(self.node): True}
        updates[table_slot(self.node)] = self._cleaned(view, known)
        yield Outcome(f"programs {_described(known)} on {self.node}", updates)

    def _cleaned(self, view: View, known: Known) -> Table:
        setup, table = self.path.setup, view[table_slot(self.node)]
        if setup.cleanup is None or not table:
            return frozenset(table)
        before = self._served(view[known_slot(self.node)]) if view[memory_slot(self.node)] else ()
        return clean(table, before, self._served(known), setup.cleanup, setup.events)

    def _served(self, known: Known) -> tuple[Served, ...]:
        return served(*split(self.path.seen_by_proxy(known)), self.node, self.path.setup.release)


def now(path: DataPath, view: View) -> Known:
    """Return the Services and EndpointSlices as they are."""
    pools = path.world.layout.pools
    found = (view[slot] for kind in ("Service", "EndpointSlice") for slot in pools[kind])
    return tuple(obj for obj in found if obj is not None)


def is_current(path: DataPath, view: View, node: str) -> bool:
    """Tell whether a node's proxy has nothing to do: its rules are made from what there is, or it learns nothing."""
    if not path.is_up(view, node):
        return True
    return bool(view[memory_slot(node)]) and view[known_slot(node)] == now(path, view)


def proxy(path: DataPath, node: str) -> Component[DataPath]:
    """Return the kube-proxy of a node, with what the node's kernel remembers."""
    name = f"kube-proxy {node}"
    acts = (Action(f"{name}: syncs", name, _Proxy(path, node).syncs, by=PROXY, verb=Verb.SYNCS, on=node),)
    slots: Slots = {known_slot(node): (), memory_slot(node): True, table_slot(node): frozenset()}
    return Component(name, lambda _path: acts, constantly(slots))


def _restarts(node: str, view: View) -> Iterator[Outcome]:
    if view[RESTARTS] and view[memory_slot(node)]:
        label = f"the proxy on {node} restarts and has forgotten what it knew"
        yield Outcome(label, {memory_slot(node): False, RESTARTS: view[RESTARTS] - 1})


def _described(known: Known) -> str:
    services, slices = split(known)
    if not services:
        return "no Service"
    listed = sum(endpoint.conditions.ready for piece in slices for endpoint in piece.endpoints)
    return f"{len(services)} Service{'s' * (len(services) != 1)} with {listed} ready endpoint{'s' * (listed != 1)}"


# --- who answers ----------------------------------------------------------------------------------------------------


def listeners(path: DataPath, view: View) -> frozenset[str]:
    """Return the addresses of the Pods that take new connections."""
    names = (view.via(accepts, runtime_slot(place)) for place in path.places)
    return frozenset(path.setup.pod_ip(name) for name in names if name)


def astray(path: DataPath, view: View, node: str, packet: Packet) -> Iterator[Verdict]:
    """Yield every verdict of a node's rules on a new connection that leads to an endpoint which does not take it."""
    there = listeners(path, view)
    for verdict in sorted(destinations(path.rules(view[known_slot(node)], node), packet), key=str):
        if verdict.fate is Fate.DNAT and verdict.destination.rpartition(":")[0] not in there:
            yield verdict


# --- flows ----------------------------------------------------------------------------------------------------------


def _sends(path: DataPath, flow: Flow, view: View) -> Iterator[Outcome]:
    """Send one packet: the table decides, and for a new flow the rules, with any answer of the random matches."""
    if not view[up_slot(flow.node)]:
        return
    table, ruled = view[table_slot(flow.node)], path.rules(view[known_slot(flow.node)], flow.node)
    found: dict[str, Slots] = {}
    for way in journeys(ruled, flow.packet):
        verdict, after = send(table, ruled, flow.packet, flow.source_port, way.choice)
        result = _result(path, view, flow, verdict)
        if result.startswith("answered"):
            after = answered(after, flow.packet, flow.source_port)
        found.setdefault(result, {table_slot(flow.node): after, flow_slot(flow.name): result})
    yield from (Outcome(result, updates) for result, updates in sorted(found.items()))


def _result(path: DataPath, view: View, flow: Flow, verdict: Verdict) -> str:
    if verdict.fate is Fate.REJECT:
        return "refused"
    if verdict.fate is Fate.DROP:
        return "lost: dropped by a rule"
    if verdict.fate is not Fate.DNAT:
        return f"lost: {flow.packet.destination} is translated by nobody"
    there = verdict.destination.rpartition(":")[0] in listeners(path, view)
    return f"answered by {verdict.destination}" if there else f"lost: {verdict.destination} does not answer"


def _pauses(flow: Flow, view: View) -> Iterator[Outcome]:
    """Pause for longer than the kernel remembers the flow."""
    table: Table = view[table_slot(flow.node)]
    left = frozenset(entry for entry in table if not entry.is_of(flow.packet, flow.source_port))
    if left != table:
        yield Outcome("is forgotten by the kernel", {table_slot(flow.node): left})


# --- connections that last ------------------------------------------------------------------------------------------


def _connects(place: str, view: View) -> Iterator[Outcome]:
    """Open a connection that may take as long as any."""
    name = view.via(accepts, runtime_slot(place))
    if name and not view[request_slot(place)]:
        yield Outcome(f"opens a connection to {name}", {request_slot(place): OPEN})


def _is_served(place: str, view: View) -> Iterator[Outcome]:
    if view[request_slot(place)] == OPEN:
        yield Outcome("has its answer", {request_slot(place): SERVED})


# --- the load balancer ----------------------------------------------------------------------------------------------


def answers_otherwise(path: DataPath, node: str, view: View) -> bool:
    """Tell whether a node answers otherwise than the load balancer takes it to."""
    well = bool(view[up_slot(node)]) and healthy(view[known_slot(node)], node, path.setup.release)
    return well is not view[sent_to_slot(node)]


def healthy(known: Known, node: str, release: Release) -> bool:
    """Tell what a node's kube-proxy answers to a health check: whether it knows a ready endpoint here.

    Upstream: pkg/proxy/healthcheck/service_health.go (v1.32). Endpoints that terminate do not count, though packets
    may still go to them. Left out: that an unhealthy proxy answers so too (KEP-3836).
    """
    services, slices = split(known)
    return any(
        address.local and address.ready
        for port in ports(services, release=release)
        if port.health_check_node_port
        for address in addresses_of(port, slices, node, release)
    )


def _checks(path: DataPath, node: str, view: View) -> Iterator[Outcome]:
    """Follow what a node answers: the check after which the load balancer sends there again, or no more."""
    if answers_otherwise(path, node, view):
        sent_to: bool = view[sent_to_slot(node)]
        said = "503 often enough: nothing is sent there any more" if sent_to else "200: it is sent to"
        yield Outcome(said, {sent_to_slot(node): not sent_to})


def balanced_to(path: DataPath, view: View) -> tuple[str, ...]:
    """Name the nodes that the load balancer sends new connections to."""
    return tuple(node for node in path.setup.nodes if path.setup.balancer and view[sent_to_slot(node)])


def at_node_port(path: DataPath, balancer: Balancer, node: str) -> Packet:
    """Return the packet that the load balancer passes on to a node."""
    return Packet(balancer.source, path.setup.node_ip(node), balancer.node_port)
