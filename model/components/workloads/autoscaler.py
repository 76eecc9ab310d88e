"""What an autoscaler may ask for: no more and no less than its metrics and its bounds give a reason for.

A turn looks at how many replicas its target is asked for. Outside the bounds it goes to the nearer one. Else each
metric wishes for some number, and the greatest counts; one that is not measured keeps it from going down. How fast it
goes is not said here: windows and policies let it stop anywhere on the way. A target that somebody has put to nothing
is left alone, but where nothing is within the bounds.

Leaves out: what Pods use themselves (a total for each replica stands for it), and tolerances other than a tenth.
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil

from attrs import frozen

TENTH = Fraction(1, 10)


@frozen
class Metric:
    """What is measured, None if it is not, and how much of it there should be: for each replica, or for all."""

    total: int | None
    target: int
    each: bool


@frozen
class State:
    """How many replicas are asked for, are counted and are ready; the bounds; the metrics."""

    asked: int
    counted: int
    ready: int
    least: int
    most: int
    metrics: tuple[Metric, ...] = ()


def is_near(share: Fraction) -> bool:
    """Tell whether what is measured is near enough to what there should be, as a share of it."""
    return abs(share - 1) <= TENTH


def wish(state: State, metric: Metric) -> int | None:
    """Return how many replicas a metric wishes for: as many as there are where it is near; None if it is not known."""
    if metric.total is None:
        return None
    share = Fraction(metric.total, metric.target)
    if metric.each:
        return state.counted if state.counted and is_near(share / state.counted) else ceil(share)
    if not state.asked:
        return ceil(share)
    return state.asked if is_near(share) else ceil(share * state.ready)


def goal(state: State) -> int:
    """Return where a turn wants to go."""
    if state.asked == 0 < state.least:
        return 0
    if not state.least <= state.asked <= state.most:
        return min(max(state.asked, state.least), state.most)
    wishes = [wish(state, metric) for metric in state.metrics]
    known = [number for number in wishes if number is not None]
    if not known or (None in wishes and max(known) < state.asked):
        return state.asked
    return min(max(*known, state.least), state.most)


def after_turn(state: State) -> frozenset[int]:
    """Return how many replicas may be asked for after a turn: it may stop on the way, but outside the bounds."""
    end = goal(state)
    if not state.least <= state.asked <= state.most:
        return frozenset({end})
    return frozenset(range(min(state.asked, end), max(state.asked, end) + 1))
