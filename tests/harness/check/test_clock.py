"""A breach has seconds, or there is none: what no clock allows is looked at again, and what then holds says why."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest
from attrs import evolve
from immutabledict import immutabledict

from kubeproof.harness import face
from kubeproof.harness.check import clock
from kubeproof.harness.check.check import check
from kubeproof.harness.check.results import Claim, Report
from kubeproof.model.checker import Status
from kubeproof.model.checker.results import Step, Trace
from kubeproof.model.checker.semantics import moves
from kubeproof.model.machine import Action, Fairness, Machine, Outcome, State, View
from kubeproof.traces.document import from_text, to_text
from kubeproof.traces.replay import Replayed
from machines.jobs import jobs
from places import TESTS, load

WORLDS = load(TESTS / "mutants" / "worlds.py")
LONGER = "a preemption after a toleration longer than an end"
SHORTER = "a preemption after a toleration shorter than an end"
ALONE = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: app, image: "web:1"}]}
"""
DIES = {"nodes": 1, "start": "settled", "consistency": "linearizable", "faults": {"nodeCrash": 1}}


def of(report: Report, name: str) -> Claim:
    return next(one for one in report.claims if one.name == name)


# --- what can happen --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def died() -> face.Result:
    return face.check(face.Cluster("web", immutabledict({"web.yaml": ALONE})), **DIES)


def test_the_steps_of_a_breach_have_seconds_in_the_report_and_say_what_they_waited_for(died: face.Result) -> None:
    assert of(died.outcome, "convergence").status is Status.VIOLATED
    assert " 0 s  node node-1 dies" in died.report
    assert "40 s  node-controller node-1: hears nothing" in died.report
    assert "after the node controller's patience with node-1, of which nothing is heard, takes 40 s" in died.report


def test_the_document_of_a_trace_keeps_the_seconds_and_replays(died: face.Result) -> None:
    document = died.documents["convergence"]
    assert [one.seconds for one in document.steps][:2] == [0, 40]
    assert from_text(to_text(document)) == document
    assert isinstance(face.replay_check(document), Replayed)


def test_a_trace_from_before_there_were_seconds_still_replays(died: face.Result) -> None:
    document = died.documents["convergence"]
    old = evolve(document, steps=tuple(evolve(one, seconds=None, waited=()) for one in document.steps))
    assert '"seconds"' not in to_text(old)
    assert isinstance(face.replay_check(from_text(to_text(old))), Replayed)


def test_without_the_clock_there_are_no_seconds() -> None:
    cluster = face.Cluster("web", immutabledict({"web.yaml": ALONE}))
    report = face.check(cluster, clock=False, **DIES)
    assert of(report.outcome, "convergence").times is None
    assert " s  node-controller" not in report.report


# --- what cannot ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def longer() -> Report:
    return check(WORLDS.scenario(LONGER))


def test_a_breach_for_which_an_end_would_have_to_outlast_a_toleration_is_none(longer: Report) -> None:
    budget = of(longer, "budget")
    assert budget.status is Status.HOLDS
    (why,) = budget.lines
    assert "the toleration of Pod default/store-" in why
    assert "takes 300 s at least" in why
    assert "the end of Pod default/batch (grace period of 30 s), from step 2 on, takes 150 s at most" in why


def test_where_the_toleration_is_shorter_it_is_one_and_says_when() -> None:
    budget = of(check(WORLDS.scenario(SHORTER)), "budget")
    assert budget.status is Status.VIOLATED
    assert budget.times is not None
    assert budget.times.seconds == (0, 0, 0, 60, 60, 60, 60)


def test_without_the_clock_any_order_is_possible() -> None:
    assert of(check(evolve(WORLDS.scenario(LONGER), clock=False)), "budget").status is Status.VIOLATED


def test_what_is_not_looked_at_again_is_not_known_and_says_which_waits_contradict_each_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clock, "ROUNDS", 0)
    budget = of(check(WORLDS.scenario(LONGER)), "budget")
    assert budget.status is Status.UNKNOWN
    assert budget.trace is None
    assert budget.lines[0].startswith("a run was found that breaks it, but no clock allows it")
    assert "takes 300 s at least" in budget.lines[0]


def test_a_limit_of_the_second_look_leaves_the_claim_open(longer: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "LEAST", 5)
    monkeypatch.setattr(clock, "TIMES", 0)
    cut = of(check(WORLDS.scenario(LONGER)), "budget")
    assert cut.status is Status.UNKNOWN
    assert cut.lines[0].endswith("with clocks, the limit of 5 states was hit")
    assert of(longer, "budget").status is Status.HOLDS


def test_a_breach_in_an_order_that_happens_to_be_impossible_is_found_in_another_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A Pod is thrown out every 300 s for ever: not while another one has still to end."""
    scenario = WORLDS.scenario("a Pod thrown out again and again")
    convergence = of(check(scenario), "convergence")
    monkeypatch.setattr(clock, "ROUNDS", 0)
    assert of(check(scenario), "convergence").status is Status.UNKNOWN
    assert (convergence.status, convergence.kind) == (Status.VIOLATED, "livelock")
    assert convergence.times is not None
    assert convergence.times.seconds[-1] >= 600


# --- a run of a machine with clocks, without --------------------------------------------------------------------------


def worker(fairness: Fairness) -> Machine:
    """Return a machine in which somebody goes to and fro, and somebody else could end it."""

    def goes(here: str, there: str, view: View) -> Iterator[Outcome]:
        if view["at"] == here:
            yield Outcome(f"to {there}", {"at": there})

    acts = (
        Action("to", "walker", partial(goes, "a", "b"), Fairness.NONE),
        Action("fro", "walker", partial(goes, "b", "a"), Fairness.NONE),
        Action("end", "other", partial(goes, "a", "end"), fairness),
    )
    return Machine(({"at": "a"},), acts)


def took(machine: Machine, *names: str, cycle_start: int | None = None) -> Trace:
    start = at = State.of(machine.initial[0])
    steps: list[Step] = []
    for name in names:
        move = next(one for one in moves(machine, at, urgent=True) if one.step.action == name)
        at, steps = move.after, [*steps, move.step]
    return Trace(start, tuple(steps), cycle_start)


@pytest.mark.parametrize(("fairness", "fair"), [(Fairness.WEAK, True), (Fairness.STRONG, False), (Fairness.NONE, True)])
def test_a_part_that_repeats_has_to_be_fair(fairness: Fairness, fair: bool) -> None:  # noqa: FBT001
    machine = worker(fairness)
    assert clock.is_run(machine, "livelock", took(machine, "to", "fro", cycle_start=0)) is fair


def test_nobody_is_stuck_who_only_waits_for_the_clock() -> None:
    machine = worker(Fairness.WEAK)
    assert not clock.is_run(machine, "stuck", took(machine, "to", "fro"))
    assert clock.is_run(machine, "stuck", took(machine, "to"))
    assert clock.is_run(machine, "step", took(machine, "to", "fro"))


def test_a_step_that_did_not_wait_for_quiet_is_none_of_a_run() -> None:
    machine = jobs((0, None))
    run = took(machine, "begin 0")
    late = evolve(machine, actions=tuple(evolve(one, when_quiet=one.name == "begin 0") for one in machine.actions))
    assert clock.is_run(machine, "step", run)
    busy = evolve(
        late, actions=(*late.actions, *worker(Fairness.WEAK).actions), initial=({**late.initial[0], "at": "a"},)
    )
    assert not clock.is_run(busy, "step", Trace(State.of(busy.initial[0]), run.steps))
