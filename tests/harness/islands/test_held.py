"""A drain that one island's budget holds up for ever: the others never get the steps that come after."""

from __future__ import annotations

import pytest
import yaml

from kubeproof.harness.check.check import check as check_all
from kubeproof.harness.input.reading.scenario_file import load_scenario
from kubeproof.harness.input.scenario import Scenario
from kubeproof.harness.islands import check as islands
from kubeproof.harness.islands.check import check
from kubeproof.harness.islands.split import islands_of
from planted import planted

APPS = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: %(name)s}
spec:
  replicas: 1
  selector: {matchLabels: {app: %(name)s}}
  template:
    metadata: {labels: {app: %(name)s}}
    spec:
      nodeSelector: {kubernetes.io/hostname: %(node)s}
      containers: [{name: app, image: "%(name)s:1", ports: [{name: http, containerPort: 80}]}]
---
"""
BUDGET = """\
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: db}
spec: {minAvailable: 1, selector: {matchLabels: {app: db}}}
---
"""


def service(port: str) -> str:
    return f"""\
apiVersion: v1
kind: Service
metadata: {{name: web}}
spec: {{selector: {{app: web}}, ports: [{{port: 80, targetPort: {port}}}]}}
---
"""


def scenario(*, budget: bool, wrong: str = "htp") -> Scenario:
    """Return two islands and a drain after which the wrong port of a Service is put right."""
    workloads = APPS % {"name": "db", "node": "node-1"} + APPS % {"name": "web", "node": "node-2"}
    files = {"all.yaml": workloads + service(wrong) + (BUDGET if budget else "")}
    right = yaml.safe_load(service("http").removesuffix("---\n"))
    script = [{"drain": {"node": "node-1"}}, {"apply": {"object": right}}]
    options = {"nodes": 2, "script": script, "consistency": "linearizable", "bounds": {"propagation": "5s"}}
    return load_scenario("held", files, options).scenario


def verdict(one: Scenario, name: str = "reachability") -> str:
    return next(claim.status.value for claim in check(one).claims if claim.name == name)


def test_what_a_step_would_put_right_stays_wrong_where_a_drain_never_ends() -> None:
    one = scenario(budget=True)
    assert len(islands_of(one)) == 2
    whole = {claim.name: claim.status.value for claim in check_all(one).claims}
    assert {claim.name: claim.status.value for claim in check(one).claims} == whole
    assert whole["reachability"] == "VIOLATED"


def test_where_the_whole_is_too_large_it_is_not_known_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(islands, "SPARE", 1)
    claim = next(claim for claim in check(scenario(budget=True)).claims if claim.name == "reachability")
    assert claim.status.value == "UNKNOWN"
    assert claim.lines[0].startswith(
        "Deployment web, if Pods of others never let drain node-1 end, and so no step comes"
    )
    assert "no container has a TCP port that is called htp" in claim.lines[0]


def test_a_drain_that_ends_and_a_service_that_is_right_hold() -> None:
    assert verdict(scenario(budget=False, wrong="http")) == "HOLDS"
    assert verdict(scenario(budget=True, wrong="http")) == "HOLDS"
    assert verdict(scenario(budget=True, wrong="http"), "convergence") == "VIOLATED"


def test_without_that_look_it_would_hold() -> None:
    with planted("kubeproof.harness.islands.held", "not _converges(report)", "False"):
        assert verdict(scenario(budget=True)) == "HOLDS"
