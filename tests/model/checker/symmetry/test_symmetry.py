"""Symmetry: one state of each orbit gives the verdicts of all states, and what is no symmetry is found out."""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import permutations
from math import comb
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from kubeproof.model.checker import Checkpoint, Exploration, Limits, Options, Status, explore, replay
from kubeproof.model.checker.book import Book
from kubeproof.model.checker.checkpoint import CheckpointError
from kubeproof.model.checker.layout import Layout
from kubeproof.model.checker.semantics import moves
from kubeproof.model.checker.symmetry.audit import EVERY, Audit, is_due
from kubeproof.model.checker.symmetry.orbits import AsymmetryError, Folding, Ids, Labels
from kubeproof.model.checker.traces import states
from kubeproof.model.checker.trees.functions import Functions
from kubeproof.model.checker.trees.tree import RECHECK, Node, Tree
from kubeproof.model.machine import (
    Action,
    Converges,
    Fact,
    Fairness,
    Invariant,
    LeadsTo,
    Machine,
    Mention,
    Outcome,
    Property,
    Recoverable,
    Sometimes,
    State,
    StepProperty,
    Symmetry,
    View,
)
from places import MACHINES, load

Engine = Literal["rows", "plain", "columns"]
ENGINES: tuple[Engine, ...] = ("rows", "plain", "columns")
ORBITS = "one state of each orbit"
explore_module = sys.modules[explore.__module__]


def example(name: str) -> ModuleType:
    return load(MACHINES / f"{name}.py")


COMMIT, DINING, PAXOS, QUEUE, RAFT = map(
    example, ("two_phase_commit", "dining", "paxos", "work_queue", "raft_election")
)
EXAMPLES: dict[str, tuple[Machine, tuple[Property, ...], Symmetry]] = {
    "two-phase commit": (COMMIT.two_phase_commit(4), (COMMIT.consistent(4), COMMIT.can_commit(4)), COMMIT.alike(4)),
    "dining": (DINING.dining(5, left_handed=False), DINING.exclusive(5), DINING.turned(5)),
    "paxos": (PAXOS.paxos(2), (PAXOS.agreement(2), PAXOS.decides(2)), PAXOS.alike(2)),
    "work queue": (QUEUE.work_queue(2, 2, 1), (*QUEUE.in_order(2), QUEUE.converged(2)), QUEUE.alike(2)),
    "raft": (RAFT.raft_election(3, 2), RAFT.claims(3), RAFT.alike(3, 2)),
    "raft without quorum": (RAFT.raft_election(3, 1, quorum=1), RAFT.claims(3), RAFT.alike(3, 1)),
}


def verdicts(found: Exploration) -> dict[str, tuple[Status, str, bool]]:
    return {one.name: (one.status, one.kind, one.vacuous) for one in found.verdicts}


# --- the standard machines -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EXAMPLES)
def test_one_state_of_each_orbit_gives_the_verdicts_of_all(name: str) -> None:
    machine, properties, symmetry = EXAMPLES[name]
    whole, orbits = explore(machine, properties), explore(machine, properties, symmetry=symmetry)
    assert verdicts(orbits) == verdicts(whole)
    assert orbits.states < whole.states
    assert orbits.symmetry.startswith(ORBITS)
    assert not whole.symmetry


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_states_kept_are_the_orbits_of_all_states(name: str) -> None:
    machine, _, symmetry = EXAMPLES[name]
    met: list[State] = []
    explore(machine, collect=met.append)
    folding = Folding(symmetry, Layout(machine.slots(), "I"))
    assert explore(machine, symmetry=symmetry).states == len({folding.fold(folding.ids_of(one)) for one in met})


@pytest.mark.parametrize("name", EXAMPLES)
def test_all_engines_keep_as_many_states_and_steps(name: str) -> None:
    machine, properties, symmetry = EXAMPLES[name]
    found = [explore(machine, properties, Options(engine), symmetry=symmetry) for engine in ENGINES]
    assert len({(one.states, one.transitions, one.depth) for one in found}) == 1
    assert all(verdicts(one) == verdicts(found[0]) for one in found)
    traces = [one.trace for verdict in found[2].verdicts if (one := verdict).trace is not None]
    assert all(trace is not None and replay(machine, trace).complete for trace in traces)


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.parametrize("large", [1, 7, 40])
def test_an_engine_that_goes_on_from_another_one_asks_nothing_twice(
    name: str, large: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(explore_module, "LARGE", large)
    machine, properties, symmetry = EXAMPLES[name]
    asked: list[str] = []

    def counted(tree: Tree, row: Sequence[int]) -> Node:
        asked.append("")
        return learn(tree, row)

    learn = Tree.learn
    monkeypatch.setattr(Tree, "learn", counted)
    rows = explore(machine, properties, symmetry=symmetry)
    alone = len(asked)
    found = explore(machine, properties, Options("auto"), symmetry=symmetry)
    assert len(asked) - alone <= alone + found.transitions / RECHECK
    assert (found.states, found.transitions, found.depth) == (rows.states, rows.transitions, rows.depth)
    assert verdicts(found) == verdicts(rows)
    traces = [verdict.trace for verdict in found.verdicts if verdict.trace is not None]
    assert all(replay(machine, trace).complete for trace in traces)


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_trace_is_one_of_the_machine_itself_and_no_longer_than_without_symmetry(name: str) -> None:
    machine, properties, symmetry = EXAMPLES[name]
    whole = explore(machine, properties)
    with_trace = [one for one in explore(machine, properties, symmetry=symmetry).verdicts if one.trace is not None]
    for verdict in with_trace:
        assert verdict.trace is not None
        assert replay(machine, verdict.trace).complete
        other = whole[verdict.name].trace
        assert other is not None
        assert len(verdict.trace.steps) == len(other.steps)
    assert len(with_trace) == sum(one.trace is not None for one in whole.verdicts)


def test_two_phase_commit_has_as_many_orbits_as_multisets() -> None:
    for n in (2, 5, 7):
        found = explore(COMMIT.two_phase_commit(n), symmetry=COMMIT.alike(n))
        assert found.states == comb(n + 3, 3) + comb(n + 5, 5) + n + 1


def test_a_table_of_equals_has_as_many_orbits_as_necklaces() -> None:
    for n, necklaces in ((3, 11), (5, 51), (7, 315)):
        found = explore(DINING.dining(n, left_handed=False), symmetry=DINING.turned(n))
        assert found.states == necklaces - 1


def test_what_is_wrong_is_told_of_the_state_the_trace_leads_to() -> None:
    machine, properties, symmetry = EXAMPLES["raft without quorum"]
    verdict = explore(machine, properties, symmetry=symmetry)["one leader"]
    assert verdict.trace is not None
    last = states(machine, verdict.trace)[-1]
    claim = properties[0]
    assert isinstance(claim, Invariant)
    assert verdict.evidence == tuple(claim.check(last)) != ()


def test_with_fingerprints_it_is_the_same() -> None:
    machine, properties, symmetry = EXAMPLES["paxos"]
    exact = explore(machine, properties, symmetry=symmetry)
    for engine in ("rows", "columns"):
        bits = explore(machine, properties, Options(visited="fingerprint", engine=engine), symmetry=symmetry)
        assert (bits.states, bits.transitions, verdicts(bits)) == (exact.states, exact.transitions, verdicts(exact))


# --- small machines of workers ---------------------------------------------------------------------------------------


def workers(count: int, step: Any, **rest: Hashable) -> Machine:
    """Make a machine of equal workers; `step(at, view)` gives outcomes, `at` names the slot of the one at work."""
    initial = {f"w{n}": "new" for n in range(count)} | rest
    acts = tuple(Action(f"worker {n}: acts", f"worker {n}", partial(step, f"w{n}")) for n in range(count))
    return Machine((initial,), acts)


def equals(count: int) -> Symmetry:
    return Symmetry({"w": count}, {f"w{n}": ("w", (Mention("w", n),)) for n in range(count)})


def finish(at: str, view: View) -> Iterator[Outcome]:
    if view[at] == "new":
        yield Outcome("works", {at: "busy"})
    elif view[at] == "busy":
        yield Outcome("is done", {at: "done"})


def spin(at: str, view: View) -> Iterator[Outcome]:
    yield Outcome("turns", {at: "busy" if view[at] == "new" else "new"})


def all_are(*good: str) -> Converges:
    return Converges("all", "All are.", lambda view: [slot for slot in ("w0", "w1", "w2") if view[slot] not in good])


def test_where_no_cycle_comes_into_question_convergence_is_judged_on_orbits() -> None:
    found = explore(workers(3, finish), [all_are("done")], symmetry=equals(3))
    assert found["all"].status is Status.HOLDS
    assert found.symmetry == ORBITS
    assert found.states == comb(5, 2)


def test_a_state_where_all_rest_too_early_is_stuck_among_orbits_too() -> None:
    found = explore(workers(3, finish), [all_are("busy")], symmetry=equals(3))
    assert (found["all"].status, found["all"].kind) == (Status.VIOLATED, "stuck")
    assert found["all"].evidence == ("w0", "w1", "w2")
    assert found.symmetry == ORBITS


def test_a_livelock_is_found_without_symmetry_and_its_cycle_replays() -> None:
    machine = workers(3, spin)
    found = explore(machine, [all_are("busy")], symmetry=equals(3))
    verdict = found["all"]
    assert (verdict.status, verdict.kind) == (Status.VIOLATED, "livelock")
    assert verdict.trace is not None
    assert replay(machine, verdict.trace).complete
    assert found.symmetry == f"{ORBITS}; all judged on all 8 states, for the sake of fairness"
    assert found.states == 4


def test_a_second_search_that_is_cut_off_leaves_the_whole_incomplete() -> None:
    found = explore(workers(3, spin), [all_are("busy")], symmetry=equals(3), limits=Limits(max_states=6))
    assert (found.complete, found.why_incomplete) == (False, "the limit of 6 states was hit")
    assert found["all"].status is Status.UNKNOWN


@pytest.mark.parametrize("engine", ENGINES)
def test_a_step_that_stays_in_its_orbit_is_a_cycle(engine: Engine) -> None:
    """One of two is busy and hands over for ever: among orbits that is one state."""

    def hands_over(at: str, view: View) -> Iterator[Outcome]:
        if view[at] == "busy":
            yield Outcome("hands over", {at: "new", "w1" if at == "w0" else "w0": "busy"})

    machine = evolve(workers(2, hands_over), initial=({"w0": "busy", "w1": "new"},))
    rest = Converges("rest", "Nobody is busy.", lambda view: ["busy"] if "busy" in {view["w0"], view["w1"]} else [])
    found = explore(machine, [rest], Options(engine), symmetry=equals(2))
    assert found.states == 1
    assert (found["rest"].status, found["rest"].kind) == (Status.VIOLATED, "livelock")


@pytest.mark.parametrize("hours", [2, 3])
def test_a_cycle_of_few_orbits_is_a_cycle(hours: int) -> None:
    """A clock goes round while two workers rest: as many orbits as hours, one after the other for ever."""

    def ticks(view: View) -> Iterator[Outcome]:
        yield Outcome("ticks", {"hour": (view["hour"] + 1) % hours})

    idle = workers(2, lambda _at, _view: (), hour=0)
    machine = evolve(idle, actions=(*idle.actions, Action("clock: ticks", "clock", ticks)))
    strikes = [f"hour {hours}"]
    claims = (
        Converges("stops", "The clock stops.", lambda view: strikes if view["hour"] < hours else []),
        LeadsTo("strikes", "It strikes.", lambda view: not view["hour"], lambda view: strikes[view["hour"] // hours :]),
    )
    found = explore(machine, claims, symmetry=equals(2))
    assert found.states == hours
    assert {one.name: one.status for one in found.verdicts} == dict.fromkeys(("stops", "strikes"), Status.VIOLATED)


def turns_then_stops(at: str, view: View) -> Iterator[Outcome]:
    """Turn to and fro as long as the light is on; a worker of its own puts it out."""
    if view["light"]:
        yield Outcome("turns", {at: "busy" if view[at] == "new" else "new"})


def put_out(view: View) -> Iterator[Outcome]:
    if view["light"]:
        yield Outcome("puts it out", {"light": False})


@pytest.mark.parametrize("fairness", [Fairness.WEAK, Fairness.NONE])
def test_a_claim_that_hangs_on_fairness_gets_the_verdict_it_has_without_symmetry(fairness: Fairness) -> None:
    machine = workers(2, turns_then_stops, light=True)
    machine = evolve(machine, actions=(*machine.actions, Action("light: out", "light", put_out, fairness)))
    dark: tuple[Property, ...] = (
        Converges("dark", "It gets dark.", lambda view: ["light"] if view["light"] else []),
        LeadsTo(
            "leads", "Light leads to dark.", lambda view: view["light"], lambda view: ["on"] if view["light"] else []
        ),
    )
    whole, orbits = explore(machine, dark), explore(machine, dark, symmetry=equals(2))
    assert verdicts(orbits) == verdicts(whole)
    assert whole["dark"].status is (Status.HOLDS if fairness is Fairness.WEAK else Status.VIOLATED)
    assert "dark and leads judged on all" in orbits.symmetry


def test_a_request_that_is_not_answered_is_found_among_orbits() -> None:
    answered = LeadsTo(
        "answered", "Who is busy is done.", _somebody("busy"), lambda view: ["not all"] if _any(view) else []
    )
    machine = workers(3, lambda at, view: [Outcome("works", {at: "busy"})] if view[at] == "new" else [])
    verdict = explore(machine, [answered], symmetry=equals(3))["answered"]
    assert (verdict.status, verdict.kind) == (Status.VIOLATED, "stuck")
    assert verdict.trace is not None
    assert replay(machine, verdict.trace).complete


def _somebody(what: str) -> Any:
    return lambda view: any(view[slot] == what for slot in ("w0", "w1", "w2"))


def _any(view: View) -> bool:
    return any(view[slot] != "done" for slot in ("w0", "w1", "w2"))


def test_recoverability_is_judged_on_orbits_whatever_the_cycles() -> None:
    back: tuple[Property, ...] = (
        Recoverable("back", "All can be new again.", lambda view: [] if not _somebody("busy")(view) else ["busy"]),
        Recoverable("lost", "All can be done.", lambda _view: ["not"]),
    )
    whole, orbits = explore(workers(3, spin), back), explore(workers(3, spin), back, symmetry=equals(3))
    assert verdicts(orbits) == verdicts(whole)
    assert (orbits.states, orbits.symmetry) == (4, ORBITS)


def test_a_step_that_breaches_is_shown_on_the_machine_itself() -> None:
    never = StepProperty(
        "never",
        "The last is not done.",
        lambda before, after, _label: ["done"] if not _any(after) and _any(before) else [],
    )
    machine = workers(3, finish)
    whole = explore(machine, [never])["never"]
    verdict = explore(machine, [never], symmetry=equals(3))["never"]
    assert (verdict.status, verdict.evidence) == (Status.VIOLATED, ("done",))
    assert verdict.trace is not None
    assert whole.trace is not None
    assert len(verdict.trace.steps) == len(whole.trace.steps) == 6
    assert replay(machine, verdict.trace).complete


def test_initial_states_of_one_orbit_are_one() -> None:
    machine = workers(2, lambda _at, _view: [])
    machine = evolve(machine, initial=({"w0": "new", "w1": "done"}, {"w0": "done", "w1": "new"}))
    for engine in ENGINES:
        assert explore(machine, options=Options(engine), symmetry=equals(2)).states == 1


def test_a_limit_leaves_open_what_it_leaves_open() -> None:
    found = explore(workers(3, finish), [all_are("done")], symmetry=equals(3), limits=Limits(max_states=4))
    assert found["all"].status is Status.UNKNOWN
    assert not found.complete


def test_the_first_breach_ends_the_search_if_that_is_wanted() -> None:
    nobody = Invariant("nobody", "Nobody is done.", lambda view: ["done"] if _somebody("done")(view) else [])
    found = explore(workers(3, finish), [nobody], Options(stop_at_first=True), symmetry=equals(3))
    assert found["nobody"].status is Status.VIOLATED
    assert found.states < comb(5, 2)


def test_urgent_steps_are_part_of_a_step_among_orbits_too() -> None:
    def hush(view: View) -> Iterator[Outcome]:
        if _somebody("busy")(view):
            yield Outcome("hushes", {slot: "done" for slot in ("w0", "w1", "w2") if view[slot] == "busy"})

    machine = workers(3, finish)
    machine = evolve(machine, actions=(*machine.actions, Action("hush", "hush", hush, urgent=True)))
    for urgent, orbits in ((True, 4), (False, 10)):
        for engine in ENGINES:
            found = explore(machine, [all_are("done")], Options(urgent=urgent, engine=engine), symmetry=equals(3))
            assert (found.states, found["all"].status) == (orbits, Status.HOLDS)


# --- names left over --------------------------------------------------------------------------------------------------

SIZE = 4
"""At most two come at a time: a letter to somebody who has left never takes the last place from anybody."""


def tenants() -> Machine:
    """Make a pool of places: two owners put tenants into the first free one, throw them out, and remember them once."""

    def comes(owner: str, view: View) -> Iterator[Outcome]:
        if sum(view[f"place {n}"] is not None for n in range(SIZE)) == 2:
            return
        taken = [n for n in range(SIZE) if view[f"place {n}"] is not None or view["letter"] == (owner, n)]
        free = next((n for n in range(SIZE) if n not in taken), None)
        if free is not None:
            yield Outcome("comes", {f"place {free}": (owner, free)})

    def leaves(n: int, view: View) -> Iterator[Outcome]:
        name = view[f"place {n}"]
        if name is not None:
            yield Outcome("leaves", {f"place {n}": None, "letter": name})

    def returned(view: View) -> Iterator[Outcome]:
        name = view["letter"]
        if name is not None:
            there = name[1] < SIZE and view[f"place {name[1]}"] == name
            yield Outcome("delivered" if there else "returned", {"letter": None, "last": there})

    initial = dict.fromkeys((*(f"place {n}" for n in range(SIZE)), "letter", "last"))
    return Machine(
        (initial,),
        (
            *(Action(f"{one}: comes", one, partial(comes, one)) for one in ("a", "b")),
            *(Action(f"place {n}: leaves", f"{n}", partial(leaves, n)) for n in range(SIZE)),
            Action("letter: returned", "letter", returned),
        ),
    )


def places() -> Symmetry:
    def facts(template: str, value: Any) -> Iterable[Fact]:
        if template == "last":
            yield value, ()
        elif value is not None:
            yield (template, value[0]), (Mention("place", value[1], value[0]),)

    def rename(_template: str, value: Any, numbers: Mapping[Mention, int]) -> Hashable:
        named = isinstance(value, tuple)
        return (value[0], numbers[Mention("place", value[1], value[0])]) if named else value

    slots = {f"place {n}": ("place", (Mention("place", n),)) for n in range(SIZE)}
    return Symmetry({"place": SIZE}, slots, facts, rename)


@pytest.mark.usefixtures("_compares_everything")
def test_a_name_left_over_is_renumbered_by_itself() -> None:
    delivered = Sometimes("delivered", "A letter finds whom it is for.", lambda view: view["last"] is True)
    machine = tenants()
    whole, orbits = explore(machine, [delivered]), explore(machine, [delivered], symmetry=places())
    assert verdicts(orbits) == verdicts(whole)
    met: list[State] = []
    explore(machine, collect=met.append)
    folding = Folding(places(), Layout(machine.slots(), "I"))
    kept = {folding.fold(folding.ids_of(one)) for one in met}
    assert orbits.states == len(kept) < whole.states
    names = {one["letter"] for one in met}
    assert any(folding.state_of(one)["letter"] == ("a", SIZE) for one in kept)
    assert ("a", SIZE) not in names


# --- what is no symmetry ----------------------------------------------------------------------------------------------


@pytest.fixture
def _compares_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kubeproof.model.checker.symmetry.audit.EVERY", 1)


def favourite(at: str, view: View) -> Iterator[Outcome]:
    if at == "w1" and view[at] == "new":
        yield Outcome("is first", {at: "busy"})


@pytest.mark.parametrize("engine", ENGINES)
def test_an_action_that_only_one_member_has_is_named(engine: Engine) -> None:
    if engine == "plain":  # The oracle compares nothing itself: it is what others are compared with.
        assert explore(workers(2, favourite), options=Options(engine), symmetry=equals(2)).states == 2
        return
    with pytest.raises(
        AsymmetryError, match=r"worker 1: acts: 'is first' .*w 0 -> 1, w 1 -> 0; w0, w1\): not a symmetry"
    ):
        explore(
            evolve(workers(2, favourite), initial=({"w0": "done", "w1": "new"},)),
            options=Options(engine),
            symmetry=equals(2),
        )


def test_a_property_that_tells_members_apart_is_named() -> None:
    first = Invariant("first", "The first is not done.", lambda view: ["done"] if view["w0"] == "done" else [])
    with pytest.raises(AsymmetryError, match=r"first tells a state from its image .*w0"):
        explore(workers(2, finish), [first], symmetry=equals(2))


def test_a_step_property_that_tells_members_apart_is_found_out() -> None:
    first = StepProperty("first", "", lambda before, after, _label: ["x"] if before["w0"] != after["w0"] else [])
    machine = evolve(workers(2, finish), initial=({"w0": "done", "w1": "new"},))
    with pytest.raises(AsymmetryError, match="not a symmetry"):
        explore(machine, [first], symmetry=equals(2))


def test_help_that_tells_members_apart_is_found_out() -> None:
    helps = Recoverable(
        "helped", "", lambda view: [] if not _any(view) else ["x"], actions=lambda name: "2" not in name
    )
    with pytest.raises(AsymmetryError, match="not a symmetry"):
        explore(workers(3, finish), [helps], symmetry=equals(3))


def test_an_unfair_member_is_found_out() -> None:
    machine = workers(2, finish)
    first, second = machine.actions
    machine = evolve(machine, actions=(first, evolve(second, fairness=Fairness.NONE)))
    machine = evolve(machine, initial=({"w0": "done", "w1": "new"},))
    with pytest.raises(AsymmetryError, match="not a symmetry"):
        explore(machine, symmetry=equals(2))


def test_a_rename_that_forgets_a_mention_is_found_out() -> None:
    symmetry = evolve(QUEUE.alike(2), rename=lambda _template, value, _numbers: value)
    with pytest.raises(AsymmetryError):
        explore(QUEUE.work_queue(2, 1, 1), symmetry=symmetry)


def test_an_order_among_members_is_found_out() -> None:
    """The lowest number goes first: as a rule of the machine, no exchange leaves that as it is."""
    after = {"new": "busy", "old": "done", "odd": "even"}

    def goes(at: str, view: View) -> Iterator[Outcome]:
        if view[at] in after:
            yield Outcome("goes", {at: after[view[at]]})

    fine = evolve(workers(3, goes), initial=({"w0": "new", "w1": "old", "w2": "odd"},))
    assert explore(fine, symmetry=equals(3)).states == 2**3
    by_name = evolve(fine, actions=tuple(evolve(one, step=_only_lowest(one.step)) for one in fine.actions))
    with pytest.raises(AsymmetryError):
        explore(by_name, symmetry=equals(3))


def _only_lowest(step: Any) -> Any:
    def lowest(view: View) -> Iterator[Outcome]:
        for outcome in step(view):
            (slot,) = outcome.updates
            if all(view[other] in {"busy", "done", "even"} for other in ("w0", "w1", "w2") if other < slot):
                yield outcome

    return lowest


def test_members_whose_slots_are_no_slots_of_the_machine_are_an_error() -> None:
    lopsided = Symmetry({"w": 2}, {"w0": ("w", (Mention("w", 0),))})
    with pytest.raises(AsymmetryError, match="takes 'w' to no slot"):
        explore(workers(2, finish), symmetry=lopsided)


def test_a_slot_of_a_member_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(AsymmetryError, match=r"'w1'.*number=1"):
        explore(workers(2, finish), symmetry=evolve(equals(2), sizes={"w": 1}))


def test_two_slots_that_cannot_be_told_apart_are_an_error() -> None:
    twice = Symmetry({"w": 1}, {f"w{n}": ("w", (Mention("w", 0),)) for n in range(2)})
    with pytest.raises(AsymmetryError, match="two slots"):
        explore(workers(2, finish), symmetry=twice)


@pytest.mark.parametrize(
    ("only", "said"),
    [
        (({"w": (0, 1, 2)}, {"w": (1, 2, 0)}), "is not among those allowed"),
        (({"w": (0, 0, 1)},), "does not renumber"),
    ],
    ids=["no group", "no renumbering"],
)
def test_a_list_of_renumberings_that_is_no_group_is_an_error(only: Any, said: str) -> None:
    with pytest.raises(AsymmetryError, match=said):
        explore(workers(3, finish), symmetry=evolve(equals(3), only=only))


def test_a_list_of_renumberings_is_all_that_is_used() -> None:
    turns = tuple({"w": tuple((n + by) % 3 for n in range(3))} for by in range(3))
    found = explore(workers(3, finish), symmetry=evolve(equals(3), only=turns))
    assert found.states == 11  # Necklaces of three beads in three colours.


def test_what_does_not_know_of_orbits_refuses_them(tmp_path: Path) -> None:
    machine, symmetry = workers(2, finish), equals(2)
    with pytest.raises(ValueError, match="only that of rows keeps"):
        explore(machine, options=Options("plain", checkpoint=Checkpoint(tmp_path / "x")), symmetry=symmetry)


def test_a_search_by_orbits_is_taken_up_where_it_was_left(tmp_path: Path) -> None:
    machine, symmetry = workers(4, finish), equals(4)
    kept = Checkpoint(tmp_path / "x")
    whole = explore(machine, symmetry=symmetry)
    cut = explore(
        machine, options=Options(checkpoint=kept), symmetry=symmetry, limits=Limits(max_states=whole.states // 2)
    )
    found = explore(machine, options=Options(checkpoint=kept, resume=True), symmetry=symmetry)
    assert not cut.complete
    assert (found.states, found.transitions, found.depth) == (whole.states, whole.transitions, whole.depth)
    with pytest.raises(CheckpointError, match="it differs in its symmetry"):
        explore(machine, options=Options(checkpoint=kept, resume=True))


# --- the representative -----------------------------------------------------------------------------------------------

GRAPHS = st.lists(st.tuples(*[st.integers(-1, 4)] * 5), min_size=1, max_size=3)


def pointers(count: int) -> tuple[Folding, Layout]:
    """Make a folding for members who each point to one another, or to none, in several ways."""

    def facts(_template: str, value: Any) -> Iterable[Fact]:
        return ((("to"), (Mention("n", value),)),) if value >= 0 else (("none", ()),)

    def rename(_template: str, value: Any, numbers: Mapping[Mention, int]) -> Hashable:
        return numbers[Mention("n", value)] if value >= 0 else value

    slots = {f"{kind} {n}": (f"{kind}", (Mention("n", n),)) for kind in range(count) for n in range(5)}
    layout = Layout(tuple(slots), "I")
    return Folding(Symmetry({"n": 5}, slots, facts, rename), layout), layout


Rows = tuple[tuple[int, ...], ...]


def image(graph: Rows, order: tuple[int, ...]) -> Rows:
    """Return a graph with its members renumbered."""
    found = [[0] * 5 for _ in graph]
    for row, other in zip(graph, found, strict=True):
        for n, to in enumerate(row):
            other[order[n]] = order[to] if to >= 0 else to
    return tuple(map(tuple, found))


@given(GRAPHS, st.permutations(range(5)))
def test_a_state_and_its_image_have_one_representative_which_is_an_image(graph: list[Any], order: list[int]) -> None:
    folding, layout = pointers(len(graph))

    def kept(rows: Rows) -> Rows:
        state = folding.representative(State(layout.places, tuple(value for row in rows for value in row)))
        values: tuple[Any, ...] = state.values_in_order
        return tuple(values[5 * kind : 5 * kind + 5] for kind in range(len(graph)))

    one = kept(tuple(graph))
    assert kept(image(tuple(graph), tuple(order))) == one
    assert kept(one) == one
    assert one in {image(tuple(graph), other) for other in permutations(range(5))}


def test_members_that_look_alike_and_are_not_are_told_apart_in_every_way() -> None:
    """A ring of two and a ring of three: everybody points to one and is pointed to by one."""
    folding, layout = pointers(1)
    rings = {image(((1, 0, 3, 4, 2),), order)[0] for order in permutations(range(5))}
    assert len({folding.representative(State(layout.places, one)) for one in rings}) == 1


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_steps_that_are_compared_are_those_of_the_machine(name: str) -> None:
    machine, properties, symmetry = EXAMPLES[name]
    book = Book(machine, properties, urgent=True, stop_at_first=False)
    layout = Layout(machine.slots(), "I")
    audit = Audit(book, Folding(symmetry, layout), Functions(book, layout, memo=True))
    met: list[State] = []
    explore(machine, collect=met.append, limits=Limits(max_states=300))
    assert all(audit.moves(state) == moves(machine, state, urgent=True) for state in met)
    assert sum(len(audit.moves(state)) for state in met) > len(met)


@pytest.mark.parametrize("batch", [1, 7, 500, 6000])
def test_the_states_whose_turn_it_is_come_ever_more_rarely_and_then_once_in_so_many(batch: int) -> None:
    found = [number for first in range(0, 6000, batch) for number in Audit.due(first, batch) if number < 6000]
    assert found == [number for number in range(6000) if is_due(number)]
    assert found[:17] == [*range(9), 10, 12, 14, 16, 20, 24, 28, 32]
    assert found[-6:] == [896, *range(EVERY, 6000, EVERY)]


# --- twins ----------------------------------------------------------------------------------------------------------


def representatives(machine: Machine, properties: tuple[Property, ...], symmetry: Symmetry) -> list[State]:
    found: list[State] = []
    explore(machine, properties, symmetry=symmetry, collect=found.append)
    return found


def everybody_by_itself(labels: Labels) -> dict[int, int]:
    return {token: token for token in labels.entangled}


@pytest.mark.parametrize("name", EXAMPLES)
def test_twins_that_are_not_tried_change_no_representative(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    without = representatives(*EXAMPLES[name])
    monkeypatch.setattr(Labels, "_twins", everybody_by_itself)
    assert representatives(*EXAMPLES[name]) == without


HOSTS, GUESTS = 3, 7


def lodged() -> tuple[Folding, Ids]:
    """Return guests who are at hosts: those at one host are twins, and no host is like another."""
    slots = {f"guest/{number}": ("guest", (Mention("guest", number),)) for number in range(GUESTS)}

    def facts(_template: str, host: int) -> Iterator[Fact]:
        yield "is at", (Mention("host", host),)

    def rename(_template: str, host: int, numbers: Mapping[Mention, int]) -> int:
        return numbers[Mention("host", host)]

    state = State.of({slot: min(number // 3, HOSTS - 1) for number, slot in enumerate(slots)})
    layout = Layout(tuple(state), "B")
    return Folding(Symmetry({"guest": GUESTS, "host": HOSTS}, slots, facts, rename), layout), layout.ids(
        state.values_in_order
    )


def tries(folding: Folding, ids: Ids, monkeypatch: pytest.MonkeyPatch) -> tuple[Ids, int]:
    """Return the row that stands for an orbit, and how often members were told apart to find it."""
    tried: list[int] = []

    def counted(labels: Labels, token: int, colours: Mapping[int, int]) -> dict[int, int]:
        tried.append(token)
        return apart(labels, token, colours)

    apart = Labels._apart
    monkeypatch.setattr(Labels, "_apart", counted)
    folding.least.clear()
    row = folding.fold(ids)
    quick = len(tried)
    assert folding.fold(ids) == row
    assert len(tried) == quick  # What is known of a row is not found again.
    monkeypatch.setattr(Labels, "_apart", apart)
    return row, quick


def test_twins_are_not_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    folding, ids = lodged()
    row, quick = tries(folding, ids, monkeypatch)
    monkeypatch.setattr(Labels, "_twins", everybody_by_itself)
    assert tries(folding, ids, monkeypatch) == (row, HOSTS + 1)
    assert quick == 0


# --- groups and automorphisms ---------------------------------------------------------------------------------------

SIZE = 6
Links = list[tuple[int, int]]


def by_each(links: Links) -> tuple[Folding, Ids]:
    """Return sites each of which says where its links lead."""
    slots = {f"site/{one}": ("site", (Mention("site", one),)) for one in range(SIZE)}

    def facts(_template: str, others: tuple[int, ...]) -> Iterator[Fact]:
        yield from (("to", (Mention("site", other),)) for other in others)

    def rename(_template: str, others: tuple[int, ...], numbers: Mapping[Mention, int]) -> tuple[int, ...]:
        return tuple(sorted(numbers[Mention("site", other)] for other in others))

    values = {f"site/{one}": tuple(sorted(to for at, to in links if at == one)) for one in range(SIZE)}
    return folded(Symmetry({"site": SIZE}, slots, facts, rename), values)


def by_one(links: Links) -> tuple[Folding, Ids]:
    """Return sites whose links one value says."""

    def facts(_template: str, all_links: tuple[tuple[int, int], ...]) -> Iterator[Fact]:
        yield from (("link", (Mention("site", one), Mention("site", other))) for one, other in all_links)

    def rename(_template: str, all_links: tuple[tuple[int, int], ...], numbers: Mapping[Mention, int]) -> Any:
        return tuple(sorted(tuple(numbers[Mention("site", one)] for one in link) for link in all_links))

    return folded(Symmetry({"site": SIZE}, {"links": ("links", ())}, facts, rename), {"links": tuple(sorted(links))})


def folded(symmetry: Symmetry, values: dict[str, Any]) -> tuple[Folding, Ids]:
    layout = Layout(tuple(values), "I")
    return Folding(symmetry, layout), layout.ids(tuple(values.values()))


SITES = st.integers(0, SIZE - 1)
ORDERS = st.permutations(range(SIZE))
LINKS = st.one_of(
    st.lists(st.tuples(SITES, SITES), max_size=8, unique=True),
    ORDERS.map(lambda order: list(enumerate(order))),
    ORDERS.map(lambda order: [(order[at], order[at - at % 2]) for at in range(SIZE)]),
    ORDERS.map(lambda order: [(order[at], order[at - at % 3]) for at in range(SIZE)]),
)


@given(LINKS, ORDERS, st.sampled_from([by_each, by_one]))
def test_an_orbit_has_one_representative_whoever_is_entangled_with_whom(
    links: Links, order: list[int], said: Callable[[Links], tuple[Folding, Ids]]
) -> None:
    folding, ids = said(links)
    image, its = said([(order[one], order[other]) for one, other in links])
    shown = folding.state_of(folding.fold(ids))
    assert folding.representative(image.state_of(its)) == shown
    orbit = ([(order[one], order[other]) for one, other in links] for order in permutations(range(SIZE)))
    assert any(found.state_of(those) == shown for found, those in map(said, orbit))


APART = [(0, 1), (2, 3), (4, 5)]
BOTH_WAYS = [(at, at ^ 1) for at in range(SIZE)]
AROUND = [(at, (at + way) % SIZE) for at in range(SIZE) for way in (1, SIZE - 1)]


@pytest.mark.parametrize(
    ("links", "all_on", "no_orbits", "all_off", "no_groups"),
    [(APART, 0, 0, 7, 5), (BOTH_WAYS, 14, 25, 25, 14), (AROUND, 3, 6, 13, 5)],
    ids=["pairs", "pairs of equals", "a ring"],
)
def test_who_can_be_exchanged_is_not_tried_and_the_same_row_stands_for_the_orbit(
    links: Links, all_on: int, no_orbits: int, all_off: int, no_groups: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    folding, ids = by_one(links)
    found = [tries(folding, ids, monkeypatch)]
    parted, taking = Labels._parted, Labels._taking
    monkeypatch.setattr(Labels, "_taking", lambda labels, *_: {token: token for token in labels.entangled})
    found.append(tries(folding, ids, monkeypatch))
    monkeypatch.setattr(Labels, "_parted", lambda _, colours: colours)
    found.append(tries(folding, ids, monkeypatch))
    monkeypatch.setattr(Labels, "_taking", taking)
    found.append(tries(folding, ids, monkeypatch))
    monkeypatch.setattr(Labels, "_parted", parted)
    assert len({row for row, _ in found}) == 1
    assert [count for _, count in found] == [all_on, no_orbits, all_off, no_groups]
