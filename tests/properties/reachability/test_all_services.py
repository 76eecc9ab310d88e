"""Proofs of single Services add up: slices of the rules do what the whole does, and no door is unclaimed."""

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
from kubeproof.impl.kubeproxy.packet import Packet
from kubeproof.impl.kubeproxy.proxy import rules
from kubeproof.impl.kubeproxy.route import destinations
from kubeproof.impl.kubeproxy.rule import Rule, RuleSet
from kubeproof.properties.reachability.all_services import LOCAL, Sliced, doors, prove_all, prove_service
from kubeproof.properties.reachability.equivalence import different
from kubeproof.properties.reachability.reachability import (
    Claim,
    Counterexample,
    Proof,
    Reached,
    Unserved,
    claims,
    proves,
    stray,
)
from kubeproof.properties.reachability.symbolic import SymbolicPacket

READY, LEAVING = (
    EndpointConditions(ready=True, serving=True),
    EndpointConditions(ready=False, serving=True, terminating=True),
)


def service(number: int = 1, balancer: str = "", **spec: Any) -> Service:
    ports = (ServicePort(port=80, name="http", node_port=30080 + number), ServicePort(53, "dns", "UDP"))
    wanted = {"cluster_ip": f"172.30.0.{number}", "type": "LoadBalancer", "ports": ports, **spec}
    extra = {"status": {"loadBalancer": {"ingress": [{"ip": balancer}]}}} if balancer else {}
    return Service(ObjectMeta(name=f"s{number}", namespace="d"), ServiceSpec(**wanted), immutabledict(extra))


def listed(number: int, *ends: tuple[EndpointConditions, str], zones: tuple[str, ...] = ()) -> EndpointSlice:
    labels = immutabledict({"kubernetes.io/service-name": f"s{number}"})
    hints = tuple({"forZones": ({"name": zone},)} if zone else None for zone in zones) or (None,) * len(ends)
    found = tuple(
        Endpoint((f"10.0.{number}.{place}",), one, node_name=node, hints=hint)
        for place, ((one, node), hint) in enumerate(zip(ends, hints, strict=True), 1)
    )
    meta = ObjectMeta(name=f"s{number}-1", namespace="d", labels=labels)
    return EndpointSlice(meta, endpoints=found, ports=(EndpointPort("http", 8080), EndpointPort("dns", 53, "UDP")))


policies = st.sampled_from(["Cluster", "Local"])
specs = st.fixed_dictionaries(
    {
        "external_ips": st.sampled_from([(), ("192.0.2.9",), ("10.0.1.1",)]),  # an endpoint's own address, too
        "balancer": st.sampled_from(["", "203.0.113.80"]),
        "load_balancer_source_ranges": st.sampled_from([(), ("198.51.100.0/24",), ("192.168.0.0/16",)]),
        "external_traffic_policy": policies,
        "internal_traffic_policy": policies,
    }
)
ends = st.lists(st.tuples(st.sampled_from([READY, LEAVING]), st.sampled_from(["n1", "n2"])), max_size=2)
worlds = st.tuples(specs, specs, ends, ends).map(
    lambda drawn: (
        [service(1, **drawn[0]), service(2, **drawn[1])],
        [listed(1, *drawn[2]), listed(2, *drawn[3])],
    )
)
keys = st.sampled_from(
    [
        ("172.30.0.1", "TCP", 80),
        ("172.30.0.2", "UDP", 53),
        ("192.168.0.1", "TCP", 30081),
        ("192.0.2.9", "TCP", 80),
        ("203.0.113.80", "TCP", 80),
        ("10.0.1.1", "TCP", 8080),
        ("10.0.1.1", "TCP", 80),
    ]
)


@settings(max_examples=15)
@given(worlds, keys)
def test_a_slice_does_to_its_packets_what_all_rules_do(
    world: tuple[list[Service], list[EndpointSlice]], key: tuple[str, str, int]
) -> None:
    address, protocol, port = key
    ruled = rules(*world, "n1")
    sliced = Sliced(ruled).to(address, protocol, port)
    assert different(sliced, ruled, SymbolicPacket.to(address, port, protocol)) is None
    assert len(sliced.rules) < len(ruled.rules)


def said(proof: Proof) -> tuple[object, ...]:
    """Return what a proof says; which of the packets that go astray is shown is z3's choice."""
    return (type(proof), proof.claim if isinstance(proof, Counterexample) else proof.claims)


@settings(max_examples=8)
@given(worlds)
def test_the_proofs_by_slices_are_those_without(world: tuple[list[Service], list[EndpointSlice]]) -> None:
    services, slices = world
    ruled = rules(*world, "n1")
    whole = prove_all(ruled, *world, "n1")
    for one, (name, proof) in zip(services, whole.proofs, strict=True):
        alone = proves(ruled, one, slices, "n1")
        assert name == f"d/{one.metadata.name}"
        assert said(proof) == said(alone) == said(prove_service(Sliced(ruled), one, slices, "n1"))
    assert not whole.stray


@settings(max_examples=8)
@given(worlds, st.booleans())
def test_a_door_that_nobody_claims_is_found_as_z3_finds_it(
    world: tuple[list[Service], list[EndpointSlice]],
    forgotten: bool,  # noqa: FBT001
) -> None:
    services, slices = world
    ruled = rules(*world, "n1")
    known = services[1:] if forgotten else services
    meant = [claim for one in known for claim in claims(one, slices, "n1", ["192.168.0.1"])]
    found = stray(ruled, meant)
    assert bool(prove_all(ruled, known, slices, "n1").stray) == (found is not None)


BOTH = ([service(1), service(2)], [listed(1, (READY, "n1")), listed(2, (READY, "n1"), (READY, "n2"))])


def test_the_doors_of_two_services_are_counted() -> None:
    assert doors(rules(*BOTH, "n1")) == {
        *((f"172.30.0.{number}", *port) for number in (1, 2) for port in (("TCP", 80), ("UDP", 53))),
        *((LOCAL, "TCP", 30080 + number) for number in (1, 2)),
    }
    assert doors(rules(*BOTH, "n1", ProxyConfig(localhost_node_ports=False))) == doors(rules(*BOTH, "n1"))


def with_rule(ruled: RuleSet, rule: Rule) -> RuleSet:
    return evolve(ruled, rules=(*ruled.rules, rule))


@pytest.mark.parametrize(
    ("rule", "door"),
    [
        (Rule("nat", "PREROUTING", "DNAT", protocol="TCP", to_destination="10.9.9.9:1"), ("", "TCP", 0)),
        (Rule("nat", "OUTPUT", "DNAT", destination="1.2.3.4", to_destination="10.9.9.9:1"), ("1.2.3.4", "", 0)),
        (
            Rule("nat", "KUBE-SERVICES", "@", protocol="TCP", destination="172.30.0.1", port=81),
            ("172.30.0.1", "TCP", 81),
        ),
        (Rule("nat", "KUBE-SERVICES", "@", protocol="TCP", destination="172.30.0.0/16", port=80), ("", "TCP", 80)),
        (Rule("nat", "KUBE-NODEPORTS", "@", protocol="UDP", port=30081), (LOCAL, "UDP", 30081)),
    ],
    ids=["any packet", "any port", "another port", "a whole network", "another protocol"],
)
def test_a_planted_way_in_is_found(rule: Rule, door: tuple[str, str, int]) -> None:
    ruled = rules(*BOTH, "n1")
    chain = next(one.target for one in ruled.rules if one.target.startswith("KUBE-SVC"))
    planted = with_rule(ruled, evolve(rule, target=rule.target.replace("@", chain)))
    whole = prove_all(planted, *BOTH, "n1")
    assert (whole.proved, whole.stray) == (False, (door,))


def test_all_services_are_proved_and_counted() -> None:
    whole = prove_all(rules(*BOTH, "n1"), *BOTH, "n1")
    assert whole.proved
    assert whole.claims == 2 * 3  # two cluster IP ports and a node port each
    assert [(name, type(proof)) for name, proof in whole.proofs] == [("d/s1", Reached), ("d/s2", Reached)]


def test_one_stale_service_among_many_is_the_one_that_is_refuted() -> None:
    stale = rules(BOTH[0], [BOTH[1][0], listed(2, (READY, "n1"))], "n1")
    whole = prove_all(stale, *BOTH, "n1")
    assert not whole.proved
    assert [name for name, proof in whole.proofs if isinstance(proof, Counterexample)] == ["d/s2"]


def test_a_refusal_at_an_endpoints_own_address_is_in_the_slice_of_whoever_is_sent_there() -> None:
    port = ServicePort(port=8080, name="http")
    thief = service(2, external_ips=("10.0.1.1",), ports=(port,))
    world = ([service(1), thief], [listed(1, (READY, "n1"))])
    ruled = rules(*world, "n1")
    assert {one.fate.value for one in destinations(ruled, Packet("10.9.0.1", "172.30.0.1", 80))} == {"REJECT"}
    sliced = Sliced(ruled).to("172.30.0.1", "TCP", 80)
    assert different(sliced, ruled, SymbolicPacket.to("172.30.0.1", 80, "TCP")) is None
    assert isinstance(prove_service(Sliced(ruled), service(1), world[1], "n1"), Counterexample)


# --- what the claims say of balancers and zones -----------------------------------------------------------------------


def by_name(found: tuple[Claim, ...]) -> dict[str, Claim]:
    return {one.name.removeprefix("d/s1:http "): one for one in found if "http" in one.name}


GUARDED = {"balancer": "203.0.113.80", "load_balancer_source_ranges": ("198.51.100.0/24",)}


def test_a_balancers_address_is_claimed_for_its_source_ranges_and_barred_for_all_others() -> None:
    said = by_name(claims(service(**GUARDED), [listed(1, (READY, "n1"))], "n1", ["192.168.0.1"]))
    assert said["load balancer"].sources == ("198.51.100.0/24",)
    assert said["load balancer"].targets == {"10.0.1.1:8080"}
    assert said["load balancer from elsewhere"].barred
    assert not said["load balancer from elsewhere"].targets
    inside = service(balancer="203.0.113.80", load_balancer_source_ranges=("192.168.0.0/16",))
    said = by_name(claims(inside, [listed(1, (READY, "n1"))], "n1", ["192.168.0.1", "172.16.0.1"]))
    assert said["load balancer"].sources == ("192.168.0.0/16", "203.0.113.80")
    said = by_name(claims(inside, [listed(1, (READY, "n1"))], "n1", ["172.16.0.1", "192.168.0.1"]))
    assert said["load balancer"].sources == ("192.168.0.0/16",)  # only the node's own IP counts


@pytest.mark.parametrize(
    ("lost", "claim"),
    [("KUBE-FW", "load balancer"), ("guard", "load balancer from elsewhere")],
    ids=["the way through the firewall is gone", "the firewall is gone"],
)
def test_a_broken_firewall_is_refuted(lost: str, claim: str) -> None:
    world = ([service(**GUARDED)], [listed(1, (READY, "n1"))])
    ruled = rules(*world, "n1")
    assert isinstance(proves(ruled, world[0][0], world[1], "n1"), Reached)
    if lost == "KUBE-FW":
        kept = tuple(rule for rule in ruled.rules if not (rule.chain.startswith(lost) and rule.target))
    else:
        kept = tuple(evolve(rule, source="") if rule.chain.startswith("KUBE-FW") else rule for rule in ruled.rules)
    proof = proves(evolve(ruled, rules=kept), world[0][0], world[1], "n1")
    assert isinstance(proof, Counterexample)
    assert proof.claim.name == f"d/s1:http {claim}"
    assert (proof.packet.source.startswith("198.51.100.")) == (lost == "KUBE-FW")


def test_without_endpoints_a_guarded_balancer_is_unserved_but_not_for_those_who_are_barred() -> None:
    proof = proves(rules([service(**GUARDED)], [], "n1"), service(**GUARDED), [], "n1")
    assert isinstance(proof, Unserved)
    assert "d/s1:http load balancer from elsewhere" not in {one.name for one in proof.claims}
    assert "d/s1:http load balancer" in {one.name for one in proof.claims}


@pytest.mark.parametrize(
    ("zones", "zone", "targets"),
    [
        (("a", "b"), "a", {"10.0.1.1:8080"}),
        (("a", "b"), "c", {"10.0.1.1:8080", "10.0.1.2:8080"}),
        (("a", ""), "a", {"10.0.1.1:8080", "10.0.1.2:8080"}),
        ((), "a", {"10.0.1.1:8080", "10.0.1.2:8080"}),
        (("a", "b"), "", {"10.0.1.1:8080", "10.0.1.2:8080"}),
    ],
    ids=["its zone", "a zone nobody is for", "one has no hint", "no hints", "a node without zone"],
)
def test_traffic_stays_in_the_zone_if_the_hints_say_so(zones: tuple[str, ...], zone: str, targets: set[str]) -> None:
    slices = [listed(1, (READY, "n1"), (READY, "n2"), zones=zones)]
    labels = {"topology.kubernetes.io/zone": zone} if zone else {}
    ruled = rules([service(1)], slices, "n1", node_labels=labels)
    assert {one.destination for one in destinations(ruled, Packet("10.9.0.1", "172.30.0.1", 80))} == targets
    proof = proves(ruled, service(1), slices, "n1", zone=zone)
    assert isinstance(proof, Reached)
    assert by_name(proof.claims)["cluster IP"].targets == targets
