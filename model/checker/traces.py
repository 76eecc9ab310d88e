"""Traces: rebuilt by running the real functions along the way the search took, and replayed by running them again.

Replay trusts nothing: every step, urgent ones included, must be possible where it is taken, with the recorded updates.
A trace of an older machine thus either replays or names its first step that is no longer possible.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from attrs import frozen

from ..machine import Action, Converges, Invariant, Machine, Outcome, Property, State, StepProperty
from .book import Book, Finding
from .results import Step, Trace
from .semantics import Move, initial_states, is_fair, micro_steps, moves, outcomes, settle, write
from .symmetry.orbits import AsymmetryError, Folding

WRITES_NOTHING = "it changes nothing here"


@frozen
class Divergence:
    """The first thing in a trace that is not so: `at` counts steps from 0 (-1: the initial state itself).

    `possible` lists what could have been done instead, as "action: label".
    """

    at: int
    action: str
    reason: str
    possible: tuple[str, ...] = ()


@frozen
class Replay:
    """The states gone through (before the first step, and after each), and where it ended early, if it did."""

    states: tuple[State, ...]
    divergence: Divergence | None = None

    @property
    def complete(self) -> bool:
        """Tell whether every step was possible."""
        return self.divergence is None


def rebuild(
    book: Book,
    state: int,
    further: Sequence[tuple[int, int]] = (),
    last: Callable[[State, Move], bool] | None = None,
) -> Trace:
    """Return the trace to a state and `further` (action, ordinal) steps on.

    Where the search kept orbits, each step is one that leads into the next orbit; `last` chooses among the last ones.
    """
    root, path = book.path(state)
    if book.folding is not None:
        return _unfolded(book, book.folding, book.roots[root], (*path, *further), last)
    at = book.roots[root]
    steps: list[Step] = []
    for number, ordinal in (*path, *further):
        action = book.machine.actions[number]
        outcome = outcomes(action, at)[ordinal]
        at = write(at, outcome, action.name)
        then: tuple[Step, ...] = ()
        if book.urgent:
            at, then = settle(book.machine, at)
        steps.append(Step.of(action, outcome, then))
    return Trace(book.roots[root], tuple(steps))


def _unfolded(
    book: Book,
    folding: Folding,
    root: State,
    path: Sequence[tuple[int, int]],
    last: Callable[[State, Move], bool] | None,
) -> Trace:
    """Return a run of the machine itself that goes from orbit to orbit as a path of the search does."""
    at, stands = root, folding.representative(root)
    steps: list[Step] = []
    for number, choice in enumerate(path):
        taken = next(move for move in moves(book.machine, stands, urgent=book.urgent) if _choice(move) == choice)
        stands = folding.representative(taken.after)
        options = moves(book.machine, at, urgent=book.urgent)
        fitting = [move for move in options if folding.representative(move.after) == stands]
        if last is not None and number == len(path) - 1:
            fitting = [move for move in fitting if last(at, move)]
        if not fitting:
            raise AsymmetryError(f"{taken.step.action}: {taken.step.label!r} cannot be done in every state of an orbit")
        move = min(fitting, key=lambda one: _choice(one) != choice)
        steps.append(move.step)
        at = move.after
    return Trace(root, tuple(steps))


def witness(book: Book, claim: Property, finding: Finding) -> tuple[Trace, tuple[str, ...]]:
    """Return a run of the machine itself to what was found of an orbit, and what is to be said of it there."""
    if finding.step is not None and isinstance(claim, StepProperty):
        trace = rebuild(book, finding.state, (finding.step,), lambda at, move: bool(breaches(claim, at, move.step)))
        at = states(book.machine, trace)[-2]
        return trace, breaches(claim, at, trace.steps[-1])
    trace = rebuild(book, finding.state)
    last = states(book.machine, trace)[-1]
    if isinstance(claim, Invariant):
        return trace, tuple(claim.check(last))
    if isinstance(claim, Converges):
        return trace, tuple(claim.goal(last))
    return trace, finding.evidence


def evidence_of(book: Book, claim: Property, finding: Finding, trace: Trace) -> tuple[str, ...]:
    """Return what is to be said of the end of a run: where no label was looked at, the step is asked for its own."""
    if finding.step is None or not isinstance(claim, StepProperty) or claim.by_label:
        return finding.evidence
    return breaches(claim, states(book.machine, trace)[-2], trace.steps[-1])


def breaches(claim: StepProperty, before: State, step: Step) -> tuple[str, ...]:
    """Return what a step property first says of a step and of the urgent steps it set off."""
    for part, at, after in micro_steps(before, step):
        if (claim.actions is None or claim.actions(part.action)) and (
            lines := tuple(claim.check(at, after, part.label))
        ):
            return lines
    return ()


def _choice(move: Move) -> tuple[int, int]:
    return move.action, move.ordinal


def states(machine: Machine, trace: Trace) -> tuple[State, ...]:
    """Return the states before each step of a trace and after the last. Raises ValueError where it does not replay."""
    result = replay(machine, trace)
    if result.divergence is not None:
        raise ValueError(f"step {result.divergence.at}, {result.divergence.action}: {result.divergence.reason}")
    return result.states


def replay(machine: Machine, trace: Trace) -> Replay:
    """Run a trace on the machine, step by step, as far as it goes."""
    if not _begins(machine, trace.initial):
        return Replay((), Divergence(-1, "", "the machine does not begin in this state"))
    gone = [State.of({slot: trace.initial[slot] for slot in machine.slots()})]
    for number, step in enumerate(trace.steps):
        at = gone[-1]
        for part in (step, *step.urgent):
            reason = _obstacle(machine, at, part, after_quiet=part is step)
            if reason:
                return Replay(tuple(gone), Divergence(number, part.action, reason, tuple(_possible(machine, at))))
            at = write(at, part.outcome, part.action)
        gone.append(at)
    if trace.cycle_start is not None and gone[-1] != gone[trace.cycle_start]:
        return Replay(tuple(gone), Divergence(len(trace.steps), "", "the cycle does not come back to where it began"))
    return Replay(tuple(gone))


def _begins(machine: Machine, initial: State) -> bool:
    begins = {*initial_states(machine, urgent=False), *initial_states(machine, urgent=True)}
    return any(initial == state for state in begins)


def _obstacle(machine: Machine, at: State, step: Step, *, after_quiet: bool) -> str:
    """Say why a step is not possible here; the empty string if it is."""
    action = next((action for action in machine.actions if action.name == step.action), None)
    if action is None:
        return "the machine has no such action"
    if after_quiet and action.when_quiet and not _quiet(machine, at):
        return "it waits for quiet, and something fair can still happen"
    labels = [outcome.label for outcome in outcomes(action, at)]
    if not labels:
        return "it is not enabled"
    if step.outcome not in outcomes(action, at):
        if step.label in labels:
            return f"{step.label!r} now writes something else"
        return f"it has no outcome {step.label!r}"
    return "" if _changes(at, step.outcome, action) else WRITES_NOTHING


def _changes(at: State, outcome: Outcome, action: Action) -> bool:
    return write(at, outcome, action.name).values_in_order != at.values_in_order


def _quiet(machine: Machine, at: State) -> bool:
    fair = (action for action in machine.actions if not action.when_quiet and is_fair(action, urgent=False))
    return not any(_changes(at, outcome, action) for action in fair for outcome in outcomes(action, at))


def _possible(machine: Machine, at: State) -> Iterator[str]:
    quiet = _quiet(machine, at)
    for action in machine.actions:
        if action.when_quiet and not quiet:
            continue
        for outcome in outcomes(action, at):
            if _changes(at, outcome, action):
                yield f"{action.name}: {outcome.label}"
