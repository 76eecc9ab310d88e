"""The DaemonSet controller: recorded runs, which nodes get a Pod, and which Pods a rollout takes."""

from __future__ import annotations

import json
import lzma
from typing import Any

import pytest
from attrs import evolve

from kubeproof.impl.api.apps import ControllerRevision, DaemonSet
from kubeproof.impl.api.cache import Cache
from kubeproof.impl.api.core import Node, NodeSpec, Pod, PodCondition, PodStatus, Taint, Toleration
from kubeproof.impl.api.kinds import ref_of
from kubeproof.impl.api.meta import ObjectMeta
from kubeproof.impl.api.reading.convert import from_json
from kubeproof.impl.api.requests import Create, Delete, PatchMetadata, Request, Update
from kubeproof.impl.api.values.frozen import strings
from kubeproof.impl.apiserver.defaulting.defaulting import default
from kubeproof.impl.controllers.daemonset.daemonset import COARSE_TRANSFORM, TRANSFORM, grouped, reconcile
from kubeproof.impl.controllers.daemonset.nodes import new_pod, target, tolerating, wish
from kubeproof.impl.controllers.daemonset.revisions import Clash, Revisions, revisions_of, truncated
from places import VECTORS
from recorded import controllers as oracle

LABELS = {"app": "agent"}


def agent(*, image: str = "agent:1", strategy: dict[str, Any] | None = None, **spec: Any) -> DaemonSet:
    template = {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "c", "image": image}], **spec}}
    made = from_json(
        {
            "apiVersion": "apps/v1",
            "kind": "DaemonSet",
            "metadata": {"name": "agent", "namespace": "d", "uid": "DaemonSet/d/agent", "generation": 1},
            "spec": {"selector": {"matchLabels": LABELS}, "template": template, "updateStrategy": strategy or {}},
        }
    )
    defaulted = default(made)
    assert isinstance(defaulted, DaemonSet)
    return defaulted


def rolling(unavailable: int | str, surge: int | str = 0) -> dict[str, Any]:
    return {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": unavailable, "maxSurge": surge}}


def node(name: str, *taints: Taint, **labels: str) -> Node:
    return Node(ObjectMeta(name=name, uid=name, labels=strings(labels)), NodeSpec(taints=taints))


def digest(owner: DaemonSet) -> str:
    found = revisions_of(Cache.of((owner,)), owner)
    assert isinstance(found, Revisions)
    return found.digest


def revision(owner: DaemonSet, number: int = 1) -> ControllerRevision:
    found = revisions_of(Cache.of((owner,)), owner)
    assert isinstance(found, Revisions)
    (made,) = found.requests
    assert isinstance(made, Create)
    assert isinstance(made.object, ControllerRevision)
    return evolve(made.object, revision=number)


def pod(
    owner: DaemonSet, on: str, *, phase: str = "Running", ready: bool = True, name: str = "", leaves: bool = False
) -> Pod:
    """Make a Pod of a set on a node; `phase` "" leaves it unbound."""
    made = new_pod(owner, on, digest(owner))
    meta = evolve(made.metadata, name=name or f"agent-{on}", generate_name="", deletion_timestamp=0 if leaves else None)
    status = PodStatus(phase or "Pending", (PodCondition("Ready", str(ready and phase == "Running")),))
    return evolve(made, metadata=meta, spec=evolve(made.spec, node_name=on if phase else ""), status=status)


def asked(*objects: Any) -> list[str]:
    """Tell what the first sync asks for, but for statuses and revisions."""
    owner = next(one for one in objects if isinstance(one, DaemonSet))
    return told(reconcile(Cache.of(objects), ref_of(owner)))


def told(requests: tuple[Request, ...]) -> list[str]:
    found = []
    for one in requests:
        match one:
            case Create(Pod() as made):
                found.append(f"+{target(made)}")
            case Delete(ref) if ref.kind == "Pod":
                found.append(f"-{ref.name}")
            case PatchMetadata(ref) if ref.kind == "Pod":
                found.append(f"?{ref.name}")
    return found


def ways(*objects: Any) -> set[tuple[str, ...]]:
    """Tell what any sync asks for."""
    owner = next(one for one in objects if isinstance(one, DaemonSet))
    syncs = grouped(Cache.of(objects), ref_of(owner))
    return {tuple(told(tuple(one for group in groups for one in group))) for groups in syncs}


def status(*objects: Any) -> tuple[int, ...]:
    owner = next(one for one in objects if isinstance(one, DaemonSet))
    last = reconcile(Cache.of(objects), ref_of(owner))[-1]
    assert isinstance(last, Update)
    assert isinstance(last.object, DaemonSet)
    one = last.object.status
    counts = (one.desired_number_scheduled, one.current_number_scheduled, one.number_ready, one.number_available)
    return (*counts, one.updated_number_scheduled, one.number_misscheduled, one.number_unavailable)


@pytest.mark.parametrize("path", sorted((VECTORS / "controller").glob("ds-*.json.xz")), ids=lambda path: path.name)
def test_a_recorded_run_is_ours(path: Any) -> None:
    with lzma.open(path, "rt") as file:
        assert oracle.judge(json.load(file)) is None


def test_every_recorded_run_is_ours() -> None:
    for path in sorted((VECTORS / "controller").glob("ds-*.json.xz")):
        test_a_recorded_run_is_ours(path)


def test_a_run_of_another_controller_is_not_ours() -> None:
    with lzma.open(VECTORS / "controller" / "ds-create-update.json.xz", "rt") as file:
        text = file.read().replace('"pod-template-generation":"2"', '"pod-template-generation":"3"')
    assert oracle.judge(json.loads(text)) is not None


# --- which nodes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("there", "spec", "runs", "keeps"),
    [
        (node("n"), {}, True, True),
        (node("n", Taint("node.kubernetes.io/unschedulable", "NoSchedule")), {}, True, True),
        (node("n", Taint("node.kubernetes.io/not-ready", "NoExecute")), {}, True, True),
        (node("n", Taint("node.kubernetes.io/unreachable", "NoSchedule")), {}, False, True),
        (node("n", Taint("gpu", "NoSchedule")), {}, False, True),
        (node("n", Taint("gpu", "PreferNoSchedule")), {}, True, True),
        (node("n", Taint("gpu", "NoExecute")), {}, False, False),
        (node("n", Taint("gpu", "NoExecute")), {"tolerations": [{"operator": "Exists"}]}, True, True),
        (node("n", Taint("node.kubernetes.io/network-unavailable", "NoSchedule")), {}, False, True),
        (node("n", Taint("node.kubernetes.io/network-unavailable", "NoSchedule")), {"hostNetwork": True}, True, True),
        (node("n"), {"nodeSelector": {"pool": "x"}}, False, False),
        (node("n", pool="x"), {"nodeSelector": {"pool": "x"}}, True, True),
        (node("n"), {"nodeName": "m"}, False, False),
        (node("n"), {"nodeName": "n"}, True, True),
    ],
)
def test_a_node_wants_a_pod_that_it_would_take(there: Node, spec: dict[str, Any], runs: bool, keeps: bool) -> None:  # noqa: FBT001
    found = wish(agent(**spec), there)
    assert (found.runs, found.keeps) == (runs, keeps)


def test_a_pod_is_for_its_node_by_affinity_and_tolerates_what_goes_wrong_with_it() -> None:
    term = {"nodeSelectorTerms": [{"matchExpressions": [{"key": "pool", "operator": "In", "values": ["x"]}]}]}
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": term}}
    made = new_pod(agent(affinity=affinity), "n1", "h")
    assert (made.spec.node_name, target(made), made.metadata.generate_name) == ("", "n1", "agent-")
    assert made.metadata.labels == {"app": "agent", "controller-revision-hash": "h"}
    assert [one.key.partition("/")[2] for one in made.spec.tolerations] == [
        "not-ready", "unreachable", "disk-pressure", "memory-pressure", "pid-pressure", "unschedulable",
    ]  # fmt: skip
    own = agent(tolerations=[{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute",
                              "tolerationSeconds": 5}])  # fmt: skip
    first = tolerating(own.spec.template.spec).tolerations[0]
    assert first == Toleration("node.kubernetes.io/not-ready", "Exists", "", "NoExecute")


def test_every_node_gets_one_and_only_one() -> None:
    one = agent()
    assert asked(one, revision(one), node("a"), node("b"), pod(one, "b")) == ["+a"]
    assert asked(one, revision(one), node("a"), pod(one, "a", leaves=True)) == []
    over = pod(one, "a", phase="Succeeded", leaves=True)
    assert asked(one, revision(one), node("a"), over) == ["+a"]
    twice = (pod(one, "a"), pod(one, "a", name="second"), pod(one, "a", phase="", name="third"))
    assert ways(one, revision(one), node("a"), *twice) == {("-second", "-third"), ("-agent-a", "-third")}
    aged = [evolve(each, metadata=evolve(each.metadata, creation_timestamp=9 - at)) for at, each in enumerate(twice)]
    assert ways(one, revision(one), node("a"), *aged) == {("-agent-a", "-third")}


def test_what_may_not_stay_goes_and_what_failed_is_made_again() -> None:
    one = agent()
    rest = (one, revision(one))
    assert asked(*rest, node("a", Taint("t", "NoExecute")), pod(one, "a")) == ["-agent-a"]
    assert asked(*rest, node("a", Taint("t", "NoSchedule")), pod(one, "a")) == []
    assert asked(*rest, node("a"), pod(one, "a", phase="Failed")) == ["-agent-a"]
    assert asked(*rest, pod(one, "gone", phase="")) == ["-agent-gone"]
    assert asked(*rest, pod(one, "gone")) == []


def test_a_set_that_is_being_deleted_is_left_alone() -> None:
    one = agent()
    going = evolve(one, metadata=evolve(one.metadata, deletion_timestamp=0))
    assert reconcile(Cache.of((going, node("a"))), ref_of(one)) == ()
    assert grouped(Cache.of((node("a"),)), ref_of(one)) == ()


def test_orphans_are_adopted() -> None:
    one = agent()
    mine = pod(one, "a")
    orphan = evolve(mine, metadata=evolve(mine.metadata, owner_references=()))
    assert asked(one, revision(one), node("a"), orphan) == ["?agent-a"]
    stranger = evolve(mine, metadata=evolve(mine.metadata, labels=strings({"app": "other"})))
    assert asked(one, revision(one), node("a"), stranger) == ["?agent-a", "+a"]


# --- rollouts ---------------------------------------------------------------------------------------------------------

OLD = agent(image="agent:0")


def rollout(one: DaemonSet, *pods: Pod) -> set[tuple[str, ...]]:
    names = sorted({target(each) for each in pods})
    return ways(one, revision(OLD), revision(one, 2), *map(node, names), *pods)


def test_as_many_old_pods_go_as_may_be_unavailable_whichever_they_are() -> None:
    old = [pod(OLD, name) for name in "abc"]
    singles = {("-agent-a",), ("-agent-b",), ("-agent-c",)}
    assert rollout(agent(), *old) == singles
    pairs = {("-agent-a", "-agent-b"), ("-agent-a", "-agent-c"), ("-agent-b", "-agent-c")}
    assert rollout(agent(strategy=rolling(2)), *old) == rollout(agent(strategy=rolling("50%")), *old) == pairs
    new = pod(agent(), "a", ready=False)
    assert rollout(agent(), new, *old[1:]) == {()}
    assert rollout(agent(strategy=rolling(2)), new, *old[1:]) == {("-agent-b",), ("-agent-c",)}
    assert rollout(agent(strategy={"type": "OnDelete"}), *old) == {()}


def test_old_pods_that_are_not_available_go_first_and_count() -> None:
    """Since PR 123233 (Kubernetes 1.31) they count: no other goes beside them."""
    assert rollout(agent(), pod(OLD, "a", ready=False), pod(OLD, "b")) == {("-agent-a",)}
    assert rollout(agent(strategy=rolling(2)), pod(OLD, "a", ready=False), pod(OLD, "b")) == {("-agent-a", "-agent-b")}


def test_a_pod_that_never_goes_stops_a_rollout() -> None:
    """k/k#117204: a node that is not ready takes one of those that may be unavailable."""
    assert rollout(agent(), pod(OLD, "a", leaves=True), pod(OLD, "b")) == {()}


def test_with_surge_the_new_comes_first() -> None:
    one = agent(strategy=rolling(0, 1))
    old = [pod(OLD, name) for name in "ab"]
    assert rollout(one, *old) == {("+a",), ("+b",)}
    waits, runs = (pod(one, "a", name="new", ready=ready) for ready in (False, True))
    assert rollout(one, *old, waits) == {()}
    assert rollout(one, *old, runs) == {("-agent-a",)}
    assert rollout(one, pod(OLD, "a", ready=False), old[1], waits) == {("-agent-a",)}
    assert rollout(one, pod(OLD, "a", ready=False), old[1]) == {("+a", "+b")}
    assert rollout(one, pod(OLD, "a", leaves=True)) == {("+a",)}


def test_with_surge_what_nobody_wants_goes_once_enough_are_available() -> None:
    """k/k#118823: where a template no longer tolerates a node, its old Pod does not wait for a new one there."""
    one = agent(strategy=rolling(0, 1))
    tainted = node("b", Taint("t", "NoSchedule"))
    rest = (one, revision(OLD), revision(one, 2), node("a"), tainted)
    assert ways(*rest, pod(one, "a"), pod(OLD, "b")) == {("-agent-b",)}
    assert ways(*rest, pod(one, "a", ready=False), pod(OLD, "b")) == {()}
    assert ways(*rest, pod(one, "a", ready=False), pod(OLD, "b", ready=False)) == {("-agent-b",)}


# --- revisions and status ---------------------------------------------------------------------------------------------


def test_a_template_that_comes_back_makes_its_revision_the_newest() -> None:
    one = agent()
    found = revisions_of(Cache.of((one, revision(one), revision(OLD, 2))), one)
    assert isinstance(found, Revisions)
    (update,) = found.requests
    assert isinstance(update, Update)
    assert isinstance(update.object, ControllerRevision)
    assert update.object.revision == 3
    assert (found.digest, [each.revision for each in found.old]) == (digest(one), [2])


def test_a_name_that_is_taken_is_counted_and_nothing_else_is_done() -> None:
    one = agent()
    taken = evolve(revision(OLD), metadata=evolve(revision(one).metadata, owner_references=(), labels=strings()))
    assert isinstance(revisions_of(Cache.of((one, taken)), one), Clash)
    (update,) = reconcile(Cache.of((one, taken, node("a"))), ref_of(one))
    assert isinstance(update, Update)
    assert isinstance(update.object, DaemonSet)
    assert update.object.status.collision_count == 1


def test_revisions_beyond_the_limit_go_the_oldest_first_but_for_those_in_use() -> None:
    olds = tuple(revision(agent(image=f"agent:{number}"), number) for number in range(4))
    one = evolve(agent(), spec=evolve(agent().spec, revision_history_limit=2))
    assert [each.ref.name for each in truncated(one, olds, ()) if isinstance(each, Delete)] == [
        olds[0].metadata.name, olds[1].metadata.name,
    ]  # fmt: skip
    user = pod(agent(image="agent:0"), "a")
    assert [each.ref.name for each in truncated(one, olds, (user,)) if isinstance(each, Delete)] == [
        olds[1].metadata.name, olds[2].metadata.name,
    ]  # fmt: skip


def test_the_status_counts_nodes() -> None:
    one = agent()
    tainted = node("d", Taint("t", "NoSchedule"))
    pods = (pod(one, "a"), pod(OLD, "b"), pod(one, "c", ready=False), pod(one, "d"))
    rest = (one, revision(OLD), revision(one, 2))
    assert status(*rest, *map(node, "abc"), tainted, *pods) == (3, 3, 2, 2, 2, 1, 1)
    assert status(*rest, node("a"), pod(one, "a", phase="", name="new"), pod(OLD, "a")) == (1, 1, 1, 1, 0, 0, 0)


@pytest.mark.parametrize("keep", [TRANSFORM, COARSE_TRANSFORM], ids=["exact", "coarse"])
def test_what_is_kept_is_enough(keep: Any) -> None:
    one = agent(strategy=rolling(0, 1))
    objects = (one, revision(OLD), revision(one, 2), node("a"), node("b", Taint("t", "NoSchedule")),
               pod(OLD, "a"), pod(one, "a", name="new"), pod(OLD, "b", phase=""), pod(OLD, "c"))  # fmt: skip
    slim = [kept for each in objects if (kept := keep[ref_of(each).kind](each)) is not None]
    assert grouped(Cache.of(slim), ref_of(one)) == grouped(Cache.of(objects), ref_of(one))
