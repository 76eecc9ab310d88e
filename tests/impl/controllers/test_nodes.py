"""What happens to nodes, to the Pods on them, and to objects whose owners are gone."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve
from immutabledict import immutabledict

from kubeproof.impl.api.apps import Deployment, DeploymentSpec, ReplicaSet, ReplicaSetSpec
from kubeproof.impl.api.cache import Cache
from kubeproof.impl.api.core import (
    Node,
    NodeCondition,
    NodeSpec,
    NodeStatus,
    Pod,
    PodCondition,
    PodSpec,
    PodStatus,
    Taint,
    Toleration,
)
from kubeproof.impl.api.kinds import ref_of
from kubeproof.impl.api.meta import LabelSelector, ObjectMeta, OwnerReference
from kubeproof.impl.api.policy import PodDisruptionBudget, PodDisruptionBudgetSpec, PodDisruptionBudgetStatus
from kubeproof.impl.api.requests import Delete, PatchMetadata, Update
from kubeproof.impl.api.values.frozen import strings
from kubeproof.impl.controllers import disruption, garbage, nodelifecycle, tainteviction

GONE = Taint("node.kubernetes.io/unreachable", "NoExecute")


def node(*taints: Taint, ready: str = "True") -> Node:
    conditions = (NodeCondition("Ready", ready), NodeCondition("NetworkUnavailable", "False"))
    return Node(ObjectMeta(name="n1"), NodeSpec(taints=taints), NodeStatus(conditions=conditions))


def pod(*tolerations: Toleration, ready: bool = True, name: str = "p", node_name: str = "n1") -> Pod:
    condition = PodCondition("Ready", "True" if ready else "False")
    return Pod(
        ObjectMeta(name=name, namespace="d", uid=f"Pod/d/{name}", labels=strings({"app": "web"})),
        PodSpec(node_name=node_name, tolerations=tolerations),
        PodStatus("Running", (condition,)),
    )


BESIDE = evolve(node(), metadata=ObjectMeta(name="n2"))
"""A node that is ready: where none is, nobody is driven out."""


def look(*objects: Any, lost: bool = False, beside: Node = BESIDE) -> tuple[Any, ...]:
    return nodelifecycle.reconcile(Cache.of((*objects, beside)), ref_of(node()), heartbeat_lost=lost, now=7)


# --- the node lifecycle ---------------------------------------------------------------------------------------------


def test_a_silent_node_is_unknown_in_all_that_a_kubelet_reports() -> None:
    status, mark = look(node(), pod(), pod(name="far", node_name="n2"), pod(name="unready", ready=False), lost=True)
    assert status.subresource == "status"
    assert [(one.type, one.status) for one in status.object.status.conditions] == [
        ("Ready", "Unknown"),
        ("NetworkUnavailable", "False"),
        ("MemoryPressure", "Unknown"),
        ("DiskPressure", "Unknown"),
        ("PIDPressure", "Unknown"),
    ]
    assert mark.object.metadata.name == "p"
    assert mark.object.status.conditions == (PodCondition("Ready", "False", last_transition_time=7),)
    assert mark.base == pod()


def test_taints_follow_conditions_first_no_schedule_then_no_execute() -> None:
    (first,) = look(node(ready="Unknown"))
    assert [(one.key, one.effect) for one in first.object.spec.taints] == [(GONE.key, "NoSchedule")]
    (second,) = look(first.object)
    assert [one.effect for one in second.object.spec.taints] == ["NoSchedule", "NoExecute"]
    assert look(second.object) == ()


def test_where_no_node_is_ready_nobody_is_driven_out_and_taints_are_taken_back() -> None:
    gone = evolve(BESIDE, status=node(ready="False").status)
    (first,) = look(node(ready="Unknown"), beside=gone)
    assert [one.effect for one in first.object.spec.taints] == ["NoSchedule"]
    assert look(first.object, beside=gone) == ()
    (back,) = look(node(Taint(GONE.key, "NoSchedule"), GONE, ready="Unknown"), beside=gone)
    assert [one.effect for one in back.object.spec.taints] == ["NoSchedule"]


def test_a_node_that_is_back_loses_its_taints_but_keeps_those_of_others() -> None:
    other = Taint("example.com/own", "NoExecute")
    tainted = node(Taint(GONE.key, "NoSchedule"), other, GONE)
    (first,) = look(tainted)
    (second,) = look(first.object)
    assert second.object.spec.taints == (other,)


@pytest.mark.parametrize(
    ("condition", "status", "key"),
    [
        ("Ready", "False", "not-ready"),
        ("MemoryPressure", "True", "memory-pressure"),
        ("DiskPressure", "True", "disk-pressure"),
        ("PIDPressure", "True", "pid-pressure"),
        ("NetworkUnavailable", "True", "network-unavailable"),
    ],
)
def test_each_bad_condition_has_its_taint(condition: str, status: str, key: str) -> None:
    bad = evolve(node(), status=NodeStatus(conditions=(NodeCondition(condition, status),)))
    assert [one.key for one in look(bad)[0].object.spec.taints] == [f"node.kubernetes.io/{key}"]


def test_a_cordoned_node_is_tainted_and_an_uncordoned_one_is_not() -> None:
    cordoned = evolve(node(), spec=NodeSpec(unschedulable=True))
    (update,) = look(cordoned)
    assert [one.key for one in update.object.spec.taints] == ["node.kubernetes.io/unschedulable"]
    freed = evolve(update.object, spec=evolve(update.object.spec, unschedulable=False))
    assert look(freed)[0].object.spec.taints == ()


def test_a_node_without_a_word_keeps_its_no_execute_taint() -> None:
    assert look(evolve(node(GONE), status=NodeStatus())) == ()
    assert look() == ()


# --- taint eviction -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tolerations", "seconds"),
    [
        ((), 0),
        ((Toleration(GONE.key, "Exists", effect="NoExecute", toleration_seconds=300),), 300),
        ((Toleration(GONE.key, "Exists", effect="NoExecute", toleration_seconds=-1),), 0),
        ((Toleration(GONE.key, "Exists", effect="NoSchedule"),), 0),
        ((Toleration("other", "Exists"),), 0),
        ((Toleration(GONE.key, "Equal", "x"),), 0),
        ((Toleration(GONE.key, ""),), None),
        ((Toleration(operator="Exists"),), None),
    ],
)
def test_a_pod_stays_as_long_as_it_tolerates(tolerations: tuple[Toleration, ...], seconds: int | None) -> None:
    one = pod(*tolerations)
    cache = Cache.of([node(Taint("x", "NoSchedule"), GONE), one])
    stays = () if seconds is None else (tainteviction.Stay(ref_of(one), seconds),)
    assert tainteviction.stays(cache, ref_of(node())) == stays
    waits = tainteviction.reconcile(cache, ref_of(one), waited=299)
    assert waits == (() if seconds in {None, 300} else (Delete(ref_of(one)),))
    assert bool(tainteviction.reconcile(cache, ref_of(one), waited=300)) == (seconds is not None)


def test_the_shortest_tolerance_counts_and_a_going_pod_is_left_alone() -> None:
    second = Taint("b", "NoExecute")
    both = pod(Toleration(GONE.key, "Exists", toleration_seconds=9), Toleration("b", "Exists", toleration_seconds=5))
    assert tainteviction.delay(Cache.of([node(GONE, second)]), both) == 5
    assert tainteviction.delay(Cache.of([node()]), both) is None
    assert tainteviction.delay(Cache.of([]), both) is None
    leaving = evolve(pod(), metadata=evolve(pod().metadata, deletion_timestamp=1))
    assert tainteviction.reconcile(Cache.of([node(GONE), leaving]), ref_of(leaving)) == ()


# --- the garbage collector ------------------------------------------------------------------------------------------


def rs(name: str = "web", **metadata: Any) -> ReplicaSet:
    return ReplicaSet(ObjectMeta(name=name, namespace="d", uid=f"ReplicaSet/d/{name}", **metadata), ReplicaSetSpec(2))


def owned_by(*owners: ReplicaSet, block: bool = True) -> Pod:
    refs = tuple(
        OwnerReference(
            "apps/v1", "ReplicaSet", one.metadata.name, one.metadata.uid, controller=True, block_owner_deletion=block
        )
        for one in owners
    )
    return evolve(pod(), metadata=evolve(pod().metadata, owner_references=refs))


def collect(one: Any, *others: Any, live: Cache | None = None) -> tuple[Any, ...]:
    return garbage.reconcile(Cache.of([one, *others]), ref_of(one), live=live)


def test_an_object_goes_when_all_its_owners_are_gone() -> None:
    orphan = owned_by(rs())
    assert collect(orphan) == (Delete(ref_of(orphan), uid="Pod/d/p", propagation_policy="Background"),)
    assert collect(orphan, rs()) == ()
    assert collect(pod()) == ()
    assert garbage.reconcile(Cache.of([]), ref_of(orphan)) == ()


def test_a_new_owner_of_the_same_name_is_another_one() -> None:
    reborn = evolve(rs(), metadata=evolve(rs().metadata, uid="other"))
    assert len(collect(owned_by(rs()), reborn)) == 1


def test_while_one_owner_is_left_only_the_others_are_dropped() -> None:
    shared = owned_by(rs("a"), rs("b"))
    assert collect(shared, rs("b")) == (PatchMetadata(ref_of(shared), "Pod/d/p", remove_owners=("ReplicaSet/d/a",)),)


def test_an_owner_the_api_server_has_is_not_gone_even_if_the_cache_lacks_it() -> None:
    orphan = owned_by(rs())
    assert collect(orphan, live=Cache.of([orphan, rs()])) == ()
    assert collect(orphan, live=Cache.of([])) == ()


def test_a_kind_that_is_not_modelled_counts_as_present() -> None:
    foreign = OwnerReference("x/v1", "Gizmo", "g", "u", controller=True)
    assert collect(evolve(pod(), metadata=evolve(pod().metadata, owner_references=(foreign,)))) == ()


def test_a_foreground_deletion_waits_for_what_blocks_it() -> None:
    going = rs(deletion_timestamp=1, finalizers=("foregroundDeletion",))
    blocked, free = owned_by(rs()), owned_by(rs(), block=False)
    assert collect(going, blocked) == ()
    assert collect(blocked, going)[0].propagation_policy == "Background"
    done = (PatchMetadata(ref_of(going), "ReplicaSet/d/web", remove_finalizers=("foregroundDeletion",)),)
    assert collect(going) == done
    assert collect(going, free) == done


def test_an_orphaning_deletion_frees_its_dependents_first() -> None:
    going = rs(deletion_timestamp=1, finalizers=("orphan",))
    freed, let_go = collect(going, owned_by(rs()))
    assert freed == PatchMetadata(ref_of(pod()), "Pod/d/p", remove_owners=("ReplicaSet/d/web",))
    assert let_go.remove_finalizers == ("orphan",)


# --- disruption budgets ---------------------------------------------------------------------------------------------


def budget(status: PodDisruptionBudgetStatus | None = None, **spec: Any) -> PodDisruptionBudget:
    selector = LabelSelector(strings({"app": "web"}))
    return PodDisruptionBudget(
        ObjectMeta(name="b", namespace="d", generation=2),
        PodDisruptionBudgetSpec(**{"selector": selector, **spec}),
        status or PodDisruptionBudgetStatus(),
    )


def counted(*objects: Any, now: int = 0) -> tuple[int, int, int, int]:
    (update,) = disruption.reconcile(Cache.of(objects), ref_of(budget()), now=now)
    assert isinstance(update, Update)
    assert isinstance(update.object, PodDisruptionBudget)
    status = update.object.status
    return status.disruptions_allowed, status.current_healthy, status.desired_healthy, status.expected_pods


def test_an_evicted_pod_counts_again_after_two_minutes() -> None:
    promised = PodDisruptionBudgetStatus(disrupted_pods=immutabledict({"p": 100}))
    assert counted(budget(promised, min_available=0), pod(), now=219) == (0, 0, 0, 1)
    assert counted(budget(promised, min_available=0), pod(), now=221) == (1, 1, 0, 1)


@pytest.mark.parametrize(("now", "there"), [(219, True), (221, False)])
def test_the_note_of_an_eviction_goes_after_two_minutes_or_with_its_pod(now: int, there: bool) -> None:  # noqa: FBT001
    noted = immutabledict({"p": 100, "gone": 100})
    assert disruption.disrupted_pods(noted, (pod(),), now) == ({"p": 100} if there else {})


def test_a_pod_whose_controller_is_unknown_allows_no_disruption() -> None:
    healthy = PodDisruptionBudgetStatus(disruptions_allowed=1, current_healthy=1)
    stray = owned_by(rs())
    (update,) = disruption.reconcile(Cache.of([budget(healthy, max_unavailable=1), stray]), ref_of(budget()))
    assert isinstance(update, Update)
    assert isinstance(update.object, PodDisruptionBudget)
    assert update.object.status == evolve(healthy, disruptions_allowed=0)
    reborn = evolve(rs(), metadata=evolve(rs().metadata, uid="other"))
    cache = Cache.of([budget(max_unavailable=1), stray, reborn])
    assert disruption.reconcile(cache, ref_of(budget())) == ()


def test_a_deployment_that_is_not_known_yet_is_no_controller() -> None:
    parent = OwnerReference("apps/v1", "Deployment", "web", "u", controller=True)
    child = rs(owner_references=(parent,))
    assert disruption.reconcile(Cache.of([budget(max_unavailable=1), child, owned_by(child)]), ref_of(budget())) == ()
    deployment = Deployment(ObjectMeta(name="web", namespace="d", uid="u"), DeploymentSpec(replicas=3))
    assert counted(budget(max_unavailable=1), child, deployment, owned_by(child)) == (0, 1, 2, 3)


def test_no_selector_selects_nothing_and_an_empty_one_everything() -> None:
    assert counted(budget(selector=None, min_available=1), pod())[3] == 0
    assert counted(budget(selector=LabelSelector(), min_available=1), pod())[3] == 1
    assert disruption.reconcile(Cache.of([]), ref_of(budget())) == ()
