"""Turns: requests sent side by side are a set, and what others see is what every order by itself would show them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain, permutations

import pytest
from attrs import evolve

from kubeproof.harness.check.check import machine_of
from kubeproof.harness.claims import registry as claims
from kubeproof.harness.input.files.scenario_file import load_scenario
from kubeproof.harness.world.at_rest.prepare import prepare
from kubeproof.harness.world.cluster import Cluster
from kubeproof.harness.world.reductions.crowding import Pools, crowded_first
from kubeproof.harness.world.reductions.symmetry import symmetry_of
from kubeproof.impl.api.cache import Cache
from kubeproof.impl.api.core import Pod
from kubeproof.impl.api.kinds import ref_of
from kubeproof.impl.api.meta import ObjectMeta, OwnerReference, Ref
from kubeproof.impl.api.requests import Create, Delete, Evict, PatchMetadata, Request, Update, any_of
from kubeproof.impl.controllers.replicaset import replicaset
from kubeproof.model.checker import Status, explore
from kubeproof.model.machine import Symmetry, View
from kubeproof.model.world.turn import (
    Requests,
    Together,
    beside,
    chosen,
    heads,
    is_open,
    reported,
    spared,
    together,
    without,
)
from kubeproof.model.world.world import Alternatives
from oracles.plain_views import Shapes, reached

A, B, C, D, E = (Delete(Ref("Pod", "default", name)) for name in "abcde")
LAST = Evict(Ref("Pod", "default", "last"))
POD = Pod(ObjectMeta(name="p", namespace="default"))


def test_any_of_a_set_may_be_the_next_and_what_follows_waits_for_all() -> None:
    turn = (*together((C, A, B)), LAST)
    assert heads(turn) == (A, B, C)
    left = without(turn, B)
    assert left == (Together(frozenset({A, C})), LAST)
    assert without(without(left, A), C) == (LAST,)
    assert heads((LAST,)) == (LAST,)
    assert without((LAST,), LAST) == ()


def test_a_set_of_one_is_a_request_and_the_order_in_which_it_was_written_is_no_part_of_it() -> None:
    assert together((A,)) == (A,)
    assert together(()) == ()
    assert together((A, B)) == together((B, A))


def test_one_that_fails_keeps_nobody_beside_it_back_and_what_was_to_follow_is_left_undone() -> None:
    assert beside((*together((A, B, C)), LAST), A) == together((B, C))
    assert beside((A, LAST), A) == ()


STATUS = Update(POD, POD, "status")
LET_GO = PatchMetadata(ref_of(POD), "1", remove_finalizers=("example.com/tracked",))


@pytest.mark.parametrize(
    ("owner", "left"),
    [("Job", (LET_GO, STATUS)), ("DaemonSet", (together((A, B))[0], STATUS)), ("ReplicaSet", (STATUS,))],
)
def test_what_a_controller_still_does_where_its_pods_are_refused(owner: str, left: Requests) -> None:
    made = Create(
        evolve(POD, metadata=evolve(POD.metadata, owner_references=(OwnerReference(kind=owner, controller=True),)))
    )
    assert reported((made, LET_GO, *together((A, B)), STATUS), made) == left
    assert reported((A, LET_GO, STATUS), A) == ()


@pytest.mark.parametrize(
    ("hopeless", "left"),
    [(set(), (*together((A, B)), LAST)), ({A}, (B,)), ({A, B}, ()), ({LAST}, (*together((A, B)), LAST))],
    ids=["none", "one of two", "both", "what follows"],
)
def test_what_can_only_fail_is_given_up_by_itself(hopeless: set[Request], left: tuple[Request, ...]) -> None:
    assert spared((*together((A, B)), LAST), hopeless.__contains__) == left


# --- against every order by itself ------------------------------------------------------------------------------------

WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: app, image: "nginx:1"}]}
"""
DOWN = {"scale": {"kind": "Deployment", "name": "web", "replicas": 1}}
CASES = {
    "scaled down by two": {},
    "with a crash": {"faults": {"crash": 1}},
    "with a lost answer": {"faults": {"lostResponse": 1}},
    "while somebody else deletes a Pod": {"script": [DOWN, {"deletePod": {"name": "web-566f5654b5-p0"}}]},
}


def world(name: str) -> Cluster:
    options = {"script": [DOWN], "nodes": 1, "bounds": {"pods": 5}, **CASES[name]}
    scenario = load_scenario("small", {"web.yaml": WEB}, options).scenario
    return machine_of(scenario, prepare(scenario))


def test_what_is_open_to_choice_is_decided_by_what_is_sent() -> None:
    turn = (*together((A, *any_of((B, C, D), 2))), LAST)
    assert heads(turn) == (A, B, C, D)
    assert without(turn, A) == (*together(any_of((B, C, D), 2)), LAST)
    assert without(turn, B) == (*together((A, *any_of((C, D), 1))), LAST)
    assert without(without(turn, B), D) == (A, LAST)
    assert beside(turn, C) == together((A, *any_of((B, D), 1)))
    assert beside(turn, A) == together(any_of((B, C, D), 2))
    assert (is_open(turn), is_open(without(turn, B)), is_open((A, LAST))) == (True, True, False)
    assert list(chosen(turn)) == [(*together((A, *some)), LAST) for some in ((B, C), (B, D), (C, D))]
    assert list(chosen((A, LAST))) == [(A, LAST)]


def test_no_choice_is_left_where_all_or_none_of_them_go() -> None:
    assert together((A, *any_of((B, C), 2))) == together((A, B, C))
    assert together((A, *any_of((B, C), 0))) == (A,)
    assert together(any_of((B,), 1)) == (B,)


def test_of_two_ties_each_is_decided_by_itself() -> None:
    turn = together((*any_of((A, B), 1), *any_of((C, D, E), 2)))
    assert without(turn, A) == together(any_of((C, D, E), 2))
    assert without(turn, C) == together((*any_of((A, B), 1), *any_of((D, E), 1)))
    assert {frozenset(heads(one)) for one in chosen(turn)} == {
        frozenset({one, *two}) for one in (A, B) for two in ((C, D), (C, E), (D, E))
    }


def test_what_is_open_to_choice_stays_so_until_all_of_it_can_only_fail() -> None:
    turn = (*together((A, *any_of((B, C, D), 2))), LAST)
    assert spared(turn, {B, C}.__contains__) == turn
    assert spared(turn, {A, B}.__contains__) == together(any_of((B, C, D), 2))
    assert spared(turn, {B, C, D}.__contains__) == (A,)


def chosen_before(place: str, pools: Pools, view: View, syncs: Alternatives) -> Alternatives:
    """Decide before anything is sent who goes."""
    return tuple(turn for sync in crowded_first(place, pools, view, syncs) for turn in chosen(sync))


def split(requests: tuple[Request, ...]) -> tuple[tuple[Request, ...], ...]:
    gone = [one for one in requests if isinstance(one, Delete)]
    first = requests.index(gone[0]) if gone else len(requests)
    return requests[:first], tuple(gone), requests[first + len(gone) :]


@pytest.mark.parametrize("symmetry", [symmetry_of, lambda _: None], ids=["by orbits", "each by itself"])
@pytest.mark.parametrize("name", CASES)
def test_a_choice_that_is_left_open_leads_where_one_made_before_leads(
    name: str, symmetry: Callable[[Cluster], Symmetry | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    shapes = Shapes()
    left_open = world(name)
    one = reached(left_open.machine, left_open.world.layout, shapes)
    verdicts = explore(left_open.machine, claims.of(left_open), symmetry=symmetry(left_open))
    monkeypatch.setattr("kubeproof.harness.world.controllers.workloads.crowded_first", chosen_before)
    before = world(name)
    other = reached(before.machine, before.world.layout, shapes)
    assert (one.stores, one.rests) == (other.stores, other.rests)
    told = explore(before.machine, claims.of(before), symmetry=symmetry(before))
    assert [(a.name, a.status) for a in verdicts.verdicts] == [(b.name, b.status) for b in told.verdicts]
    assert verdicts.transitions < told.transitions


def in_every_order(cache: Cache, key: Ref) -> Alternatives:
    return tuple(chain.from_iterable(map(orders, replicaset.reconcile_all(cache, key))))


def orders(requests: tuple[Request, ...]) -> Alternatives:
    first, gone, last = split(requests)
    return tuple((*first, *some, *last) for some in permutations(gone))


@pytest.mark.parametrize("name", CASES)
def test_a_set_leads_where_its_orders_lead(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shapes = Shapes()
    as_set = world(name)
    verdicts = explore(as_set.machine, claims.of(as_set)).verdicts
    one = reached(as_set.machine, as_set.world.layout, shapes)
    monkeypatch.setattr("kubeproof.harness.world.controllers.workloads._replicaset_act", in_every_order)
    by_order = world(name)
    other = reached(by_order.machine, by_order.world.layout, shapes)
    assert one.rests == other.rests
    # In an order by itself, those behind a lost answer are never sent. They are, for each is sent by itself.
    assert one.stores < other.stores if name == "with a lost answer" else one.stores == other.stores
    told = explore(by_order.machine, claims.of(by_order)).verdicts
    assert [evolve(a, trace=None) for a in verdicts] == [evolve(b, trace=None) for b in told]
    finds_nothing = {Status.VIOLATED} if name == "while somebody else deletes a Pod" else set()
    assert {a.status for a in verdicts} == {Status.HOLDS} | finds_nothing
