"""One member: what is on its disk, and what is lost when it crashes.

Upstream: raft.go (type raft, newRaft, reset), node.go (HardState) (go.etcd.io/raft v3).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from enum import Enum
from typing import Any

from attrs import evolve, field, frozen
from immutabledict import immutabledict

from .log import Log, Snapshot
from .membership import ConfChange, Configuration, Known, changed
from .messages import NOBODY, Message
from .progress import Progress


class Role(Enum):
    """What a member takes itself for."""

    FOLLOWER = "StateFollower"
    PRE_CANDIDATE = "StatePreCandidate"
    CANDIDATE = "StateCandidate"
    LEADER = "StateLeader"


@frozen
class Options:
    """How members are run. etcd has both switches on (embed/config.go: PreVote; raft.go: CheckQuorum) since 3.5."""

    pre_vote: bool = True
    check_quorum: bool = True
    election_ticks: int = 10
    heartbeat_ticks: int = 1


@frozen
class Disk:
    """What a crash keeps. `commit` is written, too, but not waited for: a crash may keep an older one."""

    term: int = 0
    vote: int = NOBODY
    commit: int = 0
    log: Log = field(factory=Log)


@frozen
class Read:
    """A read that waits until a quorum has said that its leader still leads."""

    context: Hashable
    index: int
    asker: int
    acknowledged: frozenset[int]


@frozen(cache_hash=True)
class Node:
    """A member. All but its id, the options and the disk is in memory only."""

    id: int
    options: Options
    disk: Disk
    config: Configuration
    known: Known
    role: Role = Role.FOLLOWER
    leader: int = NOBODY
    applied: int = 0
    votes: immutabledict[int, bool] = field(factory=immutabledict)
    transferee: int = NOBODY
    pending_change: int = 0
    """No further change of members before this index is applied."""
    reads: tuple[Read, ...] = ()
    early_reads: tuple[Message, ...] = ()
    """Reads that came before the leader has committed anything in its term."""
    election_elapsed: int = 0
    heartbeat_elapsed: int = 0
    outbox: tuple[Message, ...] = ()
    """Messages of the step that is being taken; empty between steps."""

    @property
    def term(self) -> int:
        """The term it is in."""
        return self.disk.term

    @property
    def log(self) -> Log:
        """Its log."""
        return self.disk.log

    @property
    def commit(self) -> int:
        """The last index it knows to be committed."""
        return self.disk.commit

    def writing(self, **changes: Any) -> Node:
        """Return it with changes of the disk."""
        return evolve(self, disk=evolve(self.disk, **changes))

    def knowing(self, member: int, progress: Progress) -> Node:
        """Return it with news of a member."""
        return evolve(self, known=self.known.set(member, progress))

    @property
    def promotable(self) -> bool:
        """Whether it may become leader: it is a member, and no learner."""
        return self.id in self.known and not self.known[self.id].learner


FIRST = 1
"""The index and the term that a new cluster begins with: its members, which who joins later is sent."""


def bootstrap(member: int, voters: Iterable[int], options: Options = Options()) -> Node:
    """Return a member of a new cluster of voters; without voters one that waits for somebody who lets it join."""
    config = Configuration(voters)
    first = Disk(FIRST, log=Log(Snapshot(FIRST, FIRST, config))) if config.voters else Disk()
    return restart(member, first, options)


def restart(member: int, disk: Disk, options: Options = Options()) -> Node:
    """Return a member that has nothing but its disk. Members change with entries as they are applied anew."""
    snapshot = disk.log.snapshot
    disk = evolve(disk, commit=max(disk.commit, snapshot.index))
    node = Node(member, options, disk, snapshot.members, known_anew(snapshot.members), applied=snapshot.index)
    return reset(with_changes_applied(node), disk.term)


def known_anew(config: Configuration) -> Known:
    """Return what is known of members at the beginning: nothing."""
    everyone = sorted(config.voters | config.outgoing | config.learners)
    return immutabledict({member: Progress(learner=member in config.learners) for member in everyone})


def with_changes_applied(node: Node) -> Node:
    """Return it with everything that is committed applied, which here means: changes of members have happened."""
    members = node.config, node.known
    for entry in node.log.after(node.applied, node.commit):
        if isinstance(entry.data, ConfChange):
            members = changed(members, entry.data, node.log.last)
    return evolve(node, config=members[0], known=members[1], applied=node.commit)


def reset(node: Node, term: int) -> Node:
    """Return it at the beginning of a term, or of a new role in it: the vote stays only within a term."""
    if node.term != term:
        node = node.writing(term=term, vote=NOBODY)
    last = node.log.last
    known = {
        member: Progress(last if member == node.id else 0, last + 1, learner=progress.learner)
        for member, progress in node.known.items()
    }
    fresh = Node(node.id, node.options, node.disk, node.config, immutabledict(known))
    return evolve(fresh, applied=node.applied, outbox=node.outbox)
