"""What a budget remembers of an evicted Pod when another one has its name: after two minutes, nothing.

Upstream: pkg/controller/disruption/disruption.go (v1.32, buildDisruptedPodMap). An eviction notes the Pod's name in the
status of the budget, and the disruption controller strikes it off once it sees that the Pod is going, or gone. Where it
sees neither, for a Pod of that name is there again by the time it looks, that one is taken for the one evicted, and
counts as unhealthy until the two minutes are over. Nobody knows when that is: it may be at any time, and will be.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

from attrs import evolve
from immutabledict import immutabledict

from ....impl.api.core import Pod
from ....impl.api.kinds import Object
from ....impl.api.policy import PodDisruptionBudget
from ....impl.api.workloads import BY_KIND
from ....model.machine import Action, Outcome, View
from ....model.world.component import Component, nobody
from ....model.world.verbs import Verb
from ....model.world.world import World

USER = "disruption-controller"


def component(pools: Mapping[str, tuple[str, ...]]) -> Component[World]:
    """Return who forgets names that are given, and so may be of somebody else by now."""
    named = any(BY_KIND[kind].named for kind in pools if kind in BY_KIND)
    return Component("evicted names", actions if named else nobody)


def actions(world: World) -> tuple[Action, ...]:
    """Return what becomes of the names in the status of each budget."""
    found = []
    for place in world.layout.pools.get("PodDisruptionBudget", ()):
        name = f"{USER}: two minutes are over {place.rpartition('/')[2]}"
        found.append(Action(name, name, partial(_forgets, world, place), by=USER, verb=Verb.SENDS, on=place))
    return tuple(found)


def _forgets(world: World, place: str, view: View) -> Iterator[Outcome]:
    budget = view[place]
    if not isinstance(budget, PodDisruptionBudget) or not budget.status.disrupted_pods:
        return
    keep = partial(_there, budget.metadata.namespace)
    there = {view.via(keep, slot) for slot in world.layout.pools["Pod"]}
    noted = budget.status.disrupted_pods
    for name in sorted(there & noted.keys()):
        left = immutabledict((other, noted[other]) for other in noted if other != name)
        forgotten = evolve(budget, status=evolve(budget.status, disrupted_pods=left))
        yield Outcome(f"two minutes after an eviction {name} counts again", {place: forgotten})


def _there(namespace: str, obj: Object | None) -> str:
    """Name a Pod of a namespace that is not going: one that was evicted is."""
    here = isinstance(obj, Pod) and obj.metadata.namespace == namespace and not obj.metadata.terminating
    return obj.metadata.name if here and obj is not None else ""
