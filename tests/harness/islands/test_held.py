"""A drain that one island's budget holds up for ever: the others never get the steps that come after."""

from __future__ import annotations

import pytest
import yaml

from kubeproof.harness.check.check import check as check_all
from kubeproof.harness.input.files.scenario_file import load_scenario
from kubeproof.harness.input.scenario import Scenario
from kubeproof.harness.islands import check as islands
from kubeproof.harness.islands.check import check
from kubeproof.harness.islands.held import refused
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


# --- refused ---

AGENT = """\
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent}
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec:
      containers: [{name: app, image: "agent:1"}]
---
"""
ON_OTHERS = "nodeSelector: {kubernetes.io/hostname: node-2}\n      containers"
DRAIN = {"drain": {"node": "node-1"}}
GONE = {"deleteObject": {"kind": "DaemonSet", "name": "agent"}}


def beside_an_agent(agent: str = AGENT, *, script: list[dict[str, object]], **options: object) -> Scenario:
    """Return a Deployment with one Pod behind a Service, and a DaemonSet."""
    files = {"all.yaml": APPS % {"name": "web", "node": "node-1"} + service("http") + agent}
    options = {"nodes": 2, "script": script, "consistency": "linearizable", "bounds": {"propagation": "5s"}} | options
    return load_scenario("beside", files, options).scenario


def test_a_drain_that_another_island_always_refuses_evicts_nobody() -> None:
    one = beside_an_agent(script=[DRAIN])
    assert {claim.name: claim.status.value for claim in check_all(one).claims}["reachability"] == "HOLDS"
    assert verdict(one) == "HOLDS"
    assert verdict(one, "convergence") == "VIOLATED"


@pytest.mark.parametrize(
    "one",
    [
        beside_an_agent(AGENT.replace("containers", ON_OTHERS), script=[DRAIN]),
        beside_an_agent(script=[{"drain": {"node": "node-1", "ignoreDaemonsets": True}}]),
        beside_an_agent(script=[GONE, DRAIN], waitBetweenSteps=True),
    ],
    ids=["not on that node", "ignored", "gone by then"],
)
def test_one_that_may_go_on_still_evicts(one: Scenario) -> None:
    assert {claim.name: claim.status.value for claim in check_all(one).claims}["reachability"] == "VIOLATED"
    assert verdict(one) != "HOLDS"


@pytest.mark.parametrize(
    "options",
    [{"faults": {"nodeCrash": 1}}, {"start": "empty"}, {"script": [GONE, DRAIN]}],
    ids=["faults", "not at rest", "a step before"],
)
def test_nothing_is_said_where_a_pod_may_go_before_the_drain(options: dict[str, object]) -> None:
    one = beside_an_agent(**({"script": [DRAIN]} | options))
    assert not any(part.scenario.crowd.refused for part in refused(one, islands_of(one)))


def test_a_second_drain_is_refused_as_the_first() -> None:
    one = beside_an_agent(script=[DRAIN, {"drain": {"node": "node-2"}}])
    found = {part.name: part.scenario.crowd.refused for part in refused(one, islands_of(one))}
    assert found == {"Deployment web": {0, 1}, "DaemonSet agent": frozenset()}
