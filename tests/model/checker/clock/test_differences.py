"""Difference constraints are solved exactly when z3 says that they can be, and the times are the earliest."""

from __future__ import annotations

from fractions import Fraction

import pytest
import z3
from hypothesis import given
from hypothesis import strategies as st

from kubeproof.model.checker.clock.differences import After, Impossible, Times, earliest

MOMENTS = 4


@st.composite
def constraints(draw: st.DrawFn) -> tuple[After, ...]:
    """Draw constraints between few moments, with few lengths, so that circles are common."""
    moment, length = st.integers(0, MOMENTS - 1), st.integers(-4, 4).map(Fraction)
    one = st.builds(After, moment, moment, length, st.integers(-1, 1))
    return tuple(draw(st.lists(one, max_size=7)))


def _solver(given: tuple[After, ...]) -> tuple[z3.Solver, list[z3.ArithRef], z3.ArithRef]:
    at, period = [z3.Real(f"at{number}") for number in range(MOMENTS)], z3.Real("period")
    solver = z3.Solver()
    solver.add(period >= 1, *(one >= 0 for one in at))
    for one in given:
        seconds = z3.RealVal(str(one.seconds))
        solver.add(at[one.later] >= at[one.earlier] + seconds + one.turns * period)
    return solver, at, period


@given(constraints())
def test_there_are_times_if_and_only_if_z3_finds_some(given_: tuple[After, ...]) -> None:
    found = earliest(MOMENTS, given_)
    solver, at, period = _solver(given_)
    assert (solver.check() == z3.sat) == isinstance(found, Times)
    if isinstance(found, Times):
        solver.add(
            period == z3.RealVal(str(found.period)),
            *(one == z3.RealVal(str(first)) for one, first in zip(at, found.at, strict=True)),
        )
        assert solver.check() == z3.sat


@given(constraints())
def test_nothing_is_earlier_than_the_earliest(given_: tuple[After, ...]) -> None:
    found = earliest(MOMENTS, given_)
    if isinstance(found, Times):
        solver, at, period = _solver(given_)
        solver.add(period == z3.RealVal(str(found.period)))
        solver.add(z3.Or(*(one < z3.RealVal(str(first)) for one, first in zip(at, found.at, strict=True))))
        assert solver.check() == z3.unsat


@given(constraints())
def test_the_shortest_period_is_the_shortest(given_: tuple[After, ...]) -> None:
    found = earliest(MOMENTS, given_)
    if isinstance(found, Times) and found.period > 1:
        solver, _, period = _solver(given_)
        solver.add(period < z3.RealVal(str(found.period)))
        assert solver.check() == z3.unsat


@given(constraints())
def test_a_contradiction_is_a_circle_that_no_period_mends(given_: tuple[After, ...]) -> None:
    found = earliest(MOMENTS, given_)
    if isinstance(found, Impossible):
        around = found.circle
        assert all(one.later == after.earlier for one, after in zip(around, (*around[1:], around[0]), strict=True))
        assert set(around) <= set(given_)
        assert sum(one.turns for one in around) >= 0


@pytest.mark.parametrize(
    ("most", "possible"),
    [(6, True), (5, True), (4, False)],
    ids=["longer", "as long", "shorter"],
)
def test_at_most_is_at_least_the_other_way_round(most: int, possible: bool) -> None:  # noqa: FBT001
    found = earliest(2, [After(0, 1, Fraction(5)), After(1, 0, Fraction(-most))])
    assert isinstance(found, Times) is possible
