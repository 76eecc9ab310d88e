"""What a recorded history shows of the claims: a breach at its change, and nothing where nothing can be said."""

from __future__ import annotations

import json
from typing import Any

from kubeproof.harness.validate.claims import Found, judge
from kubeproof.harness.validate.history import History, read
from kubeproof.impl.api.reading.sources import Text
from kubeproof.model.checker.results import Status

READY = [{"type": "Ready", "status": "True"}]
EVICTED = [*READY, {"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI"}]
LABELS = {"app": "web"}


class Recorder:
    """Events in order, each with a version of its own."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def tell(self, kind: str, name: str, api: str = "v1", type: str = "MODIFIED", **rest: Any) -> Recorder:  # noqa: A002
        """Write down an event."""
        meta = {"name": name, "resourceVersion": str(len(self.events) + 1), "uid": name, **rest.pop("metadata", {})}
        if kind != "Node":
            meta["namespace"] = "d"
        self.events.append({"type": type, "object": {"apiVersion": api, "kind": kind, "metadata": meta, **rest}})
        return self

    def node(self, name: str, cpu: str = "1", **spec: Any) -> Recorder:
        """Write down a node."""
        return self.tell("Node", name, status={"allocatable": {"cpu": cpu, "memory": "1Gi", "pods": "9"}}, spec=spec)

    def pod(self, name: str, node: str = "", conditions: Any = (), going: bool = False, **more: Any) -> Recorder:  # noqa: FBT001, FBT002
        """Write down a Pod of the workload."""
        meta: dict[str, Any] = {"labels": LABELS}
        if going:
            meta |= {"deletionTimestamp": "2026-01-01T00:00:00Z"}
        meta["ownerReferences"] = [
            {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "web", "controller": True}
        ]
        container = {"name": "c", "image": "i", "resources": {"requests": {"cpu": "700m"}}}
        spec = {"containers": [container], **({"nodeName": node} if node else {})}
        status = {"phase": "Running", "podIP": "10.0.0.1", "conditions": [*conditions]}
        return self.tell("Pod", name, metadata=meta, spec=spec, status=status, **more)

    def web(self, replicas: int) -> Recorder:
        """Write down the workload."""
        template = {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
        spec = {"replicas": replicas, "selector": {"matchLabels": LABELS}, "template": template}
        return self.tell(
            "ReplicaSet", "web", "apps/v1", spec=spec, status={"replicas": replicas, "readyReplicas": replicas}
        )

    def service(self) -> Recorder:
        """Write down the Service."""
        return self.tell("Service", "web", spec={"selector": LABELS, "ports": [{"port": 80}], "clusterIP": "10.1.1.1"})

    def budget(self, least: int) -> Recorder:
        """Write down the budget."""
        spec = {"minAvailable": least, "selector": {"matchLabels": LABELS}}
        return self.tell("PodDisruptionBudget", "web", "policy/v1", spec=spec)

    @property
    def history(self) -> History:
        """What is written down."""
        return read([Text("run.json", "\n".join(map(json.dumps, self.events)))])

    def found(self, claim: str) -> Found | None:
        """Return what is found of a claim."""
        return next((one for one in judge(self.history) if one.claim == claim), None)


def test_a_binding_where_there_is_no_room_is_told_with_its_change() -> None:
    run = Recorder().node("n").pod("a").pod("a", "n").pod("b").pod("b", "n")
    found = run.found("placement")
    assert found is not None
    assert (found.status, found.judged) == (Status.VIOLATED, 2)
    assert found.lines[0].startswith("run.json:5: n has 300m of 1000m cpu left: d/b asks for 700m")


def test_a_binding_where_there_is_room_is_right() -> None:
    found = Recorder().node("n", "2").pod("a").pod("a", "n").pod("b").pod("b", "n").found("placement")
    assert found is not None
    assert found.status is Status.HOLDS


def test_a_cordon_that_came_in_between_is_not_held_against_a_binding() -> None:
    found = Recorder().node("n").pod("a").node("n", unschedulable=True).pod("a", "n").found("placement")
    assert found is not None
    assert found.status is Status.HOLDS
    old = Recorder().node("n", unschedulable=True).node("n", "2", unschedulable=True).pod("a").pod("a", "n")
    found = old.found("placement")
    assert found is not None
    assert found.status is Status.VIOLATED


def test_a_binding_to_a_node_that_is_not_recorded_stays_open() -> None:
    found = Recorder().pod("a").pod("a", "n").found("placement")
    assert found is not None
    assert found.status is Status.UNKNOWN
    assert "node n is not recorded" in found.lines[0]


def test_an_eviction_below_the_budget_is_told() -> None:
    run = Recorder().web(2).budget(2).pod("a", "n", READY).pod("b", "n", READY).pod("a", "n", EVICTED, going=True)
    found = run.found("budget")
    assert found is not None
    assert found.lines == ("run.json:5: web asks for 2 healthy Pods, the eviction leaves 1",)
    plain = Recorder().web(2).budget(2).pod("a", "n", READY).pod("b", "n", READY).pod("a", "n", READY, going=True)
    assert plain.found("budget") is None
    kept = Recorder().web(2).budget(1).pod("a", "n", READY).pod("b", "n", READY).pod("a", "n", EVICTED, going=True)
    found = kept.found("budget")
    assert found is not None
    assert found.status is Status.HOLDS


def test_the_last_pod_behind_a_service_is_missed() -> None:
    run = Recorder().web(1).service().pod("a", "n", READY).pod("a", "n")
    found = run.found("reachability")
    assert found is not None
    assert found.lines == ("run.json:4: Service web, port 80: no ready Pod stands there any more",)
    two = Recorder().web(2).service().pod("a", "n", READY).pod("b", "n", READY).pod("a", "n")
    found = two.found("reachability")
    assert found is not None
    assert found.status is Status.HOLDS
    nobody = Recorder().web(0).service().pod("a", "n", READY).pod("a", "n").found("reachability")
    assert nobody is not None
    assert nobody.status is Status.HOLDS


def test_an_end_before_all_is_at_rest_stays_open() -> None:
    found = Recorder().web(2).pod("a", "n", READY).found("convergence")
    assert found is not None
    assert found.status is Status.UNKNOWN
    assert found.lines[0].startswith("the recording ends before all is at rest: ")
    whole = Recorder().web(1).pod("a", "n", READY).found("convergence")
    assert whole is not None
    assert whole.status is Status.HOLDS
