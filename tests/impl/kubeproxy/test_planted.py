"""Faults planted in the proxy, and the checks that notice them."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest
from immutabledict import immutabledict

from kubeproof.impl.api.core import Service, ServicePort, ServiceSpec
from kubeproof.impl.api.meta import ObjectMeta
from kubeproof.impl.api.policy import Endpoint, EndpointConditions, EndpointPort, EndpointSlice
from kubeproof.impl.kubeproxy.packet import Packet
from kubeproof.impl.kubeproxy.proxy import rules
from kubeproof.properties.reachability.reachability import Reached, claims, proves, stray
from kubeproof.properties.reachability.shares import shares, unfair
from planted import planted

ROOM = "kubeproof.impl.kubeproxy."
FAULTS = [
    (
        "a rule leads to a dead endpoint",
        "endpoints",
        "near = tuple(address for address in found if address.ready and",
        "near = tuple(address for address in found if address and",
    ),
    ("a statistic chance is off by one", "chains", "probability=1 / left if", "probability=1 / (left + 1) if"),
    (
        "the last endpoint gets no rule",
        "chains",
        "zip(range(len(named), 0, -1), named, strict=True)",
        "zip(range(len(named) - 1, 0, -1), named, strict=False)",
    ),
    ("the cluster IP answers on every port", "chains", "destination=address, port=port.port)", "destination=address)"),
    (
        "DNAT keeps the address of the Service",
        "chains",
        "to_destination=address.target",
        "to_destination=port.cluster_ip + ':80'",
    ),
    (
        "terminating endpoints come before ready ones",
        "endpoints",
        "return near or tuple(address for address in found if address.draining)",
        "return tuple(address for address in found if address.draining) or near",
    ),
]


def world(seed: int) -> tuple[Service, EndpointSlice]:
    dice = random.Random(seed)  # noqa: S311 - a seeded choice of examples
    conditions = [
        EndpointConditions(ready=True, serving=True, terminating=False),
        EndpointConditions(ready=False, serving=False, terminating=False),
        EndpointConditions(ready=False, serving=True, terminating=True),
    ]
    chosen = [conditions[0], conditions[0], dice.choice(conditions), dice.choice(conditions)]
    listed = tuple(Endpoint((f"10.0.1.{place}",), one, node_name="n2") for place, one in enumerate(chosen, 1))
    port = ServicePort(port=80, name="http", node_port=30080)
    service = Service(
        ObjectMeta(name="web", namespace="d"), ServiceSpec(cluster_ip="172.30.0.1", ports=(port,), type="NodePort")
    )
    meta = ObjectMeta(name="web-1", namespace="d", labels=immutabledict({"kubernetes.io/service-name": "web"}))
    return service, EndpointSlice(meta, endpoints=listed, ports=(EndpointPort("http", 8080),))


def check(seed: int) -> None:
    """Every packet arrives, nothing else is caught, and every endpoint gets its share."""
    service, listed = world(seed)
    programmed = rules([service], [listed], "n1")
    assert isinstance(proves(programmed, service, [listed], "n1"), Reached)
    assert stray(programmed, claims(service, [listed], "n1", sorted(programmed.local))) is None
    assert list(unfair(programmed, Packet("10.9.0.1", "172.30.0.1", 80))) == []


def check_all(seeds: range) -> None:
    for seed in seeds:
        check(seed)


@pytest.mark.parametrize("seed", range(2))
def test_without_a_fault_every_check_passes(seed: int) -> None:
    check(seed)


@pytest.mark.parametrize(("module", "before", "after"), [one[1:] for one in FAULTS], ids=[one[0] for one in FAULTS])
def test_a_fault_is_noticed(module: str, before: str, after: str) -> None:
    with planted(ROOM + module, before, after), pytest.raises(AssertionError):
        check_all(range(5))


def test_three_endpoints_get_a_third_each() -> None:
    service, listed = world(0)
    three = EndpointSlice(
        listed.metadata,
        endpoints=tuple(Endpoint((f"10.0.1.{n}",), EndpointConditions(ready=True, serving=True)) for n in (1, 2, 3)),
        ports=listed.ports,
    )
    found = shares(rules([service], [three], "n1"), Packet("10.9.0.1", "172.30.0.1", 80))
    assert {name: round(float(chance), 9) for name, chance in found.items()} == {
        f"10.0.1.{n}:8080": round(float(Fraction(1, 3)), 9) for n in (1, 2, 3)
    }
