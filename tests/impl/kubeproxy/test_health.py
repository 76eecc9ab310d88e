"""The health check node port says how many ready endpoints a node has, and 503 where there are none."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve
from immutabledict import immutabledict

from kubeproof.impl.api.core import Service, ServicePort, ServiceSpec
from kubeproof.impl.api.meta import ObjectMeta
from kubeproof.impl.api.policy import Endpoint, EndpointConditions, EndpointPort, EndpointSlice
from kubeproof.impl.kubeproxy.health import HealthAnswer, HealthCheck, health_checks, local_ready
from kubeproof.impl.kubeproxy.packet import Fate, Packet
from kubeproof.impl.kubeproxy.proxy import rules
from kubeproof.impl.kubeproxy.route import route

READY, LEAVING = (
    EndpointConditions(ready=True, serving=True),
    EndpointConditions(ready=False, serving=True, terminating=True),
)
DEAD = EndpointConditions(ready=False, serving=False)


def service(**spec: Any) -> Service:
    ports = (ServicePort(port=80, name="http"), ServicePort(port=443, name="tls"))
    extra = immutabledict(healthCheckNodePort=30999)
    wanted = {"cluster_ip": "172.30.0.1", "type": "LoadBalancer", "external_traffic_policy": "Local", **spec}
    return Service(ObjectMeta(name="web", namespace="d"), ServiceSpec(ports=ports, extra=extra, **wanted))


def listed(*ends: tuple[EndpointConditions, str]) -> EndpointSlice:
    meta = ObjectMeta(name="web-1", namespace="d", labels=immutabledict({"kubernetes.io/service-name": "web"}))
    found = (Endpoint((f"10.0.1.{number}",), one, node_name=node) for number, (one, node) in enumerate(ends, 1))
    return EndpointSlice(meta, endpoints=tuple(found), ports=(EndpointPort("http", 8080), EndpointPort("tls", 8443)))


@pytest.mark.parametrize(
    ("ends", "answer"),
    [
        ([(READY, "n1"), (READY, "n1"), (READY, "n2")], HealthAnswer(200, 2)),
        ([(READY, "n2")], HealthAnswer(503, 0)),
        ([(LEAVING, "n1")], HealthAnswer(503, 0)),
        ([(DEAD, "n1"), (READY, "n1")], HealthAnswer(200, 1)),
        ([], HealthAnswer(503, 0)),
    ],
    ids=["two here", "one elsewhere", "only a terminating one", "one not ready", "nobody"],
)
def test_a_balancer_is_told_the_number_of_ready_addresses_here(
    ends: list[tuple[EndpointConditions, str]], answer: HealthAnswer
) -> None:
    (check,) = health_checks([service()], [listed(*ends)], "n1")
    assert (check.service, check.node_port, check.answer()) == ("web", 30999, answer)


def test_a_terminating_endpoint_still_gets_connections_where_the_balancer_is_sent_away() -> None:
    ends = listed((LEAVING, "n1"))
    (check,) = health_checks([service()], [ends], "n1")
    node_port = evolve(service(), spec=evolve(service().spec, external_ips=("192.0.2.9",)))
    verdict = route(rules([node_port], [ends], "n1"), Packet("203.0.113.9", "192.0.2.9", 80))
    assert (check.answer().status, verdict.fate, verdict.destination) == (503, Fate.DNAT, "10.0.1.1:8080")


def test_a_proxy_that_does_not_keep_up_says_no_whatever_there_is() -> None:
    check = HealthCheck("d", "web", 30999, 3)
    assert check.answer(proxy_healthy=False) == HealthAnswer(503, 3)
    assert check.answer() == HealthAnswer(200, 3)


@pytest.mark.parametrize(
    "spec", [{"external_traffic_policy": "Cluster"}, {"type": "NodePort"}], ids=["Cluster", "no LB"]
)
def test_without_a_balancer_that_must_know_there_is_no_check(spec: dict[str, Any]) -> None:
    one = service(**spec)
    assert health_checks([one], [listed((READY, "n1"))], "n1") == ()
    assert "30999" not in str(rules([one], [listed((READY, "n1"))], "n1").lines("filter"))


def test_the_question_is_let_in_whether_or_not_there_is_an_endpoint() -> None:
    for ends in (listed((READY, "n1")), listed()):
        assert route(rules([service()], [ends], "n1"), Packet("203.0.113.9", "192.168.0.1", 30999)).fate is Fate.ACCEPT


def test_slices_are_counted_though_their_service_is_gone() -> None:
    assert local_ready([listed((READY, "n1"))], "n1") == {("d", "web"): 1}
    assert local_ready([evolve(listed((READY, "n1")), ports=())], "n1") == {}
    assert local_ready([listed((READY, "n1"))], "n1", "IPv6") == {}
