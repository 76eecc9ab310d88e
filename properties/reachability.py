"""Is every Service reachable from this node? A proof over all packets, or the packet that goes astray.

The specification is short and does not look at the rules: who asks for an address and port of a Service gets a ready
endpoint of that port; where none is ready, one that still serves while it terminates; where there is none of these,
nobody. A traffic policy Local narrows that to the node's own endpoints (for external addresses: unless the packet comes
from a Pod or from the node itself).
A packet that nobody can take may be refused, dropped or, if it is the node's own, leave the node as it is.
Left out on purpose: zone hints, loadBalancerSourceRanges (who is refused by them is not a question of endpoints).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import z3
from attrs import frozen

from ..impl.api.core import Service, ServicePort
from ..impl.api.policy import Endpoint, EndpointSlice
from ..impl.kubeproxy.packet import Fate, Packet, Verdict
from ..impl.kubeproxy.route import Journey, journeys
from ..impl.kubeproxy.rule import RuleSet
from .reachability_symbolic import PROTOCOLS, Formula, SymbolicPacket, local, number, outcomes, within


@frozen
class Claim:
    """What must become of packets to one address and port: they reach `targets` and nothing else.

    `addresses` are the destinations meant; `outside` None means from anywhere, else from outside or inside the cluster.
    """

    name: str
    addresses: tuple[str, ...]
    port: int
    protocol: str
    targets: frozenset[str]
    outside: bool | None = None


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


# --- the specification --------------------------------------------------------------------------------------------


def claims(service: Service, slices: Iterable[EndpointSlice], node: str, own: Iterable[str]) -> tuple[Claim, ...]:
    """Give what must hold on a node with these addresses for the ports of a Service."""
    known = tuple(slices)
    if service.spec.type == "ExternalName" or service.spec.cluster_ip in {"", "None"}:
        return ()
    return tuple(one for port in service.spec.ports for one in _port_claims(service, port, known, node, tuple(own)))


def _port_claims(
    service: Service, port: ServicePort, slices: tuple[EndpointSlice, ...], node: str, own: tuple[str, ...]
) -> Iterator[Claim]:
    spec = service.spec
    everywhere = targets(service, port, slices)
    here = targets(service, port, slices, node)
    name = f"{service.metadata.namespace}/{service.metadata.name}:{port.name}"
    protocol = port.protocol or "TCP"
    inner = here if spec.internal_traffic_policy == "Local" else everywhere
    yield Claim(f"{name} cluster IP", (spec.cluster_ip,), port.port, protocol, inner)
    doors = [("external IPs", tuple(spec.external_ips), port.port)]
    if port.node_port:
        doors.append(("node port", own, port.node_port))
    for what, addresses, number_ in doors:
        if not addresses:
            continue
        if spec.external_traffic_policy != "Local":
            yield Claim(f"{name} {what}", addresses, number_, protocol, everywhere)
        else:
            yield Claim(f"{name} {what} from inside", addresses, number_, protocol, everywhere, outside=False)
            yield Claim(f"{name} {what} from outside", addresses, number_, protocol, here, outside=True)


def targets(service: Service, port: ServicePort, slices: Iterable[EndpointSlice], node: str = "") -> frozenset[str]:
    """Give who may answer on a port: the ready, else the serving that terminate; of one node if it is named."""
    able: dict[bool, set[str]] = {True: set(), False: set()}
    for one in slices:
        named = one.metadata.labels.get("kubernetes.io/service-name") == service.metadata.name
        if not named or one.metadata.namespace != service.metadata.namespace or one.address_type != "IPv4":
            continue
        for offered in one.ports:
            if (offered.name, offered.protocol) == (port.name, port.protocol or "TCP") and offered.port:
                for endpoint in one.endpoints:
                    if node in {"", endpoint.node_name} and (rank := _able(endpoint)) is not None:
                        able[rank].add(f"{endpoint.addresses[0]}:{offered.port}")
    return frozenset(able[True] or able[False])


def _able(endpoint: Endpoint) -> bool | None:
    """True: ready. False: only as a last resort. None: not at all."""
    if endpoint.conditions.ready:
        return True
    return False if endpoint.conditions.serving and endpoint.conditions.terminating else None


# --- the proof ----------------------------------------------------------------------------------------------------


def proves(
    rules: RuleSet, service: Service, slices: Iterable[EndpointSlice], node: str, *, cluster_cidr: str = "10.0.0.0/8"
) -> Proof:
    """Prove the claims of a Service for the rules of a node, or give a packet that breaks one.

    `cluster_cidr` tells which sources are Pods; "" if the node cannot tell (then only its own packets are inside).
    """
    meant = claims(service, slices, node, sorted(rules.local))
    for claim in meant:
        for address in claim.addresses:
            if broken := _astray(rules, claim, address, cluster_cidr):
                return broken
    unserved = tuple(claim for claim in meant if not claim.targets)
    return Unserved(unserved) if unserved else Reached(meant)


def _astray(rules: RuleSet, claim: Claim, address: str, cluster_cidr: str) -> Counterexample | None:
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
        wrong = z3.Or(*(one.when for one in fates.fates if one.fate is Fate.DNAT))
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
    return z3.And(where[claim.outside])


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
    """Give a packet that ends at an endpoint though no claim speaks of its address and port; None if there is none."""
    packet = SymbolicPacket.fresh()
    solver = z3.Solver()
    solver.add(packet.is_packet(), z3.Or(*(one.when for one in outcomes(rules, packet).fates if one.destination)))
    for claim in meant:
        here = z3.Or(*(packet.destination == number(address) for address in claim.addresses))
        loopback = within(packet.destination, "127.0.0.0/8") if set(claim.addresses) == rules.local else False
        named = z3.And(packet.port == claim.port, packet.protocol == PROTOCOLS.index(claim.protocol))
        solver.add(z3.Not(z3.And(z3.Or(here, loopback), named)))
    return packet.read(solver.model()) if solver.check() == z3.sat else None
