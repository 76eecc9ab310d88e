"""The script goes on step by step, also past a command that finds nothing to do or is refused."""

from __future__ import annotations

from typing import Any

import pytest

from kubeproof.harness.input.reading.scenario_file import load_scenario
from kubeproof.harness.world.applied import applied
from kubeproof.harness.world.cluster import Initial, build
from kubeproof.harness.world.parts import Parts
from kubeproof.harness.world.rest.settle import apply
from kubeproof.harness.world.script.environment import SCRIPT
from kubeproof.model.machine import State

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
