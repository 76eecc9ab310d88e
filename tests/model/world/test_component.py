"""A world is a layout and a tuple of components: each keeps slots of its own, and says where it remembers names."""

from __future__ import annotations

import pytest
from immutabledict import immutabledict

from kubeproof.harness.face import Cluster
from kubeproof.harness.world.api_server import describe, serve
from kubeproof.harness.world.applied import applied
from kubeproof.harness.world.cluster import Initial, build
from kubeproof.harness.world.layout import layout_for
from kubeproof.harness.world.participants import components_of, processes_for
from kubeproof.harness.world.parts import Parts
from kubeproof.model.machine import Action, MachineError, Outcome
from kubeproof.model.world.component import Component, actions, remembered, start
from kubeproof.model.world.store import Layout
from kubeproof.model.world.world import World
from places import EXAMPLES

EMPTY = Layout(immutabledict(), immutabledict())


def world(layout: Layout = EMPTY) -> World:
    return World(layout, lambda *given: serve(True, *given), describe)  # noqa: FBT003


def keeping(name: str, slot: str, *, memories: tuple[str, ...] = ()) -> Component[World]:
    act = Action(f"{name}: acts", name, lambda _view: iter([Outcome("acts", {slot: 1})]))
    return Component(name, lambda _world: (act,), lambda _world, _store: {slot: 0}, memories)


def test_what_components_keep_may_do_and_remember_comes_together_in_their_order() -> None:
    both = (keeping("first", "a", memories=("a",)), keeping("second", "b"))
    assert start(world(), both, {"store": None}) == {"store": None, "a": 0, "b": 0}
    assert [act.name for act in actions(world(), both)] == ["first: acts", "second: acts"]
    assert remembered(EMPTY, both).memories == ("a",)


@pytest.mark.parametrize("slot", ["store", "a"])
def test_nobody_keeps_what_is_somebody_elses(slot: str) -> None:
    with pytest.raises(MachineError, match=f"second keeps {slot}, which is somebody else's already"):
        start(world(), (keeping("first", "a"), keeping("second", slot)), {"store": None})


@pytest.mark.parametrize("name", ["web", "spread-cordoned", "two-schedulers"])
def test_a_cluster_is_its_components(name: str) -> None:
    scenario = Cluster.from_manifests(EXAMPLES / name).load().scenario
    objects, parts = applied(scenario), Parts.everything()
    layout = layout_for(scenario, objects, parts)
    components = components_of(scenario, parts, objects, layout, processes_for(scenario, objects, layout, parts))
    assert len({one.name for one in components}) == len(components)
    built = build(scenario, parts, Initial(objects))
    assert built.world.layout.memories == tuple(slot for one in components for slot in one.memories)
    names = [act.name for act in actions(built.world, components)]
    assert [act.name for act in built.machine.actions] == names
    assert len(set(names)) == len(names)
