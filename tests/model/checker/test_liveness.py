"""Fair cycles: named cases of each fairness, and a brute-force oracle that tries every set of states."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from unittest.mock import patch

import pytest
from attrs import evolve, frozen
from hypothesis import given
from hypothesis import strategies as st

from kubeproof.model.checker import (
    Exploration,
    Limits,
    Options,
    Status,
    Trace,
    Verdict,
    explore,
    liveness,
    replay,
    states,
)
from kubeproof.model.checker.book import Book
from kubeproof.model.checker.liveness import livelock
from kubeproof.model.machine import Action, Converges, Fairness, Machine, Outcome, State, View

Edges = Mapping[int, tuple[int, ...]]
WEAK, STRONG, NONE = Fairness.WEAK, Fairness.STRONG, Fairness.NONE


def walker(name: str, edges: Edges, fairness: Fairness = WEAK, group: str = "", *, when_quiet: bool = False) -> Action:
    """Return an action that moves one slot, "at", along edges."""

    def step(view: View) -> Iterator[Outcome]:
        for target in edges.get(view["at"], ()):
            yield Outcome(f"to {target}", {"at": target})

    return Action(name, group or name, step, fairness, when_quiet=when_quiet)


def graph(*actions: Action) -> Machine:
    return Machine(({"at": 0},), actions)


def arrives(*goals: int, within: frozenset[int] | None = None) -> Converges:
    def goal(view: View) -> Iterator[str]:
        if view["at"] not in goals:
            yield f"at {view['at']}"

    return Converges("arrives", "", goal, None if within is None else lambda view: view["at"] in within)


def judge(machine: Machine, claim: Converges) -> Verdict:
    return explore(machine, (claim,))["arrives"]


def places(machine: Machine, trace: Trace) -> list[object]:
    return [state["at"] for state in states(machine, trace)]


# Weak fairness.


def test_an_unfair_environment_may_cycle_for_ever_where_nobody_must_act():
    machine = graph(walker("environment", {0: (1,), 1: (0,)}, NONE), walker("exit", {2: (3,)}))
    verdict = judge(machine, arrives(1))
    assert (verdict.status, verdict.kind, verdict.evidence) == (Status.VIOLATED, "stuck", ("at 0",))


def test_a_weakly_fair_exit_that_is_always_open_is_taken():
    machine = graph(walker("spin", {0: (1,), 1: (0,)}), walker("exit", {0: (2,), 1: (2,)}))
    assert judge(machine, arrives(2)).status is Status.HOLDS


def test_a_weakly_fair_exit_that_closes_again_and_again_is_not():
    machine = graph(walker("spin", {0: (1,), 1: (0,)}), walker("exit", {0: (2,)}))
    verdict = judge(machine, arrives(2))
    assert (verdict.status, verdict.kind) == (Status.VIOLATED, "livelock")
    assert places(machine, verdict.trace) == [0, 1, 0]
    assert verdict.trace.cycle_start == 0
    assert verdict.trace.lines() == ("-- from here on for ever:", "spin: to 1", "spin: to 0")


def test_an_exit_without_fairness_is_never_promised():
    machine = graph(walker("spin", {0: (1,), 1: (0,)}), walker("exit", {0: (2,), 1: (2,)}, NONE))
    assert judge(machine, arrives(2)).kind == "livelock"


def test_a_group_is_served_when_any_of_its_actions_is():
    spin, exit_ = {0: (1,), 1: (0,)}, {0: (2,), 1: (2,)}
    together = graph(walker("spin", spin, group="g"), walker("exit", exit_, group="g"))
    assert judge(together, arrives(2)).kind == "livelock"


@pytest.mark.parametrize("engine", ["plain", "rows"])
def test_an_urgent_action_is_weakly_fair_when_urgency_is_off(engine: str):
    urgent = evolve(walker("worker", {0: (1,)}, NONE), urgent=True)
    result = explore(graph(urgent), (arrives(1),), Options(engine, urgent=False))
    assert (result.states, result["arrives"].status) == (2, Status.HOLDS)


# Strong fairness.


def test_a_strongly_fair_exit_that_opens_again_and_again_is_taken():
    machine = graph(walker("spin", {0: (1,), 1: (0,)}), walker("exit", {0: (2,)}, STRONG))
    assert judge(machine, arrives(2)).status is Status.HOLDS


def test_a_cycle_that_avoids_the_strongly_fair_exit_remains():
    # 0 <-> 1 opens the exit, 1 <-> 3 does not: the whole component fails, a part of it does not.
    machine = graph(walker("spin", {0: (1,), 1: (0, 3), 3: (1,)}), walker("exit", {0: (2,)}, STRONG))
    verdict = judge(machine, arrives(2))
    assert verdict.kind == "livelock"
    assert places(machine, verdict.trace) == [0, 1, 3, 1]
    assert verdict.trace.cycle_start == 1


def test_a_component_is_split_until_two_strong_exits_are_avoided():
    spin = {0: (1,), 1: (0, 3), 3: (1, 4), 4: (3, 5), 5: (4,)}
    machine = graph(walker("spin", spin), walker("a", {0: (2,)}, STRONG), walker("b", {3: (2,)}, STRONG))
    verdict = judge(machine, arrives(2))
    assert places(machine, verdict.trace)[verdict.trace.cycle_start :] == [4, 5, 4]


def test_of_two_livelocks_the_nearer_one_is_shown_whichever_is_found_first():
    # Taking the strong exit's states away uncovers 1 <-> 3; 4 <-> 5 is plain to see at once, but farther away.
    near_late = {0: (1,), 1: (0, 3, 4), 3: (1,), 4: (5,), 5: (4,)}
    machine = graph(walker("spin", near_late), walker("exit", {0: (2,)}, STRONG))
    assert places(machine, judge(machine, arrives(2)).trace) == [0, 1, 3, 1]
    near_first = {0: (1,), 1: (0, 4), 4: (5,), 5: (4, 6), 6: (5,)}
    machine = graph(walker("spin", near_first), walker("exit", {4: (2,)}, STRONG))
    assert places(machine, judge(machine, arrives(2)).trace) == [0, 1, 0]


# The shape of the cycle.


def test_the_cycle_visits_what_fairness_asks_for():
    # Each of the two is enabled everywhere, so a fair cycle through 0 takes both.
    left, right = {0: (1,), 1: (0,), 2: (0,)}, {0: (2,), 1: (0,), 2: (0,)}
    machine = graph(walker("left", left), walker("right", right))
    trace = judge(machine, arrives(1, 2)).trace
    taken = {step.action for step in trace.steps[trace.cycle_start :]}
    assert taken == {"left", "right"}


def test_a_goal_that_is_left_again_is_not_reached():
    machine = graph(walker("go", {0: (1,), 1: (2,), 2: (1,)}))
    verdict = judge(machine, arrives(1))
    assert verdict.kind == "livelock"
    assert verdict.evidence == ("at 2",)
    assert places(machine, verdict.trace) == [0, 1, 2, 1, 2]
    assert judge(machine, arrives(1, 2)).status is Status.HOLDS


def test_a_machine_without_cycles_converges():
    machine = graph(walker("go", {0: (1, 2), 1: (3,), 2: (3,)}))
    assert judge(machine, arrives(3)).status is Status.HOLDS


# Staying put.


def test_an_outcome_that_changes_nothing_is_no_step():
    machine = graph(walker("idle", {0: (0,)}))
    result = explore(machine, (arrives(1),))
    assert (result.states, result.transitions) == (1, 0)
    assert result["arrives"].kind == "stuck"
    assert result.statistics.never_enabled == ("idle",)


def test_a_run_may_stay_only_where_nobody_fair_can_act():
    waits = graph(walker("environment", {0: (1,)}, NONE))
    assert judge(waits, arrives(1)).kind == "stuck"
    assert judge(graph(walker("worker", {0: (1,)})), arrives(1)).status is Status.HOLDS


# When.


def test_runs_that_leave_the_premise_are_not_judged():
    machine = graph(walker("spin", {0: (1,), 1: (0,)}), walker("fault", {1: (2,)}, NONE), walker("stay", {2: (3,)}))
    assert judge(machine, arrives(0, 1, within=frozenset({0, 1}))).status is Status.HOLDS
    assert judge(machine, arrives(0, 1)).kind == "stuck"


def test_a_cycle_through_states_outside_the_premise_does_not_count():
    machine = graph(walker("spin", {0: (1,), 1: (2,), 2: (0,)}))
    assert judge(machine, arrives(1, within=frozenset({0, 1}))).status is Status.HOLDS
    assert judge(machine, arrives(1, within=frozenset({0, 1, 2}))).kind == "livelock"


def test_a_premise_that_is_never_true_is_vacuous():
    verdict = judge(graph(walker("spin", {0: (1,), 1: (0,)})), arrives(5, within=frozenset({7})))
    assert (verdict.status, verdict.vacuous) == (Status.HOLDS, True)


# Waiting for quiet.


def test_a_script_that_waits_for_quiet_goes_on_when_all_fair_work_is_done():
    work = {0: (1,), 2: (3,)}
    eager = graph(walker("work", work), walker("script", {0: (2,), 1: (2,)}, NONE))
    patient = graph(walker("work", work), walker("script", {0: (2,), 1: (2,)}, NONE, when_quiet=True))
    for engine in ("plain", "rows"):
        assert _edges(eager, engine) == 4
        assert _edges(patient, engine) == 3


def _edges(machine: Machine, engine: str) -> int:
    return explore(machine, options=Options(engine)).transitions


@pytest.mark.parametrize("engine", ["plain", "rows"])
def test_who_waits_for_quiet_is_not_even_asked_before(engine: str):
    def script(view: View) -> Iterator[Outcome]:
        if view["at"] < 2:
            raise ValueError("asked too early")
        yield Outcome("end", {"at": 9})

    patient = Action("script", "script", script, NONE, when_quiet=True)
    assert explore(graph(walker("work", {0: (1,), 1: (2,)}), patient), options=Options(engine)).states == 4


@pytest.mark.parametrize("engine", ["plain", "rows"])
def test_the_environment_does_not_disturb_the_quiet(engine: str):
    machine = graph(walker("noise", {0: (1,), 1: (0,)}, NONE), walker("script", {0: (2,)}, when_quiet=True))
    result = explore(machine, (arrives(2),), Options(engine))
    assert (result.states, result.transitions) == (3, 3)
    assert result["arrives"].kind == "stuck"  # At 1 only the noise can go on, and it need not.


# The oracle: a run visits some set of states for ever, so try them all.


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

    def fair_set(self, inside: frozenset[int]) -> bool:
        """Tell whether a run can visit just these states for ever, fairly."""
        moves = self.moves()
        within = [(n, a, b) for n, a, b in moves if a in inside and b in inside]
        if len(inside) > 1 and not all(_reach(within, a) >= inside for a in inside):
            return False
        return all(self._served(kind, inside, moves, within) for kind in {(g, f) for g, f, _ in self.actions})

    def _served(self, kind: tuple[str, Fairness], inside: frozenset[int], moves: list, within: list) -> bool:
        members = {n for n, (group, fairness, _) in enumerate(self.actions) if (group, fairness) == kind}
        taken = any(n in members for n, _, _ in within)
        enabling = {a for n, a, _ in moves if n in members} & inside
        return taken or {WEAK: enabling != inside, STRONG: not enabling, NONE: True}[kind[1]]


def _reach(moves: list[tuple[int, int, int]], start: int) -> frozenset[int]:
    seen, todo = {start}, [start]
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


@given(
    tables(),
    st.frozensets(st.integers(0, 5), max_size=4),
    st.frozensets(st.integers(0, 5), min_size=2),
    st.sampled_from([0, liveness.FEW]),
)
def test_a_livelock_is_found_if_and_only_if_some_set_of_states_is_one(
    table: Table, goals: frozenset[int], within: frozenset[int], few: int
):
    claim = arrives(*goals, within=within)
    with patch.object(liveness, "FEW", few):  # By hand, and not.
        result = explore(table.machine(), (claim,))
    reachable = _reach(table.moves(), 0) & within
    loops = [
        frozenset(inside)
        for size in range(1, len(reachable) + 1)
        for inside in combinations(sorted(reachable), size)
        if set(inside) - goals and table.fair_set(frozenset(inside))
    ]
    assert (result["arrives"].status is Status.VIOLATED) == bool(loops)
    if loops:
        _assert_fair(table, result, claim, goals, within)


def _assert_fair(
    table: Table, result: Exploration, claim: Converges, goals: frozenset[int], within: frozenset[int]
) -> None:
    """Check that the run shown is a fair one, and does go wrong."""
    verdict = result[claim.name]
    gone = places(table.machine(), verdict.trace)
    if verdict.kind == "stuck":
        assert gone[-1] not in goals
        assert table.fair_set(frozenset(gone[-1:]))
        return
    loop = gone[verdict.trace.cycle_start :]
    assert len(loop) > 1
    assert loop[0] == loop[-1]
    assert loop[0] not in goals
    assert set(loop) <= within
    taken = {int(step.action) for step in verdict.trace.steps[verdict.trace.cycle_start :]}
    moves = table.moves()
    for group, fairness, _ in table.actions:
        members = {n for n, (g, f, _) in enumerate(table.actions) if (g, f) == (group, fairness)}
        enabling = {a for n, a, _ in moves if n in members}
        rests = not enabling & set(loop) if fairness is STRONG else bool(set(loop) - enabling)
        assert fairness is NONE or taken & members or rests


@given(tables())
def test_a_shortest_way_leads_to_each_state(table: Table):
    for target in sorted(_reach(table.moves(), 0)):
        claim = arrives(*(set(range(6)) - {target}))
        verdict = judge(table.machine(), claim)
        if verdict.kind == "stuck":
            assert len(verdict.trace.steps) == _distance(table.moves(), target)


def _distance(moves: list[tuple[int, int, int]], target: int) -> int:
    layer, seen, steps = {0}, {0}, 0
    while target not in seen:
        layer = {b for _, a, b in moves if a in layer} - seen
        seen |= layer
        steps += 1
    return steps


# Searches that were cut short.


def test_a_livelock_in_the_part_that_was_searched_is_one_for_sure():
    machine = graph(walker("spin", {0: (1,), 1: (0, 2)} | {n: (n + 1,) for n in range(2, 500)}))

    verdict = explore(machine, (arrives(500),), limits=Limits(max_states=100))["arrives"]
    assert (verdict.status, verdict.kind) == (Status.VIOLATED, "livelock")
    assert replay(machine, verdict.trace).complete


@pytest.mark.parametrize("engine", ["plain", "rows"])
def test_a_state_that_was_left_half_way_has_no_edges(engine: str):
    machine = graph(walker("fan", {0: (1, 2, 3), 1: (4,), 2: (4,), 3: (4,)}))
    result = explore(machine, (arrives(4),), Options(engine), limits=Limits(max_states=3))
    assert (result["arrives"].status, result.states, result.transitions) == (Status.UNKNOWN, 3, 2)


@pytest.mark.parametrize("columns", [0, 1, 2, 3, 4, 5])
def test_a_search_can_be_cut_at_any_moment(columns: int):
    """Ctrl-C can come between any two entries of a state: of what it was about to write, some columns are there."""
    machine = graph(walker("walk", {0: (1,), 1: (0,)}))
    book = Book(machine, (arrives(1),), urgent=True, stop_at_first=False)
    book.add_roots((State.of({"at": 0}),))
    late = [book.parent, book.action, book.when[0], book.goal[0], book.edge_to, book.edges_end]
    for column in late[: columns + 1]:
        column.append(0)
    book.trim()
    assert (len(book.parent), len(book.action), len(book.ordinal)) == (1, 1, 1)
    assert livelock(book, 0) is None
    assert [len(column) for column in late[2:]] == [0, 0, 0, 0]


@pytest.mark.parametrize(("bound", "status"), [(50, Status.UNKNOWN), (None, Status.HOLDS)])
def test_convergence_is_not_known_before_all_is_searched(bound: int | None, status: Status):

    machine = graph(walker("walk", {n: (n + 1,) for n in range(100)}))
    result = explore(machine, (arrives(100),), limits=Limits(max_states=bound))
    assert result["arrives"].status is status
    assert (result.states, result.depth) == ((101, 100) if bound is None else (bound, bound - 1))
