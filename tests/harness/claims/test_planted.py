"""A judge does not look through the eyes of what it judges: a blind component is caught by the claim in a check.

Each world is small, holds (or not) without the fault, and the claim named notices the fault though it is planted in
the very function that the claim would have to call to miss it.
"""

from __future__ import annotations

from functools import cache

import pytest

from kubeproof.harness.check.check import check
from kubeproof.harness.input.files.scenario_file import load_scenario
from planted import planted

NODES = """
apiVersion: v1
kind: Node
metadata: {name: n1, labels: {kubernetes.io/hostname: n1}}
status: {allocatable: {cpu: 2, memory: 4Gi, pods: 10}}
---
apiVersion: v1
kind: Node
metadata: {name: n2, labels: {kubernetes.io/hostname: n2}}
status: {allocatable: {cpu: 2, memory: 4Gi, pods: 10}}
---
"""
APART = "{podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: kubernetes.io/hostname, \
labelSelector: {matchLabels: {app: web}}}]}}"
SPREAD = "[{maxSkew: 1, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: DoNotSchedule, \
labelSelector: {matchLabels: {app: web}}}]"


def web(spec: str = "", replicas: int = 2) -> str:
    """Spell a Deployment whose Pods have some more fields."""
    return f"""
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec: {{{spec}containers: [{{name: app, image: "web:1", ports: [{{containerPort: 80}}]}}]}}
---
"""


BUDGET = """
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec: {minAvailable: 2, selector: {matchLabels: {app: web}}}
---
"""
BUSY = """
apiVersion: v1
kind: Pod
metadata: {name: busy}
spec: {nodeName: n2, containers: [{name: app, image: "i:1", resources: {requests: {cpu: 1500m, memory: 3Gi}}}]}
---
"""
"""A Pod that makes n2 the worse choice by score."""
TAINTED = "spec: {taints: [{key: gpu, effect: NoSchedule}]}\nstatus:"
TAINT = {"taint": {"node": "n2", "key": "gpu", "value": "yes", "effect": "NoSchedule"}}
DRAIN = {"drain": {"node": "n1"}}
GROW = {"scale": {"kind": "Deployment", "name": "web", "replicas": 2}}
WORLDS = {
    "a drain that a budget forbids": (NODES + web() + BUDGET, [DRAIN]),
    "Pods that keep apart": (NODES + BUSY + web(f"affinity: {APART}, ", 1), [GROW]),
    "Pods that spread": (NODES + BUSY + web(f"topologySpreadConstraints: {SPREAD}, ", 1), [GROW]),
    "a tainted node": (
        NODES.replace("status:", TAINTED, 1) + web(),
        [],
    ),
    "a node tainted by a step": (NODES + web("", 1), [TAINT, GROW]),
}


def verdicts(world: str) -> dict[str, str]:
    manifests, script = WORLDS[world]
    options = {"script": script, "bounds": {"pods": 6}, "waitBetweenSteps": True, "consistency": "linearizable"}
    scenario = load_scenario("planted", {"all.yaml": manifests}, options).scenario
    return {claim.name: claim.status.value for claim in check(scenario).claims}


sound = cache(verdicts)

FAULTS = [
    pytest.param(
        "a drain that a budget forbids",
        "budget",
        "impl.controllers.disruption",
        "return len(pods), minimum\n",
        "return len(pods), minimum - 1\n",
        id="disruption controller: asks for one Pod less",
    ),
    pytest.param(
        "a drain that a budget forbids",
        "budget",
        "impl.controllers.disruption",
        "    return sum(\n        pod.ready\n        and not",
        "    return 1 + sum(\n        pod.ready\n        and not",
        id="disruption controller: counts a healthy Pod too many",
    ),
    pytest.param(
        "Pods that keep apart",
        "placement",
        "harness.world.scheduling",
        "return Pod(meta, obj.spec, PodStatus(",
        "return Pod(meta, evolve(obj.spec, affinity=None), PodStatus(",
        id="scheduler: forgets affinity of what it watches",
    ),
    pytest.param(
        "Pods that spread",
        "placement",
        "harness.world.scheduling",
        "return Pod(meta, obj.spec, PodStatus(",
        "return Pod(meta, evolve(obj.spec, topology_spread_constraints=()), PodStatus(",
        id="scheduler: forgets constraints of what it watches",
    ),
    pytest.param(
        "Pods that spread",
        "spread",
        "harness.world.scheduling",
        "return Pod(meta, obj.spec, PodStatus(",
        "return Pod(meta, evolve(obj.spec, topology_spread_constraints=()), PodStatus(",
        id="scheduler: forgets constraints, and the Pods stand unevenly",
    ),
]


@pytest.mark.parametrize(("world", "claim", "module", "before", "after"), FAULTS)
def test_a_blind_component_breaks_a_claim_that_holds_without_the_fault(
    world: str, claim: str, module: str, before: str, after: str
) -> None:
    assert sound(world)[claim] == "HOLDS"
    with planted(f"kubeproof.{module}", before, after):
        assert verdicts(world)[claim] == "VIOLATED"


@pytest.mark.parametrize("world", ["a tainted node", "a node tainted by a step"])
def test_a_taint_filter_that_passes_everything_is_caught_whatever_the_action_is_called(world: str) -> None:
    """Claims pick the steps they watch by who acts and by which verb, not by what the step is called."""
    assert sound(world)["placement"] == "HOLDS"
    with (
        planted(
            "kubeproof.impl.scheduler.plugins.taint_toleration",
            "info.node) is None else UNTOLERATED",
            "info.node) else None",
        ),
        planted("kubeproof.model.world.steps", 'Action(f"{process.name}: {does}"', 'Action(f"{process.name} ({does})"'),
    ):
        assert verdicts(world)["placement"] == "VIOLATED"
