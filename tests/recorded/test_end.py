"""Whether the search reaches the end that a run was recorded to have, and that a wrong end is seen."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from kubeproof.harness.input.files.scenario_file import load_scenario
from kubeproof.harness.input.scenario import Scenario
from kubeproof.model.checker import Limits
from recorded.end import Ends, ends, recorded_end

LIMITS = Limits(max_states=5_000)

WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: app, image: "web:1"}]}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
"""
FINAL: dict[str, Any] = {
    "pods": [{"image": "web:1", "name": "web-1-a", "node": "node-2", "phase": "Running", "ready": True}],
    "deployments": [
        {"name": "web", "wanted": 1, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1}
        | {"terminating": False}
    ],
    "endpoints": {"web": [{"addresses": [{"node": "node-2", "ready": True}], "ports": [":80/TCP"]}]},
    "nodes": [{"name": "node-1", "unschedulable": False}, {"name": "node-2", "unschedulable": False}],
}


def small() -> Scenario:
    return load_scenario("small", {"web.yaml": WEB}, {"nodes": 2, "start": "empty"}).scenario


@pytest.fixture(scope="module")
def found() -> Ends:
    return ends(small(), LIMITS)


def test_each_node_a_pod_may_go_to_is_an_end(found: Ends) -> None:
    assert found.why == ""
    assert {one.pods[0][0] for one in found.found} == {"node-1", "node-2"}
    assert found.reach(recorded_end(FINAL))
    assert found.nearest(recorded_end(FINAL)) == ()


def moves_the_pod(final: Any) -> None:
    final["pods"][0]["node"] = "node-3"


def is_not_ready(final: Any) -> None:
    final["pods"][0]["ready"] = False


def counts_one_more(final: Any) -> None:
    final["deployments"][0]["replicas"] = 2


def forgets_an_address(final: Any) -> None:
    final["endpoints"]["web"][0]["addresses"] = []


def cordons(final: Any) -> None:
    final["nodes"][0]["unschedulable"] = True


@pytest.mark.parametrize(
    ("forgery", "field"),
    [
        (moves_the_pod, "pods"),
        (is_not_ready, "pods"),
        (counts_one_more, "deployments"),
        (forgets_an_address, "endpoints"),
        (cordons, "nodes"),
    ],
)
def test_an_end_that_never_was_is_not_reached(forgery: Callable[[Any], None], field: str, found: Ends) -> None:
    final = copy.deepcopy(FINAL)
    forgery(final)
    assert not found.reach(recorded_end(final))
    assert [line.partition(":")[0] for line in found.nearest(recorded_end(final))] == [field]


def test_which_of_two_nodes_that_are_alike_is_which_does_not_matter() -> None:
    settled = ends(load_scenario("small", {"web.yaml": WEB}, {"nodes": 2, "start": "settled"}).scenario, LIMITS)
    assert len({one.pods for one in settled.found}) == 1
    elsewhere = recorded_end(FINAL).renamed({"node-1": "node-2", "node-2": "node-1"})
    assert elsewhere != recorded_end(FINAL)
    assert settled.reach(recorded_end(FINAL))
    assert settled.reach(elsewhere)


def test_a_limit_says_that_there_may_be_more() -> None:
    assert "limit" in ends(small(), Limits(max_states=3)).why
