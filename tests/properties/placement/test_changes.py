"""Least changes, least capacity, fewest nodes and orders of scheduling, against trying everything on small clusters."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations, product
from typing import Any

import pytest
import z3
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from kubeproof.harness.input.plain_nodes import plain_nodes
from kubeproof.impl.api.cache import Cache
from kubeproof.impl.api.core import Pod, Taint
from kubeproof.impl.api.reading.convert import from_json
from kubeproof.impl.scheduler import Snapshot, decide
from kubeproof.properties.placement import cpsat
from kubeproof.properties.placement.changes import Added, Changed, _edit, fewest_changes, least_capacity
from kubeproof.properties.placement.counts import each_alone, here
from kubeproof.properties.placement.groups import (
    Fits,
    Group,
    Groups,
    Misfit,
    Spot,
    Undecided,
    background,
    bounds,
    in_use,
    place,
    rules,
)
from kubeproof.properties.placement.order import Reached, Unreachable, Unsearched, reach
from kubeproof.properties.placement.problem import called, name_of
from planted import planted
from scenes.scheduling_strategies import FEATURES, NAMESPACES, Scene, scenes

HOST = "kubernetes.io/hostname"
PLAIN = FEATURES - {"affinity", "spread", "labels"}
"""What is decided by who is where in the end, whoever came first."""


def pod(name: str, cpu: str = "1", **spec: Any) -> Pod:
    containers = [{"name": "c", "image": "i", "resources": {"requests": {"cpu": cpu}}}]
    meta = {"name": name, "namespace": "default", "labels": {"app": name}}
    found = from_json({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {"containers": containers, **spec}})
    assert isinstance(found, Pod)
    return found


def affinity(which: str, app: str) -> dict[str, Any]:
    term = {"labelSelector": {"matchLabels": {"app": app}}, "topologyKey": HOST}
    return {"affinity": {which: {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}}


def grouped(scene: Scene, counts: tuple[int, ...]) -> Groups:
    groups = tuple(Group(one, count) for one, count in zip(scene.waiting, counts, strict=True))
    return Groups(groups, scene.nodes, scene.bound, scene.problem.namespaces)


WITH_CPSAT = 'find_spec("ortools") is not None'
COUNTS = st.tuples(st.integers(1, 2), st.integers(1, 2))
SCENES = st.frozensets(st.sampled_from(sorted(PLAIN)), min_size=1, max_size=3).flatmap(
    lambda some: scenes(waiting=2, most_nodes=2, only=some)
)


def spreads(groups: Groups) -> Iterator[dict[str, int]]:
    """Yield every way of putting the Pods of each group on the nodes, as values of the counts."""
    names = [name_of(node) for node in groups.nodes]

    def of(count: int) -> list[tuple[int, ...]]:
        return [one for one in product(range(count + 1), repeat=len(names)) if sum(one) == count]

    for choice in product(*(of(group.count) for group in groups.groups)):
        yield {
            f"{index} at {name}": count
            for index, counts in enumerate(choice)
            for name, count in zip(names, counts, strict=True)
        }


def broken(groups: Groups, counts: dict[str, int]) -> list[Any]:
    """Return the rules that counts break; only rules on counts alone."""
    values = [(z3.Int(name), z3.IntVal(count)) for name, count in counts.items()]
    return [
        rule.reason
        for rule in rules(groups, each_alone(groups))
        if not z3.is_true(z3.simplify(z3.substitute(rule.formula, *values)))
    ]


# --- changes and capacity -----------------------------------------------------------------------------------------


@settings(max_examples=25)
@given(SCENES, COUNTS)
def test_no_way_of_placing_all_needs_fewer_changes(scene: Scene, counts: tuple[int, int]) -> None:
    groups = grouped(scene, counts)
    answer = fewest_changes(groups)
    assert isinstance(answer, Changed)
    assert len(answer.changes) == min(len(set(map(_edit, broken(groups, one)))) for one in spreads(groups))
    with planted("kubeproof.properties.placement.cpsat", WITH_CPSAT, "False"):
        alone = fewest_changes(groups)
    assert isinstance(alone, Changed)
    assert len(alone.changes) == len(answer.changes)
    assert (not answer.changes) == isinstance(place(groups), Fits)


@settings(max_examples=25)
@given(SCENES, COUNTS)
def test_no_way_of_placing_all_needs_less_capacity(scene: Scene, counts: tuple[int, int]) -> None:
    groups = grouped(scene, counts)
    others = [one for one in spreads(groups) if all(why.kind == "room" for why in broken(groups, one))]
    answer = least_capacity(groups)
    if not others:
        assert isinstance(answer, Misfit)
        assert "room" not in {reason.kind for reason in answer.core}
        return
    assert isinstance(answer, Added)
    more = {name: sum(size for _, what, size in answer.amounts if what == name) for name in ("cpu", "memory")}
    least = min((_more(groups, one, "cpu"), _more(groups, one, "memory")) for one in others)
    assert (more["cpu"], more["memory"]) == least


def _more(groups: Groups, counts: dict[str, int], resource: str) -> int:
    """Add up what the nodes lack for counts, in milli-cpu or bytes."""

    def size(one: Pod) -> int:
        asked = one.spec.containers[0].resources.requests.get(resource)
        return 0 if asked is None else asked.milli_value() if resource == "cpu" else asked.value()

    total = 0
    for node in groups.nodes:
        has = node.status.allocatable[resource]
        there = sum(size(one) for one in groups.bound if one.spec.node_name == name_of(node))
        left = max((has.milli_value() if resource == "cpu" else has.value()) - there, 0)
        wanted = sum(counts[f"{index} at {name_of(node)}"] * size(one.pod) for index, one in enumerate(groups.groups))
        total += max(wanted - left, 0)
    return total


def test_the_changes_name_the_edit_and_the_rest_holds() -> None:
    two = (plain_nodes(2)[0], evolve(plain_nodes(2)[1], spec=evolve(plain_nodes(2)[1].spec, unschedulable=True)))
    answer = fewest_changes(Groups((Group(pod("a", **affinity("podAntiAffinity", "a")), 2),), two))
    assert isinstance(answer, Changed)
    assert [one.words for one in answer.changes] in (
        ["uncordon node-2"],
        ["drop the required anti-affinity between a"],
    )
    assert sum(spot.count for spot in answer.fits.spots) == 2


def test_without_nodes_no_change_helps() -> None:
    assert isinstance(fewest_changes(Groups((Group(pod("a"), 1),), ())), Undecided)


# --- CP-SAT -------------------------------------------------------------------------------------------------------


@settings(max_examples=25)
@given(scenes(waiting=2, most_nodes=2), COUNTS)
def test_cp_sat_reads_the_rules_as_z3_does(scene: Scene, counts: tuple[int, int]) -> None:
    pytest.importorskip("ortools")
    groups = grouped(scene, counts)
    some = each_alone(groups)
    formulas = [*(rule.formula for rule in rules(groups, some)), *background(groups, some)]
    used = z3.Sum([z3.If(in_use(groups, cell), 1, 0) for cell in some])
    answer = cpsat.solve(formulas, bounds(groups, some), used)
    assert isinstance(answer, cpsat.Solved) == isinstance(place(groups), Fits)
    if isinstance(answer, cpsat.Solved):
        solver = z3.Solver()
        solver.add(formulas)
        solver.add([z3.Int(name) == value for name, value in answer.values.items()])
        assert solver.check() == z3.sat
        number = sum(any(answer.values.get(str(here(index, cell)), 0) for index in (0, 1)) for cell in some)
        assert isinstance(place(groups, most=number), Fits)
        assert answer.best
        assert number == 0 or isinstance(place(groups, most=number - 1), Misfit)


def test_cp_sat_refuses_what_it_was_not_told_to_read() -> None:
    pytest.importorskip("ortools")
    x = z3.Int("x")
    with pytest.raises(NotImplementedError):
        cpsat.solve([x % 2 == 1], {"x": (0, 3)})
    assert cpsat.solve([x > 2, x < 3], {"x": (0, 9)}) == cpsat.Impossible()
    assert cpsat.solve([x > 2, False], {"x": (0, 9)}) == cpsat.Impossible()
    assert cpsat.solve([x == 2, True], {"x": (0, 9)}) == cpsat.Solved({"x": 2}, best=True)
    assert cpsat.solve([x > 2, z3.Not(x == 3)], {"x": (0, 9)}, x) == cpsat.Solved({"x": 4}, best=True)


# --- orders -------------------------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(scenes(waiting=3, most_nodes=2))
def test_an_order_is_found_if_and_only_if_there_is_one(scene: Scene) -> None:
    groups = grouped(scene, (1, 1, 1))
    fits = place(groups)
    if not isinstance(fits, Fits):
        return
    spots = [(one.group, one.node) for one in fits.spots]
    found = reach(groups, fits, NAMESPACES)
    orders = [order for order in permutations(spots) if _allowed(groups, order)]
    assert isinstance(found, Reached if orders else Unreachable)
    if isinstance(found, Reached):
        assert found.steps in orders


def _allowed(groups: Groups, order: tuple[tuple[str, str], ...]) -> bool:
    pods = {called(group.pod): group.pod for group in groups.groups}
    snapshot = Snapshot.of(Cache.of([*groups.nodes, *groups.bound, *NAMESPACES]))
    for group, node in order:
        if node not in decide(pods[group], snapshot).feasible:
            return False
        snapshot = snapshot.assume(pods[group], node)
    return True


def test_company_comes_first_and_like_pods_are_not_searched_twice() -> None:
    both = (Group(pod("web", **affinity("podAffinity", "db")), 3), Group(pod("db"), 1))
    groups = Groups(both, plain_nodes(1))
    fits = place(groups)
    assert isinstance(fits, Fits)
    found = reach(groups, fits)
    assert isinstance(found, Reached)
    assert [group for group, _ in found.steps] == ["db", "web", "web", "web"]
    assert reach(groups, fits, most=3) == Unsearched()


def test_what_the_filters_forbid_is_reached_in_no_order() -> None:
    groups = Groups((Group(pod("a", **affinity("podAntiAffinity", "a")), 2),), plain_nodes(2))
    assert reach(groups, Fits((Spot("a", "node-1", 2),))) == Unreachable()
    apart = Fits((Spot("a", "node-1", 1), Spot("a", "node-2", 1)))
    assert isinstance(reach(groups, apart), Reached)


SOFT, PARTED = "optimizer.add_soft(name)", 'reason.words.partition(": ")[2]'


@pytest.mark.parametrize(
    ("module", "before", "after", "test"),
    [
        pytest.param("changes", SOFT, "optimizer.add(z3.Not(name))", "changes", id="all is given up"),
        pytest.param("changes", PARTED, "1", "edit", id="one edit for all taints"),
        pytest.param("changes", "wanted <= left + added", "wanted <= added", "capacity", id="nothing is left"),
        pytest.param("order", "further in seen", "False", "order", id="searched again and again"),
    ],
)
def test_a_planted_fault_is_noticed(module: str, before: str, after: str, test: str) -> None:
    three = plain_nodes(3)
    tainted = tuple(
        evolve(node, spec=evolve(node.spec, taints=(Taint(node.metadata.name, "NoSchedule"),))) for node in three
    )
    nodes = {"edit": tainted, "capacity": three[:2]}.get(test, three)
    groups = Groups((Group(pod("a", "3"), 3),), nodes)

    def seen() -> object:
        answer = least_capacity(groups) if test == "capacity" else fewest_changes(groups)
        if test == "order":
            stuck = Groups((Group(pod("a"), 2), Group(pod("b"), 2), Group(pod("x", "9"), 1)), three[:1])
            spots = Fits(tuple(Spot(name, "node-1", count) for name, count in (("a", 2), ("b", 2), ("x", 1))))
            return reach(stuck, spots, most=18)
        return answer.amounts if isinstance(answer, Added) else len(getattr(answer, "changes", ()))

    with planted("kubeproof.properties.placement.cpsat", WITH_CPSAT, "False"):
        right = seen()
        with planted(f"kubeproof.properties.placement.{module}", before, after):
            assert seen() != right
