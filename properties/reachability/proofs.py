"""What is proved of a node's rules: the list, by name. `python tests/proofs.py reachability` runs and prints it.

"All packets" is every source, destination, port and protocol (TCP, UDP, SCTP), every answer of the random matches, and
every memory of session affinity, of the first packet of a connection. "Every kind" is `kinds`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from immutabledict import immutabledict

from ...impl.api.well_known import ZONE as ZONE_LABEL
from ...impl.kubeproxy.family import IPV4, IPV6
from ...impl.kubeproxy.nftables import nft_table
from ...impl.kubeproxy.packet import Packet
from ...impl.kubeproxy.proxy import rules
from ...impl.kubeproxy.rule import Rule, RuleSet
from ...impl.kubeproxy.sync import Settings, sync
from ..proof import Answer, Proof
from .all_services import prove_all
from .equivalence import different
from .kinds import HERE, ZONE, Kind, kinds, many
from .rules import dead_rules, wrongly_masked
from .shares import unfair

LABELS = immutabledict({ZONE_LABEL: ZONE})
ONLY_WITH_ENDPOINTS = frozenset({"KUBE-MARK-MASQ", "KUBE-FORWARD"})
"""Chains of every node with a rule about marked packets: where nobody can be reached, no packet is ever marked."""

Judge = Callable[[Kind, RuleSet], str]
"""What refutes a claim for one kind; "" for nothing."""


def _of_every_kind(judge: Judge, *families: str) -> Answer:
    every = [kind for family in families for kind in kinds(family)]
    found = ((kind, judge(kind, _ruled(kind))) for kind in every)
    return _answer(len(every), (f"{kind.name}: {said}" for kind, said in found if said))


def _ruled(kind: Kind) -> RuleSet:
    return rules([kind.service], kind.slices, HERE, kind.config, node_labels=LABELS)


def _answer(paths: int, refuted: Iterator[str]) -> Answer:
    return Answer(paths, tuple(refuted) or None)


def _delivered(kind: Kind, ruled: RuleSet) -> str:
    cidr = kind.config.cluster_cidr
    whole = prove_all(ruled, [kind.service], kind.slices, HERE, cluster_cidr=cidr, zone=ZONE)
    return "" if whole.proved else str(whole)


def _masked(kind: Kind, ruled: RuleSet) -> str:
    found = wrongly_masked(ruled, kind.service, kind.slices, HERE, cluster_cidr=kind.config.cluster_cidr)
    return "" if found is None else str(found)


def _alive(kind: Kind, ruled: RuleSet) -> str:
    dead, known = set(dead_rules(ruled)), {rule for rule in ruled.rules if _known_dead(kind, ruled, rule)}
    return "; ".join(f"{'dead' if rule in dead else 'not dead'}: {rule.line()}" for rule in dead ^ known)


def _known_dead(kind: Kind, ruled: RuleSet, rule: Rule) -> bool:
    """Tell the rules that kube-proxy writes though no packet hits them."""
    if rule.chain in ONLY_WITH_ENDPOINTS and rule.conntrack == "":
        return not any(other.target == "DNAT" for other in ruled.rules)
    spec = kind.service.spec
    if rule.chain.startswith("KUBE-SEP") and rule.target == "KUBE-MARK-MASQ":
        inner = (other for other in ruled.rules if other.chain.startswith("KUBE-SVC"))
        return spec.internal_traffic_policy == "Cluster" and rule.chain not in {other.target for other in inner}
    behind_firewall = rule.chain == "KUBE-EXTERNAL-SERVICES" and rule.target == "DROP"
    return behind_firewall and bool(spec.load_balancer_source_ranges) and rule.destination in _balancers(kind)


def _balancers(kind: Kind) -> frozenset[str]:
    status = kind.service.extra.get("status", {})
    return frozenset(point["ip"] for point in status.get("loadBalancer", {}).get("ingress", ()))


def _same_by_nftables(kind: Kind, ruled: RuleSet) -> str:
    other = nft_table([kind.service], kind.slices, HERE, kind.config, node_labels=LABELS)
    found = different(ruled, other)
    return "" if found is None else str(found)


def _all_delivered(count: int, each: int) -> Answer:
    services, slices = many(count, each)
    whole = prove_all(rules(services, slices, HERE), services, slices, HERE)
    return Answer(whole.claims, None if whole.proved else (str(whole.stray), str(whole.proofs)))


def _partial_is_full() -> Answer:
    """Let each kind of Service become each next one by a partial sync, and compare with a full one."""
    every = list(kinds(IPV4))
    refuted = []
    for before, after in zip(every, (*every[1:], every[0]), strict=True):
        settings = Settings(HERE, after.config, LABELS)
        first = sync(None, [before.service], before.slices, settings).synced
        now = sync(first, [after.service], after.slices, settings).synced.rules
        if found := different(now, _ruled(after)):
            refuted.append(f"{before.name}, then {after.name}: {found}")
    return Answer(len(every), tuple(refuted) or None)


def _fair(most: int) -> Answer:
    refuted: list[str] = []
    for each in range(1, most + 1):
        services, slices = many(1, each)
        refuted += unfair(rules(services, slices, HERE), Packet("10.99.0.1", services[0].spec.cluster_ip, 80))
    return Answer(most, tuple(refuted) or None)


KINDS = "196 kinds of Service in each of IPv4 and IPv6, all packets"

PROOFS: immutabledict[str, Proof] = immutabledict(
    {
        "delivered": Proof(
            "The iptables rules send every packet to an address of a Service to the endpoints that the specification "
            "names (ready, else terminating, of the zone, of the node, within the source ranges), to each of them, and "
            "to nothing else; packets to any other address reach no endpoint.",
            KINDS,
            "z3, and a walk over the ways to DNAT",
            partial(_of_every_kind, _delivered, IPV4, IPV6),
        ),
        "masqueraded": Proof(
            "Exactly the packets lose their source whose answers would otherwise miss the node: from outside the Pods' "
            "network to a cluster IP, external ones that may leave the node again, and a Pod's to itself.",
            KINDS,
            "z3",
            partial(_of_every_kind, _masked, IPV4, IPV6),
        ),
        "no-dead-rule": Proof(
            "Every rule is hit by the first packet of some connection, except exactly three kinds that kube-proxy "
            "writes all the same: what every node has for marked packets, where there is no endpoint to send to; the "
            "mark for a Pod that asks itself, of an endpoint that only traffic from outside gets; and the silent "
            "refusal at a balancer's address behind its firewall.",
            KINDS + "; rules after routing and for known connections are not looked at",
            "z3",
            partial(_of_every_kind, _alive, IPV4, IPV6),
        ),
        "nftables-is-iptables": Proof(
            "The nftables table does to every packet what the iptables rules do, masquerading included.",
            KINDS,
            "z3",
            partial(_of_every_kind, _same_by_nftables, IPV4, IPV6),
        ),
        "partial-sync-is-full": Proof(
            "After a partial synchronisation from one kind of Service to another the rules do to every packet what "
            "those of a full one do.",
            "196 changes of kind, all packets, IPv4",
            "z3",
            _partial_is_full,
        ),
        "a-thousand-services": Proof(
            "Of a node's 36,000 rules, every Service's claims hold, and packets to no Service reach no endpoint.",
            "1,000 Services with 10 endpoints each, 2,000 claims, all packets",
            "z3, each claim over the rules its packets can match; the argument is in properties/reachability",
            partial(_all_delivered, 1000, 10),
        ),
        "fair-shares": Proof(
            "Every endpoint gets the same share of connections, up to the ten digits that are printed.",
            "1 to 64 endpoints",
            "exact fractions over all ways",
            partial(_fair, 64),
        ),
    }
)
