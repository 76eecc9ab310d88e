"""Coming to rest: the same schedule, whether or not actions that had nothing to do are asked again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kubeproof.harness.face import Cluster
from kubeproof.harness.world.applied import applied
from kubeproof.harness.world.at_rest.settle import Restless, apply, settle
from kubeproof.harness.world.cluster import Initial, build
from kubeproof.harness.world.parts import Parts
from kubeproof.model.machine import Action, Fairness, Machine, Outcome, State, View
from places import EXAMPLES


def asking_everybody(machine: Machine) -> Iterator[State]:
    """Yield the states of the schedule: always the first action that changes something, urgent ones before others."""
    state: State | None = State.of(machine.initial[0])
    fair = [one for one in machine.actions if one.fairness is not Fairness.NONE and not one.when_quiet]
    while state is not None:
        yield state
        state = next(
            (
                apply(state, outcome)
                for action in sorted(fair, key=lambda one: not one.urgent)
                for outcome in action.step(state)
                if apply(state, outcome) != state
            ),
            None,
        )


@pytest.mark.parametrize("name", ["web", "spread-cordoned", "two-schedulers"])
def test_what_slept_does_not_change_the_schedule(name: str) -> None:
    scenario = Cluster.from_manifests(EXAMPLES / name).load().scenario
    machine = build(scenario, Parts.everything(), Initial(applied(scenario))).machine
    *_, last = asking_everybody(machine)
    assert settle(machine) == last


def counts_to(top: int) -> Machine:
    def up(view: View) -> Iterator[Outcome]:
        if view["n"] < top and view["go"]:
            yield Outcome("up", {"n": view["n"] + 1})

    def go(view: View) -> Iterator[Outcome]:
        if not view["go"]:
            yield Outcome("go", {"go": True})

    return Machine(({"n": 0, "go": False},), (Action("up", "up", up), Action("go", "go", go)))


def test_an_action_that_had_nothing_to_do_is_asked_again_when_what_it_read_has_changed() -> None:
    assert settle(counts_to(5))["n"] == 5


def test_a_machine_that_goes_on_and_on_is_told() -> None:
    with pytest.raises(Restless, match="not at rest after 4 steps"):
        settle(counts_to(5), steps=4)
