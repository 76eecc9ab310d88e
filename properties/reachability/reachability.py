"""Is every Service reachable from this node? A proof over all packets, or the packet that goes astray.

The specification is short and does not look at the rules: who asks for an address and port of a Service gets one of
`takers` in `components/network/kubeproxy.py`: a ready endpoint of that port, of the node's zone if the endpoints' hints
say so; where none is ready, one that still serves while it terminates; where there is none of these, nobody. A traffic
policy Local narrows that to the node's own endpoints (for external addresses: unless the packet comes from a Pod or
from the node itself). A balancer's address takes packets from its source ranges only; if the node is inside them, also
packets that have the address itself as their source; all others reach nobody. A packet that nobody can take may be
refused, dropped or, if it is the node's own, leave the node as it is. A Service with two families has claims in each,
about addresses of that family only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

import z3
from attrs import evolve, frozen

from ...impl.api.core import Service, ServicePort
from ...impl.api.policy import EndpointSlice
from ...impl.api.well_known import SERVICE_NAME
from ...impl.kubeproxy.family import IPV4, contains, family_of, join, shortest
from ...impl.kubeproxy.packet import Fate, Packet, Verdict
from ...impl.kubeproxy.route import Journey, journeys
from ...impl.kubeproxy.rule import RuleSet
from ...model.components.network.kubeproxy import Endpoint, takers
from .symbolic import PROTOCOLS, Formula, SymbolicPacket, local, loopback, number, outcomes, within


@frozen
class Claim:
    """What must become of packets to one address and port: they reach `targets` and nothing else.

    `addresses` are the destinations meant; `outside` None means from anywhere, else from outside or inside the cluster.
    `sources` narrows that to networks, or, if the claim is `barred`, to everybody else, who must reach nobody.
    """

    name: str
    addresses: tuple[str, ...]
    port: int
    protocol: str
    targets: frozenset[str]
    outside: bool | None = None
    sources: tuple[str, ...] = ()
    barred: bool = False


@frozen
class Asker:
    """The node whose rules are asked about: its name, addresses of one family (the first is its own IP), and zone."""

    name: str
    addresses: tuple[str, ...]
    family: str = IPV4
    zone: str = ""


@frozen
class Reached:
    """Proved: every packet meant gets one of the targets, and each target can be got. No claims, nothing to reach."""

    claims: tuple[Claim, ...]


@frozen
class Unserved:
    """Proved, but sad: these claims have no endpoint at all, and the rules send their packets to nobody."""

    claims: tuple[Claim, ...]


@frozen
class Counterexample:
    """A packet that goes astray: the claim it breaks, the last rule it hit, and its fate."""

    claim: Claim
    packet: Packet
    rule: str
    fate: Verdict


Proof = Reached | Unserved | Counterexample
Find = Callable[[Service, ServicePort, Asker], Iterable[Endpoint]]
"""Who stands behind a port of a Service, seen from a node."""


# --- the specification --------------------------------------------------------------------------------------------


def claims(
    service: Service,
    slices: Iterable[EndpointSlice],
    node: str,
    own: Iterable[str],
    *,
    family: str = IPV4,
    zone: str = "",
) -> tuple[Claim, ...]:
    """Return what must hold for the ports of a Service on a node with these addresses of a family, its own IP first."""
    return claims_about(service, partial(_endpoints, tuple(slices)), Asker(node, tuple(own), family, zone))


def claims_about(service: Service, find: Find, asker: Asker) -> tuple[Claim, ...]:
    """Return what must hold for the ports of a Service on a node, whoever stands behind them."""
    cluster_ip = _cluster_ip(service, asker.family)
    if service.spec.type == "ExternalName" or not cluster_ip:
        return ()
    return tuple(claim for port in service.spec.ports for claim in _port_claims(service, port, cluster_ip, find, asker))


def _cluster_ip(service: Service, family: str) -> str:
    """Return the cluster IP of a family: families and addresses stand in the same order."""
    spec = service.spec
    pairs = zip(spec.ip_families, spec.cluster_ips or (spec.cluster_ip,), strict=False)
    found = dict(pairs) if spec.ip_families else {family_of(spec.cluster_ip): spec.cluster_ip}
    return shortest(found.get(family, "").removeprefix("None"))


def _port_claims(service: Service, port: ServicePort, cluster_ip: str, find: Find, asker: Asker) -> Iterator[Claim]:
    spec = service.spec
    ends = tuple(find(service, port, asker))
    everywhere, here = takers(ends, zone=asker.zone), takers(ends, here_only=True)
    name = f"{service.metadata.namespace}/{service.metadata.name}:{port.name}"
    protocol = port.protocol or "TCP"
    inner = here if spec.internal_traffic_policy == "Local" else everywhere
    yield Claim(f"{name} cluster IP", (cluster_ip,), port.port, protocol, inner)
    outer = here if spec.external_traffic_policy == "Local" else None
    external = tuple(shortest(ip) for ip in spec.external_ips if family_of(ip) == asker.family)
    yield from _door(Claim(f"{name} external IPs", external, port.port, protocol, everywhere), outer)
    if port.node_port:
        yield from _door(Claim(f"{name} node port", asker.addresses, port.node_port, protocol, everywhere), outer)
    balanced = tuple(_balancers(service, asker.family))
    sources = tuple(_sources(service, balanced, asker))
    balancer = Claim(f"{name} load balancer", balanced, port.port, protocol, everywhere, sources=sources)
    yield from _door(balancer, outer)
    if balanced and sources:
        nobody: frozenset[str] = frozenset()
        barred = f"{name} load balancer from elsewhere"
        yield Claim(barred, balanced, port.port, protocol, nobody, sources=sources, barred=True)


def _door(whole: Claim, here: frozenset[str] | None) -> Iterator[Claim]:
    """Split a claim on external addresses where traffic from outside stays on the node (`here`)."""
    if not whole.addresses:
        return
    if here is None:
        yield whole
    else:
        yield evolve(whole, name=f"{whole.name} from inside", outside=False)
        yield evolve(whole, name=f"{whole.name} from outside", outside=True, targets=here)


def _balancers(service: Service, family: str) -> Iterator[str]:
    """Yield the balancer's addresses that arrive at the node as they are."""
    status = service.extra.get("status") or {}
    for ingress in (status.get("loadBalancer") or {}).get("ingress") or ():
        address = ingress.get("ip", "")
        if address and family_of(address) == family and ingress.get("ipMode") != "Proxy":
            yield shortest(address)


def _sources(service: Service, balanced: tuple[str, ...], asker: Asker) -> Iterator[str]:
    """Yield the networks a balancer's address takes packets from; none means all."""
    named = (span.strip() for span in service.spec.load_balancer_source_ranges if family_of(span) == asker.family)
    ranges = tuple(str(network) for network in map(_network, named) if network is not None)
    yield from ranges
    if any(contains(span, asker.addresses[0]) for span in ranges):
        yield from balanced


def _is_of(addresses: tuple[str, ...], family: str) -> bool:
    return bool(addresses) and family_of(addresses[0]) == family


def _network(text: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None  # what cannot be read names nobody


def _endpoints(
    slices: tuple[EndpointSlice, ...], service: Service, port: ServicePort, asker: Asker
) -> Iterator[Endpoint]:
    """See the endpoints of a port in slices as the model does."""
    for endpoint_slice in slices:
        named = endpoint_slice.metadata.labels.get(SERVICE_NAME) == service.metadata.name
        if (
            not named
            or endpoint_slice.metadata.namespace != service.metadata.namespace
            or endpoint_slice.address_type != asker.family
        ):
            continue
        for offered in endpoint_slice.ports:
            if (offered.name, offered.protocol or "TCP") == (port.name, port.protocol or "TCP") and offered.port:
                for end in (end for end in endpoint_slice.endpoints if _is_of(end.addresses, asker.family)):
                    yield Endpoint(
                        port.name,
                        join(shortest(end.addresses[0]), offered.port),
                        here=end.node_name == asker.name,
                        ready=end.conditions.ready,
                        serving=end.conditions.serving,
                        terminating=end.conditions.terminating,
                        zones=frozenset(hint["name"] for hint in (end.hints or {}).get("forZones") or ()),
                    )


# --- the proof ----------------------------------------------------------------------------------------------------


def proves(
    rules: RuleSet,
    service: Service,
    slices: Iterable[EndpointSlice],
    node: str,
    *,
    cluster_cidr: str = "10.0.0.0/8",
    zone: str = "",
) -> Proof:
    """Prove the claims of a Service for the rules of a node, or give a packet that breaks one.

    `cluster_cidr` tells which sources are Pods; "" if the node cannot tell (then only its own packets are inside).
    `zone` is the node's, "" if it has none.
    """
    return proves_claims(rules, claims(service, slices, node, own(rules), family=rules.family, zone=zone), cluster_cidr)


def proves_claims(rules: RuleSet, meant: tuple[Claim, ...], cluster_cidr: str = "10.0.0.0/8") -> Proof:
    """Prove some claims for the rules of a node, or give a packet that breaks one."""
    for claim in meant:
        for address in claim.addresses:
            if broken := astray(rules, claim, address, cluster_cidr):
                return broken
    return judged(meant)


def own(rules: RuleSet) -> tuple[str, ...]:
    """Return the addresses of the node that rules are of, its own IP first."""
    return tuple(sorted(rules.local, key=lambda one: (one != rules.node_ip, one)))


def judged(meant: tuple[Claim, ...]) -> Proof:
    """Say what is proved once no claim is broken."""
    unserved = tuple(claim for claim in meant if not claim.targets and not claim.barred)
    return Unserved(unserved) if unserved else Reached(meant)


def astray(rules: RuleSet, claim: Claim, address: str, cluster_cidr: str) -> Counterexample | None:
    """Return a packet to one of a claim's addresses that breaks it, None if there is none: a proof."""
    packet = SymbolicPacket.to(address, claim.port, claim.protocol)
    fates = outcomes(rules, packet)
    solver = z3.Solver()
    solver.add(_meant(claim, packet.source, rules.local, cluster_cidr))
    if solver.check() == z3.unsat:
        return None
    delivered = {target: fates.when(Fate.DNAT, target) for target in sorted(claim.targets)}
    if claim.targets:
        wrong = z3.Not(z3.Or(*delivered.values()))
    else:
        wrong = z3.Or(*(outcome.when for outcome in fates.fates if outcome.fate is Fate.DNAT))
    if solver.check(wrong) == z3.sat:
        return _explain(rules, claim, solver.model(), packet)
    for target, when in delivered.items():
        if solver.check(when) == z3.unsat:
            return _starved(rules, claim, target, solver, packet)
    return None


def _meant(claim: Claim, source: Formula, own: frozenset[str], cluster_cidr: str) -> Formula:
    """Say that a packet from this source is one the claim speaks of."""
    inside = z3.Or(local(source, own), within(source, cluster_cidr) if cluster_cidr else False)
    where: dict[bool | None, Formula] = {None: True, True: z3.Not(inside), False: inside}
    if not claim.sources:
        return z3.And(where[claim.outside])
    among = z3.Or(*(within(source, cidr) for cidr in claim.sources))
    return z3.And(where[claim.outside], z3.Not(among) if claim.barred else among)


def _explain(rules: RuleSet, claim: Claim, model: Any, symbolic: SymbolicPacket) -> Counterexample:
    """Send the packet that was found through the rules for good, and show the way that breaks the claim."""
    packet = symbolic.read(model)
    ways = sorted(journeys(rules, packet), key=lambda way: (_fine(claim, way.verdict), way.choice))
    return Counterexample(claim, packet, _last_rule(ways[0]), ways[0].verdict)


def _starved(rules: RuleSet, claim: Claim, target: str, solver: Any, symbolic: SymbolicPacket) -> Counterexample:
    """A target nobody gets: show any packet, and the target as the fate that never comes."""
    solver.check()
    packet = symbolic.read(solver.model())
    first = next(iter(journeys(rules, packet)))
    return Counterexample(claim, packet, f"no rule leads to {target}; {_last_rule(first)}", first.verdict)


def _fine(claim: Claim, verdict: Verdict) -> bool:
    if claim.targets:
        return verdict.fate is Fate.DNAT and verdict.destination in claim.targets
    return verdict.fate is not Fate.DNAT


def _last_rule(way: Journey) -> str:
    return way.hits[-1].line() if way.hits else "no rule"


# --- and nothing else ---------------------------------------------------------------------------------------------


def stray(rules: RuleSet, meant: Iterable[Claim]) -> Packet | None:
    """Return a packet that ends at an endpoint though no claim speaks of its address and port; None: there is none."""
    packet = SymbolicPacket.fresh(rules.family)
    solver = z3.Solver()
    solver.add(
        packet.is_packet(), z3.Or(*(outcome.when for outcome in outcomes(rules, packet).fates if outcome.destination))
    )
    for claim in meant:
        here = z3.Or(*(packet.destination == number(address) for address in claim.addresses))
        loops = within(packet.destination, loopback(packet.destination))
        looped = loops if set(claim.addresses) == rules.local else False
        named = z3.And(packet.port == claim.port, packet.protocol == PROTOCOLS.index(claim.protocol))
        solver.add(z3.Not(z3.And(z3.Or(here, looped), named)))
    return packet.read(solver.model()) if solver.check() == z3.sat else None
