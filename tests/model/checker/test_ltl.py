"""Linear temporal logic: what it says of one run, that it agrees with the other properties, and runs that break it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeproof.model.checker import Limits, Options, Status, Trace, explore, replay, states
from kubeproof.model.checker.ltl import (
    FALSE,
    TRUE,
    And,
    Formula,
    Now,
    Or,
    Release,
    Until,
    always,
    eventually,
    satisfies,
)
from kubeproof.model.machine import (
    Action,
    Converges,
    Fairness,
    Invariant,
    LeadsTo,
    Machine,
    MachineError,
    Outcome,
    View,
)

Edges = Mapping[int, tuple[int, ...]]
WEAK, STRONG, NONE = Fairness.WEAK, Fairness.STRONG, Fairness.NONE


def at(*places: int) -> Now:
    return ATOMS.setdefault(places, Now(f"at {places}", lambda view: view["at"] in places))


ATOMS: dict[tuple[int, ...], Now] = {}
"""The same question asked twice is one atom."""


def walker(name: str, edges: Edges, fairness: Fairness = WEAK, *, when_quiet: bool = False) -> Action:
    def step(view: View) -> Iterator[Outcome]:
        for target in edges.get(view["at"], ()):
            yield Outcome(f"to {target}", {"at": target})

    return Action(name, name, step, fairness, when_quiet=when_quiet)


def graph(*actions: Action) -> Machine:
    return Machine(({"at": 0},), actions)


def places(machine: Machine, trace: Trace) -> list[int]:
    return [state["at"] for state in states(machine, trace)]


def holds(machine: Machine, formula: Formula) -> bool:
    rows, plain = (satisfies(machine, formula, Options(engine)) for engine in ("rows", "plain"))
    assert rows.verdicts == plain.verdicts
    verdict = rows["ltl"]
    assert verdict.trace is None or replay(machine, verdict.trace).complete
    assert verdict.trace is None or not value(formula, *word(machine, verdict.trace))
    return verdict.status is Status.HOLDS


# What a formula says of one run, by its definition.


def word(machine: Machine, trace: Trace) -> tuple[list[int], int]:
    """Return the places of a run, and where the last one is followed by (a run that ends stays)."""
    gone = places(machine, trace)
    return (gone, len(gone) - 1) if trace.cycle_start is None else (gone[:-1], trace.cycle_start)


def value(formula: Formula, run: Sequence[int], back: int) -> bool:
    return values(formula, run, back)[0]


def values(formula: Formula, run: Sequence[int], back: int) -> list[bool]:
    """Return the truth at each place of the run."""
    if isinstance(formula, Now):
        return [formula.check({"at": place}) is formula.wanted for place in run]
    left, right = values(formula.left, run, back), values(formula.right, run, back)
    if isinstance(formula, And | Or):
        return [(a and b) if isinstance(formula, And) else (a or b) for a, b in zip(left, right, strict=True)]
    found = [isinstance(formula, Release)] * len(run)
    for _ in range(2 * len(run)):
        for n in reversed(range(len(run))):
            after = found[n + 1] if n + 1 < len(run) else found[back]
            found[n] = (
                right[n] and (left[n] or after) if isinstance(formula, Release) else right[n] or (left[n] and after)
            )
    return found


@st.composite
def formulas(draw: st.DrawFn, depth: int = 3) -> Formula:
    atom = at(*draw(st.sampled_from([(0,), (1,), (2, 3), (1, 3, 4), (4,)])))
    if not depth or draw(st.booleans()):
        return draw(st.sampled_from([atom, ~atom, TRUE, FALSE]))
    left, right = draw(formulas(depth - 1)), draw(formulas(depth - 1))
    ways = [left & right, left | right, Until(left, right), Release(left, right), ~left, left >> right]
    return draw(st.sampled_from([*ways, always(left), eventually(right)]))


@given(st.lists(st.integers(0, 4), min_size=5, max_size=5), st.integers(1, 5), formulas())
def test_on_the_only_run_there_is_a_formula_holds_if_it_is_true(target: list[int], stop: int, formula: Formula):
    machine = graph(walker("go", {place: (target[place],) for place in range(5) if place != stop}))
    run = [0]
    while run[-1] != stop and target[run[-1]] not in run:
        run.append(target[run[-1]])
    ends = run[-1] == stop or target[run[-1]] == run[-1]
    back = len(run) - 1 if ends else run.index(target[run[-1]])
    assert holds(machine, formula) == value(formula, run, back)


@given(formulas())
def test_a_formula_denied_twice_is_the_formula(formula: Formula):
    assert ~~formula == formula


# The same claims said otherwise.


@st.composite
def graphs(draw: st.DrawFn) -> Machine:
    node = st.integers(0, 4)
    edges = st.dictionaries(node, st.lists(node, max_size=2).map(tuple), max_size=5)
    drawn = draw(st.lists(st.tuples(edges, st.sampled_from([WEAK, STRONG, NONE])), min_size=1, max_size=3))
    quiet = draw(st.sampled_from([None, *range(len(drawn))]))
    return graph(*(walker(f"{n}", way, fair, when_quiet=n == quiet) for n, (way, fair) in enumerate(drawn)))


@given(graphs(), st.frozensets(st.integers(0, 4), min_size=1, max_size=3), st.frozensets(st.integers(0, 4)))
def test_it_agrees_with_the_other_properties(machine: Machine, some: frozenset[int], others: frozenset[int]):
    def goal(view: View) -> list[str]:
        return [] if view["at"] in others else ["elsewhere"]

    claims = (
        Invariant("always", "", goal),
        LeadsTo("answered", "", lambda view: view["at"] in some, goal),
        Converges("settles", "", goal),
    )
    known = [verdict.status is Status.HOLDS for verdict in explore(machine, claims).verdicts]
    there = at(*sorted(others))
    said = (always(there), always(at(*sorted(some)) >> eventually(there)), eventually(always(there)))
    assert [holds(machine, formula) for formula in said] == known


# Runs that break a formula.


def test_a_promise_that_is_kept_again_and_again_holds_and_one_that_is_not_is_shown():
    machine = graph(walker("go", {0: (1,), 1: (2,), 2: (1, 3), 3: (3, 2)}))
    assert holds(machine, always(eventually(at(2))))
    verdict = satisfies(machine, always(eventually(at(3))), name="third again and again")["third again and again"]
    assert (verdict.status, verdict.kind) == (Status.VIOLATED, "livelock")
    assert verdict.evidence == ("the run that repeats its last 2 steps for ever breaks the formula",)
    assert set(places(machine, verdict.trace)[verdict.trace.cycle_start :]) == {1, 2}


def test_a_run_that_ends_breaks_what_it_still_owes():
    machine = graph(walker("go", {0: (1,)}), walker("environment", {1: (2,)}, NONE))
    verdict = satisfies(machine, eventually(at(2)))["ltl"]
    assert (verdict.kind, places(machine, verdict.trace), verdict.trace.cycle_start) == ("stuck", [0, 1], None)
    assert verdict.evidence == ("the run of 1 steps that ends there breaks the formula",)


def test_two_promises_must_both_be_kept():
    both = always(eventually(at(1))) & always(eventually(at(2)))
    assert holds(graph(walker("go", {0: (1,), 1: (2,), 2: (0,)})), both)
    assert not holds(graph(walker("go", {0: (1, 2), 1: (0,), 2: (0,)})), both)
    one_after_the_other = graph(walker("go", {0: (1, 2), 1: (0,), 2: (2, 0)}))
    assert not holds(one_after_the_other, both)


def test_promises_kept_once_are_not_promises_kept_for_ever():
    both = always(eventually(at(1))) & always(eventually(at(2)))
    assert holds(graph(walker("go", {0: (1,), 1: (2,)})), ~both)
    assert holds(graph(walker("go", {0: (1,), 1: (2,), 2: (3,)})), ~both)
    assert not holds(graph(walker("go", {0: (1,), 1: (2,), 2: (0,)})), ~both)


def test_a_run_that_stays_may_do_so_though_it_could_promise_more():
    assert not holds(graph(), ~Release(eventually(at(4)), at(0)))


def test_what_is_released_may_end_and_not_before():
    assert holds(graph(walker("go", {0: (1,), 1: (2,)})), Release(at(1), at(0, 1)))
    assert not holds(graph(walker("go", {0: (1,), 1: (2,)})), Release(at(2), at(0, 1)))


def test_what_waits_for_quiet_gets_its_turn():
    tea = walker("tea", {1: (2,)}, when_quiet=True)
    assert holds(graph(walker("go", {0: (1,)}), tea), eventually(at(2)))
    assert not holds(graph(walker("go", {0: (1,), 1: (0,)}), tea), eventually(at(2)))


def test_fairness_of_the_machine_counts():
    for fairness, result in ((STRONG, True), (WEAK, False), (NONE, False)):
        machine = graph(walker("spin", {0: (1,), 1: (0,)}), walker("exit", {0: (2,)}, fairness))
        assert holds(machine, eventually(at(2))) is result


def test_a_step_that_changes_nothing_lets_no_time_pass():
    same = Action("same", "same", lambda view: [Outcome("same", {"at": view["at"]})])
    assert not holds(graph(walker("go", {0: (1,)}, NONE), same), eventually(at(1)))
    verdict = satisfies(graph(same), eventually(at(1)))["ltl"]
    assert (verdict.kind, verdict.trace.steps) == ("stuck", ())


def test_a_search_cut_short_does_not_know():
    machine = graph(walker("go", {n: (n + 1,) for n in range(50)}))
    verdict = satisfies(machine, eventually(at(50)), limits=Limits(max_states=10))["ltl"]
    assert (verdict.status, verdict.kind) == (Status.UNKNOWN, "ltl")
    whole = satisfies(machine, eventually(at(50)))["ltl"]
    assert (whole.status, whole.kind, whole.vacuous) == (Status.HOLDS, "ltl", False)


def test_urgent_actions_are_steps_like_others():
    follow = Action("follow", "f", lambda view: [Outcome("follow", {"at": 2})] if view["at"] == 1 else [], urgent=True)
    machine = graph(walker("go", {0: (1,), 2: (3,)}), follow)
    assert holds(machine, eventually(at(1)) & eventually(at(3)))
    assert holds(machine, Until(~at(3), at(2)))
    assert not holds(machine, always(~at(1)))


def test_a_slot_of_the_machine_cannot_be_called_as_those_that_are_added():
    with pytest.raises(MachineError, match="a slot is called 'ltl round'"):
        satisfies(Machine(({"ltl round": 0},), ()), TRUE)


def test_what_is_no_formula_is_a_mistake():
    with pytest.raises(TypeError, match="'yes' is no formula"):
        And(TRUE, "yes").__invert__()
