"""What must hold of a network plugin: nobody gets in too early or stays, and what is allowed gets through."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from .....model.components.network.network_policy import Pod, Stage, State, steps
from .....model.machine import Converges, Invariant, StepProperty, View
from .....properties.reachability.network_policy import EGRESS, INGRESS
from .policies import ANSWERED, BROKEN
from .setup import CONNECTION, HANDLED, OUTSIDE, PolicyWorld, Setup, slot
from .walls import allowed, passes, stands


def isolated(setup: Setup) -> Invariant:
    """Claim that a Pod that is made under policies has its wall before its first container starts, and keeps it."""
    world = PolicyWorld(setup)
    return Invariant(
        "isolated",
        "A Pod that is made when policies isolate it runs behind a wall from its first container on.",
        partial(_open, world),
        lambda view: any(True for _ in _guarded(world, view)),
    )


def _guarded(world: PolicyWorld, view: View) -> Iterator[tuple[str, str]]:
    """Yield the Pods that run, each with the directions in which it has been isolated ever since it was made."""
    now = world.there(view)
    for name in world.started(view):
        made, _ = view[slot("made", name)]
        for direction in (INGRESS, EGRESS):
            if all(world.isolated(version, name, direction) for version in range(made, now + 1)):
                yield name, direction


def _open(world: PolicyWorld, view: View) -> Iterator[str]:
    for name, direction in _guarded(world, view):
        if not stands(world, view, name, direction):
            yield f"{name} runs open for {direction.lower()}, though it was made when policies isolated it"


def forbidden_stays_out(setup: Setup) -> Converges:
    """Claim what the walls are for, once everything has been followed."""
    world = PolicyWorld(setup)
    return Converges(
        "forbidden stays out",
        "In the end nobody gets in whom policies do not allow, nor is still there from before them.",
        partial(_leaks, world),
        lambda view: world.settled(view) and any(not allows for _, _, allows in _pairs(world, view)),
    )


def _leaks(world: PolicyWorld, view: View) -> Iterator[str]:
    for source, destination, allows in _pairs(world, view):
        if not allows and passes(world, view, source, destination):
            yield f"{_told(world, view, source)} must not talk to {destination} and gets through"
        if not allows and world.setup.connection == (source, destination) and view[CONNECTION] == ANSWERED:
            yield (
                f"{_told(world, view, source)} must not talk to {destination}, "
                "and a connection that was allowed before goes on"
            )


def allowed_passes(setup: Setup) -> Converges:
    """Claim the other half of what policies are for."""
    world = PolicyWorld(setup)
    return Converges(
        "allowed passes",
        "What the policies allow passes in the end.",
        partial(_blocked, world),
        lambda view: world.settled(view) and any(allows for _, _, allows in _pairs(world, view)),
    )


def _blocked(world: PolicyWorld, view: View) -> Iterator[str]:
    for source, destination, allows in _pairs(world, view):
        if allows and not passes(world, view, source, destination):
            yield f"{_told(world, view, source)} may talk to {destination} and is blocked"


def answered(setup: Setup) -> Invariant:
    """Claim that no connection that may be loses its answers to a wall that came later."""
    world = PolicyWorld(setup)
    return Invariant(
        "answered",
        "A connection that may be opened gets its answer.",
        partial(_unanswered, world),
        lambda view: bool(setup.connection and view[CONNECTION]),
    )


def _unanswered(world: PolicyWorld, view: View) -> Iterator[str]:
    if world.setup.connection is not None and view[CONNECTION] == BROKEN:
        source, destination = world.setup.connection
        yield f"the answer to {source} from {destination} is blocked: a wall does not know the connection"


def _pairs(world: PolicyWorld, view: View) -> Iterator[tuple[str, str, bool]]:
    """Yield every two there are, one of them a Pod that policies isolate, and whether the one may ask the other."""
    policies = world.setup.versions[world.there(view)]
    there = (*world.started(view), OUTSIDE.name)
    for source in there:
        for destination in there:
            if source != destination and (world.ever(source, EGRESS) or world.ever(destination, INGRESS)):
                yield source, destination, allowed(world, view, policies, source, destination)


def _told(world: PolicyWorld, view: View, name: str) -> str:
    return f"{name} ({world.party(view, name).address})"


def follows_model(setup: Setup) -> StepProperty:
    """Claim that whatever the plugin and the kubelet do is a step of the model, or none.

    The model knows policies that come once: the first version has none, and there is one more.
    """
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
    """See a state as one of the model: the Pods that the policies select."""
    world = PolicyWorld(setup)
    return State(
        tuple(
            Pod(
                view[slot("stage", program.name)],
                view[slot("wall", program.name)],
                view[slot("made", program.name)][1] == 1,
            )
            if view[slot("stage", program.name)] is not Stage.ABSENT
            else Pod()
            for program in setup.pods
            if world.isolated_at_all(1, program.name)
        ),
        handled=view[HANDLED] == 1,
    )
