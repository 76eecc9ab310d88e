"""What may become of a quota: the API server lets something in and adds it up, the quota controller counts anew.

Admission goes by what is written, and not by what is there; the controller writes what is there. Between the two what
is written may be too much, and if somebody else writes it, too little. Leaves out: scopes, more ceilings than one, what
an object must say to be counted, and old views.
"""

from __future__ import annotations

from attrs import evolve, frozen


@frozen
class Piece:
    """Something that takes of the quota, until it is over."""

    takes: int
    over: bool = False


@frozen
class State:
    """What is there, the ceiling, and what is written to be taken: None before the first count."""

    there: tuple[Piece, ...]
    ceiling: int
    written: int | None = None

    @property
    def right(self) -> int:
        """Count."""
        return sum(piece.takes for piece in self.there if not piece.over)


@frozen
class LetIn:
    """Something new is let in, and counted."""

    takes: int

    def enabled(self, state: State) -> bool:
        """Unless it takes anything of a quota that has been counted and has no room for it by what is written."""
        return state.written is None or not self.takes or state.written + self.takes <= state.ceiling

    def apply(self, state: State) -> State:
        """Put it with the others and add it to what is written."""
        written = None if state.written is None else state.written + self.takes
        return evolve(state, there=(*state.there, Piece(self.takes)), written=written)


@frozen
class Recount:
    """The controller writes what is there."""

    def enabled(self, state: State) -> bool:
        """Only if something else is written."""
        return state.written != state.right

    def apply(self, state: State) -> State:
        """Write it, though it be more than the ceiling."""
        return evolve(state, written=state.right)


def steps(state: State, most: int) -> tuple[LetIn | Recount, ...]:
    """List what may happen next where nothing takes more than so much."""
    every: tuple[LetIn | Recount, ...] = (Recount(), *(LetIn(takes) for takes in range(most + 1)))
    return tuple(action for action in every if action.enabled(state))
