"""What the scheduling queue may do with a waiting Pod: nothing that could make it fit may pass it by.

A Pod is ready to be tried, rests after a failure, waits for something to happen, is held by a gate, or is being tried.
The more important ones are tried first; among equals any. A Pod that failed waits only if nothing it would hear of has
happened since its trial began; whether it is tried again without need is left open, and so is how long it rests.

Leaves out: clocks, why something is worth a try (a failed Pod comes with the set of what it would hear of), and
promises of nodes.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

from attrs import evolve, frozen
from immutabledict import immutabledict


class Place(Enum):
    """Where a Pod is."""

    READY = "ready"
    RESTS = "rests"
    WAITS = "waits"
    HELD = "held"
    TRIED = "tried"


AGAIN = (Place.READY, Place.RESTS)


@frozen
class Entry:
    """A Pod: where it is, how important it is, and what it hears of (waiting) or what has happened (being tried)."""

    place: Place
    priority: int = 0
    events: frozenset[str] = frozenset()


@frozen
class State:
    """The Pods by name."""

    pods: immutabledict[str, Entry] = immutabledict()

    def at(self, pod: str, *places: Place) -> bool:
        """Tell whether a Pod is in one of these places."""
        return pod in self.pods and self.pods[pod].place in places

    def put(self, pod: str, place: Place, events: frozenset[str] = frozenset()) -> State:
        """Return the state with a Pod in another place."""
        return State(self.pods.set(pod, evolve(self.pods[pod], place=place, events=events)))


@frozen
class Arrive:
    """A new Pod comes, held by a gate or not."""

    pod: str
    priority: int = 0
    held: bool = False

    def results(self, state: State) -> Iterator[State]:
        """Yield the one thing that comes of it."""
        if self.pod not in state.pods:
            place = Place.HELD if self.held else Place.READY
            yield State(state.pods.set(self.pod, Entry(place, self.priority)))


@frozen
class Take:
    """A ready Pod is tried, unless a more important one is ready."""

    pod: str

    def results(self, state: State) -> Iterator[State]:
        """Yield the one thing that comes of it."""
        if state.at(self.pod, Place.READY):
            mine = state.pods[self.pod].priority
            if all(pod.place is not Place.READY or pod.priority <= mine for pod in state.pods.values()):
                yield state.put(self.pod, Place.TRIED)


@frozen
class Fail:
    """A trial fails; the Pod would hear of these events. If nobody says of which, it is tried again."""

    pod: str
    hears: frozenset[str]

    def results(self, state: State) -> Iterator[State]:
        """Yield what may come of it: it waits if nothing has passed it by, and may always be tried again."""
        if state.at(self.pod, Place.TRIED):
            yield from (state.put(self.pod, place) for place in AGAIN)
            if self.hears and not self.hears & state.pods[self.pod].events:
                yield state.put(self.pod, Place.WAITS, self.hears)


@frozen
class Happen:
    """Something happens: who hears of it is tried again, and nobody else; who is being tried will look at it."""

    event: str

    def results(self, state: State) -> Iterator[State]:
        """Yield what may come of it: each that hears of it is ready or rests."""
        heard = [pod for pod in sorted(state.pods) if self._heard_by(state.pods[pod])]
        tried = [pod for pod in sorted(state.pods) if state.at(pod, Place.TRIED)]
        for pod in tried:
            state = state.put(pod, Place.TRIED, state.pods[pod].events | {self.event})
        yield from _tried_again(state, heard)

    def _heard_by(self, entry: Entry) -> bool:
        return entry.place is Place.WAITS and self.event in entry.events


@frozen
class Flush:
    """Everybody who waits is tried again, for having waited so long."""

    def results(self, state: State) -> Iterator[State]:
        """Yield what may come of it."""
        yield from _tried_again(state, [pod for pod in sorted(state.pods) if state.at(pod, Place.WAITS)])


def _tried_again(state: State, pods: list[str]) -> Iterator[State]:
    if not pods:
        yield state
        return
    for place in AGAIN:
        yield from _tried_again(state.put(pods[0], place), pods[1:])


@frozen
class Rested:
    """Pods have rested long enough."""

    pods: frozenset[str]

    def results(self, state: State) -> Iterator[State]:
        """Yield the one thing that comes of it."""
        for pod in sorted(self.pods):
            if state.at(pod, Place.RESTS):
                state = state.put(pod, Place.READY)
        yield state


@frozen
class Release:
    """The gate of a held Pod opens."""

    pod: str

    def results(self, state: State) -> Iterator[State]:
        """Yield the one thing that comes of it."""
        if state.at(self.pod, Place.HELD):
            yield state.put(self.pod, Place.READY)


@frozen
class Leave:
    """A Pod is deleted, or its trial found a node: the queue has nothing to do with it any more."""

    pod: str

    def results(self, state: State) -> Iterator[State]:
        """Yield the one thing that comes of it."""
        yield State(state.pods.discard(self.pod))


Action = Arrive | Take | Fail | Happen | Flush | Rested | Release | Leave
