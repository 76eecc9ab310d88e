"""A readiness probe that fails, asked of `check`: who is alone behind a Service is missed, and all ends well."""

from __future__ import annotations

from typing import Any

import pytest

from kubeproof.harness.check.check import check
from kubeproof.harness.input.files.scenario_file import load_scenario
from kubeproof.harness.input.scenario import Scenario
from kubeproof.impl.api.runtime import PodRuntime, Stage
from kubeproof.properties.reachability.answers import accepts
from planted import planted

PROBE = "readinessProbe: {httpGet: {path: /, port: 80}, initialDelaySeconds: 20},"
FAILS = {"probeFailure": 1}


def scenario(replicas: int = 1, probe: str = PROBE, **wish: Any) -> Scenario:
    """Return a Deployment behind a Service, on one node."""
    text = f"""\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec:
      containers: [{{name: web, {probe} image: "web:1", ports: [{{containerPort: 80}}]}}]
---
apiVersion: v1
kind: Service
metadata: {{name: web}}
spec: {{selector: {{app: web}}, ports: [{{port: 80}}]}}
"""
    given = {"nodes": 1, "consistency": "linearizable", "start": "settled", "script": [], "faults": FAILS} | wish
    return load_scenario("it", {"all.yaml": text}, given).scenario


def verdicts(asked: Scenario) -> dict[str, str]:
    return {claim.name: claim.status.value for claim in check(asked).claims}


@pytest.mark.parametrize(("replicas", "found"), [(1, "VIOLATED"), (2, "HOLDS")])
def test_nobody_answers_where_the_only_one_is_not_ready(replicas: int, found: str) -> None:
    """The other claims hold: a probe succeeds again, and who is not ready is not taken away."""
    seen = verdicts(scenario(replicas))
    assert seen["reachability"] == found
    assert seen["convergence"] == seen["placement"] == "HOLDS"


def test_what_happened_is_told_and_no_manifest_is_blamed() -> None:
    (claim,) = (claim for claim in check(scenario()).claims if claim.name == "reachability")
    assert claim.trace is not None
    assert any("the readiness probe of web-" in line and "fails" in line for line in claim.trace.lines())
    assert claim.blame == ()


def test_a_pod_without_a_readiness_probe_is_not_struck() -> None:
    assert verdicts(scenario(probe=""))["reachability"] == "HOLDS"


def test_as_often_as_it_may_fail_it_fails() -> None:
    assert verdicts(scenario(2, faults={"probeFailure": 2}))["reachability"] == "VIOLATED"


@pytest.mark.parametrize(
    ("runtime", "answers"),
    [
        (PodRuntime(Stage.RUNNING, "u", ready=True, restarts=1), True),
        (PodRuntime(Stage.RUNNING, "u", ready=False, restarts=1), False),
        (PodRuntime(Stage.RUNNING, "u", ready=False, restarts=1, failing=True), True),
    ],
)
def test_a_program_answers_whose_probe_fails_after_a_restart(runtime: PodRuntime, *, answers: bool) -> None:
    assert bool(accepts(runtime)) is answers


def test_a_probe_that_does_not_fail_is_noticed() -> None:
    with planted("kubeproof.impl.kubelet.runtime", "not asked or not runtime.ready", "asked or not runtime.ready"):
        assert verdicts(scenario())["reachability"] == "HOLDS"


def test_one_that_never_succeeds_again_is_noticed() -> None:
    before = "if runtime.reason or not images.of(pod)"
    with planted("kubeproof.impl.kubelet.worker", before, f"if runtime.failing or {before.removeprefix('if ')}"):
        assert verdicts(scenario())["convergence"] == "VIOLATED"
