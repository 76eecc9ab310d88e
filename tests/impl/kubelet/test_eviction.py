"""A node that runs out of memory: when it does, who goes first, what it says of itself."""

from __future__ import annotations

import pytest
from immutabledict import immutabledict

from kubeproof.impl.api.core import Container, Node, NodeStatus, Pod, PodSpec, ResourceRequirements
from kubeproof.impl.api.meta import ObjectMeta
from kubeproof.impl.api.runtime import PodRuntime, Stage
from kubeproof.impl.api.values.frozen import strings
from kubeproof.impl.api.values.quantity import parse_quantity
from kubeproof.impl.kubelet import eviction
from kubeproof.impl.kubelet.status import status

NODE = Node(ObjectMeta("n"), status=NodeStatus(capacity=immutabledict({"memory": parse_quantity("1000Mi")})))


def running(name: str, uses: str, asks: str = "0", priority: int = 0, stage: Stage = Stage.RUNNING) -> eviction.Running:
    asked = ResourceRequirements(requests=immutabledict({"memory": parse_quantity(asks)}))
    spec = PodSpec(containers=(Container("c", "web:1", resources=asked),), priority=priority)
    meta = ObjectMeta(name=name, uid=name, annotations=strings({eviction.USES: uses} if uses else {}))
    return Pod(meta, spec), PodRuntime(stage, name)


@pytest.mark.parametrize(
    ("pods", "expected"),
    [
        ([("900Mi", Stage.RUNNING)], False),
        ([("901Mi", Stage.RUNNING)], True),
        ([("500Mi", Stage.RUNNING), ("500Mi", Stage.TERMINATING)], True),
        ([("500Mi", Stage.RUNNING), ("500Mi", Stage.STOPPED)], False),
        ([("", Stage.RUNNING)], False),
    ],
)
def test_a_node_is_short_of_memory_with_less_than_100_mi_left(pods: list[tuple[str, Stage]], expected: bool) -> None:  # noqa: FBT001 - a column
    there = [running(str(number), uses, stage=stage) for number, (uses, stage) in enumerate(pods)]
    assert eviction.short(NODE, there) is expected
    assert eviction.short(Node(ObjectMeta("n")), there) is False


@pytest.mark.parametrize(
    ("pods", "first"),
    [
        ([running("a", "300Mi", "100Mi", 5), running("b", "300Mi", "300Mi", 0)], {"a"}),
        ([running("a", "300Mi", "100Mi", 5), running("b", "200Mi", "100Mi", 0)], {"b"}),
        ([running("a", "300Mi", "100Mi"), running("b", "200Mi", "100Mi")], {"a"}),
        ([running("a", "300Mi", "300Mi"), running("b", "300Mi", "300Mi")], {"a", "b"}),
        ([running("a", ""), running("b", "300Mi", stage=Stage.PRE_STOP)], set()),
    ],
    ids=["beyond its request", "less important", "further beyond", "alike", "nobody"],
)
def test_who_goes_first(pods: list[eviction.Running], first: set[str]) -> None:
    assert {pod.metadata.name for pod in eviction.victims(pods)} == first


def test_who_is_ended_has_failed_and_says_why() -> None:
    pod, runtime = running("a", "300Mi")
    told = status(pod, eviction.evicted(runtime))
    assert (told.phase, told.reason) == ("Failed", "Evicted")


def test_a_node_says_that_it_is_short_of_memory_and_that_it_is_no_more() -> None:
    said = eviction.reported(NODE, pressure=True)
    assert eviction.says_so(said)
    assert not eviction.says_so(NODE)
    assert not eviction.says_so(eviction.reported(said, pressure=False))
