"""What a leader knows of the log of one member.

Upstream: tracker/{progress,state}.go (go.etcd.io/raft v3). Left out on purpose: the window of messages in flight.
"""

from __future__ import annotations

from enum import Enum

from attrs import evolve, frozen


class Pace(Enum):
    """How entries are sent: one message at a time until they fit, on and on, or not while a snapshot is under way."""

    PROBE = "StateProbe"
    REPLICATE = "StateReplicate"
    SNAPSHOT = "StateSnapshot"


@frozen
class Progress:
    """`match` is known to be in the member's log as in the leader's, `next` is sent next; `active`: heard of lately."""

    match: int = 0
    next: int = 1
    pace: Pace = Pace.PROBE
    pending_snapshot: int = 0
    active: bool = False
    waits: bool = False
    """A probe is under way: nothing is sent before it is answered."""
    sent_commit: int = 0
    learner: bool = False

    @property
    def paused(self) -> bool:
        """Whether nothing may be sent now."""
        return self.waits or self.pace is Pace.SNAPSHOT

    def probing(self) -> Progress:
        """Return it when it is not known what fits."""
        last = max(self.match, self.pending_snapshot if self.pace is Pace.SNAPSHOT else 0)
        return self._at(Pace.PROBE, last + 1)

    def replicating(self) -> Progress:
        """Return it when everything fits up to `match`."""
        return self._at(Pace.REPLICATE, self.match + 1)

    def receiving(self, index: int) -> Progress:
        """Return it when a snapshot up to an index has been sent."""
        return evolve(self._at(Pace.SNAPSHOT, index + 1), pending_snapshot=index, sent_commit=index)

    def _at(self, pace: Pace, following: int) -> Progress:
        commit = min(self.sent_commit, following - 1)
        return evolve(self, pace=pace, next=following, pending_snapshot=0, waits=False, sent_commit=commit)

    def acknowledged(self, index: int) -> Progress | None:
        """Return it once the member has everything up to an index; None if that is no news."""
        if index <= self.match:
            return None
        return evolve(self, match=index, next=max(self.next, index + 1), waits=False)

    def rejected(self, index: int, hint: int) -> Progress | None:
        """Return it once a message that followed on an index was refused; None if that is an old story."""
        if self.pace is Pace.REPLICATE:
            return None if index <= self.match else self._at(self.pace, self.match + 1)
        if self.next - 1 != index:
            return None
        following = max(min(index, hint + 1), self.match + 1)
        return evolve(self, next=following, waits=False, sent_commit=min(self.sent_commit, following - 1))
