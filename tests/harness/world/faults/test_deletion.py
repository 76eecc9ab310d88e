"""What is deleted takes its dependents along, wherever it is deleted and whoever is deleted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from immutabledict import immutabledict

from kubeproof.harness.check import check as checking
from kubeproof.harness.claims import registry as claims
from kubeproof.harness.face import Cluster as Manifests
from kubeproof.harness.world.at_rest.prepare import prepare
from kubeproof.harness.world.cluster import Cluster, build
from kubeproof.harness.world.controllers.views import Remembering
from kubeproof.harness.world.parts import Parts
from kubeproof.impl.api.core import Pod
from kubeproof.impl.api.kinds import Object
from kubeproof.impl.api.meta import ObjectMeta
from kubeproof.model.checker.explore import explore
from kubeproof.model.checker.options import Options
from kubeproof.model.checker.results import Exploration, Status
from kubeproof.model.machine import Sometimes, StepProperty, View
from planted import planted

WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: app, image: "nginx:1.28"}]}
"""
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
SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
"""
DELETE_WEB: dict[str, Any] = {"script": [{"deleteObject": {"kind": "Deployment", "name": "web"}}]}
DELETE_BARE: dict[str, Any] = {"script": [{"deleteObject": {"kind": "ReplicaSet", "name": "bare"}}]}
DELETE_SERVICE: dict[str, Any] = {"script": [{"deleteObject": {"kind": "Service", "name": "web"}}]}
ONE_VIEW: dict[str, Any] = {"bounds": {"mixedViews": False}}


def cluster(manifest: str, *, everything: bool = False, **options: Any) -> Cluster:
    files = immutabledict({"all.yaml": manifest})
    scenario = Manifests("small", files).given({"nodes": 1} | options).load().scenario
    prepared = prepare(scenario)
    if everything:
        return build(scenario, Parts.everything(), *prepared.starts)
    return checking.machine_of(scenario, prepared)


def judge(one: Cluster) -> Exploration:
    found = explore(one.machine, claims.of(one))
    assert found.complete
    return found


def count(one: Cluster, kind: str, view: View) -> int:
    return sum(view[slot] is not None for slot in one.world.layout.pools[kind])


def sometimes(one: Cluster, seen: Callable[[View], bool]) -> bool:
    found = explore(one.machine, [Sometimes("seen", "", seen)])
    assert found.complete
    return found["seen"].status is Status.HOLDS


# --- dependents follow their owners ---------------------------------------------------------------------------------


def emptied(one: Cluster) -> bool:
    return sometimes(one, lambda view: not count(one, "ReplicaSet", view) and not count(one, "Pod", view))


def test_the_pods_of_a_deleted_deployment_go() -> None:
    one = cluster(WEB, **DELETE_WEB, **ONE_VIEW)
    assert judge(one)["convergence"].status is Status.HOLDS
    assert emptied(one)


def test_the_replicaset_outlives_its_deployment_for_a_while() -> None:
    one = cluster(WEB, **DELETE_WEB, **ONE_VIEW)
    assert sometimes(one, lambda view: not count(one, "Deployment", view) and count(one, "ReplicaSet", view) == 1)


def test_the_pods_of_a_deleted_replicaset_go() -> None:
    one = cluster(BARE, **DELETE_BARE)
    assert judge(one)["convergence"].status is Status.HOLDS
    assert emptied(one)


def test_a_pod_deleted_by_hand_comes_back() -> None:
    one = cluster(WEB, script=[{"deletePod": {"workload": "Deployment/web"}}])
    assert judge(one)["convergence"].status is Status.HOLDS
    assert not emptied(one)


def test_what_another_owner_has_is_left_alone() -> None:
    one = cluster(f"{WEB}---{BARE}", **DELETE_BARE, **ONE_VIEW)
    layout = one.world.layout

    def terminating(app: str, view: View) -> bool:
        pods = [pod for slot in layout.pools["Pod"] if isinstance(pod := view[slot], Pod)]
        return any(pod.metadata.terminating and pod.metadata.labels["app"] == app for pod in pods)

    assert sometimes(one, lambda view: terminating("bare", view))
    assert not sometimes(one, lambda view: terminating("web", view))


def test_the_slices_of_a_deleted_service_go() -> None:
    one = cluster(f"{WEB}---{SERVICE}", everything=True, **DELETE_SERVICE)
    gone = sometimes(one, lambda view: not count(one, "Service", view) and not count(one, "EndpointSlice", view))
    assert gone
    assert judge(one)["convergence"].status is Status.HOLDS


APPLIED = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "late"},
    "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]},
}


def test_a_service_that_comes_later_gets_its_slices() -> None:
    one = cluster(WEB, everything=True, script=[{"apply": {"object": APPLIED}}])
    assert sometimes(one, lambda view: count(one, "Service", view) == 1 and count(one, "EndpointSlice", view) == 1)
    assert judge(one)["convergence"].status is Status.HOLDS


# --- what a transform has made ---------------------------------------------------------------------------------------


def test_a_remembering_transform_gives_the_same_value_for_the_same_object_and_key_only() -> None:
    def renamed(uid: str, obj: Object | None) -> Object | None:
        return None if obj is None else Pod(ObjectMeta(name=f"{uid}-{obj.metadata.name}"))

    keep = Remembering(renamed)
    one, twin = Pod(ObjectMeta(name="a")), Pod(ObjectMeta(name="b"))
    assert keep("x", one) is keep("x", one)
    assert [keep(uid, pod) for uid in ("x", "y") for pod in (one, twin)] == [
        Pod(ObjectMeta(name=name)) for name in ("x-a", "x-b", "y-a", "y-b")
    ]
    assert keep("x", None) is None


# --- an old view of what was deleted --------------------------------------------------------------------------------


def made_anew(one: Cluster) -> bool:
    """Tell whether a ReplicaSet is ever made for a Deployment that is gone."""

    def breaches(before: View, after: View, _label: str) -> list[str]:
        orphaned = not count(one, "Deployment", before) and not count(one, "ReplicaSet", before)
        return ["made anew"] if orphaned and count(one, "ReplicaSet", after) else []

    found = explore(one.machine, [StepProperty("anew", "", breaches)], Options(stop_at_first=True))
    return found["anew"].status is Status.VIOLATED


@pytest.mark.parametrize(("mixed", "happens"), [(True, True), (False, False)])
def test_a_controller_that_has_seen_only_half_of_a_deletion_makes_the_replicaset_anew(
    mixed: bool,  # noqa: FBT001 - a table
    happens: bool,  # noqa: FBT001 - a table
) -> None:
    assert made_anew(cluster(WEB, **DELETE_WEB, bounds={"mixedViews": mixed})) is happens


def test_each_watch_delivers_in_the_end_however_busy_the_others_are() -> None:
    one = cluster(WEB, **DELETE_WEB)
    delivers = [action for action in one.machine.actions if ": sees " in action.name and not action.urgent]
    assert len({action.group for action in delivers}) == len(delivers) > 2


# --- nobody who is not needed ---------------------------------------------------------------------------------------

QUIET: dict[str, Any] = {
    "script": [{"setImage": {"kind": "Deployment", "name": "web", "image": "nginx:1.29"}}],
    "faults": {"crash": 1},
}


def test_a_rollout_has_no_node_controllers_and_no_place_for_nodes() -> None:
    one = cluster(WEB, **QUIET)
    assert {process.group for process in one.processes} == {
        "deployment-controller",
        "garbage-collector",
        "replicaset-controller",
        "scheduler",
    }
    assert sorted(one.world.layout.pools) == ["Deployment", "Pod", "ReplicaSet"]
    assert [slot for slot in one.machine.initial[0] if slot.startswith(("node/", "fault/node"))] == []


# --- each check can fail --------------------------------------------------------------------------------------------

GARBAGE = "kubeproof.harness.world.controllers.garbage"
FAULTS: list[tuple[str, str, str, str, str, dict[str, Any]]] = [
    (
        "nobody collects garbage",
        GARBAGE,
        "found = (garbage.reconcile(cache, ref, absent=absent) for ref in sorted(cache.objects))",
        "found = (garbage.reconcile(cache, ref, absent=absent) for ref in sorted(cache.objects)[:0])",
        WEB,
        DELETE_WEB | ONE_VIEW,
    ),
    (
        "only ReplicaSets are collected",
        GARBAGE,
        "for kind in pools if kind in garbage.TRANSFORM)",
        'for kind in pools if kind in {"Deployment", "ReplicaSet"})',
        WEB,
        DELETE_WEB | ONE_VIEW,
    ),
    (
        "Pods of a gone owner count as no shortfall and stay",
        "kubeproof.impl.controllers.garbage",
        "if solid or not owners:",
        'if solid or not owners or key.kind == "Pod":',
        BARE,
        DELETE_BARE,
    ),
]


@pytest.mark.parametrize(
    ("module", "before", "after", "manifest", "options"),
    [fault[1:] for fault in FAULTS],
    ids=[fault[0] for fault in FAULTS],
)
def test_a_planted_fault_leaves_orphans(
    module: str, before: str, after: str, manifest: str, options: dict[str, Any]
) -> None:
    assert judge(cluster(manifest, **options))["convergence"].status is Status.HOLDS
    with planted(module, before, after):
        found = judge(cluster(manifest, **options))["convergence"]
    assert (found.status, found.kind) == (Status.VIOLATED, "stuck")
    assert any("is left" in line for line in found.evidence)
