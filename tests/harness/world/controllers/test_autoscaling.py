"""Autoscalers in the world: bounds are kept, the load is a fault, and Pods that go below the least are a breach."""

from __future__ import annotations

from typing import Any

import pytest

from kubeproof.harness.check.check import check
from kubeproof.harness.input.autoscalers import blind
from kubeproof.harness.input.files.scenario_file import load_scenario
from kubeproof.harness.input.scenario import Scenario
from kubeproof.harness.world.at_rest.prepare import prepare
from kubeproof.impl.api.core import Pod
from kubeproof.impl.api.values.frozen import freeze
from kubeproof.model.checker.results import Limits, Status
from planted import planted

WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec: {{containers: [{{name: web, image: "web:1", resources: {{requests: {{cpu: 100m}}}}}}]}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {{name: web}}
spec:
  minReplicas: {least}
  maxReplicas: {most}
  scaleTargetRef: {{apiVersion: apps/v1, kind: Deployment, name: web}}
"""


def scenario(replicas: int = 1, least: int = 2, most: int = 2, **options: Any) -> Scenario:
    text = WEB.format(replicas=replicas, least=least, most=most)
    return load_scenario("test", {"web.yaml": text}, freeze({"nodes": 1, **options})).scenario


def verdicts(given: Scenario) -> dict[str, Status]:
    return {one.name: one.status for one in check(given, limits=Limits(max_states=60_000)).claims}


@pytest.mark.parametrize(
    ("replicas", "least", "most", "pods"), [(1, 2, 3, 2), (3, 1, 2, 2), (2, 1, 3, 2), (0, 1, 3, 0)]
)
def test_at_rest_its_target_is_within_the_bounds(replicas: int, least: int, most: int, pods: int) -> None:
    start = prepare(scenario(replicas, least, most, start="settled"))
    assert {sum(isinstance(one, Pod) for one in each.objects) for each in start.starts} == {pods}


def test_a_scale_below_the_least_is_taken_back_and_costs_pods_meanwhile() -> None:
    scale = {"scale": {"kind": "Deployment", "name": "web", "replicas": 1}}
    found = verdicts(scenario(2, script=[scale]))
    assert (found["convergence"], found["autoscaling"]) == (Status.HOLDS, Status.VIOLATED)


def test_a_scale_above_the_least_costs_none() -> None:
    scale = {"scale": {"kind": "Deployment", "name": "web", "replicas": 1}}
    found = verdicts(scenario(2, 1, 2, script=[scale]))
    assert (found["convergence"], found["autoscaling"]) == (Status.HOLDS, Status.HOLDS)


def test_an_autoscaler_that_does_not_come_back_leaves_too_few() -> None:
    with planted("kubeproof.impl.controllers.horizontal.horizontal", "if current < spec.least:", "if False:"):
        start = prepare(scenario(1, start="settled"))
    assert {sum(isinstance(one, Pod) for one in each.objects) for each in start.starts} == {1}


def test_the_load_moves_it_within_the_bounds_and_no_further() -> None:
    given = scenario(1, 1, 2, faults={"load": 1})
    assert given.most_of(given.objects[0]) == 2
    found = verdicts(given)
    assert (found["convergence"], found["autoscaling"]) == (Status.HOLDS, Status.HOLDS)
    still, moved = (check(one, limits=Limits(max_states=60_000)).states for one in (scenario(1, 1, 2), given))
    assert moved > still


def test_the_load_moves_nobody_whose_metric_is_a_share_of_nothing() -> None:
    """The real one says FailedGetResourceMetric: missing request for cpu in container web."""
    given = scenario(1, 1, 2, faults={"load": 1})
    bare = WEB.replace("{{requests: {{cpu: 100m}}}}", "{{}}").format(replicas=1, least=1, most=2)
    blind = load_scenario("test", {"web.yaml": bare}, freeze({"nodes": 1, "faults": {"load": 1}})).scenario
    states = [check(one, limits=Limits(max_states=60_000)).states for one in (given, blind, scenario(1, 1, 2))]
    assert states[0] > states[1] == states[2]


def test_two_autoscalers_of_one_target_are_still_as_long_as_both_are_there() -> None:
    text = WEB.format(replicas=1, least=1, most=2)
    two = f"{text}---\n{text.partition('---')[2].replace('metadata: {name: web}', 'metadata: {name: other}')}"
    delete = {"deleteObject": {"kind": "HorizontalPodAutoscaler", "name": "other"}}
    options: list[Any] = [{"nodes": 1}, {"nodes": 1, "script": [delete]}]
    given = [load_scenario("t", {"web.yaml": two}, freeze(option)).scenario for option in options]
    assert [len(blind(one)) for one in given] == [2, 0]


def test_what_is_assumed_of_the_load_is_said() -> None:
    bounds = check(scenario()).bounds
    assert any("autoscalers find no metrics" in line for line in bounds)
    bounds = check(scenario(1, 1, 2, faults={"load": 1}), limits=Limits(max_states=10)).bounds
    assert any("at most 1 x change of the load" in line for line in bounds)
