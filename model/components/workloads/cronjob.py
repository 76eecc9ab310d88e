"""What the CronJob controller may do: one run for the last time that has come, and what becomes of those under way.

A turn strikes off who is over or gone; then, unless it is suspended, sees to the last time that has come, if it has not
yet: with FORBID only once nobody is under way, with REPLACE in the place of those who are. Times that have come
meanwhile have no run. Leaves out: deadlines, time zones, how many runs are kept.
"""

from __future__ import annotations

from enum import Enum

from attrs import evolve, frozen


class Policy(Enum):
    """What is done about those who are under way when another one is due."""

    ALLOW = "Allow"
    FORBID = "Forbid"
    REPLACE = "Replace"


@frozen(order=True)
class Run:
    """The run of a time, by its number; whether it is over."""

    number: int
    over: bool = False


@frozen
class State:
    """How many times have come, which was seen to, the runs that there are, and who is written down as under way."""

    policy: Policy
    come: int = 0
    seen: int = 0
    runs: frozenset[Run] = frozenset()
    noted: frozenset[int] = frozenset()
    suspended: bool = False


def under_way(state: State) -> frozenset[int]:
    """Return who is written down as under way, and is."""
    return state.noted & {run.number for run in state.runs if not run.over}


def is_due(state: State) -> bool:
    """Tell whether a time has come that is to be seen to now."""
    waits = state.policy is Policy.FORBID and bool(under_way(state))
    return state.come > state.seen and not state.suspended and not waits


def after_turn(state: State) -> State:
    """Return the state after a turn."""
    noted, runs = under_way(state), state.runs
    if not is_due(state):
        return evolve(state, noted=noted)
    if state.policy is Policy.REPLACE:
        runs = frozenset(run for run in runs if run.number not in noted)
        noted = frozenset()
    if all(run.number != state.come for run in runs):
        runs |= {Run(state.come)}
    noted |= {run.number for run in runs if run.number == state.come and not run.over}
    return evolve(state, seen=state.come, runs=runs, noted=noted)
