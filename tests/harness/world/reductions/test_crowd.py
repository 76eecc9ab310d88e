"""What a crowd may do to scores: whatever part of it is there, a node that is best is one that may be chosen."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from immutabledict import immutabledict

from kubeproof.harness.input.plain_nodes import plain_nodes
from kubeproof.harness.input.scenario import Crowd
from kubeproof.harness.world.reductions.crowd import SCORED, balance, choosable, free, gain
from kubeproof.impl.api.cache import Cache
from kubeproof.impl.api.core import Container, Pod, PodSpec, ResourceRequirements
from kubeproof.impl.api.kinds import Object
from kubeproof.impl.api.meta import ObjectMeta
from kubeproof.impl.api.releases import NEWEST, OLDEST, Release
from kubeproof.impl.api.values.quantity import parse_quantity
from kubeproof.impl.scheduler.amounts import presumed, requested
from kubeproof.impl.scheduler.framework import Snapshot
from kubeproof.impl.scheduler.plugins import balanced_allocation, node_resources_fit
from kubeproof.impl.scheduler.profile import default_profile
from kubeproof.impl.scheduler.schedule import decide

NODES = plain_nodes(3)
GI = 1 << 30


def pod(name: str, cpu: int, gi: int, node: str = "") -> Pod:
    """Return a Pod that asks for thousandths of a core and GiB; for nothing where they are 0."""
    asked = {"cpu": f"{cpu}m"} if cpu else {}
    asked |= {"memory": f"{gi}Gi"} if gi else {}
    requests = immutabledict({key: parse_quantity(value) for key, value in asked.items()})
    container = Container("app", "app:1", resources=ResourceRequirements(requests=requests))
    return Pod(ObjectMeta(name, namespace="default"), PodSpec(containers=(container,), node_name=node))


def crowd_of(others: tuple[Pod, ...]) -> Crowd:
    def total(amounts: list[immutabledict[str, int]]) -> immutabledict[str, int]:
        names = sorted({name for one in amounts for name in one})
        return immutabledict({name: sum(one.get(name, 0) for one in amounts) for name in names})

    return Crowd(total([requested(one) for one in others]), total([presumed(one) for one in others]))


sizes = st.tuples(st.sampled_from((0, 100, 500, 900)), st.sampled_from((0, 1, 2)))
places = st.sampled_from([node.metadata.name for node in NODES])


def best(one: Pod, objects: tuple[Object, ...], release: Release) -> tuple[str, ...]:
    return decide(one, Snapshot.of(Cache.of(objects)), default_profile(release)).best


@pytest.mark.parametrize("release", [OLDEST, NEWEST], ids=str)
@given(
    sizes, st.lists(st.tuples(sizes, places), max_size=2), st.lists(st.tuples(sizes, st.none() | places), max_size=4)
)
def test_what_is_best_beside_any_part_of_a_crowd_is_choosable(
    release: Release,
    own: tuple[int, int],
    there: list[tuple[tuple[int, int], str]],
    others: list[tuple[tuple[int, int], str | None]],
) -> None:
    one = pod("one", *own)
    mine = (*NODES, *(pod(f"mine-{number}", *size, node) for number, (size, node) in enumerate(there)))
    everyone = tuple(pod(f"other-{number}", *size, node or "") for number, (size, node) in enumerate(others))
    profile = default_profile(release)
    decision = decide(one, Snapshot.of(Cache.of(mine)), profile)
    found = choosable(one, Snapshot.of(Cache.of(mine)), decision, crowd_of(everyone), release, scores=True)
    placed = tuple(other for other in everyone if other.spec.node_name)
    if set(decide(one, Snapshot.of(Cache.of((*mine, *placed))), profile).feasible) == set(decision.feasible):
        assert set(best(one, (*mine, *placed), release)) <= set(found)


@pytest.mark.parametrize(
    ("own", "there", "cpu", "gi"),
    [((500, 0), (0, 4), 2000, 2), ((0, 2), (2000, 0), 1000, 4), ((100, 1), (100, 1), 0, 6)],
)
def test_the_bounds_of_a_score_are_met_by_some_part_of_a_crowd_and_left_by_none(
    own: tuple[int, int], there: tuple[int, int], cpu: int, gi: int
) -> None:
    one, mine = pod("one", *own), pod("mine", *there, "node-1")
    alone = Snapshot.of(Cache.of((*NODES, mine)))
    whole = crowd_of((pod("other", cpu, gi),))
    old, new = (balanced_allocation.score_with(release, SCORED, 1) for release in (OLDEST, NEWEST))
    for plugin, bounds, wanted in (
        (old, balance, requested),
        (new, gain, requested),
        (node_resources_fit.SCORE, free, presumed),
    ):
        scores = set()
        for part in product(range(0, cpu + 1, 100), range(gi + 1)):
            info = Snapshot.of(Cache.of((*NODES, mine, pod("other", *part, "node-1")))).nodes[0]
            scores.add(plugin.score(wanted(one), one, info))
        low, high = bounds(one, alone.nodes[0], whole)
        assert low <= min(scores) <= max(scores) <= high
        assert (min(scores) - low, high - max(scores)) <= (SLACK, SLACK)


SLACK = 3
"""What a Pod that asks for nothing is presumed to use is in the bounds as well; here a part may ask for nothing."""


def test_a_light_crowd_does_not_make_a_loaded_node_choosable() -> None:
    one, heavy = pod("one", 100, 0), pod("heavy", 3000, 4, "node-1")
    snapshot = Snapshot.of(Cache.of((*NODES, heavy)))
    decision = decide(one, snapshot)
    light = crowd_of((pod("other", 100, 1),))
    assert choosable(one, snapshot, decision, light, NEWEST, scores=True) == ("node-2", "node-3")
    assert choosable(one, snapshot, decision, light, NEWEST, scores=False) == decision.feasible


def test_nobody_else_leaves_what_is_best_and_who_may_fill_nodes_leaves_all() -> None:
    one, heavy = pod("one", 100, 0), pod("heavy", 3000, 4, "node-1")
    snapshot = Snapshot.of(Cache.of((*NODES, heavy)))
    decision = decide(one, snapshot)
    assert choosable(one, snapshot, decision, Crowd(), NEWEST, scores=True) == decision.best == ("node-2", "node-3")
    assert choosable(one, snapshot, decision, Crowd(fills=True), NEWEST, scores=True) == ("node-1", "node-2", "node-3")
