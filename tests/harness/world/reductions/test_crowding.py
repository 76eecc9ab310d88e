"""Which Pods a ReplicaSet lets go of: those on crowded nodes, where nothing else tells them apart."""

from __future__ import annotations

import pytest

from kubeproof.harness.world.reductions.crowding import crowded_first
from kubeproof.impl.api.apps import ReplicaSet
from kubeproof.impl.api.core import Pod, PodSpec
from kubeproof.impl.api.kinds import Object
from kubeproof.impl.api.meta import ObjectMeta, OwnerReference, Ref
from kubeproof.impl.api.requests import Delete, Evict, Request
from kubeproof.model.machine import State
from kubeproof.model.world.store import pool
from kubeproof.model.world.turn import together
from kubeproof.model.world.world import Alternatives

POOLS = {"ReplicaSet": pool("ReplicaSet", 3), "Pod": pool("Pod", 4)}
LAST = Evict(Ref("Pod", "", "follows"))


def owned(kind: str, name: str) -> OwnerReference:
    return OwnerReference("apps/v1", kind, name, uid=name, controller=True)


def replicaset(name: str, deployment: str = "web") -> ReplicaSet:
    owners = (owned("Deployment", deployment),) if deployment else ()
    return ReplicaSet(ObjectMeta(name=name, uid=name, owner_references=owners))


def pod(name: str, node: str, owner: str) -> Pod:
    return Pod(ObjectMeta(name=name, owner_references=(owned("ReplicaSet", owner),)), PodSpec(node_name=node))


def deletes(*names: str) -> tuple[Request, ...]:
    return (*together(Delete(Ref("Pod", "", name)) for name in names), LAST)  # type: ignore[return-value]


def left(syncs: Alternatives, *objects: Object) -> Alternatives:
    slots: dict[str, Object | None] = dict.fromkeys((*POOLS["ReplicaSet"], *POOLS["Pod"]))
    for kind, places in POOLS.items():
        found = [one for one in objects if type(one).__name__ == kind]
        slots.update(zip(places, found, strict=False))
    return crowded_first(POOLS["ReplicaSet"][0], POOLS, State.of(slots), syncs)


OWN = (pod("a", "n1", "old"), pod("b", "n2", "old"))
EITHER = (deletes("a"), deletes("b"))


@pytest.mark.parametrize(
    ("others", "names"),
    [
        ((replicaset("new"), pod("c", "n2", "new")), "b"),
        ((replicaset("new"), pod("c", "n1", "new")), "a"),
        ((replicaset("new", "api"), pod("c", "n1", "new")), "ab"),
        ((replicaset("new"), pod("c", "n3", "new")), "ab"),
        ((pod("c", "n1", "old"),), "a"),
    ],
    ids=["a sister there", "a sister here", "of another Deployment", "a sister elsewhere", "one of its own"],
)
def test_the_more_crowded_node_loses_its_pod(others: tuple[Object, ...], names: str) -> None:
    assert left(EITHER, replicaset("old"), *OWN, *others) == tuple(deletes(name) for name in names)


def test_of_several_that_go_each_is_on_a_node_at_least_as_crowded_as_those_that_stay() -> None:
    pods = (*OWN, pod("c", "n1", "old"))
    syncs = (deletes("a", "b"), deletes("a", "c"), deletes("b", "c"))
    assert left(syncs, replicaset("old"), *pods) == (deletes("a", "c"),)


def test_where_there_is_no_choice_or_one_is_gone_nothing_is_left_out() -> None:
    assert left((deletes("a", "b"),), replicaset("old"), *OWN) == (deletes("a", "b"),)
    assert left(((LAST,),), replicaset("old"), *OWN) == ((LAST,),)
    assert left(EITHER, replicaset("old"), OWN[0], pod("c", "n1", "old")) == EITHER


def test_a_replicaset_of_nobody_counts_its_own_pods() -> None:
    pods = (*OWN, pod("c", "n1", "other"))
    assert left(EITHER, replicaset("old", ""), replicaset("other", ""), *pods) == EITHER
