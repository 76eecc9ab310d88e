"""A component: somebody who takes part in a world, as a value; and what some of them together come to.

Whatever a world is made of is one of these: a process with its key (`world.Process`), the kubelets, a proxy, a person
with a script, a fault. Each says what it may do, what it keeps in slots of its own, and in which slots names of objects
are remembered, so that the place of an object is not used again too early. A machine is a layout and a tuple of them.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from functools import partial
from typing import Any, Generic, TypeVar

from attrs import evolve, frozen
from immutabledict import immutabledict

from ..machine import Action, MachineError
from . import steps
from .store import Layout
from .world import Process, World, initial

W = TypeVar("W")
"""What the components of a world have in common: a `World`, or for a closer look what that is about."""
V = TypeVar("V")
Slots = Mapping[str, Hashable]
NO_SLOTS: immutabledict[str, Hashable] = immutabledict()


def nobody(_world: object) -> tuple[Action, ...]:
    """Do nothing."""
    return ()


def constantly(slots: Slots) -> Callable[[Any, Slots], Slots]:
    """Return slots that start the same in every store."""
    return lambda _world, _store: slots


@frozen
class Component(Generic[W]):
    """Somebody who takes part in a world."""

    name: str
    actions: Callable[[W], Iterable[Action]] = nobody
    """What it may do."""
    slots: Callable[[W, Slots], Slots] = constantly(NO_SLOTS)
    """What it keeps, as it is at the start: from the store as that is then, and what runs for its Pods."""
    memories: tuple[str, ...] = ()
    """Slots, of its own or of the store, in which it remembers names of objects."""


def within(one: Component[W], world_of: Callable[[V], W]) -> Component[V]:
    """Return a component of a world as one of what that world is a part of."""
    return Component(
        one.name,
        lambda whole: one.actions(world_of(whole)),
        lambda whole, store: one.slots(world_of(whole), store),
        one.memories,
    )


def component(process: Process) -> Component[World]:
    """Return a process as a component."""
    return Component(
        process.name,
        partial(_actions, process),
        lambda world, store: initial(world, process, dict(store)),
        process.memories(),
    )


def _actions(process: Process, world: World) -> tuple[Action, ...]:
    return steps.actions(world, process)


def remembered(layout: Layout, components: Iterable[Component[Any]]) -> Layout:
    """Return a layout that knows where some components remember names."""
    memories = (slot for part in components for slot in part.memories)
    return evolve(layout, memories=(*layout.memories, *memories))


def actions(world: W, components: Iterable[Component[W]]) -> tuple[Action, ...]:
    """Return what some components may do, in their order."""
    return tuple(action for part in components for action in part.actions(world))


def start(world: W, components: Iterable[Component[W]], store: Slots = NO_SLOTS) -> dict[str, Hashable]:
    """Return every slot at the start: those of the store, and those of each component.

    Raises `MachineError` where two keep the same: one of them would lose what it knows.
    """
    slots = dict(store)
    for part in components:
        kept = part.slots(world, store)
        if shared := sorted(slots.keys() & kept.keys()):
            raise MachineError(f"{part.name} keeps {shared[0]}, which is somebody else's already")
        slots |= kept
    return slots
