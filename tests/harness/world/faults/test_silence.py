"""Nodes that reboot or are cut off are given up, and come back: what runs there meanwhile, and afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from immutabledict import immutabledict

from kubeproof.harness.check import check as checking
from kubeproof.harness.check.bounds import bounds_of
from kubeproof.harness.check.results import ROOM
from kubeproof.harness.claims import registry as claims
from kubeproof.harness.face import Cluster as Manifests
from kubeproof.harness.input.scenario import Scenario
from kubeproof.harness.world.at_rest.prepare import prepare
from kubeproof.harness.world.cluster import Cluster
from kubeproof.harness.world.nodes.kubelets import runtime_slot
from kubeproof.harness.world.nodes.node_state import cut_slot, up_slot
from kubeproof.impl.api.core import Node, Pod
from kubeproof.impl.api.runtime import PodRuntime, Stage
from kubeproof.model.checker.explore import explore
from kubeproof.model.checker.options import Options
from kubeproof.model.checker.results import Status
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
ONCE = """
apiVersion: v1
kind: Pod
metadata: {name: once}
spec: {restartPolicy: Never, containers: [{name: app, image: "nginx:1.28"}]}
"""
AT_ONCE = WEB.replace("spec: {containers", "spec: {terminationGracePeriodSeconds: 0, containers")
REBOOT: dict[str, Any] = {"faults": {"nodeReboot": 1}}
CUT: dict[str, Any] = {"faults": {"partition": 1}}
HERE = {"consistency": "linearizable"}


def scenario_of(manifest: str, **options: Any) -> Scenario:
    given = {"nodes": 2, "bounds": {"pods": 4}, **HERE, **options}
    return Manifests("small", immutabledict({"all.yaml": manifest})).given(given).load().scenario


def made_of(manifest: str, **options: Any) -> Cluster:
    scenario = scenario_of(manifest, **options)
    return checking.machine_of(scenario, prepare(scenario))


def of_kind(one: Cluster, view: View, kind: str) -> list[Any]:
    return [found for slot in one.world.layout.pools[kind] if (found := view[slot]) is not None]


def runs(one: Cluster, view: View) -> list[tuple[Pod | None, PodRuntime]]:
    places = one.world.layout.pools["Pod"]
    found = ((view[slot], view[runtime_slot(slot)]) for slot in places)
    return [(pod, runtime) for pod, runtime in found if runtime is not None]


def sometimes(one: Cluster, seen: Callable[[Cluster, View], bool]) -> bool:
    """Tell whether some reachable state is one to be seen."""
    found = explore(one.machine, [Sometimes("seen", "", lambda view: seen(one, view))])
    assert found.complete
    return found["seen"].status is Status.HOLDS


def converges(one: Cluster) -> bool:
    found = explore(one.machine, [*claims.of(one)])
    assert found.complete
    return found["convergence"].status is Status.HOLDS


def is_cut(view: View, pod: Pod) -> bool:
    return bool(pod.spec.node_name) and view[cut_slot(pod.spec.node_name)] is not None


# --- cut off ----------------------------------------------------------------------------------------------------------


def runs_on(one: Cluster, view: View) -> bool:
    """Tell whether a Pod that is being deleted serves on a node that is cut off beside its ready successor."""
    serving = [pod for pod, runtime in runs(one, view) if pod and runtime.stage is Stage.RUNNING]
    old = any(pod.metadata.terminating and is_cut(view, pod) for pod in serving)
    return old and any(pod.ready and pod.active for pod in serving)


def is_told(one: Cluster, view: View) -> bool:
    """Tell whether a kubelet that is cut off has begun to stop a Pod, with nothing that it knew of."""
    return any(
        is_cut(view, pod) and runtime.stage in {Stage.PRE_STOP, Stage.TERMINATING, Stage.STOPPED}
        for pod, runtime in runs(one, view)
        if pod
    )


def test_what_runs_on_a_node_that_is_cut_off_runs_on_beside_its_successor() -> None:
    one = made_of(WEB, **CUT)
    assert sometimes(one, runs_on)
    assert not sometimes(one, is_told)
    assert converges(one)


def test_a_kubelet_that_hears_while_it_is_cut_off_is_noticed() -> None:
    with planted("kubeproof.harness.world.nodes.kubelets", "chain = _unseen(found) if cut else found", "chain = found"):
        assert sometimes(made_of(WEB, **CUT), is_told)


def orphaned(one: Cluster, view: View) -> bool:
    """Tell whether containers run on a node that is cut off though their Pod is gone."""
    return any(
        pod is None and runtime.stage is Stage.RUNNING and view[cut_slot(runtime.node)] is not None
        for pod, runtime in runs(one, view)
        if runtime.node
    )


def ends_unheard(one: Cluster) -> StepProperty:
    """Say that nobody stops containers on a node that is cut off whose Pod is gone."""

    def breaches(before: View, after: View, _label: str) -> Iterator[str]:
        for slot in one.world.layout.pools["Pod"]:
            runtime = before[runtime_slot(slot)]
            if before[slot] is None and runtime is not None and before[cut_slot(runtime.node)] is not None:
                yield from () if after[runtime_slot(slot)] == runtime else ("ends",)

    return StepProperty("unheard", "", breaches)


def test_containers_outlive_a_pod_that_is_deleted_at_once_while_its_node_is_cut_off() -> None:
    one = made_of(AT_ONCE, **CUT)
    assert sometimes(one, orphaned)
    assert converges(one)
    assert explore(one.machine, [ends_unheard(one)])["unheard"].status is Status.HOLDS
    before, after = "where = runtime.node if node is None or pod is None", "where = '' if pod is None"
    with planted("kubeproof.harness.world.nodes.kubelets", before, after):
        one = made_of(AT_ONCE, **CUT)
        assert explore(one.machine, [ends_unheard(one)])["unheard"].status is Status.VIOLATED


# --- down, and up again -----------------------------------------------------------------------------------------------


def tainted(one: Cluster, view: View) -> bool:
    return any(node.spec.taints for node in of_kind(one, view, "Node") if isinstance(node, Node))


@pytest.mark.parametrize("faults", [REBOOT, CUT], ids=["reboots", "is cut off"])
def test_a_node_that_comes_back_is_ready_and_without_taints(faults: dict[str, Any]) -> None:
    one = made_of(WEB, nodes=1, **faults)
    assert sometimes(one, tainted)
    assert converges(one)  # Its Pod would have nowhere else to go.
    with planted(
        "kubeproof.harness.world.controllers.node_controllers",
        "if conditions == node.status.conditions:",
        "if conditions != node.status.conditions:",
    ):
        assert not converges(made_of(WEB, nodes=1, **faults))


def on_a_node_that_is_down(one: Cluster, view: View) -> bool:
    return any(
        runtime.stage is not Stage.STOPPED and not view[up_slot(pod.spec.node_name)]
        for pod, runtime in runs(one, view)
        if pod and pod.spec.node_name
    )


def restarted(one: Cluster, view: View) -> bool:
    return any(runtime.restarts == 1 and runtime.stage is Stage.RUNNING for _, runtime in runs(one, view))


def test_a_reboot_stops_everything_and_the_kubelet_starts_it_again() -> None:
    one = made_of(WEB, nodes=1, **REBOOT)
    assert not sometimes(one, on_a_node_that_is_down)
    assert sometimes(one, restarted)
    with planted("kubeproof.harness.world.faults.node_reboot", "kept(rebooted(pod, runtime))", "runtime"):
        assert sometimes(made_of(WEB, nodes=1, **REBOOT), on_a_node_that_is_down)


def test_a_pod_that_restarts_nothing_has_failed_after_a_reboot() -> None:
    one = made_of(ONCE, nodes=1, **REBOOT)
    assert sometimes(one, lambda one, view: any(pod.status.phase == "Failed" for pod in of_kind(one, view, "Pod")))
    assert not sometimes(one, restarted)


def test_a_node_that_is_down_for_good_does_not_boot() -> None:
    one = made_of(WEB, nodes=1, faults={"nodeCrash": 1, "nodeReboot": 1})
    assert not converges(one)
    assert sometimes(one, restarted)


def test_the_report_says_what_is_assumed() -> None:
    scenario = Manifests("small", immutabledict({"all.yaml": WEB})).given({"nodes": 1, **REBOOT, **HERE})
    loaded = scenario.load().scenario
    told = bounds_of(loaded, prepare(loaded))
    assert "faults: at most 1 x node reboot" in told
    assert "a node that reboots comes up in the end, after any time" in told


@pytest.mark.parametrize("faults", [REBOOT, CUT], ids=["reboots", "is cut off"])
def test_nobody_is_thrown_out_again_and_again_by_a_taint_that_is_about_to_go(faults: dict[str, Any]) -> None:
    """Two Pods, and two that take their places: without that a fifth, a sixth and so on would be asked for."""
    two = WEB.replace("replicas: 1", "replicas: 2")
    found = {claim.name: claim.status for claim in checking.check(scenario_of(two, **faults)).claims}
    assert found["convergence"] is Status.HOLDS
    before, after = '(ready := obj.status.condition("Ready")) and ready.status == "True"', "False"
    with planted("kubeproof.harness.world.controllers.taint_eviction", before, after):
        assert not roomy(made_of(two, bounds={"pods": 4}, **faults))


def roomy(one: Cluster) -> bool:
    """Tell whether there is a place for every Pod."""
    rooms = [claim for claim in claims.of(one) if claim.name == ROOM]
    return explore(one.machine, rooms, Options(stop_at_first=True))[ROOM].status is Status.HOLDS


SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {app: web}, ports: [{port: 80}]}\n"
SCALE_DOWN = {"scale": {"kind": "Deployment", "name": "web", "replicas": 0}}


def test_a_node_that_is_cut_off_leads_to_nobody_who_was_going_by_then() -> None:
    """A proxy that has caught up has let go of such a Pod."""

    def breaches(before: View, after: View, _label: str) -> Iterator[str]:
        led = {one.uid for one in after[cut_slot("node-1")] or ()} if before[cut_slot("node-1")] is None else set()
        pods = [before[slot] for slot in one.world.layout.pools["Pod"]]
        yield from (pod.metadata.name for pod in pods if pod and pod.metadata.terminating and pod.metadata.uid in led)

    def search() -> Status:
        return explore(one.machine, [StepProperty("caught up", "", breaches)])["caught up"].status

    one = made_of(f"{WEB}---\n{SERVICE}", nodes=1, script=[SCALE_DOWN], **CUT)
    assert search() is Status.HOLDS
    with planted("kubeproof.harness.world.faults.partition", "or obj.metadata.terminating", "or False"):
        one = made_of(f"{WEB}---\n{SERVICE}", nodes=1, script=[SCALE_DOWN], **CUT)
        assert search() is Status.VIOLATED
