"""What single steps of a member do: leases, hand-overs, reads, changes of members, crashes."""

# ruff: noqa: D102 - the names say it

from __future__ import annotations

from collections import deque
from typing import Any

import pytest
from attrs import evolve

from kubeproof.impl.etcd.raft import (
    Change,
    ConfChange,
    Entry,
    Kind,
    Message,
    Node,
    Options,
    Role,
    bootstrap,
    compact,
    restart,
    step,
    tick,
)
from planted import planted

USUAL = Options()


class Group:
    """Members whose messages all arrive, in order, but to who is away."""

    def __init__(self, members: int = 3, options: Options = USUAL) -> None:
        everyone = range(1, members + 1)
        self.nodes = {me: bootstrap(me, everyone, options) for me in everyone}
        self.away: set[int] = set()
        self.told: list[Message] = []

    def send(self, *messages: Message) -> None:
        waiting = deque(messages)
        while waiting:
            message = waiting.popleft()
            if message.to in self.away or message.sender in self.away:
                continue
            self.nodes[message.to], sent = step(self.nodes[message.to], message)
            self.told += [one for one in sent if one.to == message.to]
            waiting += [one for one in sent if one.to != message.to]

    def propose(self, me: int, data: Any) -> None:
        self.send(Message(Kind.PROPOSE, sender=me, to=me, entries=(Entry(0, data),)))

    def leaders(self) -> list[int]:
        return [me for me, node in self.nodes.items() if node.role is Role.LEADER]


def elected(members: int = 3, options: Options = USUAL) -> Group:
    group = Group(members, options)
    group.send(Message(Kind.HUP, to=1))
    return group


def data(node: Node) -> list[Any]:
    return [entry.data for entry in node.log.entries if entry.data is not None]


def test_a_proposal_is_passed_on_and_committed_everywhere() -> None:
    group = elected()
    group.propose(2, "x")
    assert {(tuple(data(node)), node.commit) for node in group.nodes.values()} == {(("x",), 3)}


def test_who_was_away_does_not_disturb_with_pre_votes_and_does_without() -> None:
    for pre_vote, term in ((True, 2), (False, 5)):
        group = elected(options=Options(pre_vote=pre_vote, check_quorum=False))
        group.away = {3}
        for _ in range(3):
            group.send(Message(Kind.HUP, to=3))
            group.nodes[3], _sent = step(group.nodes[3], Message(Kind.HUP))
        assert group.nodes[3].term == term


def test_a_vote_is_not_considered_while_a_leader_is_heard_of_unless_it_hands_over() -> None:
    group = elected()
    asks = Message(Kind.VOTE, sender=3, to=2, term=9, index=9, log_term=9)
    assert step(group.nodes[2], asks) == (group.nodes[2], ())
    late = evolve(group.nodes[2], election_elapsed=10)
    assert step(late, asks)[0].disk.vote == 3
    assert step(group.nodes[2], evolve(asks, context="CampaignTransfer"))[0].disk.vote == 3


def test_a_leader_that_hears_of_no_quorum_steps_down() -> None:
    group = elected()
    group.away = {2, 3}
    for _ in range(2 * group.nodes[1].options.election_ticks):
        group.nodes[1], _ = tick(group.nodes[1], 99)
    assert group.leaders() == []
    alone = elected(options=Options(check_quorum=False))
    for _ in range(2 * alone.nodes[1].options.election_ticks):
        alone.nodes[1], _ = tick(alone.nodes[1], 99)
    assert alone.leaders() == [1]


def test_a_leader_hands_over_to_who_has_everything() -> None:
    group = elected()
    group.away = {3}
    group.propose(1, "x")
    group.away = set()
    group.send(Message(Kind.TRANSFER, sender=3, to=1))
    assert group.leaders() == [3]
    assert data(group.nodes[3]) == ["x"]


def test_a_read_waits_for_a_quorum_and_for_the_first_commit_of_the_term() -> None:
    group = elected()
    group.away = {2, 3}
    group.send(Message(Kind.READ_INDEX, sender=1, to=1, context="r"))
    assert group.told == []
    group.away = {3}
    group.send(Message(Kind.BEAT, to=1))
    assert [(one.context, one.index) for one in group.told] == [("r", 2)]
    group.send(Message(Kind.READ_INDEX, sender=2, to=2, context="s"))
    assert [one.context for one in group.told] == ["r", "s"]


def test_members_change_by_joint_consensus_and_who_joins_gets_a_snapshot() -> None:
    group = elected()
    group.nodes[4], group.nodes[5] = bootstrap(4, ()), bootstrap(5, ())
    group.propose(1, ConfChange((Change("voter", 4), Change("learner", 5), Change("removed", 3))))
    assert group.nodes[1].config.voters == {1, 2, 4}
    assert not group.nodes[1].config.joint
    group.nodes[1] = compact(group.nodes[1], "everything")
    group.send(Message(Kind.BEAT, to=1))
    group.send(Message(Kind.BEAT, to=1))
    assert group.nodes[4].log.snapshot.data == "everything"
    assert [group.nodes[me].config.voters for me in (4, 5)] == [{1, 2, 4}] * 2
    group.away = {2}
    group.propose(1, "x")
    assert {group.nodes[me].commit for me in (1, 4, 5)} == {group.nodes[1].log.last}
    group.away = {2, 4}
    group.propose(1, "y")
    assert group.nodes[1].commit < group.nodes[1].log.last


def test_in_a_joint_configuration_both_majorities_are_asked() -> None:
    group = elected()
    group.nodes |= {me: bootstrap(me, ()) for me in (4, 5)}
    group.away = {4, 5}
    changes = (Change("voter", 4), Change("voter", 5), Change("removed", 2), Change("removed", 3))
    group.propose(1, ConfChange(changes, "explicit"))
    assert (group.nodes[1].config.voters, group.nodes[1].config.outgoing) == ({1, 4, 5}, {1, 2, 3})
    group.propose(1, "x")
    assert group.nodes[1].commit < group.nodes[1].log.last
    joint = group.nodes[1].config
    assert [joint.committed(dict.fromkeys(half, 5)) for half in ((1, 4, 5), (1, 2, 3), (1, 2, 4))] == [0, 0, 5]
    group.propose(1, ConfChange((Change("voter", 6),)))
    assert group.nodes[1].log.entries[-1].data is None


def test_a_crash_keeps_the_disk_and_nothing_else() -> None:
    group = elected()
    group.propose(1, "x")
    before = group.nodes[1]
    after = restart(1, before.disk)
    assert (after.disk, after.role, after.leader, after.reads) == (before.disk, Role.FOLLOWER, 0, ())
    assert after.known[2].match == 0


OLD = "an entry of an older term"


def acknowledged_alone() -> int:
    """Return what a leader has committed once all have acknowledged an entry of an older term, and none of its own."""
    leader = evolve(bootstrap(1, (1, 2, 3)), disk=evolve(bootstrap(1, (1, 2, 3)).disk, term=2))
    leader = leader.writing(log=leader.log.with_entries(1, (Entry(2, OLD),)))
    leader, _ = step(leader, Message(Kind.TIMEOUT_NOW, sender=2))
    leader, _ = step(leader, Message(Kind.VOTED, sender=2, term=3))
    assert leader.role is Role.LEADER
    return step(leader, Message(Kind.APPENDED, sender=2, term=3, index=2))[0].commit


def test_an_entry_of_an_older_term_is_not_committed_by_counting() -> None:
    assert acknowledged_alone() == 1
    with planted("kubeproof.impl.etcd.raft.leading", " or node.log.term_at(index) != node.term", ""):
        assert acknowledged_alone() == 2


@pytest.mark.parametrize("down", [1, 2, 3])
def test_with_one_member_down_the_others_go_on(down: int) -> None:
    group = elected()
    group.propose(1, "x")
    group.away = {down}
    patience = {1: 11, 2: 13, 3: 17}
    for _ in range(60):
        for me, ticks in patience.items():
            if me != down:
                group.nodes[me], sent = tick(group.nodes[me], ticks)
                group.send(*(one for one in sent if one.to != me))
    (leader,) = [me for me in group.leaders() if me != down]
    group.propose(leader, "y")
    assert {tuple(data(group.nodes[me])) for me in patience if me != down} == {("x", "y")}
    assert all(group.nodes[me].applied == group.nodes[me].log.last for me in patience if me != down)
