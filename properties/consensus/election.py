"""Who leads by a Lease: at most one, unless answers, clocks and pauses are as far off as the margin of its times.

The margin is what `duration` is longer than `retry` and `deadline` together. Below it nobody leads beside another; and
it is tight: what is as badly off as the margin makes two leaders.
"""

from __future__ import annotations

from collections.abc import Iterator

from attrs import evolve

from ...model.checker import Exploration, Options, Status, explore
from ...model.components.control_plane.leaderelection import Times, start, steps
from ...model.machine import Action, Invariant, Machine, Outcome, View
from ..proof import Answer

ELECTION = "election"
ONE = "one leads"


def election(times: Times, replicas: int = 2) -> Machine:
    """Return the machine of so many replicas that elect one."""

    def step(view: View) -> Iterator[Outcome]:
        for action in steps(view[ELECTION]):
            yield Outcome(str(action), {ELECTION: action.apply(view[ELECTION])})

    return Machine(({ELECTION: start(times, replicas)},), (Action("step", "all", step),))


def _one(view: View) -> Iterator[str]:
    leaders = view[ELECTION].leaders()
    if len(leaders) > 1:
        yield f"{len(leaders)} replicas believe to lead: {', '.join(map(str, leaders))}"


def leading(times: Times, replicas: int = 2) -> Exploration:
    """Search for two that believe to lead at a time."""
    claim = Invariant(ONE, "At most one replica believes to lead.", _one)
    return explore(election(times, replicas), [claim], Options(stop_at_first=True))


def margin(times: Times) -> int:
    """Return by how much things have to be off for two to believe to lead."""
    return times.duration - times.retry - times.deadline


def one_leads(times: Times) -> Answer:
    """Search everything that is off by less than the margin, however it is divided, and what is off by as much."""
    cases = 0
    room = margin(times)
    for late in range(max(room, 0) + 1):
        for slow in range(max(room, 0) + 1 - late):
            found = leading(evolve(times, late=late, slow=slow))
            cases += found.transitions
            wanted = Status.HOLDS if late + slow < room else Status.VIOLATED
            verdict = found[ONE]
            if verdict.status is not wanted:
                run = verdict.trace.lines() if verdict.trace else ()
                told = f"answers {late} late, clocks {slow} slow, a margin of {room}: {verdict.status.value}"
                return Answer(cases, (told, *run, *verdict.evidence))
    return Answer(cases)
