"""Samples that a symmetry is one: a state and an image of it have the same steps, up to symmetry, and look alike.

What is compared, in the first states and then once in so many, for one generator each: what every property observes
(whether it has something to say, not the words, which name members), and every step: where it leads, whether it is
fair, which step properties it breaches, and for which properties it counts as help. And, as often, a row that is met
there against the one that stands for its orbit, which is how the search uses symmetry.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...machine import Recoverable, State, StepProperty
from ..book import Book, observers
from ..semantics import Move, ask, moves
from ..traces import breaches
from .orbits import AsymmetryError, Folding, Ids

FIRST = 40
EVERY = 1000

Mark = tuple[Ids, bool, tuple[int, ...], tuple[int, ...]]
"""A step, up to symmetry: where it leads, whether it is fair, what it breaches, what it helps."""


class Audit:
    """Compares states with images of them."""

    def __init__(self, book: Book, folding: Folding) -> None:
        self.book = book
        self.folding = folding
        self.generators = folding.generators()
        self.observers = observers(book.properties)
        self.done = 0
        self.folded_at = -1

    @staticmethod
    def due(first: int, count: int) -> Iterator[int]:
        """Yield the states among so many whose turn it is."""
        yield from range(first, min(first + count, FIRST))
        begin = max(first, FIRST)
        yield from range(begin + -begin % EVERY, first + count, EVERY)

    def look(self, number: int, ids: Ids) -> None:
        """Compare a state with its image under one of the generators, if it is its turn. Raises AsymmetryError."""
        if (number < FIRST or not number % EVERY) and self.generators:
            numbers = self.generators[self.done % len(self.generators)]
            self.done += 1
            state = self.folding.state_of(ids)
            self.compare(state, self.folding.renumbered(state, numbers), self.folding.named(numbers))

    def fold(self, number: int, ids: Ids) -> Ids:
        """Return the row that stands for the orbit of a row met at a state; if its turn has come, one is compared."""
        folding = self.folding
        row = folding.fold(ids)
        if (number < FIRST or not number % EVERY) and number != self.folded_at and ids != row:
            self.folded_at = number
            self.compare(folding.state_of(ids), folding.state_of(row), "the way to the state that stands for the orbit")
        return row

    def compare(self, one: State, other: State, how: str) -> None:
        """Compare two states of an orbit."""
        if one == other:
            return
        slots = ", ".join(slot for slot in one if one[slot] != other[slot])
        for observer in self.observers:
            if bool(ask(observer.name, observer.call, one)) != bool(ask(observer.name, observer.call, other)):
                raise AsymmetryError(f"{observer.name} tells a state from its image ({how}; {slots}): not a symmetry")
        ours, theirs = self._steps(one), self._steps(other)
        for missing, others in ((ours.keys() - theirs.keys(), theirs), (theirs.keys() - ours.keys(), ours)):
            if missing:
                mark = min(missing)
                raise AsymmetryError(self._told(mark, (ours | theirs)[mark], others, f"{how}; {slots}"))

    def _steps(self, state: State) -> dict[Mark, Move]:
        found = moves(self.book.machine, state, urgent=self.book.urgent)
        return {self._mark(state, move): move for move in reversed(found)}

    def _mark(self, state: State, move: Move) -> Mark:
        folding, book = self.folding, self.book
        claims = tuple(enumerate(book.properties))
        breached = tuple(
            number for number, claim in claims if isinstance(claim, StepProperty) and breaches(claim, state, move.step)
        )
        name = book.machine.actions[move.action].name
        helps = tuple(
            number
            for number, claim in claims
            if isinstance(claim, Recoverable) and claim.actions is not None and claim.actions(name)
        )
        return folding.fold(folding.ids_of(move.after)), book.fair[move.action], breached, helps

    def _told(self, mark: Mark, move: Move, others: dict[Mark, Move], how: str) -> str:
        """Say which step has no counterpart, and in which slots the nearest one differs."""
        name = self.book.machine.actions[move.action].name
        slots = tuple(self.folding.layout.places)
        differing = [[slot for slot, a, b in zip(slots, mark[0], other[0], strict=True) if a != b] for other in others]
        fewest: list[str] = min(differing, key=len, default=[])
        nearest = ", ".join(fewest)
        what = f"has no counterpart but one that leaves {nearest} otherwise" if nearest else "has no counterpart"
        return f"{name}: {move.step.label!r} {what} ({how}): not a symmetry of this machine"
