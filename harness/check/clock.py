"""When the steps of a breach happen, and whether they can happen in that order at all.

A search has no clock, so what it finds is a breach only if nobody's waits forbid the order of its steps. Where they do,
the claim is looked at again with clocks for the kinds of waits that contradict each other (`checker.clock.clocked`),
and for more where the next run contradicts others: what holds then holds by what the clocks say, a run that is found
then has a timetable. What neither is the case of is not known, and which waits contradict each other is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from attrs import evolve

from ...model.checker.clock.clocked import clocked, plain
from ...model.checker.clock.timetable import Contradiction, Timetable, timetable
from ...model.checker.explore import explore
from ...model.checker.options import Options
from ...model.checker.results import NO_LIMITS, Exploration, Limits, Progress, Status, Trace, Verdict
from ...model.checker.semantics import fairness_of, moves
from ...model.checker.traces import states
from ...model.machine import Fairness, Machine, Property, State
from ..input.scenario import Scenario
from .results import Claim

NEVER = "a run was found that breaks it, but no clock allows it (clock: false, --no-clock: take any order for possible)"
NOT_SO = "no clock allows a run that breaks it (clock: false, --no-clock: take any order for possible)"
ROUNDS = 4
"""How often a claim is looked at again with clocks for more kinds of waits."""
TIMES, LEAST, MOST = 8, 20_000, 50_000
"""How many times the states of the search without clocks one with clocks may have; how many at least, and at most."""


def possible(
    scenario: Scenario, machine: Machine, asked: Iterable[Property], found: Exploration, limits: Limits, room: str
) -> Exploration:
    """Return what was found of some properties, with what only a run violates that cannot happen looked at again.

    Not so the one called `room`, on which all others rest: what does not fit was looked at by none of them.
    """
    if not scenario.clock or not machine.timers:
        return found
    by_name = {claim.name: claim for claim in asked if claim.name != room}
    most = min(max(LEAST, TIMES * found.states), MOST)
    within = evolve(limits, max_states=min(most, limits.max_states or most))
    known = ((by_name.get(verdict.name), verdict) for verdict in found.verdicts)
    verdicts = (verdict if claim is None else decided(machine, claim, verdict, within) for claim, verdict in known)
    return evolve(found, verdicts=tuple(verdicts))


def searched(
    machine: Machine,
    claim: Property,
    limits: Limits = NO_LIMITS,
    progress: Callable[[Progress], None] | None = None,
) -> Exploration:
    """Search a machine for a breach of one claim that some clock allows: in as many rounds as it has kinds of waits."""
    found = explore(machine, [claim], limits=limits, progress=progress)
    kinds = len({timer.kind for timer in machine.timers})
    return evolve(found, verdicts=(decided(machine, claim, found[claim.name], limits, rounds=kinds),))


def decided(
    machine: Machine, claim: Property, verdict: Verdict, limits: Limits, *, rounds: int | None = None
) -> Verdict:
    """Return what is known of a claim once clocks are asked, too: of one that only an impossible run breaks, more."""
    if verdict.status is not Status.VIOLATED or verdict.trace is None:
        return verdict
    never, kinds, cut = timetable(machine, verdict.trace), frozenset[str](), ""
    if not isinstance(never, Contradiction):
        return verdict
    for _ in range(ROUNDS if rounds is None else rounds):
        if never.kinds <= kinds:
            break
        kinds |= never.kinds
        again = explore(clocked(machine, kinds), [claim], Options(stop_at_first=True), limits=limits)[claim.name]
        if again.status is Status.HOLDS:
            return evolve(again, reason=f"{NOT_SO}: {'; '.join(never.reasons)}")
        cut = again.reason
        if again.trace is None or not is_run(machine, again.kind, run := plain(again.trace)):
            break
        verdict, then = evolve(again, trace=run), timetable(machine, run)
        if not isinstance(then, Contradiction):
            return verdict
        never = then
    why = f"{_why(never)}{f'; with clocks, {cut}' if cut else ''}"
    return evolve(verdict, status=Status.UNKNOWN, evidence=(), trace=None, reason=why)


def is_run(machine: Machine, kind: str, run: Trace) -> bool:
    """Tell whether a run of a machine with clocks is one of the machine, and breaks there what it broke."""
    try:
        gone = states(machine, run)
    except ValueError:  # A step that waits for quiet did not wait for somebody whose time had not come.
        return False
    if run.cycle_start is None:
        return kind != "stuck" or not _willing(machine, gone[-1], Fairness.WEAK, Fairness.STRONG)
    groups = {action.name: action.group for action in machine.actions}
    taken = {groups[step.action] for step in run.steps[run.cycle_start :]}
    turn = gone[run.cycle_start + 1 :]
    weak = set[str].intersection(*(_willing(machine, state, Fairness.WEAK) for state in turn))
    strong = set[str]().union(*(_willing(machine, state, Fairness.STRONG) for state in turn))
    return weak | strong <= taken


def _willing(machine: Machine, state: State, *promises: Fairness) -> set[str]:
    """Return the groups of actions with one of these promises that have a step in a state."""
    acts = (machine.actions[move.action] for move in moves(machine, state, urgent=True))
    return {act.group for act in acts if fairness_of(act, urgent=True) in promises}


def timed(scenario: Scenario, machine: Machine, claim: Claim) -> Claim:
    """Return a violated claim with the timetable of its breach on a machine; not known where there is none."""
    if not scenario.clock or not machine.timers or claim.status is not Status.VIOLATED or claim.trace is None:
        return claim
    times = timetable(machine, claim.trace)
    if isinstance(times, Timetable):
        return evolve(claim, times=times)
    return evolve(claim, status=Status.UNKNOWN, lines=(_why(times),), trace=None, blame=())


def _why(never: Contradiction) -> str:
    return f"{NEVER}: {'; '.join(never.reasons)}"
