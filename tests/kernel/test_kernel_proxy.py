"""The real kernel agrees: who answers a connection through our rules is whom the evaluator says.

Every case loads the rules with the real iptables-restore (or the table with the real nft) in a node's namespace and
opens real connections from a Pod, from outside, from an endpoint and from the node, to every address of a Service.
All of it once in each address family: in IPv6 every address is the twin of one of IPv4.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen
from immutabledict import immutabledict

from kubeproof.impl.api.core import Service, ServicePort, ServiceSpec
from kubeproof.impl.api.meta import ObjectMeta
from kubeproof.impl.api.policy import Endpoint, EndpointConditions, EndpointPort, EndpointSlice
from kubeproof.impl.kubeproxy.chains import ProxyConfig
from kubeproof.impl.kubeproxy.nftables import nft_table, nft_text
from kubeproof.impl.kubeproxy.packet import Fate, Packet
from kubeproof.impl.kubeproxy.proxy import rules
from kubeproof.impl.kubeproxy.route import destinations
from kubeproof.impl.kubeproxy.rule import RuleSet
from kubeproof.impl.kubeproxy.services import service_ports
from oracles.restore import restore_text, without_counters

sys.path.insert(0, str(Path(__file__).parent))
pytest_plugins = ["kernel_lab"]
from kernel_lab import six  # noqa: E402 - found by the path that was just set

NODE, POD, OUTSIDE = "192.168.0.1", "10.0.1.10", "198.51.100.7"
CLUSTER_IP, EXTERNAL_IP, BALANCER = "172.30.0.1", "203.0.113.5", "203.0.113.80"
READY, DRAINING = (
    EndpointConditions(ready=True, serving=True),
    EndpointConditions(ready=False, serving=True, terminating=True),
)
HERE, ALSO_HERE, ELSEWHERE = "10.0.1.1", "10.0.1.2", "10.0.2.1"
TRIES = 60
"""With three endpoints the chance that one stays unseen in so many tries is less than one in ten thousand million."""


PATIENCE = 0.02
"""Seconds to wait where silence is expected. An answer takes less than one thousandth of a second."""


@frozen
class Family:
    """A family, and how its addresses are written."""

    name: str
    of: Callable[[str], str]

    @property
    def config(self) -> ProxyConfig:
        """How the node's proxier of this family is set up."""
        return ProxyConfig((self.of(NODE),), self.of("10.0.0.0/8"), family=self.name)


V4, V6 = Family("IPv4", str), Family("IPv6", six)


def service(protocol: str = "TCP", balancer: str = "", ranges: tuple[str, ...] = (), **spec: Any) -> Service:
    """Make a Service with both families."""
    ports = (ServicePort(port=80, name="http", node_port=30080, protocol=protocol),)
    wanted = {"cluster_ip": CLUSTER_IP, "type": "NodePort", "external_ips": (EXTERNAL_IP, six(EXTERNAL_IP)), **spec}
    both = {"cluster_ips": (CLUSTER_IP, six(CLUSTER_IP)), "ip_families": ("IPv4", "IPv6")}
    wanted["load_balancer_source_ranges"] = (*ranges, *map(six, ranges))
    ingress = [{"ip": balancer}, {"ip": six(balancer)}] if balancer else []
    extra = immutabledict(status={"loadBalancer": {"ingress": ingress}})
    return Service(ObjectMeta(name="web", namespace="d"), ServiceSpec(ports=ports, **wanted, **both), extra=extra)


def listed(protocol: str = "TCP", family: Family = V4, **endpoints: EndpointConditions) -> EndpointSlice:
    meta = ObjectMeta(name="web-1", namespace="d", labels=immutabledict({"kubernetes.io/service-name": "web"}))
    where = {"here": (HERE, "n1"), "also_here": (ALSO_HERE, "n1"), "elsewhere": (ELSEWHERE, "n2")}
    found = (Endpoint((family.of(where[one][0]),), state, node_name=where[one][1]) for one, state in endpoints.items())
    ports = (EndpointPort("http", 8080, protocol),)
    return EndpointSlice(meta, address_type=family.name, endpoints=tuple(found), ports=ports)


def programmed(one: Service, *endpoints: EndpointSlice, family: Family = V4) -> RuleSet:
    return without_counters(rules([one], endpoints, "n1", family.config))


def load(lab: Any, program: str, one: Service, endpoints: EndpointSlice, family: Family = V4) -> RuleSet:
    """Program the node and give the rules that must say what becomes of packets."""
    ruled = programmed(one, endpoints, family=family)
    if program == "iptables":
        lab.program(restore_text(ruled), family=family.name)
    else:
        lab.nft(nft_text(nft_table([one], [endpoints], "n1", family.config)))
    return ruled


def predicted(ruled: RuleSet, packet: Packet, node: str = NODE) -> set[str]:
    """Say what a client can see: who answers and whom it saw, or that nobody does."""
    seen = set()
    for one in destinations(ruled, packet):
        if one.fate is Fate.DNAT:
            seen.add(f"{one.destination} saw {node if one.masquerade else packet.source}")
        else:
            seen.add({Fate.REJECT: "refused", Fate.DROP: "silence"}.get(one.fate, "nobody"))
    return seen


def observed(lab: Any, packet: Packet, expected: set[str]) -> set[str]:
    """Ask often enough to see everyone who may answer; once where nobody is expected."""
    patience = PATIENCE if expected <= {"silence", "nobody"} else 5
    tries = TRIES if len(expected) > 1 else 1
    target = (packet.destination, packet.port)
    seen = {lab.ask(packet.source, target, packet.protocol, patience) for _ in range(1 if patience < 5 else tries)}
    return {"nobody"} if expected == {"nobody"} and seen <= {"refused", "silence"} else seen


def packets(protocol: str, family: Family = V4) -> list[Packet]:
    """Return every client with every address of the Service, and a port it does not have."""
    doors = [(CLUSTER_IP, 80), (EXTERNAL_IP, 80), (BALANCER, 80), (NODE, 30080), (CLUSTER_IP, 81)]
    asked = [(source, *door) for source in (POD, OUTSIDE, HERE, NODE) for door in doors]
    every = [*asked, ("127.0.0.1", "127.0.0.1", 30080)]
    return [Packet(family.of(source), family.of(to), port, protocol) for source, to, port in every]


BALANCED = {"type": "LoadBalancer", "balancer": BALANCER}
EVERYONE = {"here": READY, "also_here": READY, "elsewhere": READY}
CASES = {
    "three endpoints": ({}, EVERYONE),
    "no endpoint": (BALANCED, {}),
    "one terminating endpoint": ({}, {"elsewhere": DRAINING}),
    "a ready one beside a terminating one": ({}, {"here": DRAINING, "elsewhere": READY}),
    "external traffic stays on the node": (BALANCED | {"external_traffic_policy": "Local"}, EVERYONE),
    "external traffic stays, nobody is here": (BALANCED | {"external_traffic_policy": "Local"}, {"elsewhere": READY}),
    "internal traffic stays on the node": ({"internal_traffic_policy": "Local"}, EVERYONE),
    "internal traffic stays, nobody is here": ({"internal_traffic_policy": "Local"}, {"elsewhere": READY}),
    "source ranges with the client": (BALANCED | {"ranges": ("198.51.100.0/24",)}, EVERYONE),
    "source ranges without the client": (BALANCED | {"ranges": ("192.0.2.0/24",)}, EVERYONE),
}


@pytest.mark.parametrize("family", [V4, V6], ids=["IPv4", "IPv6"])
@pytest.mark.parametrize("protocol", ["TCP", "UDP"])
@pytest.mark.parametrize("program", ["iptables", "nftables"])
@pytest.mark.parametrize(("spec", "endpoints"), CASES.values(), ids=CASES)
def test_the_kernel_delivers_as_predicted(
    lab: Any, spec: Any, endpoints: Any, protocol: str, program: str, family: Family
) -> None:
    ruled = load(lab, program, service(protocol, **spec), listed(protocol, family, **endpoints), family)
    expected = {packet: predicted(ruled, packet, family.of(NODE)) for packet in packets(protocol, family)}
    # All at once: a TCP client of IPv6 believes a refusal only when its first packet was repeated, a second later.
    with ThreadPoolExecutor(len(expected)) as clients:
        seen = clients.map(partial(observed, lab), expected, expected.values())
        assert dict(zip(expected, seen, strict=True)) == expected


def test_two_proxiers_of_one_node_do_not_get_in_each_others_way(lab: Any) -> None:
    only_four = load(lab, "iptables", service(), listed(here=READY), V4)
    only_six = load(lab, "iptables", service(), listed(family=V6, elsewhere=READY), V6)
    four, other = Packet(POD, CLUSTER_IP, 80), Packet(six(POD), six(CLUSTER_IP), 80)
    assert observed(lab, four, {HERE}) == predicted(only_four, four) == {f"{HERE}:8080 saw {POD}"}
    assert (
        observed(lab, other, {ELSEWHERE}) == predicted(only_six, other) == {f"[{six(ELSEWHERE)}]:8080 saw {six(POD)}"}
    )


@pytest.mark.parametrize("program", ["iptables", "nftables"])
@pytest.mark.parametrize("family", [V4, V6], ids=["IPv4", "IPv6"])
def test_affinity_keeps_a_client_where_it_went_first(lab: Any, program: str, family: Family) -> None:
    one, ends = service(session_affinity="ClientIP"), listed(family=family, **EVERYONE)
    ruled = load(lab, program, one, ends, family)
    source, target = family.of(POD), family.of(CLUSTER_IP)
    first = lab.ask(source, (target, 80), "TCP", 5)
    assert first in predicted(ruled, Packet(source, target, 80))
    chain = next(service_ports(one, family.name)).endpoint_chain(first.partition(" ")[0])
    known = Packet(source, target, 80, remembered=frozenset({chain}))
    assert observed(lab, known, {HERE, ELSEWHERE}) == predicted(ruled, known) == {first}
    fresh = Packet(family.of(HERE), target, 80)
    assert lab.ask(family.of(HERE), (target, 80), "TCP", 5) in predicted(ruled, fresh, family.of(NODE))
    assert len(predicted(ruled, fresh)) == 3


def test_rules_of_yesterday_are_noticed(lab: Any) -> None:
    yesterday, today = ({"here": READY, "also_here": READY}, {"also_here": READY, "elsewhere": READY})
    lab.program(restore_text(programmed(service(), listed(**yesterday))))
    expected = predicted(programmed(service(), listed(**today)), Packet(POD, CLUSTER_IP, 80))
    assert observed(lab, Packet(POD, CLUSTER_IP, 80), expected) ^ expected == {
        f"{HERE}:8080 saw {POD}",
        f"{ELSEWHERE}:8080 saw {POD}",
    }


def test_the_text_is_one_the_kernel_gives_back(lab: Any) -> None:
    lab.program(restore_text(programmed(service(), listed(**EVERYONE))))
    kept = lab.node.run("iptables-save", "-t", "nat")
    assert sum(line.startswith("-A") for line in kept.splitlines()) == sum(
        rule.table == "nat" for rule in programmed(service(), listed(**EVERYONE)).rules
    )
