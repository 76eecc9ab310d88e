"""An update is told by what it changed: of one object, the telling fields first, and no more than a line holds."""

from __future__ import annotations

import pytest

from kubeproof.impl.api.core import Node, NodeCondition, NodeSpec, NodeStatus, Taint
from kubeproof.impl.api.meta import ObjectMeta, Ref
from kubeproof.impl.api.values.frozen import freeze
from kubeproof.traces.changes import Change, changes
from kubeproof.traces.gist import gist
from kubeproof.traces.words import outcome

WEB = Ref("ReplicaSet", "default", "web")
CUT_OFF = Taint("node.kubernetes.io/unreachable", effect="NoExecute")


def change(field: str, before: object, after: object, of: Ref = WEB) -> Change:
    return Change("slot", of, field, freeze(before), freeze(after))


def node(*taints: Taint, ready: str = "True", unschedulable: bool = False) -> Node:
    told = NodeStatus(conditions=(NodeCondition("MemoryPressure", "False"), NodeCondition("Ready", ready)))
    return Node(ObjectMeta("node-1"), NodeSpec(unschedulable=unschedulable, taints=taints), told)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (node(), node(CUT_OFF), "taint node.kubernetes.io/unreachable:NoExecute added"),
        (node(CUT_OFF), node(), "taint node.kubernetes.io/unreachable:NoExecute removed"),
        (
            node(Taint("a", value="b", effect="NoSchedule")),
            node(CUT_OFF),
            f"taint a=b:NoSchedule removed, taint {CUT_OFF.key}:NoExecute added",
        ),
        (node(), node(unschedulable=True), "unschedulable false -> true"),
        (node(), node(ready="Unknown"), "Ready True -> Unknown"),
        (node(), node(CUT_OFF, ready="Unknown"), f"taint {CUT_OFF.key}:NoExecute added, Ready True -> Unknown"),
    ],
)
def test_an_update_of_a_node_says_which_field(before: Node, after: Node, said: str) -> None:
    found = changes({"store/Node/0": before}, {"store/Node/0": after})
    assert gist(found, "Node node-1") == said
    assert outcome("updates Node node-1", found) == f"updates Node node-1: {said}"


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ([change("status.replicas", 0, 1), change("metadata.generation", 2, 1)], "replicas 0 -> 1"),
        ([change("metadata.generation", 2, 1), change("status.observedGeneration", None, 1)], "observedGeneration"),
        ([change("status", None, {"active": 1, "ready": 0})], "active 0 -> 1"),
        ([change("status.a", 0, 1), change("spec.b", 0, 1)], "b 0 -> 1, a 0 -> 1"),
        ([change(f"status.{name}", 0, 1) for name in "abcde"], "a 0 -> 1, b 0 -> 1 and 3 more"),
        ([change("metadata.finalizers", ["a/b"], None)], "finalizer a/b removed"),
        (
            [change("metadata.ownerReferences", None, [{"kind": "ReplicaSet", "name": "web", "uid": "1"}])],
            "owner ReplicaSet web added",
        ),
        ([change("status.conditions[1].message", "x", "y")], "conditions"),
        ([change("spec.replicas", 0, 1, Ref("ReplicaSet", "default", "other"))], ""),
        ([change("", None, {"spec": {"replicas": 1}})], ""),
    ],
)
def test_what_is_told_of_changes(found: list[Change], said: str) -> None:
    assert gist(found, "ReplicaSet web") == said


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ("updates ReplicaSet web (status)", "updates ReplicaSet web (status): replicas 0 -> 1"),
        ("adopts or releases ReplicaSet web", "updates ReplicaSet web: replicas 0 -> 1"),
        ("patches ReplicaSet web", "patches ReplicaSet web: replicas 0 -> 1"),
        ("updates ReplicaSet web: 3 -> 2 replicas", "updates ReplicaSet web: 3 -> 2 replicas"),
        ("updates ReplicaSet other", "updates ReplicaSet other"),
        ("creates ReplicaSet web", "creates ReplicaSet web"),
    ],
)
def test_a_label_that_says_what_is_left_as_it_is(label: str, said: str) -> None:
    assert outcome(label, [change("status.replicas", 0, 1)]) == said
