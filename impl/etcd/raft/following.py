"""What a follower does: take entries, snapshots and news from its leader, and pass on what is for the leader.

Upstream: raft.go (stepFollower, handleAppendEntries, handleHeartbeat, handleSnapshot, restore) (go.etcd.io/raft v3).
"""

from __future__ import annotations

from attrs import evolve

from .elections import stand
from .messages import NOBODY, Kind, Message
from .node import Node, known_anew
from .outbox import send


def as_follower(node: Node, message: Message) -> Node:
    """Take a message while following."""
    match message.kind:
        case Kind.APPEND:
            return _take_entries(_led_by(node, message.sender), message)
        case Kind.HEARTBEAT:
            node = _commit(_led_by(node, message.sender), message.commit)
            return send(node, Message(Kind.HEARD, to=message.sender, context=message.context))
        case Kind.SNAPSHOT:
            return _take_snapshot(_led_by(node, message.sender), message)
        case Kind.PROPOSE | Kind.READ_INDEX | Kind.TRANSFER:
            return _pass_on(node, message)
        case Kind.READ_INDEXED:
            return send(node, evolve(message, to=node.id))
        case Kind.TIMEOUT_NOW:
            return stand(node, transferred=True)
        case Kind.FORGET_LEADER:
            return evolve(node, leader=NOBODY)
        case _:
            return node


def _led_by(node: Node, leader: int) -> Node:
    return evolve(node, leader=leader, election_elapsed=0)


def _pass_on(node: Node, message: Message) -> Node:
    """Send it to the leader; where none is known it is lost, and whoever asked will ask again."""
    if node.leader == NOBODY:
        return node
    return send(node, evolve(message, to=node.leader, sender=message.sender or node.id))


def _commit(node: Node, index: int) -> Node:
    return node.writing(commit=index) if index > node.commit else node


def _take_entries(node: Node, message: Message) -> Node:
    """Take entries that follow on what is there; else say where to look for what does."""
    answer = Message(Kind.APPENDED, to=message.sender)
    if message.index < node.commit:
        return send(node, evolve(answer, index=node.commit))
    if node.log.term_at(message.index) == message.log_term:
        last = message.index + len(message.entries)
        node = node.writing(log=node.log.with_entries(message.index, message.entries))
        return send(_commit(node, min(message.commit, last)), evolve(answer, index=last))
    hint, term = node.log.last_not_after(min(message.index, node.log.last), message.log_term)
    return send(node, evolve(answer, index=message.index, reject=True, hint=hint, log_term=term))


def _take_snapshot(node: Node, message: Message) -> Node:
    """Begin anew from a snapshot, unless what it holds is there already."""
    answer, snapshot = Message(Kind.APPENDED, to=message.sender), message.snapshot
    if snapshot is None or snapshot.index <= node.commit:
        return send(node, evolve(answer, index=node.commit))
    members = snapshot.members
    if node.id not in members.voters | members.outgoing | members.learners:
        return send(node, evolve(answer, index=node.commit))
    if node.log.term_at(snapshot.index) == snapshot.term:
        node = _commit(node, snapshot.index)
        return send(node, evolve(answer, index=node.commit))
    node = node.writing(log=node.log.compacted(snapshot), commit=snapshot.index)
    known = known_anew(snapshot.members)
    node = evolve(node, config=snapshot.members, known=known, applied=snapshot.index)
    return send(node, evolve(answer, index=node.log.last))
