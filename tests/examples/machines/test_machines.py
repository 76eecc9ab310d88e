"""The example machines keep their sizes: pinned, with the arithmetic or the tools that say so beside them."""

from __future__ import annotations

import re

import pytest

from kubeproof.model.checker import Options, Status, explore
from kubeproof.model.machine import Action, Machine, Outcome
from places import MACHINES, load

dining, paxos, work_queue = (load(MACHINES / f"{name}.py") for name in ("dining", "paxos", "work_queue"))
ENGINES = pytest.mark.parametrize("engine", ["rows", "columns"])


def steps_of_dining(philosophers: int) -> int:
    """Count the steps between the 3^n tables: a fork that lies can be taken when it is its taker's turn.

    A philosopher's two forks (first, second) allow one step of it: (lies, any) take, (mine, lies) take, (mine, mine)
    put down, (other's, mine) put down; and none for (mine, other's), (other's, lies) and (other's, other's). So 6 of
    the 9 pairs, and that for every philosopher, while the other forks are as they are.
    """
    return philosophers * 6 * 3 ** (philosophers - 2)


@ENGINES
@pytest.mark.parametrize("philosophers", [3, 4, 7])
def test_every_fork_lies_there_or_is_in_one_of_two_hands(philosophers: int, engine: str):
    result = explore(dining.dining(philosophers), dining.exclusive(philosophers), Options(engine))
    assert result.status is Status.HOLDS
    assert (result.states, result.transitions) == (3**philosophers, steps_of_dining(philosophers))


def test_the_arithmetic_gives_what_other_tools_count():
    assert (3**13, steps_of_dining(13)) == (1_594_323, 13_817_466)


def test_two_neighbours_who_eat_are_told():
    table = dining.dining(3)
    everything = {slot: "eats" if slot.startswith("at") else True for slot in table.initial[0]}
    verdict = explore(Machine((everything,), table.actions), dining.exclusive(3))["0 or 1"]
    assert verdict.evidence == ("0 and 1 eat with the same fork",)


@ENGINES
def test_paxos_of_two_ballots_agrees_and_decides(engine: str):
    result = explore(paxos.paxos(2), (paxos.agreement(2), paxos.decides(2)), Options(engine))
    assert (result.status, result.states, result.transitions) == (Status.HOLDS, 3_921, 9_442)


def test_paxos_of_three_ballots_has_the_size_that_other_tools_count():
    """SPIN, TLC and LTSmin count 185,369 states."""
    result = explore(paxos.paxos(3), (paxos.agreement(3),), Options("columns"))
    assert (result.status, result.states) == (Status.HOLDS, 185_369)


@ENGINES
def test_paxos_that_forgets_its_votes_disagrees(engine: str):
    """A leader that takes every majority for one that has not voted proposes what it likes."""
    machine = paxos.paxos(2)

    def careless(action: Action) -> Action:
        def step(view):
            for outcome in action.step(view):
                updates = {k: paxos.NO_VOTE if k.startswith("promise ") else v for k, v in outcome.updates.items()}
                yield Outcome(outcome.label, updates)

        return Action(action.name, action.group, step, action.fairness)

    forgetful = Machine(machine.initial, tuple(careless(action) for action in machine.actions))
    verdict = explore(forgetful, (paxos.agreement(2),), Options(engine))["agreement"]
    assert verdict.evidence == ("chosen: left and right",)
    assert len(verdict.trace.steps) == 12  # Two ballots of ask, two promises, propose, two votes.


@ENGINES
def test_the_work_queue_converges(engine: str):
    claims = (*work_queue.in_order(3), work_queue.converged(3))
    result = explore(work_queue.work_queue(3, 2, 2), claims, Options(engine))
    assert (result.status, result.states, result.transitions) == (Status.HOLDS, 34_164, 142_880)


def test_the_work_queue_of_four_objects_has_the_size_that_other_tools_count():
    """SPIN, TLC and LTSmin count 655,184 states and 3,368,944 transitions."""
    result = explore(work_queue.work_queue(4, 2, 2), work_queue.in_order(4), Options("columns"))
    assert (result.status, result.states, result.transitions) == (Status.HOLDS, 655_184, 3_368_944)


@pytest.mark.parametrize(
    ("machine", "arguments", "states"), [(dining, ["3"], 27), (paxos, [], 3_921), (work_queue, ["1", "1", "0"], 5)]
)
def test_an_example_prints_its_size(machine, arguments: list[str], states: int, capsys: pytest.CaptureFixture[str]):
    machine.main(arguments)
    printed = capsys.readouterr().out
    assert printed.startswith(f"{states:,} states")
    assert re.findall(r"^(VIOLATED|UNKNOWN)", printed, re.MULTILINE) == []
