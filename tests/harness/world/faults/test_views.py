"""Lost answers, API servers that lag, containers that crash: too many Pods for a while, then the right number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from immutabledict import immutabledict

from kubeproof.harness.check import check as checking
from kubeproof.harness.claims import registry as claims
from kubeproof.harness.face import Cluster as Manifests
from kubeproof.harness.world.at_rest.prepare import prepare
from kubeproof.harness.world.cluster import Cluster
from kubeproof.impl.api.core import Pod
from kubeproof.model.checker.explore import explore
from kubeproof.model.checker.options import Options
from kubeproof.model.checker.results import Limits, Status
from kubeproof.model.machine import Sometimes, View
from planted import planted

BARE = """
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: bare}
spec:
  replicas: 1
  selector: {matchLabels: {app: bare}}
  template:
    metadata: {labels: {app: bare}}
    spec: {containers: [{name: app, image: "nginx:1.28"}]}
"""
DEPLOYMENT = BARE.replace("ReplicaSet", "Deployment")
UP = [{"scale": {"kind": "ReplicaSet", "name": "bare", "replicas": 2}}]
ROLLOUT = [{"setImage": {"kind": "Deployment", "name": "bare", "image": "nginx:1.29"}}]


def cluster(manifest: str = BARE, **options: Any) -> Cluster:
    files = immutabledict({"all.yaml": manifest})
    given = {"nodes": 1, "script": UP, "bounds": {"pods": 5}} | options
    scenario = Manifests("small", files).given(given).load().scenario
    return checking.machine_of(scenario, prepare(scenario))


ENOUGH = Limits(max_states=20_000)
"""More states than any of these worlds has; a broken one may have more, and then nothing is said to hold of it."""


def alive(one: Cluster, view: View) -> int:
    """Count the Pods that are there and not being deleted."""
    return sum(
        isinstance(pod := view[slot], Pod) and not pod.metadata.terminating for slot in one.world.layout.pools["Pod"]
    )


def outcome(one: Cluster, seen: Callable[[View], bool]) -> tuple[bool, bool]:
    """Tell whether the cluster always converges, and whether some reachable state is one to be seen."""
    found = explore(one.machine, [*claims.of(one), Sometimes("seen", "", seen)], limits=ENOUGH)
    return found["convergence"].status is Status.HOLDS, found["seen"].status is Status.HOLDS


def too_many(most: int, one: Cluster) -> tuple[bool, bool]:
    return outcome(one, lambda view: alive(one, view) > most)


BUDGET = """
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: bare}
spec: {minAvailable: "100%", selector: {matchLabels: {app: bare}}}
"""
GROWS = [{"scale": {"kind": "ReplicaSet", "name": "bare", "replicas": 2}}, {"drain": {"node": "node-1"}}]


@pytest.mark.parametrize(("mixed", "kept"), [(True, True), ("all", False)])
def test_a_budget_counted_on_new_pods_and_an_old_replicaset_lets_too_many_go(*, mixed: Any, kept: bool) -> None:
    """All of one Pod are asked for, two are there: nothing but views of different age takes one of them for spare."""
    options = {"nodes": 2, "script": GROWS, "bounds": {"pods": 4, "mixedViews": mixed}}
    one = cluster(BARE + BUDGET, **options)
    found = explore(one.machine, claims.CLAIMS["budget"](one), Options(stop_at_first=True))
    assert (found["budget"].status is Status.HOLDS) is kept
    assert kept or found["budget"].status is Status.VIOLATED


LOST: dict[str, Any] = {"faults": {"lostResponse": 1}}
TABLE: list[tuple[str, dict[str, Any], bool]] = [
    ("no fault", {}, False),
    ("a lost answer, with caches", LOST, True),
    ("a lost answer, reading the store", LOST | {"consistency": "linearizable"}, False),
    ("a restart, with caches that never go back", {"faults": {"crash": 1}}, False),
    ("a restart against an API server that lags", {"faults": {"crash": 1}, "consistency": "resettable"}, True),
    ("a restart, reading the store", {"faults": {"crash": 1}, "consistency": "linearizable"}, False),
    ("an API server that lags, and no restart", {"consistency": "resettable"}, False),
]


@pytest.mark.parametrize(("options", "over"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_a_replicaset_creates_too_many_pods_only_on_a_view_without_its_own_and_heals(
    options: dict[str, Any],
    over: bool,  # noqa: FBT001 - a table
) -> None:
    assert too_many(2, cluster(**options)) == (True, over)


def test_a_rollout_exceeds_its_surge_after_a_lost_answer_and_heals() -> None:
    most = 1 + 1
    assert too_many(most, cluster(DEPLOYMENT, script=ROLLOUT)) == (True, False)
    assert too_many(most, cluster(DEPLOYMENT, script=ROLLOUT, **LOST)) == (True, True)


# --- containers crash -----------------------------------------------------------------------------------------------


def restarted(one: Cluster, view: View) -> bool:
    pods = [pod for slot in one.world.layout.pools["Pod"] if isinstance(pod := view[slot], Pod)]
    return any(status.restart_count for pod in pods for status in pod.status.container_statuses)


def test_a_container_that_crashes_is_restarted_and_becomes_ready_again() -> None:
    one = cluster(script=[], faults={"containerCrash": 1})
    assert outcome(one, lambda view: restarted(one, view)) == (True, True)
    assert outcome(one, lambda view: restarted(one, view) and alive(one, view) > 1) == (True, False)


def test_without_a_budget_no_container_crashes() -> None:
    one = cluster(script=[])
    assert outcome(one, lambda view: restarted(one, view)) == (True, False)


# --- each check can fail --------------------------------------------------------------------------------------------

FAULTS: list[tuple[str, str, str, str, dict[str, Any], tuple[bool, bool]]] = [
    (
        "the controller forgets what it has just created",
        "kubeproof.harness.world.controllers.workloads",
        'sees_own=frozenset({"Pod", kind})',
        "sees_own=frozenset()",
        {},
        (True, False),
    ),
    (
        "surplus Pods stay",
        "kubeproof.impl.controllers.replicaset.replicaset",
        "surplus = ",
        "surplus = 0 and ",
        LOST,
        (True, True),
    ),
]


@pytest.mark.parametrize(
    ("module", "before", "after", "options", "right"),
    [fault[1:] for fault in FAULTS],
    ids=[fault[0] for fault in FAULTS],
)
def test_a_planted_fault_changes_the_outcome(
    module: str, before: str, after: str, options: dict[str, Any], right: tuple[bool, bool]
) -> None:
    assert too_many(2, cluster(**options)) == right
    with planted(module, before, after):
        assert too_many(2, cluster(**options)) != right


def test_a_crash_that_changes_nothing_is_noticed() -> None:
    with planted("kubeproof.harness.world.faults.fault", "if after != runtime:", "if after == runtime:"):
        one = cluster(script=[], faults={"containerCrash": 1})
        assert outcome(one, lambda view: restarted(one, view)) == (True, False)
