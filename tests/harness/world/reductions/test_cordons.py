"""A cordon and its taint as one step: what becomes of everything else is the same, and so are the verdicts."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import pytest
from attrs import evolve, frozen

from kubeproof.harness.check.check import check
from kubeproof.harness.input.files.scenario_file import load_scenario
from kubeproof.harness.input.scenario import Scenario
from kubeproof.harness.world import parts
from kubeproof.harness.world.at_rest.prepare import prepare
from kubeproof.harness.world.cluster import build
from kubeproof.harness.world.parts import Parts
from kubeproof.impl.api.core import Node
from kubeproof.impl.api.well_known import UNSCHEDULABLE
from kubeproof.impl.kubectl.commands.command import Command
from kubeproof.model.checker import explore
from kubeproof.model.machine import State

WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {PODcontainers: [{name: app, image: "nginx:1"}]}
"""
BUDGET = """
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec: {maxUnavailable: 1, selector: {matchLabels: {app: web}}}
"""
DAEMONS = """
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: logs}
spec:
  selector: {matchLabels: {app: logs}}
  template:
    metadata: {labels: {app: logs}}
    spec: {containers: [{name: app, image: "logs:1"}]}
"""
SICK = """
---
apiVersion: v1
kind: Node
metadata: {name: sick}
status:
  conditions: [{type: Ready, status: "False"}]
  capacity: {cpu: 9, memory: 9Gi, pods: 9}
  allocatable: {cpu: 9, memory: 9Gi, pods: 9}
"""
LEFT_OVER = (
    SICK.replace('"False"', '"True"')
    + """spec: {taints: [{key: node.kubernetes.io/unschedulable, effect: NoSchedule}]}
"""
)
TOLERANT = "tolerations: [{key: node.kubernetes.io/unschedulable, operator: Exists, effect: NoSchedule}], "
HONORS = """topologySpreadConstraints: [{maxSkew: 1, topologyKey: kubernetes.io/hostname,
      whenUnsatisfiable: DoNotSchedule, nodeTaintsPolicy: Honor, labelSelector: {matchLabels: {app: web}}}], """
DRAIN = {"drain": {"node": "node-1", "ignoreDaemonsets": True}}
CORDON, UNCORDON = {"cordon": {"node": "node-1"}}, {"uncordon": {"node": "node-1"}}
TAINT = {"taint": {"node": "node-1", "key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}}
SCALE = {"scale": {"kind": "Deployment", "name": "web", "replicas": 2}}


def scenario_of(*script: dict[str, Any], pod: str = "", beside: str = "", **options: Any) -> Scenario:
    usual = {"script": list(script), "nodes": 2, "nodeCapacity": {"cpu": "40", "pods": "40"}}
    return load_scenario("cordons", {"web.yaml": WEB.replace("POD", pod) + beside}, {**usual, **options}).scenario


SCENARIOS = {
    "drain": scenario_of(DRAIN),
    "drain with a budget": scenario_of(DRAIN, beside=BUDGET),
    "drain past daemons": scenario_of(DRAIN, beside=DAEMONS),
    "cordon, scale": scenario_of(CORDON, SCALE),
    "cordon, scale what tolerates it": scenario_of(CORDON, SCALE, pod=TOLERANT),
}


def stores(scenario: Scenario, *, at_once: bool) -> tuple[set[Hashable], int]:
    """Return what there ever is in the store, but for the one taint, and the number of states."""
    prepared = prepare(scenario)
    core = evolve(Parts.core(scenario), tainted_at_once=at_once)
    cluster = build(scenario, core, *prepared.starts)
    found: set[Hashable] = set()

    def collect(state: State) -> None:
        found.add(tuple(_without(state[slot]) for slot in cluster.world.layout.slots()))

    return found, explore(cluster.machine, collect=collect).states


def _without(obj: Any) -> Any:
    if not isinstance(obj, Node):
        return obj
    return evolve(obj, spec=evolve(obj.spec, taints=tuple(one for one in obj.spec.taints if one.key != UNSCHEDULABLE)))


@pytest.mark.parametrize("name", SCENARIOS)
def test_everything_else_in_the_store_is_the_same(name: str) -> None:
    (prompt, fewer), (lagging, more) = (stores(SCENARIOS[name], at_once=at_once) for at_once in (True, False))
    assert prompt == lagging
    assert fewer < more


@pytest.mark.parametrize("name", SCENARIOS)
def test_verdicts_are_the_same(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    told = check(SCENARIOS[name])
    monkeypatch.setattr(parts, "tainted_at_once", lambda _scenario: False)
    plain = check(SCENARIOS[name])
    assert [(one.name, one.status) for one in told.claims] == [(one.name, one.status) for one in plain.claims]
    assert told.states < plain.states


def test_a_taint_that_goes_later_can_be_told() -> None:
    """A node that may be used again and is still tainted is passed by: both Pods are where the first one is."""
    scenario = scenario_of(CORDON, UNCORDON, SCALE)
    assert not Parts.core(scenario).tainted_at_once
    (prompt, _), (lagging, _) = (stores(scenario, at_once=at_once) for at_once in (True, False))
    assert prompt < lagging


def test_who_honors_taints_can_tell() -> None:
    """A node that is cordoned keeps its place in the spread until it is tainted."""
    assert not Parts.core(scenario_of(CORDON, SCALE, pod=HONORS)).tainted_at_once
    assert Parts.core(scenario_of(CORDON, SCALE, pod=HONORS.replace("Honor", "Ignore"))).tainted_at_once


@pytest.mark.parametrize(
    ("beside", "options"),
    [
        ("", {"faults": {"nodeCrash": 1}}),
        (
            "",
            {"script": [TAINT]},
        ),
        (SICK, {}),
        (LEFT_OVER, {}),
    ],
)
def test_where_other_taints_come_and_go_nothing_is_at_once(beside: str, options: dict[str, Any]) -> None:
    assert not Parts.core(scenario_of(DRAIN, beside=beside, **options)).tainted_at_once
    assert Parts.core(scenario_of(DRAIN)).tainted_at_once


@frozen
class Unheard(Command):
    """A step about nodes that nobody knows."""


def test_what_a_step_about_nodes_does_that_nobody_knows_may_be_seen_later() -> None:
    scenario = scenario_of(DRAIN)
    unheard: Any = Unheard()
    assert not Parts.core(evolve(scenario, script=(*scenario.script, unheard))).tainted_at_once
