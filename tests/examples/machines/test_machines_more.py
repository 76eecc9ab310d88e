"""Token ring, Peterson, election, sliding window: sizes that arithmetic tells, claims that hold, and that do not."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from math import comb
from typing import Any

import pytest
from attrs import evolve

from kubeproof.model.checker import Exploration, Options, Status, explore, replay, states
from kubeproof.model.machine import Fairness, LeadsTo, Machine, Property, State
from places import MACHINES, load


def example(name: str) -> Any:
    return load(MACHINES / f"{name}.py")


RING, PETERSON, RAFT = example("token_ring"), example("peterson"), example("raft_election")
WINDOW = example("sliding_window")


def judged(machine: Machine, claims: tuple[Property, ...]) -> Exploration:
    """Return what both engines say alike, every trace replayed."""
    rows, plain = (explore(machine, claims, Options(engine)) for engine in ("rows", "plain"))
    assert (rows.verdicts, rows.states, rows.transitions) == (plain.verdicts, plain.states, plain.transitions)
    assert all(replay(machine, verdict.trace).complete for verdict in rows.verdicts if verdict.trace is not None)
    return rows


def held(result: Exploration) -> dict[str, bool]:
    return {verdict.name: verdict.status is Status.HOLDS for verdict in result.verdicts}


# The token ring.


@pytest.mark.parametrize("size", [2, 3, 4, 5])
@pytest.mark.parametrize("selfish", [False, True], ids=["kind", "selfish"])
def test_the_ring_has_the_size_that_was_counted(size: int, selfish: bool):  # noqa: FBT001
    result = judged(RING.token_ring(size, selfish=selfish), RING.claims(size))
    halves = size * 2 ** (size - 1)
    assert result.states == 3 * halves
    assert result.transitions == 3 * halves + halves + 3 * halves * (size - 1) // 2
    assert held(result) == {"exclusive": True, "calm": True} | {f"p{n} served": not selfish for n in range(size)}


def test_a_selfish_ring_starves_the_neighbour_by_entering_again_and_again():
    machine = RING.token_ring(3, selfish=True)
    verdict = explore(machine, (RING.served(1),))["p1 served"]
    assert (verdict.kind, verdict.evidence) == ("livelock", ("p1 is waiting",))
    cycle = verdict.trace.lines()[verdict.trace.cycle_start + 1 :]
    assert {"p0: use: enter", "p0: use: leave", "p0: want: want"} <= set(cycle)
    assert {state["p1"] for state in states(machine, verdict.trace)[verdict.trace.cycle_start :]} == {"waiting"}


def test_without_fairness_the_token_may_rest():
    machine = RING.token_ring(2)
    lazy = Machine(machine.initial, tuple(evolve(action, fairness=Fairness.NONE) for action in machine.actions))
    verdict = judged(lazy, (RING.served(0),))["p0 served"]
    assert (verdict.kind, verdict.trace.lines()) == ("stuck", ("p0: want: want",))


def test_a_ring_that_nobody_may_leave_is_not_calm():
    machine = RING.token_ring(2)
    claim = evolve(RING.calm(2), actions=lambda name: name == "p0: use")
    verdict = judged(machine, (claim,))["calm"]
    assert (verdict.status, verdict.kind, verdict.evidence) == (Status.VIOLATED, "unrecoverable", ("p1 is waiting",))


# Peterson.


def far(state: State, me: int) -> bool:
    return state[f"p{me}"] in {"waiting", "critical"}


def test_petersons_algorithm_has_the_states_that_were_counted():
    seen: list[State] = []
    result = explore(PETERSON.peterson(), collect=seen.append)
    assert (result.states, result.transitions) == (8 + 8 + 2 + 2, 34)
    assert Counter(far(state, 0) + far(state, 1) for state in seen) == {0: 8, 1: 8, 2: 4}
    assert all(state["turn"] == 1 - me for state in seen for me in (0, 1) if far(state, me) and not far(state, 1 - me))
    assert all(state[f"flag{me}"] == (state[f"p{me}"] != "idle") for state in seen for me in (0, 1))


def test_petersons_algorithm_excludes_and_serves():
    assert held(judged(PETERSON.peterson(), PETERSON.claims())) == {
        "exclusive": True,
        "p0 served": True,
        "p1 served": True,
    }


def test_giving_the_turn_away_too_early_lets_both_in():
    result = judged(PETERSON.peterson(hasty=True), PETERSON.claims())
    assert (result.states, result.transitions) == (4 * 4 * 2, 60)
    verdict = result["exclusive"]
    assert (verdict.status, verdict.evidence, len(verdict.trace.steps)) == (Status.VIOLATED, ("p0 and p1",), 6)


def test_who_need_not_go_on_is_not_served():
    result = judged(PETERSON.peterson(fairness=Fairness.NONE), PETERSON.claims())
    assert held(result) == {"exclusive": True, "p0 served": False, "p1 served": False}


def test_a_process_that_idles_is_not_promised_to_get_in():
    claim = PETERSON.served(0)
    idle = LeadsTo(claim.name, claim.doc, lambda view: view["p0"] == "idle", claim.goal)
    assert judged(PETERSON.peterson(), (idle,))["p0 served"].kind == "stuck"


# Raft's election.


def one_term(servers: int) -> int:
    """Count the states with one term: who stands, what the others did, and whether a majority was noticed."""
    total = 1
    for k in range(1, servers + 1):
        others = servers - k
        votes = range(servers // 2, others + 1)
        majorities = k * sum(comb(others, v) * (k + 1) ** (others - v) for v in votes)
        total += comb(servers, k) * ((k + 2) ** others + majorities)
    return total


@pytest.mark.parametrize(("servers", "states_of_it"), [(3, 62), (4, 266), (5, 1722)])
def test_one_term_has_the_states_that_were_counted(servers: int, states_of_it: int):
    result = explore(RAFT.raft_election(servers, 1), RAFT.claims(servers))
    assert one_term(servers) == states_of_it == result.states
    assert held(result) == {"one leader": True, "a leader": True, "electable": False}


def test_two_terms_of_three_servers():
    result = judged(RAFT.raft_election(3, 2), RAFT.claims(3))
    assert (result.states, result.transitions) == (1_683, 5_058)
    assert held(result) == {"one leader": True, "a leader": True, "electable": False}


def test_a_split_vote_in_the_last_term_is_final():
    verdict = judged(RAFT.raft_election(3, 1), RAFT.claims(3))["electable"]
    last = states(RAFT.raft_election(3, 1), verdict.trace)[-1]
    assert (verdict.kind, verdict.evidence) == ("unrecoverable", ("no leader",))
    assert sorted(last[RAFT.ballot(1, n)] for n in range(3)) == [0, 1, 2]


def test_a_quorum_that_is_no_majority_elects_two():
    verdict = judged(RAFT.raft_election(4, 1, quorum=2), RAFT.claims(4))["one leader"]
    assert (verdict.status, verdict.evidence) == (Status.VIOLATED, ("term 1 has two leaders",))
    assert len(verdict.trace.steps) == 6  # Two stand, two vote, two win.


@pytest.mark.parametrize(
    ("name", "arguments", "line"),
    [
        ("token_ring", ["3"], "36 states, 84 transitions, depth 6, complete"),
        ("peterson", ["hasty"], "VIOLATED exclusive"),
        ("raft_election", ["3", "1"], "VIOLATED electable"),
    ],
)
def test_each_can_be_run(name: str, arguments: list[str], line: str):
    run = [sys.executable, str(MACHINES / f"{name}.py"), *arguments]
    assert line in subprocess.run(run, capture_output=True, text=True, check=True, timeout=60).stdout.splitlines()


# The sliding window.


@pytest.mark.parametrize(("packets", "window"), [(2, 2), (4, 2), (5, 3), (6, 3), (4, 6)])
def test_the_sliding_window_has_the_size_that_was_counted(packets: int, window: int):
    result = judged(WINDOW.sliding_window(packets, window), WINDOW.claims(packets))
    sendable = [min(window, packets - base) for base in range(packets + 1)]
    assert result.states == sum(2 * (1 + one) ** 2 + one for one in sendable)
    assert held(result) == {"in order": True, "delivered": True}


@pytest.mark.parametrize("window", [1, 2, 3])
def test_as_many_sequence_numbers_as_the_window_are_one_too_few(window: int):
    machine = WINDOW.sliding_window(window + 3, window, window)
    verdict = judged(machine, WINDOW.claims(window + 3))["in order"]
    assert verdict.evidence == (f"packet 0 was taken for packet {window}",)
    assert len(verdict.trace.steps) == 2 * window + 2


def test_without_a_promise_to_the_receiver_a_lossy_line_never_delivers():
    machine = WINDOW.sliding_window(2, 2)
    weak = tuple(evolve(one, fairness=Fairness.WEAK) if one.name.startswith("rec") else one for one in machine.actions)
    assert judged(evolve(machine, actions=weak), WINDOW.claims(2))["delivered"].kind == "livelock"
