"""Placement: what comes between a scheduler's decision and its binding is no breach of it."""

from __future__ import annotations

import pytest
from immutabledict import immutabledict

from kubeproof.harness.check.check import check
from kubeproof.harness.input.files.scenario_file import load_scenario

NODES = "---\n".join(
    f"""\
apiVersion: v1
kind: Node
metadata: {{name: {name}, labels: {{kubernetes.io/hostname: {name}, disk: {disk}}}}}
status: {{allocatable: {{cpu: "4", memory: 8Gi, pods: "110"}}}}
"""
    for name, disk in (("a", "ssd"), ("b", "hdd"))
)
WEB = """---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {nodeSelector: {disk: ssd}, containers: [{name: app, image: "web:1"}]}
"""


@pytest.mark.parametrize("consistency", ["session", "linearizable"])
def test_a_label_that_a_node_has_lost_since_the_decision_breaks_no_placement(consistency: str) -> None:
    steps = [
        {"setImage": {"kind": "Deployment", "name": "web", "image": "web:2"}},
        {"labelNode": {"node": "a", "labels": {"disk": None}}},
    ]
    options = immutabledict({"script": steps, "consistency": consistency})
    report = check(load_scenario("it", {"all.yaml": NODES + WEB}, options).scenario)
    found = {claim.name: claim.status.value for claim in report.claims}
    assert (found["convergence"], found["placement"]) == ("VIOLATED", "HOLDS")
