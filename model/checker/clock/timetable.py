"""When the steps of a run happen, by the waits in it; or which of these contradict each other.

A step has a time, no earlier than the step before. One that lets a wait run out is later than the wait's beginning by
more than its least length; while a wait is there no step is later than its beginning by more than its greatest. What
must be over within a time is over before that time has run out for somebody who waits as long, hence "more".

Every doubt makes a run possible, not impossible: a wait that was there at the start may have begun at any time before;
one that was cut short and begins again runs out as if it had never been away, for who waits may not have noticed; of
several windows it had, the least length counts from the first and the greatest from the last. A wait that no timer
names takes any time.

A part that repeats for ever does so at the same distances, each turn in a second at least: a run in which time stands
still is none. Averages of the turns of any run keep all constraints, so where there is no such timetable there is none.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise

from attrs import define, field, frozen

from ...machine import Action, Machine, State, Timer, Wait
from ..results import Trace
from ..traces import states
from .differences import After, Impossible, earliest

MORE = Fraction(1, 1_000_000)
"""How much more than its least length a wait takes at least: nothing that sums of seconds notice."""
WORTH_TELLING = Fraction(1, 10)
"""Seconds: of a shorter wait nothing is seen in times of whole seconds."""


@frozen
class Timetable:
    """In whole seconds after its start when each step of a run happens at the earliest, and what it waited for."""

    seconds: tuple[int, ...]
    waited: tuple[tuple[str, ...], ...]


@frozen
class Contradiction:
    """Why a run cannot happen: what it waits for too long, and what would have been over by then."""

    reasons: tuple[str, ...]
    kinds: frozenset[str] = frozenset()
    """Of the timers of these waits."""


def timetable(machine: Machine, trace: Trace) -> Timetable | Contradiction:
    """Return when the steps of a run of a machine happen, or why they cannot. Raises ValueError as `states` does."""
    gone = states(machine, trace)
    actions = {action.name: action for action in machine.actions}
    taken = [actions[step.action] for step in trace.steps]
    again = [] if trace.cycle_start is None else taken[trace.cycle_start :]
    turn = () if trace.cycle_start is None else gone[trace.cycle_start + 1 :]
    if lasting := dict(_never_over(machine.timers, turn)):
        return Contradiction(tuple(lasting), frozenset(lasting.values()))
    clock = _Clock(machine.timers)
    constraints = [*clock.constraints((*gone, *turn), (*taken, *again))]
    moments = 1 + len(taken) + len(again)
    for number in range(moments - len(again), moments):
        constraints.append(After(number - len(again), number, turns=1))
        constraints.append(After(number, number - len(again), turns=-1))
    found = earliest(moments, constraints)
    if isinstance(found, Impossible):
        circle = sorted((after for after in found.circle if after.kind), key=lambda after: after.seconds < 0)
        return Contradiction(tuple(after.told for after in circle), frozenset(after.kind for after in circle))
    waited = tuple(tuple(clock.waited.get(number, ())) for number in range(1, len(taken) + 1))
    return Timetable(tuple(int(fraction) for fraction in found.at[1 : len(taken) + 1]), waited)


def _never_over(timers: Sequence[Timer], turn: Sequence[State]) -> Iterator[tuple[str, str]]:
    """Say which waits are there all through what repeats for ever, though they are over some time; of which kind."""
    for timer in timers if turn else ():
        there = [{wait.what: wait for wait in timer.waits(state)} for state in turn]
        for what, wait in there[0].items():
            if wait.most is not None and all(what in waits for waits in there):
                yield f"{wait.told} takes {_told(wait.most)} at most, and would be over while this repeats", timer.kind


@define
class _Begun:
    """A wait that is there, or was cut short: the moment it began (None: before all), and the least of its windows."""

    first: int | None
    least: Fraction
    since: int
    most: Fraction | None


@define
class _Clock:
    """Goes along a run and notes what its waits ask of the times of its steps."""

    timers: tuple[Timer, ...]
    waited: dict[int, list[str]] = field(factory=dict)
    begun: dict[tuple[int, Hashable], _Begun] = field(factory=dict)

    def constraints(self, gone: Sequence[State], taken: Sequence[Action]) -> Iterator[After]:
        """Yield what has to be so; moment 0 is the start, moment n the step that leads to state n."""
        there = self._there(gone[0])
        self._note(there, {}, None)
        for moment, (action, (before, after)) in enumerate(zip(taken, pairwise(gone), strict=True), start=1):
            yield After(moment - 1, moment)
            for key, wait in there.items():
                yield from self._not_later(key, wait, moment)
            then = self._there(after)
            for key, wait in there.items():
                if self.timers[key[0]].runs_out(action, before, after, wait):
                    yield from self._runs_out(key, wait, moment)
                    if key not in then:
                        del self.begun[key]
            self._note(then, there, moment)
            there = then

    def _there(self, state: State) -> Mapping[tuple[int, Hashable], Wait]:
        found = ((number, wait) for number, timer in enumerate(self.timers) for wait in timer.waits(state))
        return {(number, wait.what): wait for number, wait in found}

    def _note(
        self,
        there: Mapping[tuple[int, Hashable], Wait],
        before: Mapping[tuple[int, Hashable], Wait],
        moment: int | None,
    ) -> None:
        for key, wait in there.items():
            known = self.begun.setdefault(key, _Begun(moment, wait.least, moment or 0, wait.most))
            known.least = min(known.least, wait.least)
            if key not in before or before[key].most != wait.most:
                known.since, known.most = moment or 0, wait.most

    def _not_later(self, key: tuple[int, Hashable], wait: Wait, moment: int) -> Iterator[After]:
        known = self.begun[key]
        if known.most is not None:
            told = f"{wait.told}, {_since(known.since)}, takes {_told(known.most)} at most"
            told = f"{told}, and step {moment} comes before that is over"
            yield After(moment, known.since, -known.most, 0, told, self.timers[key[0]].kind)

    def _runs_out(self, key: tuple[int, Hashable], wait: Wait, moment: int) -> Iterator[After]:
        known = self.begun[key]
        if known.first is not None and known.least > 0:
            told = f"{wait.told} takes {_told(known.least)} at least"
            if known.least >= WORTH_TELLING:
                self.waited.setdefault(moment, []).append(f"{told}, {_since(known.first)}")
            told = f"{told}, from step {known.first} to {moment}"
            yield After(known.first, moment, known.least + MORE, 0, told, self.timers[key[0]].kind)


def _since(moment: int) -> str:
    return f"from step {moment} on" if moment else "from the start on"


def _told(seconds: Fraction) -> str:
    return f"{float(seconds):g} s"
