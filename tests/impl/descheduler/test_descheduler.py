"""The descheduler evicts from whoever has more than its share, and asks for room only where it is told to.

The cases are those of its documentation and of its own tables (kubernetes-sigs/descheduler, removeduplicates_test.go
and topologyspreadconstraint_test.go), small.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest
from attrs import evolve
from immutabledict import immutabledict

from kubeproof.impl.api.cache import Cache
from kubeproof.impl.api.core import (
    Container,
    Node,
    NodeCondition,
    NodeSpec,
    NodeStatus,
    Pod,
    PodSpec,
    ResourceRequirements,
    Taint,
    TopologySpreadConstraint,
)
from kubeproof.impl.api.meta import LabelSelector, ObjectMeta, OwnerReference
from kubeproof.impl.api.values.frozen import strings
from kubeproof.impl.api.values.quantity import parse_quantity
from kubeproof.impl.descheduler.descheduler import cycles
from kubeproof.impl.descheduler.policy import Policy, read_policy

LABELS = strings({"app": "web"})
OWNER = OwnerReference("apps/v1", "ReplicaSet", "web", "u", controller=True)
DUPLICATES = Policy(duplicates=True)
SOFT = Policy(spread=frozenset({"DoNotSchedule", "ScheduleAnyway"}), balance_fits=False)


def node(name: str, cpu: int = 8, *, ready: str = "True", taints: tuple[Taint, ...] = (), **labels: str) -> Node:
    amounts = immutabledict({"cpu": parse_quantity(str(cpu)), "pods": parse_quantity("10")})
    status = NodeStatus(allocatable=amounts, conditions=(NodeCondition("Ready", ready),))
    return Node(ObjectMeta(name=name, labels=strings(labels)), NodeSpec(taints=taints), status)


def pods(on: Mapping[str, int], *constraints: TopologySpreadConstraint, cpu: int = 1) -> tuple[Pod, ...]:
    asked = ResourceRequirements(requests=immutabledict({"cpu": parse_quantity(str(cpu))}))
    found = []
    for home, number in on.items():
        spec = PodSpec(
            containers=(Container("c", "web:1", resources=asked),),
            node_name=home,
            topology_spread_constraints=constraints,
        )
        for one in range(number):
            meta = ObjectMeta(name=f"{home}-{one}", namespace="default", labels=LABELS, owner_references=(OWNER,))
            found.append(Pod(meta, spec))
    return tuple(found)


def spread(key: str, when: str = "ScheduleAnyway", skew: int = 1) -> TopologySpreadConstraint:
    return TopologySpreadConstraint(skew, key, when, LabelSelector(LABELS))


def evicted(policy: Policy, nodes: Iterable[Node], there: Iterable[Pod]) -> set[tuple[str, ...]]:
    found = cycles(Cache.of((*nodes, *there)), policy)
    return {tuple(sorted(one.pod.name for one in evictions)) for evictions in found}


def test_one_of_any_is_evicted_from_a_node_with_more_than_its_share() -> None:
    """Five Pods on three nodes are two a node; room is not asked for."""
    nodes = (node("a", 1), node("b", 1), node("c"))
    there = pods({"a": 1, "b": 1, "c": 3})
    assert evicted(DUPLICATES, nodes, there) == {("c-0",), ("c-1",), ("c-2",)}


@pytest.mark.parametrize(
    ("nodes", "on"),
    [
        ((node("a"), node("b"), node("c")), {"a": 2, "b": 2, "c": 1}),
        ((node("c"),), {"c": 3}),
        ((node("c"), node("b", taints=(Taint("k", "NoSchedule"),))), {"c": 3}),
        ((node("c"), node("b", ready="False")), {"c": 3}),
    ],
    ids=["even", "one node", "the other one is tainted", "the other one is not ready"],
)
def test_nobody_is_evicted_who_has_no_other_node_or_no_more_than_its_share(
    nodes: tuple[Node, ...], on: Mapping[str, int]
) -> None:
    assert evicted(DUPLICATES, nodes, pods(on)) == set()


def test_with_node_fit_nobody_is_evicted_who_fits_nowhere_else() -> None:
    nodes = (node("a", 1), node("b", 1), node("c"))
    there = pods({"a": 1, "b": 1, "c": 3})
    assert evicted(evolve(DUPLICATES, node_fit=True), nodes, there) == set()
    assert evicted(evolve(DUPLICATES, node_fit=True), (node("a", 2), *nodes[1:]), there) != set()


@pytest.mark.parametrize(
    "change",
    [
        {"owner_references": ()},
        {"owner_references": (evolve(OWNER, kind="DaemonSet"),)},
        {"deletion_timestamp": 1},
    ],
    ids=["nobody's", "a DaemonSet's", "leaving"],
)
def test_some_are_never_evicted(change: dict[str, object]) -> None:
    there = [evolve(one, metadata=evolve(one.metadata, **change)) for one in pods({"c": 4})]
    assert evicted(DUPLICATES, (node("a"), node("c")), there) == set()


def test_pods_that_use_the_node_or_are_critical_are_evicted_only_where_the_policy_says_so() -> None:
    nodes = (node("a"), node("c"))
    local = [
        evolve(
            one,
            spec=evolve(
                one.spec, extra=immutabledict({"volumes": (immutabledict({"name": "v", "emptyDir": immutabledict()}),)})
            ),
        )
        for one in pods({"c": 4})
    ]
    assert evicted(DUPLICATES, nodes, local) == set()
    assert evicted(evolve(DUPLICATES, local_storage=True), nodes, local) != set()
    critical = [evolve(one, spec=evolve(one.spec, priority=2_000_000_000)) for one in pods({"c": 4})]
    assert evicted(DUPLICATES, nodes, critical) == set()
    assert evicted(evolve(DUPLICATES, system_critical=True), nodes, critical) != set()


def test_constraints_are_balanced_one_by_one() -> None:
    """Two Pods on each node are even by hostname, and 2 to 4 by lifecycle (descheduler#921)."""
    nodes = (node("a", h="a", l="on"), node("b", h="b", l="spot"), node("c", h="c", l="spot"))
    there = pods({"a": 2, "b": 2, "c": 2}, spread("h"), spread("l"))
    assert evicted(SOFT, nodes, there) == {("b-0",), ("b-1",), ("c-0",), ("c-1",)}
    hard = evolve(SOFT, spread=frozenset({"DoNotSchedule"}))
    assert evicted(hard, nodes, there) == set()


@pytest.mark.parametrize(
    ("on", "skew", "number"),
    [({"a": 0, "b": 1}, 1, 0), ({"a": 0, "b": 2}, 1, 1), ({"a": 0, "b": 5}, 1, 2), ({"a": 0, "b": 3}, 3, 0)],
)
def test_a_domain_gives_away_no_more_than_what_evens_it_out(on: Mapping[str, int], skew: int, number: int) -> None:
    nodes = (node("a", h="a"), node("b", h="b"))
    found = evicted(SOFT, nodes, pods(on, spread("h", skew=skew)))
    assert {len(one) for one in found} == ({number} if number else set())


def test_who_fits_on_no_other_node_stays_for_the_sake_of_a_constraint() -> None:
    nodes = (node("a", 1, h="a"), node("b", h="b"))
    there = pods({"b": 3}, spread("h"), cpu=2)
    assert evicted(evolve(SOFT, balance_fits=True), nodes, there) == set()
    assert evicted(SOFT, nodes, there) != set()


def test_pods_leave_a_node_whose_taint_they_do_not_tolerate() -> None:
    taint = Taint("k", "NoSchedule")
    assert evicted(Policy(taints=True), (node("a", taints=(taint,)), node("b")), pods({"a": 1, "b": 1})) == {("a-0",)}
    assert (
        evicted(Policy(taints=True), (node("a", taints=(evolve(taint, effect="PreferNoSchedule"),)),), pods({"a": 1}))
        == set()
    )


def test_both_versions_of_a_policy_are_read_and_what_is_not_known_is_named() -> None:
    new = {
        "profiles": [
            {
                "pluginConfig": [
                    {"name": "DefaultEvictor", "args": {"nodeFit": True, "minReplicas": 2}},
                    {
                        "name": "RemovePodsViolatingTopologySpreadConstraint",
                        "args": {"constraints": ["ScheduleAnyway"], "topologyBalanceNodeFit": False},
                    },
                ],
                "plugins": {
                    "balance": {"enabled": ["RemovePodsViolatingTopologySpreadConstraint", "LowNodeUtilization"]},
                    "deschedule": {"enabled": ["RemovePodsViolatingNodeTaints"]},
                },
            }
        ]
    }
    assert read_policy(new) == Policy(
        spread=frozenset({"ScheduleAnyway"}),
        taints=True,
        node_fit=True,
        balance_fits=False,
        unknown=("DefaultEvictor.minReplicas", "LowNodeUtilization"),
    )
    old = {
        "evictLocalStoragePods": True,
        "strategies": {
            "RemoveDuplicates": {"enabled": True},
            "RemovePodsViolatingTopologySpreadConstraint": {
                "enabled": True,
                "params": {"includeSoftConstraints": True},
            },
            "LowNodeUtilization": {"enabled": False},
        },
    }
    both = frozenset({"DoNotSchedule", "ScheduleAnyway"})
    assert read_policy(old) == Policy(duplicates=True, spread=both, local_storage=True)
    assert read_policy({}) == Policy()
