"""Preemption where the recordings are silent: earlier victims still leaving, spent and odd budgets, ties."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve
from immutabledict import immutabledict

from kubeproof.impl.api.cache import Cache
from kubeproof.impl.api.core import (
    Container,
    Node,
    NodeStatus,
    Pod,
    PodCondition,
    PodSpec,
    PodStatus,
    ResourceRequirements,
)
from kubeproof.impl.api.meta import LabelSelector, ObjectMeta, Ref
from kubeproof.impl.api.policy import PodDisruptionBudget, PodDisruptionBudgetSpec, PodDisruptionBudgetStatus
from kubeproof.impl.api.values.frozen import strings
from kubeproof.impl.api.values.quantity import Quantity
from kubeproof.impl.scheduler import Preemption, schedule

PREEMPTED = PodCondition("DisruptionTarget", "True", "PreemptionByScheduler")
ONE_DB = strings({"app": "db"})


def node(name: str, cpu: int = 2) -> Node:
    room = immutabledict({"cpu": Quantity.of(cpu), "pods": Quantity.of(9)})
    return Node(ObjectMeta(name=name), status=NodeStatus(room, room))


def pod(name: str, cpu: int = 1, *, started: int | None = 0, app: str = "db", **spec: Any) -> Pod:
    container = Container("c", resources=ResourceRequirements(immutabledict({"cpu": Quantity.of(cpu)})))
    meta = ObjectMeta(name=name, namespace="default", labels=strings({"app": app} if app else {}))
    return Pod(meta, PodSpec((container,), **spec), PodStatus(start_time=started))


def budget(allowed: int, selector: LabelSelector | None, *evicted: str, namespace: str = "default") -> Any:
    status = PodDisruptionBudgetStatus(
        disruptions_allowed=allowed, disrupted_pods=immutabledict(dict.fromkeys(evicted, 0))
    )
    return PodDisruptionBudget(
        ObjectMeta(name="budget", namespace=namespace), PodDisruptionBudgetSpec(selector=selector), status
    )


def preemption(new: Pod, *objects: Any) -> Preemption:
    return schedule(new, Cache.of(objects)).preemption


def names(refs: tuple[Ref, ...]) -> list[str]:
    return [ref.name for ref in refs]


def leaving(one: Pod, condition: PodCondition) -> Pod:
    status = evolve(one.status, conditions=(condition,))
    return evolve(one, metadata=evolve(one.metadata, deletion_timestamp=1), status=status)


def test_only_as_many_are_evicted_as_needed_and_the_important_and_the_old_are_spared() -> None:
    low = pod("low", node_name="n", priority=1, started=1)
    old = pod("old", node_name="n", priority=1, started=0)
    high = pod("high", node_name="n", priority=2, started=9)
    found = preemption(pod("new", priority=5), node("n", 3), low, old, high)
    assert names(found.victims("n")) == ["low"]
    assert names(preemption(pod("new", 2, priority=5), node("n", 3), low, old, high).victims("n")) == ["old", "low"]


def test_who_has_not_started_goes_first() -> None:
    waiting, running = (pod(name, node_name="n", started=at) for name, at in (("a", None), ("b", 7)))
    assert names(preemption(pod("new", priority=5), node("n"), waiting, running).victims("n")) == ["a"]


def test_a_pod_waits_while_those_it_evicted_are_leaving() -> None:
    new = pod("new", priority=5)
    promised = evolve(new, status=evolve(new.status, nominated_node_name="n1"))
    gone = leaving(pod("gone", 2, node_name="n1"), PREEMPTED)
    other = pod("other", 2, node_name="n2")
    found = preemption(promised, node("n1"), node("n2"), gone, other)
    assert found.ineligible == "not eligible due to a terminating pod on the nominated node."
    assert found.candidates == ()
    assert preemption(new, node("n1"), node("n2"), gone, other).selections == ("n1", "n2")


def test_a_pod_does_not_wait_for_a_node_that_evictions_cannot_open() -> None:
    new = pod("new", priority=5)
    promised = evolve(new, status=evolve(new.status, nominated_node_name="n1"))
    closed = evolve(node("n1"), spec=evolve(node("n1").spec, unschedulable=True))
    gone, other = leaving(pod("gone", 2, node_name="n1"), PREEMPTED), pod("other", 2, node_name="n2")
    assert preemption(promised, closed, node("n2"), gone, other).selections == ("n2",)


@pytest.mark.parametrize(
    "condition",
    [
        pytest.param(PodCondition("DisruptionTarget", "True", "EvictionByEvictionAPI"), id="evicted by someone else"),
        pytest.param(PodCondition("DisruptionTarget", "False", "PreemptionByScheduler"), id="no longer a target"),
        pytest.param(PodCondition("Ready", "True", "PreemptionByScheduler"), id="another condition"),
    ],
)
def test_a_pod_does_not_wait_for_others_that_are_leaving(condition: PodCondition) -> None:
    new = pod("new", priority=5)
    promised = evolve(new, status=evolve(new.status, nominated_node_name="n1"))
    assert preemption(promised, node("n1"), leaving(pod("gone", 2, node_name="n1"), condition)).selections == ("n1",)


@pytest.mark.parametrize(
    ("guard", "violations"),
    [
        pytest.param(budget(0, LabelSelector(ONE_DB)), 1, id="a spent budget is broken"),
        pytest.param(budget(1, LabelSelector(ONE_DB)), 0, id="one eviction is allowed"),
        pytest.param(budget(0, LabelSelector()), 0, id="an empty selector is ignored"),
        pytest.param(budget(0, None), 0, id="no selector protects nobody"),
        pytest.param(budget(0, LabelSelector(strings({"app": "web"}))), 0, id="other Pods are protected"),
        pytest.param(budget(0, LabelSelector(ONE_DB), "old"), 0, id="the eviction is already counted"),
        pytest.param(budget(0, LabelSelector(ONE_DB), namespace="else"), 0, id="the budget is of another namespace"),
    ],
)
def test_budgets_that_count_are_counted(guard: PodDisruptionBudget, violations: int) -> None:
    found = preemption(pod("new", 2, priority=5), node("n"), pod("old", 2, node_name="n"), guard)
    assert [one.violations for one in found.candidates] == [violations]


def test_the_node_without_a_broken_budget_is_chosen_even_if_its_victims_matter_more() -> None:
    protected = pod("protected", 2, node_name="n1", priority=1)
    bare = pod("bare", 2, node_name="n2", priority=4, app="")
    new = pod("new", 2, priority=5)
    guard = budget(0, LabelSelector(ONE_DB))
    assert preemption(new, node("n1"), node("n2"), protected, bare, guard).selections == ("n2",)
    assert preemption(new, node("n1"), node("n2"), protected, bare).selections == ("n1",)


def test_equally_good_nodes_are_all_given() -> None:
    olds = [pod(f"old-{name}", 2, node_name=name, started=at) for name, at in (("n1", 5), ("n2", 5), ("n3", 4))]
    found = preemption(pod("new", 2, priority=5), node("n1"), node("n2"), node("n3"), *olds)
    assert [one.node for one in found.candidates] == ["n1", "n2", "n3"]
    assert found.selections == ("n1", "n2")


def test_a_node_from_which_evictions_are_no_help_says_why() -> None:
    found = preemption(
        pod("new", 2, priority=5), node("n", 2), pod("old", node_name="n"), pod("same", node_name="n", priority=5)
    )
    assert found.candidates == ()
    assert found.refusals["n"].reasons == ("Insufficient cpu",)
    assert found.message == "preemption: 0/1 nodes are available: 1 Insufficient cpu."
