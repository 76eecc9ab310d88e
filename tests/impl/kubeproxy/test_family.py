"""A node has one proxier per family: each makes rules of its own addresses, and the proofs hold in both."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from immutabledict import immutabledict

from kubeproof.impl.api.core import Service, ServicePort, ServiceSpec
from kubeproof.impl.api.meta import ObjectMeta
from kubeproof.impl.api.policy import Endpoint, EndpointConditions, EndpointPort, EndpointSlice
from kubeproof.impl.kubeproxy.chains import ProxyConfig
from kubeproof.impl.kubeproxy.family import IPV4, IPV6, contains, is_local, join, shortest, split
from kubeproof.impl.kubeproxy.nftables import nft_table, nft_text
from kubeproof.impl.kubeproxy.packet import Fate, Packet, Verdict
from kubeproof.impl.kubeproxy.proxy import rules
from kubeproof.impl.kubeproxy.route import destinations, route
from kubeproof.impl.kubeproxy.services import ports
from kubeproof.properties.reachability.equivalence import different
from kubeproof.properties.reachability.reachability import Counterexample, Reached, Unserved, proves
from kubeproof.properties.reachability.symbolic import SymbolicPacket, possible
from oracles.restore import restore_text

READY = EndpointConditions(ready=True, serving=True)
BOTH = {"cluster_ips": ("172.30.0.1", "fd00:172::1"), "ip_families": ("IPv4", "IPv6")}
SIX = ProxyConfig(("fd00:192::1",), "fd00:10::/32", family=IPV6)
POD, OUTSIDE = "fd00:10::9", "2001:db8::99"


def service(balancer: tuple[str, ...] = (), **spec: Any) -> Service:
    port = ServicePort(port=80, name="http", node_port=30080)
    externals = ("192.0.2.9", "2001:DB8:0::9")
    wanted = {"cluster_ip": "172.30.0.1", "type": "LoadBalancer", "external_ips": externals, **BOTH, **spec}
    extra = {"status": {"loadBalancer": {"ingress": [{"ip": one} for one in balancer]}}}
    return Service(ObjectMeta(name="web", namespace="d"), ServiceSpec(ports=(port,), **wanted), immutabledict(extra))


def listed(*ends: tuple[str, str], family: str = IPV6) -> EndpointSlice:
    labels = immutabledict({"kubernetes.io/service-name": "web"})
    found = tuple(Endpoint((address,), READY, node_name=node) for address, node in ends)
    meta = ObjectMeta(name=f"web-{family.lower()}", namespace="d", labels=labels)
    return EndpointSlice(meta, address_type=family, endpoints=found, ports=(EndpointPort("http", 8080),))


FOUR, OF_SIX = listed(("10.0.1.1", "n1"), family=IPV4), listed(("fd00:10::1:1", "n1"), ("fd00:10:0::2:1", "n2"))


def test_each_family_has_the_addresses_of_its_own() -> None:
    one = service(("203.0.113.80", "2001:db8::80"), load_balancer_source_ranges=("198.51.100.0/24", "2001:db8::/64"))
    (four,), (six,) = ports([one], IPV4), ports([one], IPV6)
    assert (four.cluster_ip, four.external_ips, four.load_balancer_ips, four.source_ranges) == (
        "172.30.0.1",
        ("192.0.2.9",),
        ("203.0.113.80",),
        ("198.51.100.0/24",),
    )
    assert (six.cluster_ip, six.external_ips, six.load_balancer_ips, six.source_ranges) == (
        "fd00:172::1",
        ("2001:db8::9",),
        ("2001:db8::80",),
        ("2001:db8::/64",),
    )


@pytest.mark.parametrize(
    ("spec", "families"),
    [
        ({"cluster_ips": (), "ip_families": ()}, {IPV4}),
        ({"cluster_ip": "fd00::5", "cluster_ips": (), "ip_families": ()}, {IPV6}),
        ({"cluster_ips": ("fd00::5", "172.30.0.5"), "ip_families": ("IPv6", "IPv4")}, {IPV4, IPV6}),
        ({"cluster_ips": ("172.30.0.1",), "ip_families": ("IPv4", "IPv6")}, {IPV4}),
        ({"cluster_ip": "None", "cluster_ips": ("None",)}, set()),
    ],
    ids=["no families, IPv4", "no families, IPv6", "IPv6 first", "one address is missing", "headless"],
)
def test_a_service_is_served_in_the_families_it_has_addresses_of(spec: dict[str, Any], families: set[str]) -> None:
    assert {family for family in (IPV4, IPV6) if ports([service(**spec)], family)} == families


def test_the_text_for_ip6tables_has_brackets_where_a_port_follows_and_no_loopback() -> None:
    text = restore_text(rules([service()], [FOUR, OF_SIX], "n1", SIX))
    assert "-d fd00:172::1 --dport 80" in text
    assert "-j DNAT --to-destination [fd00:10::1:1]:8080" in text
    assert "-s fd00:10::1:1 -j KUBE-MARK-MASQ" in text
    assert "--dst-type LOCAL ! -d ::1/128 -j KUBE-NODEPORTS" in text
    assert "block incoming localnet" not in text
    assert "127.0.0.0" not in text
    assert "10.0.1.1" not in text
    assert ":KUBE-FIREWALL" in text


@pytest.mark.parametrize(
    ("packet", "verdicts"),
    [
        (Packet(POD, "fd00:172::1", 80), {Verdict(Fate.DNAT, f"[fd00:10::{n}:1]:8080") for n in (1, 2)}),
        (Packet(OUTSIDE, "fd00:192::1", 30080), {Verdict(Fate.DNAT, "[fd00:10::1:1]:8080", masquerade=False)}),
        (Packet(OUTSIDE, "2001:db8::9", 80), {Verdict(Fate.DNAT, "[fd00:10::1:1]:8080", masquerade=False)}),
        (Packet("::1", "::1", 30080), {Verdict()}),
        (Packet(POD, "fd00:172::2", 80), {Verdict()}),
        (
            Packet("fd00:10::1:1", "fd00:172::1", 80),
            {Verdict(Fate.DNAT, "[fd00:10::1:1]:8080", masquerade=True), Verdict(Fate.DNAT, "[fd00:10::2:1]:8080")},
        ),
    ],
    ids=["cluster IP", "node port", "external IP", "loopback", "another address", "to itself"],
)
def test_what_becomes_of_packets(packet: Packet, verdicts: set[Verdict]) -> None:
    ruled = rules([service(external_traffic_policy="Local")], [FOUR, OF_SIX], "n1", SIX)
    assert destinations(ruled, packet) == verdicts
    expected = {(one.fate, one.destination) for one in verdicts}
    assert possible(ruled, SymbolicPacket.of(packet)) == expected


def test_nobody_at_localhost_is_served_where_it_is_switched_off() -> None:
    config = ProxyConfig(localhost_node_ports=False)
    ruled = rules([service()], [FOUR], "n1", config)
    assert route(ruled, Packet("127.0.0.1", "127.0.0.1", 30080)) == Verdict()
    assert route(ruled, Packet("192.168.0.1", "192.168.0.1", 30080)).fate is Fate.DNAT
    assert different(ruled, nft_table([service()], [FOUR], "n1", config)) is None


policies = st.sampled_from(["Cluster", "Local"])
worlds = st.tuples(
    st.builds(
        service,
        balancer=st.sampled_from([(), ("2001:db8::80",)]),
        load_balancer_source_ranges=st.sampled_from([(), ("2001:db8::/64",), ("fd00:192::/64",)]),
        internal_traffic_policy=policies,
        external_traffic_policy=policies,
        session_affinity=st.sampled_from(["None", "ClientIP"]),
    ),
    st.lists(st.sampled_from(["n1", "n2"]), max_size=2).map(
        lambda nodes: listed(*((f"fd00:10::{n}", node) for n, node in enumerate(nodes, 1)))
    ),
)


@settings(max_examples=8)
@given(worlds)
def test_the_claims_are_proved_and_the_nftables_table_is_equal_in_ipv6(world: tuple[Service, EndpointSlice]) -> None:
    one, ends = world
    ruled = rules([one], [ends, FOUR], "n1", SIX)
    assert isinstance(proves(ruled, one, [ends, FOUR], "n1", cluster_cidr="fd00:10::/32"), Reached | Unserved)
    assert different(ruled, nft_table([one], [ends, FOUR], "n1", SIX)) is None


def test_rules_of_yesterday_are_refuted_by_a_packet_of_ipv6() -> None:
    stale = rules([service()], [OF_SIX], "n1", SIX)
    proof = proves(stale, service(), [listed(("fd00:10::7", "n1"))], "n1", cluster_cidr="fd00:10::/32")
    assert isinstance(proof, Counterexample)
    assert proof.packet.destination == "fd00:172::1"
    assert proof.fate in destinations(stale, proof.packet)


def test_an_endpoint_of_the_other_family_in_a_slice_is_passed_over() -> None:
    mixed = evolve(FOUR, endpoints=(*FOUR.endpoints, *OF_SIX.endpoints))
    ruled = rules([service()], [mixed], "n1")
    assert {one.destination for one in destinations(ruled, Packet("10.9.0.1", "172.30.0.1", 80))} == {"10.0.1.1:8080"}
    assert isinstance(proves(ruled, service(), [mixed], "n1"), Reached)


def test_the_nftables_text_speaks_of_ip6() -> None:
    text = nft_text(nft_table([service(session_affinity="ClientIP")], [OF_SIX], "n1", SIX))
    assert text.startswith("table ip6 kubeproof\n")
    assert "fd00:172::1 . tcp . 80 : jump" in text
    assert "dnat to [fd00:10::1:1]:8080" in text
    assert "ip6 daddr != ::1/128 fib daddr type local" in text
    assert "ipv4_addr" not in text
    assert " ip saddr" not in text


@pytest.mark.parametrize(
    ("address", "port", "target"), [("10.0.0.1", 80, "10.0.0.1:80"), ("fd00::1", 80, "[fd00::1]:80")]
)
def test_address_and_port_are_put_together_and_taken_apart(address: str, port: int, target: str) -> None:
    assert join(address, port) == target
    assert split(target) == (address, port)


def test_addresses_are_compared_in_their_shortest_form_and_families_never_mix() -> None:
    assert shortest("FD00:0:0::1") == "fd00::1"
    assert shortest("fd00::zz") == "fd00::zz"
    assert contains("fd00::/16", "fd00::1")
    assert not contains("fd00::/16", "fe00::1")
    assert not contains("0.0.0.0/0", "fd00::1")
    assert (
        is_local("::1", frozenset()),
        is_local("fd00::1", frozenset({"fd00::1"})),
        is_local("::2", frozenset()),
    ) == (
        True,
        True,
        False,
    )
