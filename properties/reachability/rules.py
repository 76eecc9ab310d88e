"""Two more claims on a node's rules: none is there for nothing, and exactly the right packets lose their source.

Masquerading hides who asked, and without it answers may miss the node that translated the question. It is due where
the answer would otherwise not come back through this node: for traffic from outside the Pods' network to a cluster IP,
for external traffic that may leave the node again, and for a Pod that reaches itself.
Upstream: pkg/proxy/iptables (v1.32). Left out on purpose: masqueradeAll, and rules only known connections can hit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import z3
from attrs import frozen

from ...impl.api.core import Service
from ...impl.api.policy import EndpointSlice
from ...impl.kubeproxy.family import split
from ...impl.kubeproxy.packet import Fate, Packet
from ...impl.kubeproxy.rule import Rule, RuleSet
from .all_services import Sliced
from .reachability import claims, own
from .symbolic import (
    NO,
    YES,
    Formula,
    SymbolicPacket,
    both,
    either,
    local,
    negated,
    number,
    outcomes,
    rule_hits,
    within,
)

AFTER_ROUTING = frozenset({"POSTROUTING", "KUBE-POSTROUTING"})


def dead_rules(rules: RuleSet) -> Iterator[Rule]:
    """Every rule is hit by the first packet of some connection (those after routing are not looked at)."""
    packet = SymbolicPacket.fresh(rules.family)
    solver = z3.Solver()
    solver.add(packet.is_packet())
    ways: dict[int, list[Formula]] = {}
    for rule, when in rule_hits(rules, packet):
        ways.setdefault(id(rule), []).append(when)
    for rule in rules.rules:
        if rule.chain in AFTER_ROUTING or _only_known(rule):
            continue
        if solver.check(either(*ways.get(id(rule), ()))) == z3.unsat:
            yield rule


def _only_known(rule: Rule) -> bool:
    states = set(rule.conntrack.removeprefix("! ").split(",")) - {""}
    return bool(states) and not rule.conntrack.startswith("!") and "NEW" not in states


@frozen
class Masked:
    """A packet whose source is rewritten though it should not be (`masquerade`), or the other way round."""

    claim: str
    packet: Packet
    destination: str
    masquerade: bool


def wrongly_masked(
    rules: RuleSet, service: Service, slices: Iterable[EndpointSlice], node: str, *, cluster_cidr: str = "10.0.0.0/8"
) -> Masked | None:
    """Return a packet to a Service, masqueraded when it should not be, or not when it should; None: a proof."""
    solver, sliced = z3.Solver(), Sliced(rules)
    known = tuple(slices)
    for claim in claims(service, known, node, own(rules), family=rules.family):
        outside = not claim.name.endswith("cluster IP")
        for address in claim.addresses:
            packet = SymbolicPacket.to(address, claim.port, claim.protocol)
            due = _due(service, packet, rules.local, cluster_cidr, outside=outside)
            found = outcomes(sliced.to(address, claim.protocol, claim.port), packet)
            for outcome in found.fates:
                if outcome.fate is not Fate.DNAT:
                    continue
                itself = packet.source == number(split(outcome.destination)[0])
                wrong = either(due, itself) != found.masqueraded
                if solver.check(outcome.when, wrong) == z3.sat:
                    masked = z3.is_true(solver.model().eval(found.masqueraded, model_completion=True))
                    return Masked(claim.name, packet.read(solver.model()), outcome.destination, masked)
    return None


def _due(service: Service, packet: SymbolicPacket, own: frozenset[str], cidr: str, *, outside: bool) -> Formula:
    """Say when masquerading is due, whoever answers."""
    from_pods = within(packet.source, cidr) if cidr else NO
    if not outside:
        return negated(from_pods) if cidr else NO
    if service.spec.external_traffic_policy != "Local":
        return YES
    return both(negated(from_pods), local(packet.source, own))
