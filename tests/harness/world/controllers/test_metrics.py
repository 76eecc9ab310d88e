"""Autoscalers that measure what annotations tell: what they come to at rest, and when they act."""

from __future__ import annotations

from typing import Any

import pytest

from kubeproof.harness.check.check import check
from kubeproof.harness.input.files.scenario_file import load_scenario
from kubeproof.harness.input.scenario import Scenario
from kubeproof.harness.world.at_rest.prepare import prepare
from kubeproof.impl.api.core import Pod
from kubeproof.impl.api.reading.load import BadInput
from kubeproof.impl.api.values.frozen import freeze
from kubeproof.model.checker.results import Limits, Status
from planted import planted

WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}, annotations: {SAID}}
    spec: {containers: [{name: web, image: "web:1", resources: {requests: {cpu: 100m, memory: 100Mi}}}]}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web, annotations: {MEASURED}}
spec:
  maxReplicas: 3
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  metrics: [METRIC]
"""
CPU = "{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}"
MEMORY = "{type: Resource, resource: {name: memory, target: {type: AverageValue, averageValue: 50Mi}}}"
QUEUE = "{type: External, external: {metric: {name: queue}, target: {type: AverageValue, averageValue: '10'}}}"
OBJECT = (
    "{type: Object, object: {describedObject: {kind: Service, name: web}, metric: {name: queue}, "
    "target: {type: Value, value: '10'}}}"
)


def scenario(said: str = "", measured: str = "", metric: str = CPU, **options: Any) -> Scenario:
    text = WEB.replace("SAID", said).replace("MEASURED", measured).replace("METRIC", metric)
    given = {"nodes": 1, "consistency": "linearizable", **options}
    return load_scenario("test", {"web.yaml": text}, freeze(given)).scenario


def at_rest(given: Scenario) -> set[int]:
    """Return how many Pods there are in the states of rest."""
    return {sum(isinstance(one, Pod) for one in each.objects) for each in prepare(given).starts}


@pytest.mark.parametrize(
    ("said", "measured", "metric", "pods"),
    [
        ("", "", CPU, {1}),
        ("kubeproof/uses-cpu: 40m", "", CPU, {1}),
        ("kubeproof/uses-cpu: 60m", "", CPU, {3}),
        ("kubeproof/uses-memory: 40Mi", "", MEMORY, {1}),
        ("kubeproof/uses-memory: 90Mi", "", MEMORY, {3}),
        ("kubeproof/uses-memory: 90Mi", "", CPU, {1}),
        ("", "kubeproof/measures: queue=20", QUEUE, {2}),
        ("", "kubeproof/measures: queue=10", OBJECT, {1}),
        ("", "kubeproof/measures: lag=30", QUEUE, {1}),
    ],
)
def test_at_rest_there_are_as_many_as_the_load_asks_for(said: str, measured: str, metric: str, pods: set[int]) -> None:
    assert at_rest(scenario(said, measured, metric, start="settled")) == pods


def test_once_they_have_started_up_there_are_as_many_as_the_work_asks_for() -> None:
    said = "kubeproof/uses-cpu: 10m, kubeproof/uses-cpu-at-first: 100m"
    assert at_rest(scenario(said, start="settled")) == {1}
    with planted("kubeproof.impl.kubelet.usage", "early = not runtime.warm", "early = True"):
        assert at_rest(scenario(said, start="settled")) == {3}


def test_downwards_it_waits_until_nothing_else_happens() -> None:
    """Else it would go up and down faster than a Pod starts, and no Pod would ever run."""
    said = "kubeproof/uses-cpu: 10m, kubeproof/uses-cpu-at-first: 100m"
    given = scenario(said, start="empty", expect={"convergence": "HOLDS"})
    limits = Limits(max_states=20_000)
    assert {one.status for one in check(given, limits=limits).claims if one.name == "convergence"} == {Status.HOLDS}


def test_the_tolerance_of_an_autoscaler_counts_since_1_35() -> None:
    behaviour = "spec:\n  maxReplicas: 3\n  behavior: {scaleUp: {tolerance: '0.5'}}"
    text = WEB.replace("SAID", "kubeproof/uses-cpu: 60m").replace("MEASURED", "").replace("METRIC", CPU)
    files = {"web.yaml": text.replace("spec:\n  maxReplicas: 3", behaviour)}
    found = {}
    for release in ("1.34", "1.35"):
        options = {"nodes": 1, "consistency": "linearizable", "start": "settled", "release": release}
        found[release] = at_rest(load_scenario("test", files, freeze(options)).scenario)
    assert found == {"1.34": {3}, "1.35": {1}}


@pytest.mark.parametrize(
    ("said", "measured", "what"),
    [
        ("kubeproof/uses-cpu: much", "", "uses-cpu"),
        ("kubeproof/uses-cpu-at-first: 1m", "", "add kubeproof/uses-cpu"),
        ("", "kubeproof/measures: queue", "queue=30"),
        ("", "kubeproof/measure: queue=3", "kubeproof/measures"),
    ],
)
def test_what_nobody_understands_is_an_error(said: str, measured: str, what: str) -> None:
    with pytest.raises(BadInput) as caught:
        scenario(said, measured)
    assert what in str(caught.value)


def test_that_it_is_measured_is_a_bound() -> None:
    lines = check(scenario("kubeproof/uses-cpu: 40m"), limits=Limits(max_states=10)).bounds
    assert any("autoscalers measure what annotations tell" in line for line in lines)
