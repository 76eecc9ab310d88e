"""Sending: a message waits in the node until the step is over and the disk is written.

Upstream: raft.go (send) (go.etcd.io/raft v3).
"""

from __future__ import annotations

from attrs import evolve

from .messages import Kind, Message
from .node import Node

FORWARDED = (Kind.PROPOSE, Kind.READ_INDEX)
"""They are of no term, and of whom they came from first."""


def send(node: Node, message: Message) -> Node:
    """Return it with one message more to send, in its name and term."""
    if message.kind not in FORWARDED:
        message = evolve(message, sender=message.sender or node.id, term=message.term or node.term)
    return evolve(node, outbox=(*node.outbox, message))
