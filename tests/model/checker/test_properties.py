"""Requests that are answered and losses that are made good: named cases, and brute force on random graphs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations

import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from kubeproof.model.checker import Exploration, Limits, Options, Status, Trace, Verdict, explore, replay, states
from kubeproof.model.machine import Action, Fairness, LeadsTo, Machine, Outcome, Property, Recoverable, View

Edges = Mapping[int, tuple[int, ...]]
WEAK, STRONG, NONE = Fairness.WEAK, Fairness.STRONG, Fairness.NONE
ENGINES = ("rows", "plain")


def walker(name: str, edges: Edges, fairness: Fairness = WEAK, group: str = "") -> Action:
    """Return an action that moves one slot, "at", along edges."""

    def step(view: View) -> Iterator[Outcome]:
        for target in edges.get(view["at"], ()):
            yield Outcome(f"to {target}", {"at": target})

    return Action(name, group or name, step, fairness)


def graph(*actions: Action) -> Machine:
    return Machine(({"at": 0},), actions)


def reasons(goals: frozenset[int]):
    def goal(view: View) -> Iterator[str]:
        if view["at"] not in goals:
            yield f"at {view['at']}"

    return goal


def answered(asked: set[int], *goals: int) -> LeadsTo:
    return LeadsTo("answered", "", lambda view: view["at"] in asked, reasons(frozenset(goals)))


def recoverable(*goals: int, when: set[int] | None = None, by: str = "") -> Recoverable:
    return Recoverable(
        "recoverable",
        "",
        reasons(frozenset(goals)),
        None if when is None else lambda view: view["at"] in when,
        (lambda name: name.startswith(by)) if by else None,
    )


def judge(machine: Machine, claim: Property, **more: object) -> Verdict:
    rows, plain = (explore(machine, (claim,), Options(engine), **more)[claim.name] for engine in ENGINES)
    assert rows == plain
    assert rows.trace is None or replay(machine, rows.trace).complete
    return rows


def places(machine: Machine, trace: Trace) -> list[object]:
    return [state["at"] for state in states(machine, trace)]


# LeadsTo.


def test_an_answer_need_not_last_as_convergence_must():
    machine = graph(walker("serve", {0: (1,), 1: (2,), 2: (0,)}))
    verdict = judge(machine, answered({0}, 2))
    assert (verdict.status, verdict.kind, verdict.vacuous) == (Status.HOLDS, "leads to", False)


def test_a_state_that_asks_may_be_its_own_answer():
    assert judge(graph(walker("end", {0: (1,)})), answered({1}, 1)).status is Status.HOLDS


def test_an_answer_before_the_question_is_none():
    machine = graph(walker("serve", {0: (1,), 1: (2,)}))
    verdict = judge(machine, answered({1}, 0))
    assert (verdict.status, verdict.kind, verdict.evidence) == (Status.VIOLATED, "stuck", ("at 2",))
    assert places(machine, verdict.trace) == [0, 1, 2]
    assert verdict.trace.cycle_start is None


def test_of_several_dead_ends_the_nearest_is_shown():
    machine = graph(walker("go", {0: (1, 2), 1: (3,), 3: (6,), 2: (5,)}))
    assert places(machine, judge(machine, answered({0}, 9)).trace) == [0, 2, 5]


def test_waiting_for_ever_in_a_loop_far_from_the_question_is_shown_with_the_way_there():
    machine = graph(walker("go", {0: (1,), 1: (2, 5), 2: (3,), 3: (4,), 4: (3,)}))
    verdict = judge(machine, answered({1}, 5))
    assert (verdict.status, verdict.kind, verdict.evidence) == (Status.VIOLATED, "livelock", ("at 3",))
    assert places(machine, verdict.trace) == [0, 1, 2, 3, 4, 3]
    assert verdict.trace.cycle_start == 3


def test_a_loop_that_is_reached_only_through_the_answer_breaks_nothing():
    machine = graph(walker("go", {0: (1,), 1: (2,), 2: (3,), 3: (4,), 4: (3,)}))
    assert judge(machine, answered({0, 1}, 2)).status is Status.HOLDS


def test_a_run_may_end_where_only_the_environment_could_go_on():
    machine = graph(walker("serve", {0: (1,)}), walker("environment", {1: (2,)}, NONE))
    verdict = judge(machine, answered({0}, 2))
    assert (verdict.kind, places(machine, verdict.trace)) == ("stuck", [0, 1])


@pytest.mark.parametrize(
    ("fairness", "exits", "status"),
    [
        (WEAK, {0: (2,), 1: (2,)}, Status.HOLDS),
        (WEAK, {0: (2,)}, Status.VIOLATED),
        (STRONG, {0: (2,)}, Status.HOLDS),
        (NONE, {0: (2,), 1: (2,)}, Status.VIOLATED),
    ],
    ids=["weak and always open", "weak and at times shut", "strong and at times shut", "unfair"],
)
def test_the_fairness_of_the_answer_decides(fairness: Fairness, exits: Edges, status: Status):
    machine = graph(walker("spin", {0: (1,), 1: (0,)}), walker("exit", exits, fairness))
    assert judge(machine, answered({0}, 2)).status is status


def test_a_question_that_is_never_asked_makes_the_claim_vacuous():
    verdict = judge(graph(walker("go", {0: (1,)})), answered({7}, 8))
    assert (verdict.status, verdict.vacuous) == (Status.HOLDS, True)


def test_a_search_cut_short_does_not_know_whether_all_is_answered():
    machine = graph(walker("go", {n: (n + 1,) for n in range(50)}))
    cut = judge(machine, answered({3}, 50), limits=Limits(max_states=20))
    assert (cut.status, cut.reason) == (Status.UNKNOWN, "the limit of 20 states was hit")
    assert judge(machine, answered({3}, 50)).status is Status.HOLDS


# Recoverable.


def test_a_way_back_that_nobody_must_take_is_a_way_back():
    machine = graph(walker("spin", {0: (1,), 1: (0,)}), walker("repair", {1: (2,)}, NONE))
    verdict = judge(machine, recoverable(2))
    assert (verdict.status, verdict.kind) == (Status.HOLDS, "recoverable")


def test_the_first_state_without_a_way_back_is_shown():
    machine = graph(walker("go", {0: (1, 2), 1: (3,), 3: (0,), 2: (4,), 4: (2,)}))
    verdict = judge(machine, recoverable(3))
    assert (verdict.status, verdict.kind, verdict.evidence) == (Status.VIOLATED, "unrecoverable", ("at 2",))
    assert places(machine, verdict.trace) == [0, 2]


def test_a_goal_that_cannot_be_left_for_another_goal_is_fine_but_one_before_it_is_no_help():
    machine = graph(walker("go", {0: (1,), 1: (2,)}))
    assert judge(machine, recoverable(2)).status is Status.HOLDS
    assert places(machine, judge(machine, recoverable(1)).trace) == [0, 1, 2]


def test_only_states_the_premise_names_must_recover():
    machine = graph(walker("go", {0: (1, 2), 1: (3,)}))
    assert judge(machine, recoverable(3, when={0, 1})).status is Status.HOLDS
    assert judge(machine, recoverable(3, when={2})).status is Status.VIOLATED
    assert judge(machine, recoverable(3, when={9})).vacuous


def test_who_may_help_is_asked():
    machine = graph(walker("fail", {0: (1,)}, NONE), walker("operator: repair", {1: (0,)}, NONE))
    assert judge(machine, recoverable(0)).status is Status.HOLDS
    assert judge(machine, recoverable(0, by="operator")).status is Status.HOLDS
    verdict = judge(machine, recoverable(0, by="system"))
    assert (verdict.status, places(machine, verdict.trace)) == (Status.VIOLATED, [0, 1])


@pytest.mark.parametrize(("goal", "status"), [(49, Status.UNKNOWN), (0, Status.UNKNOWN)])
def test_what_was_not_searched_might_be_the_way_back(goal: int, status: Status):
    machine = graph(walker("go", {n: (n + 1,) for n in range(50)}))
    assert judge(machine, recoverable(goal), limits=Limits(max_states=20)).status is status


def test_a_loss_inside_what_was_searched_is_one_for_sure():
    machine = graph(walker("go", {0: (60, 1), 60: (61,), 61: (60,)} | {n: (n + 1,) for n in range(1, 50)}))
    verdict = judge(machine, recoverable(50), limits=Limits(max_states=20))
    assert (verdict.status, places(machine, verdict.trace)) == (Status.VIOLATED, [0, 60])


# Brute force: a random graph, and every set of states a run could stay in for ever.


@frozen
class Table:
    """A random graph: per action its group, its fairness and its edges."""

    actions: tuple[tuple[str, Fairness, Edges], ...]

    def machine(self) -> Machine:
        """Return the machine that walks the graph from 0."""
        return graph(*(walker(f"{n}", edges, fair, group) for n, (group, fair, edges) in enumerate(self.actions)))

    def moves(self) -> list[tuple[int, int, int]]:
        """Return (action, from, to) of all edges that go anywhere."""
        return [
            (n, source, target)
            for n, (_, _, edges) in enumerate(self.actions)
            for source, targets in edges.items()
            for target in targets
            if source != target
        ]

    def fair_for_ever(self, inside: frozenset[int]) -> bool:
        """Tell whether a run can visit just these states for ever, fairly (one state: by staying there)."""
        within = [(n, a, b) for n, a, b in self.moves() if a in inside and b in inside]
        connected = len(inside) == 1 or all(reach(within, {a}) >= inside for a in inside)
        return connected and all(self._served(kind, inside, within) for kind in {(g, f) for g, f, _ in self.actions})

    def _served(self, kind: tuple[str, Fairness], inside: frozenset[int], within: list) -> bool:
        members = {n for n, (group, fairness, _) in enumerate(self.actions) if (group, fairness) == kind}
        enabling = {a for n, a, _ in self.moves() if n in members} & inside
        rests = {WEAK: enabling != inside, STRONG: not enabling, NONE: True}[kind[1]]
        return rests or any(n in members for n, _, _ in within)


def reach(moves: list[tuple[int, int, int]], begin: set[int]) -> frozenset[int]:
    seen, todo = set(begin), list(begin)
    while todo:
        at = todo.pop()
        new = {b for _, a, b in moves if a == at} - seen
        seen |= new
        todo.extend(new)
    return frozenset(seen)


@st.composite
def tables(draw: st.DrawFn) -> Table:
    size = draw(st.integers(2, 6))
    node = st.integers(0, size - 1)
    edges = st.dictionaries(node, st.lists(node, max_size=2).map(tuple), max_size=size)
    action = st.tuples(st.sampled_from(["g", "h", "i"]), st.sampled_from([WEAK, STRONG, STRONG, NONE]), edges)
    return Table(tuple(draw(st.lists(action, min_size=1, max_size=4))))


places_of = st.frozensets(st.integers(0, 5), max_size=3)


@given(tables(), st.frozensets(st.integers(0, 5), min_size=1, max_size=3), places_of)
def test_something_stays_unanswered_if_and_only_if_a_fair_run_waits_for_ever(
    table: Table, asked: frozenset[int], goals: frozenset[int]
):
    claim = answered(set(asked), *goals)
    result = explore(table.machine(), (claim,))
    waiting_moves = [(n, a, b) for n, a, b in table.moves() if a not in goals and b not in goals]
    waiting = reach(waiting_moves, set(reach(table.moves(), {0}) & asked) - goals)
    for_ever = [
        inside
        for size in range(1, len(waiting) + 1)
        for inside in map(frozenset, combinations(sorted(waiting), size))
        if table.fair_for_ever(inside)
    ]
    assert (result["answered"].status is Status.VIOLATED) == bool(for_ever)
    if for_ever:
        assert_fair_and_unanswered(table, result, asked, goals)


def assert_fair_and_unanswered(table: Table, result: Exploration, asked: frozenset[int], goals: frozenset[int]):
    trace = result["answered"].trace
    gone = places(table.machine(), trace)
    last_question = max(n for n, at in enumerate(gone) if at in asked or n == 0)
    assert any(gone[n] in asked and not goals & set(gone[n:]) for n in range(last_question + 1))
    loop = gone[-1:] if trace.cycle_start is None else gone[trace.cycle_start :]
    taken = set() if trace.cycle_start is None else {int(step.action) for step in trace.steps[trace.cycle_start :]}
    assert loop[0] == loop[-1]
    for group, fairness, _ in table.actions:
        members = {n for n, (g, f, _) in enumerate(table.actions) if (g, f) == (group, fairness)}
        enabling = {a for n, a, _ in table.moves() if n in members}
        rests = not enabling & set(loop) if fairness is STRONG else bool(set(loop) - enabling)
        assert fairness is NONE or taken & members or rests


@given(tables(), places_of, st.none() | st.frozensets(st.integers(0, 5)), st.none() | st.sampled_from("012"))
def test_a_state_is_lost_if_and_only_if_no_goal_is_reached_from_it(
    table: Table, goals: frozenset[int], when: frozenset[int] | None, helper: str | None
):
    verdict = judge(table.machine(), recoverable(*goals, when=when, by=helper or ""))
    helping = [move for move in table.moves() if helper is None or str(move[0]) == helper]
    lost = {at for at in reach(table.moves(), {0}) if not reach(helping, {at}) & goals}
    lost &= lost if when is None else when
    assert (verdict.status is Status.VIOLATED) == bool(lost)
    assert not lost or places(table.machine(), verdict.trace)[-1] in lost
