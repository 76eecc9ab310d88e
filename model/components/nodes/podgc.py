"""What the Pod garbage collector may do: remove, in any order, the Pods that nobody else will.

Leaves out: time, finished Pods beyond a threshold.
"""

from __future__ import annotations

from enum import Enum

from attrs import evolve, frozen


class Place(Enum):
    """Where a Pod is."""

    NOWHERE = "nowhere"
    """Not placed yet: no kubelet knows it."""
    HERE = "here"
    """On a node that may come back."""
    GONE = "gone"
    """On a node that no longer exists."""
    OUT = "out of service"
    """On a node that somebody vouches is down."""


@frozen
class Pod:
    """What matters of a Pod."""

    name: str
    place: Place
    leaving: bool = False


@frozen
class State:
    """The Pods, by name."""

    pods: tuple[Pod, ...]


@frozen
class Collect:
    """Remove one Pod."""

    name: str

    def enabled(self, state: State) -> bool:
        """Its node is gone; or it is leaving, and no kubelet will see it off."""
        return any(
            pod.place is Place.GONE or (pod.leaving and pod.place is not Place.HERE)
            for pod in state.pods
            if pod.name == self.name
        )

    def apply(self, state: State) -> State:
        """Take it out."""
        return evolve(state, pods=tuple(pod for pod in state.pods if pod.name != self.name))


def steps(state: State) -> tuple[Collect, ...]:
    """List what may happen next, by name."""
    return tuple(action for pod in state.pods if (action := Collect(pod.name)).enabled(state))
