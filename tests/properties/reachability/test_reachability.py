"""The formulas and the walk agree on every packet; proofs hold where they should and break where they should."""

from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from immutabledict import immutabledict

from kubeproof.impl.api.core import Service, ServicePort, ServiceSpec
from kubeproof.impl.api.meta import ObjectMeta
from kubeproof.impl.api.policy import Endpoint, EndpointConditions, EndpointPort, EndpointSlice
from kubeproof.impl.kubeproxy.packet import Fate, Packet
from kubeproof.impl.kubeproxy.proxy import rules
from kubeproof.impl.kubeproxy.route import destinations
from kubeproof.properties.reachability.prestop import (
    Bounds,
    Impossible,
    Schedule,
    Sufficient,
    bad_run,
    smallest_prestop,
)
from kubeproof.properties.reachability.reachability import Counterexample, Reached, Unserved, claims, proves, stray
from kubeproof.properties.reachability.symbolic import SymbolicPacket, possible

READY = EndpointConditions(ready=True, serving=True)
LEAVING = EndpointConditions(ready=False, serving=True, terminating=True)
DEAD = EndpointConditions(ready=False, serving=False)
N1 = ("n1", ("192.168.0.1",))


def service(**spec: object) -> Service:
    ports = (ServicePort(port=80, name="http", node_port=30080),)
    wanted = {"cluster_ip": "172.30.0.1", "type": "NodePort", "external_ips": ("192.168.9.9",), **spec}
    return Service(ObjectMeta(name="web", namespace="d"), ServiceSpec(ports=ports, **wanted))


def listed(*endpoints: tuple[EndpointConditions, str]) -> EndpointSlice:
    meta = ObjectMeta(name="web-1", namespace="d", labels=immutabledict({"kubernetes.io/service-name": "web"}))
    found = (Endpoint((f"10.0.1.{n}",), one, node_name=node) for n, (one, node) in enumerate(endpoints, 1))
    return EndpointSlice(meta, endpoints=tuple(found), ports=(EndpointPort("http", 8080),))


policies = st.sampled_from(["Cluster", "Local"])
services = st.builds(
    service,
    internal_traffic_policy=policies,
    external_traffic_policy=policies,
    session_affinity=st.sampled_from(["None", "ClientIP"]),
)
slices = st.lists(st.tuples(st.sampled_from([READY, LEAVING, DEAD]), st.sampled_from(["n1", "n2"])), max_size=3).map(
    lambda endpoints: listed(*endpoints)
)
packets = st.builds(
    Packet,
    source=st.sampled_from(["10.9.0.1", "192.168.0.1", "203.0.113.1", "10.0.1.1", "127.0.0.1"]),
    destination=st.sampled_from(["172.30.0.1", "192.168.0.1", "192.168.9.9", "127.0.0.1", "10.0.1.1"]),
    port=st.sampled_from([80, 8080, 30080]),
    protocol=st.sampled_from(["TCP", "UDP"]),
)


@settings(max_examples=40)
@given(services, slices, packets)
def test_the_formulas_allow_what_the_walk_finds(one: Service, endpoints: EndpointSlice, packet: Packet) -> None:
    programmed = rules([one], [endpoints], "n1")
    walked = {(verdict.fate, verdict.destination) for verdict in destinations(programmed, packet)}
    assert possible(programmed, SymbolicPacket.of(packet)) == walked


@settings(max_examples=12)
@given(services, slices)
def test_every_service_is_reached_or_has_no_endpoint(one: Service, endpoints: EndpointSlice) -> None:
    proof = proves(rules([one], [endpoints], "n1"), one, [endpoints], "n1")
    empty = {claim for claim in claims(one, [endpoints], *N1) if not claim.targets and not claim.barred}
    assert isinstance(proof, Unserved if empty else Reached)
    assert set(proof.claims) == (empty or set(proof.claims))


def test_a_stale_rule_set_is_refuted_with_a_packet_that_shows_it() -> None:
    stale = rules([service()], [listed((READY, "n1"), (READY, "n2"))], "n1")
    now = listed((READY, "n1"), (DEAD, "n2"))
    proof = proves(stale, service(), [now], "n1")
    assert isinstance(proof, Counterexample)
    assert (proof.fate.fate, proof.fate.destination) == (Fate.DNAT, "10.0.1.2:8080")
    assert proof.fate in destinations(stale, proof.packet)


def test_an_endpoint_the_rules_do_not_know_yet_is_named() -> None:
    stale = rules([service()], [listed((READY, "n1"))], "n1")
    proof = proves(stale, service(), [listed((READY, "n1"), (READY, "n2"))], "n1")
    assert isinstance(proof, Counterexample)
    assert "10.0.1.2:8080" in proof.rule


def test_packets_for_a_service_that_is_gone_are_stray() -> None:
    endpoints = listed((READY, "n1"))
    programmed = rules([service()], [endpoints], "n1")
    known = claims(service(), [endpoints], *N1)
    assert stray(programmed, known) is None
    moved = claims(service(cluster_ip="172.30.0.2"), [endpoints], *N1)
    found = stray(programmed, moved)
    assert found is not None
    assert (found.destination, found.port, found.protocol) == ("172.30.0.1", 80, "TCP")


def test_a_policy_of_local_has_no_one_elsewhere() -> None:
    one = service(external_traffic_policy="Local")
    endpoints = listed((READY, "n2"))
    proof = proves(rules([one], [endpoints], "n1"), one, [endpoints], "n1")
    assert isinstance(proof, Unserved)
    assert {claim.name for claim in proof.claims} == {
        "d/web:http external IPs from outside",
        "d/web:http node port from outside",
    }


@pytest.mark.parametrize(
    ("bounds", "grace", "after", "answer"),
    [
        (Bounds((0, 5), (0, 1), (0, 1)), 30, 0, Sufficient(2, Schedule(0, 1, 2))),
        (Bounds((3, 5), (0, 1), (0, 1)), 30, 0, Sufficient(0, None)),
        (Bounds((0, 0), (0, 10), (0, 20)), 30, 0, Sufficient(30, Schedule(0, 29, 30))),
        (Bounds((0, 0), (0, 10), (0, 20)), 30, 1, Impossible(29, Schedule(0, 29, 30))),
        (Bounds((0, 0), (0, 0), (1, 1)), 5, 10, Impossible(0, Schedule(0, 0, 1))),
    ],
    ids=[
        "as long as the slowest proxy",
        "a slow kubelet needs none",
        "all of the grace period",
        "more than there is",
        "the program keeps more than there is",
    ],
)
def test_the_smallest_prestop(bounds: Bounds, grace: int, after: int, answer: object) -> None:
    assert smallest_prestop(bounds, grace, after_sigterm_seconds=after) == answer


@settings(max_examples=25)
@given(
    *(st.tuples(st.integers(0, 3), st.integers(0, 4)).map(lambda pair: (pair[0], pair[0] + pair[1])) for _ in range(3))
)
def test_no_run_is_bad_with_the_answer_and_one_is_with_less(
    kubelet: tuple[int, int], endpoints: tuple[int, int], proxies: tuple[int, int]
) -> None:
    bounds = Bounds(kubelet, endpoints, proxies)
    answer = smallest_prestop(bounds, 30)
    assert isinstance(answer, Sufficient)
    assert bad_run(bounds, answer.seconds, 30) is None
    assert (answer.tight is None) == (answer.seconds == 0)
    assert evolve(answer, tight=None).seconds == max(endpoints[1] + proxies[1] - kubelet[0], 0)


@pytest.mark.parametrize(
    ("source", "fate"),
    [("10.9.0.1", Fate.REJECT), ("192.168.0.1", Fate.UNCHANGED)],
    ids=["a Pod is refused", "the node's own packet leaves it: no rule of OUTPUT looks at external addresses"],
)
def test_an_external_address_without_endpoints(source: str, fate: Fate) -> None:
    programmed = rules([service()], [], "n1")
    packet = Packet(source, "192.168.9.9", 80)
    assert {one.fate for one in destinations(programmed, packet)} == {fate}
    assert possible(programmed, SymbolicPacket.of(packet)) == {(fate, "")}
