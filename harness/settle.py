"""Running a machine along one schedule until nothing more happens: how a cluster comes to rest.

Always the first enabled fair action, faults and the script left out. One schedule of many: where a scenario starts
"settled", this is the state it starts from, and the report says so.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..impl.api.core import Pod
from ..impl.api.kinds import Object, ref_of
from ..impl.api.meta import Ref
from ..model.machine import Action, Fairness, Machine, Outcome, State
from .cluster import Cluster
from .kubelets import runtime_slot

STEPS = 20_000
"""More steps than any start-up needs; a cluster that is not at rest by then does not come to rest."""


class Restless(Exception):  # noqa: N818 - it says what is the matter
    """The schedule went on and on."""


def settle(machine: Machine, start: State | None = None, *, steps: int = STEPS) -> State:
    """Run from a state (the first initial one by default) until no fair action is enabled.

    Raises `Restless` when that takes more than `steps` steps.
    """
    state = start or State.of(machine.initial[0])
    fair = [one for one in machine.actions if one.fairness is not Fairness.NONE and not one.when_quiet]
    ordered = sorted(fair, key=lambda one: not one.urgent)
    for _ in range(steps):
        after = _step(state, ordered)
        if after is None:
            return state
        state = after
    raise Restless(f"not at rest after {steps} steps")


def _step(state: State, actions: Iterable[Action]) -> State | None:
    for action in actions:
        for outcome in action.step(state):
            if any(state[slot] != value for slot, value in outcome.updates.items()):
                return apply(state, outcome)
    return None


def apply(state: State, outcome: Outcome) -> State:
    """Give the state after an outcome."""
    return state.with_values(tuple(outcome.updates.get(slot, state[slot]) for slot in state))


def contents(cluster: Cluster, state: State) -> tuple[tuple[Object, ...], dict[Ref, object]]:
    """Give the objects in a state's store, and by Pod what runs for them."""
    layout = cluster.world.layout
    placed = [state[slot] for slot in layout.slots() if state[slot] is not None]
    runtimes = {
        ref_of(state[slot]): state[runtime_slot(slot)] for slot in layout.pools["Pod"] if isinstance(state[slot], Pod)
    }
    return (*layout.constants.values(), *placed), runtimes
