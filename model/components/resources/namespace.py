"""What the namespace controller may do to a namespace that is being deleted: empty it, and then let it go.

Leaves out: kinds, the time it waits before it begins, what is created meanwhile (nothing is, in such a namespace).
"""

from __future__ import annotations

from attrs import evolve, frozen


@frozen
class Thing:
    """One object in the namespace: `held` by a finalizer of somebody else's, `going` once its deletion has begun."""

    name: str
    held: bool = False
    going: bool = False


@frozen
class State:
    """The namespace: there or not, being deleted or not, and what is in it."""

    there: bool
    leaving: bool
    things: tuple[Thing, ...] = ()


@frozen
class Remove:
    """Begin the deletion of one thing; it is gone at once unless it is held."""

    name: str

    def enabled(self, state: State) -> bool:
        """Only in a namespace that is leaving, and only once."""
        return (
            state.there and state.leaving and any(thing.name == self.name and not thing.going for thing in state.things)
        )

    def apply(self, state: State) -> State:
        """Mark what is held, take out what is not."""
        others = tuple(thing for thing in state.things if thing.name != self.name)
        held = tuple(evolve(thing, going=True) for thing in state.things if thing.name == self.name and thing.held)
        return evolve(state, things=tuple(sorted((*others, *held), key=lambda thing: thing.name)))


@frozen
class LetGo:
    """The namespace is empty: nothing keeps it."""

    def enabled(self, state: State) -> bool:
        """Only once it is leaving and nothing is left in it."""
        return state.there and state.leaving and not state.things

    def apply(self, state: State) -> State:
        """Take it away."""
        return evolve(state, there=False, leaving=False)


Action = Remove | LetGo


def steps(state: State) -> tuple[Action, ...]:
    """List what may happen next, things by name."""
    actions: tuple[Action, ...] = (*(Remove(thing.name) for thing in state.things), LetGo())
    return tuple(action for action in actions if action.enabled(state))
