"""When a controller may manage its Pods again: as soon as it has seen all that it asked for.

Asked for are Pods to be made, which have no name yet, and Pods by name to be let go. Leaves out: the five minutes
after which a controller stops waiting.
"""

from __future__ import annotations

from attrs import evolve, frozen


@frozen
class State:
    """How many Pods were asked for and how many new ones were seen; who was asked to go and who was seen going."""

    asked_for: int = 0
    seen_new: int = 0
    asked_to_go: frozenset[str] = frozenset()
    seen_going: frozenset[str] = frozenset()

    @property
    def waiting(self) -> bool:
        """Whether something is still to be seen."""
        return self.seen_new < self.asked_for or not self.asked_to_go <= self.seen_going


@frozen
class Ask:
    """A sync asks for new Pods, or for Pods to go: what came before is settled."""

    new: int = 0
    go: frozenset[str] = frozenset()

    def enabled(self, state: State) -> bool:
        """Never while waiting, and never for nothing."""
        return not state.waiting and (self.new > 0) != bool(self.go)

    def apply(self, _state: State) -> State:
        """Begin to wait."""
        return State(self.new, 0, self.go)


@frozen
class SeeNew:
    """A new Pod of this owner appears, asked for or not, or making one failed."""

    def apply(self, state: State) -> State:
        """Count it."""
        return evolve(state, seen_new=state.seen_new + 1)


@frozen
class SeeGoing:
    """A Pod is seen going, or letting it go failed."""

    name: str

    def apply(self, state: State) -> State:
        """Remember it."""
        return evolve(state, seen_going=state.seen_going | {self.name})
