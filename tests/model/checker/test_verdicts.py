"""Each kind of property can hold, be violated, stay unknown and be vacuous; nothing that went wrong becomes HOLDS."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from time import sleep
from typing import Any

import pytest
from attrs import evolve

from kubeproof.model.checker import (
    Exploration,
    ImpureStepError,
    Limits,
    Options,
    Progress,
    Status,
    StepError,
    UrgentError,
    explore,
)
from kubeproof.model.machine import (
    Action,
    Converges,
    Invariant,
    Machine,
    MachineError,
    Outcome,
    Property,
    Sometimes,
    StepProperty,
    View,
)
from kubeproof.traces.replay import then_of

ENGINES = pytest.mark.parametrize("engine", ["plain", "rows", "columns"])


def counter(limit: int, slot: str = "n") -> Action:
    def step(view: View) -> Iterator[Outcome]:
        if view[slot] < limit:
            yield Outcome("up", {slot: view[slot] + 1})

    return Action(f"count {slot}", slot, step)


def counting(limit: int) -> Machine:
    return Machine(({"n": 0},), (counter(limit),))


def never(value: int, *, premise: int | None = None) -> Invariant:
    def check(view: View) -> Iterator[str]:
        if view["n"] == value:
            yield f"n is {value}"

    return Invariant("never", "", check, None if premise is None else lambda view: view["n"] == premise)


# Invariants.


@ENGINES
def test_an_invariant_holds_or_the_shortest_trace_breaks_it(engine: str):
    assert explore(counting(5), (never(6),), Options(engine))["never"].status is Status.HOLDS
    verdict = explore(counting(5), (never(3),), Options(engine))["never"]
    assert (verdict.status, verdict.kind, verdict.evidence) == (Status.VIOLATED, "invariant", ("n is 3",))
    assert [step.label for step in verdict.trace.steps] == ["up"] * 3


@ENGINES
def test_the_initial_state_is_checked_too(engine: str):
    assert explore(counting(5), (never(0),), Options(engine))["never"].trace.steps == ()


@ENGINES
def test_an_invariant_whose_premise_never_occurs_is_vacuous(engine: str):
    assert explore(counting(5), (never(7, premise=6),), Options(engine))["never"].vacuous
    assert not explore(counting(5), (never(7, premise=5),), Options(engine))["never"].vacuous


@ENGINES
def test_an_initial_state_named_twice_is_one(engine: str):
    assert explore(Machine(({"n": 0}, {"n": 3}, {"n": 0}), (counter(5),)), options=Options(engine)).states == 6


# Steps.


def _not_down(before: View, after: View, label: str) -> Iterator[str]:
    if after["n"] < before["n"]:
        yield f"{label}: {before['n']} to {after['n']}"


def resetting(limit: int) -> Machine:
    def reset(view: View) -> Iterator[Outcome]:
        if view["n"] == limit:
            yield Outcome("reset", {"n": 0})

    return Machine(({"n": 0},), (counter(limit), Action("reset", "reset", reset)))


@ENGINES
def test_a_step_back_to_a_known_state_is_checked(engine: str):
    verdict = explore(resetting(3), (StepProperty("up", "", _not_down),), Options(engine))["up"]
    assert (verdict.status, verdict.kind, verdict.evidence) == (Status.VIOLATED, "step", ("reset: 3 to 0",))
    assert [step.action for step in verdict.trace.steps] == ["count n"] * 3 + ["reset"]


@ENGINES
def test_a_breach_that_does_not_hang_on_the_label_is_told_with_it(engine: str):
    claim = StepProperty("up", "", _not_down, by_label=False)
    assert explore(resetting(3), (claim,), Options(engine))["up"].evidence == ("reset: 3 to 0",)


@pytest.mark.parametrize("engine", ["rows", "columns"])
def test_steps_between_the_same_states_are_judged_once_where_the_label_makes_no_difference(engine: str):
    def walk(view: View) -> Iterator[Outcome]:
        if view["n"] < 5:
            yield Outcome(f"to {view['n'] + 1} of {view['m']}", {"n": view["n"] + 1})

    other = Action("other", "other", lambda view: [Outcome("on", {"m": view["m"] + 1})] if view["m"] < 5 else [])
    machine = Machine(({"n": 0, "m": 0},), (Action("walk", "walk", walk), other))
    asked: list[tuple[int, int]] = []

    def check(before: View, after: View, _label: str) -> Iterator[str]:
        asked.append((before["n"], after["n"]))
        return iter(())

    explore(machine, (StepProperty("any", "", check, by_label=False),), Options(engine))
    assert sorted(asked) == [(n, n + step) for n in range(6) for step in (0, 1) if n + step < 6]


@ENGINES
def test_a_step_property_watches_only_its_actions(engine: str):
    claim = StepProperty("up", "", _not_down, lambda name: name != "reset")
    verdict = explore(resetting(3), (claim,), Options(engine))["up"]
    assert (verdict.status, verdict.vacuous) == (Status.HOLDS, False)


@ENGINES
def test_a_step_property_that_watches_nobody_is_vacuous(engine: str):
    claim = StepProperty("up", "", _not_down, lambda name: name == "nobody")
    assert explore(resetting(3), (claim,), Options(engine))["up"].vacuous


@ENGINES
def test_a_step_property_with_a_premise_that_never_occurs_is_vacuous(engine: str):
    claims = [StepProperty(f"{n}", "", _not_down, _is_count, lambda view, n=n: view["n"] == n) for n in (2, 9)]
    result = explore(resetting(3), claims, Options(engine))
    assert [verdict.vacuous for verdict in result.verdicts] == [False, True]


def _is_count(name: str) -> bool:
    return name == "count n"


# Sometimes.


@ENGINES
def test_what_is_reached_has_a_witness(engine: str):
    verdict = explore(counting(5), (Sometimes("two", "", lambda view: view["n"] == 2),), Options(engine))["two"]
    assert (verdict.status, len(verdict.trace.steps)) == (Status.HOLDS, 2)


@ENGINES
def test_what_is_never_reached_is_violated_only_after_a_complete_search(engine: str):
    claim = Sometimes("nine", "", lambda view: view["n"] == 9)
    verdict = explore(counting(5), (claim,), Options(engine))["nine"]
    assert (verdict.status, verdict.kind, verdict.trace) == (Status.VIOLATED, "never reached", None)
    cut = explore(counting(5), (claim,), Options(engine), limits=Limits(max_states=3))["nine"]
    assert (cut.status, cut.reason) == (Status.UNKNOWN, "the limit of 3 states was hit")


# Limits.


def _all_kinds(limit: int) -> tuple[Property, ...]:
    return (
        never(limit + 1),
        StepProperty("up", "", _not_down),
        Sometimes("end", "", lambda view: view["n"] == limit),
        Converges("ends", "", lambda view: () if view["n"] == limit else ("not yet",)),
    )


def _statuses(result: Exploration) -> set[Status]:
    return {verdict.status for verdict in result.verdicts}


@ENGINES
@pytest.mark.parametrize(
    ("limits", "why"),
    [
        (Limits(max_states=5), "the limit of 5 states was hit"),
        (Limits(timeout=0), "the time limit of 0 s was hit"),
        (Limits(max_memory=1), "the memory limit of 1 bytes was hit"),
    ],
)
def test_a_limit_makes_everything_unknown(engine: str, limits: Limits, why: str):
    result = explore(counting(9), _all_kinds(9), Options(engine), limits=limits)
    assert _statuses(result) == {Status.UNKNOWN}
    assert (result.complete, result.why_incomplete, result.status) == (False, why, Status.UNKNOWN)
    assert {verdict.reason for verdict in result.verdicts} == {why}


@ENGINES
def test_a_limit_that_is_just_enough_is_no_limit(engine: str):
    result = explore(counting(9), _all_kinds(9), Options(engine), limits=Limits(10, 1 << 40, 3600))
    assert (result.complete, result.states, _statuses(result)) == (True, 10, {Status.HOLDS})


@ENGINES
def test_the_time_limit_ends_a_search_in_the_midst_of_a_state_with_many_steps(engine: str):
    def step(number: int, view: View) -> Iterator[Outcome]:
        if not view["n"]:
            asked.append(number)
            sleep(0.01)
            yield Outcome("goes", {"n": number})

    asked: list[int] = []
    actions = tuple(Action(f"to {number}", "all", partial(step, number)) for number in range(1, 300))
    result = explore(Machine(({"n": 0},), actions), _all_kinds(9), Options(engine), limits=Limits(timeout=0.1))
    assert len(asked) < 100
    assert (result.states, result.complete, _statuses(result)) == (1, False, {Status.UNKNOWN})
    assert result.why_incomplete == "the time limit of 0.1 s was hit"


@ENGINES
def test_no_time_at_all_is_not_even_enough_for_the_first_state(engine: str):
    urgent = Action("up", "up", lambda _view: [Outcome("up", {"n": 1})], urgent=True)
    result = explore(Machine(({"n": 0},), (urgent,)), _all_kinds(9), Options(engine), limits=Limits(timeout=0))
    assert (result.states, _statuses(result)) == (0, {Status.UNKNOWN})


@ENGINES
def test_what_was_violated_before_the_limit_stays_violated(engine: str):
    result = explore(counting(9), (never(2), never_seen := Sometimes("x", "", _no)), Options(engine), limits=Limits(5))
    assert [verdict.status for verdict in result.verdicts] == [Status.VIOLATED, Status.UNKNOWN]
    assert result[never_seen.name].reason == "the limit of 5 states was hit"
    assert result.status is Status.VIOLATED


def _no(_view: View) -> bool:
    return False


@ENGINES
def test_stopping_at_the_first_breach_leaves_the_rest_unknown(engine: str):
    claims = (never(2), StepProperty("up", "", _not_down))
    result = explore(counting(9), claims, Options(engine, stop_at_first=True))
    assert [verdict.status for verdict in result.verdicts] == [Status.VIOLATED, Status.UNKNOWN]
    assert (result.states, result.why_incomplete) == (3, "stopped at the first violation")


@ENGINES
@pytest.mark.parametrize("moment", ["step", "collect", "invariant"])
def test_an_interrupt_is_no_pass(engine: str, moment: str):
    def interrupt(view: View, at: str) -> None:
        if at == moment and view["n"] == 4:
            raise KeyboardInterrupt

    def step(view: View) -> Iterator[Outcome]:
        interrupt(view, "step")
        yield Outcome("up", {"n": view["n"] + 1})

    def check(view: View) -> Iterator[str]:
        interrupt(view, "invariant")
        yield from ()

    claims = (*_all_kinds(9)[1:], Invariant("fine", "", check))
    machine = Machine(({"n": 0},), (Action("count", "count", step),))
    result = explore(machine, claims, Options(engine), collect=partial(interrupt, at="collect"))
    assert _statuses(result) == {Status.UNKNOWN}
    assert (result.why_incomplete, result.states) == ("interrupted (Ctrl-C)", 5)


@ENGINES
def test_exhausted_memory_is_no_pass(engine: str):
    def step(_view: View) -> Iterator[Outcome]:
        raise MemoryError
        yield

    with pytest.raises(StepError, match="count raised MemoryError"):
        explore(Machine(({"n": 0},), (Action("count", "count", step),)), options=Options(engine))

    def collect(_state: object) -> None:
        raise MemoryError

    result = explore(counting(9), _all_kinds(9), Options(engine), collect=collect)
    assert (result.why_incomplete, _statuses(result)) == ("memory was exhausted", {Status.UNKNOWN})


# Machines that are wrong.


@pytest.mark.parametrize(("engine", "memo"), [("plain", True), ("rows", True), ("rows", False), ("columns", True)])
def test_a_step_that_raises_names_the_action_what_it_saw_and_the_way(engine: str, memo: bool):  # noqa: FBT001
    def step(view: View) -> Iterator[Outcome]:
        yield Outcome("divide", {"m": 6 // (3 - view["n"])})

    machine = Machine(({"m": 0, "n": 0},), (counter(5), Action("divide", "divide", step)))
    with pytest.raises(StepError, match=r"divide raised ZeroDivisionError.*n=3") as caught:
        explore(machine, options=Options(engine, memo=memo))
    assert (caught.value.function, caught.value.seen) == ("divide", {"n": 3})
    assert [step.action for step in caught.value.trace.steps] == ["count n"] * 3


@ENGINES
@pytest.mark.parametrize("role", ["check", "premise", "step", "goal"])
def test_a_property_that_raises_is_named(engine: str, role: str):
    def bad(*_views: object) -> Iterator[str]:
        raise ValueError("no")

    def fine(*_views: object) -> tuple[str, ...]:
        return ()

    claim = {
        "check": Invariant("claim", "", bad),
        "premise": Invariant("claim", "", fine, bad),
        "step": StepProperty("claim", "", bad),
        "goal": Converges("claim", "", bad),
    }[role]
    with pytest.raises(StepError, match=r"claim.* raised ValueError: no"):
        explore(counting(3), (claim,), Options(engine))


def _updating(*updates: dict[str, object], urgent: bool = False) -> Machine:
    def step(_view: View) -> Iterator[Outcome]:
        for number, update in enumerate(updates):
            yield Outcome(f"{number}", update)

    return Machine(({"n": 0},), (counter(2), Action("odd", "odd", step, urgent=urgent)))


@ENGINES
def test_a_slot_that_is_none_can_be_neither_written_nor_read(engine: str):
    with pytest.raises(MachineError, match="odd writes 'm', which is no slot"):
        explore(_updating({"m": 1}), options=Options(engine))
    with pytest.raises(MachineError, match="no slot is called 'm'"):
        explore(Machine(({"n": 0},), (counter(2, "m"),)), options=Options(engine))


@pytest.mark.parametrize(
    ("machine", "message"),
    [
        (Machine((), ()), "needs an initial state"),
        (Machine(({"n": 0}, {"m": 0}), ()), "differ in their slots: m, n"),
        (Machine(({"n": 0},), (counter(1), counter(2))), "two actions are called 'count n'"),
        (
            Machine(({"n": 0},), (Action("a", "a", lambda _view: (), urgent=True, when_quiet=True),)),
            "'a' cannot be urgent and wait for quiet",
        ),
    ],
)
@ENGINES
def test_a_malformed_machine_is_refused(machine: Machine, message: str, engine: str):
    with pytest.raises(MachineError, match=message):
        explore(machine, options=Options(engine))


def test_two_properties_of_one_name_are_refused():
    with pytest.raises(MachineError, match="two properties are called 'never'"):
        explore(counting(1), (never(1), never(2)))


@pytest.mark.parametrize(
    "arguments", [{"engine": "fast"}, {"visited": "some"}, {"engine": "plain", "visited": "fingerprint"}]
)
def test_an_engine_that_is_none_is_refused(arguments: dict[str, Any]):
    with pytest.raises(ValueError, match="engine"):
        Options(**arguments)


@ENGINES
def test_urgent_steps_that_do_not_settle_are_refused(engine: str):
    def flip(view: View) -> Iterator[Outcome]:
        yield Outcome("flip", {"light": not view["light"]})

    def switch(view: View) -> Iterator[Outcome]:
        yield Outcome("switch", {"n": 1 - view["n"]})

    machine = Machine(
        ({"n": 0, "light": False},), (Action("switch", "s", switch), Action("flip", "f", flip, urgent=True))
    )
    with pytest.raises(UrgentError, match="urgent steps do not settle; the last was flip"):
        explore(machine, options=Options(engine))


@ENGINES
def test_an_urgent_step_that_writes_what_is_there_already_has_settled(engine: str):
    def echo(view: View) -> Iterator[Outcome]:
        yield Outcome("echo", {"echo": view["n"]})

    machine = Machine(({"n": 0, "echo": 0},), (counter(4), Action("echo", "echo", echo, urgent=True)))
    verdict = explore(machine, (never(4),), Options(engine))["never"]
    assert verdict.trace.lines() == ("count n: up", "    echo: echo") * 4


@ENGINES
def test_an_urgent_step_that_writes_without_reading_runs_whenever_it_makes_a_difference(engine: str):
    def keep(_view: View) -> Iterator[Outcome]:
        yield Outcome("keep", {"kept": 2})

    def disturb(view: View) -> Iterator[Outcome]:
        if view["n"] < 3:
            yield Outcome("disturb", {"n": view["n"] + 1, "kept": 0})

    machine = Machine(
        ({"n": 0, "kept": 2},), (Action("disturb", "disturb", disturb), Action("keep", "keep", keep, urgent=True))
    )
    verdict = explore(machine, (never(3),), Options(engine))["never"]
    assert verdict.trace.lines() == ("disturb: disturb", "    keep: keep") * 3


@ENGINES
def test_an_urgent_step_with_a_choice_is_refused(engine: str):
    with pytest.raises(UrgentError, match="urgent odd has 2 outcomes"):
        explore(_updating({"n": 1}, {"n": 2}, urgent=True), options=Options(engine))


def test_a_function_that_reads_in_two_orders_is_found_out():
    turn = iter(range(100))

    def step(view: View) -> Iterator[Outcome]:
        first, second = ("a", "b") if next(turn) % 2 else ("b", "a")
        if view[first] + view[second] < 3:
            yield Outcome("up", {first: view[first] + 1})

    with pytest.raises(ImpureStepError, match=r"fickle read [ab] where it had read something else before"):
        explore(Machine(({"a": 0, "b": 0},), (Action("fickle", "f", step),)))


def test_a_function_that_gives_two_answers_is_found_out(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("kubeproof.model.checker.trees.functions.RECHECK", 10)
    turn = iter(range(10**6))

    def step(view: View) -> Iterator[Outcome]:
        if view["n"] < 40:
            yield Outcome("up" if next(turn) < 40 else "on and up", {"n": view["n"] + 1})

    machine = Machine(({"n": 0, "m": 0},), (counter(80, "m"), Action("fickle", "f", step)))
    with pytest.raises(ImpureStepError, match="fickle gave"):
        explore(machine)


def test_one_look_in_a_thousand_is_repeated():
    statistics = explore(Machine(({"n": 0, "m": 0},), (counter(99), counter(99, "m")))).statistics
    assert [action.situations for action in statistics.actions] == [100, 100]
    # Of 10,000 states each but the first looks at one of the two again; the first looks at both.
    assert statistics.calls == 200 + 10


@ENGINES
@pytest.mark.parametrize("urgent", [True, False])
def test_a_slot_that_is_first_read_late_wakes_its_reader(engine: str, urgent: bool):  # noqa: FBT001
    def b(view: View) -> Iterator[Outcome]:
        if view["b"] == 0 or (view["b"] == 1 and view["a"] == 1):
            yield Outcome("b", {"b": view["b"] + 1})

    def reader(view: View) -> Iterator[Outcome]:
        if view["a"] == 1 and view["b"] == 2:
            yield Outcome("woken", {"woken": True})

    actions = (Action("b", "b", b), counter(1, "a"), Action("reader", "reader", reader, urgent=urgent))
    claim = Sometimes("woken", "", lambda view: view["woken"])
    result = explore(Machine(({"a": 0, "b": 0, "woken": False},), actions), (claim,), Options(engine))
    assert result["woken"].status is Status.HOLDS


# Reads through a transform.


def _parity(value: int) -> int:
    return value % 2


@pytest.mark.parametrize("fresh", [True, False])
def test_a_transformed_read_is_one_situation_per_transformed_value(fresh: bool):  # noqa: FBT001
    def step(view: View) -> Iterator[Outcome]:
        parity = view.via(lambda value: value % 2, "n") if fresh else view.via(_parity, "n")
        yield Outcome("note", {"parity": parity})

    machine = Machine(({"n": 0, "parity": 0},), (counter(50), Action("note", "note", step)))
    result = explore(machine)
    assert result.states == 101
    assert result.statistics.actions[1].situations == 2
    assert result.statistics.actions[1].calls == 2
    assert result.statistics.actions[0].situations == 51


def test_transforms_that_close_over_different_things_are_different():
    def step(view: View) -> Iterator[Outcome]:
        for bound in (10, 20):
            above = view.via(lambda value, bound=bound: value > bound, "n")
            yield Outcome(f"above {bound}", {f"above {bound}": above})
            yield Outcome(f"below {bound}", {f"below {bound}": view.via(_below(bound), "n")})
        yield Outcome("odd", {"odd": bool(view.via(partial(pow, exp=1, mod=2), "n"))})

    notes = {"above 10": False, "above 20": False, "below 10": True, "below 20": True, "odd": False}
    machine = Machine(({"n": 0} | notes,), (counter(30), Action("note", "note", step)))
    assert explore(machine).states == explore(machine, options=Options("plain")).states
    # Below 10, 10 itself, up to 19, 20 itself, above: five, each odd or even but for 10 and 20.
    assert explore(machine).statistics.actions[1].situations == 8


def _below(bound: int):
    return lambda value: value < bound


# Numbers.


def test_fingerprints_say_how_surely_they_saw_everything():
    result = explore(counting(99), _all_kinds(99), Options(visited="fingerprint"))
    assert result.missed_state_bound == 100**2 / 2**65
    assert "fingerprints: a state was missed with probability at most 2.7e-16" in result.summary()
    assert explore(counting(99)).missed_state_bound == 0


@ENGINES
def test_statistics_count_what_happened(engine: str):
    machine = Machine(({"n": 0, "m": 0},), (counter(2), counter(1, "m"), Action("no", "no", _nothing)))
    result = explore(machine, options=Options(engine))
    count_n, count_m, no = result.statistics.actions
    assert (count_n.enabled, count_n.taken, count_n.new) == (4, 4, 2)
    assert (count_m.enabled, count_m.taken, count_m.new) == (3, 3, 3)
    assert (no.enabled, no.taken, no.new) == (0, 0, 0)
    assert result.statistics.never_enabled == ("no",)
    assert result.statistics.widest == (("n", 3), ("m", 2))
    assert (result.states, result.transitions, result.depth) == (6, 7, 3)


def _nothing(_view: View) -> tuple[Outcome, ...]:
    return ()


def test_the_code_of_an_action_runs_once_per_local_situation():
    machine = Machine(({"n": 0, "m": 0},), (counter(9), counter(9, "m")))
    result = explore(machine)
    assert result.states == 100
    assert [action.situations for action in result.statistics.actions] == [10, 10]
    assert result.statistics.calls == 20
    assert result.statistics.calls_per_transition == 20 / 180


@ENGINES
def test_progress_is_told_on_the_way_and_at_the_end(engine: str):
    told: list[Progress] = []
    explore(counting(2100), options=Options(engine), progress=told.append)
    assert [(p.states, p.expanded, p.depth, p.frontier) for p in told] == [
        (1025, 1024, 1024, 1),
        (2049, 2048, 2048, 1),
        (2101, 2101, 2100, 0),
    ]


def test_two_searches_say_the_same():
    results = [explore(resetting(4), _all_kinds(4)) for _ in range(2)]
    assert results[0].verdicts == results[1].verdicts
    assert results[0].statistics == results[1].statistics


def test_the_summary_names_what_was_not_searched_and_what_says_nothing():
    result = explore(counting(9), (never(2), never_seen()), limits=Limits(max_states=4))
    assert result.summary() == (
        "4 states, 3 transitions, depth 3, INCOMPLETE: the limit of 4 states was hit",
        "VIOLATED never",
        "    n is 2",
        "UNKNOWN unseen (vacuous: its premise was never true): the limit of 4 states was hit",
    )


def never_seen() -> Invariant:
    return Invariant("unseen", "", lambda _view: (), _no)


def test_an_unknown_property_name_is_answered_with_the_known_ones():
    with pytest.raises(KeyError, match="no property 'x' among never"):
        explore(counting(1), (never(5),))["x"]


def test_an_urgent_step_without_a_label_is_taken_and_not_told_of():
    def told(view: View) -> Iterator[Outcome]:
        if view["n"] > view["seen"]:
            yield Outcome("", {"seen": view["n"]})

    machine = Machine(({"n": 0, "seen": 0},), (counter(2), Action("shown", "shown", told, urgent=True)))
    trace = explore(machine, (never(2),))["never"].trace
    assert [step.urgent[0].outcome.updates["seen"] for step in trace.steps] == [1, 2]
    assert trace.lines() == tuple(f"{step.action}: {step.label}" for step in trace.steps)
    assert then_of(trace.steps[0], {}, {}) == ()


@pytest.mark.parametrize("engine", ["rows", "columns"])
def test_a_transform_that_changes_its_mind_is_found_out(engine: str):
    class Moody:
        asked = 0

        def __call__(self, _value: int) -> int:
            self.asked += 1
            return int(self.asked > 1)

    moody = Moody()

    def step(slot: str, view: View) -> Iterator[Outcome]:
        view.via(moody, "mood")
        if view[slot] < 50:
            yield Outcome("up", {slot: view[slot] + 1})

    actions = tuple(Action(slot, slot, partial(step, slot)) for slot in ("a", "b", "mood count"))
    machine = Machine(({"mood": 0, "a": 0, "b": 0, "mood count": 0},), actions)
    with pytest.raises(MachineError, match="Moody"):
        explore(evolve(machine, actions=_many(actions)), options=Options(engine), limits=Limits(max_states=3000))


def _many(actions: tuple[Action, ...]) -> tuple[Action, ...]:
    """Return many actions that all read through the same transform."""
    return tuple(evolve(one, name=f"{one.name} {n}") for n in range(400) for one in actions)
