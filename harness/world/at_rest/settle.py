"""How a cluster comes to rest: along one schedule until nothing more happens, or along all of them.

One schedule is always the first enabled fair action, faults and the script left out. Which others there are, and where
they lead, is the business of `starts`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from immutabledict import immutabledict

from ....impl.api.core import Pod
from ....model.checker.guard import out_of_memory, out_of_time
from ....model.checker.results import Limits
from ....model.machine import Action, Converges, Fairness, Machine, Outcome, State, View
from ....model.world.verbs import Verb
from ..cluster import Cluster, Initial
from ..nodes.kubelets import runtime_slot
from ..script.script_slots import SCRIPT, under_way

NO_LIMITS = Limits()
STEPS = 20_000
"""More steps than any start-up needs; a cluster that is not at rest by then does not come to rest."""


class Restless(Exception):  # noqa: N818 - it says what is the matter
    """The schedule went on and on."""


class Cut(Exception):  # noqa: N818 - it says what is the matter
    """A limit was hit on the way."""


def settle(machine: Machine, start: State | None = None, *, steps: int = STEPS, limits: Limits = NO_LIMITS) -> State:
    """Run from a state (the first initial one by default) until no fair action is enabled.

    Raises `Restless` when that takes more than `steps` steps, `Cut` when it takes more time or memory than it may.
    """
    state = start or State.of(machine.initial[0])
    fair = [action for action in machine.actions if action.fairness is not Fairness.NONE and not _next_command(action)]
    looking = Looking(sorted(fair, key=lambda one: (one.when_quiet, not one.urgent)))
    for _ in range(steps):
        if why := out_of_time(limits) or out_of_memory(limits):
            raise Cut(why)
        after = looking.step(state)
        if after is None:
            return state
        state = after
    raise Restless(f"not at rest after {steps} steps")


def _next_command(action: Action) -> bool:
    """Tell whether an action is what a user does next, or gives up, once all is at rest."""
    return action.when_quiet and action.verb in {Verb.BEGINS, Verb.GIVES_UP}


class Looking:
    """Finds the first action that changes something; one that changed nothing is asked again when what it read changes.

    A step is a pure function of what it reads, so it would give the same again.
    """

    def __init__(self, actions: Sequence[Action]) -> None:
        self.actions = actions
        self.idle: list[bool] = [False] * len(actions)
        self.readers: dict[str, set[int]] = {}

    def step(self, state: State) -> State | None:
        """Return the state after the first action that is enabled, None where none is."""
        for number, action in enumerate(self.actions):
            if self.idle[number]:
                continue
            read = Read(state)
            for outcome in action.step(read):
                changed = [slot for slot, value in outcome.updates.items() if state[slot] != value]
                if changed:
                    for slot in changed:
                        for reader in self.readers.pop(slot, ()):
                            self.idle[reader] = False
                    return apply(state, outcome)
            self.idle[number] = True
            for slot in read.slots:
                self.readers.setdefault(slot, set()).add(number)
        return None


class Read:
    """A view of a state that notes which slots are read."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.slots: set[str] = set()

    def __getitem__(self, slot: str) -> Any:
        self.slots.add(slot)
        return self.state[slot]

    def via(self, transform: Callable[[Any], Hashable], slot: str) -> Any:
        """Return `transform(value)`."""
        return transform(self[slot])


def apply(state: State, outcome: Outcome) -> State:
    """Return the state after an outcome."""
    values = list(state.values_in_order)
    for slot, value in outcome.updates.items():
        values[state.places[slot]] = value
    return state.with_values(tuple(values))


def contents(cluster: Cluster, state: State) -> Initial:
    """Return what is in a state's store, and what runs for it, as the start of another machine."""
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


def resting(cluster: Cluster, starts: Iterable[State]) -> Machine:
    """Return the machine that starts in these states and, where it is quiet, says so instead of the next command."""
    actions = [action for action in cluster.machine.actions if action.verb is not Verb.BEGINS]
    late = tuple(action for action in actions if action.when_quiet)
    initial = tuple({**state, AT_REST: False} for state in starts)
    rests = partial(_rests, late)
    return Machine(initial, (*actions, Action("cluster: comes to rest", "cluster", rests, when_quiet=True)))


def at_rest(state: State) -> bool:
    """Tell whether a state of a machine made by `resting` is at rest."""
    return bool(state[AT_REST])


def _rests(late: tuple[Action, ...], view: View) -> Iterator[Outcome]:
    """Come to rest where nothing more happens: not even what waits for quiet itself (`late`)."""
    goes_on = any(True for action in late for _ in action.step(view))
    if not goes_on and not view[AT_REST] and not view.via(under_way, SCRIPT):
        yield Outcome("comes to rest", {AT_REST: True})


def _moving(view: View) -> Iterator[str]:
    if not view[AT_REST]:
        yield "something is still under way"


RESTS = Converges("rest", "Every fair run comes to rest.", _moving)
