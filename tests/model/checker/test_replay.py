"""Traces replay on the machine they came from, and say where they stop being possible on another one."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from subprocess import run
from types import ModuleType

import pytest
from attrs import evolve

from kubeproof.model.checker import Options, Status, Step, Trace, explore, replay, states
from kubeproof.model.machine import Action, Converges, Fairness, Invariant, Machine, MachineError, Outcome, State, View
from places import MACHINES, load


def lights(*, echo_updates: str = "a", limit: int = 3, echo: bool = True) -> Machine:
    """Return a counter whose steps set off an urgent echo."""

    def count(view: View) -> Iterator[Outcome]:
        if view["n"] < limit:
            yield Outcome("up", {"n": view["n"] + 1})

    def copy(view: View) -> Iterator[Outcome]:
        if view[echo_updates] < view["n"]:
            yield Outcome("echo", {echo_updates: view["n"]})

    actions = (Action("count", "count", count), Action("copy", "copy", copy, urgent=True))
    return Machine(({"n": 0, "a": 0, "b": 0},), actions if echo else actions[:1])


def three() -> Invariant:
    return Invariant("not three", "", lambda view: ("n is 3",) if view["n"] == 3 else ())


@pytest.fixture
def trace() -> Trace:
    found = explore(lights(), (three(),))["not three"].trace
    assert found is not None
    return found


def test_urgent_steps_are_shown_under_the_step_that_set_them_off(trace: Trace):
    assert trace.lines() == ("count: up", "    copy: echo") * 3
    assert [state["a"] for state in states(lights(), trace)] == [0, 1, 2, 3]
    assert states(lights(), trace)[2] == {"n": 2, "a": 2, "b": 0}
    assert states(lights(), trace)[-1]["n"] == 3


def test_a_trace_without_urgency_replays_too():
    slow = explore(lights(), (three(),), Options(urgent=False))["not three"].trace
    assert [step.urgent for step in slow.steps] == [()] * len(slow.steps)
    assert replay(lights(), slow).complete


def test_a_step_that_is_not_enabled_any_more_is_named_with_what_is_possible(trace: Trace):
    divergence = replay(lights(limit=2), trace).divergence
    assert (divergence.at, divergence.action, divergence.reason) == (2, "count", "it is not enabled")
    assert divergence.possible == ()
    assert len(replay(lights(limit=2), trace).states) == 3
    with pytest.raises(ValueError, match="step 2, count: it is not enabled"):
        states(lights(limit=2), trace)


def test_an_action_that_is_gone_is_named(trace: Trace):
    divergence = replay(lights(echo=False), trace).divergence
    assert (divergence.at, divergence.action, divergence.reason) == (0, "copy", "the machine has no such action")
    assert divergence.possible == ("count: up",)


def test_a_step_that_writes_something_else_is_named(trace: Trace):
    divergence = replay(lights(echo_updates="b"), trace).divergence
    assert (divergence.at, divergence.action, divergence.reason) == (0, "copy", "'echo' now writes something else")
    assert divergence.possible == ("count: up", "copy: echo")


def test_an_outcome_that_is_gone_is_named(trace: Trace):
    odd = evolve(trace, steps=(Step("count", Outcome("down", {"n": -1})), *trace.steps))
    assert replay(lights(), odd).divergence.reason == "it has no outcome 'down'"


def test_a_step_that_changes_nothing_is_no_step():
    def idle(_view: View) -> Iterator[Outcome]:
        yield Outcome("idle", {"n": 0})

    machine = Machine(({"n": 0},), (Action("idle", "idle", idle),))
    odd = Trace(State.of({"n": 0}), (Step("idle", Outcome("idle", {"n": 0})),))
    assert replay(machine, odd).divergence.reason == "it changes nothing here"


def test_another_beginning_is_named(trace: Trace):
    odd = evolve(trace, initial=State.of({"n": 1, "a": 1, "b": 0}))
    assert replay(lights(), odd).divergence.reason == "the machine does not begin in this state"
    settled = Machine(({"n": 1, "a": 0, "b": 0},), lights().actions)
    assert replay(settled, evolve(odd, steps=())).complete


def test_a_script_that_does_not_wait_for_quiet_is_named():
    def script(view: View) -> Iterator[Outcome]:
        if view["b"] == 0:
            yield Outcome("go", {"b": 1})

    patient = Action("script", "script", script, Fairness.NONE, when_quiet=True)
    machine = Machine(lights().initial, (*lights().actions, patient))
    early = Trace(State.of(machine.initial[0]), (Step("script", Outcome("go", {"b": 1})),))
    divergence = replay(machine, early).divergence
    assert divergence.reason == "it waits for quiet, and something fair can still happen"
    assert divergence.possible == ("count: up",)
    told = explore(machine, (Invariant("b stays", "", lambda view: ("b",) * view["b"]),))["b stays"].trace
    assert replay(machine, told).complete
    assert told.steps[-1].action == "script"


def test_a_cycle_must_close():
    def turn(view: View) -> Iterator[Outcome]:
        yield Outcome("turn", {"n": (view["n"] + 1) % 3})

    machine = Machine(({"n": 0},), (Action("turn", "turn", turn),))
    found = explore(machine, (Converges("rests", "", lambda view: ("n",) if view["n"] else ()),))["rests"].trace
    assert replay(machine, found).complete
    assert found.cycle_start == 1
    open_ended = evolve(found, steps=found.steps[:-1])
    assert replay(machine, open_ended).divergence.reason == "the cycle does not come back to where it began"


def test_a_state_is_a_mapping_and_a_view():
    state = State.of({"a": 1, "b": 2})
    assert dict(state) == {"a": 1, "b": 2}
    assert (len(state), "a" in state, "c" in state) == (2, True, False)
    assert state.via(str, "b") == "2"
    assert repr(state) == "State(a=1, b=2)"
    assert state == State.of({"b": 2, "a": 1}) == {"a": 1, "b": 2}
    assert state != State.of({"a": 2, "b": 1})
    assert state != State.of({"a": 1, "b": 3})
    assert hash(state) == hash(State.of({"b": 2, "a": 1}))
    with pytest.raises(MachineError, match="no slot is called 'c'"):
        state["c"]


# The public example.


@pytest.fixture(scope="module")
def example() -> ModuleType:
    return load(MACHINES / "two_phase_commit.py")


@pytest.mark.parametrize(("managers", "engine"), [(1, "plain"), (3, "plain"), (3, "rows"), (5, "rows")])
def test_two_phase_commit_has_as_many_states_as_its_docstring_counts(example: ModuleType, managers: int, engine: str):
    claims = (example.consistent(managers), example.can_commit(managers))
    result = explore(example.two_phase_commit(managers), claims, Options(engine))
    assert result.states == 4**managers + 6**managers + 2**managers
    assert result.status is Status.HOLDS


def test_two_phase_commit_that_commits_on_the_first_note_is_inconsistent(
    example: ModuleType, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(example, "decide", lambda _managers: _decide_early)
    verdict = explore(example.two_phase_commit(2), (example.consistent(2),))["consistent"]
    assert verdict.status is Status.VIOLATED
    assert len(verdict.trace.steps) == 5  # One prepares, that is noted, commit; the other aborts, the first obeys.


def _decide_early(view: View) -> Iterator[Outcome]:
    if view["tm"] == "init" and view["prepared0 noted"]:
        yield Outcome("commit", {"tm": "committed", "commit sent": True})


def test_the_answer_is_the_same_whatever_the_hash_seed():
    """Slots, labels and values are strings, whose hashes differ between these two processes."""
    code = """
from kubeproof.model import Action, Converges, Machine, Outcome, explore

def move(view):
    for target in {"x": "yz", "y": "xz", "z": "y"}[view["at"]]:
        yield Outcome("to " + target, {"at": target, "was": view["at"]})

def swap(view):
    yield Outcome("swap", {"was": view["at"]})

machine = Machine(({"at": "x", "was": "z"},), (Action("move", "m", move), Action("swap", "s", swap)))
result = explore(machine, (Converges("x", "", lambda view: () if view["at"] == "x" else ("away",)),))
print(result.verdicts, result.statistics)
"""
    answers = {
        run(
            [sys.executable, "-c", code], env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(answers) == 1
    assert b"livelock" in answers.pop()


def test_the_example_prints_what_it_explored(example: ModuleType, capsys: pytest.CaptureFixture[str]):
    example.main(["5"])
    assert capsys.readouterr().out.splitlines() == [
        "8,832 states, 37,345 transitions, depth 16, complete",
        "HOLDS consistent",
        "HOLDS can commit",
    ]
