"""Difference constraints: moments of which some come so long after others, at least.

That one comes at most so long after another is the same the other way round, with a negative length. The earliest
times are longest paths (Bellman and Ford); there are none if and only if some constraints go round in a circle whose
length is positive, which is then the reason. Moments of two turns of a part that repeats are a period apart that is not
known: it is made no longer than it must be, which is decided the same way, for every circle that asks for a longer one
says how long (Newton's method on its length).
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from attrs import frozen


@frozen
class After:
    """The moment `later` is at least `seconds` and `turns` periods after the moment `earlier`.

    `told` says why, `kind` what decides it.
    """

    earlier: int
    later: int
    seconds: Fraction = Fraction(0)
    turns: int = 0
    told: str = ""
    kind: str = ""


@frozen
class Times:
    """The earliest time of each moment, and the shortest period."""

    at: tuple[Fraction, ...]
    period: Fraction


@frozen
class Impossible:
    """Constraints that contradict each other: each begins where the one before ends, the first where the last does."""

    circle: tuple[After, ...]


def earliest(moments: int, constraints: Sequence[After], shortest: Fraction = Fraction(1)) -> Times | Impossible:
    """Return when so many moments happen at the earliest, no turn in less than `shortest`, or why they cannot."""
    period = shortest
    while True:
        found = _longest(moments, constraints, period)
        if isinstance(found, tuple):
            return Times(found, period)
        seconds, turns = sum(after.seconds for after in found.circle), sum(after.turns for after in found.circle)
        if turns >= 0:
            return found
        period = Fraction(seconds) / -turns


def _longest(moments: int, constraints: Sequence[After], period: Fraction) -> tuple[Fraction, ...] | Impossible:
    at = [Fraction(0)] * moments
    because: list[After | None] = [None] * moments
    last = 0
    for _ in range(moments + 1):
        moved = False
        for constraint in constraints:
            asked = at[constraint.earlier] + constraint.seconds + constraint.turns * period
            if asked > at[constraint.later]:
                at[constraint.later], because[constraint.later], last, moved = asked, constraint, constraint.later, True
        if not moved:
            return tuple(at)
    return Impossible(_circle(because, last, moments))


def _circle(because: Sequence[After | None], moment: int, moments: int) -> tuple[After, ...]:
    """Return the circle that moved a moment once more than there are moments."""
    for _ in range(moments):
        moment = _cause(because, moment).earlier
    found = [_cause(because, moment)]
    while found[-1].earlier != moment:
        found.append(_cause(because, found[-1].earlier))
    return tuple(reversed(found))


def _cause(because: Sequence[After | None], moment: int) -> After:
    cause = because[moment]
    assert cause is not None, "what moves for ever is moved by something"  # noqa: S101
    return cause
