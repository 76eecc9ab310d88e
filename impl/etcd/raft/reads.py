"""Reads that need no entry: where the log was committed when they came, once a quorum says who still leads.

Upstream: read_only.go and raft.go (MsgReadIndex, releasePendingReadIndexMessages) (go.etcd.io/raft v3).
"""

from __future__ import annotations

from collections.abc import Hashable

from attrs import evolve

from .messages import Kind, Message
from .node import Node, Read
from .outbox import send
from .quorum import Vote


def ask(node: Node, message: Message) -> Node:
    """Take a read; it waits until something of this term is committed, then until a quorum has answered."""
    if node.config.everyone == (node.id,):
        return _answer(node, Read(message.context, node.commit, message.sender, frozenset()))
    if node.log.term_at(node.commit) != node.term:
        return evolve(node, early_reads=(*node.early_reads, message))
    return _begin(node, message)


def _begin(node: Node, message: Message) -> Node:
    read = Read(message.context, node.commit, message.sender or node.id, frozenset({node.id}))
    if all(read.context != other.context for other in node.reads):
        node = evolve(node, reads=(*node.reads, read))
    for member in sorted(node.known):
        if member != node.id:
            commit = min(node.known[member].match, node.commit)
            node = send(node, Message(Kind.HEARTBEAT, to=member, commit=commit, context=message.context))
    return node


def release_early(node: Node) -> Node:
    """Take the reads that waited for the first commit of the term."""
    if not node.early_reads or node.log.term_at(node.commit) != node.term:
        return node
    waiting, node = node.early_reads, evolve(node, early_reads=())
    for message in waiting:
        node = _begin(node, message)
    return node


def acknowledge(node: Node, member: int, context: Hashable) -> Node:
    """Note that a member still follows; answer the read it speaks of, and those before it, if that makes a quorum."""
    contexts = [read.context for read in node.reads]
    if context not in contexts:
        return node
    place = contexts.index(context)
    read = evolve(node.reads[place], acknowledged=node.reads[place].acknowledged | {member})
    if node.config.vote(dict.fromkeys(read.acknowledged, True)) is not Vote.WON:
        return evolve(node, reads=(*node.reads[:place], read, *node.reads[place + 1 :]))
    done = node.reads[: place + 1]
    node = evolve(node, reads=node.reads[place + 1 :])
    for answered in done:
        node = _answer(node, answered)
    return node


def _answer(node: Node, read: Read) -> Node:
    """Say to who asked, which may be the leader itself, up to where the log must be applied before it reads."""
    asker = read.asker or node.id
    return send(node, Message(Kind.READ_INDEXED, to=asker, index=read.index, context=read.context))
