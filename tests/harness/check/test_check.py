"""Whole checks: the three examples, limits, bounds too small, and things that are not modelled."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from kubeproof.harness import face
from kubeproof.harness.check.check import check, machine_for
from kubeproof.harness.check.motion import IN_MOTION
from kubeproof.harness.check.results import Report
from kubeproof.harness.face import Cluster
from kubeproof.harness.input.files.scenario_file import load_scenario
from kubeproof.harness.input.scenario import Scenario
from kubeproof.model.checker import Limits, Status, replay
from places import EXAMPLES

WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  strategy: {rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - {name: app, image: "nginx:1", resources: {requests: {cpu: 1}}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
"""
ROLLOUT = {"script": [{"setImage": {"kind": "Deployment", "name": "web", "image": "nginx:2"}}], "nodes": 1}


def example(name: str) -> Scenario:
    return Cluster.from_manifests(EXAMPLES / name).load().scenario


def small(text: str = WEB, **options: object) -> Scenario:
    return load_scenario("small", {"web.yaml": text}, {**ROLLOUT, **options}).scenario


def verdicts(report: Report) -> dict[str, str]:
    return {claim.name: claim.status.value for claim in report.claims}


one_search = pytest.mark.xdist_group("web")
"""Tests that share the search of examples/web run in one process."""


@pytest.fixture(scope="module")
def web() -> Report:
    return check(example("web"))


@one_search
def test_the_rollout_with_a_hook_holds_in_every_interleaving_with_old_views_and_a_crash(web: Report) -> None:
    assert verdicts(web) == dict.fromkeys(("convergence", "placement", "reachability", "budget"), "HOLDS")
    assert web.complete
    assert not any(claim.vacuous for claim in web.claims if claim.name != "budget")


@one_search
def test_the_size_of_the_rollout_is_the_one_that_was_counted(web: Report) -> None:
    assert (web.states, web.transitions, web.depth) == (170, 400, 24)


def promised_output() -> str:
    """Return what the README says that this example prints, whatever the line breaks."""
    readme = (EXAMPLES.parent / "README.md").read_text(encoding="utf-8")
    (sample,) = re.findall(r"this is what it says:\n\n<!--.*-->\n\n((?:    .*\n|\n)+)", readme)
    return " ".join(sample.split())


def test_without_the_hook_connections_are_dropped_and_the_trace_replays(tmp_path: Path) -> None:
    scenario = example("dropped")
    result = face.check(EXAMPLES / "dropped", trace_dir=tmp_path)
    report = result.outcome
    shown = result.report.replace(str(tmp_path), ".kubeproof/traces").replace(str(EXAMPLES), "examples")
    assert promised_output() in " ".join(shown.split())
    assert verdicts(report) == {
        "convergence": "HOLDS",
        "placement": "HOLDS",
        "reachability": "VIOLATED",
        "budget": "HOLDS",
    }
    (claim,) = (one for one in report.claims if one.status is Status.VIOLATED)
    assert claim.kind == IN_MOTION
    assert "a preStop delay of 5 s is the smallest that is long enough (now 0 s)" in claim.blame[0].what
    assert claim.trace is not None
    assert len(claim.trace.steps) == 11
    assert replay(machine_for(scenario, claim.kind), claim.trace).divergence is None


def test_one_pod_per_node_leaves_no_room_for_a_surge_and_every_node_has_its_reason() -> None:
    scenario = example("deadlock")
    report = check(scenario)
    assert verdicts(report) == {"convergence": "VIOLATED", "placement": "HOLDS", "reachability": "HOLDS"}
    claim = report.claims[0]
    assert claim.kind == "stuck"
    for node in ("node-1", "node-2", "node-3"):
        assert any(f"cannot go to {node}" in line and "anti-affinity" in line for line in claim.lines)
    assert claim.trace is not None
    assert replay(machine_for(scenario, claim.kind), claim.trace).divergence is None


JOB = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "app", "image": "app:1"}]}}},
}


def test_where_there_is_no_service_all_are_reached_whatever_the_limit_and_what_is_not_modelled() -> None:
    alone = JOB | {"metadata": {"name": "once"}}
    files = {"all.yaml": yaml.safe_dump(alone)}
    options = {"nodes": 2, "start": "empty", "faults": {"nodeCrash": 1}}
    report = check(load_scenario("alone", files, options).scenario, limits=Limits(max_states=20))
    found = {claim.name: (claim.status, claim.vacuous) for claim in report.claims}
    assert found["reachability"] == (Status.HOLDS, True)
    assert found["convergence"][0] is Status.UNKNOWN


def test_a_limit_is_unknown_and_never_holds() -> None:
    report = check(example("web"), limits=Limits(max_states=100))
    assert not report.complete
    assert set(verdicts(report).values()) - {"HOLDS"} == {"UNKNOWN"}
    assert verdicts(report)["convergence"] == "UNKNOWN"


def test_a_world_that_is_too_small_is_unknown_and_says_what_to_raise() -> None:
    report = check(small(bounds={"pods": 1, "propagation": "5s"}))
    assert verdicts(report)["placement"] == "UNKNOWN"
    assert all(claim.status is not Status.HOLDS for claim in report.claims)
    assert "bounds.pods (now 1)" in report.claims[1].lines[0]


def test_what_is_not_modelled_and_may_matter_is_unknown_unless_it_is_accepted() -> None:
    text = WEB.replace("      containers:", "      os: {name: linux}\n      containers:")
    assert verdicts(check(small(text)))["convergence"] == "UNKNOWN"
    accepted = check(small(text, acceptUnmodelled=True))
    assert verdicts(accepted)["convergence"] == "HOLDS"
    assert "what is not modelled is taken not to matter" in accepted.bounds


def test_the_plain_rollout_of_one_pod_converges() -> None:
    assert verdicts(check(small()))["convergence"] == "HOLDS"


def test_a_pod_larger_than_any_node_is_stuck_with_the_numbers() -> None:
    report = check(small(WEB.replace("cpu: 1}", "cpu: 3}")))
    assert verdicts(report)["convergence"] == "VIOLATED"
    assert any("cpu" in line and "node-1" in line for line in report.claims[0].lines)


def with_hook(text: str, seconds: int) -> str:
    return text.replace("resources:", f"lifecycle: {{preStop: {{sleep: {{seconds: {seconds}}}}}}}, resources:")


def test_a_hook_as_long_as_the_bound_is_long_enough_and_one_second_less_is_not() -> None:
    bound = {"propagation": "5s"}
    assert verdicts(check(small(with_hook(WEB, 5), bounds=bound)))["reachability"] == "HOLDS"
    assert verdicts(check(small(with_hook(WEB, 4), bounds=bound)))["reachability"] == "VIOLATED"


def with_command(text: str, *command: str) -> str:
    return text.replace(
        "resources:", f"lifecycle: {{preStop: {{exec: {{command: {json.dumps(command)}}}}}}}, resources:"
    )


UNREAD = pytest.mark.parametrize("bound", [{"propagation": "5s"}, {}], ids=["a bound", "no bound"])


@UNREAD
def test_a_hook_of_unknown_length_makes_no_breach_and_nothing_hold(bound: dict[str, str]) -> None:
    claim = check(small(with_command(WEB, "/drain.sh"), bounds=bound)).claims[2]
    assert (claim.name, claim.status, claim.trace) == ("reachability", Status.UNKNOWN, None)
    (blame,) = claim.blame
    assert (str(blame.ref), blame.field) == (
        "Deployment default/web",
        "spec.template.spec.containers[0].lifecycle.preStop",
    )
    assert blame.what.startswith("nobody can read off how long it takes: a preStop.sleep")


@UNREAD
@pytest.mark.parametrize("hook", ["kill 1; sleep 9", "nginx -s quit && /drain.sh", "echo bye"])
def test_a_hook_that_surely_waits_for_nothing_is_a_breach(hook: str, bound: dict[str, str]) -> None:
    assert verdicts(check(small(with_command(WEB, "sh", "-c", hook), bounds=bound)))["reachability"] == "VIOLATED"


def test_what_a_hook_surely_waits_is_enough_whatever_comes_after() -> None:
    text = with_command(WEB, "sh", "-c", "echo bye\nsleep 5\n/drain.sh")
    assert verdicts(check(small(text, bounds={"propagation": "5s"})))["reachability"] == "HOLDS"
    longer = check(small(text, bounds={"propagation": "6s"})).claims[2]
    assert longer.status is Status.UNKNOWN
    assert longer.blame[0].what.startswith("all that is sure is 5 s: a preStop.sleep of 6 s")


def test_a_breach_that_a_hook_of_unknown_length_cannot_mend_is_one() -> None:
    beside = '{name: log, image: "log:1", lifecycle: {preStop: {sleep: {seconds: 3}}}}'
    text = with_command(WEB, "/drain.sh").replace("        - {name: app", f"        - {beside}\n        - {{name: app")
    script = [{"setImage": {"kind": "Deployment", "name": "web", "container": "app", "image": "nginx:2"}}]
    claim = check(small(text, script=script, bounds={"propagation": "5s"})).claims[2]
    assert claim.status is Status.VIOLATED
    assert claim.blame[0].field == "spec.template.spec.containers[0].lifecycle.preStop"
    assert claim.blame[0].what.endswith("(now 3 s)")


def test_a_service_that_may_be_without_ready_pods_falls_back_to_terminating_ones() -> None:
    recreate = WEB.replace("strategy: {rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}", "strategy: {type: Recreate}")
    report = check(small(with_hook(recreate, 10), bounds={"propagation": "5s"}))
    assert verdicts(report)["convergence"] == "HOLDS"
    assert verdicts(report)["reachability"] == "VIOLATED"


def test_a_bare_pod_needs_no_workload() -> None:
    pod = 'apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: a, image: "i:1"}]}\n'
    report = check(load_scenario("pod", {"pod.yaml": pod}, {"nodes": 1}).scenario)
    assert verdicts(report)["convergence"] == "HOLDS"


def test_a_start_that_needs_more_places_than_there_are_is_unknown() -> None:
    report = check(small(WEB.replace("replicas: 1", "replicas: 4"), bounds={"pods": 2}))
    assert set(verdicts(report).values()) == {"UNKNOWN"}
    assert "bounds.pods" in report.claims[0].lines[0]


def test_a_world_that_becomes_too_small_is_never_called_stuck() -> None:
    options = {"script": [{"scale": {"kind": "Deployment", "name": "web", "replicas": 3}}], "bounds": {"pods": 2}}
    report = check(small(WEB.replace("cpu: 1}", "cpu: 100m}"), **options))
    assert verdicts(report)["convergence"] == "UNKNOWN"


LONE = """\
apiVersion: v1
kind: Pod
metadata: {name: lone, labels: {app: lone}}
spec: {containers: [{name: app, image: "nginx:1", ports: [{containerPort: 80}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: lone}
spec: {selector: {app: lone}, ports: [{port: 80}]}
"""


def test_connections_to_a_pod_that_nobody_owns_are_judged_too() -> None:
    options = {"nodes": 1, "script": [{"deletePod": {"name": "lone"}}], "bounds": {"propagation": "5s"}}
    report = check(load_scenario("lone", {"lone.yaml": LONE}, options).scenario)
    assert verdicts(report)["reachability"] == "VIOLATED"


def test_a_budget_that_is_not_asked_is_no_certainty_where_something_is_not_modelled() -> None:
    budget = "---\napiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: web}\n"
    budget += "spec: {minAvailable: 1, selector: {matchLabels: {app: web}}}\n"
    text = WEB.replace("      containers:", "      os: {name: linux}\n      containers:") + budget
    assert verdicts(check(small(text)))["budget"] == "UNKNOWN"
    assert verdicts(check(small(WEB + budget)))["budget"] == "HOLDS"


DUAL_STACK = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: app, image: "nginx:1", lifecycle: {preStop: {exec: {command: ["sleep", "10"]}}}}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ipFamilyPolicy: PreferDualStack, ipFamilies: [IPv4, IPv6], ports: [{port: 80}]}
"""


@pytest.mark.parametrize(("accepted", "expected"), [(False, "UNKNOWN"), (True, "HOLDS")])
def test_a_service_of_both_families_is_explored_and_nothing_is_said_of_ipv6(accepted: bool, expected: str) -> None:  # noqa: FBT001
    script = [{"setImage": {"kind": "Deployment", "name": "web", "image": "nginx:2"}}]
    wishes = {"nodes": 1, "script": script, "bounds": {"propagation": "5s"}, "acceptUnmodelled": accepted}
    report = check(load_scenario("dual", {"web.yaml": DUAL_STACK}, wishes).scenario)
    assert verdicts(report) == {"convergence": "HOLDS", "placement": "HOLDS", "reachability": expected}
    assert report.not_modelled == (
        "Service web: Pods have no IPv6 addresses here; kubeproof reach proves the rules for them",
    )
