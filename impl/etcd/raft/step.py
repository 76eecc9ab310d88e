"""A step of a member: a message in, what it sends out; and what time and the application do to it.

Upstream: raft.go (Step, tickElection, tickHeartbeat), storage.go (CreateSnapshot, Compact) (go.etcd.io/raft v3).
"""

from __future__ import annotations

from collections.abc import Hashable

from attrs import evolve

from .elections import as_candidate, follow, in_lease, stand, vote
from .following import as_follower
from .leading import advance_commit, as_leader, broadcast, send_entries
from .log import Entry, Snapshot
from .membership import ConfChange, changed
from .messages import FROM_LEADERS, NOBODY, Kind, Message
from .node import Node, Role
from .outbox import send

Stepped = tuple[Node, tuple[Message, ...]]
"""A member after a step, and what it sends once its disk is written. What is sent to itself is for its application."""


def step(node: Node, message: Message) -> Stepped:
    """Take one message. What is committed by it is applied at once."""
    return _over(_applied(_step(node, message)))


def _over(node: Node) -> Stepped:
    return evolve(node, outbox=()), node.outbox


def _step(node: Node, message: Message) -> Node:
    if 0 < message.term < node.term:
        return _from_the_past(node, message)
    if message.term > node.term:
        asks = message.kind in {Kind.VOTE, Kind.PRE_VOTE}
        if asks and in_lease(node, message):
            return node
        if message.kind is not Kind.PRE_VOTE and (message.kind is not Kind.PRE_VOTED or message.reject):
            node = follow(node, message.term, message.sender if message.kind in FROM_LEADERS else NOBODY)
    match message.kind:
        case Kind.HUP:
            return stand(node)
        case Kind.VOTE | Kind.PRE_VOTE:
            return vote(node, message)
    match node.role:
        case Role.LEADER:
            return as_leader(node, message)
        case Role.FOLLOWER:
            return as_follower(node, message)
    if message.kind in FROM_LEADERS:
        return as_follower(follow(node, message.term, message.sender), message)
    return as_candidate(node, message)


def _from_the_past(node: Node, message: Message) -> Node:
    """Tell a leader of an old term, and who asks about an old one, that there is a newer one."""
    options = node.options
    if message.kind in {Kind.HEARTBEAT, Kind.APPEND} and (options.check_quorum or options.pre_vote):
        return send(node, Message(Kind.APPENDED, to=message.sender))
    if message.kind is Kind.PRE_VOTE:
        return send(node, Message(Kind.PRE_VOTED, to=message.sender, term=node.term, reject=True))
    return node


def _applied(node: Node) -> Node:
    """Apply what is committed. A change of members may commit more, and a joint configuration may have to be left."""
    while node.applied < node.commit:
        entry = node.log.after(node.applied, node.applied + 1)[0]
        node = evolve(node, applied=node.applied + 1)
        if isinstance(entry.data, ConfChange):
            node = _switched(node, entry.data)
        node = _left(node)
    return node


def _switched(node: Node, change: ConfChange) -> Node:
    config, known = changed((node.config, node.known), change, node.log.last)
    node = evolve(node, config=config, known=known)
    if node.role is not Role.LEADER:
        return node
    if not node.promotable:
        return follow(node, node.term)
    node, committed = advance_commit(node)
    if committed:
        node = broadcast(node)
    else:
        for member in sorted(known):
            node = node if member == node.id else send_entries(node, member, if_empty=False)
    return node if node.transferee in node.config.everyone else evolve(node, transferee=NOBODY)


def _left(node: Node) -> Node:
    """Propose to leave a joint configuration, where that is the leader's business and nothing else is pending."""
    due = node.config.auto_leave and node.applied >= node.pending_change and node.role is Role.LEADER
    return as_leader(node, Message(Kind.PROPOSE, entries=(Entry(0, ConfChange()),))) if due else node


def tick(node: Node, patience: int) -> Stepped:
    """Let time pass, one tick. `patience`: how many without a leader until it stands itself, anew each time.

    It is drawn between `election_ticks` and twice as many, so that few stand at the same time.
    """
    elapsed = node.election_elapsed + 1
    if node.role is not Role.LEADER:
        if elapsed < patience or not node.promotable:
            return evolve(node, election_elapsed=elapsed), ()
        return step(evolve(node, election_elapsed=0), Message(Kind.HUP, sender=node.id))
    if elapsed >= node.options.election_ticks:
        elapsed = 0
        if node.options.check_quorum:
            node = as_leader(node, Message(Kind.CHECK_QUORUM, sender=node.id))
        node = evolve(node, transferee=NOBODY)
    beats = node.heartbeat_elapsed + 1
    node = evolve(node, election_elapsed=elapsed, heartbeat_elapsed=beats)
    if node.role is Role.LEADER and beats >= node.options.heartbeat_ticks:
        return step(evolve(node, heartbeat_elapsed=0), Message(Kind.BEAT, sender=node.id))
    return _over(node)


def compact(node: Node, data: Hashable) -> Node:
    """Return it with what it has applied in a snapshot, which holds `data` of the application."""
    term = node.log.term_at(node.applied) or 0
    return node.writing(log=node.log.compacted(Snapshot(node.applied, term, node.config, data)))
