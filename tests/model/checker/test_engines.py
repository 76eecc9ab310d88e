"""Both engines answer alike, on machines whose size arithmetic tells and on machines nobody thought of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise, product
from typing import Any

import pytest
from attrs import fields
from hypothesis import given
from hypothesis import strategies as st

from kubeproof.model.checker import Exploration, Options, Status, explore, replay
from kubeproof.model.checker import layout as layout_module
from kubeproof.model.machine import (
    Action,
    Converges,
    Fairness,
    Invariant,
    Machine,
    Outcome,
    Property,
    Sometimes,
    State,
    StepProperty,
    View,
)

WISHES = {wish.name for wish in fields(Options)}


def explored(machine: Machine, claims: Sequence[Property] = (), **wishes: Any) -> Exploration:
    """Explore with options and what else `explore` is told, all by name."""
    options = Options(**{name: wishes.pop(name) for name in WISHES & wishes.keys()})
    return explore(machine, claims, options, **wishes)


FAIRNESSES = (Fairness.WEAK, Fairness.WEAK, Fairness.STRONG, Fairness.NONE)


# Random machines: three or four slots of three values, actions as tables from what they read to what they write.


def _table_action(draw: st.DrawFn, name: str, group: str, slots: tuple[str, ...]) -> Action:
    first, second = draw(st.permutations(slots))[:2]
    rows = draw(
        st.dictionaries(
            st.tuples(st.integers(0, 2), st.integers(0, 2)),
            st.lists(st.dictionaries(st.sampled_from(slots), st.integers(0, 2), max_size=2), max_size=2),
            max_size=5,
        )
    )
    shortcut = draw(st.integers(0, 2))  # A value of the first slot at which the second is not even looked at.
    through = draw(st.booleans())

    def step(view: View) -> Iterator[Outcome]:
        here = view.via(lambda value: min(value, 1), first) if through else view[first]
        if here == shortcut:
            return
        for number, updates in enumerate(rows.get((here, view[second]), [])):
            yield Outcome(f"to {number}", updates)

    return Action(name, group, step, draw(st.sampled_from(FAIRNESSES)), when_quiet=draw(st.integers(0, 3)) == 0)


@st.composite
def machines(draw: st.DrawFn) -> Machine:
    slots = tuple("abcd"[: draw(st.integers(3, 4))])
    initial = draw(st.lists(st.fixed_dictionaries({slot: st.integers(0, 1) for slot in slots}), min_size=1, max_size=2))
    count = draw(st.integers(1, 5))
    actions = [_table_action(draw, f"action {n}", f"group {n // 2}", slots) for n in range(count)]
    return Machine(tuple(initial), tuple(actions))


def _claims(bad: int, target: int) -> tuple[Property, ...]:
    def check(view: View) -> Iterator[str]:
        if view["a"] == bad and view["b"] == target:
            yield f"a is {bad}, b is {target}"

    def no_jump(before: View, after: View, label: str) -> Iterator[str]:
        if before["b"] == bad and after["b"] == target and label == "to 0":
            yield f"b went from {bad} to {target}"

    def goal(view: View) -> Iterator[str]:
        if view["c"] != target:
            yield f"c is {view['c']}"

    return (
        Invariant("safe", "never both", check, premise=lambda view: view["c"] == bad),
        StepProperty("no jump", "b does not jump", no_jump),
        StepProperty("watched", "b does not jump", no_jump, lambda name: name != "action 1"),
        Sometimes("reached", "some time", lambda view: view["a"] == target and view["c"] == bad),
        Converges("arrives", "c arrives", goal),
        Converges("arrives unless", "c arrives while b differs", goal, lambda view: view["b"] != bad),
    )


def _essence(result: Exploration) -> tuple[object, ...]:
    counts = [(action.name, action.enabled, action.taken, action.new) for action in result.statistics.actions]
    return (result.verdicts, result.states, result.transitions, result.depth, result.complete, counts)


@given(machines(), st.integers(0, 2), st.integers(0, 2))
def test_the_fast_engine_says_what_the_oracle_says(machine: Machine, bad: int, target: int):
    claims = _claims(bad, target)
    seen: list[State] = []
    fast_seen: list[State] = []
    plain = explore(machine, claims, Options("plain"), collect=seen.append)
    fast = explore(machine, claims, collect=fast_seen.append)
    assert _essence(fast) == _essence(plain)
    assert fast_seen == seen
    assert fast.statistics.widest == plain.statistics.widest


@given(machines(), st.integers(0, 2), st.integers(0, 2))
def test_remembering_changes_no_answer(machine: Machine, bad: int, target: int):
    claims = _claims(bad, target)
    assert _essence(explore(machine, claims)) == _essence(explore(machine, claims, Options(memo=False)))


@given(machines(), st.integers(0, 2), st.integers(0, 2))
def test_fingerprints_of_small_machines_lose_nothing(machine: Machine, bad: int, target: int):
    claims = _claims(bad, target)
    assert _essence(explore(machine, claims)) == _essence(explore(machine, claims, Options(visited="fingerprint")))


@given(machines(), st.integers(0, 2), st.integers(0, 2))
def test_every_trace_replays(machine: Machine, bad: int, target: int):
    for verdict in explore(machine, _claims(bad, target)).verdicts:
        if verdict.trace is not None:
            assert replay(machine, verdict.trace).divergence is None
        assert (verdict.status is Status.VIOLATED) == bool(verdict.evidence)


# Two chains that only ever touch their own slots: urgent steps commute with everything.


def _confluent(lengths: tuple[int, ...], urgent_from: int) -> Machine:
    """Return one chain per length: a slow step starts it, then an urgent follower copies it slot by slot."""

    def start(n: int):
        def step(view: View) -> Iterator[Outcome]:
            if view[f"{n}.0"] < 2:
                yield Outcome("start", {f"{n}.0": view[f"{n}.0"] + 1})

        return step

    def follow(n: int, link: int):
        def step(view: View) -> Iterator[Outcome]:
            if view[f"{n}.{link}"] < view[f"{n}.{link - 1}"]:
                yield Outcome("follow", {f"{n}.{link}": view[f"{n}.{link}"] + 1})

        return step

    chains = [(n, link) for n, length in enumerate(lengths) for link in range(1, length)]
    return Machine(
        initial=({f"{n}.{link}": 0 for n, length in enumerate(lengths) for link in range(length)},),
        actions=(
            *(Action(f"start {n}", f"start {n}", start(n)) for n in range(len(lengths))),
            *(
                Action(f"follow {n}.{link}", f"{n}.{link}", follow(n, link), urgent=n >= urgent_from)
                for n, link in chains
            ),
        ),
    )


def _chain_claims(lengths: tuple[int, ...]) -> tuple[Property, ...]:
    def behind(view: View) -> Iterator[str]:
        for n, length in enumerate(lengths):
            if view[f"{n}.{length - 1}"] < 2:
                yield f"chain {n} has not arrived"

    def ahead(view: View) -> Iterator[str]:
        for n, length in enumerate(lengths):
            if view[f"{n}.{length - 1}"] > view[f"{n}.0"]:
                yield f"chain {n} is ahead of its start"

    def by_one(before: View, after: View, _label: str) -> Iterator[str]:
        for n, length in enumerate(lengths):
            if after[f"{n}.{length - 1}"] - before[f"{n}.{length - 1}"] not in {0, 1}:
                yield f"chain {n} skips"

    return (
        Converges("arrives", "", behind),
        Invariant("not ahead", "", ahead),
        StepProperty("by one", "", by_one, lambda name: name.startswith("follow")),
        Sometimes("all there", "", lambda view: not list(behind(view))),
    )


@pytest.mark.parametrize("lengths", [(2, 3), (3, 1, 2)])
@pytest.mark.parametrize("urgent_from", [0, 1])
def test_urgent_steps_change_sizes_and_no_verdict(lengths: tuple[int, ...], urgent_from: int):
    machine, claims = _confluent(lengths, urgent_from), _chain_claims(lengths)
    on = explore(machine, claims)
    off = explore(machine, claims, Options(urgent=False))
    assert [(v.name, v.status, v.kind) for v in on.verdicts] == [(v.name, v.status, v.kind) for v in off.verdicts]
    assert {verdict.status for verdict in on.verdicts} == {Status.HOLDS}
    assert _essence(on) == _essence(explore(machine, claims, Options("plain")))
    assert _essence(off) == _essence(explore(machine, claims, Options("plain", urgent=False)))
    settled = [n for n in range(len(lengths)) if n >= urgent_from]
    sizes = [3 if n in settled else _chain_size(length) for n, length in enumerate(lengths)]
    assert on.states == _product(sizes)
    assert off.states == _product([_chain_size(length) for length in lengths])


def _chain_size(length: int) -> int:
    """Count the falling sequences of 0..2, which is what a chain can be."""
    return sum(all(a >= b for a, b in pairwise(c)) for c in product(range(3), repeat=length))


def _product(sizes: list[int]) -> int:
    total = 1
    for size in sizes:
        total *= size
    return total


@given(machines(), st.sets(st.integers(0, 4), max_size=3), st.integers(0, 2), st.integers(0, 2))
def test_the_engines_agree_on_urgency_that_commutes_with_nothing(
    machine: Machine, chosen: set[int], bad: int, target: int
):
    def rushed(number: int, action: Action) -> Action:
        def step(view: View) -> Iterator[Outcome]:
            yield from list(action.step(view))[:1]

        if number not in chosen or action.when_quiet:
            return action
        return Action(action.name, action.group, step, action.fairness, urgent=True)

    rushing = Machine(machine.initial, tuple(rushed(number, action) for number, action in enumerate(machine.actions)))
    answers = [_answer(rushing, _claims(bad, target), engine) for engine in ("plain", "rows")]
    assert answers[0] == answers[1]


def _answer(machine: Machine, claims: tuple[Property, ...], engine: str) -> object:
    try:
        return _essence(explore(machine, claims, Options(engine)))
    except Exception as error:  # noqa: BLE001 - whatever it is, the other engine must say the same
        return str(error)


# Machines that other tools have counted.


def dining(philosophers: int, *, one_left_handed: bool) -> Machine:
    """Everybody takes a first fork, then a second one, eats, puts down the first, then the second."""

    def philosopher(n: int):
        first, second = n, (n + 1) % philosophers
        if one_left_handed and second == 0:
            first, second = second, first

        def step(view: View) -> Iterator[Outcome]:
            match view[f"at {n}"]:
                case "thinks" if view[f"fork {first}"]:
                    yield Outcome("takes the first fork", {f"at {n}": "waits", f"fork {first}": False})
                case "waits" if view[f"fork {second}"]:
                    yield Outcome("takes the second fork", {f"at {n}": "eats", f"fork {second}": False})
                case "eats":
                    yield Outcome("puts down the first fork", {f"at {n}": "leaves", f"fork {first}": True})
                case "leaves":
                    yield Outcome("puts down the second fork", {f"at {n}": "thinks", f"fork {second}": True})

        return step

    table = range(philosophers)
    return Machine(
        ({f"at {n}": "thinks" for n in table} | {f"fork {n}": True for n in table},),
        tuple(Action(f"philosopher {n}", f"philosopher {n}", philosopher(n), Fairness.STRONG) for n in table),
    )


def eats(n: int) -> Converges:
    """Return the claim that a philosopher eats at last (and here it is allowed to eat for ever, so it is false)."""

    def goal(view: View) -> Iterator[str]:
        if view[f"at {n}"] != "eats":
            yield f"philosopher {n} {view[f'at {n}']}"

    return Converges("eats", "", goal)


@pytest.mark.parametrize("engine", ["plain", "rows"])
@pytest.mark.parametrize("size", [3, 5])
def test_philosophers_who_all_take_the_left_fork_are_stuck(engine: str, size: int):
    result = explore(dining(size, one_left_handed=False), (eats(0),), Options(engine))
    verdict = result["eats"]
    assert (verdict.status, verdict.kind) == (Status.VIOLATED, "stuck")
    assert [step.label for step in verdict.trace.steps] == ["takes the first fork"] * size
    # Every fork lies there, or is in the hand of one of two; but never is each in the hand of who eats with it second,
    # since all of them would have eaten at once.
    assert result.states == 3**size - 1


@pytest.mark.parametrize("engine", ["plain", "rows"])
@pytest.mark.parametrize("size", [3, 5])
def test_one_left_handed_philosopher_keeps_all_going(engine: str, size: int):
    result = explore(dining(size, one_left_handed=True), (eats(0),), Options(engine))
    assert result["eats"].kind == "livelock"
    assert result.states == 3**size  # Every fork lies there, or is in the hand of one of two.


def work_queue(objects: int, versions: int, crashes: int, pick: Fairness = Fairness.STRONG) -> Machine:
    """One worker, a lagging cache, a dirty set: what a Kubernetes controller is, with crashes."""
    everything = range(objects)

    def user(o: int):
        def step(view: View) -> Iterator[Outcome]:
            if view[f"spec {o}"] < versions:
                yield Outcome("write", {f"spec {o}": view[f"spec {o}"] + 1})

        return step

    def watch(o: int):
        def step(view: View) -> Iterator[Outcome]:
            if view["up"] and view[f"cache {o}"] < view[f"spec {o}"]:
                yield Outcome("see", {f"cache {o}": view[f"cache {o}"] + 1, f"dirty {o}": True})

        return step

    def take(o: int):
        def step(view: View) -> Iterator[Outcome]:
            if view["up"] and view["current"] is None and view[f"dirty {o}"]:
                yield Outcome("pick", {"current": o, "seen": view[f"cache {o}"], f"dirty {o}": False})

        return step

    def write(o: int):
        def step(view: View) -> Iterator[Outcome]:
            if view["up"] and view["current"] == o:
                done = {"current": None, "seen": 0}
                if view["seen"] == view[f"spec {o}"]:
                    yield Outcome("done", done | {f"status {o}": view["seen"]})
                else:
                    yield Outcome("conflict", done | {f"dirty {o}": True})

        return step

    def crash(view: View) -> Iterator[Outcome]:
        if view["up"] and view["crashes"] < crashes:
            lost = {f"cache {o}": 0 for o in everything} | {f"dirty {o}": False for o in everything}
            yield Outcome("crash", {"up": False, "crashes": view["crashes"] + 1, "current": None, "seen": 0} | lost)

    def restart(view: View) -> Iterator[Outcome]:
        if not view["up"]:
            listed = {f"cache {o}": view[f"spec {o}"] for o in everything} | {f"dirty {o}": True for o in everything}
            yield Outcome("restart", {"up": True} | listed)

    per_object = (
        ("user", user, Fairness.NONE), ("watch", watch, Fairness.WEAK),
        ("pick", take, pick), ("write", write, Fairness.WEAK),
    )  # fmt: skip
    initial = {f"{name} {o}": 0 for name in ("spec", "cache", "status") for o in everything}
    initial |= {f"dirty {o}": False for o in everything}
    return Machine(
        (initial | {"current": None, "seen": 0, "up": True, "crashes": 0},),
        (
            *(Action(f"{name} {o}", f"{name} {o}", make(o), f) for name, make, f in per_object for o in everything),
            Action("crash", "crash", crash, Fairness.NONE),
            Action("restart", "restart", restart),
        ),
    )


def converged(objects: int) -> Converges:
    def goal(view: View) -> Iterator[str]:
        for o in range(objects):
            if view[f"status {o}"] != view[f"spec {o}"]:
                yield f"status {o} is {view[f'status {o}']}, spec {o} is {view[f'spec {o}']}"

    return Converges("converged", "Every status follows its spec.", goal)


@pytest.mark.parametrize("size", [(1, 1, 0), (1, 2, 1), (2, 1, 1), (2, 2, 1)])
def test_the_work_queue_is_the_same_to_both_engines(size: tuple[int, int, int]):
    claims = (converged(size[0]),)
    plain = explore(work_queue(*size), claims, Options("plain"))
    assert _essence(explore(work_queue(*size), claims)) == _essence(plain)
    assert plain["converged"].status is Status.HOLDS


def test_the_work_queue_of_three_objects_keeps_its_size():
    """SPIN, TLC and LTSmin count 655,184 states and 3,368,944 transitions for four objects; these are for three."""
    result = explore(work_queue(3, 2, 2), (converged(3),))
    assert (result.states, result.transitions) == (34_164, 142_880)
    assert result["converged"].status is Status.HOLDS


@pytest.mark.parametrize("engine", ["plain", "rows"])
def test_a_work_queue_that_need_not_pick_is_stuck(engine: str):
    verdict = explore(work_queue(1, 1, 1, pick=Fairness.NONE), (converged(1),), Options(engine))["converged"]
    assert (verdict.status, verdict.kind) == (Status.VIOLATED, "stuck")
    assert [step.label for step in verdict.trace.steps] == ["write", "see"]
    assert verdict.evidence == ("status 0 is 0, spec 0 is 1",)


def test_a_work_queue_of_one_object_has_the_five_states_one_can_list():
    # The start, written, seen (and dirty), picked, done. No crash, so nothing else.
    assert explore(work_queue(1, 1, 0)).states == 5


def test_slots_with_many_values_get_wider_ids(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(layout_module, "CODES", ("B", "H"))
    monkeypatch.setattr("kubeproof.model.checker.rows.CODES", ("B", "H"))

    def count(view: View) -> Iterator[Outcome]:
        if view["n"] < 700:
            yield Outcome("up", {"n": view["n"] + 1})

    seen: list[State] = []
    result = explore(Machine(({"n": 0},), (Action("count", "count", count),)), collect=seen.append)
    assert (result.states, result.depth, result.complete) == (701, 700, True)
    assert [state["n"] for state in seen] == list(range(701))
