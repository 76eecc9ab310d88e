"""The compiled engine says what the others say: every count, every verdict, every trace, wherever a search ends."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeproof.harness.check.check import machine_of
from kubeproof.harness.claims import registry as claim_properties
from kubeproof.harness.face import Cluster
from kubeproof.harness.world.at_rest.prepare import prepare
from kubeproof.model import checker as checker_package
from kubeproof.model.checker import Exploration, ImpureStepError, Limits, Options, StepError, explore
from kubeproof.model.checker.checkpoint import Saved
from kubeproof.model.checker.columns import columns as columns_module
from kubeproof.model.checker.columns import doubts, packing
from kubeproof.model.checker.columns import states as states_module
from kubeproof.model.checker.columns.states import States
from kubeproof.model.machine import (
    Action,
    Converges,
    Invariant,
    LeadsTo,
    Machine,
    Outcome,
    Property,
    Recoverable,
    Sometimes,
    State,
    StepProperty,
    View,
)
from places import EXAMPLES, MACHINES, TESTS, load

explore_module = sys.modules[explore.__module__]


engines = load(TESTS / "model/checker/test_engines.py")
two_phase = load(MACHINES / "two_phase_commit.py")
columns = partial(engines.explored, engine="columns")
random_machines = engines.machines()
small = st.integers(0, 2)


def essence(result: Exploration) -> tuple[object, ...]:
    """Return all that must not depend on the engine."""
    counts = [(action.name, action.enabled, action.taken, action.new) for action in result.statistics.actions]
    whole = (result.states, result.transitions, result.depth, result.complete, result.why_incomplete)
    return (result.verdicts, whole, counts, result.statistics.widest)


@given(random_machines, small, small, st.booleans())
def test_it_says_what_the_oracle_says(machine: Machine, bad: int, target: int, stop: bool):  # noqa: FBT001
    claims = engines._claims(bad, target)
    expected: list[State] = []
    seen: list[State] = []
    plain = explore(machine, claims, Options("plain", stop_at_first=stop), collect=expected.append)
    found = columns(machine, claims, stop_at_first=stop)
    assert essence(found)[:3] == essence(plain)[:3]
    for some in (claims, claims[:4]):  # Those of whole runs come last; without them nothing but fingerprints is kept.
        exact = columns(machine, some, stop_at_first=stop)
        assert essence(exact)[:3] == essence(columns(machine, some, stop_at_first=stop, visited="fingerprint"))[:3]
    assert essence(found)[:3] == essence(columns(machine, claims, stop_at_first=stop, collect=seen.append))[:3]
    assert seen == expected


@given(random_machines, small, small)
def test_a_search_without_end_has_the_same_widths_and_calls_as_the_rows(machine: Machine, bad: int, target: int):
    claims = engines._claims(bad, target)
    rows, found = explore(machine, claims), columns(machine, claims)
    assert essence(found) == essence(rows)
    assert found.statistics.calls <= rows.statistics.calls + len(machine.actions) * len(machine.initial)


@given(random_machines, small, small, st.integers(1, 40), st.booleans())
def test_a_limit_cuts_it_where_it_cuts_the_rows(
    machine: Machine,
    bad: int,
    target: int,
    most: int,
    stop: bool,  # noqa: FBT001
):
    claims = engines._claims(bad, target)
    cut = partial(engines.explored, machine, claims, stop_at_first=stop, limits=Limits(max_states=most))
    assert essence(cut(engine="columns"))[:3] == essence(cut())[:3]


@given(random_machines, st.sets(st.integers(0, 4), max_size=3), small, small)
def test_urgency_that_commutes_with_nothing_is_the_same(machine: Machine, chosen: set[int], bad: int, target: int):
    def rushed(number: int, action: Action) -> Action:
        def step(view: View) -> Iterator[Outcome]:
            yield from list(action.step(view))[:1]

        if number not in chosen or action.when_quiet:
            return action
        return Action(action.name, action.group, step, action.fairness, urgent=True)

    rushing = Machine(machine.initial, tuple(rushed(number, action) for number, action in enumerate(machine.actions)))
    claims = engines._claims(bad, target)
    assert engines._answer(rushing, claims, "columns") == engines._answer(rushing, claims, "plain")


@pytest.mark.parametrize("urgent", [True, False])
def test_chains_of_urgent_steps_settle_alike(urgent: bool):  # noqa: FBT001
    machine, claims = engines._confluent((3, 4, 2), 1), engines._chain_claims((3, 4, 2))
    assert essence(columns(machine, claims, urgent=urgent)) == essence(explore(machine, claims, Options(urgent=urgent)))


@pytest.mark.parametrize("most", [1, 0])
def test_every_urgent_step_is_a_step_of_its_own_to_a_property(most: int):
    slots = [f"0.{link}" for link in range(4)]

    def one_by_one(before: View, after: View, label: str) -> Iterator[str]:
        if sum(before[slot] != after[slot] for slot in slots) > most:
            yield f"{label} changes several"

    claims = (StepProperty("one by one", "", one_by_one),)
    machine = engines._confluent((4,), 0)
    found = columns(machine, claims)
    assert (found["one by one"].trace is None) == (most == 1)
    assert essence(found) == essence(explore(machine, claims))


# Machines whose sizes are known.


@pytest.mark.parametrize("managers", [3, 4, 5, 6])
def test_two_phase_commit_has_the_size_that_arithmetic_says(managers: int):
    machine = two_phase.two_phase_commit(managers)
    claims = (two_phase.consistent(managers), two_phase.can_commit(managers))
    found = columns(machine, claims)
    assert found.states == 4**managers + 6**managers + 2**managers
    assert found.statistics.calls_per_transition < 0.3
    if managers < 6:
        assert essence(found) == essence(explore(machine, claims))


def test_eight_philosophers_are_the_same_to_both_engines():
    machine, claims = engines.dining(8, one_left_handed=True), (engines.eats(0),)
    found = columns(machine, claims)
    assert found.states == 3**8
    assert essence(found) == essence(explore(machine, claims))


def test_the_work_queue_with_liveness_is_the_same_to_both_engines():
    machine, claims = engines.work_queue(3, 2, 2), (engines.converged(3),)
    found = columns(machine, claims)
    assert (found.states, found.transitions) == (34_164, 142_880)
    assert essence(found) == essence(explore(machine, claims))


@pytest.mark.parametrize("name", ["deadlock", "scale"])
def test_a_cluster_is_the_same_to_both_engines(name: str):
    scenario = Cluster.from_manifests(EXAMPLES / name).load().scenario
    core = machine_of(scenario, prepare(scenario))
    claims = claim_properties.of(core)
    assert essence(columns(core.machine, claims)) == essence(explore(core.machine, claims))


# Where a search ends.


def grid(size: int, *, fails_at: tuple[int, int] | None = None, error: type[BaseException] = ValueError) -> Machine:
    """Return two counters that go up by themselves; at one pair of values the second one fails."""

    def up(slot: str, view: View) -> Iterator[Outcome]:
        if view[slot] < size:
            yield Outcome("up", {slot: view[slot] + 1})

    def fragile(view: View) -> Iterator[Outcome]:
        if (view["x"], view["y"]) == fails_at:
            raise error("here")
        yield from up("y", view)

    return Machine(({"x": 0, "y": 0},), (Action("x", "x", partial(up, "x")), Action("y", "y", fragile)))


def test_every_limit_of_a_grid_cuts_it_at_the_same_step():
    claims = (Sometimes("far", "", lambda view: view["x"] + view["y"] == 12),)
    for most in range(1, 50):
        cut = partial(engines.explored, grid(6), claims, limits=Limits(max_states=most))
        found = cut(engine="columns")
        assert found.states == min(most, 49)
        assert found.complete == (most >= 49)
        assert essence(found)[:3] == essence(cut())[:3]


@pytest.mark.parametrize("most", range(1, 9))
def test_a_limit_in_the_midst_of_what_an_action_can_do_does_not_count_it_as_enabled(most: int):
    def choose(slot: str, view: View) -> Iterator[Outcome]:
        if not view[slot]:
            yield from (Outcome(f"choose {n}", {slot: n}) for n in (1, 2, 3))

    machine = Machine(({"a": 0, "b": 0},), tuple(Action(slot, slot, partial(choose, slot)) for slot in "ab"))
    cut = partial(engines.explored, machine, limits=Limits(max_states=most))
    assert essence(cut(engine="columns"))[:3] == essence(cut())[:3]


@pytest.mark.parametrize("at", [(0, 0), (3, 1), (7, 9), (9, 9)])
def test_a_step_that_raises_deep_in_a_batch_is_reached_by_the_same_trace(at: tuple[int, int]):
    caught = []
    for engine in ("rows", "columns"):
        with pytest.raises(StepError, match="y raised ValueError: here") as error:
            explore(grid(9, fails_at=at), options=Options(engine))
        caught.append((error.value.seen, error.value.trace))
    assert caught[0] == caught[1]
    assert len(caught[1][1].steps) == sum(at)


@pytest.mark.parametrize("at", [(0, 0), (2, 5), (9, 9)])
def test_an_interrupt_deep_in_a_batch_ends_the_search_before_that_state(at: tuple[int, int]):
    cut = partial(
        engines.explored, grid(9, fails_at=at, error=KeyboardInterrupt), (Sometimes("far", "", lambda _: False),)
    )
    found = cut(engine="columns")
    assert found.why_incomplete == "interrupted (Ctrl-C)"
    assert essence(found)[:3] == essence(cut())[:3]


def breach_at(x: int, y: int, kind: str) -> Property:
    """Return a claim of a kind that is broken at one place of the grid."""

    def here(view: View) -> bool:
        return bool((view["x"], view["y"]) == (x, y))

    if kind == "step":
        return StepProperty("claim", "", lambda _before, after, label: [label] if here(after) else [])
    if kind == "stuck":
        return Converges("claim", "", lambda view: ["here"] if here(view) else [])
    return Invariant("claim", "", lambda view: ["here"] if here(view) else [])


@pytest.mark.parametrize("kind", ["step", "stuck", "invariant"])
@pytest.mark.parametrize("place", [(1, 1), (4, 7), (9, 9)])
def test_a_search_that_stops_at_a_breach_stops_at_the_same_step(kind: str, place: tuple[int, int]):
    claims = (breach_at(*place, kind), Sometimes("far", "", lambda view: view["x"] + view["y"] == 18))
    cut = partial(engines.explored, grid(9), claims, stop_at_first=True)
    found = cut(engine="columns")
    assert essence(found)[:3] == essence(cut())[:3]
    assert (found["claim"].trace is not None) == (kind != "stuck" or place == (9, 9))


def test_a_time_limit_and_a_memory_limit_end_it():
    for limits in (Limits(timeout=0), Limits(max_memory=1)):
        assert not columns(grid(3), limits=limits).complete


# States in words.


def test_a_slot_may_take_more_and_more_values():
    found = columns(grid(70), (Sometimes("far", "", lambda view: view["x"] == view["y"] == 70),))
    assert (found.states, found.transitions, found.depth) == (71**2, 2 * 70 * 71, 140)


def wide(slots: int) -> Machine:
    """Return a row of switches of eight positions, of which the first three are turned."""

    def turn(n: int, view: View) -> Iterator[Outcome]:
        yield Outcome("turn", {f"s{n}": (view[f"s{n}"] + 1) % 8, f"s{slots - 1 - n}": view[f"s{n}"]})

    return Machine(
        ({f"s{n}": n % 8 for n in range(slots)},),
        tuple(Action(f"turn {n}", f"{n}", partial(turn, n)) for n in range(3)),
    )


@pytest.mark.parametrize("visited", ["exact", "fingerprint"])
def test_states_of_several_words_are_told_apart(visited: str):
    found = columns(wide(80), visited=visited)
    # Per switch eight positions, and the last but one in its mirror, which at first shows something else or the same.
    assert essence(found) == essence(explore(wide(80)))
    assert found.states > 8**3


def test_words_hold_what_was_put_there_after_every_change_of_the_layout():
    states = States(30, exact=True)
    assert states.fit([1] * 30) is False
    assert states.words == 1
    states.append(np.zeros((1, 1), dtype=np.uint64))
    for values in ([2] * 30, [5] * 30, [17] * 30, [17] * 29 + [1 << 20]):
        before = unpacked(states)
        assert states.fit(values)
        assert unpacked(states) == before
        row = pack(states, [count - 1 for count in values])
        states.append(row)
        assert unpacked(states) == [*before, [count - 1 for count in values]]
    assert states.words == 3  # 29 times 5 bits, 12 to a word (13 would be 65 bits), and once 20


def pack(states: States, ids: list[int]):
    row = np.zeros((1, states.words), dtype=np.uint64)
    word, shift, _ = states.layout
    for slot, value in enumerate(ids):
        row[0, word[slot]] |= np.uint64(value) << shift[slot]
    return row


def unpacked(states: States) -> list[list[int]]:
    out = np.empty((len(states.bits), states.count), dtype=np.int32)
    packing.unpack(states.view(), 0, states.count, *states.layout, out)
    return out.T.tolist()


def test_fingerprints_forget_expanded_states_and_print_their_bound(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(states_module, "FORGET", 64)
    forgotten: list[int] = []
    forget = States.forget

    def watched(states: States, before: int) -> None:
        forget(states, before)
        forgotten.append(states.forgotten)

    monkeypatch.setattr(States, "forget", watched)
    found = columns(grid(70), visited="fingerprint")
    assert found.states == 71**2
    assert found.missed_state_bound == 71**4 / 2**65
    assert forgotten[-1] > 71**2 // 2
    assert columns(grid(70)).missed_state_bound == 0
    assert forgotten[-1] == 0


# What it asks and whom it believes.


def test_a_read_through_a_transform_is_asked_once_per_image():
    def step(view: View) -> Iterator[Outcome]:
        if view.via(lambda n: n < 400, "n"):
            yield Outcome("flip", {"light": not view["light"]})

    def count(view: View) -> Iterator[Outcome]:
        if view["n"] < 500:
            yield Outcome("up", {"n": view["n"] + 1})

    machine = Machine(({"n": 0, "light": False},), (Action("count", "c", count), Action("flip", "f", step)))
    found = columns(machine)
    # One image where the light does not count, two where it does.
    assert next(action.situations for action in found.statistics.actions if action.name == "flip") == 3
    assert essence(found) == essence(explore(machine))


def test_a_function_that_changes_its_mind_is_found_out(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(doubts, "RECHECK", 1)
    moods = iter(range(10_000))

    def step(view: View) -> Iterator[Outcome]:
        yield Outcome(f"mood {next(moods) > 6}", {"n": (view["n"] + 1) % 3})

    machine = Machine(({"n": 0, "m": 0},), (Action("moody", "m", step), Action("m", "m2", partial(_ahead, "m"))))
    with pytest.raises(ImpureStepError, match="moody gave"):
        columns(machine)


def _ahead(slot: str, view: View) -> Iterator[Outcome]:
    if view[slot] < 50:
        yield Outcome("up", {slot: view[slot] + 1})


def test_a_function_that_reads_in_two_orders_is_found_out():
    turn = iter(range(100))

    def step(view: View) -> Iterator[Outcome]:
        first, second = ("a", "b") if next(turn) % 2 else ("b", "a")
        if view[first] + view[second] < 3:
            yield Outcome("up", {first: view[first] + 1})

    with pytest.raises(ImpureStepError, match="fickle read"):
        columns(Machine(({"a": 0, "b": 0},), (Action("fickle", "f", step),)))


def test_it_refuses_what_it_cannot_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    with pytest.raises(ValueError, match="cannot but remember"):
        columns(grid(1), memo=False)
    with pytest.raises(ValueError, match="fingerprints keep no states"):
        columns(grid(1), checkpoint=tmp_path / "file", visited="fingerprint")
    monkeypatch.setitem(sys.modules, "numba", None)
    package = f"{checker_package.__name__}.columns"
    for name in [one for one in sys.modules if one == package or one.startswith(f"{package}.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr(checker_package, "columns")
    with pytest.raises(ValueError, match=r"needs numba: pip install 'kubeproof\[fast\]'"):
        columns(grid(1))


# Which engine, if nobody says.


@pytest.mark.parametrize(("large", "expected"), [(10, ["rows", "columns"]), (49, ["rows"]), (100, ["rows"])])
def test_the_engine_is_chosen_by_size(large: int, expected: list[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(explore_module, "LARGE", large)
    used: list[str] = []

    class Watched(columns_module.Columns):
        def run(self, saved: Saved | None = None) -> None:
            used.append("columns")
            super().run(saved)

    class WatchedRows(explore_module.Rows):
        def run(self, saved: Saved | None = None) -> None:
            used.append("rows")
            super().run(saved)

    monkeypatch.setattr(columns_module, "Columns", Watched)
    monkeypatch.setattr(explore_module, "Rows", WatchedRows)
    claims = (breach_at(3, 3, "invariant"), Sometimes("far", "", lambda view: view["x"] + view["y"] == 12))
    found = explore(grid(6), claims, Options("auto"))
    assert used == expected
    assert essence(found)[:3] == essence(explore(grid(6), claims))[:3]


def test_a_limit_below_what_is_large_is_the_callers(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(explore_module, "LARGE", 40)
    for most in (30, 45):
        found = explore(grid(6), options=Options("auto"), limits=Limits(max_states=most))
        assert found.why_incomplete == f"the limit of {most} states was hit"
    seen: list[State] = []
    assert explore(grid(6), options=Options("auto"), collect=seen.append).states == len(seen) == 49


@given(random_machines, small, small)
def test_properties_of_whole_runs_are_the_same(machine: Machine, bad: int, target: int):
    def goal(view: View) -> Iterator[str]:
        if view["c"] != target:
            yield f"c is {view['c']}"

    claims = (
        LeadsTo("answered", "", lambda view: view["a"] == bad, goal),
        Recoverable("recovers", "", goal),
        Recoverable("recovers by itself", "", goal, lambda view: view["b"] == bad, lambda name: name != "action 0"),
    )
    assert essence(columns(machine, claims))[:3] == essence(explore(machine, claims, Options("plain")))[:3]


@pytest.mark.parametrize("busy", [True, False])
def test_all_that_wait_for_quiet_are_considered_where_it_is_quiet(busy: bool):  # noqa: FBT001
    def set_to(slot: str, view: View) -> Iterator[Outcome]:
        if not view[slot]:
            yield Outcome("set", {slot: True})

    quiet = [Action(slot, slot, partial(set_to, slot), when_quiet=True) for slot in "abc"]
    machine = Machine(
        ({"a": False, "b": False, "c": False, "work": not busy},), (*quiet, Action("w", "w", partial(set_to, "work")))
    )
    found = columns(machine)
    assert found.states == 8 + busy  # Every subset of the three, once the work is done.
    assert essence(found) == essence(explore(machine))
