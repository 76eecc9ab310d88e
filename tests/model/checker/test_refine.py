"""Refinement: a clock with seconds refines one without, two-phase commit decides once, and what does not is shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from kubeproof.model.checker import Limits, Options, Status, explore, replay, states
from kubeproof.model.checker.refine import refinement, refines
from kubeproof.model.machine import Action, Fairness, Invariant, Machine, MachineError, Outcome, Property, View
from places import MACHINES, load


def example(name: str) -> Any:
    return load(MACHINES / f"{name}.py")


def clock(*wheels: tuple[str, int]) -> Machine:
    """Return a clock: the last wheel ticks, each carries to the one before it."""

    def tick(view: View) -> Iterator[Outcome]:
        updates = {}
        for wheel, size in reversed(wheels):
            updates[wheel] = (view[wheel] + 1) % size
            if updates[wheel]:
                break
        yield Outcome("tick", updates)

    return Machine(({wheel: 0 for wheel, _ in wheels},), (Action("tick", "clock", tick),))


def hours(view: View) -> Mapping[str, int]:
    return {"hour": view["hour"]}


@pytest.mark.parametrize("engine", ["rows", "plain"])
def test_a_clock_with_minutes_refines_one_without(engine: str):
    result = refines(clock(("hour", 12), ("minute", 5)), clock(("hour", 12)), hours, options=Options(engine))
    assert (result["refines"].status, result["refines"].kind, result.states) == (Status.HOLDS, "step", 60)
    assert (len(result.verdicts), result["refines"].vacuous) == (1, False)


def test_a_step_too_large_is_shown_with_what_was_possible():
    machine = clock(("hour", 12), ("minute", 3))
    leap = Action("leap", "clock", lambda view: [Outcome("leap", {"hour": 5})] if view["hour"] == 2 else [])
    broken = Machine(machine.initial, (*machine.actions, leap))
    rows, plain = (refines(broken, clock(("hour", 12)), hours, options=Options(engine)) for engine in ("rows", "plain"))
    verdict = rows["refines"]
    assert rows.verdicts == plain.verdicts
    assert (verdict.status, verdict.kind) == (Status.VIOLATED, "step")
    assert verdict.evidence == ("no step of the abstract machine: hour: 2 -> 5", "possible there: tick: tick")
    assert [state["hour"] for state in states(broken, verdict.trace)] == [0, 0, 0, 1, 1, 1, 2, 5]


def test_the_concrete_machine_must_begin_where_the_abstract_one_does():
    late = Machine(({"hour": 0, "minute": 0}, {"hour": 7, "minute": 0}), clock(("hour", 12), ("minute", 5)).actions)
    verdict = refines(late, clock(("hour", 12)), hours)["refines"]
    assert (verdict.status, verdict.kind) == (Status.VIOLATED, "initial")
    assert verdict.evidence == ("the abstract machine does not begin with hour=7",)
    assert (verdict.trace.initial["hour"], verdict.trace.steps) == (7, ())
    wide = Machine(({"hour": 7}, {"hour": 0}), clock(("hour", 12)).actions)
    assert refines(late, wide, hours)["refines"].status is Status.HOLDS


def test_a_refinement_in_which_nothing_ever_happens_is_vacuous():
    verdict = refines(clock(("hour", 12)), clock(("hour", 12)), lambda _view: {"hour": 0})["refines"]
    assert (verdict.status, verdict.vacuous) == (Status.HOLDS, True)


def test_a_mapping_that_forgets_a_slot_is_a_mistake():
    with pytest.raises(MachineError, match="the mapping and the abstract machine differ in their slots: day, hour"):
        refines(clock(("hour", 12)), clock(("hour", 12)), lambda _view: {"day": 0})


def test_a_search_cut_short_does_not_know():
    result = refines(clock(("hour", 12), ("minute", 5)), clock(("hour", 12)), hours, limits=Limits(max_states=20))
    assert (result["refines"].status, result["refines"].vacuous) == (Status.UNKNOWN, False)
    result = refines(clock(("hour", 12), ("minute", 5)), clock(("hour", 12)), hours, limits=Limits(max_states=3))
    assert (result["refines"].status, result["refines"].vacuous) == (Status.UNKNOWN, False)


def test_further_properties_are_judged_in_the_same_search():
    early = Invariant("early", "", lambda view: ["noon"] if view["hour"] == 9 else [])
    result = refines(clock(("hour", 12), ("minute", 5)), clock(("hour", 12)), hours, (early,), name="is a clock")
    assert [(verdict.name, verdict.status) for verdict in result.verdicts] == [
        ("is a clock", Status.HOLDS),
        ("early", Status.VIOLATED),
    ]


def test_urgent_steps_are_each_a_step_of_the_abstract_machine():
    """A follower copies at once; the abstract machine does the same in two steps, in this order and no other."""

    def copy(view: View) -> list[Outcome]:
        return [Outcome("copy", {"copy": view["hour"]})] if view["copy"] != view["hour"] else []

    def both(view: View) -> Mapping[str, int]:
        return {"hour": view["hour"], "copy": view["copy"]}

    base = clock(("hour", 4))
    machine = Machine(({"hour": 0, "copy": 0},), (*base.actions, Action("copy", "copy", copy, urgent=True)))
    loose = Machine(machine.initial, (base.actions[0], Action("copy", "copy", copy)))
    assert refines(machine, loose, both)["refines"].status is Status.HOLDS
    assert refines(machine, machine, both)["refines"].status is Status.HOLDS
    frozen = Machine(machine.initial, base.actions)
    verdict = refines(machine, frozen, both)["refines"]
    assert verdict.evidence[0] == "no step of the abstract machine: copy: 0 -> 1"
    assert replay(machine, verdict.trace).complete


def test_what_is_urgent_at_the_beginning_may_have_been_done_or_not():
    def copy(view: View) -> list[Outcome]:
        return [Outcome("copy", {"copy": view["hour"]})] if view["copy"] != view["hour"] else []

    def both(view: View) -> Mapping[str, int]:
        return {"hour": view["hour"], "copy": view["copy"]}

    actions = (*clock(("hour", 4)).actions, Action("copy", "copy", copy, urgent=True))
    unsettled, settled = (Machine(({"hour": 0, "copy": begin},), actions) for begin in (3, 0))
    assert refines(unsettled, unsettled, both)["refines"].status is Status.HOLDS
    assert refines(unsettled, unsettled, both, options=Options(urgent=False))["refines"].status is Status.HOLDS
    assert refines(unsettled, settled, both)["refines"].status is Status.HOLDS
    assert refines(unsettled, settled, both, options=Options(urgent=False))["refines"].kind == "initial"


def test_long_lists_of_what_was_possible_are_cut():
    many = Action("go", "go", lambda view: [Outcome(f"{n}", {"at": n}) for n in range(1, 12)] if not view["at"] else [])
    jump = Action("jump", "jump", lambda view: [Outcome("far", {"at": 99})] if not view["at"] else [])
    evidence = refines(Machine(({"at": 0},), (jump,)), Machine(({"at": 0},), (many,)), lambda view: {"at": view["at"]})[
        "refines"
    ].evidence
    assert evidence[1].endswith("go: 8 and 3 more")
    stuck = Machine(({"at": 0},), ())
    evidence = refines(Machine(({"at": 0},), (jump,)), stuck, lambda view: {"at": view["at"]})["refines"].evidence
    assert evidence[1] == "possible there: nothing"


# Two-phase commit.


def test_two_phase_commit_decides_once():
    commit, atomic = example("two_phase_commit"), example("atomic_commit")
    result = refines(commit.two_phase_commit(4), atomic.decide(), atomic.decision(4))
    assert (result["refines"].status, result["refines"].vacuous) == (Status.HOLDS, False)
    assert result.states == 4**4 + 6**4 + 2**4
    assert explore(atomic.decide()).states == 3


def test_a_transaction_manager_that_does_not_wait_decides_twice():
    commit, atomic = example("two_phase_commit"), example("atomic_commit")
    machine = commit.two_phase_commit(3)
    hasty = evolve(machine.actions[-1], step=commit.decide(0))
    verdict = refines(Machine(machine.initial, (*machine.actions[:-1], hasty)), atomic.decide(), atomic.decision(3))[
        "refines"
    ]
    assert verdict.evidence[0] == "no step of the abstract machine: decision: 'aborted' -> 'committed'"
    assert verdict.trace.lines() == ("rm0: act: abort by itself", "tm: decide: commit")


# Brute force on random graphs.


@st.composite
def graphs(draw: st.DrawFn) -> Machine:
    node = st.integers(0, 4)
    edges = draw(st.dictionaries(node, st.lists(node, max_size=3, unique=True).map(tuple), max_size=5))
    quiet = draw(st.dictionaries(node, st.lists(node, max_size=1).map(tuple), max_size=2))
    fairness = draw(st.sampled_from(list(Fairness)))

    def walker(name: str, way: Mapping[int, tuple[int, ...]], *, when_quiet: bool) -> Action:
        def step(view: View) -> Iterator[Outcome]:
            for target in way.get(view["at"], ()):
                yield Outcome(f"to {target}", {"at": target})

        return Action(name, name, step, fairness, when_quiet=when_quiet)

    actions = (walker("go", edges, when_quiet=False), walker("rest", quiet, when_quiet=True))
    return Machine(tuple({"at": at} for at in draw(st.sets(node, min_size=1, max_size=2))), actions)


def steps_of(machine: Machine) -> set[tuple[int, int]]:
    """Return all steps of a machine, found by the property of a search that sees every one."""
    found: set[tuple[int, int]] = set()

    def note(before: View, after: View, _label: str) -> list[str]:
        found.add((before["at"], after["at"]))
        return []

    claims: tuple[Property, ...] = (evolve(refinement(machine, lambda view: {"at": view["at"]}), check=note),)
    explore(machine, claims, Options("plain"))
    return found


@given(graphs(), graphs(), st.lists(st.integers(0, 4), min_size=5, max_size=5))
def test_a_refinement_holds_if_and_only_if_each_step_is_one(concrete: Machine, abstract: Machine, image: list[int]):
    result = refines(concrete, abstract, lambda view: {"at": image[view["at"]]})["refines"]
    anywhere = Machine(tuple({"at": at} for at in range(5)), abstract.actions)
    abstract_steps = steps_of(anywhere)
    begins = {image[state["at"]] for state in concrete.initial} <= {state["at"] for state in abstract.initial}
    mapped = {(image[a], image[b]) for a, b in steps_of(concrete)}
    fine = all(a == b or (a, b) in abstract_steps for a, b in mapped)
    assert (result.status is Status.HOLDS) == (begins and fine)
    if not begins:
        assert result.kind == "initial"
