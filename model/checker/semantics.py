"""What a step is, said once in plain terms: the measure for both engines, for traces and for replay.

A step is one outcome of one action that changes the state; then, with urgency on, urgent actions run in listed order
until none changes anything. What ends where it began is no step. Actions that wait for quiet are considered only where
no fair action has a step; urgent actions count as fair ones when urgency is off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from attrs import frozen

from ..machine import Action, Fairness, Machine, MachineError, Outcome, State, StepProperty, View
from .results import Step, Trace

URGENT_LIMIT = 10_000
"""More urgent steps than this inside one step are taken for a machine that does not settle."""

T = TypeVar("T")


class StepError(MachineError):
    """A function of the machine raised: `function` names it, `seen` holds the slots it had read (or all of them)."""

    def __init__(self, function: str, seen: dict[str, Any], cause: BaseException) -> None:
        read = ", ".join(f"{slot}={value!r}" for slot, value in seen.items())
        super().__init__(f"{function} raised {type(cause).__name__}: {cause}; it had seen {read or 'nothing'}")
        self.function = function
        self.seen = seen
        self.trace: Trace | None = None
        """How the search came to the state it happened in."""


class ImpureStepError(MachineError):
    """A function gave two answers, or read in two orders, in one situation."""


class UrgentError(MachineError):
    """An urgent action has several outcomes, or the urgent steps do not settle."""


class Watch:
    """A view of a state that remembers what was read, for the message when the reader raises."""

    __slots__ = ("seen", "state")

    def __init__(self, state: State) -> None:
        self.state = state
        self.seen: dict[str, Any] = {}

    def __getitem__(self, slot: str) -> Any:
        value = self.seen[slot] = self.state[slot]
        return value

    def via(self, transform: Callable[[Any], Any], slot: str) -> Any:
        """Return `transform(value)`."""
        return transform(self[slot])


def ask(function: str, call: Callable[..., T], *states: State) -> T:
    """Call a function of the machine on states; whatever it raises becomes a `StepError` (but `MachineError` stays)."""
    views = [Watch(state) for state in states]
    try:
        return call(*views)
    except MachineError:
        raise
    except Exception as error:
        seen = {slot: value for view in views for slot, value in view.seen.items()}
        raise StepError(function, seen, error) from error


def checked(claim: StepProperty, label: str) -> Callable[[View, View], tuple[str, ...]]:
    """Return what says of the states before and after a step of this label what is wrong with it."""
    return lambda before, after: tuple(claim.check(before, after, label))


def outcomes(action: Action, state: State) -> tuple[Outcome, ...]:
    """Return all outcomes of an action, also those that change nothing."""

    def collect(view: View) -> tuple[Outcome, ...]:
        return tuple(action.step(view))

    return ask(action.name, collect, state)


def write(state: State, outcome: Outcome, who: str) -> State:
    """Return the state with an outcome written into it; `who` is named when it writes a slot that is none."""
    values = list(state.values_in_order)
    for slot, value in outcome.updates.items():
        values[place_of(state, slot, who)] = value
    return state.with_values(tuple(values))


def place_of(state: State, slot: str, who: str) -> int:
    """Return the place of a slot."""
    place = state.places.get(slot)
    if place is None:
        raise MachineError(f"{who} writes {slot!r}, which is no slot")
    return place


def settle(machine: Machine, state: State) -> tuple[State, tuple[Step, ...]]:
    """Run the urgent actions, the first enabled one in listed order each time, until none changes anything."""
    steps: list[Step] = []
    urgent = [action for action in machine.actions if action.urgent]
    while True:
        step = next(_urgent_steps(urgent, state), None)
        if step is None:
            return state, tuple(steps)
        if len(steps) == URGENT_LIMIT:
            raise UrgentError(f"urgent steps do not settle; the last was {step[0].action}")
        steps.append(step[0])
        state = step[1]


def _urgent_steps(urgent: Iterable[Action], state: State) -> Iterator[tuple[Step, State]]:
    for action in urgent:
        found = outcomes(action, state)
        if len(found) > 1:
            raise UrgentError(f"urgent {action.name} has {len(found)} outcomes")
        for outcome in found:
            after = write(state, outcome, action.name)
            if after.values_in_order != state.values_in_order:
                yield Step.of(action, outcome), after


@frozen
class Move:
    """A step as the search knows it: which action, which of its outcomes (counted from 0), and where it leads."""

    action: int
    ordinal: int
    step: Step
    after: State


def moves(machine: Machine, state: State, *, urgent: bool) -> tuple[Move, ...]:
    """Return every step from a state, in the order of actions and outcomes."""
    first = _moves_of(machine, state, urgent=urgent, quiet=False)
    if any(is_fair(machine.actions[move.action], urgent=urgent) for move in first):
        return first
    return first + _moves_of(machine, state, urgent=urgent, quiet=True)


def micro_steps(state: State, step: Step) -> Iterator[tuple[Step, State, State]]:
    """Yield a step and each urgent step it set off, with the state before and after each."""
    for part in (step, *step.urgent):
        after = write(state, part.outcome, part.action)
        yield part, state, after
        state = after


def is_fair(action: Action, *, urgent: bool) -> bool:
    """Tell whether somebody is bound to take the action sooner or later."""
    return fairness_of(action, urgent=urgent) is not Fairness.NONE


def fairness_of(action: Action, *, urgent: bool) -> Fairness:
    """Return the fairness of an action: an urgent one is weakly fair when urgency is off."""
    return Fairness.WEAK if action.urgent and not urgent else action.fairness


def _moves_of(machine: Machine, state: State, *, urgent: bool, quiet: bool) -> tuple[Move, ...]:
    return tuple(
        Move(number, ordinal, Step.of(action, outcome, then), after)
        for number, action in enumerate(machine.actions)
        if action.when_quiet is quiet and not (urgent and action.urgent)
        for ordinal, outcome in enumerate(outcomes(action, state))
        for after, then in [_finish(machine, write(state, outcome, action.name), urgent=urgent)]
        if after.values_in_order != state.values_in_order
    )


def _finish(machine: Machine, state: State, *, urgent: bool) -> tuple[State, tuple[Step, ...]]:
    return settle(machine, state) if urgent else (state, ())


def initial_states(machine: Machine, *, urgent: bool) -> tuple[State, ...]:
    """Return the distinct initial states in order, settled when urgency is on."""
    slots = machine.slots()
    places = {slot: place for place, slot in enumerate(slots)}
    raw = (State(places, tuple(initial[slot] for slot in slots)) for initial in machine.initial)
    return tuple(dict.fromkeys(_finish(machine, state, urgent=urgent)[0] for state in raw))
