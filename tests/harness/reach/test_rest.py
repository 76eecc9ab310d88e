"""Coming to rest island by island: what `reach` says is what it says of all at once."""

from __future__ import annotations

import pytest
from attrs import evolve
from immutabledict import immutabledict

from kubeproof.harness.face import Cluster
from kubeproof.harness.input.scenario import Scenario
from kubeproof.harness.reach import rest
from kubeproof.harness.reach.command import reach
from kubeproof.harness.reach.rest import settled
from kubeproof.impl.api.core import Pod, Service
from kubeproof.impl.api.kinds import ref_of
from kubeproof.impl.api.meta import Ref
from kubeproof.impl.api.policy import EndpointSlice

SHOP = """
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  replicas: 2
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec: {{containers: [{{name: app, image: "app:1", ports: [{{containerPort: 80}}]}}]}}
---
apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec: {{type: {kind}, selector: {{app: {name}}}, ports: [{{port: 80}}]}}
"""
POLICY = """
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: only-of-web}
spec: {podSelector: {matchLabels: {app: web}}, ingress: [{from: [{podSelector: {matchLabels: {app: api}}}]}]}
"""


def shop(more: str = "") -> Cluster:
    kinds = {"web": "NodePort", "api": "ClusterIP", "old": "NodePort"}
    text = "---".join(SHOP.format(name=name, kind=kind) for name, kind in kinds.items())
    return Cluster("shop", immutabledict({"shop.yaml": text + more})).given({"nodes": 2})


def at_start(cluster: Cluster) -> Scenario:
    return cluster.given({"start": "settled", "script": ()}).load().scenario


@pytest.mark.parametrize("service", ["", "web", "api", "old"])
def test_answers_are_those_of_all_at_once(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    told = reach(shop(), service).text()
    monkeypatch.setattr(rest, "islands_of", lambda scenario, **_: (scenario,))
    together = reach(shop(), service).text()
    assert nameless(told) == nameless(together)
    assert "VIOLATED" not in told


def nameless(text: str) -> str:
    """Leave out the numbers of Pods, which are given by place."""
    for number in range(12):
        text = text.replace(f"-p{number}", "-p")
    return " ".join(text.split())


def test_services_have_the_numbers_that_they_have_among_all() -> None:
    scenario = at_start(shop())
    apart, whole = settled(scenario), settled(scenario, islands=False)
    numbers = [
        {one.metadata.name: (one.spec.cluster_ip, one.spec.ports) for one in found if isinstance(one, Service)}
        for found in (apart, whole)
    ]
    assert numbers[0] == numbers[1]
    assert len({address for address, _ in numbers[0].values()}) == 3


def test_one_service_is_not_asked_of_the_others() -> None:
    found = settled(at_start(shop()), Ref("Service", "default", "web"))
    assert {one.metadata.labels["app"] for one in found if isinstance(one, Pod)} == {"web"}
    assert [one.metadata.name for one in found if isinstance(one, Service)] == ["web"]
    assert sum(isinstance(one, EndpointSlice) for one in found) == 1


def test_policies_are_asked_of_all() -> None:
    """Who is a peer is told by all Pods there are: no note says that a peer is nobody."""
    assert not reach(shop(POLICY), "web").notes


def test_two_that_share_an_address_are_looked_at_together() -> None:
    cluster = shop()
    scenario = at_start(cluster)
    shared = tuple(
        evolve(one, spec=evolve(one.spec, external_ips=("203.0.113.9",))) if isinstance(one, Service) else one
        for one in scenario.objects
    )
    found = settled(evolve(scenario, objects=shared), Ref("Service", "default", "web"))
    assert {ref_of(one).name for one in found if isinstance(one, Service)} == {"web", "api", "old"}
