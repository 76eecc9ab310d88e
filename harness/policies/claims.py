"""What must hold of a network plugin: the two promises of the API, and what follows from them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from ...model.components.network_policy import Pod, Stage, State, Wall, steps
from ...model.machine import Converges, Invariant, StepProperty, View
from ...properties.reachability.network_policy import EGRESS, INGRESS, isolates
from .policies import BROKEN
from .setup import HANDLED, PolicyWorld, Setup, slot
from .walls import allowed, passes


def isolated(setup: Setup) -> Invariant:
    """Claim the first promise."""
    world = PolicyWorld(setup)
    return Invariant(
        "isolated",
        "A Pod made after its policies were handled is isolated before its first container starts.",
        partial(_open_late, world),
        lambda view: any(view[slot("late", name)] for name in _selected(world) if name in world.started(view)),
    )


def _open_late(world: PolicyWorld, view: View) -> Iterator[str]:
    for name in _selected(world):
        if name in world.started(view) and view[slot("late", name)] and view[slot("wall", name)] is Wall.NONE:
            yield f"{name} runs without a wall, though policies that select it had been handled when it was made"


def _selected(world: PolicyWorld) -> tuple[str, ...]:
    """Name the Pods that some policy isolates."""
    return tuple(
        one.name
        for one in world.setup.pods
        if any(isolates(world.setup.policies, one.party, direction) for direction in (INGRESS, EGRESS))
    )


def allowed_passes(setup: Setup) -> Converges:
    """Claim the second promise."""
    world = PolicyWorld(setup)
    return Converges(
        "allowed passes",
        "What the policies allow passes in the end.",
        partial(_blocked, world),
        lambda view: view[HANDLED] and any(allows for _, _, allows in _pairs(world, view)),
    )


def forbidden_stays_out(setup: Setup) -> Converges:
    """Claim what the walls are for, once everything has been followed."""
    world = PolicyWorld(setup)
    return Converges(
        "forbidden stays out",
        "What the policies do not allow is blocked in the end.",
        partial(_leaks, world),
        lambda view: view[HANDLED] and any(not allows for _, _, allows in _pairs(world, view)),
    )


def _pairs(world: PolicyWorld, view: View) -> Iterator[tuple[str, str, bool]]:
    """Give every two Pods that run, and whether the one may open a connection to the other."""
    there = world.started(view)
    for source in there:
        for destination in there:
            if source != destination:
                ends = (world.party(view, source), world.party(view, destination))
                yield source, destination, allowed(world, view, *ends)


def _blocked(world: PolicyWorld, view: View) -> Iterator[str]:
    for source, destination, allows in _pairs(world, view):
        if allows and not passes(world, view, source, destination):
            address = view[slot("address", source)]
            yield f"{source} ({address}) may talk to {destination} and is blocked"


def _leaks(world: PolicyWorld, view: View) -> Iterator[str]:
    for source, destination, allows in _pairs(world, view):
        if not allows and passes(world, view, source, destination):
            address = view[slot("address", source)]
            yield f"{source} ({address}) must not talk to {destination} and gets through"


def answered(setup: Setup) -> Invariant:
    """Claim that no connection that a Pod opened loses its answers to a wall that came later."""
    return Invariant(
        "answered",
        "A connection that a Pod may open gets its answer.",
        lambda view: (
            f"the answer to {one.name} from {one.calls} is blocked: its wall does not know the connection"
            for one in setup.pods
            if one.calls and view[slot("call", one.name)] == BROKEN
        ),
        lambda view: any(view[slot("call", one.name)] for one in setup.pods if one.calls),
    )


def follows_model(setup: Setup) -> StepProperty:
    """Claim that whatever the plugin and the kubelet do is a step of the model, or none."""
    return StepProperty(
        "follows the model",
        "Every step is one that a network plugin may take, or nothing that it shows.",
        lambda before, after, _label: _off_model(abstract(setup, before), abstract(setup, after)),
    )


def _off_model(before: State, after: State) -> Iterator[str]:
    if before != after and not any(action.apply(before) == after for action in steps(before)):
        for old, new in zip(before.pods, after.pods, strict=True):
            if old != new:
                which = "a late Pod" if new.late else "a Pod"
                yield f"{which} goes from {old.stage.value}, {old.wall.value} to {new.stage.value}, {new.wall.value}"


def abstract(setup: Setup, view: View) -> State:
    """See a state as one of the model: the Pods that policies select."""
    world = PolicyWorld(setup)
    return State(
        tuple(
            Pod(view[slot("stage", name)], view[slot("wall", name)], view[slot("late", name)])
            if view[slot("stage", name)] is not Stage.ABSENT
            else Pod()
            for name in _selected(world)
        ),
        handled=view[HANDLED],
    )
