"""The real kernel agrees: who answers a connection through our rules is whom the evaluator says.

Every case loads the rules with the real iptables-restore (or the table with the real nft) in a node's namespace and
opens real connections from a Pod, from outside, from an endpoint and from the node, to every address of a Service.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from immutabledict import immutabledict

from kubeproof.impl.api.core import Service, ServicePort, ServiceSpec
from kubeproof.impl.api.meta import ObjectMeta
from kubeproof.impl.api.policy import Endpoint, EndpointConditions, EndpointPort, EndpointSlice
from kubeproof.impl.kubeproxy.chains import ProxyConfig
from kubeproof.impl.kubeproxy.nftables import nft_table, nft_text
from kubeproof.impl.kubeproxy.packet import Fate, Packet
from kubeproof.impl.kubeproxy.proxy import rules
from kubeproof.impl.kubeproxy.restore import restore_text, without_counters
from kubeproof.impl.kubeproxy.route import destinations
from kubeproof.impl.kubeproxy.rule import RuleSet
from kubeproof.impl.kubeproxy.services import service_ports

sys.path.insert(0, str(Path(__file__).parent))
pytest_plugins = ["kernel_lab"]

NODE, POD, OUTSIDE = "192.168.0.1", "10.0.1.10", "198.51.100.7"
CLUSTER_IP, EXTERNAL_IP, BALANCER = "172.30.0.1", "203.0.113.5", "203.0.113.80"
READY, DRAINING = EndpointConditions(ready=True, serving=True), EndpointConditions(serving=True, terminating=True)
HERE, ALSO_HERE, ELSEWHERE = "10.0.1.1", "10.0.1.2", "10.0.2.1"
TRIES = 60
"""With three endpoints the chance that one stays unseen in so many tries is less than one in ten thousand million."""


PATIENCE = 0.02
"""Seconds to wait where silence is expected. An answer takes less than one thousandth of a second."""


def service(protocol: str = "TCP", balancer: dict[str, Any] | None = None, **spec: Any) -> Service:
    ports = (ServicePort(port=80, name="http", node_port=30080, protocol=protocol),)
    wanted = {"cluster_ip": CLUSTER_IP, "type": "NodePort", "external_ips": (EXTERNAL_IP,), **spec}
    extra = immutabledict() if balancer is None else immutabledict(status={"loadBalancer": {"ingress": [balancer]}})
    return Service(ObjectMeta(name="web", namespace="d"), ServiceSpec(ports=ports, **wanted), extra=extra)


def listed(protocol: str = "TCP", **endpoints: EndpointConditions) -> EndpointSlice:
    meta = ObjectMeta(name="web-1", namespace="d", labels=immutabledict({"kubernetes.io/service-name": "web"}))
    where = {"here": (HERE, "n1"), "also_here": (ALSO_HERE, "n1"), "elsewhere": (ELSEWHERE, "n2")}
    found = (Endpoint((where[name][0],), state, node_name=where[name][1]) for name, state in endpoints.items())
    return EndpointSlice(meta, endpoints=tuple(found), ports=(EndpointPort("http", 8080, protocol),))


def programmed(one: Service, *endpoints: EndpointSlice) -> RuleSet:
    return without_counters(rules([one], endpoints, "n1"))


def predicted(ruled: RuleSet, packet: Packet) -> set[str]:
    """Say what a client can see: who answers and whom it saw, or that nobody does."""
    seen = set()
    for one in destinations(ruled, packet):
        if one.fate is Fate.DNAT:
            seen.add(f"{one.destination} saw {NODE if one.masquerade else packet.source}")
        else:
            seen.add({Fate.REJECT: "refused", Fate.DROP: "silence"}.get(one.fate, "nobody"))
    return seen


def observed(lab: Any, packet: Packet, expected: set[str]) -> set[str]:
    """Ask often enough to see everyone who may answer; once where nobody is expected."""
    patience = PATIENCE if expected <= {"silence", "nobody"} else 5
    tries = TRIES if len(expected) > 1 else 3
    target = (packet.destination, packet.port)
    seen = {lab.ask(packet.source, target, packet.protocol, patience) for _ in range(1 if patience < 5 else tries)}
    return {"nobody"} if expected == {"nobody"} and seen <= {"refused", "silence"} else seen


def packets(protocol: str) -> list[Packet]:
    """Give every client with every address of the Service, and a port it does not have."""
    doors = [(CLUSTER_IP, 80), (EXTERNAL_IP, 80), (BALANCER, 80), (NODE, 30080), (CLUSTER_IP, 81)]
    asked = [Packet(source, *door, protocol) for source in (POD, OUTSIDE, HERE, NODE) for door in doors]
    return [*asked, Packet("127.0.0.1", "127.0.0.1", 30080, protocol)]


BALANCED = {"type": "LoadBalancer", "balancer": {"ip": BALANCER}}
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
    "source ranges with the client": (BALANCED | {"load_balancer_source_ranges": ("198.51.100.0/24",)}, EVERYONE),
    "source ranges without the client": (BALANCED | {"load_balancer_source_ranges": ("192.0.2.0/24",)}, EVERYONE),
}


@pytest.mark.parametrize(("program", "protocol"), [("iptables", "TCP"), ("iptables", "UDP"), ("nftables", "TCP")])
@pytest.mark.parametrize(("spec", "endpoints"), CASES.values(), ids=CASES)
def test_the_kernel_delivers_as_predicted(lab: Any, spec: Any, endpoints: Any, protocol: str, program: str) -> None:
    one, ends = service(protocol, **spec), listed(protocol, **endpoints)
    ruled = programmed(one, ends)
    if program == "iptables":
        lab.program(restore_text(ruled))
    else:
        lab.nft(nft_text(nft_table([one], [ends], "n1", ProxyConfig())))
    expected = {packet: predicted(ruled, packet) for packet in packets(protocol)}
    assert {packet: observed(lab, packet, expected[packet]) for packet in expected} == expected


@pytest.mark.parametrize("program", ["iptables", "nftables"])
def test_affinity_keeps_a_client_where_it_went_first(lab: Any, program: str) -> None:
    one = service(session_affinity="ClientIP")
    ruled = programmed(one, listed(**EVERYONE))
    if program == "iptables":
        lab.program(restore_text(ruled))
    else:
        lab.nft(nft_text(nft_table([one], [listed(**EVERYONE)], "n1", ProxyConfig())))
    first = lab.ask(POD, (CLUSTER_IP, 80), "TCP", 5)
    assert first in predicted(ruled, Packet(POD, CLUSTER_IP, 80))
    chain = next(service_ports(one)).endpoint_chain(first.partition(" ")[0])
    known = Packet(POD, CLUSTER_IP, 80, remembered=frozenset({chain}))
    assert observed(lab, known, {HERE, ELSEWHERE}) == predicted(ruled, known) == {first}
    fresh = Packet(HERE, CLUSTER_IP, 80)
    assert lab.ask(HERE, (CLUSTER_IP, 80), "TCP", 5) in predicted(ruled, fresh)
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
