"""Which Pods a ReplicaSet lets go of: those on crowded nodes, where nothing else tells them apart."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeproof.harness.world.reductions.crowding import crowded_first
from kubeproof.impl.api.apps import ReplicaSet
from kubeproof.impl.api.core import Pod, PodSpec
from kubeproof.impl.api.kinds import Object
from kubeproof.impl.api.meta import ObjectMeta, OwnerReference, Ref
from kubeproof.impl.api.requests import Delete, Evict, any_of
from kubeproof.model.machine import State
from kubeproof.model.world.store import pool
from kubeproof.model.world.turn import Requests, chosen, together
from kubeproof.model.world.world import Alternatives

POOLS = {"ReplicaSet": pool("ReplicaSet", 3), "Pod": pool("Pod", 5)}
LAST = Evict(Ref("Pod", "", "follows"))


def owned(kind: str, name: str) -> OwnerReference:
    return OwnerReference("apps/v1", kind, name, uid=name, controller=True)


def replicaset(name: str, deployment: str = "web") -> ReplicaSet:
    owners = (owned("Deployment", deployment),) if deployment else ()
    return ReplicaSet(ObjectMeta(name=name, uid=name, owner_references=owners))


def pod(name: str, node: str, owner: str) -> Pod:
    return Pod(ObjectMeta(name=name, owner_references=(owned("ReplicaSet", owner),)), PodSpec(node_name=node))


def deletes(certain: str, tie: str = "", count: int = 1) -> Requests:
    gone, either = ([Delete(Ref("Pod", "", name)) for name in names] for names in (certain, tie))
    return (*together((*gone, *any_of(either, count))), LAST)


def left(syncs: Alternatives, *objects: Object) -> Alternatives:
    slots: dict[str, Object | None] = dict.fromkeys((*POOLS["ReplicaSet"], *POOLS["Pod"]))
    for kind, places in POOLS.items():
        found = [one for one in objects if type(one).__name__ == kind]
        slots.update(zip(places, found, strict=False))
    return crowded_first(POOLS["ReplicaSet"][0], POOLS, State.of(slots), syncs)


OWN = (pod("a", "n1", "old"), pod("b", "n2", "old"))
EITHER = deletes("", "ab")


@pytest.mark.parametrize(
    ("others", "found"),
    [
        ((replicaset("new"), pod("c", "n2", "new")), deletes("b")),
        ((replicaset("new"), pod("c", "n1", "new")), deletes("a")),
        ((replicaset("new", "api"), pod("c", "n1", "new")), EITHER),
        ((replicaset("new"), pod("c", "n3", "new")), EITHER),
        ((pod("c", "n1", "old"),), deletes("a")),
    ],
    ids=["a sister there", "a sister here", "of another Deployment", "a sister elsewhere", "one of its own"],
)
def test_the_more_crowded_node_loses_its_pod(others: tuple[Object, ...], found: Requests) -> None:
    assert left((EITHER,), replicaset("old"), *OWN, *others) == (found,)


def test_of_several_that_go_each_is_on_a_node_at_least_as_crowded_as_those_that_stay() -> None:
    pods = (*OWN, pod("c", "n1", "old"))
    assert left((deletes("", "abc", 2),), replicaset("old"), *pods) == (deletes("ac"),)
    assert left((deletes("", "abc", 1),), replicaset("old"), *pods) == (deletes("", "ac", 1),)
    assert left((deletes("d", "abc", 2),), replicaset("old"), *pods, pod("d", "n3", "old")) == (deletes("acd"),)


@given(st.lists(st.sampled_from("123"), min_size=2, max_size=5), st.data())
def test_what_is_left_open_is_what_is_left_of_all_sets(nodes: list[str], data: st.DataObject) -> None:
    count = data.draw(st.integers(1, len(nodes) - 1))
    names = "abcde"[: len(nodes)]
    pods = [pod(name, f"n{node}", "old") for name, node in zip(names, nodes, strict=True)]
    rank = {name: nodes.count(node) for name, node in zip(names, nodes, strict=True)}
    allowed = {
        frozenset(deletes("".join(some)))
        for some in combinations(names, count)
        if min(rank[name] for name in some) >= max(rank[name] for name in names if name not in some)
    }
    (found,) = left((deletes("", names, count),), replicaset("old"), *pods)
    assert {frozenset(turn) for turn in chosen(found)} == allowed


def test_where_there_is_no_choice_or_one_is_gone_nothing_is_left_out() -> None:
    assert left((deletes("ab"),), replicaset("old"), *OWN) == (deletes("ab"),)
    assert left(((LAST,),), replicaset("old"), *OWN) == ((LAST,),)
    assert left((EITHER,), replicaset("old"), OWN[0], pod("c", "n1", "old")) == (EITHER,)


def test_a_replicaset_of_nobody_counts_its_own_pods() -> None:
    pods = (*OWN, pod("c", "n1", "other"))
    assert left((EITHER,), replicaset("old", ""), replicaset("other", ""), *pods) == (EITHER,)
