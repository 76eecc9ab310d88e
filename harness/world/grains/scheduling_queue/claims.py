"""What must hold of a scheduler in its small world, and the machine that all of it is."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from attrs import evolve

from .....impl.api.cache import Cache
from .....impl.api.core import Pod
from .....impl.scheduler.schedule import schedule
from .....model.machine import Converges, Invariant, Machine, View
from .....model.world import component
from . import outside, steps
from .queue import ENDED, EVICTIONS, Scene, Ways, World, api

PLACED = "placed"
EVICTED = "evicted once"
STANDS = "stands"


def machine(scene: Scene, ways: Ways, *, exact: bool = False) -> Machine:
    """Return the machine of a scheduler that goes about it in these ways; `exact` without the reduction of numbers."""
    world = World(scene, ways, exact)
    parts = (steps.scheduler(world), *outside.components(world))
    return Machine((component.start(world, parts, world.store()),), component.actions(world, parts))


def placed(scene: Scene) -> Converges:
    """Return the claim a scheduler is there for."""
    return Converges(
        PLACED,
        "In the end no Pod waits that fits somewhere or could make room there, and none is on a node that is gone.",
        partial(misplaced, scene),
    )


def stands() -> Invariant:
    """Return the claim that nothing a scheduler sees ends it."""
    return Invariant(STANDS, "Nothing that the scheduler sees contradicts its cache, and ends it.", _ended)


def _ended(view: View) -> Iterator[str]:
    if view[ENDED]:
        yield f"the scheduler has ended, for {view[ENDED]}"


def evicted_at_most(times: int) -> Invariant:
    """Return the claim that preemption takes no more Pods than it needs."""
    return Invariant(
        EVICTED, f"No more than {times} Pod(s) are evicted.", partial(_evicted, times), lambda view: view[EVICTIONS] > 0
    )


def _evicted(times: int, view: View) -> Iterator[str]:
    if view[EVICTIONS] > times:
        yield f"{view[EVICTIONS]} evictions"


def misplaced(scene: Scene, view: View) -> Iterator[str]:
    """Yield a line for each Pod that waits in vain or is nowhere, judged by what is really in the store."""
    objects = [one for name in (*scene.every_pod, *scene.every_node) if (one := view[api(name)]) is not None]
    store = Cache.of(objects)
    for pod in store.list(Pod):
        name, node = pod.metadata.name, pod.spec.node_name
        if node and view[api(node)] is None:
            yield f"{name} is on {node}, which does not exist"
        elif not node and not pod.metadata.terminating and (found := _could_be_on(pod, store)):
            yield f"{name} waits, and could be on {', '.join(found)}"


def _could_be_on(pod: Pod, store: Cache) -> tuple[str, ...]:
    """Name the nodes that would take a Pod now, or after evictions, if no node was promised to anybody."""
    free = Cache.of(_unpromised(obj) if isinstance(obj, Pod) else obj for obj in store.objects.values())
    decision = schedule(_unpromised(pod), free)
    return decision.best or decision.preemptable


def _unpromised(pod: Pod) -> Pod:
    return evolve(pod, status=evolve(pod.status, nominated_node_name=""))
