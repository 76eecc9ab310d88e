"""What members say to each other, and what is said to one from outside.

Upstream: raftpb/raft.proto (go.etcd.io/raft v3); the names are its own.
"""

from __future__ import annotations

from collections.abc import Hashable
from enum import Enum

from attrs import frozen

from .log import Entry, Snapshot

NOBODY = 0
"""No member."""


class Kind(Enum):
    """What a message is."""

    HUP = "MsgHup"
    BEAT = "MsgBeat"
    CHECK_QUORUM = "MsgCheckQuorum"
    PROPOSE = "MsgProp"
    APPEND = "MsgApp"
    APPENDED = "MsgAppResp"
    VOTE = "MsgVote"
    VOTED = "MsgVoteResp"
    PRE_VOTE = "MsgPreVote"
    PRE_VOTED = "MsgPreVoteResp"
    SNAPSHOT = "MsgSnap"
    SNAPSHOT_STATUS = "MsgSnapStatus"
    HEARTBEAT = "MsgHeartbeat"
    HEARD = "MsgHeartbeatResp"
    UNREACHABLE = "MsgUnreachable"
    TRANSFER = "MsgTransferLeader"
    TIMEOUT_NOW = "MsgTimeoutNow"
    READ_INDEX = "MsgReadIndex"
    READ_INDEXED = "MsgReadIndexResp"
    FORGET_LEADER = "MsgForgetLeader"


@frozen(cache_hash=True)
class Message:
    """`term` 0 is local. `index` and `log_term`: the entry before `entries`, or a candidate's last one."""

    kind: Kind
    sender: int = NOBODY
    to: int = NOBODY
    term: int = 0
    index: int = 0
    log_term: int = 0
    entries: tuple[Entry, ...] = ()
    commit: int = 0
    reject: bool = False
    hint: int = 0
    context: Hashable = None
    """Of a read: what tells it from others. Of a vote: TRANSFERRED, if the leader wants it."""
    snapshot: Snapshot | None = None


TRANSFERRED = "CampaignTransfer"
ANSWER = {Kind.VOTE: Kind.VOTED, Kind.PRE_VOTE: Kind.PRE_VOTED}
FROM_LEADERS = (Kind.APPEND, Kind.HEARTBEAT, Kind.SNAPSHOT)
