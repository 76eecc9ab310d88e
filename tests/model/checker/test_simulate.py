"""Random walks find what is there, show a run that replays, and never claim to have proved anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from kubeproof.harness.cli import main
from kubeproof.model.checker import Limits, Progress, Status, StepError, explore, replay, simulate, states
from kubeproof.model.checker import layout as layout_module
from kubeproof.model.checker.shorten import shorten
from kubeproof.model.machine import (
    Action,
    Converges,
    Fairness,
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
from places import EXAMPLES

Edges = Mapping[int, tuple[int, ...]]


def counter(slot: str, top: int, name: str = "", **more: object) -> Action:
    def step(view: View) -> Iterator[Outcome]:
        if view[slot] < top:
            yield Outcome("up", {slot: view[slot] + 1})

    return Action(name or f"{slot}: up", slot, step, **more)


def counters(top: int, *slots: str) -> Machine:
    return Machine((dict.fromkeys(slots, 0),), tuple(counter(slot, top) for slot in slots))


def below(slot: str, top: int) -> Invariant:
    return Invariant("below", "", lambda view: [f"{slot} is {view[slot]}"] if view[slot] >= top else [])


def test_a_breach_comes_with_a_run_that_holds_nothing_it_does_not_need():
    machine = counters(9, "a", "b", "c")
    result = simulate(machine, (below("b", 4),))
    verdict = result["below"]
    assert (verdict.status, verdict.kind, verdict.evidence) == (Status.VIOLATED, "invariant", ("b is 4",))
    assert verdict.trace.lines() == ("b: up: up",) * 4
    assert replay(machine, verdict.trace).complete


def test_what_was_not_breached_is_unknown_with_what_was_seen():
    machine = counters(3, "a", "b")
    result = simulate(machine, (below("a", 9),), walks=30, depth=10, seed=3)
    verdict = result["below"]
    assert (verdict.status, verdict.kind, verdict.trace) == (Status.UNKNOWN, "invariant", None)
    assert (result.status, result.complete) == (Status.UNKNOWN, False)
    assert result.states == 16
    assert verdict.reason == (
        "simulated: 30 random walks (seed 3) of at most 10 steps saw 16 states and 2 of 2 actions enabled; "
        "about 0% of further visits would be to new states"
    )
    assert (result.why_incomplete, result.transitions, result.depth) == (verdict.reason, 30 * 6, 6)


def test_nothing_is_ever_said_to_hold():
    claims: tuple[Property, ...] = (
        below("a", 9),
        StepProperty("step", "", lambda _before, _after, _label: []),
        Sometimes("some time", "", lambda view: view["a"] == 2),
        Sometimes("never", "", lambda view: view["a"] == 7),
        Converges("full", "", lambda view: [] if view["a"] == 3 else ["not yet"]),
        LeadsTo("answered", "", lambda view: view["a"] == 1, lambda view: [] if view["a"] == 2 else ["waits"]),
        Recoverable("recoverable", "", lambda view: [] if view["a"] == 3 else ["not yet"]),
    )
    result = simulate(counters(3, "a"), claims)
    assert {verdict.status for verdict in result.verdicts} == {Status.UNKNOWN}
    assert {verdict.status for verdict in explore(counters(3, "a"), claims).verdicts} == {Status.HOLDS, Status.VIOLATED}
    witness = result["some time"]
    assert len(witness.trace.steps) == 2
    assert witness.reason.startswith("it was true in a state that was visited; simulated: ")
    assert result["never"].trace is None
    assert [verdict.vacuous for verdict in result.verdicts] == [False] * 7


def test_a_premise_that_was_never_true_is_reported():
    claim = evolve(below("a", 9), premise=lambda view: view["a"] == 8)
    assert simulate(counters(3, "a"), (claim,))["below"].vacuous


def test_the_same_seed_walks_the_same_ways_and_another_seed_others():
    machine = counters(5, "a", "b", "c")

    def counts(seed: int) -> list[tuple[int, int]]:
        result = simulate(machine, (), walks=3, depth=8, seed=seed)
        return [(action.enabled, action.taken) for action in result.statistics.actions]

    assert counts(1) == counts(1)
    assert len({tuple(counts(seed)) for seed in range(10)}) > 1


def test_seldom_taken_actions_are_preferred():
    """Of eleven ways ten are one action's: with even chances it would be taken ten times as often, not three times."""
    fall = Action("fall", "fall", lambda view: [Outcome(f"{n}", {"at": n}) for n in range(1, 11) if not view["at"]])
    climb = Action("climb", "climb", lambda view: [Outcome("climb", {"at": 20})] if not view["at"] else [])
    falls, climbs = simulate(Machine(({"at": 0},), (fall, climb)), walks=500).statistics.actions
    assert falls.taken + climbs.taken == 500
    assert 100 < climbs.taken < 200


def test_walks_differ_in_what_they_like():
    """With the same liking for both counters, one would hardly ever stay behind by twenty."""
    far = Sometimes("far", "", lambda view: view["a"] >= view["b"] + 20)
    assert simulate(counters(30, "a", "b"), (far,))["far"].trace is not None


def test_a_bad_step_is_the_last_one_shown():
    def no_jump(before: View, after: View, label: str) -> Iterator[str]:
        if before["b"] == 2 and after["b"] == 3 and label == "up":
            yield "b leaves 2"

    claim = StepProperty("no jump", "", no_jump, lambda name: name == "b: up")
    machine = counters(5, "a", "b")
    verdict = simulate(machine, (claim,))["no jump"]
    assert (verdict.status, verdict.kind, verdict.evidence) == (Status.VIOLATED, "step", ("b leaves 2",))
    assert verdict.trace.lines() == ("b: up: up",) * 3
    unwatched = evolve(claim, actions=lambda name: name == "a: up")
    assert simulate(machine, (unwatched,))["no jump"].status is Status.UNKNOWN


def test_a_state_where_nothing_more_need_happen_breaks_convergence():
    machine = Machine(({"a": 0, "b": 0},), (counter("a", 2), counter("b", 3, fairness=Fairness.NONE)))
    claim = Converges("b is up", "", lambda view: [] if view["b"] else ["b is 0"])
    verdict = simulate(machine, (claim,))["b is up"]
    assert (verdict.kind, verdict.evidence) == ("stuck", ("b is 0",))
    assert verdict.trace.lines() == ("a: up: up",) * 2
    elsewhere = evolve(claim, when=lambda view: view["a"] < 2)
    assert simulate(machine, (elsewhere,))["b is up"].status is Status.UNKNOWN


def test_urgent_steps_are_part_of_the_steps_that_set_them_off():
    def copy(view: View) -> Iterator[Outcome]:
        if view["c"] != view["a"]:
            yield Outcome("copy", {"c": view["a"]})

    actions = (*counters(4, "a", "b").actions, Action("copy", "c", copy, urgent=True))
    machine = Machine(({"a": 0, "b": 0, "c": 0},), actions)
    verdict = simulate(machine, (below("c", 2),))["below"]
    assert verdict.trace.lines() == ("a: up: up", "    copy: copy") * 2
    assert replay(machine, verdict.trace).complete
    falls = StepProperty("copied", "", lambda _before, _after, label: ["copied"] if label == "copy" else [])
    assert simulate(machine, (falls,))["copied"].trace.lines() == ("a: up: up", "    copy: copy")
    loose = simulate(machine, (below("c", 2),), urgent=False)["below"]
    assert len(loose.trace.steps) == 3
    assert " and 2 of 2 actions enabled" in simulate(machine).why_incomplete
    assert " and 3 of 3 actions enabled" in simulate(machine, urgent=False).why_incomplete
    assert "a: up: up" in loose.trace.lines()


@pytest.mark.parametrize("fairness", [Fairness.NONE, Fairness.WEAK])
def test_what_waits_for_quiet_waits_in_the_shortened_run_too(fairness: Fairness):
    work, tea = counter("a", 3), counter("tea", 2, fairness=fairness, when_quiet=True)
    other = counter("b", 5, fairness=Fairness.NONE)
    machine = Machine(({"a": 0, "tea": 0, "b": 0},), (other, work, tea))
    verdict = simulate(machine, (below("tea", 2),))["below"]
    assert verdict.trace.lines() == ("a: up: up",) * 3 + ("tea: up: up",) * 2
    assert replay(machine, verdict.trace).complete


def test_every_initial_state_is_begun_from():
    machine = Machine(({"a": 0}, {"a": 10}, {"a": 20}), (counter("a", 5),))
    result = simulate(machine, (below("a", 20),), walks=3)
    assert result["below"].trace.initial["a"] == 20
    assert simulate(machine, (below("a", 10),), walks=9)["below"].evidence == ("a is 10",)
    assert result.states == 6 + 2
    assert simulate(machine, (below("a", 20),), walks=2)["below"].status is Status.UNKNOWN


def test_a_walk_is_no_longer_than_was_said():
    result = simulate(counters(50, "a"), (below("a", 8),), walks=2, depth=7)
    assert (result.states, result.depth, result.transitions) == (8, 7, 14)
    assert result["below"].status is Status.UNKNOWN
    assert simulate(counters(50, "a"), (below("a", 8),), walks=1, depth=8)["below"].status is Status.VIOLATED


def test_limits_end_it_early_and_keep_what_was_found():
    machine = counters(30, "a", "b")
    far = Invariant("far", "", lambda _view: [])
    result = simulate(machine, (below("a", 2), far), limits=Limits(50))
    assert result.states == 50
    assert result["below"].status is Status.VIOLATED
    assert result["far"].reason.startswith("the limit of 50 states was hit; simulated: ")
    assert simulate(machine, (), limits=Limits(timeout=0.0)).states == 0


def test_ctrl_c_ends_the_walks_not_the_program():
    def check(view: View) -> list[str]:
        if view["a"] == 3:
            raise KeyboardInterrupt
        return []

    result = simulate(counters(9, "a"), (Invariant("any", "", check),))
    assert result["any"].reason.startswith("interrupted (Ctrl-C); simulated: 1 random walks (seed 0)")


def test_a_function_that_raises_is_told_with_the_walk_that_led_there():
    def step(view: View) -> list[Outcome]:
        return [Outcome("divide", {"a": 1 // (3 - view["a"])})] if view["a"] == 3 else []

    machine = Machine(({"a": 0},), (counter("a", 5), Action("divide", "divide", step)))
    with pytest.raises(StepError, match="divide raised ZeroDivisionError") as error:
        simulate(machine)
    assert error.value.trace.lines() == ("a: up: up",) * 3


def test_progress_is_told():
    told: list[Progress] = []
    simulate(counters(9, "a", "b"), (), walks=200, progress=told.append)
    assert [news.frontier for news in told] == [0] * 3
    assert told[-1].states <= 100
    assert [news.transitions for news in told] == sorted(news.transitions for news in told)


def test_ids_grow_wide_in_the_middle_of_the_walks(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(layout_module, "CODES", ("B", "I"))
    monkeypatch.setattr("kubeproof.model.checker.rows.CODES", ("B", "I"))
    machine = Machine(({"other": 0, "a": 0},), (counter("a", 300),))
    result = simulate(machine, (below("a", 290),), walks=2, depth=400)
    assert (result.states, result.transitions) == (301, 600)
    assert len(result["below"].trace.steps) == 290


# Shortening.


def test_steps_that_write_something_else_without_their_forerunners_are_taken_as_they_then_are():
    def move(view: View) -> list[Outcome]:
        return [Outcome("move", {"at": view["at"] + view["speed"]})] if view["at"] < 8 else []

    machine = Machine(({"at": 0, "speed": 1},), (Action("move", "m", move), counter("speed", 4)))
    begin = State.of(machine.initial[0])
    shorter = shorten(machine, below("at", 8), begin, [(0, 0), (1, 0), (0, 0), (1, 0), (0, 0), (0, 0)], urgent=True)
    assert [step.action for step in shorter.steps] == ["speed: up", "move", "speed: up", "move", "move"]
    assert shorter.states[-1]["at"] == 8
    assert tuple(states(machine, shorter.trace)) == shorter.states


def shortened(machine: Machine, claim: Property, *choices: int) -> tuple[str, ...]:
    begin = State.of(machine.initial[0])
    way = shorten(machine, claim, begin, [(action, 0) for action in choices], urgent=True)
    assert replay(machine, way.trace).complete
    return way.trace.lines()


def test_a_step_that_changes_nothing_is_none_in_the_shortened_run_either():
    mark = Action("mark", "m", lambda _: [Outcome("it", {"m": 1})])
    clear = Action("clear", "m", lambda _: [Outcome("it", {"m": 0})])
    marked = StepProperty("marked", "", lambda _before, after, _label: ["marked"] if after["m"] else [])
    assert shortened(Machine(({"m": 1},), (mark, clear)), marked, 1, 0) == ("clear: it", "mark: it")


def test_a_shortened_run_ends_where_the_premise_is_true():
    def end(view: View) -> list[Outcome]:
        return [Outcome("end", {"at": {0: 9, 1: 8}[view["at"]]})] if view["at"] < 2 else []

    machine = Machine(({"at": 0},), (counter("at", 1), Action("end", "end", end)))
    claim = Converges("away", "", lambda view: [f"at {view['at']}"], lambda view: view["at"] != 9)
    assert shortened(machine, claim, 0, 1) == ("at: up: up", "end: end")


def test_a_shortened_run_ends_with_a_step_that_is_watched():
    second = Action("second", "b", lambda view: [Outcome("go", {"b": 1})] if view["a"] and not view["b"] else [])
    machine = Machine(({"a": 0, "b": 0},), (counter("a", 3), second))
    claim = StepProperty("none", "", lambda _before, _after, _label: ["a step"], lambda name: name == "second")
    assert shortened(machine, claim, 0, 0, 1) == ("a: up: up", "second: go")


@st.composite
def graphs(draw: st.DrawFn) -> Machine:
    node = st.integers(0, 7)
    edges = st.dictionaries(node, st.lists(node, max_size=3, unique=True).map(tuple), min_size=1, max_size=8)
    drawn = draw(st.lists(st.tuples(edges, st.sampled_from(list(Fairness)), st.integers(0, 4)), min_size=1, max_size=3))

    def walker(name: str, way: Edges, fairness: Fairness, *, quiet: bool) -> Action:
        def step(view: View) -> Iterator[Outcome]:
            for target in way.get(view["at"], ()):
                yield Outcome(f"to {target}", {"at": target})

        return Action(name, name, step, fairness, when_quiet=quiet)

    actions = (walker(f"{n}", way, fair, quiet=quiet == 0) for n, (way, fair, quiet) in enumerate(drawn))
    return Machine(({"at": 0},), tuple(actions))


@given(graphs(), st.integers(0, 7), st.integers(0, 100))
def test_walks_find_only_what_is_there_and_all_of_it_where_they_came_everywhere(machine: Machine, bad: int, seed: int):
    def no_return(before: View, after: View, _label: str) -> list[str]:
        return ["back"] if (before["at"], after["at"]) == (bad, 0) else []

    claims = (
        Invariant("safe", "", lambda view: ["bad"] if view["at"] == bad else []),
        StepProperty("no return", "", no_return),
        Converges("leaves", "", lambda view: ["bad"] if view["at"] == bad else []),
    )
    whole, seen = explore(machine, claims), simulate(machine, claims, walks=60, depth=30, seed=seed)
    assert seen.states <= whole.states
    for known, found in zip(whole.verdicts, seen.verdicts, strict=True):
        there = known.status is Status.VIOLATED and known.kind != "livelock"
        assert (found.status is Status.VIOLATED) <= there
        assert seen.states < whole.states or (found.status is Status.VIOLATED) == there
        if found.status is Status.VIOLATED:
            assert (found.kind, found.evidence) == (known.kind, known.evidence)
            assert replay(machine, found.trace).complete
            assert len(found.trace.steps) >= len(known.trace.steps)


def test_the_command_line_walks(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    def run(example: str, *options: str) -> tuple[object, str, str]:
        folder = str(EXAMPLES / example)
        with pytest.raises(SystemExit) as ended:
            main(["check", folder, "--trace-dir", str(tmp_path), *options])
        return (ended.value.code, *capsys.readouterr())

    code, out, _ = run("full-nodes", "--simulate", "20", "--seed", "4")
    assert code == 1
    assert "convergence    VIOLATED" in out
    code, out, _ = run("full-nodes-repaired", "--simulate", "5", "--seed", "4")
    assert code == 3
    assert "simulated: 5 random walks (seed 4) of at most 200 steps" in " ".join(out.split())
    assert "convergence    UNKNOWN" in out
    code, _, message = run("full-nodes", "--simulate", "5", "--checkpoint", str(tmp_path / "search"))
    assert (code, message) == (2, "--simulate: random walks have no checkpoint: --seed goes them again\n")
