"""Record a run of a machine as a document, and go through a document again on the machine it was made of.

A replay takes the recorded steps by name: who and what. It stops at the first step that is no longer possible, saying
what was possible instead, and at the first state that differs from the recorded one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from typing import Any

from attrs import evolve, field, frozen

from ..impl.api.kinds import Object, ref_of
from ..impl.api.meta import Ref
from ..model.checker.clock.timetable import Timetable
from ..model.checker.results import Step, Trace
from ..model.checker.semantics import Move, initial_states, moves, write
from ..model.machine import Machine, State
from .canonical import digest
from .changes import OBJECTS, changes, plain
from .document import Document, Inputs, Moment, Seen
from .words import outcome, told, who_did


@frozen
class Replayed:
    """Every step was possible and every digest the recorded one."""

    steps: int
    trace: Trace | None = field(default=None, eq=False, repr=False)
    """The run gone through, where it is one of a machine."""


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
    beside: Iterable[Object] = (),
    times: Timetable | None = None,
) -> Document:
    """Make a document of a run: its steps with what they changed, the digest of each state, and when they happen.

    `beside` are objects that never change, and so have no slots.
    """
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
        objects=tuple(map(plain, _objects(trace, beside))),
    )


def _objects(trace: Trace, beside: Iterable[Object]) -> tuple[Object, ...]:
    """Return the objects at the start by reference; of those beside it only kinds that have no places.

    A run in which nothing is an object (a closer look has its own values) says nothing of any.
    """
    held = [value for value in trace.initial.values() if type(value) in OBJECTS]
    written = (value for step in trace.steps for value in step.outcome.updates.values())
    placed = {type(value) for value in (*held, *written)}
    placed &= OBJECTS
    found: list[Any] = [*held, *(obj for obj in beside if placed and type(obj) not in placed)]
    return tuple(sorted(found, key=ref_of))


def _moments(trace: Trace) -> Iterator[Moment]:
    before, views = trace.initial, Views()
    for number, step in enumerate(trace.steps, start=1):
        after = write(before, step.outcome, step.action)
        for urgent in step.urgent:
            after = write(after, urgent.outcome, urgent.action)
        yield Moment(
            action=step.action,
            label=step.label,
            digest=digest(after),
            then=then_of(step, before, after),
            changes=changes(before, after),
            by=_who(step.by),
            verb=_how(step.verb),
            on=_what(step.on, before, after),
            view=views.of(step, before),
        )
        views.note(number, step, before, after)
        before = after


def _who(by: Any) -> str:
    return "" if by is None else str(by)


def _how(verb: Any) -> str:
    return verb.value if isinstance(verb, Enum) else str(verb or "")


def _what(on: Any, before: Mapping[str, Any], after: Mapping[str, Any]) -> Ref | str:
    """Return what a step is about: of a slot the object that is in it, or was."""
    if isinstance(on, Ref):
        return on
    if on in before:
        found = next((state[on] for state in (after, before) if type(state[on]) in OBJECTS), None)
        return str(on) if found is None else ref_of(found)
    return "" if on is None else str(on)


class Views:
    """When each memory was last written: what somebody acts on who does not look at the state as it is."""

    def __init__(self) -> None:
        self.written: dict[str, int] = {}
        self.begun: dict[str, tuple[Seen, ...]] = {}
        """By the slot of a turn that is under way: the view on which it began."""

    def of(self, step: Step, before: Mapping[str, Any]) -> tuple[Seen, ...]:
        """Return the view a step is taken on: that on which the requests were decided which it goes on to send."""
        for memory in step.remembers:
            if not memory.of and before[memory.slot] and memory.slot in self.begun:
                return self.begun[memory.slot]
        return tuple(Seen(memory.of, self.written.get(memory.slot, 0)) for memory in step.remembers if memory.of)

    def note(self, number: int, step: Step, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        """Note what a step left behind."""
        view = self.of(step, before)
        for memory in step.remembers:
            if not memory.of and after[memory.slot]:
                self.begun[memory.slot] = view
        for part in (step, *step.urgent):
            self.written |= dict.fromkeys(part.outcome.updates, number)


def _timed(trace: Trace, times: Timetable) -> Iterator[Moment]:
    for moment, seconds, waited in zip(_moments(trace), times.seconds, times.waited, strict=True):
        yield evolve(moment, seconds=seconds, waited=waited)


def then_of(step: Step, before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """Name what a step set off at once; what has no label only brings about what the step said."""
    return tuple(_worded(urgent, before, after) for urgent in step.urgent if urgent.label)


def replay(machine: Machine, document: Document, *, urgent: bool = True) -> Replay:
    """Take the recorded steps again, one by one."""
    starts = initial_states(machine, urgent=urgent)
    state = next((start for start in starts if digest(start) == document.start), None)
    if state is None:
        return Differs(0, "the start", document.start, digest(starts[0]))
    begin, taken = state, list[Step]()
    for number, moment in enumerate(document.steps, start=1):
        name = told(moment)
        here = moves(machine, state, urgent=urgent)
        same = [move for move in here if (move.step.action, move.step.label) == (moment.action, moment.label)]
        if not same:
            return Impossible(number, name, possible(state, here))
        move = _pick(same, moment.digest)
        if (found := digest(move.after)) != moment.digest:
            return Differs(number, name, moment.digest, found)
        state = move.after
        taken.append(move.step)
    return Replayed(len(document.steps), Trace(begin, tuple(taken), document.cycle_start))


def _pick(same: list[Move], wanted: str) -> Move:
    """Of the outcomes that are called alike take the recorded one, else the first."""
    return next((move for move in same if digest(move.after) == wanted), same[0])


def possible(state: State, here: tuple[Move, ...]) -> tuple[str, ...]:
    """Name what can be done in a state, in the machine's order."""
    return tuple(dict.fromkeys(_worded(move.step, state, move.after) for move in here))


def _worded(step: Step, before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    return who_did(
        step.action,
        outcome(step.label, changes(before, after)),
        _who(step.by),
        _how(step.verb),
        _what(step.on, before, after),
    )
