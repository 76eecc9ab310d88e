"""Static Pods: their mirrors come back, nobody stops them, and meanwhile the scheduler knows nothing of their room."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from kubeproof.harness.check.check import check
from kubeproof.harness.check.results import Claim
from kubeproof.harness.input.files.scenario_file import load_scenario
from kubeproof.harness.input.scenario import Scenario
from kubeproof.harness.world.at_rest.prepare import prepare
from kubeproof.harness.world.cluster import Cluster, build
from kubeproof.harness.world.parts import Parts
from kubeproof.impl.api.runtime import Stage
from kubeproof.model.checker import explore
from kubeproof.model.checker.results import Status
from kubeproof.model.machine import Invariant, View
from planted import planted

PROXY = """\
apiVersion: v1
kind: Pod
metadata:
  name: proxy-node-1
  annotations: {kubernetes.io/config.mirror: 8a2d}
  ownerReferences: [{apiVersion: v1, kind: Node, name: node-1, uid: 5f1c, controller: true}]
spec:
  nodeName: node-1
  containers: [{name: proxy, image: "proxy:1", resources: {requests: {cpu: "3"}}}]
"""
WEB = """\
---
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, image: "web:1", resources: {requests: {cpu: "2"}}}]
"""
PLAIN = PROXY.replace("  annotations: {kubernetes.io/config.mirror: 8a2d}\n", "").replace("  ownerRef", "  # ownerRef")
DELETED: dict[str, Any] = {"deletePod": {"name": "proxy-node-1"}}
FORCED: dict[str, Any] = {"deletePod": {"name": "proxy-node-1", "force": True}}


def scenario(text: str, *script: dict[str, Any], **options: Any) -> Scenario:
    return load_scenario("static", {"all.yaml": text}, {"nodes": 1, "script": list(script), **options}).scenario


def convergence(text: str, *script: dict[str, Any], **options: Any) -> Claim:
    return next(one for one in check(scenario(text, *script, **options)).claims if one.name == "convergence")


def test_a_mirror_is_its_nodes_whatever_uid_a_manifest_says() -> None:
    assert convergence(PROXY).status is Status.HOLDS


@pytest.mark.parametrize("step", [DELETED, FORCED], ids=["deleted", "by force"])
def test_deleting_a_mirror_makes_no_room_and_deleting_another_pod_does(step: dict[str, Any]) -> None:
    claim = convergence(PROXY + WEB, step)
    assert claim.status is Status.VIOLATED
    assert convergence(PLAIN + WEB, step, start="empty").status is Status.HOLDS


def test_it_comes_back_and_is_gone_for_good_where_nobody_knows_of_its_file() -> None:
    assert convergence(PROXY, DELETED).status is Status.HOLDS
    with planted("kubeproof.harness.world.nodes.static_pods", "if not static:", "if True:"):
        assert convergence(PROXY, DELETED).status is Status.VIOLATED
        assert orderly(cluster(PROXY, DELETED)) is Status.VIOLATED


def cluster(text: str, *script: dict[str, Any], **options: Any) -> Cluster:
    asked = scenario(text, *script, **options)
    return build(asked, Parts.core(asked), *prepare(asked).starts)


def _stopped(one: Cluster, view: View) -> Iterator[str]:
    running = [view[f"runtime/{place.rpartition('/')[2]}"] for place in one.world.layout.pools["Pod"]]
    if not any(runtime is not None and runtime.stage is Stage.RUNNING for runtime in running):
        yield "nothing runs any more"


def orderly(one: Cluster) -> Status:
    """Tell whether something runs at any time; at the start one Pod does."""
    return explore(one.machine, (Invariant("runs", "", partial(_stopped, one)),)).verdicts[0].status


@pytest.mark.parametrize("step", [DELETED, FORCED], ids=["deleted", "by force"])
def test_nobody_stops_what_runs(step: dict[str, Any]) -> None:
    assert orderly(cluster(PROXY, step)) is Status.HOLDS
    assert orderly(cluster(PLAIN, step)) is Status.VIOLATED


def test_whom_the_scheduler_sends_meanwhile_the_kubelet_rejects() -> None:
    claim = convergence(PROXY + WEB, DELETED, waitBetweenSteps=True)
    assert claim.status is Status.VIOLATED
    rejected = partial(_rejects, found := cluster(PROXY + WEB, DELETED))
    assert explore(found.machine, (Invariant("fits", "", rejected),)).verdicts[0].status is Status.VIOLATED


def _rejects(one: Cluster, view: View) -> Iterator[str]:
    for place in one.world.layout.pools["Pod"]:
        pod = view[place]
        if pod is not None and pod.status.reason == "OutOfcpu":
            yield pod.metadata.name


def test_a_drain_leaves_a_mirror_where_it_is() -> None:
    claim = convergence(PROXY, {"drain": {"node": "node-1"}})
    assert claim.status is Status.HOLDS
    assert orderly(cluster(PROXY, {"drain": {"node": "node-1"}})) is Status.HOLDS
