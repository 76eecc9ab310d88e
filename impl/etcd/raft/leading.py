"""What a leader does: replicate, commit, find out whether it still leads, and hand over.

Upstream: raft.go (stepLeader, maybeSendAppend, bcastHeartbeat, maybeCommit, appendEntry) (go.etcd.io/raft v3).
"""

from __future__ import annotations

from attrs import evolve

from . import reads
from .log import Entry
from .membership import ConfChange
from .messages import NOBODY, Kind, Message
from .node import Node, reset
from .outbox import send
from .progress import Pace, Progress
from .quorum import Vote


def append(node: Node, entries: tuple[Entry, ...]) -> Node:
    """Put entries of this term at the end of the own log."""
    own = tuple(evolve(entry, term=node.term) for entry in entries)
    log = node.log.with_entries(node.log.last, own)
    node = node.writing(log=log)
    progress = node.known[node.id].acknowledged(log.last) if node.id in node.known else None
    node = node.knowing(node.id, progress) if progress else node
    return advance_commit(node)[0]


def advance_commit(node: Node) -> tuple[Node, bool]:
    """Commit what a quorum has, if its last entry is of this term; whether that is news."""
    index = node.config.committed({member: progress.match for member, progress in node.known.items()})
    if index <= node.commit or node.log.term_at(index) != node.term:
        return node, False
    return node.writing(commit=index), True


def broadcast(node: Node) -> Node:
    """Send everybody what is next for them, if only the commit index."""
    for member in sorted(node.known):
        node = send_entries(node, member) if member != node.id else node
    return node


def send_entries(node: Node, member: int, *, if_empty: bool = True) -> Node:
    """Send a member the entries that are next for it, or a snapshot where they are gone."""
    progress = node.known[member]
    if progress.paused:
        return node
    term = node.log.term_at(progress.next - 1)
    if term is None:
        return _send_snapshot(node, member, progress)
    entries = node.log.after(progress.next - 1)
    if not entries and not if_empty:
        return node
    message = Message(
        Kind.APPEND, to=member, index=progress.next - 1, log_term=term, entries=entries, commit=node.commit
    )
    sent = evolve(progress, sent_commit=node.commit)
    if entries and progress.pace is Pace.PROBE:
        sent = evolve(sent, waits=True)
    if entries and progress.pace is Pace.REPLICATE:
        sent = evolve(sent, next=node.log.last + 1)
    return send(node.knowing(member, sent), message)


def _send_snapshot(node: Node, member: int, progress: Progress) -> Node:
    """Send the snapshot to whom is alive, if it knows of that member; else one must be made first (`compact`)."""
    snapshot = node.log.snapshot
    if not progress.active or (member not in snapshot.members.everyone and member not in snapshot.members.learners):
        return node
    message = Message(Kind.SNAPSHOT, to=member, snapshot=snapshot)
    return send(node.knowing(member, progress.receiving(snapshot.index)), message)


def heartbeat(node: Node) -> Node:
    """Tell everybody who leads, and what they have of what is committed; reads wait for the answers."""
    context = node.reads[-1].context if node.reads else None
    for member, progress in sorted(node.known.items()):
        if member != node.id:
            commit = min(progress.match, node.commit)
            node = send(node, Message(Kind.HEARTBEAT, to=member, commit=commit, context=context))
    return node


def as_leader(node: Node, message: Message) -> Node:
    """Take a message while leading."""
    match message.kind:
        case Kind.BEAT:
            return heartbeat(node)
        case Kind.CHECK_QUORUM:
            return _check_quorum(node)
        case Kind.PROPOSE:
            return _propose(node, message)
        case Kind.READ_INDEX:
            return reads.ask(node, message)
    if message.sender not in node.known:
        return node
    match message.kind:
        case Kind.APPENDED if message.reject:
            return _refused(node, message)
        case Kind.APPENDED:
            return _accepted(node, message)
        case Kind.HEARD:
            return _heard(node, message)
        case Kind.SNAPSHOT_STATUS:
            return _snapshot_status(node, message)
        case Kind.UNREACHABLE:
            return _unreachable(node, message.sender)
        case Kind.TRANSFER:
            return _transfer(node, message.sender)
    return node


def _check_quorum(node: Node) -> Node:
    """Step down unless a quorum was heard of since the last time."""
    active = {member: progress.active or member == node.id for member, progress in node.known.items()}
    if node.config.vote(active) is not Vote.WON:
        node = reset(node, node.term)
    for member, progress in node.known.items():
        node = node if member == node.id else node.knowing(member, evolve(progress, active=False))
    return node


def _propose(node: Node, message: Message) -> Node:
    """Append what is proposed and send it; a change of members that must wait becomes an entry without effect."""
    if node.id not in node.known or node.transferee != NOBODY:
        return node
    entries: list[Entry] = []
    for entry in message.entries:
        index = node.log.last + len(entries) + 1
        if isinstance(entry.data, ConfChange):
            pending = node.pending_change > node.applied
            if pending or node.config.joint != entry.data.leaves:
                entry = Entry(entry.term)  # noqa: PLW2901 - it takes the place of the other
            else:
                node = evolve(node, pending_change=index)
        entries.append(entry)
    return broadcast(append(node, tuple(entries)))


def _refused(node: Node, message: Message) -> Node:
    """Look for where the logs agree, and send from there."""
    hint = message.hint
    if message.log_term > 0:
        hint, _ = node.log.last_not_after(message.hint, message.log_term)
    before = evolve(node.known[message.sender], active=True)
    progress = before.rejected(message.index, hint)
    if progress is None:
        return node.knowing(message.sender, before)
    progress = progress.probing() if progress.pace is Pace.REPLICATE else progress
    return send_entries(node.knowing(message.sender, progress), message.sender)


def _accepted(node: Node, message: Message) -> Node:
    """Note what a member has; commit, send what is next, and hand over if that was awaited."""
    sender, before = message.sender, evolve(node.known[message.sender], active=True)
    progress = before.acknowledged(message.index)
    if progress is None and not (before.match == message.index and before.pace is Pace.PROBE):
        return node.knowing(sender, before)
    progress = progress or before
    if progress.pace is Pace.PROBE or (progress.pace is Pace.SNAPSHOT and progress.match >= node.log.snapshot.index):
        progress = progress.replicating()
    node, committed = advance_commit(node.knowing(sender, progress))
    if committed:
        node = broadcast(reads.release_early(node))
    elif sender != node.id and node.commit > progress.sent_commit and progress.sent_commit < progress.next - 1:
        node = send_entries(node, sender)
    if sender != node.id:
        node = send_entries(node, sender, if_empty=False)
    if sender == node.transferee and node.known[sender].match == node.log.last:
        node = send(node, Message(Kind.TIMEOUT_NOW, to=sender))
    return node


def _heard(node: Node, message: Message) -> Node:
    """Go on sending to whom is alive, and count it for the reads that wait."""
    progress = evolve(node.known[message.sender], active=True, waits=False)
    node = node.knowing(message.sender, progress)
    if progress.match < node.log.last or progress.pace is Pace.PROBE:
        node = send_entries(node, message.sender)
    return node if message.context is None else reads.acknowledge(node, message.sender, message.context)


def _snapshot_status(node: Node, message: Message) -> Node:
    """Go on after a snapshot that arrived, or before one that did not."""
    progress = node.known[message.sender]
    if progress.pace is not Pace.SNAPSHOT:
        return node
    progress = evolve(progress, pending_snapshot=0) if message.reject else progress
    return node.knowing(message.sender, evolve(progress.probing(), waits=True))


def _unreachable(node: Node, member: int) -> Node:
    progress = node.known[member]
    return node.knowing(member, progress.probing()) if progress.pace is Pace.REPLICATE else node


def _transfer(node: Node, member: int) -> Node:
    """Hand over to a member: at once if it has everything, else as soon as it has."""
    progress = node.known[member]
    if progress.learner or member in {node.id, node.transferee}:
        return node if member != node.id else evolve(node, transferee=NOBODY)
    node = evolve(node, transferee=member, election_elapsed=0)
    if progress.match == node.log.last:
        return send(node, Message(Kind.TIMEOUT_NOW, to=member))
    return send_entries(node, member)
