"""Record a run of a machine as a document, and go through a document again on the machine it was made of.

A replay takes the recorded steps by name: who and what. It stops at the first step that is no longer possible, saying
what was possible instead, and at the first state that differs from the recorded one.
"""

from __future__ import annotations

from collections.abc import Iterator

from attrs import evolve, frozen

from ..model.checker.results import Step, Trace
from ..model.checker.semantics import Move, initial_states, moves, write
from ..model.checker.timetable import Timetable
from ..model.machine import Machine, State
from .canonical import digest
from .difference import differences
from .document import Document, Inputs, Moment, said


@frozen
class Replayed:
    """Every step was possible and every digest the recorded one."""

    steps: int


@frozen
class Impossible:
    """Step `number` (from 1) cannot be taken any more; `possible` is what could be done instead."""

    number: int
    step: str
    possible: tuple[str, ...]


@frozen
class Differs:
    """After step `number` (from 1; 0 is the start) the state is another one than was recorded."""

    number: int
    step: str
    recorded: str
    found: str


Replay = Replayed | Impossible | Differs


def record(
    trace: Trace,
    *,
    version: str,
    inputs: Inputs,
    claim: str = "",
    sentence: str = "",
    verdict: str = "",
    kind: str = "",
    reasons: tuple[str, ...] = (),
    times: Timetable | None = None,
) -> Document:
    """Make a document of a run: its steps with what they changed, the digest of each state, and when they happen."""
    return Document(
        what="check",
        version=version,
        inputs=inputs,
        start=digest(trace.initial),
        steps=tuple(_moments(trace) if times is None else _timed(trace, times)),
        claim=claim,
        sentence=sentence,
        verdict=verdict,
        kind=kind,
        reasons=reasons,
        cycle_start=trace.cycle_start,
    )


def _moments(trace: Trace) -> Iterator[Moment]:
    before = trace.initial
    for step in trace.steps:
        after = write(before, step.outcome, step.action)
        for urgent in step.urgent:
            after = write(after, urgent.outcome, urgent.action)
        yield Moment(step.action, step.label, digest(after), then_of(step), differences(before, after))
        before = after


def _timed(trace: Trace, times: Timetable) -> Iterator[Moment]:
    for moment, seconds, waited in zip(_moments(trace), times.seconds, times.waited, strict=True):
        yield evolve(moment, seconds=seconds, waited=waited)


def then_of(step: Step) -> tuple[str, ...]:
    """Name what a step set off at once; what has no label only brings about what the step said."""
    return tuple(said(urgent.action, urgent.label) for urgent in step.urgent if urgent.label)


def replay(machine: Machine, document: Document, *, urgent: bool = True) -> Replay:
    """Take the recorded steps again, one by one."""
    starts = initial_states(machine, urgent=urgent)
    state = next((start for start in starts if digest(start) == document.start), None)
    if state is None:
        return Differs(0, "the start", document.start, digest(starts[0]))
    for number, moment in enumerate(document.steps, start=1):
        name = said(moment.action, moment.label)
        here = moves(machine, state, urgent=urgent)
        same = [move for move in here if (move.step.action, move.step.label) == (moment.action, moment.label)]
        if not same:
            return Impossible(number, name, possible(here))
        after = _pick(same, moment.digest)
        if (found := digest(after)) != moment.digest:
            return Differs(number, name, moment.digest, found)
        state = after
    return Replayed(len(document.steps))


def _pick(same: list[Move], wanted: str) -> State:
    """Of the outcomes that are called alike take the recorded one, else the first."""
    return next((move.after for move in same if digest(move.after) == wanted), same[0].after)


def possible(here: tuple[Move, ...]) -> tuple[str, ...]:
    """Name what can be done, in the machine's order."""
    return tuple(dict.fromkeys(said(move.step.action, move.step.label) for move in here))
