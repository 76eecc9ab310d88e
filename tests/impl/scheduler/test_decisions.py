"""What the recordings do not show: gates, empty clusters, promises to Pods, the order of the queue, what is missing."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve
from immutabledict import immutabledict

from kubeproof.impl.api.cache import Cache
from kubeproof.impl.api.core import Container, Node, NodeStatus, Pod, PodSchedulingGate, PodSpec, ResourceRequirements
from kubeproof.impl.api.meta import ObjectMeta
from kubeproof.impl.api.values.frozen import freeze
from kubeproof.impl.api.values.quantity import Quantity
from kubeproof.impl.scheduler import Decision, Profile, Refusal, schedule, unmodelled
from kubeproof.impl.scheduler.plugins import node_name
from kubeproof.impl.scheduler.plugins.priority_sort import sort_key


def node(name: str, cpu: int = 2) -> Node:
    room = immutabledict({"cpu": Quantity.of(cpu), "pods": Quantity.of(3)})
    return Node(ObjectMeta(name=name), status=NodeStatus(room, room))


def pod(name: str, cpu: int = 1, *, created: int | None = None, **spec: Any) -> Pod:
    container = Container("c", resources=ResourceRequirements(immutabledict({"cpu": Quantity.of(cpu)})))
    meta = ObjectMeta(name=name, namespace="default", creation_timestamp=created)
    return Pod(meta, PodSpec((container,), **spec))


def test_a_gated_pod_is_not_tried() -> None:
    gated = pod("new", scheduling_gates=(PodSchedulingGate("quota"), PodSchedulingGate("audit")))
    assert schedule(gated, Cache.of([node("n1")])) == Decision(skipped="waiting for scheduling gates: [quota audit]")


def test_without_nodes_there_is_nothing_to_refuse() -> None:
    assert schedule(pod("new"), Cache()) == Decision(message="no nodes available to schedule pods")


def test_a_finished_pod_holds_no_room_and_a_deleted_one_does() -> None:
    old = pod("old", 2, node_name="n1")
    finished = evolve(old, status=evolve(old.status, phase="Failed"))
    deleted = evolve(old, metadata=evolve(old.metadata, deletion_timestamp=1))
    assert schedule(pod("new"), Cache.of([node("n1"), finished])).feasible == ("n1",)
    decision = schedule(pod("new"), Cache.of([node("n1"), deleted]))
    assert decision.refusals == {"n1": Refusal("NodeResourcesFit", ("Insufficient cpu",))}
    assert decision.message == (
        "0/1 nodes are available: 1 Insufficient cpu. "
        "no new claims to deallocate, "
        "preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod."
    )


def test_all_ties_are_given_and_the_emptier_node_wins() -> None:
    assert schedule(pod("new"), Cache.of([node("n2"), node("n1")])).best == ("n1", "n2")
    taken = Cache.of([node("n2"), node("n1"), pod("old", node_name="n1")])
    assert schedule(pod("new"), taken).best == ("n2",)


def promised(one: Pod, name: str) -> Pod:
    return evolve(one, status=evolve(one.status, nominated_node_name=name))


def test_room_promised_to_a_pod_of_at_least_its_priority_is_not_taken() -> None:
    waiting = promised(pod("important", 2, priority=10), "n1")
    cache = Cache.of([node("n1"), waiting])
    assert schedule(pod("new", priority=10), cache).feasible == ()
    assert schedule(pod("new", priority=11), cache).feasible == ("n1",)
    assert schedule(waiting, cache).feasible == ("n1",)


def test_the_promised_node_is_best_if_it_is_feasible() -> None:
    cache = Cache.of([node("n1"), node("n2"), pod("old", node_name="n1")])
    assert schedule(promised(pod("new"), "n1"), cache).best == ("n1",)
    assert schedule(promised(pod("new", 2), "n1"), cache).best == ("n2",)


def test_preemption_is_possible_only_over_lower_priority_and_if_allowed() -> None:
    cache = Cache.of([node("n1"), pod("old", 2, node_name="n1", priority=5)])
    above = schedule(pod("new", priority=6), cache)
    assert above.preemptable == ("n1",)
    assert above.message == "0/1 nodes are available: 1 Insufficient cpu."
    assert schedule(pod("new", priority=5), cache).preemptable == ()
    never = schedule(pod("new", priority=6, preemption_policy="Never"), cache)
    assert never.preemptable == ()
    assert never.message.endswith("preemption: not eligible due to preemptionPolicy=Never.")


def test_a_profile_decides_what_is_asked() -> None:
    only_name = Profile((node_name.PLUGIN,), ())
    decision = schedule(pod("new", 9, node_name="n2"), Cache.of([node("n1"), node("n2")]), only_name)
    assert decision.feasible == ("n2",)
    assert decision.refusals["n1"].reasons == ("node(s) didn't match the requested node name",)


def test_the_queue_goes_by_priority_then_age_then_name() -> None:
    queue = [pod("b", created=1), pod("a", created=2), pod("c", created=1), pod("z", created=3, priority=1)]
    assert [one.metadata.name for one in sorted(queue, key=sort_key)] == ["z", "b", "c", "a"]


@pytest.mark.parametrize(
    ("volume", "named"),
    [({"persistentVolumeClaim": {"claimName": "data"}}, ("spec.volumes",)), ({"emptyDir": {}}, ())],
    ids=["a claim restricts nodes", "an empty directory does not"],
)
def test_volumes_that_restrict_nodes_are_named_as_unmodelled(volume: Any, named: tuple[str, ...]) -> None:
    spec = PodSpec(extra=freeze({"volumes": [{"name": "data", **volume}]}))
    assert unmodelled(Pod(ObjectMeta(name="new"), spec)) == named
