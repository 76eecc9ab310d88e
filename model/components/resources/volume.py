"""What the volume controllers may do: each claim gets a volume of its own, a volume is left when its claim is gone.

A claim takes the volume that is kept for it, else the smallest free one that is large enough; one that waits for its
Pod only the one that is kept for it. Where there is none and its class makes volumes, one is made: at the node that was
chosen if it waits, else anywhere. A volume whose claim is gone is left, and then goes unless it is to be retained. What
is being deleted stays while it is used: a claim by a Pod, a volume by a claim.
Leaves out: access modes and selectors (one kind of each here), claims that name their volume, zones.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum
from typing import TypeVar

from attrs import evolve, field, frozen


class Phase(Enum):
    """What is said of a volume: nothing yet, that it is free, a claim's, or left by its claim."""

    NEW = "new"
    FREE = "free"
    TAKEN = "taken"
    LEFT = "left"


@frozen
class Claim:
    """A wish for a volume; `makes`: one is made if there is none; `chosen`: at this node, where its Pod is to go."""

    name: str
    size: int
    cls: str = ""
    waits: bool = False
    makes: bool = False
    chosen: str = ""
    bound: bool = False
    lost: bool = False
    going: bool = False
    used: bool = False


@frozen
class Volume:
    """A piece of storage: `of` is the claim that it is kept for or bound to, `place` the one node it is at, if any."""

    size: int
    cls: str = ""
    of: str = ""
    phase: Phase = Phase.FREE
    place: str = ""
    retained: bool = False
    going: bool = False


def _claims(found: Iterable[Claim]) -> tuple[Claim, ...]:
    return tuple(sorted(found, key=repr))


def _volumes(found: Iterable[Volume]) -> tuple[Volume, ...]:
    return tuple(sorted(found, key=repr))


@frozen
class State:
    """Claims and volumes, in no order, and the nodes at which volumes may be made."""

    claims: tuple[Claim, ...] = field(converter=_claims)
    volumes: tuple[Volume, ...] = field(converter=_volumes)
    nodes: frozenset[str] = frozenset({""})


def candidates(state: State, claim: Claim) -> list[Volume]:
    """Return the volumes one of which a claim takes: those kept for it, else the smallest that are free and fit."""
    fit = [volume for volume in state.volumes if volume.size >= claim.size and not volume.going]
    kept = [volume for volume in fit if volume.of == claim.name]
    if kept or claim.waits:
        return kept
    free = [volume for volume in fit if not volume.of and volume.phase is Phase.FREE and volume.cls == claim.cls]
    return [volume for volume in free if volume.size == min(other.size for other in free)]


def steps(state: State) -> Iterator[State]:
    """Yield every state that a step of the volume controllers leads to."""
    for claim in state.claims:
        yield from _of_claim(state, claim)
    for volume in state.volumes:
        yield from _of_volume(state, volume)


def _of_claim(state: State, claim: Claim) -> Iterator[State]:
    if claim.going:
        if not claim.used:
            yield evolve(state, claims=_but(state.claims, claim))
    elif claim.bound:
        yield from _kept(state, claim)
    elif found := candidates(state, claim):
        for volume in found:
            taken = evolve(volume, of=claim.name, phase=Phase.TAKEN)
            yield _bound(state, claim, _but(state.volumes, volume, taken))
    elif claim.makes and (claim.chosen or not claim.waits):
        for place in sorted({claim.chosen} & state.nodes if claim.waits else state.nodes):
            made = Volume(claim.size, claim.cls, claim.name, Phase.TAKEN, place)
            yield _bound(state, claim, (*state.volumes, made))


def _kept(state: State, claim: Claim) -> Iterator[State]:
    """Let a bound claim and its volume say so, or the claim that it has lost it."""
    its = sorted(
        (volume for volume in state.volumes if volume.of == claim.name), key=lambda one: one.phase is not Phase.TAKEN
    )
    mine = next(iter(its), None)
    now = evolve(claim, lost=mine is None)
    volumes = state.volumes if mine is None else _but(state.volumes, mine, evolve(mine, phase=Phase.TAKEN))
    after = evolve(state, claims=_but(state.claims, claim, now), volumes=volumes)
    if after != state:
        yield after


def _bound(state: State, claim: Claim, volumes: Iterable[Volume]) -> State:
    bound = evolve(claim, bound=True, chosen="")
    return evolve(state, claims=_but(state.claims, claim, bound), volumes=tuple(volumes))


def _of_volume(state: State, volume: Volume) -> Iterator[State]:
    there = any(claim.name == volume.of for claim in state.claims)
    if volume.going:
        if volume.phase is not Phase.TAKEN:
            yield evolve(state, volumes=_but(state.volumes, volume))
    elif not volume.of and volume.phase is Phase.NEW:
        yield evolve(state, volumes=_but(state.volumes, volume, evolve(volume, phase=Phase.FREE)))
    elif volume.of and not there and volume.phase is not Phase.LEFT:
        yield evolve(state, volumes=_but(state.volumes, volume, evolve(volume, phase=Phase.LEFT)))
    elif volume.phase is Phase.LEFT and not volume.retained:
        yield evolve(state, volumes=_but(state.volumes, volume, evolve(volume, going=True)))


T = TypeVar("T")


def _but(found: tuple[T, ...], old: T, *new: T) -> tuple[T, ...]:
    """Return what there is with one of it taken away, and something put in its place."""
    at = found.index(old)
    return (*found[:at], *new, *found[at + 1 :])
