"""Standing for leader, being voted for, and voting.

Upstream: raft.go (hup, campaign, poll, becomeLeader, the votes of Step, stepCandidate) (go.etcd.io/raft v3).
"""

from __future__ import annotations

from attrs import evolve
from immutabledict import immutabledict

from .leading import append, broadcast
from .log import Entry
from .membership import ConfChange
from .messages import ANSWER, NOBODY, TRANSFERRED, Kind, Message
from .node import Node, Role, reset
from .outbox import send
from .quorum import Vote

ASKS = {Kind.VOTED: Role.CANDIDATE, Kind.PRE_VOTED: Role.PRE_CANDIDATE}
"""Which answers a candidate waits for, and in which role."""


def follow(node: Node, term: int, leader: int = NOBODY) -> Node:
    """Return it as a follower in a term."""
    return evolve(reset(node, term), leader=leader)


def stand(node: Node, *, transferred: bool = False) -> Node:
    """Stand for leader, unless there is a change of members to be applied; ask first whether there is a chance."""
    unapplied = node.log.after(node.applied, node.commit)
    if (
        node.role is Role.LEADER
        or not node.promotable
        or any(isinstance(entry.data, ConfChange) for entry in unapplied)
    ):
        return node
    if node.options.pre_vote and not transferred:
        return _ask(evolve(node, role=Role.PRE_CANDIDATE, leader=NOBODY, votes=immutabledict()), Kind.PRE_VOTE)
    return _campaign(node, transferred=transferred)


def _campaign(node: Node, *, transferred: bool = False) -> Node:
    """Begin a term of one's own."""
    node = evolve(reset(node, node.term + 1), role=Role.CANDIDATE).writing(vote=node.id)
    return _ask(node, Kind.VOTE, TRANSFERRED if transferred else None)


def _ask(node: Node, kind: Kind, context: str | None = None) -> Node:
    """Ask everybody for a vote, and give one's own."""
    term = node.term + (kind is Kind.PRE_VOTE)
    last, last_term = node.log.last, node.log.last_term
    for member in node.config.everyone:
        if member != node.id:
            node = send(node, Message(kind, to=member, term=term, index=last, log_term=last_term, context=context))
    return count(node, node.id, granted=True)


def count(node: Node, voter: int, *, granted: bool) -> Node:
    """Count a vote, the first of each voter, and do what the result asks for."""
    node = evolve(node, votes=node.votes if voter in node.votes else node.votes.set(voter, granted))
    match node.config.vote(node.votes):
        case Vote.WON if node.role is Role.PRE_CANDIDATE:
            return _campaign(node)
        case Vote.WON:
            return broadcast(lead(node))
        case Vote.LOST:
            return follow(node, node.term)
        case _:
            return node


def lead(node: Node) -> Node:
    """Become leader: an empty entry of the new term makes it possible to commit what is older."""
    node = evolve(reset(node, node.term), role=Role.LEADER, leader=node.id, pending_change=node.log.last)
    node = node.knowing(node.id, evolve(node.known[node.id].replicating(), active=True))
    return append(node, (Entry(node.term),))


def as_candidate(node: Node, message: Message) -> Node:
    """Take a message while standing: from a leader of this term, or a vote."""
    if ASKS.get(message.kind) is node.role:
        return count(node, message.sender, granted=not message.reject)
    return node


def vote(node: Node, message: Message) -> Node:
    """Answer who asks for a vote: yes, if it is not given yet and the other's log is at least as new."""
    early = message.kind is Kind.PRE_VOTE and message.term > node.term
    free = node.disk.vote == message.sender or (node.disk.vote == NOBODY and node.leader == NOBODY)
    answer = Message(ANSWER[message.kind], to=message.sender)
    if not (early or free) or not node.log.up_to_date(message.index, message.log_term):
        return send(node, evolve(answer, term=node.term, reject=True))
    if message.kind is Kind.VOTE:
        node = evolve(node, election_elapsed=0).writing(vote=message.sender)
    return send(node, evolve(answer, term=message.term))


def in_lease(node: Node, message: Message) -> bool:
    """Tell whether a vote is not even considered: a leader was heard of lately, and does not wish it itself."""
    recent = node.leader != NOBODY and node.election_elapsed < node.options.election_ticks
    return node.options.check_quorum and recent and message.context != TRANSFERRED
