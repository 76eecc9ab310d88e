"""Spread at rest: which Pods and domains count, whatever order the Pods came in."""

from __future__ import annotations

from typing import Any

import pytest

from kubeproof.harness.check.check import check
from kubeproof.harness.check.results import Claim
from kubeproof.harness.input.files.scenario_file import load_scenario
from kubeproof.harness.input.scenario import Scenario
from kubeproof.model.checker.results import Status
from planted import planted
from scenes.placements import nodes, scenario

POD = """
apiVersion: v1
kind: Pod
metadata: {name: %s, labels: {app: %s, revision: "%s"}}
spec:
  nodeName: %s
  restartPolicy: Never
  %s
  topologySpreadConstraints: [{maxSkew: 1, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: %s %s}]
  containers: [{name: app, image: "%s:1"}]
"""
SELECTOR = ", labelSelector: {matchLabels: {app: web}}"
SKEW = "kubernetes.io/hostname: {} Pods with app=web in a, {} in b: a skew of {}, maxSkew is 1"
NO_SPEC = "priorityClassName: ''"


def pods(where: str, more: str = "", **other: str) -> list[str]:
    """Return Pods that name their nodes, one letter each."""
    said = {"app": "web", "selector": SELECTOR, "action": "DoNotSchedule", "spec": NO_SPEC, "image": "app"} | other
    return [
        POD
        % (
            f"web-{number}",
            said["app"],
            revision,
            home,
            said["spec"],
            said["action"],
            said["selector"] + more,
            said["image"],
        )
        for number, (home, revision) in enumerate(zip(where, other.get("revisions", "1" * len(where)), strict=True))
    ]


def claim(*manifests: str, **tainted: Any) -> Claim | None:
    report = check(scenario(nodes("a", "b", **tainted), *manifests, start="empty", images="byName"))
    return next((one for one in report.claims if one.name == "spread"), None)


@pytest.mark.parametrize(
    ("where", "line"),
    [
        ("ab", ""),
        ("a", ""),
        ("aab", ""),
        ("aa", SKEW.format(2, 0, 2)),
        ("aaab", SKEW.format(3, 1, 2)),
        ("bbaaaa", SKEW.format(4, 2, 2)),
    ],
)
def test_the_fullest_domain_is_held_against_the_emptiest(where: str, line: str) -> None:
    found = claim(*pods(where))
    assert found is not None
    assert found.status is (Status.VIOLATED if line else Status.HOLDS)
    assert (found.lines[:1] == (line,)) is bool(line)


@pytest.mark.parametrize(
    ("where", "more", "other", "holds"),
    [
        ("aa", "", {}, False),
        ("aa", "", {"app": "batch"}, True),
        ("aa", "", {"selector": ", labelSelector: {}"}, True),
        ("aa", ", nodeTaintsPolicy: Honor", {}, False),
        ("aa", "", {"spec": "nodeSelector: {kubernetes.io/hostname: a}"}, True),
        ("aa", ", nodeAffinityPolicy: Ignore", {"spec": "nodeSelector: {kubernetes.io/hostname: a}"}, False),
        ("aa", ", matchLabelKeys: [revision]", {"revisions": "12"}, True),
        ("aa", ", matchLabelKeys: [revision]", {"revisions": "11"}, False),
        ("aa", "", {"image": "job"}, True),
        ("aabb", ", minDomains: 2", {}, True),
        ("aabb", ", minDomains: 3", {}, False),
    ],
)
def test_only_pods_and_domains_that_the_constraint_means_count(
    where: str,
    more: str,
    other: dict[str, str],
    holds: bool,  # noqa: FBT001 - a column of the table
) -> None:
    found = claim(*pods(where, more, **other))
    assert found is not None
    assert found.status is (Status.HOLDS if holds else Status.VIOLATED)


@pytest.mark.parametrize(("policy", "holds"), [("", False), (", nodeTaintsPolicy: Honor", True)])
def test_a_tainted_node_counts_unless_taints_are_honoured(policy: str, holds: bool) -> None:  # noqa: FBT001 - a column
    found = claim(*pods("aa", policy), tainted=("b",))
    assert found is not None
    assert found.status is (Status.HOLDS if holds else Status.VIOLATED)


def test_nothing_is_claimed_of_constraints_that_are_only_wishes() -> None:
    assert claim(*pods("aa", action="ScheduleAnyway")) is None


FREE = """
apiVersion: v1
kind: Pod
metadata: {name: late, labels: {app: web}}
spec:
  topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: DoNotSchedule
    labelSelector: {matchLabels: {app: web}}
  containers: [{name: app, image: "app:1"}]
"""
BLIND = "decision = decide(pod, Snapshot.of(Cache.of((pod, *cache.list(Node)))))"
"""A scheduler that does not look at who is there."""
LEAVES = """
start: settled
consistency: %s
script: [{apply: {file: late.yaml}}, {deletePod: {name: web-0}}]
"""


def leaving(consistency: str) -> Scenario:
    """Decide upon a Pod while there is one on each node; the one on the other node goes before it is bound."""
    one = pods("ab", action="ScheduleAnyway")
    files = {"nodes.yaml": nodes("a", "b"), "pods.yaml": "---".join(one), "late.yaml": FREE}
    return load_scenario("leaving", files | {"scenario.yaml": LEAVES % consistency}).scenario


def judged(consistency: str) -> tuple[str, bool]:
    report = check(leaving(consistency))
    (found,) = (one for one in report.claims if one.name == "placement")
    return found.status.value, any("spread constraints are judged at rest" in line for line in report.bounds)


def test_a_pod_that_leaves_between_a_decision_and_its_binding_is_no_breach():
    assert judged("session") == ("HOLDS", True)


def test_where_views_do_not_lag_a_binding_that_overdraws_a_constraint_is_one():
    with planted(
        "kubeproof.harness.world.scheduling", "decision = decide(pod, snapshot, default_profile(release))", BLIND
    ):
        assert judged("linearizable") == ("VIOLATED", False)
    assert judged("linearizable") == ("HOLDS", False)
