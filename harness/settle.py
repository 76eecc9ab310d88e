"""How a cluster comes to rest: along one schedule until nothing more happens, or along all of them.

One schedule is always the first enabled fair action, faults and the script left out. Which others there are, and where
they lead, is the business of `starts`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from immutabledict import immutabledict

from ..impl.api.core import Pod
from ..model.machine import Action, Converges, Fairness, Machine, Outcome, State, View
from .cluster import Cluster, Initial
from .environment import SCRIPT
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


def contents(cluster: Cluster, state: State) -> Initial:
    """Give what is in a state's store, and what runs for it, as the start of another machine."""
    layout = cluster.world.layout
    placed = [state[slot] for slot in layout.slots() if state[slot] is not None]
    runtimes = (
        (state[slot].metadata.uid, state[runtime_slot(slot)])
        for slot in layout.pools["Pod"]
        if isinstance(state[slot], Pod)
    )
    return Initial((*layout.constants.values(), *placed), immutabledict(runtimes))


# --- all schedules --------------------------------------------------------------------------------------------------

AT_REST = "at rest"
"""The slot that says that nothing more happens before the next command."""
COMMANDS = "kubectl"


def resting(cluster: Cluster, starts: Iterable[State]) -> Machine:
    """Give the machine that starts in these states and, where it is quiet, says so instead of the next command."""
    actions = [one for one in cluster.machine.actions if one.group != COMMANDS]
    initial = tuple({**one, AT_REST: False} for one in starts)
    return Machine(initial, (*actions, Action("cluster: comes to rest", "cluster", _rests, when_quiet=True)))


def at_rest(state: State) -> bool:
    """Tell whether a state of a machine made by `resting` is at rest."""
    return bool(state[AT_REST])


def _rests(view: View) -> Iterator[Outcome]:
    if not view[AT_REST] and not view.via(_under_way, SCRIPT):
        yield Outcome("comes to rest", {AT_REST: True})


def _under_way(done: int) -> bool:
    return done < 0


def _moving(view: View) -> Iterator[str]:
    if not view[AT_REST]:
        yield "something is still under way"


RESTS = Converges("rest", "Every fair run comes to rest.", _moving)
