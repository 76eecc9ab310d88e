"""A machine with a clock for each wait of some kinds: only what time allows.

A step is taken after some time in which no wait is there longer than its greatest length; one that lets a wait run out,
only when it has been there for more than its least. All that is possible at once is one state, as a zone (`zones`).

As in a timetable every doubt makes a step possible: one that was there at the start, or was cut short before, has no
least length; one whose window changes begins anew with none. A wait that steps set off at once begins or ends in the
step that they belong to.

What holds here holds of every run that has a timetable, if time can always go on: a wait with a greatest length must
have an action that ends it and can be taken. What is broken here is a run of the machine, but not always a fair one:
who waits for the clock is not enabled.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from fractions import Fraction
from functools import partial
from typing import Any, TypeAlias

from attrs import evolve, frozen
from immutabledict import immutabledict

from ...machine import Action, Machine, Outcome, State, Timer, View, Wait
from ..results import Step, Trace
from ..trees.remembered import Remembered
from . import zones

CLOCK = "clock"
"""The slot with the clocks."""
Key: TypeAlias = tuple[int, Hashable]
"""A wait: the number of its timer, and what it is."""
Waits: TypeAlias = Mapping[Key, Wait]


@frozen
class Clocks:
    """The waits that are there, each with its window, the times they may have been there, and which were cut short."""

    windows: immutabledict[Key, tuple[Fraction, Fraction | None]] = immutabledict()
    zone: zones.Zone = zones.NOWHERE
    unsure: frozenset[Key] = frozenset()

    def begun(self, key: Key, wait: Wait, *, known: bool = True) -> Clocks:
        """Return them with one that begins now, or is there already for any time."""
        least = wait.least if known and key not in self.unsure else Fraction(0)
        if not least and wait.most is None:
            return evolve(self, unsure=self.unsure | {key})
        zone = zones.added(self.zone, key, known=known)
        return evolve(self, windows=self.windows.set(key, (least, wait.most)), zone=zone)

    def over(self, key: Key, *, ran_out: bool) -> Clocks:
        """Return them without one; one that was cut short is remembered."""
        unsure = self.unsure - {key} if ran_out else self.unsure | {key}
        windows = immutabledict((other, window) for other, window in self.windows.items() if other != key)
        return Clocks(windows, zones.removed(self.zone, key), unsure)

    def moved(self, there: Waits) -> Clocks:
        """Return them with what is there in a state: what is new begins, what is gone was cut short."""
        found = self
        for key, (least, most) in self.windows.items():
            if key not in there:
                found = found.over(key, ran_out=False)
            elif there[key].most != most:
                found = found.over(key, ran_out=False).begun(key, there[key])
            elif there[key].least < least:
                found = evolve(found, windows=found.windows.set(key, (there[key].least, most)))
        for key, wait in there.items():
            if key not in found.windows:
                found = found.begun(key, wait)
        return found

    def later(self) -> Clocks | None:
        """Return them after some time; None where some wait is overdue."""
        most = {key: window[1] for key, window in self.windows.items() if window[1] is not None}
        zone = zones.later(self.zone, most)
        return None if zone is None else evolve(self, zone=zone)

    def ripe(self, key: Key) -> Clocks | None:
        """Return them where a wait has been there for more than its least length; None where it cannot have been."""
        if key not in self.windows or not (least := self.windows[key][0]):
            return self
        zone = zones.beyond(self.zone, key, least)
        return None if zone is None else evolve(self, zone=zone)

    def coarse(self) -> Clocks:
        """Return them with what nobody can tell from them any more."""
        greatest = {key: max(least, most or least) for key, (least, most) in self.windows.items()}
        return evolve(self, zone=zones.coarse(self.zone, greatest))


@frozen
class _After:
    """A state as an outcome leaves it."""

    before: View
    updates: Mapping[str, Hashable]

    def __getitem__(self, slot: str) -> Any:
        return self.updates[slot] if slot in self.updates else self.before[slot]

    def via(self, transform: Callable[[Any], Hashable], slot: str) -> Any:
        return transform(self.updates[slot]) if slot in self.updates else self.before.via(transform, slot)


def clocked(machine: Machine, kinds: frozenset[str]) -> Machine:
    """Return a machine with clocks for the timers of these kinds."""
    timers = tuple(evolve(timer, waits=Remembered(timer.waits)) for timer in machine.timers if timer.kind in kinds)
    starts = tuple({**start, CLOCK: _at_start(timers, State.of(start))} for start in machine.initial)
    actions = tuple(action if action.urgent else _with_clocks(timers, action) for action in machine.actions)
    return evolve(machine, initial=starts, actions=actions)


def _with_clocks(timers: tuple[Timer, ...], action: Action) -> Action:
    return evolve(action, step=partial(_steps, timers, evolve(action, step=Remembered(action.step))))


def plain(trace: Trace) -> Trace:
    """Return a run of a machine with clocks as one of the machine without."""
    start = State.of({slot: value for slot, value in trace.initial.items() if slot != CLOCK})
    return evolve(trace, initial=start, steps=tuple(map(_plain, trace.steps)))


def _plain(step: Step) -> Step:
    updates = {slot: value for slot, value in step.outcome.updates.items() if slot != CLOCK}
    return evolve(step, outcome=Outcome(step.label, updates))


def _waits(timers: tuple[Timer, ...], view: View) -> Waits:
    found = ((number, wait) for number, timer in enumerate(timers) for wait in timer.waits(view))
    return {(number, wait.what): wait for number, wait in found}


def _at_start(timers: tuple[Timer, ...], start: State) -> Clocks:
    found = Clocks()
    for key, wait in _waits(timers, start).items():
        found = found.begun(key, wait, known=False)
    return found


def _steps(timers: tuple[Timer, ...], action: Action, view: View) -> Iterator[Outcome]:
    outcomes = [
        outcome for outcome in action.step(view) if any(view[slot] != value for slot, value in outcome.updates.items())
    ]
    if not outcomes:
        return
    there = _waits(timers, view)
    elapsed = view[CLOCK].moved(there).later()
    for outcome in outcomes if elapsed is not None else ():
        after = _After(view, outcome.updates)
        found = _through(timers, action, view, after, there, elapsed)
        if found is not None:
            yield Outcome(outcome.label, {**outcome.updates, CLOCK: found.moved(_waits(timers, after)).coarse()})


def _through(
    timers: tuple[Timer, ...], action: Action, before: View, after: View, there: Waits, clocks: Clocks
) -> Clocks | None:
    """Return the clocks after what runs out in a step; None where it is not time."""
    out = [key for key, wait in there.items() if timers[key[0]].runs_out(action, before, after, wait)]
    found: Clocks | None = clocks
    for key in out:
        found = None if found is None else found.ripe(key)
    then = _waits(timers, after) if out else {}
    for key in out:
        if found is not None and key not in then:
            found = found.over(key, ran_out=True)
    return found
