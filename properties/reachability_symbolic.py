"""A node's rules as formulas: every packet at once.

The packet's source, destination, port and protocol are bit vectors; each random match is a free boolean, and so is
whether session affinity remembers an endpoint. What comes out is a list of disjoint conditions, one per possible fate.
Upstream: the order of netfilter's hooks, as in impl/kubeproxy/route, but written anew: the two check each other.
Left out on purpose: IPv6, packets of known connections.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from typing import Any

import z3
from attrs import define, field, frozen

from ..impl.kubeproxy.packet import Fate, Packet
from ..impl.kubeproxy.rule import Rule, RuleSet

PROTOCOLS = ("TCP", "UDP", "SCTP")
Formula = Any
"""A z3 boolean; z3 ships no types."""


@frozen(eq=False)
class SymbolicPacket:
    """The first packet of any connection."""

    source: Formula
    destination: Formula
    port: Formula
    protocol: Formula

    @classmethod
    def fresh(cls, name: str = "packet") -> SymbolicPacket:
        """Make a packet nothing is known of."""
        source, destination = (z3.BitVec(f"{name}.{part}", 32) for part in ("source", "destination"))
        return cls(source, destination, z3.BitVec(f"{name}.port", 16), z3.BitVec(f"{name}.protocol", 2))

    @classmethod
    def to(cls, address: str, port: int, protocol: str, source: Formula = None) -> SymbolicPacket:
        """Make a packet to one address and port, from `source` (any, if that is None)."""
        anywhere = z3.BitVec("source", 32) if source is None else source
        fixed = (z3.BitVecVal(number(address), 32), z3.BitVecVal(port, 16))
        return cls(anywhere, *fixed, z3.BitVecVal(PROTOCOLS.index(protocol), 2))

    @classmethod
    def of(cls, packet: Packet) -> SymbolicPacket:
        """Make a packet of which everything is known."""
        source = z3.BitVecVal(number(packet.source), 32)
        return cls.to(packet.destination, packet.port, packet.protocol, source)

    def is_packet(self) -> Formula:
        """Say that the protocol is one there is."""
        return z3.ULT(self.protocol, len(PROTOCOLS))

    def read(self, model: Any) -> Packet:
        """Give the packet of a model; what the model leaves open is 0."""
        source, destination, port, protocol = (
            model.eval(part, model_completion=True).as_long()
            for part in (self.source, self.destination, self.port, self.protocol)
        )
        return Packet(str(IPv4Address(source)), str(IPv4Address(destination)), port, PROTOCOLS[protocol % 3])


def number(address: str) -> int:
    """Give an address as a number."""
    return int(IPv4Address(address))


def within(part: Formula, network: str) -> Formula:
    """Say that an address lies in a network (or is the one address named)."""
    net = IPv4Network(network)
    return part & int(net.netmask) == int(net.network_address)


def local(part: Formula, own: frozenset[str]) -> Formula:
    """Say that an address is the node's own."""
    return z3.Or(within(part, "127.0.0.0/8"), *(part == number(one) for one in sorted(own)))


@frozen(eq=False)
class Outcome:
    """One fate ("ADDRESS:PORT" for DNAT) and exactly when it comes about."""

    fate: Fate
    destination: str
    when: Formula


@frozen(eq=False)
class Outcomes:
    """All fates of a packet, and when its source is rewritten."""

    fates: tuple[Outcome, ...]
    masqueraded: Formula

    def when(self, fate: Fate, destination: str = "") -> Formula:
        """Say when a fate comes about."""
        return z3.Or(*(one.when for one in self.fates if (one.fate, one.destination) == (fate, destination)))


def possible(rules: RuleSet, packet: SymbolicPacket) -> frozenset[tuple[Fate, str]]:
    """Give the fates that can come about for some packet like this."""
    solver = z3.Solver()
    return frozenset(
        (one.fate, one.destination) for one in outcomes(rules, packet).fates if solver.check(one.when) == z3.sat
    )


def outcomes(rules: RuleSet, packet: SymbolicPacket) -> Outcomes:
    """Translate a node's rules."""
    nat, behind = _passes(rules, packet)
    return _sorted_out(behind, _translated(nat))


def rule_hits(rules: RuleSet, packet: SymbolicPacket) -> tuple[tuple[Rule, Formula], ...]:
    """Say which packets hit each rule that any can get to, once for every way there."""
    nat, behind = _passes(rules, packet)
    return (*nat.hits, *behind.hits)


def _passes(rules: RuleSet, packet: SymbolicPacket) -> tuple[_Translation, _Translation]:
    """Go through the nat table, then with what comes out of it through the filter table."""
    from_here = local(packet.source, rules.local)
    nat = _Translation(rules, packet)
    nat.run("nat", "OUTPUT", from_here)
    nat.run("nat", "PREROUTING", z3.Not(from_here))
    translated = _translated(nat)
    behind = _Translation(rules, _rewritten(packet, translated), z3.Or(*(when for _, when in translated)), nat.marked)
    to_here = local(behind.packet.destination, rules.local)
    behind.run("filter", "OUTPUT", from_here)
    behind.run("filter", "INPUT", to_here)
    behind.run("filter", "FORWARD", z3.And(z3.Not(from_here), z3.Not(to_here)))
    return nat, behind


def _translated(nat: _Translation) -> list[tuple[str, Formula]]:
    return [(rule.to_destination, when) for rule, when in nat.ends if rule.target == "DNAT"]


def _rewritten(packet: SymbolicPacket, translated: list[tuple[str, Formula]]) -> SymbolicPacket:
    destination, port = packet.destination, packet.port
    for target, when in translated:
        address, _, text = target.partition(":")
        destination = z3.If(when, z3.BitVecVal(number(address), 32), destination)
        port = z3.If(when, z3.BitVecVal(int(text), 16), port)
    return SymbolicPacket(packet.source, destination, port, packet.protocol)


def _sorted_out(behind: _Translation, translated: list[tuple[str, Formula]]) -> Outcomes:
    """Make the fates disjoint: refused (by the first hook that does), else translated, else taken in, else nothing."""
    refused: Formula = z3.BoolVal(val=False)
    fates = []
    for rule, when in behind.ends:
        if rule.target in {"DROP", "REJECT"}:
            fates.append(Outcome(Fate(rule.target), "", z3.And(when, z3.Not(refused))))
            refused = z3.Or(refused, when)
    passed = z3.Not(refused)
    fates += [Outcome(Fate.DNAT, target, z3.And(passed, when)) for target, when in translated]
    untouched = z3.And(passed, z3.Not(behind.translated))
    accepted = z3.Or(*(when for rule, when in behind.ends if rule.target == "ACCEPT"))
    fates.append(Outcome(Fate.ACCEPT, "", z3.And(untouched, accepted)))
    fates.append(Outcome(Fate.UNCHANGED, "", z3.And(untouched, z3.Not(accepted))))
    return Outcomes(tuple(fates), z3.And(behind.marked, passed))


def _false() -> Formula:
    return z3.BoolVal(val=False)


@define(eq=False)
class _Translation:
    """One pass over tables: the rules that end a packet's way and when, and when it is marked by now."""

    rules: RuleSet
    packet: SymbolicPacket
    translated: Formula = field(factory=_false)
    marked: Formula = field(factory=_false)
    ends: list[tuple[Rule, Formula]] = field(factory=list)
    hits: list[tuple[Rule, Formula]] = field(factory=list)

    def run(self, table: str, chain: str, arrives: Formula) -> Formula:
        """Walk a chain with the packets that arrive; say which come out at its end."""
        walking = arrives
        for place, rule in enumerate(self.rules.chains.get((table, chain), ())):
            if self._cannot_match(rule):
                continue
            matches = z3.simplify(self._matches(rule, place))
            if z3.is_false(matches):
                continue
            hits = z3.And(walking, matches)
            self.hits.append((rule, hits))
            walking = z3.Or(z3.And(walking, z3.Not(matches)), self._follow(rule, hits))
        return walking

    def _cannot_match(self, rule: Rule) -> bool:
        """Tell at a glance, where a packet's destination is known: most rules are for other Services."""
        port, destination = self.packet.port, self.packet.destination
        if rule.port and z3.is_bv_value(port) and port.as_long() != rule.port:
            return True
        if not rule.destination or "/" in rule.destination or not z3.is_bv_value(destination):
            return False
        return bool(destination.as_long() != number(rule.destination))

    def _follow(self, rule: Rule, hits: Formula) -> Formula:
        """Do what the target says to the packets that hit; say which of them walk on."""
        if rule.target in {"DNAT", "DROP", "REJECT", "ACCEPT"}:
            self.ends.append((rule, hits))
            return _false()
        if rule.target.startswith("MARK --or-mark"):
            self.marked = z3.Or(self.marked, hits)
            return hits
        return self.run(rule.table, rule.target, hits) if rule.target else hits

    def _matches(self, rule: Rule, place: int) -> Formula:
        packet, own = self.packet, self.rules.local
        conditions = []
        if rule.protocol:
            conditions.append(packet.protocol == PROTOCOLS.index(rule.protocol))
        if rule.port:
            conditions.append(packet.port == rule.port)
        if rule.source:
            conditions.append(within(packet.source, rule.source))
        if rule.not_source:
            conditions.append(z3.Not(within(packet.source, rule.not_source)))
        if rule.destination:
            conditions.append(within(packet.destination, rule.destination))
        if rule.source_local:
            conditions.append(local(packet.source, own))
        if rule.destination_local:
            conditions.append(local(packet.destination, own))
        return z3.And(*conditions, *self._circumstances(rule, place))

    def _circumstances(self, rule: Rule, place: int) -> list[Formula]:
        """Say what a rule asks besides the packet's own fields: mark, connection state, chance, memory."""
        conditions = []
        if rule.mark is not None:
            conditions.append(self.marked == rule.mark)
        if rule.conntrack.startswith("!") and "DNAT" in rule.conntrack:
            conditions.append(z3.Not(self.translated))
        elif rule.conntrack and "NEW" not in rule.conntrack:
            conditions.append(_false())
        if rule.probability is not None:
            conditions.append(z3.Bool(f"chance {rule.chain} {place}"))
        if rule.remembered:
            conditions.append(z3.Bool(f"remembered {rule.remembered}"))
        return conditions
