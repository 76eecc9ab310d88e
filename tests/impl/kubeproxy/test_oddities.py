"""What is odd about Services is said, and never changes what becomes of packets without being said."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve
from immutabledict import immutabledict

from kubeproof.impl.api.core import Service, ServicePort, ServiceSpec
from kubeproof.impl.api.meta import ObjectMeta
from kubeproof.impl.api.policy import Endpoint, EndpointConditions, EndpointPort, EndpointSlice
from kubeproof.impl.kubeproxy.oddities import Oddity, oddities
from kubeproof.impl.kubeproxy.packet import Packet
from kubeproof.impl.kubeproxy.proxy import rules
from kubeproof.impl.kubeproxy.route import destinations
from kubeproof.impl.kubeproxy.services import ports
from kubeproof.properties.reachability.reachability import Counterexample, Reached, proves

READY = EndpointConditions(ready=True, serving=True)


def service(name: str = "web", number: int = 1, **spec: Any) -> Service:
    wanted = {
        "cluster_ip": f"172.30.0.{number}",
        "ports": (ServicePort(port=80, name="http", node_port=30080 + number),),
        "type": "NodePort",
        **spec,
    }
    return Service(ObjectMeta(name=name, namespace="d"), ServiceSpec(**wanted))


def listed(*addresses: str, name: str = "web", node: str = "n1", **fields: Any) -> EndpointSlice:
    meta = ObjectMeta(name=f"{name}-1", namespace="d", labels=immutabledict({"kubernetes.io/service-name": name}))
    ends = tuple(Endpoint((address,), READY, node_name=node) for address in addresses)
    return EndpointSlice(meta, **{"endpoints": ends, "ports": (EndpointPort("http", 8080),), **fields})


NODES, NETWORKS = ("n1", "n2"), ("10.0.0.0/8",)


def said(*objects: Service | EndpointSlice) -> list[str]:
    services = [one for one in objects if isinstance(one, Service)]
    slices = [one for one in objects if isinstance(one, EndpointSlice)]
    return [f"{one.service}: {one.said}" for one in oddities(services, slices, NODES, NETWORKS)]


def test_nothing_is_odd_about_a_plain_service() -> None:
    assert said(service(), service("db", 2), listed("10.0.1.1"), listed("10.0.1.2", name="db")) == []


@pytest.mark.parametrize(
    ("spec", "line"),
    [
        ({"ports": ()}, "it has no ports: no proxy knows it"),
        ({"external_ips": ("fd00::9",)}, "external IP fd00::9 is IPv6, the Service is not: it is passed over"),
        ({"external_ips": ("fd00::zz",)}, "external IP fd00::zz is no address or network: it is passed over"),
        (
            {"load_balancer_source_ranges": ("2001:db8::/64",)},
            "load balancer source range 2001:db8::/64 is IPv6, the Service is not: it is passed over",
        ),
        (
            {"load_balancer_source_ranges": ("10.0.0.0/33",)},
            "load balancer source range 10.0.0.0/33 is no address or network: it is passed over",
        ),
        ({"ip_families": ("IPv4", "IPv6")}, "it asks for IPv6 but has no such cluster IP"),
    ],
    ids=["no ports", "IPv6 in IPv4", "no address", "a range of IPv6", "no range", "one address of two"],
)
def test_what_a_service_says_in_vain_is_told(spec: dict[str, Any], line: str) -> None:
    assert said(service(**spec)) == [f"d/web: {line}"]
    assert rules([service(**spec)], [listed("10.0.1.1")], "n1").rules  # and the proxier lives with it


@pytest.mark.parametrize(
    ("ends", "line"),
    [
        (
            listed("203.0.113.7"),
            "203.0.113.7 is outside the Pods' networks (10.0.0.0/8): its answers may miss the node",
        ),
        (listed("fd00::7"), "fd00::7 is no IPv4 address: it is passed over"),
        (listed("127.0.0.7"), "127.0.0.7 is loopback: every node would send to itself"),
        (listed("10.0.1.7", node="n9"), "10.0.1.7 is said to be on node n9, which is not there"),
    ],
    ids=["outside the cluster", "another family", "loopback", "an unknown node"],
)
def test_an_endpoint_that_cannot_be_right_is_told(ends: EndpointSlice, line: str) -> None:
    assert said(service(), ends) == [f"d/web: EndpointSlice web-1: {line}"]


def test_a_slice_that_offers_another_port_is_told() -> None:
    ends = listed("10.0.1.1", ports=(EndpointPort("metrics", 9090),))
    assert said(service(), ends) == [
        "d/web: EndpointSlice web-1 offers port metrics/TCP, which the Service has not",
    ]


def test_two_services_that_claim_one_address_or_node_port_are_told_and_the_second_loses() -> None:
    first, second = service("aaa"), service("bbb", 2, ports=(ServicePort(port=80, name="http", node_port=30081),))
    second = evolve(second, spec=evolve(second.spec, external_ips=("172.30.0.1",)))
    assert said(first, second) == [
        "d/bbb: 172.30.0.1 port 80/TCP is also claimed by d/aaa, which gets the packets",
        "d/bbb: node port 30081/TCP is also claimed by d/aaa, which gets the packets",
    ]
    ends = [listed("10.0.1.1", name="aaa"), listed("10.0.1.2", name="bbb")]
    ruled = rules([first, second], ends, "n1")
    for packet in (Packet("10.9.9.9", "172.30.0.1", 80), Packet("10.9.9.9", "192.168.0.1", 30081)):
        assert {one.destination for one in destinations(ruled, packet)} == {"10.0.1.1:8080"}
    assert isinstance(proves(ruled, first, ends, "n1"), Reached)
    assert isinstance(proves(ruled, second, ends, "n1"), Counterexample)


def test_one_port_number_for_two_protocols_is_no_quarrel() -> None:
    both = (ServicePort(port=53, name="a", node_port=30053), ServicePort(53, "b", "UDP", node_port=30053))
    assert said(service(ports=both)) == []


def test_names_that_collide_after_hashing_are_told() -> None:
    pair = [service("aaa"), service("bbb", 2), service("ccc", 3)]
    chains = dict(zip(ports(pair), ("KUBE-SVC-1", "KUBE-SVC-2", "KUBE-SVC-1"), strict=True))
    assert oddities(pair, [], chain_of=chains.__getitem__) == (
        Oddity("d/ccc", "port d/ccc:http has the same chain as d/aaa:http: their endpoints mix"),
    )
    assert oddities(pair, []) == ()


def test_services_without_selector_without_address_or_by_name_only_are_left_alone() -> None:
    headless = service(cluster_ip="None", type="ClusterIP")
    alias = service("alias", type="ExternalName", cluster_ip="", ports=())
    assert said(headless, alias, listed("10.0.1.1"), listed("203.0.113.7", name="alias")) == []
    assert rules([headless, alias], [listed("10.0.1.1")], "n1") == rules([], [], "n1")
