"""The nftables table does to every packet what the iptables rules do: proved, and refuted where it should be."""

from __future__ import annotations

from typing import Any

import pytest
import z3
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from immutabledict import immutabledict

from kubeproof.impl.api.core import Service, ServicePort, ServiceSpec
from kubeproof.impl.api.meta import ObjectMeta
from kubeproof.impl.api.policy import Endpoint, EndpointConditions, EndpointPort, EndpointSlice
from kubeproof.impl.kubeproxy.chains import ProxyConfig
from kubeproof.impl.kubeproxy.nftables import Clause, NftTable, nft_table
from kubeproof.impl.kubeproxy.packet import Fate, Packet
from kubeproof.impl.kubeproxy.proxy import rules
from kubeproof.impl.kubeproxy.route import destinations
from kubeproof.properties.reachability.equivalence import Different, different, fates
from kubeproof.properties.reachability.symbolic import SymbolicPacket

READY, LEAVING = (
    EndpointConditions(ready=True, serving=True),
    EndpointConditions(ready=False, serving=True, terminating=True),
)


def service(name: str = "web", number: int = 1, *, balancer: str = "", **spec: Any) -> Service:
    ports = (ServicePort(port=80, name="http", node_port=30080 + number),)
    wanted = {
        "cluster_ip": f"172.30.0.{number}",
        "type": "LoadBalancer",
        "external_ips": (f"192.0.2.{number}",),
        **spec,
    }
    extra = {"status": {"loadBalancer": {"ingress": [{"ip": balancer}]}}} if balancer else {}
    return Service(ObjectMeta(name=name, namespace="d"), ServiceSpec(ports=ports, **wanted), extra=immutabledict(extra))


def listed(*found: tuple[EndpointConditions, str], name: str = "web", number: int = 1) -> EndpointSlice:
    meta = ObjectMeta(name=f"{name}-1", namespace="d", labels=immutabledict({"kubernetes.io/service-name": name}))
    ends = (Endpoint((f"10.0.{number}.{place}",), one, node_name=node) for place, (one, node) in enumerate(found, 1))
    return EndpointSlice(meta, endpoints=tuple(ends), ports=(EndpointPort("http", 8080),))


policies = st.sampled_from(["Cluster", "Local"])
services = st.builds(
    service,
    balancer=st.sampled_from(["", "203.0.113.80"]),
    load_balancer_source_ranges=st.sampled_from([(), ("198.51.100.0/24",), ("192.168.0.0/16",)]),
    internal_traffic_policy=policies,
    external_traffic_policy=policies,
    session_affinity=st.sampled_from(["None", "ClientIP"]),
    extra=st.sampled_from([immutabledict(), immutabledict(healthCheckNodePort=30999)]),
)
slices = st.lists(st.tuples(st.sampled_from([READY, LEAVING]), st.sampled_from(["n1", "n2"])), max_size=3).map(
    lambda found: listed(*found)
)
configs = st.builds(ProxyConfig, cluster_cidr=st.sampled_from(["10.0.0.0/8", ""]), masquerade_all=st.booleans())


BALANCED = {"balancer": "203.0.113.80", "load_balancer_source_ranges": ("192.168.0.0/16",)}
LOCAL = {"external_traffic_policy": "Local", "internal_traffic_policy": "Local"}
HEALTH = immutabledict(healthCheckNodePort=30999)


@pytest.mark.parametrize(
    ("spec", "found"),
    [
        (BALANCED | LOCAL | {"extra": HEALTH}, [(READY, "n1"), (READY, "n2")]),
        (BALANCED | LOCAL, [(READY, "n2")]),
        (BALANCED | {"session_affinity": "ClientIP"}, [(READY, "n1"), (READY, "n2"), (LEAVING, "n1")]),
        ({}, [(LEAVING, "n1"), (LEAVING, "n2")]),
        ({}, []),
    ],
    ids=["local, guarded", "local, nobody here", "affinity", "draining", "nobody at all"],
)
def test_both_tables_do_the_same(spec: dict[str, Any], found: list[tuple[EndpointConditions, str]]) -> None:
    given_to_both = ([service(**spec)], [listed(*found)], "n1", ProxyConfig())
    assert different(rules(*given_to_both), nft_table(*given_to_both)) is None


@settings(max_examples=6)
@given(services, slices, configs)
def test_both_tables_do_the_same_to_every_packet(one: Service, endpoints: EndpointSlice, config: ProxyConfig) -> None:
    given_to_both = ([one], [endpoints], "n1", config)
    assert different(rules(*given_to_both), nft_table(*given_to_both)) is None


packets = st.builds(
    Packet,
    source=st.sampled_from(["10.9.0.1", "192.168.0.1", "203.0.113.1", "10.0.1.1", "198.51.100.3"]),
    destination=st.sampled_from(["172.30.0.1", "192.168.0.1", "192.0.2.1", "127.0.0.1", "203.0.113.80", "10.0.1.1"]),
    port=st.sampled_from([80, 8080, 30081, 30999]),
)


@settings(max_examples=40)
@given(services, slices, packets)
def test_the_fates_of_a_packet_are_those_of_its_walk(one: Service, endpoints: EndpointSlice, packet: Packet) -> None:
    ruled = rules([one], [endpoints], "n1")
    forgetful = [
        (z3.Bool(f"remembered {rule.remembered}"), z3.BoolVal(val=False)) for rule in ruled.rules if rule.remembered
    ]
    found = {
        key
        for key, when in fates(ruled, SymbolicPacket.of(packet)).items()
        if z3.is_true(z3.simplify(z3.substitute(when, *forgetful) if forgetful else when))
    }
    walked = {(way.fate, way.destination, way.masquerade) for way in destinations(ruled, packet)}
    assert found == walked


def change(table: NftTable, chain: str, before: Clause, *after: Clause) -> NftTable:
    """Return a table with one clause replaced."""
    clauses = table.chains[chain]
    place = clauses.index(before)
    return evolve(table, chains=table.chains.set(chain, (*clauses[:place], *after, *clauses[place + 1 :])))


@pytest.mark.parametrize(
    ("chain", "number", "after"),
    [
        ("all", 0, ()),
        ("all", 0, (Clause("spread", among=("the first",)),)),
        ("ip", 0, ()),
        ("outside", 0, ()),
        ("ip", 0, (Clause("mark"),)),
        ("find-service", 1, ()),
        ("filter-input", 0, ()),
    ],
    ids=[
        "nobody is drawn",
        "one is never drawn",
        "nothing is marked",
        "nothing from outside is marked",
        "everything is marked",
        "no node ports",
        "martians get in",
    ],
)
def test_a_table_with_a_fault_is_told_from_one_without(chain: str, number: int, after: tuple[Clause, ...]) -> None:
    given_to_both = ([service()], [listed((READY, "n1"), (READY, "n2"))], "n1", ProxyConfig())
    table = nft_table(*given_to_both)
    name = next(one for one in table.chains if one == chain or one.startswith(f"{chain}-"))
    clauses = tuple(evolve(one, among=table.chains[name][number].among[:1]) if one.among else one for one in after)
    found = different(rules(*given_to_both), change(table, name, table.chains[name][number], *clauses))
    assert isinstance(found, Different)
    walked = {(way.fate, way.destination, way.masquerade) for way in destinations(rules(*given_to_both), found.packet)}
    assert ((found.fate, found.destination, found.masquerade) in walked) == found.first


def test_of_two_services_with_one_address_the_first_gets_it_in_both_tables() -> None:
    both = [service(), service("zzz", 2, external_ips=("192.0.2.1",))]
    ends = [listed((READY, "n1")), listed((READY, "n1"), name="zzz", number=2)]
    assert different(rules(both, ends, "n1"), nft_table(both, ends, "n1", ProxyConfig())) is None


def test_two_services_with_one_address_show_where_the_tables_part() -> None:
    both = [service(external_traffic_policy="Local"), service("zzz", 2, external_ips=("192.0.2.1",))]
    ends = [listed((READY, "n2")), listed((READY, "n1"), name="zzz", number=2)]
    found = different(rules(both, ends, "n1"), nft_table(both, ends, "n1", ProxyConfig()))
    assert found is not None
    assert (found.packet.destination, found.packet.port, found.fate) == ("192.0.2.1", 80, Fate.DNAT)


def test_a_rollout_changes_what_only_its_packets_get() -> None:
    before = rules([service()], [listed((READY, "n1"))], "n1")
    after = rules([service()], [listed((READY, "n1"), (READY, "n2"))], "n1")
    found = different(before, after)
    assert found is not None
    assert (found.destination, found.first) == ("10.0.1.2:8080", False)
    assert different(after, after) is None
