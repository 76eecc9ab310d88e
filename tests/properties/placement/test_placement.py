"""The placement specification against the scheduler's filters, against brute force, and against its own proofs."""

from __future__ import annotations

from itertools import permutations, product
from typing import Any

import pytest
import z3
from attrs import evolve
from hypothesis import given, settings
from immutabledict import immutabledict

from kubeproof.impl.api.cache import Cache
from kubeproof.impl.api.core import (
    Affinity,
    Container,
    ContainerPort,
    Node,
    NodeSpec,
    NodeStatus,
    Pod,
    PodAffinity,
    PodAffinityTerm,
    PodSchedulingGate,
    PodSpec,
    ResourceRequirements,
    Taint,
    TopologySpreadConstraint,
)
from kubeproof.impl.api.meta import LabelSelector, ObjectMeta, OwnerReference
from kubeproof.impl.api.values.frozen import strings
from kubeproof.impl.api.values.quantity import Quantity
from kubeproof.impl.api.well_known import HOSTNAME
from kubeproof.impl.scheduler import Profile, schedule
from kubeproof.impl.scheduler.plugins import inter_pod_affinity
from kubeproof.properties.placement.filters import disagreements
from kubeproof.properties.placement.nodes import what_is_left
from kubeproof.properties.placement.placement import Infeasible, Placed, broken, feasible, nearest, rules, why_pending
from kubeproof.properties.placement.problem import Problem, Reason
from scenes.scheduling_strategies import FEATURES, Scene, scenes

JUST_AFFINITY = Profile((inter_pod_affinity.PLUGIN,), ())
LONELY = "node(s) didn't match pod affinity rules"


@settings(max_examples=80)
@given(scenes())
def test_every_filter_refuses_exactly_what_the_specification_refuses(scene: Scene) -> None:
    assert list(disagreements(scene.problem, scene.cache)) == []


@pytest.mark.parametrize("feature", sorted(FEATURES))
def test_each_feature_is_refused_alike_and_does_refuse(feature: str) -> None:
    refused = []

    @settings(max_examples=60, derandomize=True)
    @given(scenes(only=frozenset({feature})))
    def agree(scene: Scene) -> None:
        assert list(disagreements(scene.problem, scene.cache)) == []
        refused.append(any(broken(scene.problem).values()))

    agree()
    assert any(refused) or feature == "labels"


@settings(max_examples=40)
@given(scenes())
def test_why_pending_says_fits_of_exactly_the_feasible_nodes(scene: Scene) -> None:
    (pod,) = scene.waiting
    lines = why_pending(pod, scene.cache)
    fitting = [node.metadata.name for node in scene.nodes if f"new0 fits on {node.metadata.name}" in _short(lines)]
    assert tuple(fitting) == schedule(pod, scene.cache).feasible


def test_the_nearest_node_is_the_one_that_the_least_keeps_a_pod_off() -> None:
    """An uncordon would not do: what bars the other node bars the cordoned one, too."""
    here = NodeStatus(allocatable=immutabledict(pods=Quantity(9000)))
    closed, opened = NodeSpec(unschedulable=True), NodeSpec()
    nodes = [Node(ObjectMeta(name=name), spec, here) for name, spec in (("closed", closed), ("open", opened))]
    wanting = PodSpec((Container("c", "i"),), node_selector=strings({"disk": "ssd"}))
    pod = Pod(ObjectMeta("p", namespace="default"), wanting)
    cache = Cache.of(nodes)
    assert "cordon" in why_pending(pod, cache)[0]
    assert nearest(pod, cache).startswith("p cannot go to open: ")


def _short(lines: tuple[str, ...]) -> list[str]:
    return [line.removeprefix("left/").removeprefix("right/") for line in lines]


# --- all Pods at once ---------------------------------------------------------------------------------------------


def brute_force(scene: Scene) -> bool:
    """Try every assignment, and for affinity every order, with the scheduler's filters as the judge."""
    names = [node.metadata.name for node in scene.nodes]
    return any(_valid(scene, homes) for homes in product(names, repeat=len(scene.waiting)))


def _valid(scene: Scene, homes: tuple[str, ...]) -> bool:
    placed = [
        evolve(pod, spec=evolve(pod.spec, node_name=home)) for pod, home in zip(scene.waiting, homes, strict=True)
    ]
    indexes = range(len(placed))
    if not all(_fits_beside_all(scene, placed, index) for index in indexes):
        return False
    return any(
        all(_finds_company(scene, placed, order[:step], order[step]) for step in indexes)
        for order in permutations(indexes)
    )


def _fits_beside_all(scene: Scene, placed: list[Pod], index: int) -> bool:
    """All rules but affinity, with every other Pod in its place."""
    pod = scene.waiting[index]
    affinity = pod.spec.affinity and evolve(pod.spec.affinity, pod_affinity=None)
    others = [other for other in placed if other is not placed[index]]
    loner = evolve(pod, spec=evolve(pod.spec, affinity=affinity))
    return placed[index].spec.node_name in schedule(loner, _with(scene, others)).feasible


def _finds_company(scene: Scene, placed: list[Pod], earlier: tuple[int, ...], index: int) -> bool:
    """Affinity, with only the earlier Pods in their places."""
    only = schedule(scene.waiting[index], _with(scene, [placed[other] for other in earlier]), JUST_AFFINITY)
    refused = only.refusals.get(placed[index].spec.node_name)
    return refused is None or LONELY not in refused.reasons


def _with(scene: Scene, placed: list[Pod]) -> Cache:
    return evolve(scene, bound=(*scene.bound, *placed), waiting=()).cache


@settings(max_examples=50)
@given(scenes(waiting=2, most_nodes=2))
def test_z3_and_brute_force_agree_on_two_pods(scene: Scene) -> None:
    assert isinstance(_solve(scene), Placed) == brute_force(scene)


@settings(max_examples=25)
@given(scenes(waiting=3, most_nodes=2))
def test_z3_and_brute_force_agree_on_three_pods(scene: Scene) -> None:
    assert isinstance(_solve(scene), Placed) == brute_force(scene)


def _solve(scene: Scene) -> Placed | Infeasible:
    return feasible(scene.waiting, scene.nodes, scene.bound, scene.problem.namespaces)


@settings(max_examples=50)
@given(scenes(waiting=2))
def test_a_placement_is_valid_and_a_core_is_contradictory_and_minimal(scene: Scene) -> None:
    answer = _solve(scene)
    if isinstance(answer, Placed):
        names = {f"{pod.metadata.namespace}/{pod.metadata.name}": pod for pod in scene.waiting}
        assert _valid(scene, tuple(answer.assignment[name] for name in names))
        assert sorted(answer.order) == sorted(names)
        return
    assert not _satisfiable(scene.problem, answer.core)
    for dropped in answer.core:
        assert _satisfiable(scene.problem, tuple(one for one in answer.core if one != dropped)), str(dropped)


def _satisfiable(problem: Problem, reasons: tuple[Reason, ...]) -> bool:
    solver = z3.Solver()
    solver.add([rule.formula for rule in rules(problem) if rule.reason in reasons])
    for index in range(len(problem.pods)):
        solver.add(z3.AtMost(*[problem.at(index, node) for node in problem.nodes], 1))
    solver.add(z3.Distinct([problem.rank(index) for index in range(len(problem.pods))]))
    return solver.check() == z3.sat


# --- stories ------------------------------------------------------------------------------------------------------


def machine(name: str, cpu: int = 4, **spec: Any) -> Node:
    room = immutabledict({"cpu": Quantity.of(cpu), "pods": Quantity(9000)})
    return Node(ObjectMeta(name=name, labels=strings({HOSTNAME: name})), NodeSpec(**spec), NodeStatus(room, room))


def web(name: str, node: str = "") -> Pod:
    """Make a Pod that wants no other of its kind on its host."""
    term = PodAffinityTerm(LabelSelector(strings({"app": "web"})), topology_key=HOSTNAME)
    spec = PodSpec(node_name=node, affinity=Affinity(pod_anti_affinity=PodAffinity((term,))))
    return Pod(ObjectMeta(name=name, namespace="default", labels=strings({"app": "web"})), spec)


def hungry(name: str, cpu: int) -> Pod:
    container = Container("c", resources=ResourceRequirements(immutabledict({"cpu": Quantity.of(cpu)})))
    return Pod(ObjectMeta(name=name, namespace="default"), PodSpec((container,)))


def test_a_rollout_stuck_on_anti_affinity_is_explained_per_node() -> None:
    cache = Cache.of([machine("n1"), machine("n2", unschedulable=True), web("web-y", "n1"), web("web-x")])
    assert why_pending(web("web-x"), cache) == (
        (
            "web-x cannot go to n1: n1 already runs web-y, which the required anti-affinity on kubernetes.io/hostname "
            "excludes; one more node with a new kubernetes.io/hostname, or maxSurge: 0, would do"
        ),
        "web-x cannot go to n2: n2 is cordoned; kubectl uncordon n2 would do",
    )


def test_pods_of_one_template_are_no_surge() -> None:
    owner = OwnerReference("apps/v1", "ReplicaSet", "web-1", "u", controller=True)
    here, there = (
        evolve(pod, metadata=evolve(pod.metadata, owner_references=(owner,))) for pod in (web("a"), web("b", "n1"))
    )
    (why,) = why_pending(here, Cache.of([machine("n1"), there, here]))
    assert why.endswith("excludes; one more node with a new kubernetes.io/hostname would do")


def test_a_pod_with_gates_or_without_nodes_is_explained() -> None:
    gated = evolve(web("web-x"), spec=PodSpec(scheduling_gates=(PodSchedulingGate("quota"),)))
    assert why_pending(gated, Cache.of([machine("n1")])) == (
        "web-x is not tried: it has the scheduling gates quota; removing them would do",
    )
    assert why_pending(web("web-x"), Cache()) == ("web-x cannot run: there is no node; one node would do",)


def test_a_core_names_what_stands_in_the_way_and_nothing_else() -> None:
    taint = Taint("gpu", "NoSchedule")
    answer = feasible([hungry("big", 3), web("web-x")], [machine("n1", 2), machine("n2", taints=(taint,))])
    assert isinstance(answer, Infeasible)
    assert answer.words.splitlines() == [
        "big has to run somewhere; without it there would be a placement",
        "big cannot go to n2: n2 has the taint gpu:NoSchedule; a toleration of gpu or removing the taint would do",
        (
            "n1 has 2000m of 2000m cpu left: big asks for 3000m; "
            "a larger node, one more node, or smaller requests of cpu would do"
        ),
    ]


def test_one_more_node_is_no_remedy_for_what_no_node_is_large_enough_for() -> None:
    answer = feasible([hungry("big", 9)], [machine("n1", 2), machine("n2", 8)])
    assert isinstance(answer, Infeasible)
    assert (
        "n2 has 8000m of 8000m cpu left: big asks for 9000m; a larger node, or smaller requests of cpu" in answer.words
    )
    assert "one more node" not in answer.words


@pytest.mark.parametrize(
    ("resource", "amount", "left"),
    [
        ("cpu", 1500, "1500m of 2000m cpu left"),
        ("memory", 3 << 29, "1536Mi of 2000 memory left"),
        ("pods", 10, "10 of 2000 pods left"),
    ],
)
def test_amounts_are_written_as_in_manifests(resource: str, amount: int, left: str) -> None:
    assert what_is_left(resource, 2000, amount) == left
    assert what_is_left(resource, 0, 0) == f"no {resource}"


def test_all_at_once_there_is_a_placement_that_one_at_a_time_misses() -> None:
    small, large = machine("n1", 2), machine("n2", 3)
    answer = feasible([hungry("first", 2), hungry("second", 3)], [small, large])
    assert isinstance(answer, Placed)
    assert dict(answer.assignment) == {"first": "n1", "second": "n2"}
    # The scheduler prefers the emptier node for the first Pod, and then the second fits nowhere.
    assert schedule(hungry("first", 2), Cache.of([small, large])).best == ("n2",)
    taken = evolve(hungry("first", 2), spec=evolve(hungry("first", 2).spec, node_name="n2"))
    assert schedule(hungry("second", 3), Cache.of([small, large, taken])).feasible == ()


def test_two_that_exclude_each_other_need_two_hosts() -> None:
    pair = [web("web-x"), web("web-y")]
    assert isinstance(feasible(pair, [machine("n1"), machine("n2")]), Placed)
    alone = feasible(pair, [machine("n1")])
    assert isinstance(alone, Infeasible)
    assert [one.kind for one in alone.core] == ["must run", "must run", "anti-affinity"]


def test_two_that_want_one_host_port_need_two_nodes() -> None:
    container = Container("c", ports=(ContainerPort(80, host_port=8080),))
    pair = [Pod(ObjectMeta(name=name, namespace="default"), PodSpec((container,))) for name in ("one", "two")]
    assert isinstance(feasible(pair, [machine("n1"), machine("n2")]), Placed)
    alone = feasible(pair, [machine("n1")])
    assert isinstance(alone, Infeasible)
    assert [one.kind for one in alone.core] == ["must run", "must run", "ports"]


def test_two_that_spread_cannot_share_the_only_open_host() -> None:
    even = TopologySpreadConstraint(1, HOSTNAME, "DoNotSchedule", LabelSelector(strings({"app": "web"})))
    spec = PodSpec(topology_spread_constraints=(even,))
    meta = ObjectMeta(namespace="default", labels=strings({"app": "web"}))
    pair = [Pod(evolve(meta, name=name), spec) for name in ("one", "two")]
    closed = machine("n2", taints=(Taint("gpu", "NoSchedule"),))
    assert isinstance(feasible(pair, [machine("n1"), machine("n2")]), Placed)
    answer = feasible(pair, [machine("n1"), closed])
    assert isinstance(answer, Infeasible)
    assert sorted({one.kind for one in answer.core}) == ["must run", "spread", "taint"]
