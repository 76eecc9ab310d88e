"""No rule is there for nothing, and masquerading is exactly where it is due: proved, and refuted where it should be."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve
from immutabledict import immutabledict

from kubeproof.impl.api.core import Service, ServicePort, ServiceSpec
from kubeproof.impl.api.meta import ObjectMeta
from kubeproof.impl.api.policy import Endpoint, EndpointConditions, EndpointPort, EndpointSlice
from kubeproof.impl.kubeproxy.chains import MARK_MASQ, ProxyConfig
from kubeproof.impl.kubeproxy.proxy import rules
from kubeproof.impl.kubeproxy.route import destinations
from kubeproof.properties.reachability.rules import Masked, dead_rules, wrongly_masked

READY = EndpointConditions(ready=True, serving=True)


def service(name: str = "web", number: int = 1, **spec: Any) -> Service:
    ports = (ServicePort(port=80, name="http", node_port=30080 + number),)
    wanted = {"cluster_ip": f"172.30.0.{number}", "type": "NodePort", "external_ips": ("192.0.2.1",), **spec}
    return Service(ObjectMeta(name=name, namespace="d"), ServiceSpec(ports=ports, **wanted))


def listed(*nodes: str, name: str = "web", number: int = 1) -> EndpointSlice:
    meta = ObjectMeta(name=f"{name}-1", namespace="d", labels=immutabledict({"kubernetes.io/service-name": name}))
    ends = tuple(Endpoint((f"10.0.{number}.{place}",), READY, node_name=node) for place, node in enumerate(nodes, 1))
    return EndpointSlice(meta, endpoints=ends, ports=(EndpointPort("http", 8080),))


@pytest.mark.parametrize("policy", ["Cluster", "Local"])
@pytest.mark.parametrize("affinity", ["None", "ClientIP"])
def test_no_rule_of_a_service_is_dead(policy: str, affinity: str) -> None:
    one = service(external_traffic_policy=policy, session_affinity=affinity)
    found = list(dead_rules(rules([one, service("none", 2, external_ips=())], [listed("n1", "n2")], "n1")))
    assert [rule.line() for rule in found] == []


def test_the_rule_of_the_second_service_with_an_address_is_dead() -> None:
    both = [service(), service("zzz", 2)]
    found = list(dead_rules(rules(both, [listed("n1"), listed("n1", name="zzz", number=2)], "n1")))
    assert [rule.comment for rule in found if rule.chain == "KUBE-SERVICES"] == ["d/zzz:http external IP"]


@pytest.mark.parametrize("policy", ["Cluster", "Local"])
@pytest.mark.parametrize("cidr", ["10.0.0.0/8", ""])
def test_exactly_the_right_packets_are_masqueraded(policy: str, cidr: str) -> None:
    one, ends = service(external_traffic_policy=policy), [listed("n1", "n2")]
    ruled = rules([one], ends, "n1", ProxyConfig(cluster_cidr=cidr))
    assert wrongly_masked(ruled, one, ends, "n1", cluster_cidr=cidr) is None


@pytest.mark.parametrize(
    "lost", ["KUBE-SVC", "KUBE-EXT", "KUBE-SEP"], ids=["from outside to a cluster IP", "external", "a Pod to itself"]
)
def test_a_lost_mark_is_found_with_a_packet_that_shows_it(lost: str) -> None:
    one, ends = service(), [listed("n1", "n2")]
    ruled = rules([one], ends, "n1")
    kept = tuple(rule for rule in ruled.rules if rule.target != MARK_MASQ or not rule.chain.startswith(lost))
    broken = evolve(ruled, rules=kept)
    found = wrongly_masked(broken, one, ends, "n1")
    assert isinstance(found, Masked)
    assert not found.masquerade
    ways = {(way.destination, way.masquerade) for way in destinations(broken, found.packet)}
    assert (found.destination, False) in ways
    assert (found.destination, True) in {(way.destination, way.masquerade) for way in destinations(ruled, found.packet)}


def test_a_proxy_that_masquerades_all_masks_pods_too() -> None:
    one, ends = service(), [listed("n1")]
    found = wrongly_masked(rules([one], ends, "n1", ProxyConfig(masquerade_all=True)), one, ends, "n1")
    assert found is not None
    assert found.masquerade
    assert found.packet.source.startswith("10.")
