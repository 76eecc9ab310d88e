"""Traces made shorter by leaving out steps that a breach does not need.

What is left is a run of the machine: every step is taken anew, chosen by its action and label, since what it writes may
differ by what went before. Larger pieces are left out first. Nothing smaller can be left out in the end, one step at a
time; a shorter run of other steps may exist.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from attrs import frozen

from ..machine import Action, Converges, Invariant, Machine, Outcome, Property, Sometimes, State, StepProperty
from .results import Step, Trace
from .semantics import is_fair, micro_steps, moves, outcomes, settle, write

Choice = tuple[int, int]
"""A step: the number of its action, and which of its outcomes."""


@frozen
class Wish:
    """A step as one wants to take it again elsewhere: by the action's number and the outcome's label."""

    action: int
    label: str


@frozen
class Way:
    """A way gone: its steps, and the states before the first and after each."""

    steps: tuple[Step, ...]
    states: tuple[State, ...]

    @property
    def trace(self) -> Trace:
        """Return it as a trace."""
        return Trace(self.states[0], self.steps)


def shorten(machine: Machine, claim: Property, begin: State, choices: Sequence[Choice], *, urgent: bool) -> Way:
    """Leave out steps, many at a time and then fewer, as long as the rest can be taken and ends in the same breach."""
    way = repeated(machine, begin, choices, urgent=urgent)
    wishes = tuple(Wish(number, step.label) for (number, _), step in zip(choices, way.steps, strict=True))
    size = len(wishes)
    while size:
        at = 0
        while at < len(wishes):
            fewer = (*wishes[:at], *wishes[at + size :])
            shorter = _walked(machine, begin, fewer, urgent=urgent)
            if shorter is not None and breach(machine, claim, shorter, urgent=urgent):
                wishes, way = fewer, shorter
            else:
                at += size
        size //= 2
    return way


def repeated(machine: Machine, begin: State, choices: Sequence[Choice], *, urgent: bool) -> Way:
    """Take the steps that were taken before."""
    steps, gone = list[Step](), [begin]
    for number, ordinal in choices:
        action = machine.actions[number]
        step, after = _finished(machine, gone[-1], action, outcomes(action, gone[-1])[ordinal], urgent=urgent)
        steps.append(step)
        gone.append(after)
    return Way(tuple(steps), tuple(gone))


def _walked(machine: Machine, begin: State, wishes: Sequence[Wish], *, urgent: bool) -> Way | None:
    """Take the steps; None where one is not possible."""
    steps, gone = list[Step](), [begin]
    for wish in wishes:
        found = next(_granted(machine, gone[-1], wish, urgent=urgent), None)
        if found is None:
            return None
        steps.append(found[0])
        gone.append(found[1])
    return Way(tuple(steps), tuple(gone))


def _granted(machine: Machine, at: State, wish: Wish, *, urgent: bool) -> Iterator[tuple[Step, State]]:
    action = machine.actions[wish.action]
    if action.when_quiet and not _quiet(machine, at, urgent=urgent):
        return
    for outcome in outcomes(action, at):
        if outcome.label == wish.label:
            step, after = _finished(machine, at, action, outcome, urgent=urgent)
            if after.values_in_order != at.values_in_order:
                yield step, after


def _quiet(machine: Machine, at: State, *, urgent: bool) -> bool:
    possible = (machine.actions[move.action] for move in moves(machine, at, urgent=urgent))
    return not any(is_fair(action, urgent=urgent) and not action.when_quiet for action in possible)


def _finished(machine: Machine, at: State, action: Action, outcome: Outcome, *, urgent: bool) -> tuple[Step, State]:
    after, then = write(at, outcome, action.name), tuple[Step, ...]()
    if urgent:
        after, then = settle(machine, after)
    return Step.of(action, outcome, then), after


def breach(machine: Machine, claim: Property, way: Way, *, urgent: bool) -> tuple[str, ...]:
    """Say how a way ends in a breach of a property (of `Sometimes`: in what it asks for); nothing if it does not."""
    last = way.states[-1]
    if isinstance(claim, Invariant):
        return tuple(claim.check(last))
    if isinstance(claim, Sometimes):
        return ("true",) if claim.check(last) else ()
    if isinstance(claim, StepProperty):
        return _step_breach(claim, way.states[-2], way.steps[-1]) if way.steps else ()
    if isinstance(claim, Converges) and (claim.when is None or claim.when(last)):
        further = moves(machine, last, urgent=urgent)
        goes_on = any(is_fair(machine.actions[move.action], urgent=urgent) for move in further)
        return () if goes_on else tuple(claim.goal(last))
    return ()


def _step_breach(claim: StepProperty, before: State, step: Step) -> tuple[str, ...]:
    for part, state, after in micro_steps(before, step):
        watched = claim.actions is None or claim.actions(part.action)
        if watched and (lines := tuple(claim.check(state, after, part.label))):
            return lines
    return ()
