"""From a scenario to the state its exploration starts from."""

from __future__ import annotations

from collections.abc import Hashable

from attrs import evolve, frozen

from ..impl.api.apps import ReplicaSet
from ..impl.api.kinds import Object, ref_of
from ..impl.api.meta import Ref
from ..model.machine import Fairness, State
from ..model.world import OVERFLOW
from .cluster import Cluster, Parts, applied, build
from .scenario import Faults, Scenario, Start
from .script_slots import USER
from .settle import Restless, apply, contents, settle

SCHEDULE = 2_000
"""Steps after which a run of the script is not followed any further: every template has long been met."""


@frozen
class Prepared:
    """The store and the running containers to start from, and every ReplicaSet that one run of the script leaves."""

    objects: tuple[Object, ...]
    runtimes: dict[Ref, Hashable]
    replicasets: tuple[ReplicaSet, ...]


def prepare(scenario: Scenario) -> Prepared:
    """Apply the manifests and, where the scenario starts settled, let the cluster come to rest.

    Raises `Refused` (cluster) for an object the API server does not accept, `Restless` (settle) where there is no rest.
    """
    objects = applied(scenario)
    calm = evolve(scenario, faults=Faults(), wait_between_steps=True)
    runtimes: dict[Ref, Hashable] = {}
    if scenario.start is Start.SETTLED:
        whole = build(evolve(calm, script=()), Parts.everything(), objects)
        rest = settle(whole.machine)
        if kind := rest[OVERFLOW]:
            raise Restless(f"it needs more places for a {kind} than bounds.pods gives")
        objects, runtimes = contents(whole, rest)
    return Prepared(objects, runtimes, _replicasets(build(calm, Parts.everything(), objects, runtimes)))


def _replicasets(whole: Cluster) -> tuple[ReplicaSet, ...]:
    """Run the script once, step by step, and collect the ReplicaSets met on the way."""
    found: dict[Ref, ReplicaSet] = {}
    state: State | None = State.of(whole.machine.initial[0])
    while state is not None:
        try:
            state = settle(whole.machine, state, steps=SCHEDULE)
        except Restless:
            break
        found |= {ref_of(one): one for slot in whole.world.layout.pools.get("ReplicaSet", ()) if (one := state[slot])}
        state = _next_script_step(whole, state)
    return tuple(found[ref] for ref in sorted(found))


def _next_script_step(whole: Cluster, state: State) -> State | None:
    for action in whole.machine.actions:
        if action.by == USER and (action.when_quiet or action.fairness is Fairness.NONE):
            for outcome in action.step(state):
                return apply(state, outcome)
    return None
