"""Counting like Pods and taking like nodes together answers as one formula for each Pod and node does."""

from __future__ import annotations

from typing import Any

import pytest
import z3
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from kubeproof.harness.input.plain_nodes import plain_nodes
from kubeproof.harness.place.place import solve
from kubeproof.impl.api.cache import Cache
from kubeproof.impl.api.core import Node, Pod, Taint
from kubeproof.impl.api.meta import ObjectMeta
from kubeproof.impl.api.reading.convert import from_json
from kubeproof.impl.api.values.frozen import strings
from kubeproof.impl.scheduler import Snapshot, decide
from kubeproof.properties.placement.counts import Cell
from kubeproof.properties.placement.groups import (
    Fits,
    Group,
    Groups,
    Misfit,
    Undecided,
    _minimal,
    cells,
    contradiction,
    grouped,
    place,
)
from kubeproof.properties.placement.packing import Stuck, pack
from kubeproof.properties.placement.placement import Placed, feasible
from planted import planted
from scenes.scheduling_strategies import Scene, scenes

HOST = "kubernetes.io/hostname"
ZONE = "topology.kubernetes.io/zone"
GROUPS = "kubeproof.properties.placement.groups"


def pod(name: str, cpu: str = "1", **spec: Any) -> Pod:
    containers = [{"name": "c", "image": "i", "resources": {"requests": {"cpu": cpu}}}]
    meta = {"name": name, "namespace": "default", "labels": {"app": name}}
    found = from_json({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {"containers": containers, **spec}})
    assert isinstance(found, Pod)
    return found


def term(app: str, key: str) -> dict[str, Any]:
    selected = {"labelSelector": {"matchLabels": {"app": app}}, "topologyKey": key}
    return {"requiredDuringSchedulingIgnoredDuringExecution": [selected]}


def apart(app: str, key: str = HOST) -> dict[str, Any]:
    return {"affinity": {"podAntiAffinity": term(app, key)}}


def near(app: str, key: str = ZONE) -> dict[str, Any]:
    return {"affinity": {"podAffinity": term(app, key)}}


def even(app: str, key: str = ZONE) -> dict[str, Any]:
    constraint = {"maxSkew": 1, "topologyKey": key, "whenUnsatisfiable": "DoNotSchedule"}
    return {"topologySpreadConstraints": [{**constraint, "labelSelector": {"matchLabels": {"app": app}}}]}


def machines(count: int, zones: int = 2) -> tuple[Node, ...]:
    def zoned(node: Node, zone: str) -> Node:
        return evolve(node, metadata=evolve(node.metadata, labels=strings({**node.metadata.labels, ZONE: zone})))

    return tuple(zoned(node, f"z{number % zones}") for number, node in enumerate(plain_nodes(count)))


def repeated(scene: Scene, counts: tuple[int, ...]) -> tuple[Groups, list[Pod]]:
    groups = tuple(Group(one, count) for one, count in zip(scene.waiting, counts, strict=True))
    single = [
        evolve(group.pod, metadata=evolve(group.pod.metadata, name=f"{group.pod.metadata.name}-{number}"))
        for group in groups
        for number in range(group.count)
    ]
    return Groups(groups, scene.nodes, scene.bound, scene.problem.namespaces), single


@settings(max_examples=80)
@given(scenes(waiting=2), st.tuples(st.integers(1, 2), st.integers(1, 2)))
def test_counted_pods_have_a_place_if_and_only_if_each_of_them_has(scene: Scene, counts: tuple[int, int]) -> None:
    groups, single = repeated(scene, counts)
    expected = isinstance(feasible(single, scene.nodes, scene.bound, scene.problem.namespaces), Placed)
    assert isinstance(place(groups), Fits if expected else Misfit)
    if expected:
        assert contradiction(groups) is None


@settings(max_examples=60)
@given(scenes(waiting=2), st.tuples(st.integers(1, 2), st.integers(1, 2)))
def test_what_the_scheduler_reaches_is_a_placement_unless_spreading_changes_later(scene: Scene, counts: Any) -> None:
    groups, single = repeated(scene, counts)
    packed = pack(groups)
    if isinstance(packed, Fits) and not any(one.spec.topology_spread_constraints for one in single):
        assert sum(spot.count for spot in packed.spots) == len(single)
        assert isinstance(feasible(single, scene.nodes, scene.bound, scene.problem.namespaces), Placed)


MANY = machines(20)
TOO_MANY = [
    pytest.param([Group(pod("a", "3"), 21)], "room", id="twenty nodes hold twenty large Pods"),
    pytest.param([Group(pod("a", **apart("a")), 21)], "anti-affinity", id="one a node is twenty"),
    pytest.param([Group(pod("a", **apart("a", ZONE)), 3)], "anti-affinity", id="one a zone is two"),
    pytest.param([Group(pod("a", **near("b")), 1)], "affinity", id="nobody is there to be near to"),
    pytest.param([Group(pod("a", nodeSelector={"disk": "ssd"}), 1)], "node affinity", id="no node has the label"),
    pytest.param([Group(pod("a", "4", **near("a")), 11)], "affinity", id="one zone has ten nodes"),
    pytest.param(
        [Group(pod("a", "4", nodeSelector={ZONE: "z0"}, **even("a")), 2)], "spread", id="only one zone is open to two"
    ),
]


@pytest.mark.parametrize(("groups", "kind"), TOO_MANY)
def test_like_nodes_together_show_why_there_is_no_place(groups: list[Group], kind: str) -> None:
    problem = Groups(tuple(groups), MANY)
    if kind == "spread":  # Zones that are closed to a Pod do not count, unless its constraint says so.
        (one,) = groups[0].pod.spec.topology_spread_constraints
        spec = evolve(groups[0].pod.spec, topology_spread_constraints=(evolve(one, node_affinity_policy="Ignore"),))
        problem = Groups((Group(evolve(groups[0].pod, spec=spec), 2),), MANY)
    answer = contradiction(problem)
    assert isinstance(answer, Misfit)
    assert kind in {reason.kind for reason in answer.core}
    fewer = evolve(problem, groups=tuple(evolve(one, count=one.count - 1) for one in problem.groups))
    assert contradiction(fewer) is None


def test_like_nodes_are_one_cell_and_a_taint_or_a_pod_tells_one_apart() -> None:
    group = (Group(pod("a"), 1),)
    assert [cell.size for cell in cells(Groups(group, MANY))] == [10, 10]
    there = evolve(pod("old"), spec=evolve(pod("old").spec, node_name="node-1"))
    assert [cell.size for cell in cells(Groups(group, MANY, (there,)))] == [1, 10, 9]


def test_nodes_with_different_taints_are_not_spoken_of_together() -> None:
    one, two = machines(2, zones=1)
    tainted = [
        evolve(node, spec=evolve(node.spec, taints=(Taint(key, "NoSchedule"),)))
        for node, key in ((one, "gpu"), (two, "arm"))
    ]
    answer = contradiction(Groups((Group(pod("a"), 1),), tuple(tainted)))
    assert isinstance(answer, Misfit)
    assert [reason.nodes for reason in answer.core if reason.kind == "taint"] == [("node-1",), ("node-2",)]


def test_what_is_not_needed_for_a_contradiction_is_dropped() -> None:
    solver, needed, idle = z3.Solver(), z3.Bool("needed"), z3.Bool("idle")
    solver.add(z3.Implies(needed, z3.BoolVal(val=False)))
    assert _minimal(solver, [idle, needed]) == ({"needed"}, True)


def test_like_pods_are_one_group_called_after_the_first() -> None:
    alike = [evolve(pod("a"), metadata=evolve(pod("a").metadata, name=f"a-{number}")) for number in range(3)]
    found = grouped([*alike, pod("b")])
    assert [(one.pod.metadata.name, one.count) for one in found] == [("a-0", 3), ("b", 1)]


def test_the_scheduler_may_be_stuck_where_there_is_a_place_for_all() -> None:
    two, three = (evolve(one, status=evolve(one.status, allocatable=room)) for one, room in _rooms())
    groups = Groups((Group(pod("b", "2"), 1), Group(pod("c", "1500m"), 2)), (two, three))
    assert isinstance(pack(groups), Stuck)
    answer = solve(groups)
    assert isinstance(answer, Fits)
    assert {(one.group, one.node, one.count) for one in answer.spots} == {("b", "node-1", 1), ("c", "node-2", 2)}


def test_the_scheduler_is_asked_no_longer_than_there_is_time() -> None:
    clock = iter((False, False, True))
    found = pack(Groups((Group(pod("a"), 5),), machines(2)), over=lambda: next(clock))
    assert found == Stuck(2, "a", "there is no time left", late=True)
    answer = solve(Groups((Group(pod("a"), 5),), machines(2)), milliseconds=0)
    assert answer == Undecided("the scheduler had placed 0 of 5 Pods when the time was up (--timeout)")


def _rooms() -> list[tuple[Node, Any]]:
    first, second = machines(2)
    room = first.status.allocatable
    cpu = type(next(iter(room.values())))
    return [(first, room.set("cpu", cpu.of(2))), (second, room.set("cpu", cpu.of(3)))]


def test_the_scheduler_packs_what_it_says_it_packs() -> None:
    groups = Groups((Group(pod("web", **near("db")), 6), Group(pod("db", **apart("db")), 2)), machines(4))
    answer = pack(groups)
    assert isinstance(answer, Fits)
    by_name = {one.pod.metadata.name: one.pod for one in groups.groups}
    snapshot = Snapshot.of(Cache.of(groups.nodes))
    for spot in sorted(answer.spots, key=lambda one: one.group):
        for _ in range(spot.count):
            assert spot.node in decide(by_name[spot.group], snapshot).feasible
            snapshot = snapshot.assume(by_name[spot.group], spot.node)


SHARES, ONE_A_NODE = "cell.size * (left // share)", "<= cell.size for cell in split"
EARLIER, ONE_A_ZONE = "_rank(other, near) < _rank(index, cell)", "total(index, inside) <= 1 for"
EACH_OTHER = [Group(pod("a", **near("b")), 1), Group(pod("b", **near("a")), 1)]


@pytest.mark.parametrize(
    ("before", "after", "groups"),
    [
        pytest.param(SHARES, f"1 + {SHARES}", [Group(pod("a", "3"), 21)], id="room for one more"),
        pytest.param(
            ONE_A_NODE, ONE_A_NODE.replace("<=", "<= 1 +"), [Group(pod("a", **apart("a")), 21)], id="two on a node"
        ),
        pytest.param(EARLIER, EARLIER.replace("<", "!="), EACH_OTHER, id="two that wait for each other"),
        pytest.param(
            ONE_A_ZONE, ONE_A_ZONE.replace("1", "2"), [Group(pod("a", **apart("a", ZONE)), 3)], id="two in one zone"
        ),
    ],
)
def test_a_planted_fault_loses_the_proof(before: str, after: str, groups: list[Group]) -> None:
    problem = Groups(tuple(groups), MANY)
    assert isinstance(contradiction(problem), Misfit)
    with planted(GROUPS, before, after):
        assert contradiction(problem) is None


def test_a_label_speaks_for_a_cell_only_where_all_its_nodes_have_it() -> None:
    def labelled(**labels: str) -> Node:
        return Node(ObjectMeta(name="n", labels=strings(labels)))

    cell = Cell((labelled(zone="a", disk="x"), labelled(zone="a", disk="y")))
    assert (cell.value("zone"), cell.value("disk"), cell.value("rack")) == ("a", None, None)
