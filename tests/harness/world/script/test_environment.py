"""The script goes on step by step, also past a command that finds nothing to do or is refused."""

from __future__ import annotations

from typing import Any

import pytest

from kubeproof.harness.check.check import check
from kubeproof.harness.input.files.scenario_file import load_scenario
from kubeproof.harness.world.applied import applied
from kubeproof.harness.world.at_rest.settle import apply
from kubeproof.harness.world.cluster import Initial, build
from kubeproof.harness.world.parts import Parts
from kubeproof.harness.world.script.environment import SCRIPT, past
from kubeproof.harness.world.script.script_slots import draining
from kubeproof.model.checker import Status
from kubeproof.model.machine import State
from planted import planted

WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: a, image: "i:1"}]}}
"""
POD = 'apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: a, image: "i:1"}]}\n'
STEPS = {
    "found": ({"cordon": {"node": "node-1"}}, "cordon node-1"),
    "nothing found": (
        {"untaint": {"node": "node-1", "key": "gpu"}},
        "kubectl finds nothing: taint gpu on Node node-1",
    ),
    "kept": (
        {"labelNode": {"node": "node-1", "labels": {"kubernetes.io/hostname": "other"}}},
        "label node node-1 is refused",
    ),
    "overwritten": (
        {"labelNode": {"node": "node-1", "labels": {"kubernetes.io/hostname": "other"}, "overwrite": True}},
        "label node node-1 --overwrite",
    ),
    "nothing to go back to": (
        {"rolloutUndo": {"kind": "Deployment", "name": "web"}},
        "kubectl finds nothing: earlier revision of Deployment default/web",
    ),
}


@pytest.mark.parametrize("case", STEPS)
def test_each_step_leads_to_the_next_one(case: str) -> None:
    step, label = STEPS[case]
    script: list[dict[str, Any]] = [step, {"uncordon": {"node": "node-1"}}, step]
    scenario = load_scenario("script", {"p.yaml": POD, "web.yaml": WEB}, {"nodes": 1, "script": script}).scenario
    machine = build(scenario, Parts.core(scenario), Initial(applied(scenario))).machine
    state = State.of(machine.initial[0])
    labels = []
    for number, what in enumerate(scenario.script):
        assert state[SCRIPT] == number
        (action,) = (one for one in machine.actions if one.name == f"kubectl {number + 1}: {what}")
        (outcome,) = action.step(state)
        labels.append(outcome.label)
        state = apply(state, outcome)
    assert state[SCRIPT] == len(scenario.script)
    assert labels[0] == label


def test_while_a_drain_is_under_way_what_was_before_it_is_past() -> None:
    during = State.of({SCRIPT: draining(2)})
    assert [past(index, during) for index in range(4)] == [True, True, True, False]
    assert [past(index, State.of({SCRIPT: 2})) for index in range(4)] == [True, True, True, False]


AUTOSCALED = """
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}, minReplicas: 1, maxReplicas: 3}
"""


@pytest.mark.parametrize(("beside", "changes"), [("", False), (AUTOSCALED, True)])
def test_a_workload_changes_no_more_once_the_script_is_past_unless_it_is_scaled_by_itself(
    beside: str,
    changes: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    scenario = load_scenario("script", {"web.yaml": WEB + beside}, {"nodes": 1}).scenario
    cluster = build(scenario, Parts.core(scenario), Initial(applied(scenario)))
    (process,) = (one for one in cluster.processes if one.name == "deployment-controller web")
    (watch,) = (one for one in process.watches if one.kind == "Deployment")
    assert watch.quiet is not None
    assert watch.quiet(State.of(cluster.machine.initial[0])) is not changes


ADOPTED = """\
apiVersion: v1
kind: Pod
metadata: {name: seed, labels: {app: db}}
spec: {containers: [{name: a, image: "i:1"}]}
---
apiVersion: v1
kind: ReplicationController
metadata: {name: db}
spec:
  replicas: 1
  selector: {app: db}
  template: {metadata: {labels: {app: db}}, spec: {containers: [{name: a, image: "i:1"}]}}
"""


@pytest.mark.parametrize(
    ("step", "module", "counts"),
    [
        ("drain node-1", "drain", " or ref_of(pod) in drain.asked"),
        ("delete pod/seed", "environment", " or ref in environment.asked"),
    ],
)
def test_a_pod_of_the_manifests_that_a_controller_has_adopted_may_be_taken_away(
    step: str, module: str, counts: str
) -> None:
    """Its successor has another name; what was asked for by name is gone because somebody said so."""
    scenario = load_scenario("seed", {"all.yaml": ADOPTED}, {"nodes": 2, "script": [step]}).scenario
    assert check(scenario).claims[0].status is Status.HOLDS
    with planted(f"kubeproof.harness.world.script.{module}", counts, ""):
        assert check(scenario).claims[0].status is Status.VIOLATED
