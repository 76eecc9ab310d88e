"""From a scenario to the states its exploration starts from."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import evolve, frozen

from ....impl.api.apps import ReplicaSet
from ....impl.api.kinds import Object, ref_of
from ....impl.api.meta import Ref
from ....model.checker.results import Limits
from ....model.machine import Fairness, State
from ...input.scenario import Faults, Scenario, Start, Switch
from ..applied import applied
from ..cluster import Cluster, Initial, build
from ..parts import Parts
from ..script.script_slots import USER
from .settle import NO_LIMITS, Restless, apply, contents, settle
from .starts import explored, rests

SCHEDULE = 2_000
"""Steps after which a run of the script is not followed any further: every template has long been met."""


@frozen
class Prepared:
    """The states to start from, and every ReplicaSet that one run of the script leaves.

    `why` says why these may not be all states to start from, "" if they are.
    """

    starts: tuple[Initial, ...]
    replicasets: tuple[ReplicaSet, ...]
    why: str = ""

    @property
    def objects(self) -> tuple[Object, ...]:
        """The objects of the first start; others differ in where Pods are, and what follows from that."""
        return self.starts[0].objects


def prepare(scenario: Scenario, limits: Limits = NO_LIMITS) -> Prepared:
    """Apply the manifests and, where the scenario starts settled, let the cluster come to rest in every way.

    Its slices are as a controller leaves them that has seen what it wrote, whatever `Switch.UNSEEN_SLICES` says.

    Raises `Refused` (cluster) for an object the API server does not accept, `Restless` (settle) where there is no rest,
    `Cut` (settle) where a limit is hit before.
    """
    scenario = evolve(scenario, switches=scenario.switches - {Switch.UNSEEN_SLICES})
    starts, why = _starts(scenario, limits)
    if scenario.start is Start.SETTLED and not scenario.script:  # Nothing is going to happen.
        return Prepared(starts, tuple(obj for obj in starts[0].objects if isinstance(obj, ReplicaSet)), why)
    calm = evolve(scenario, faults=Faults(), wait_between_steps=True)
    return Prepared(starts, _replicasets(build(calm, Parts.everything(), starts[0]), limits), why)


def _starts(scenario: Scenario, limits: Limits) -> tuple[tuple[Initial, ...], str]:
    if scenario.start is Start.CLUSTER:
        return (Initial(scenario.objects, scenario.runtimes),), ""
    first = Initial(applied(scenario))
    if scenario.start is not Start.SETTLED:
        return (first,), ""
    # Whoever set the cluster up brought it to rest once: webhooks and the descheduler came to it later.
    still = evolve(scenario, faults=Faults(), script=(), cron_starts=0, webhooks=(), descheduler=None, jobs_stay=True)
    whole = build(still, Parts.everything(), first)
    found = rests(whole, scenario, limits)
    if found is not None:
        return tuple(contents(whole, state) for state in found.states), found.why
    core = build(still, Parts.core(scenario), first)
    found = explored(core, scenario, limits)
    return tuple(_told(still, contents(core, state), limits) for state in found.states), found.why


def _told(still: Scenario, start: Initial, limits: Limits) -> Initial:
    """Bring those to rest that only tell what Pods there are."""
    whole = build(still, Parts.everything(), start)
    return contents(whole, settle(whole.machine, limits=limits))


def _replicasets(whole: Cluster, limits: Limits) -> tuple[ReplicaSet, ...]:
    """Run the script once, step by step, and collect the ReplicaSets met on the way."""
    found: dict[Ref, ReplicaSet] = {}
    for state in run_of(whole, limits):
        found |= {ref_of(one): one for slot in whole.world.layout.pools.get("ReplicaSet", ()) if (one := state[slot])}
    return tuple(found[ref] for ref in sorted(found))


def run_of(whole: Cluster, limits: Limits) -> Iterator[State]:
    """Run the script once, and yield where the cluster is at rest before each step of it, and in the end."""
    state: State | None = State.of(whole.machine.initial[0])
    while state is not None:
        try:
            state = settle(whole.machine, state, steps=SCHEDULE, limits=limits)
        except Restless:
            return
        yield state
        state = _next_script_step(whole, state)


def _next_script_step(whole: Cluster, state: State) -> State | None:
    for action in whole.machine.actions:
        if action.by == USER and (action.when_quiet or action.fairness is Fairness.NONE):
            for outcome in action.step(state):
                return apply(state, outcome)
    return None
