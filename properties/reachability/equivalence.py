"""Two rule sets do the same to every packet: iptables and nftables, or before and after a change.

For each fate a packet may get (where it goes, and whether its source is rewritten) each rule set has a formula: the
packets that may get it. Random draws are not variables here: a packet that meets one may go either way, so each draw
forks the way. Both sets remember the same clients. The sets are equal if no packet may get a fate in one of them only.
That says nothing about chances; `shares` does.
Upstream: the order of netfilter's hooks. Left out on purpose: packets of known connections.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import z3
from attrs import evolve, frozen

from ...impl.kubeproxy.family import split
from ...impl.kubeproxy.nftables import AT_NODE, Clause, NftTable
from ...impl.kubeproxy.packet import Fate, Packet
from ...impl.kubeproxy.rule import Rule, RuleSet
from .symbolic import (
    NO,
    PROTOCOLS,
    YES,
    Formula,
    SymbolicPacket,
    both,
    either,
    local,
    loopback,
    negated,
    number,
    within,
)


@frozen(eq=False)
class Way:
    """Packets on their way: which (`when`), which of them are marked for masquerading, and where DNAT sends them."""

    packet: SymbolicPacket
    when: Formula
    marked: Formula = NO
    destination: str = ""


@frozen(eq=False)
class End:
    """A verdict on the packets of a way: dnat, drop, reject or accept."""

    verdict: str
    way: Way


Walk = Callable[[str, Way], tuple[list[End], Way]]
"""From a hook (nat or filter, and its name in lower case) and packets: who ends there, and who comes out."""
Programmed = RuleSet | NftTable
Asked = tuple[tuple[object, Callable[[], Formula]], ...]
"""Conditions of a rule: whether it asks at all, and for what."""


@frozen
class Different:
    """A packet that may get a fate by one rule set and not by the other: `first` tells whether by the first."""

    packet: Packet
    fate: Fate
    destination: str
    masquerade: bool
    first: bool


def different(one: Programmed, other: Programmed, packet: SymbolicPacket | None = None) -> Different | None:
    """Return a packet (of those meant; any) that two rule sets treat differently, None if there is none: a proof."""
    meant = SymbolicPacket.fresh(one.family) if packet is None else packet
    mine, theirs = fates(one, meant), fates(other, meant)
    solver = z3.Solver()
    solver.add(meant.is_packet())
    for fate in sorted({*mine, *theirs}, key=str):
        first, second = mine.get(fate, NO), theirs.get(fate, NO)
        if solver.check(first != second) == z3.sat:
            model = solver.model()
            by_first = z3.is_true(model.eval(first, model_completion=True))
            return Different(meant.read(model), *fate, first=by_first)
    return None


def fates(programmed: Programmed, packet: SymbolicPacket) -> dict[tuple[Fate, str, bool], Formula]:
    """Say which packets may get each fate: (what, "ADDRESS:PORT" for DNAT, masqueraded)."""
    found: dict[tuple[Fate, str, bool], Formula] = {}
    for fate, way in _ended(walk_of(programmed), packet, programmed.local):
        for masquerade, mark in ((True, way.marked), (False, negated(way.marked))):
            key = (fate, way.destination if fate is Fate.DNAT else "", masquerade)
            found[key] = either(found.get(key, NO), both(way.when, mark))
    return found


def walk_of(programmed: Programmed) -> Walk:
    """Return how packets walk through a rule set."""
    if isinstance(programmed, RuleSet):
        return partial(_iptables_hook, programmed)
    return partial(_nftables_hook, programmed)


# --- the hooks, whatever the rules ------------------------------------------------------------------------------------


def _ended(walk: Walk, packet: SymbolicPacket, own: frozenset[str]) -> Iterator[tuple[Fate, Way]]:
    from_here = local(packet.source, own)
    for hook, arrives in (("nat output", from_here), ("nat prerouting", negated(from_here))):
        ends, rest = walk(hook, Way(packet, arrives))
        for way in (*(end.way for end in ends if end.verdict == "dnat"), rest):
            yield from _filtered(walk, _translated(way), from_here, own)


def _translated(way: Way) -> Way:
    if not way.destination:
        return way
    address, port = split(way.destination)
    target = (z3.BitVecVal(number(address), way.packet.destination.size()), z3.BitVecVal(port, 16))
    return evolve(way, packet=SymbolicPacket(way.packet.source, *target, way.packet.protocol))


def _filtered(walk: Walk, way: Way, from_here: Formula, own: frozenset[str]) -> Iterator[tuple[Fate, Way]]:
    to_here = local(way.packet.destination, own)
    neither = both(negated(from_here), negated(to_here))
    passing, accepted = way.when, NO
    for hook, arrives in (("filter output", from_here), ("filter input", to_here), ("filter forward", neither)):
        ends, _ = walk(hook, evolve(way, when=both(passing, arrives)))
        for end in ends:
            if end.verdict == "accept":
                accepted = either(accepted, end.way.when)
            else:
                yield Fate[end.verdict.upper()], evolve(way, when=end.way.when, marked=NO)
                passing = both(passing, negated(end.way.when))
    if way.destination:
        yield Fate.DNAT, evolve(way, when=passing)
        return
    yield Fate.ACCEPT, evolve(way, when=both(passing, accepted))
    yield Fate.UNCHANGED, evolve(way, when=both(passing, negated(accepted)))


# --- iptables -------------------------------------------------------------------------------------------------------


def _iptables_hook(rules: RuleSet, hook: str, way: Way) -> tuple[list[End], Way]:
    table, chain = hook.split()
    return _iptables(rules, table, chain.upper(), way)


def _iptables(rules: RuleSet, table: str, chain: str, way: Way) -> tuple[list[End], Way]:
    ends: list[End] = []
    for rule in rules.chains.get((table, chain), ()):
        matches = z3.simplify(_rule_matches(rule, way, rules.local))
        if z3.is_false(matches):
            continue
        hit = evolve(way, when=both(way.when, matches))
        missed = way.when if rule.probability is not None else _without(way.when, matches)
        ended, back = _rule_does(rules, table, rule, hit)
        ends += ended
        way = _joined(evolve(way, when=missed), back)
    return ends, way


def _rule_does(rules: RuleSet, table: str, rule: Rule, hit: Way) -> tuple[list[End], Way]:
    gone = evolve(hit, when=NO)
    if rule.target in {"DROP", "REJECT", "ACCEPT"}:
        return [End(rule.target.lower(), hit)], gone
    if rule.target == "DNAT":
        return [End("dnat", evolve(hit, destination=rule.to_destination))], gone
    if rule.target.startswith("MARK --or-mark"):
        return [], evolve(hit, marked=YES)
    return _iptables(rules, table, rule.target, hit) if rule.target else ([], hit)


def _rule_matches(rule: Rule, way: Way, own: frozenset[str]) -> Formula:
    packet = way.packet
    asked: Asked = (
        (rule.protocol, lambda: packet.protocol == PROTOCOLS.index(rule.protocol)),
        (rule.port, lambda: packet.port == rule.port),
        (rule.source, lambda: within(packet.source, rule.source)),
        (rule.not_source, lambda: negated(within(packet.source, rule.not_source))),
        (rule.destination, lambda: within(packet.destination, rule.destination)),
        (rule.not_destination, lambda: negated(within(packet.destination, rule.not_destination))),
        (rule.source_local, lambda: local(packet.source, own)),
        (rule.destination_local, lambda: local(packet.destination, own)),
        (rule.mark is not None, lambda: way.marked == z3.BoolVal(val=bool(rule.mark))),
        (rule.remembered, lambda: z3.Bool(f"remembered {rule.remembered}")),
        (rule.conntrack, lambda: _state(rule.conntrack, translated=bool(way.destination))),
    )
    return both(YES, *(condition() for present, condition in asked if present))


def _state(asked: str, *, translated: bool) -> Formula:
    mine = {"NEW", "DNAT"} if translated else {"NEW"}
    met = bool(mine & set(asked.removeprefix("! ").split(",")))
    return z3.BoolVal(val=met != asked.startswith("!"))


def _without(those: Formula, matches: Formula) -> Formula:
    """Return those that do not match; where all do, say so plainly, for the sake of speed."""
    return NO if z3.is_true(matches) else both(those, negated(matches))


def _joined(one: Way, other: Way) -> Way:
    """Let packets go on together. Who is in both (a draw that led nowhere) may be marked or not: that never happens."""
    if z3.is_false(other.when):
        return one
    return evolve(one, when=either(one.when, other.when), marked=z3.If(other.when, other.marked, one.marked))


# --- nftables -------------------------------------------------------------------------------------------------------

_CHAIN_OF = {
    "nat prerouting": "prerouting",
    "nat output": "nat-output",
    "filter input": "filter-input",
    "filter forward": "filter-forward",
    "filter output": "filter-output",
}


def _nftables_hook(table: NftTable, hook: str, way: Way) -> tuple[list[End], Way]:
    return _nftables(table, _CHAIN_OF[hook], way)


def _nftables(table: NftTable, chain: str, way: Way) -> tuple[list[End], Way]:
    ends: list[End] = []
    for clause in table.chains[chain]:
        matches = z3.simplify(_clause_matches(clause, way, table.local))
        if z3.is_false(matches):
            continue
        ended, back = _clause_does(table, clause, evolve(way, when=both(way.when, matches)))
        ends += ended
        way = _joined(evolve(way, when=_without(way.when, matches)), back)
    return ends, way


def _clause_does(table: NftTable, clause: Clause, met: Way) -> tuple[list[End], Way]:
    gone = evolve(met, when=NO)
    match clause.verdict:
        case "drop" | "reject" | "accept":
            return [End(clause.verdict, met)], gone
        case "dnat":
            return [End("dnat", evolve(met, destination=clause.target))], gone
        case "mark":
            return [], evolve(met, marked=YES)
        case "jump":
            return _nftables(table, clause.target, met)
        case "lookup":
            return _looked_up(table, clause.target, met)
        case "spread":
            return [end for chain in clause.among for end in _nftables(table, chain, met)[0]], gone
    return [], met


def _looked_up(table: NftTable, name: str, met: Way) -> tuple[list[End], Way]:
    ends: list[End] = []
    left, back = met, evolve(met, when=NO)
    for key, chain in sorted(table.maps[name].items()):
        asked = z3.simplify(_key_matches(name, key, met.packet, table.local))
        if z3.is_false(asked):
            continue
        ended, returned = _nftables(table, chain, evolve(met, when=both(met.when, asked)))
        ends += ended
        back = _joined(back, returned)
        left = evolve(left, when=both(left.when, negated(asked)))
    return ends, _joined(left, back)


def _key_matches(name: str, key: tuple[str, str, int], packet: SymbolicPacket, own: frozenset[str]) -> Formula:
    address, protocol, port = key
    to_port = both(packet.port == port, packet.protocol == PROTOCOLS.index(protocol))
    if address:
        return both(packet.destination == number(address), to_port)
    return both(local(packet.destination, own), to_port) if name in AT_NODE - {"health-checks"} else to_port


def _clause_matches(clause: Clause, way: Way, own: frozenset[str]) -> Formula:
    packet = way.packet
    here = loopback(packet.source)
    elsewhere = negated(within(packet.source, here))
    states = {
        "": YES,
        "new": YES,
        "known": NO,
        "invalid": NO,
        "martian": NO if way.destination else both(within(packet.destination, here), elsewhere),
    }
    asked: Asked = (
        (clause.protocol, lambda: packet.protocol == PROTOCOLS.index(clause.protocol)),
        (clause.source, lambda: within(packet.source, clause.source)),
        (clause.not_source, lambda: negated(within(packet.source, clause.not_source))),
        (clause.source_local, lambda: local(packet.source, own)),
        (clause.not_destination, lambda: negated(within(packet.destination, clause.not_destination))),
        (clause.marked is not None, lambda: way.marked == z3.BoolVal(val=bool(clause.marked))),
        (clause.state, lambda: states[clause.state]),
        (clause.remembered, lambda: z3.Bool(f"remembered {clause.remembered}")),
    )
    return both(YES, *(condition() for present, condition in asked if present))
