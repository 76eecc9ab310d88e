"""When steps happen, which orders no clock allows, and that clocks in a search say the same of every run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubeproof.model.checker.clock.clocked import clocked, plain
from kubeproof.model.checker.clock.timetable import Contradiction, Timetable, timetable
from kubeproof.model.checker.results import Step, Trace
from kubeproof.model.checker.semantics import moves
from kubeproof.model.machine import Machine, State
from machines.jobs import PAST, Window, jobs


def run(machine: Machine, *names: str, cycle_start: int | None = None) -> Trace:
    """Return the run of a machine that takes these actions."""
    start = at = State.of(machine.initial[0])
    steps = []
    for name in names:
        move = next(one for one in moves(machine, at, urgent=True) if one.step.action == name)
        steps.append(move.step)
        at = move.after
    return Trace(start, tuple(steps), cycle_start)


def test_steps_happen_as_early_as_what_they_wait_for_allows() -> None:
    machine = jobs((30, None), (5, 9))
    found = timetable(machine, run(machine, "begin 1", "end 1", "begin 0", "end 0"))
    assert found == Timetable(
        (0, 5, 5, 35),
        ((), ("job 1 takes 5 s at least, from step 1 on",), (), ("job 0 takes 30 s at least, from step 3 on",)),
    )


def test_a_long_wait_does_not_end_before_a_short_one_that_began_earlier() -> None:
    machine = jobs((30, None), (5, 9))
    found = timetable(machine, run(machine, "begin 1", "begin 0", "end 0", "end 1"))
    assert isinstance(found, Contradiction)
    assert found.kinds == {"job 0", "job 1"}
    assert found.reasons == (
        "job 0 takes 30 s at least, from step 2 to 3",
        "job 1, from step 1 on, takes 9 s at most, and step 4 comes before that is over",
    )


@pytest.mark.parametrize(
    ("windows", "possible"),
    [(((30, None), (5, None)), True), (((9, None), (5, 9)), False), (((8, None), (5, 9)), True)],
    ids=["nothing bounds it", "as long, so over before", "shorter"],
)
def test_what_is_over_within_a_time_is_over_before_who_waits_as_long(
    windows: tuple[Window, Window],
    possible: bool,  # noqa: FBT001
) -> None:
    machine = jobs(*windows)
    found = timetable(machine, run(machine, "begin 1", "begin 0", "end 0", "end 1"))
    assert isinstance(found, Timetable) is possible


def test_several_waits_one_after_the_other_take_their_sum() -> None:
    machine = jobs((4, None), (4, None), (0, 7), longest=6)
    order = ("begin 2", "begin 0", "end 0", "begin 1", "end 1", "end 2")
    assert isinstance(timetable(machine, run(machine, *order)), Contradiction)
    machine = jobs((4, None), (4, None), (0, 9), longest=6)
    assert isinstance(timetable(machine, run(machine, *order)), Timetable)


def test_what_was_there_at_the_start_may_be_as_old_as_it_likes_and_is_over_in_time() -> None:
    machine = jobs((30, None), (5, 9), on=frozenset({0, 1}))
    assert timetable(machine, run(machine, "end 0", "end 1")) == Timetable((0, 0), ((), ()))
    late = timetable(machine, run(machine, "cut 0", "begin 0", "end 0", "end 1"))
    assert isinstance(late, Timetable), "who was cut short may not have noticed"
    fresh = jobs((30, None), (5, 9), on=frozenset({1}))
    assert isinstance(timetable(fresh, run(fresh, "begin 0", "end 0", "end 1")), Contradiction)


def test_what_is_cut_short_and_begins_again_counts_from_the_first_time() -> None:
    machine = jobs((30, None))
    again = timetable(machine, run(machine, "begin 0", "cut 0", "begin 0", "end 0"))
    assert again == Timetable((0, 0, 0, 30), ((), (), (), ("job 0 takes 30 s at least, from step 1 on",)))


def test_a_part_that_repeats_takes_its_time_in_every_turn() -> None:
    machine = jobs((30, None), remembers=False)
    found = timetable(machine, run(machine, "begin 0", "end 0", cycle_start=0))
    assert found == Timetable((0, 30), ((), ("job 0 takes 30 s at least, from step 1 on",)))


def test_a_run_in_which_time_stands_still_is_none() -> None:
    machine = jobs((0, 60), (0, None), remembers=False)
    found = timetable(machine, run(machine, "begin 0", "begin 1", "end 1", cycle_start=1))
    assert found == Contradiction(
        ("job 0 takes 60 s at most, and would be over while this repeats",), frozenset({"job 0"})
    )


def test_what_must_be_over_in_the_next_turn_bounds_how_long_a_turn_takes() -> None:
    order = ("begin 0", "begin 1", "end 0", "begin 0", "end 1")
    for most, possible in ((9, False), (11, True)):
        machine = jobs((0, most), (10, None), remembers=False)
        found = timetable(machine, run(machine, *order, cycle_start=1))
        assert isinstance(found, Timetable), "it begins anew in every turn"
        machine = jobs((0, most), (10, None), remembers=False)
        held = timetable(machine, run(machine, "begin 0", "begin 1", "end 1", "end 0", "begin 0", cycle_start=1))
        assert isinstance(held, Timetable) is possible


# --- clocks in a search -----------------------------------------------------------------------------------------------

WINDOWS = st.lists(
    st.tuples(st.integers(0, 3), st.one_of(st.none(), st.integers(0, 3))).filter(lambda w: w[1] is None or w[0] < w[1]),
    min_size=2,
    max_size=3,
)


def runs(machine: Machine, at: State | None = None, steps: tuple[Step, ...] = ()) -> Iterator[tuple[Step, ...]]:
    """Yield every longest run of a machine, as its steps."""
    at = at or State.of(machine.initial[0])
    onward = moves(machine, at, urgent=True)
    if not onward:
        yield steps
    for move in onward:
        yield from runs(machine, move.after, (*steps, move.step))


@settings(max_examples=30)
@given(WINDOWS, st.frozensets(st.integers(0, 1)))
def test_clocks_allow_what_has_a_timetable_and_nothing_else_but_what_is_in_doubt(
    windows: list[Window], on: frozenset[int]
) -> None:
    machine = jobs(*windows, on=on)
    timed = clocked(machine, frozenset(one.kind for one in machine.timers))
    start = State.of(machine.initial[0])
    allowed = {
        tuple(step.action for step in plain(Trace(State.of(timed.initial[0]), steps)).steps) for steps in runs(timed)
    }
    for steps in runs(machine):
        names = tuple(step.action for step in steps)
        possible = isinstance(timetable(machine, Trace(start, steps)), Timetable)
        assert names in allowed or not possible
        if not any(name.startswith("cut") for name in names):
            assert possible or names not in allowed


def test_a_search_with_clocks_ends_though_time_does_not() -> None:
    machine = clocked(jobs((3, 5), (2, None), (1, 4), remembers=False), frozenset({"job 0", "job 1", "job 2"}))
    seen, left = set[State](), [State.of(machine.initial[0])]
    while left:
        if (at := left.pop()) not in seen:
            seen.add(at)
            left += (move.after for move in moves(machine, at, urgent=True))
    assert len(seen) < 5_000
    assert all(state[PAST] == () for state in seen)
