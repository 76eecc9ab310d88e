"""Who is a majority: of one set of voters, or of both sets while a change of members is under way.

Upstream: quorum/{majority,joint,quorum}.go (go.etcd.io/raft v3).
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from enum import Enum
from math import inf


class Vote(Enum):
    """What a vote has come to."""

    PENDING = "VotePending"
    LOST = "VoteLost"
    WON = "VoteWon"


def majority_committed(voters: AbstractSet[int], acknowledged: Mapping[int, int]) -> float:
    """Return the highest index that a majority has acknowledged; without voters there is no bound."""
    if not voters:
        return inf
    known = sorted((acknowledged.get(voter, 0) for voter in voters), reverse=True)
    return known[len(voters) // 2]


def majority_vote(voters: AbstractSet[int], votes: Mapping[int, bool]) -> Vote:
    """Return what the votes of a majority come to; without voters it is won."""
    granted = sum(1 for voter in voters if votes.get(voter))
    missing = sum(1 for voter in voters if voter not in votes)
    needed = len(voters) // 2 + 1
    if not voters or granted >= needed:
        return Vote.WON
    return Vote.PENDING if granted + missing >= needed else Vote.LOST


def joint_committed(incoming: AbstractSet[int], outgoing: AbstractSet[int], acknowledged: Mapping[int, int]) -> float:
    """Return the highest index that a majority of each set has acknowledged."""
    return min(majority_committed(incoming, acknowledged), majority_committed(outgoing, acknowledged))


def joint_vote(incoming: AbstractSet[int], outgoing: AbstractSet[int], votes: Mapping[int, bool]) -> Vote:
    """Return what a vote in both sets comes to: won in both, or lost in one."""
    both = {majority_vote(incoming, votes), majority_vote(outgoing, votes)}
    if len(both) == 1:
        return both.pop()
    return Vote.LOST if Vote.LOST in both else Vote.PENDING
