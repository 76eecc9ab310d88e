"""A node's rules as formulas: every packet at once.

The packet's source, destination, port and protocol are bit vectors, addresses of 32 bits or (IPv6) of 128. Each random
match is a free boolean, and so is whether session affinity remembers an endpoint. What comes out is a list of disjoint
conditions, one per possible fate.
Upstream: the order of netfilter's hooks, as in impl/kubeproxy/route, but written anew: the two check each other.
Left out on purpose: packets of known connections.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

import z3
from attrs import define, field, frozen

from ...impl.kubeproxy.family import BITS, IPV4, IPV6, LOOPBACK, family_of, split
from ...impl.kubeproxy.packet import Fate, Packet
from ...impl.kubeproxy.rule import Rule, RuleSet

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
    def fresh(cls, family: str = IPV4, name: str = "packet") -> SymbolicPacket:
        """Make a packet of a family nothing else is known of."""
        source, destination = (z3.BitVec(f"{name}.{part}", BITS[family]) for part in ("source", "destination"))
        return cls(source, destination, z3.BitVec(f"{name}.port", 16), z3.BitVec(f"{name}.protocol", 2))

    @classmethod
    def to(cls, address: str, port: int, protocol: str, source: Formula = None) -> SymbolicPacket:
        """Make a packet to one address and port, from `source` (any, if that is None)."""
        bits = BITS[family_of(address)]
        anywhere = z3.BitVec("source", bits) if source is None else source
        fixed = (z3.BitVecVal(number(address), bits), z3.BitVecVal(port, 16))
        return cls(anywhere, *fixed, z3.BitVecVal(PROTOCOLS.index(protocol), 2))

    @classmethod
    def of(cls, packet: Packet) -> SymbolicPacket:
        """Make a packet of which everything is known."""
        source = z3.BitVecVal(number(packet.source), BITS[family_of(packet.source)])
        return cls.to(packet.destination, packet.port, packet.protocol, source)

    def is_packet(self) -> Formula:
        """Say that the protocol is one there is."""
        return z3.ULT(self.protocol, len(PROTOCOLS))

    def read(self, model: Any) -> Packet:
        """Return the packet of a model; what the model leaves open is 0."""
        source, destination, port, protocol = (
            model.eval(part, model_completion=True).as_long()
            for part in (self.source, self.destination, self.port, self.protocol)
        )
        spell = IPv4Address if self.source.size() == BITS[IPV4] else IPv6Address
        return Packet(str(spell(source)), str(spell(destination)), port, PROTOCOLS[protocol % 3])


# --- formulas -------------------------------------------------------------------------------------------------------

YES, NO = z3.BoolVal(val=True), z3.BoolVal(val=False)


def both(*parts: Formula) -> Formula:
    """Say that all of these hold. YES and NO are folded, and nothing is coerced: most of the time goes into this."""
    if any(part is NO for part in parts):
        return NO
    return _joined(z3.Z3_mk_and, [part for part in parts if part is not YES], YES)


def either(*parts: Formula) -> Formula:
    """Say that one of these holds, folded like `both`."""
    if any(part is YES for part in parts):
        return YES
    return _joined(z3.Z3_mk_or, [part for part in parts if part is not NO], NO)


def _joined(join: Any, parts: list[Formula], nothing: Formula) -> Formula:
    if len(parts) < 2:
        return parts[0] if parts else nothing
    context = nothing.ctx
    terms = (z3.Ast * len(parts))(*(part.as_ast() for part in parts))
    return z3.BoolRef(join(context.ref(), len(parts), terms), context)


def negated(part: Formula) -> Formula:
    """Say that this does not hold."""
    if part is YES or part is NO:
        return NO if part is YES else YES
    return z3.BoolRef(z3.Z3_mk_not(YES.ctx.ref(), part.as_ast()), YES.ctx)


def number(address: str) -> int:
    """Return an address as a number."""
    return int(ip_address(address))


def within(part: Formula, network: str) -> Formula:
    """Say that an address lies in a network (or is the one address named)."""
    if "/" not in network:
        return part == number(network)
    net = ip_network(network)
    return part & int(net.netmask) == int(net.network_address)


def local(part: Formula, own: frozenset[str]) -> Formula:
    """Say that an address is the node's own."""
    return either(within(part, loopback(part)), *(part == number(address) for address in sorted(own)))


def loopback(part: Formula) -> str:
    """Name the loopback network of an address's family."""
    return LOOPBACK[IPV4 if part.size() == BITS[IPV4] else IPV6]


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
        return either(
            *(outcome.when for outcome in self.fates if (outcome.fate, outcome.destination) == (fate, destination))
        )


def possible(rules: RuleSet, packet: SymbolicPacket) -> frozenset[tuple[Fate, str]]:
    """Return the fates that can come about for some packet like this."""
    solver = z3.Solver()
    return frozenset(
        (outcome.fate, outcome.destination)
        for outcome in outcomes(rules, packet).fates
        if solver.check(outcome.when) == z3.sat
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
    nat.run("nat", "PREROUTING", negated(from_here))
    translated = _translated(nat)
    behind = _Translation(rules, _rewritten(packet, translated), either(*(when for _, when in translated)), nat.marked)
    to_here = local(behind.packet.destination, rules.local)
    behind.run("filter", "OUTPUT", from_here)
    behind.run("filter", "INPUT", to_here)
    behind.run("filter", "FORWARD", both(negated(from_here), negated(to_here)))
    return nat, behind


def _translated(nat: _Translation) -> list[tuple[str, Formula]]:
    """Return each new destination once, and when packets get it."""
    found: dict[str, list[Formula]] = {}
    for rule, when in nat.ends:
        if rule.target == "DNAT":
            found.setdefault(rule.to_destination, []).append(when)
    return [(target, either(*whens)) for target, whens in found.items()]


def _rewritten(packet: SymbolicPacket, translated: list[tuple[str, Formula]]) -> SymbolicPacket:
    destination, port = packet.destination, packet.port
    for target, when in translated:
        address, to_port = split(target)
        destination = z3.If(when, z3.BitVecVal(number(address), destination.size()), destination)
        port = z3.If(when, z3.BitVecVal(to_port, 16), port)
    return SymbolicPacket(packet.source, destination, port, packet.protocol)


def _sorted_out(behind: _Translation, translated: list[tuple[str, Formula]]) -> Outcomes:
    """Make the fates disjoint: refused (by the first hook that does), else translated, else taken in, else nothing."""
    refused: Formula = NO
    fates = []
    for rule, when in behind.ends:
        if rule.target in {"DROP", "REJECT"}:
            fates.append(Outcome(Fate(rule.target), "", both(when, negated(refused))))
            refused = either(refused, when)
    passed = negated(refused)
    fates += [Outcome(Fate.DNAT, target, both(passed, when)) for target, when in translated]
    untouched = both(passed, negated(behind.translated))
    accepted = either(*(when for rule, when in behind.ends if rule.target == "ACCEPT"))
    fates.append(Outcome(Fate.ACCEPT, "", both(untouched, accepted)))
    fates.append(Outcome(Fate.UNCHANGED, "", both(untouched, negated(accepted))))
    return Outcomes(tuple(fates), both(behind.marked, passed))


def _known(part: Formula) -> int | None:
    """Return the value of a term that is a number, None for one that is not."""
    return int(part.as_long()) if z3.is_bv_value(part) else None


@define(eq=False)
class _Translation:
    """One pass over tables: the rules that end a packet's way and when, and when it is marked by now."""

    rules: RuleSet
    packet: SymbolicPacket
    translated: Formula = NO
    marked: Formula = NO
    ends: list[tuple[Rule, Formula]] = field(factory=list)
    hits: list[tuple[Rule, Formula]] = field(factory=list)
    port: int | None = field(init=False)
    destination: int | None = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Look once at what is known of the packet: most rules are for other ports and addresses."""
        self.port, self.destination = _known(self.packet.port), _known(self.packet.destination)

    def run(self, table: str, chain: str, arrives: Formula) -> Formula:
        """Walk a chain with the packets that arrive; say which come out at its end."""
        walking = arrives
        for place, rule in enumerate(self.rules.chains.get((table, chain), ())):
            matches = self._matches(rule, place)
            if matches is NO:
                continue
            hits = both(walking, matches)
            self.hits.append((rule, hits))
            walking = either(both(walking, negated(matches)), self._follow(rule, hits))
        return walking

    def _follow(self, rule: Rule, hits: Formula) -> Formula:
        """Do what the target says to the packets that hit; say which of them walk on."""
        if rule.target in {"DNAT", "DROP", "REJECT", "ACCEPT"}:
            self.ends.append((rule, hits))
            return NO
        if rule.target.startswith("MARK --or-mark"):
            self.marked = either(self.marked, hits)
            return hits
        return self.run(rule.table, rule.target, hits) if rule.target else hits

    def _matches(self, rule: Rule, place: int) -> Formula:
        if rule.port and self.port is not None and self.port != rule.port:
            return NO
        to = rule.destination
        if to and "/" not in to and self.destination is not None and self.destination != number(to):
            return NO
        asked = both(*self._fields(rule), *self._circumstances(rule, place))
        if asked is YES or asked is NO:
            return asked
        found = z3.simplify(asked)
        return YES if z3.is_true(found) else NO if z3.is_false(found) else found

    def _fields(self, rule: Rule) -> Iterator[Formula]:
        """Say what a rule asks of the packet's own fields, unless that is plain."""
        packet, own = self.packet, self.rules.local
        if rule.protocol:
            yield packet.protocol == PROTOCOLS.index(rule.protocol)
        if rule.port and self.port is None:
            yield packet.port == rule.port
        if rule.source:
            yield within(packet.source, rule.source)
        if rule.not_source:
            yield negated(within(packet.source, rule.not_source))
        if rule.destination and (self.destination is None or "/" in rule.destination):
            yield within(packet.destination, rule.destination)
        if rule.not_destination:
            yield negated(within(packet.destination, rule.not_destination))
        if rule.source_local:
            yield local(packet.source, own)
        if rule.destination_local:
            yield local(packet.destination, own)

    def _circumstances(self, rule: Rule, place: int) -> Iterator[Formula]:
        """Say what a rule asks besides the packet's own fields: mark, connection state, chance, memory."""
        if rule.mark is not None:
            yield self.marked if rule.mark else negated(self.marked)
        if rule.conntrack.startswith("!") and "DNAT" in rule.conntrack:
            yield negated(self.translated)
        elif rule.conntrack and "NEW" not in rule.conntrack:
            yield NO
        if rule.probability is not None:
            yield z3.Bool(f"chance {rule.chain} {place}")
        if rule.remembered:
            yield z3.Bool(f"remembered {rule.remembered}")
