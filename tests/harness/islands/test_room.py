"""Room for all islands at once: held against every way to put the others on nodes, and who it is not said of."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from kubeproof.harness.face import Cluster
from kubeproof.harness.input.plain_nodes import plain_nodes
from kubeproof.harness.input.scenario import Faults, Scenario, Schedulers, Switch
from kubeproof.harness.input.script.commands import parse
from kubeproof.harness.islands.room import Room, most_of, room_for, together
from kubeproof.harness.islands.split import islands_of
from kubeproof.impl.api.core import (
    Affinity,
    Container,
    ContainerPort,
    PodAffinity,
    PodAffinityTerm,
    PodSpec,
    ResourceRequirements,
)
from kubeproof.impl.api.meta import LabelSelector
from kubeproof.impl.api.values.frozen import strings
from kubeproof.impl.api.values.quantity import parse_quantity
from kubeproof.impl.kubectl import script as kubectl

CORES = 4


def spec(cpu: str = "", **more: Any) -> PodSpec:
    requests = strings({}) if not cpu else {"cpu": parse_quantity(cpu)}
    container = Container("app", "app:1", resources=ResourceRequirements(requests=type(strings({}))(requests)))
    return PodSpec(containers=(container,), **more)


def scenario(nodes: int = 3, **more: Any) -> Scenario:
    return Scenario("room", plain_nodes(nodes), **more)


def room(one: Scenario, own: PodSpec, *others: tuple[PodSpec, int]) -> Room:
    total = together(most_of((each,), count).requested for each, count in ((own, 1), *others))
    return room_for(one, (own, *(each for each, _ in others)), total)


def test_room_on_each_on_some_and_too_little() -> None:
    assert room(scenario(), spec("1"), (spec("1"), 3)) is Room.ON_EACH
    assert room(scenario(), spec("1"), (spec("1"), 5)) is Room.SOMEWHERE
    assert room(scenario(), spec("1"), (spec("1"), 9)) is Room.SHORT


@given(st.lists(st.integers(1, 3), min_size=1, max_size=5), st.integers(1, 3), st.integers(1, 3))
def test_where_there_is_room_somewhere_no_placement_of_the_others_fills_all(
    others: list[int], own: int, nodes: int
) -> None:
    found = room(scenario(nodes), spec(str(own)), *((spec(str(cores)), 1) for cores in others))
    for where in product(range(nodes), repeat=len(others)):
        used = [sum(cores for cores, at in zip(others, where, strict=True) if at == node) for node in range(nodes)]
        if any(one > CORES for one in used):
            continue  # The scheduler does not put them there.
        free = [CORES - one >= own for one in used]
        assert found is Room.SHORT or any(free)
        assert found is not Room.ON_EACH or all(free)


@pytest.mark.parametrize(
    "more",
    [
        {"script": (kubectl.Drain("node-1"), kubectl.Cordon("node-2"))},
        {"faults": Faults(node_crash=1, partition=1)},
        {"script": (kubectl.Drain("node-1"),), "faults": Faults(node_reboot=1)},
        {"script": (kubectl.LabelNode("node-1", {"a": "b"}),)},
        {
            "script": (
                kubectl.AddNode(evolve(plain_nodes(1)[0], metadata=evolve(plain_nodes(1)[0].metadata, name="x"))),
            )
        },
        {"schedulers": Schedulers(("default-scheduler", "default-scheduler"))},
        {"switches": frozenset({Switch.EARLY_STATUS})},
    ],
)
def test_what_takes_nodes_away_or_may_fill_them_otherwise_leaves_too_little(more: dict[str, Any]) -> None:
    assert room(scenario(), spec("1"), (spec("1"), 5)) is Room.SOMEWHERE
    assert room(scenario(**more), spec("1"), (spec("1"), 5)) is Room.SHORT


NEAR = Affinity(
    pod_affinity=PodAffinity(
        (PodAffinityTerm(LabelSelector(strings({"a": "b"})), topology_key="kubernetes.io/hostname"),)
    )
)


@pytest.mark.parametrize(
    "picky",
    [
        spec("1", affinity=NEAR),
        spec("1", node_name="node-1"),
        spec("1", node_selector=strings({"kubernetes.io/hostname": "node-1"})),
        spec("1", termination_grace_period_seconds=0),
        PodSpec(containers=(Container("app", "app:1", ports=(ContainerPort(container_port=80, host_port=80),)),)),
    ],
)
def test_who_cannot_go_just_anywhere_needs_room_on_each_node(picky: PodSpec) -> None:
    assert room(scenario(), picky, (spec("1"), 5)) is Room.SHORT
    assert room(scenario(), picky, (spec("1"), 2)) is Room.ON_EACH


def web(name: str, replicas: int, cpu: str) -> dict[str, Any]:
    container = {"name": "app", "image": "app:1", "resources": {"requests": {"cpu": cpu}}}
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}}
    sizes = {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": sizes}


def fills(others: int, *steps: str) -> bool:
    """Tell whether a Deployment that never has a Pod, or that has, may fill a node of one beside it."""
    cluster = Cluster.of([web("a", 4, "1100m"), web("b", others, "1100m")], nodes=3)
    loaded = cluster.given({"script": [each for step in steps for each in parse(step)]}).load()
    (found,) = (one for one in islands_of(loaded.scenario) if one.name == "Deployment a")
    return found.scenario.crowd.fills


def test_who_never_has_a_pod_fills_no_node() -> None:
    assert fills(1)
    assert not fills(0)
    assert fills(0, "scale b 1")
