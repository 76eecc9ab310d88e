"""Who votes, who only listens, and how that changes: one voter at a time, or many by joint consensus.

Upstream: confchange/confchange.go and raftpb/confchange.go (go.etcd.io/raft v3).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from attrs import evolve, field, frozen
from immutabledict import immutabledict

from .progress import Progress
from .quorum import Vote, joint_committed, joint_vote

NONE: frozenset[int] = frozenset()
Known = immutabledict[int, Progress]
"""What is known of each member."""


class RefusedChange(Exception):  # noqa: N818 - it says what happened
    """A change of members that is not allowed now, in the library's words."""


def _ids(ids: Iterable[int]) -> frozenset[int]:
    return frozenset(ids)


@frozen
class Configuration:
    """The voters; those they replace, while both sets decide; and the learners, some only after that."""

    voters: frozenset[int] = field(converter=_ids, default=NONE)
    outgoing: frozenset[int] = field(converter=_ids, default=NONE)
    learners: frozenset[int] = field(converter=_ids, default=NONE)
    learners_next: frozenset[int] = field(converter=_ids, default=NONE)
    auto_leave: bool = False

    @property
    def joint(self) -> bool:
        """Whether two sets of voters decide."""
        return bool(self.outgoing)

    @property
    def everyone(self) -> tuple[int, ...]:
        """The ids of all who vote, in order."""
        return tuple(sorted(self.voters | self.outgoing))

    def committed(self, acknowledged: Mapping[int, int]) -> int:
        """Return the highest index that the voters have acknowledged; there must be voters."""
        return int(joint_committed(self.voters, self.outgoing, acknowledged))

    def vote(self, votes: Mapping[int, bool]) -> Vote:
        """Return what a vote comes to."""
        return joint_vote(self.voters, self.outgoing, votes)


@frozen
class Change:
    """One member becomes a voter, a learner, or nobody; `update` changes nothing here."""

    to: Literal["voter", "learner", "removed", "update"]
    member: int


@frozen
class ConfChange:
    """What an entry asks of the members. Without changes it ends a joint configuration.

    More than one change, or a transition that is named, goes by joint consensus; `explicit`: until an entry ends it.
    """

    changes: tuple[Change, ...] = ()
    transition: Literal["auto", "implicit", "explicit"] = "auto"

    @property
    def leaves(self) -> bool:
        """Whether it ends a joint configuration."""
        return self.transition == "auto" and not self.changes

    @property
    def joint(self) -> bool:
        """Whether it goes by joint consensus."""
        return self.transition != "auto" or len(self.changes) > 1


Members = tuple[Configuration, Known]


def changed(members: Members, change: ConfChange, last: int) -> Members:
    """Return the members after a change; `last` is the end of the log. RefusedChange if it is not allowed."""
    if change.leaves:
        return leave_joint(members)
    if change.joint:
        return enter_joint(members, change.changes, last, auto_leave=change.transition != "explicit")
    return simple(members, change.changes, last)


def enter_joint(members: Members, changes: Iterable[Change], last: int, *, auto_leave: bool = False) -> Members:
    """Return the members with the voters as they are and as they will be, who decide together."""
    config, known = members
    if config.joint:
        raise RefusedChange("config is already joint")
    if not config.voters:
        raise RefusedChange("can't make a zero-voter config joint")
    after, known = _applied((evolve(config, outgoing=config.voters), known), changes, last)
    return evolve(after, auto_leave=auto_leave), known


def leave_joint(members: Members) -> Members:
    """Return the members with only the new voters; who was one and is to be a learner now is one."""
    config, known = members
    if not config.joint:
        raise RefusedChange("can't leave a non-joint config")
    learners = config.learners | config.learners_next
    kept = {
        member: evolve(progress, learner=member in learners)
        for member, progress in known.items()
        if member not in config.outgoing or member in config.voters | learners
    }
    return Configuration(config.voters, learners=learners), immutabledict(kept)


def simple(members: Members, changes: Iterable[Change], last: int) -> Members:
    """Return the members after changes that make or remove one voter at most."""
    config, _ = members
    if config.joint:
        raise RefusedChange("can't apply simple config change in joint config")
    after = _applied(members, changes, last)
    if len(config.voters ^ after[0].voters) > 1:
        raise RefusedChange("more than one voter changed without entering joint config")
    return after


def _applied(members: Members, changes: Iterable[Change], last: int) -> Members:
    for change in changes:
        if change.member:
            members = _APPLY[change.to](members, change.member, last)
    if not members[0].voters:
        raise RefusedChange("removed all voters")
    return members


def _voter(members: Members, member: int, last: int) -> Members:
    config, known = members
    config = evolve(_without(config, member), voters=config.voters | {member})
    progress = known.get(member)
    return config, known.set(member, evolve(progress, learner=False) if progress else _new(last, learner=False))


def _learner(members: Members, member: int, last: int) -> Members:
    config, known = members
    progress = known.get(member)
    if progress is None:
        return evolve(config, learners=config.learners | {member}), known.set(member, _new(last, learner=True))
    if progress.learner:
        return members
    config = _without(config, member)
    if member in config.outgoing:
        return evolve(config, learners_next=config.learners_next | {member}), known
    return evolve(config, learners=config.learners | {member}), known.set(member, evolve(progress, learner=True))


def _removed(members: Members, member: int, _last: int) -> Members:
    config, known = members
    if member not in known:
        return members
    return _without(config, member), known if member in config.outgoing else known.delete(member)


def _updated(members: Members, _member: int, _last: int) -> Members:
    return members


_APPLY = {"voter": _voter, "learner": _learner, "removed": _removed, "update": _updated}


def _without(config: Configuration, member: int) -> Configuration:
    gone = {member}
    return evolve(
        config,
        voters=config.voters - gone,
        learners=config.learners - gone,
        learners_next=config.learners_next - gone,
    )


def _new(last: int, *, learner: bool) -> Progress:
    """Return what is known of a new member: that it exists, which counts as being heard of."""
    return Progress(next=max(last, 1), active=True, learner=learner)
