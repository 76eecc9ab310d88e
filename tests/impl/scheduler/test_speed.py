"""What makes many decisions fast changes none: what is known of a node goes with it, and few nodes are all seen."""

from __future__ import annotations

import random
from typing import Any

import pytest
from attrs import evolve

from kubeproof.impl.api.cache import Cache
from kubeproof.impl.api.core import Node, Pod
from kubeproof.impl.api.kinds import Object
from kubeproof.impl.api.reading.convert import from_json
from kubeproof.impl.scheduler import DEFAULT, Snapshot, decide, schedule
from kubeproof.impl.scheduler.filtering import enough


def node(name: str, zone: str = "") -> Node:
    labels = {"kubernetes.io/hostname": name, **({"topology.kubernetes.io/zone": zone} if zone else {})}
    status = {"allocatable": {"cpu": "4", "memory": "8Gi", "pods": "9"}}
    found = from_json(
        {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}, "status": status}
    )
    assert isinstance(found, Node)
    return found


def pod(name: str, cpu: str = "500m", **spec: Any) -> Pod:
    containers = [{"name": "c", "image": "i", "resources": {"requests": {"cpu": cpu}}}]
    meta = {"name": name, "namespace": "default", "labels": {"app": name[0]}}
    found = from_json({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {"containers": containers, **spec}})
    assert isinstance(found, Pod)
    return found


def apart(app: str) -> dict[str, Any]:
    term = {"labelSelector": {"matchLabels": {"app": app}}, "topologyKey": "kubernetes.io/hostname"}
    return {"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}}


def likes(app: str) -> dict[str, Any]:
    term = {"labelSelector": {"matchLabels": {"app": app}}, "topologyKey": "kubernetes.io/hostname"}
    wish = {"weight": 9, "podAffinityTerm": term}
    return {"affinity": {"podAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [wish]}}}


@pytest.mark.parametrize("seed", range(6))
def test_decisions_on_what_is_assumed_are_those_on_a_fresh_cache(seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311 - a test's choice is no secret
    objects: list[Object] = [node(f"n{number}", draw.choice(["z1", "z2"])) for number in range(4)]
    snapshot = Snapshot.of(Cache.of(objects))
    for number in range(20):
        wishes: dict[str, Any] = draw.choice([{}, {}, apart("a"), likes("b"), {"nodeName": ""}])
        new = pod(f"{draw.choice('abc')}{number}", draw.choice(["500m", "1", "2"]), **wishes)
        fast, slow = decide(new, snapshot), schedule(new, Cache.of(objects))
        assert fast == slow
        if fast.best:
            objects.append(evolve(new, spec=evolve(new.spec, node_name=fast.best[-1])))
            snapshot = snapshot.assume(new, fast.best[-1])


@pytest.mark.parametrize(
    ("nodes", "percentage", "wanted"),
    [
        pytest.param(99, 0, 99, id="few nodes are all looked at"),
        pytest.param(150, 0, 100, id="at least a hundred"),
        pytest.param(1000, 0, 420, id="less than half of a thousand"),
        pytest.param(20_000, 0, 1000, id="one in twenty of very many"),
        pytest.param(1000, 30, 300, id="as many as the profile says"),
        pytest.param(1000, 100, 1000, id="all if the profile says so"),
    ],
)
def test_enough_feasible_nodes(nodes: int, percentage: int, wanted: int) -> None:
    assert enough(nodes, percentage) == wanted


def test_the_search_goes_on_where_the_last_one_ended_and_takes_the_zones_in_turn() -> None:
    cache = Cache.of(node(f"n{number:03}", f"z{number // 100}") for number in range(200))
    first = schedule(pod("a"), cache)
    assert first.looked_at == len(first.feasible) == 100
    assert first.feasible == tuple(f"n{number:03}" for number in (*range(50), *range(100, 150)))
    second = schedule(pod("a"), cache, start=first.looked_at)
    assert set(first.feasible).isdisjoint(second.feasible)
    assert schedule(pod("a"), cache, start=200) == first
    everywhere = evolve(DEFAULT, percentage_of_nodes_to_score=100)
    assert len(schedule(pod("a"), cache, everywhere).feasible) == 200


def test_nodes_that_are_refused_do_not_count_as_enough() -> None:
    cordoned = [
        evolve(one, spec=evolve(one.spec, unschedulable=True)) for one in map(node, map("c{:03}".format, range(60)))
    ]
    decision = schedule(pod("a"), Cache.of([*cordoned, *(node(f"n{number:03}") for number in range(120))]))
    assert len(decision.refusals) == 60
    assert len(decision.feasible) == 100
    assert decision.looked_at == 160
