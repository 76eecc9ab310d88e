"""What replicas of a component may do to elect a leader: write one Lease, and believe in it by clocks of their own.

Who has not seen the Lease change for `duration` by its own clock takes it. Who has it renews it, and believes to lead
until `retry` and `deadline` are over since it heard the last time that a write was granted. No clock is compared with
another. The others count from the write, the leader from the answer: so two believe to lead at a time only if the
answer was late and the leader's clock slow, or the leader itself paused, for as long as `duration` is longer than
`retry` and `deadline`, together; or where a leader lets go of the Lease before it stops.
Leaves out: reads that fail or are old (who has not seen a change waits no less for it), what a leader does.
"""

from __future__ import annotations

from enum import Enum

from attrs import evolve, frozen


@frozen
class Times:
    """How long is waited for what, and how badly off things may be: all in one unit."""

    duration: int
    deadline: int
    retry: int
    late: int = 0
    """How long after a write its sender may hear that it was granted."""
    slow: int = 0
    """How much a leader's clock may lose, or it may be paused, between two answers."""
    releases: bool = False
    """Whether a leader that stops gives the Lease back first."""


class Write(Enum):
    """How far a replica's write has come."""

    NONE = "none"
    SENT = "sent"
    GRANTED = "granted"
    """It is done, and its sender has not heard of it."""


@frozen
class Replica:
    """A replica: whether it `leads`, how much is `left` of that, and since when it has not seen the Lease change.

    `current`: the Lease is as it has seen it. `waits`: since when its write is granted. `lost`: what its clock lost.
    """

    leads: bool = False
    left: int = 0
    unchanged: int = 0
    current: bool = False
    write: Write = Write.NONE
    waits: int = 0
    lost: int = 0


@frozen
class State:
    """Who has the Lease (None: nobody), the replicas by their numbers, and what times hold."""

    times: Times
    replicas: tuple[Replica, ...]
    holder: int | None = None

    def leaders(self) -> tuple[int, ...]:
        """Return who believes to lead."""
        return tuple(number for number, replica in enumerate(self.replicas) if replica.leads)


def start(times: Times, replicas: int) -> State:
    """Return the state in which nobody has the Lease."""
    return State(times, (Replica(),) * replicas)


def _with(state: State, who: int, replica: Replica) -> tuple[Replica, ...]:
    return tuple(replica if number == who else other for number, other in enumerate(state.replicas))


def _written(state: State, who: int, replica: Replica) -> tuple[Replica, ...]:
    """Return the replicas when one has written: what the others have seen is old."""
    return tuple(
        replica if number == who else evolve(other, current=False) for number, other in enumerate(state.replicas)
    )


@frozen
class Look:
    """See how the Lease is."""

    who: int

    def enabled(self, state: State) -> bool:
        """Only if it has changed, and nothing is under way."""
        replica = state.replicas[self.who]
        return not replica.current and replica.write is Write.NONE

    def apply(self, state: State) -> State:
        """Count anew from now."""
        replica = evolve(state.replicas[self.who], current=True, unchanged=0)
        return evolve(state, replicas=_with(state, self.who, replica))


@frozen
class Ask:
    """Send a write: to have the Lease, or to have it for longer."""

    who: int

    def enabled(self, state: State) -> bool:
        """Only if it has it, nobody has it, or it has not changed for its duration; and it is as it was seen."""
        replica = state.replicas[self.who]
        free = state.holder in {None, self.who} or replica.unchanged >= state.times.duration
        return replica.write is Write.NONE and replica.current and free

    def apply(self, state: State) -> State:
        """Send it."""
        return evolve(state, replicas=_with(state, self.who, evolve(state.replicas[self.who], write=Write.SENT)))


@frozen
class Arrive:
    """The API server decides on a write."""

    who: int

    def enabled(self, state: State) -> bool:
        """Only if one is on its way."""
        return state.replicas[self.who].write is Write.SENT

    def apply(self, state: State) -> State:
        """Grant it if the Lease is as its sender has seen it, else refuse it."""
        replica = state.replicas[self.who]
        if not replica.current:
            return evolve(state, replicas=_with(state, self.who, evolve(replica, write=Write.NONE)))
        granted = evolve(replica, write=Write.GRANTED, waits=0)
        return evolve(state, replicas=_written(state, self.who, granted), holder=self.who)


@frozen
class Hear:
    """Hear that a write was granted."""

    who: int

    def enabled(self, state: State) -> bool:
        """Only if it was."""
        return state.replicas[self.who].write is Write.GRANTED

    def apply(self, state: State) -> State:
        """Believe to lead, from now on for as long as that lasts."""
        left = state.times.retry + state.times.deadline
        replica = evolve(
            state.replicas[self.who], leads=True, left=left, unchanged=0, write=Write.NONE, waits=0, lost=0
        )
        return evolve(state, replicas=_with(state, self.who, replica))


@frozen
class Miss:
    """Hear nothing of a write, whatever has become of it."""

    who: int

    def enabled(self, state: State) -> bool:
        """Only if one is under way."""
        return state.replicas[self.who].write is not Write.NONE

    def apply(self, state: State) -> State:
        """Count on as before; if it was granted, the Lease has changed."""
        replica = state.replicas[self.who]
        known = replica.current and replica.write is Write.SENT
        missed = evolve(replica, write=Write.NONE, waits=0, current=known)
        return evolve(state, replicas=_with(state, self.who, missed))


@frozen
class GiveUp:
    """Stop, and begin anew as one who follows."""

    who: int

    def enabled(self, state: State) -> bool:
        """Only a leader whose time is over, or that has given the Lease back."""
        replica = state.replicas[self.who]
        return replica.leads and (not replica.left or (state.times.releases and state.holder != self.who))

    def apply(self, state: State) -> State:
        """Forget everything."""
        return evolve(state, replicas=_with(state, self.who, Replica()))


@frozen
class Release:
    """Release the Lease, while what was begun is still going on."""

    who: int

    def enabled(self, state: State) -> bool:
        """Only a leader that has it, with nothing under way; where leaders do so."""
        replica = state.replicas[self.who]
        return state.times.releases and replica.leads and state.holder == self.who and replica.write is Write.NONE

    def apply(self, state: State) -> State:
        """Take it from nobody but itself."""
        return evolve(state, replicas=_written(state, self.who, state.replicas[self.who]), holder=None)


@frozen
class Tick:
    """Time passes; the clock of one replica may stand still meanwhile."""

    slow: int | None = None

    def enabled(self, state: State) -> bool:
        """Only while no leader has to give up, no answer gets too late, and no clock loses too much."""
        if any(replica.leads and not replica.left for replica in state.replicas):
            return False
        if any(replica.write is Write.GRANTED and replica.waits >= state.times.late for replica in state.replicas):
            return False
        if self.slow is None:
            return True
        replica = state.replicas[self.slow]
        return replica.leads and replica.lost < state.times.slow

    def apply(self, state: State) -> State:
        """Count it, everybody by its own clock."""
        replicas = (
            evolve(replica, lost=replica.lost + 1, waits=_counted(replica))
            if number == self.slow
            else evolve(
                replica,
                left=max(0, replica.left - 1),
                unchanged=min(state.times.duration, replica.unchanged + 1),
                waits=_counted(replica),
            )
            for number, replica in enumerate(state.replicas)
        )
        return evolve(state, replicas=tuple(replicas))


def _counted(replica: Replica) -> int:
    return replica.waits + 1 if replica.write is Write.GRANTED else 0


Action = Look | Ask | Arrive | Hear | Miss | GiveUp | Release | Tick
DOES = (Look, Ask, Arrive, Hear, Miss, GiveUp, Release)


def steps(state: State) -> tuple[Action, ...]:
    """List what may happen next, replicas by number."""
    numbers = range(len(state.replicas))
    actions: list[Action] = [does(number) for does in DOES for number in numbers]
    actions += [Tick(), *(Tick(number) for number in numbers)]
    return tuple(action for action in actions if action.enabled(state))
