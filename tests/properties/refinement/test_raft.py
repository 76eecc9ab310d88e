"""etcd's members beside the model of Raft: long walks at random through everything that may befall them."""

# ruff: noqa: E501 - rows of a table

from __future__ import annotations

import pytest

from kubeproof.impl.etcd.raft import Kind, Message, Options, bootstrap, step
from kubeproof.model.checker import Exploration, Limits, Status, explore, simulate
from kubeproof.model.checker import Options as Search
from kubeproof.model.machine import Sometimes
from kubeproof.properties.refinement.raft import PLAIN, Budget, beside, log_of, world
from planted import planted

ALL = Budget(stands=6, proposals=3, crashes=2, beats=3, compactions=3, waits=8, transfers=2)


def walked(options: Options, walks: int, seed: int = 0) -> Exploration:
    machine, claim = beside(options, ALL, 9, 14)
    return simulate(machine, [claim], walks=walks, depth=120, seed=seed)


@pytest.mark.parametrize("options", [PLAIN, Options()], ids=["plain", "with pre-votes and quorums checked"])
def test_no_walk_takes_a_step_that_the_model_does_not_have(options: Options) -> None:
    found = walked(options, 25)
    assert found.transitions > 1000
    assert found["refines"].status is Status.UNKNOWN, found["refines"].evidence  # A walk proves nothing, and refutes.


FIRST = Search(stop_at_first=True)
SHORT = (PLAIN, Budget(1, proposals=1), 1, 2)
FAULTS = [
    ("who has voted votes again", "elections", "not (early or free)", "not (early or True)", (PLAIN, Budget(2), 2, 2), 4),
    ("who votes does not look at the log", "elections", " or not node.log.up_to_date(message.index, message.log_term)", "", (PLAIN, Budget(2), 2, 2), 6),
    ("a restart forgets the vote", "node", "disk = evolve(disk, commit=max(disk.commit, snapshot.index))", "disk = evolve(disk, vote=NOBODY, commit=snapshot.index)", (PLAIN, Budget(2, crashes=1), 2, 2), 5),
    ("a restart forgets the log", "node", "node = Node(member, options, disk,", "node = Node(member, options, evolve(disk, log=Log(snapshot)),", (PLAIN, Budget(1, crashes=1), 1, 1), 7),
    ("a leader commits what it has itself", "leading", "index = node.config.committed({", "index = max({", SHORT, 6),
    ("a leader becomes one without votes", "elections", "case Vote.WON:\n", "case Vote.WON | Vote.PENDING:\n", SHORT, 3),
]  # fmt: skip


@pytest.mark.parametrize(
    ("module", "before", "after", "world", "depth"), [row[1:] for row in FAULTS], ids=[row[0] for row in FAULTS]
)
def test_a_fault_is_a_step_that_the_model_does_not_have(
    module: str, before: str, after: str, world, depth: int
) -> None:
    with planted(f"kubeproof.impl.etcd.raft.{module}", before, after):
        machine, claim = beside(*world)
        assert explore(machine, [claim], FIRST, limits=Limits(max_depth=depth))["refines"].status is Status.VIOLATED


def test_a_vote_that_is_counted_twice_makes_a_leader_of_a_minority() -> None:
    counts = "node = evolve(node, votes=node.votes if voter in node.votes else node.votes.set(voter, granted))"
    twice = "node = evolve(node, votes=node.votes.set(next(one for one in (voter, *node.config.everyone) if one not in node.votes), granted))"
    with planted("kubeproof.impl.etcd.raft.elections", counts, twice):
        machine, claim = beside(PLAIN, Budget(1), 1, 1, members=5)
        found = explore(machine, [claim], limits=Limits(max_depth=4))
    assert found["refines"].status is Status.VIOLATED
    assert [one.label for one in found["refines"].trace.steps][-2:] == ["MsgVoteResp from m1"] * 2


def test_snapshots_are_sent_and_taken_in_the_worlds_that_are_searched() -> None:
    def taken(view) -> bool:
        return any(
            view[f"m{me}"].log.snapshot.index > 1 and view[f"m{me}"].leader not in {0, me + 1} for me in range(3)
        )

    machine = world(PLAIN, Budget(1, compactions=1))
    assert explore(machine, [Sometimes("taken", "A snapshot is taken.", taken)])["taken"].status is Status.HOLDS


def test_a_snapshot_keeps_what_the_model_remembers() -> None:
    alone, _ = step(bootstrap(1, (1,), PLAIN), Message(Kind.HUP))
    assert log_of(alone) == (1,)
