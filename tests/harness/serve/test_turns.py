"""The turns of the control plane: from what is asked to a state of rest, with waits, evictions and rollouts."""

from __future__ import annotations

from typing import Any

from attrs import evolve

from kubeproof.harness.serve.plane import HISTORY, Plane, compacted
from kubeproof.harness.serve.start import fresh
from kubeproof.harness.serve.turns import advance
from kubeproof.impl.api.apps import DaemonSet
from kubeproof.impl.api.batch import Job
from kubeproof.impl.api.core import Container, Node, Pod, Taint
from kubeproof.impl.api.meta import ObjectMeta, Ref
from kubeproof.impl.api.policy import PriorityClass
from kubeproof.impl.api.requests import Create, Delete, Update
from kubeproof.impl.apiserver import ADMIN
from kubeproof.impl.apiserver.decode import decoded
from kubeproof.impl.apiserver.resources import kind_named
from planted import planted

START = 1_700_000_000


def made(plane: Plane, kind: str, document: dict[str, Any], now: float = START) -> Plane:
    """Create an object, and let everything come to rest."""
    meta = {"namespace": "default", **document.pop("metadata")}
    obj = decoded({**document, "metadata": meta}, kind_named(kind))[0]
    plane, granted = plane.send(ADMIN, Create(obj), int(now))
    assert granted
    return rest(plane, now)


def rest(plane: Plane, now: float) -> Plane:
    plane, over = advance(plane, now, tick=True)
    assert over
    return plane


def pods(plane: Plane) -> list[Pod]:
    return [one for one in plane.server.list("Pod", None) if isinstance(one, Pod)]


def container(**more: Any) -> dict[str, Any]:
    return {"containers": [{"name": "c", "image": "i", **more}]}


def test_a_fresh_cluster_comes_to_rest_and_stays_there() -> None:
    plane = rest(fresh(3, START, 0), START)
    assert all(not one.spec.taints for one in plane.server.list("Node", None) if isinstance(one, Node))
    assert rest(plane, START + 100).revision == plane.revision


def test_a_pod_runs_and_is_stamped() -> None:
    plane = made(fresh(1, START, 0), "Pod", {"metadata": {"name": "p"}, "spec": container()})
    (pod,) = pods(plane)
    assert (pod.status.phase, pod.ready, pod.spec.node_name) == ("Running", True, "node-1")
    assert pod.status.start_time == START
    assert pod.status.condition("Ready").last_transition_time == START  # type: ignore[union-attr]
    later = rest(plane, START + 60)
    assert later.revision == plane.revision


def test_a_probe_takes_its_time() -> None:
    probe = {"readinessProbe": {"httpGet": {"port": 80}, "initialDelaySeconds": 7}}
    plane = made(fresh(1, START, 0), "Pod", {"metadata": {"name": "p"}, "spec": container(**probe)})
    assert [one.ready for one in pods(plane)] == [False]
    assert [one.ready for one in pods(rest(plane, START + 3))] == [False]
    (pod,) = pods(rest(plane, START + 60))
    assert (pod.ready, pod.status.start_time) == (True, START)
    assert pod.status.condition("Ready").last_transition_time == START + 60  # type: ignore[union-attr]


def test_a_pre_stop_hook_holds_the_end_up() -> None:
    hook = {"lifecycle": {"preStop": {"sleep": {"seconds": 5}}}}
    plane = made(fresh(1, START, 0), "Pod", {"metadata": {"name": "p"}, "spec": container(**hook)})
    plane, _ = plane.send(ADMIN, Delete(Ref("Pod", "default", "p")), START + 10)
    plane = rest(plane, START + 10)
    assert [one.metadata.terminating for one in pods(plane)] == [True]
    assert pods(rest(plane, START + 12)) != []
    gone = rest(plane, START + 16)
    assert (pods(gone), dict(gone.runtimes), dict(gone.waits)) == ([], {}, {})


def test_a_taint_evicts_when_its_time_has_come() -> None:
    toleration = {"key": "k", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 30}
    spec = {**container(), "tolerations": [toleration]}
    plane = made(fresh(1, START, 0), "Pod", {"metadata": {"name": "p"}, "spec": spec})
    node = plane.server.get(Ref("Node", "", "node-1"))
    assert isinstance(node, Node)
    tainted = evolve(node, spec=evolve(node.spec, taints=(Taint(key="k", effect="NoExecute"),)))
    plane, granted = plane.send(ADMIN, Update(tainted, None), START + 1)
    assert granted
    plane = rest(plane, START + 1)
    assert [one.metadata.terminating for one in pods(rest(plane, START + 20))] == [False]
    assert pods(rest(rest(plane, START + 20), START + 40)) == []


def test_the_important_evicts_the_unimportant() -> None:
    plane = fresh(1, START, 0)
    plane, granted = plane.send(ADMIN, Create(PriorityClass(ObjectMeta(name="high"), value=1000)), START)
    assert granted
    large = {"resources": {"requests": {"cpu": "3"}}}
    plane = made(plane, "Pod", {"metadata": {"name": "low"}, "spec": container(**large)})
    spec = {**container(**large), "priorityClassName": "high"}
    plane = made(plane, "Pod", {"metadata": {"name": "high"}, "spec": spec})
    plane = rest(plane, START + 60)
    assert [(one.metadata.name, one.status.phase) for one in pods(plane)] == [("high", "Running")]


def test_a_pod_that_fits_nowhere_says_why_once() -> None:
    large = {"resources": {"requests": {"cpu": "64"}}}
    plane = made(fresh(2, START, 0), "Pod", {"metadata": {"name": "p"}, "spec": container(**large)})
    (pod,) = pods(plane)
    told = pod.status.condition("PodScheduled")
    assert told is not None
    assert told.message.startswith("0/2 nodes are available: 2 Insufficient cpu.")
    assert rest(plane, START + 5).revision == plane.revision


def test_a_namespace_goes_with_what_has_no_class() -> None:
    plane = fresh(1, START, 0)
    meta = {"name": "n", "namespace": ""}
    plane = made(plane, "Namespace", {"metadata": meta})
    plane = made(plane, "ConfigMap", {"metadata": {"name": "c", "namespace": "n"}})
    plane = made(plane, "Pod", {"metadata": {"name": "p", "namespace": "n"}, "spec": container()})
    plane, _ = plane.send(ADMIN, Delete(Ref("Namespace", "", "n")), START + 1)
    plane = rest(plane, START + 2)
    assert plane.server.get(Ref("Namespace", "", "n")) is None
    assert [key for key in plane.server.store.keys if b"/n/" in key] == []


def daemons(**more: Any) -> dict[str, Any]:
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {**container(**more)}}
    return {"metadata": {"name": "d"}, "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": template}}


def test_a_daemon_set_has_a_pod_on_every_node_and_rolls() -> None:
    plane = made(fresh(3, START, 0), "DaemonSet", daemons())
    assert sorted(one.spec.node_name for one in pods(plane)) == ["node-1", "node-2", "node-3"]
    daemon_set = plane.server.get(Ref("DaemonSet", "default", "d"))
    assert isinstance(daemon_set, DaemonSet)
    assert (daemon_set.status.desired_number_scheduled, daemon_set.status.number_ready) == (3, 3)
    template = evolve(daemon_set.spec.template, spec=evolve(daemon_set.spec.template.spec, containers=(IMAGE,)))
    wanted = evolve(daemon_set, spec=evolve(daemon_set.spec, template=template))
    plane, granted = plane.send(ADMIN, Update(wanted, None), START + 1)
    assert granted
    rolled = rest(plane, START + 1)
    assert [one.spec.containers[0].image for one in pods(rolled)] == ["new"] * 3
    assert rest(rolled, START + 2).revision == rolled.revision


IMAGE = Container("c", "new")


def test_a_cordoned_node_keeps_its_daemons_and_a_new_one_gets_one() -> None:
    plane = made(fresh(1, START, 0), "DaemonSet", daemons())
    node = plane.server.get(Ref("Node", "", "node-1"))
    assert isinstance(node, Node)
    plane, _ = plane.send(ADMIN, Update(evolve(node, spec=evolve(node.spec, unschedulable=True)), None), START + 1)
    plane = made(rest(plane, START + 1), "Node", {"metadata": {"name": "other", "namespace": ""}}, START + 2)
    (status,) = (one.status for one in plane.server.list("DaemonSet", None) if isinstance(one, DaemonSet))
    assert (status.desired_number_scheduled, status.number_ready, len(pods(plane))) == (2, 1, 2)


def test_a_job_works_is_counted_and_is_complete() -> None:
    template = {"spec": {**container(), "restartPolicy": "Never"}}
    spec = {"completions": 3, "parallelism": 2, "template": template}
    plane = made(fresh(2, START, 0), "Job", {"metadata": {"name": "j"}, "spec": spec})
    job = plane.server.get(Ref("Job", "default", "j"))
    assert isinstance(job, Job)
    assert (job.status.succeeded, job.status.active, job.finished) == (3, 0, True)
    assert [one.status.phase for one in pods(plane)] == ["Succeeded"] * 3
    assert all(not one.metadata.finalizers for one in pods(plane))
    assert rest(plane, START + 60).revision == plane.revision


def test_a_job_that_is_deleted_lets_its_pods_go() -> None:
    probe = {"readinessProbe": {"httpGet": {"port": 80}, "initialDelaySeconds": 7}}
    template = {"spec": {**container(**probe), "restartPolicy": "Never"}}
    plane = made(fresh(1, START, 0), "Job", {"metadata": {"name": "j"}, "spec": {"template": template}})
    plane, granted = plane.send(ADMIN, Delete(Ref("Job", "default", "j"), propagation_policy="Background"), START + 1)
    assert granted
    assert pods(rest(plane, START + 60)) == []


def test_what_is_drawn_is_the_same_for_the_same_seed() -> None:
    template = {"metadata": {"labels": {"a": "b"}}, "spec": container()}
    spec = {"replicas": 2, "selector": {"matchLabels": {"a": "b"}}, "template": template}

    def run(seed: int) -> list[str]:
        return [
            f"{one.metadata.name} {one.metadata.uid}"
            for one in pods(made(fresh(2, START, seed), "Deployment", {"metadata": {"name": "d"}, "spec": dict(spec)}))
        ]

    assert run(1) == run(1)
    assert set(run(1)).isdisjoint(run(2))


def test_history_is_forgotten_by_halves() -> None:
    plane = fresh(1, START, 0)
    for number in range(2 * HISTORY + 10):
        config_map = {"metadata": {"name": "c", "namespace": "default"}, "data": {"a": str(number)}}
        obj = decoded(config_map, kind_named("ConfigMap"))[0]
        plane, granted = plane.send(ADMIN, Update(obj, None) if number else Create(obj), START)
        assert granted
    after = compacted(plane)
    assert HISTORY <= len(after.server.store.log) <= HISTORY + 1
    assert compacted(after) is after


def test_a_kubelet_that_never_waits_would_be_noticed() -> None:
    probe = {"readinessProbe": {"httpGet": {"port": 80}, "initialDelaySeconds": 7}}
    with planted("kubeproof.harness.serve.kubelets", "step.delay.exact else 0", "not step.delay.exact else 0"):
        plane = made(fresh(1, START, 0), "Pod", {"metadata": {"name": "p"}, "spec": container(**probe)})
    assert [one.ready for one in pods(plane)] == [True]
