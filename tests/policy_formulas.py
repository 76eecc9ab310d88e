"""NetworkPolicies as formulas: every connection of a Pod at once.

One end is a Pod that is known; the other is any address, some of which are known Pods'. What comes out says when the
policies of one direction let a connection pass. So two sets of policies can be proved equal, a rule can be proved idle,
and a Pod can be proved to be reached by nobody but those who are meant, or there is a connection that shows it.
Left out on purpose: the other side's policies (ask for each side), as in network_policy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import z3
from attrs import evolve, frozen

from kubeproof.impl.kubeproxy.packet import Packet
from kubeproof.properties.reachability.network_policy import (
    EGRESS,
    INGRESS,
    Party,
    Peer,
    Policy,
    Ports,
    Rule,
    is_peer,
    isolates,
)
from kubeproof.properties.reachability.symbolic import PROTOCOLS, Formula, SymbolicPacket, number, within


@frozen
class Side:
    """A Pod, a direction, and the Pods that the other end may be; any other address is outside."""

    pod: Party
    direction: str
    others: tuple[Party, ...]

    def packet(self) -> SymbolicPacket:
        """Make a connection of the Pod with anybody, on any port."""
        any_one = SymbolicPacket.fresh()
        here = z3.BitVecVal(number(self.pod.address), 32)
        if self.direction == INGRESS:
            return evolve(any_one, destination=here)
        return evolve(any_one, source=here)

    def other(self, packet: SymbolicPacket) -> Formula:
        """Return the address of the other end."""
        return packet.source if self.direction == INGRESS else packet.destination


def admitted(policies: Iterable[Policy], side: Side, packet: SymbolicPacket) -> Formula:
    """Say when the policies of a direction let a connection pass."""
    isolating = isolates(tuple(policies), side.pod, side.direction)
    if not isolating:
        return z3.BoolVal(val=True)
    myself = side.other(packet) == number(side.pod.address)
    rules = ((policy, rule) for policy in isolating for rule in policy.rules(side.direction))
    return z3.Or(myself, *(_admits(policy, rule, side, packet) for policy, rule in rules))


def difference(before: Iterable[Policy], after: Iterable[Policy], side: Side) -> Packet | None:
    """Return a connection that one set of policies lets pass and the other does not; None: they are the same."""
    packet = side.packet()
    return _example(packet, admitted(before, side, packet) != admitted(after, side, packet))


def intruder(policies: Iterable[Policy], side: Side, meant: Iterable[str]) -> Packet | None:
    """Return a connection that may be with an address in none of the networks meant; None: nobody else gets through."""
    packet = side.packet()
    known = [within(side.other(packet), network) for network in (*meant, side.pod.address)]
    return _example(packet, z3.And(admitted(policies, side, packet), z3.Not(z3.Or(*known))))


def idle_rules(policies: Iterable[Policy], side: Side) -> Iterator[Rule]:
    """Yield the rules without which exactly the same connections of a Pod may be (each taken away by itself)."""
    known = tuple(policies)
    for policy in isolates(known, side.pod, side.direction):
        for place, rule in enumerate(policy.rules(side.direction)):
            without = tuple(_without(one, side.direction, place) if one is policy else one for one in known)
            if difference(known, without, side) is None:
                yield rule


def _without(policy: Policy, direction: str, place: int) -> Policy:
    rules = policy.rules(direction)
    left = rules[:place] + rules[place + 1 :]
    return evolve(policy, ingress=left) if direction == INGRESS else evolve(policy, egress=left)


def _example(packet: SymbolicPacket, wanted: Formula) -> Packet | None:
    solver = z3.Solver()
    solver.add(packet.is_packet(), wanted)
    return packet.read(solver.model()) if solver.check() == z3.sat else None


# --- one rule -------------------------------------------------------------------------------------------------------


def _admits(policy: Policy, rule: Rule, side: Side, packet: SymbolicPacket) -> Formula:
    peers = [_peer(policy, peer, side, packet) for peer in rule.peers]
    ports = [_port(ports, side, packet) for ports in rule.ports]
    return z3.And(z3.Or(*peers) if peers else True, z3.Or(*ports) if ports else True)


def _peer(policy: Policy, peer: Peer, side: Side, packet: SymbolicPacket) -> Formula:
    other = side.other(packet)
    if peer.cidr:
        return z3.And(within(other, peer.cidr), *(z3.Not(within(other, one)) for one in peer.excepted))
    return z3.Or(*(other == number(one.address) for one in side.others if is_peer(policy, peer, one)))


def _port(ports: Ports, side: Side, packet: SymbolicPacket) -> Formula:
    right = packet.protocol == PROTOCOLS.index(ports.protocol)
    if ports.name:
        key = (ports.protocol, ports.name)
        there: tuple[Party, ...] = side.others if side.direction == EGRESS else (side.pod,)
        named: list[Any] = [
            z3.And(packet.destination == number(one.address), packet.port == one.ports[key])
            for one in there
            if key in one.ports
        ]
        return z3.And(right, z3.Or(*named))
    if not ports.first:
        return right
    return z3.And(right, z3.UGE(packet.port, ports.first), z3.ULE(packet.port, ports.last))
