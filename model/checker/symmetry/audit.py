"""Samples that a symmetry is one: a state and an image of it have the same steps, up to symmetry, and look alike.

What is compared, ever more rarely at first and then once in so many states, for one generator each: what every
property observes (whether it has something to say, not the words, which name members), and every step: where it
leads, whether it is fair, which step properties it breaches, and for which properties it counts as help. And, as
often, a row that is met there against the one that stands for its orbit, which is how the search uses symmetry.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...machine import Recoverable, State, StepProperty
from ..book import Book
from ..layout import Effect, patched
from ..results import Step
from ..semantics import URGENT_LIMIT, Move, UrgentError
from ..traces import breaches
from ..trees.functions import Functions
from .orbits import AsymmetryError, Folding, Ids

EVERY = 1000
EARLY = frozenset(number for number in range(EVERY) if not number % (1 << max(0, number.bit_length() - 3)))
"""The states among the first thousand whose turn it is: all to 8, then 10, 12, 14, 16, 20, 24 ... four from each to its
double. Most searches are of a few hundred states, and to compare each of them would be most of their work."""

Mark = tuple[Ids, bool, tuple[int, ...], tuple[int, ...]]
"""A step, up to symmetry: where it leads, whether it is fair, what it breaches, what it helps."""


def is_due(number: int) -> bool:
    """Tell whether it is the turn of a state."""
    return number in EARLY or not number % EVERY


class Audit:
    """Compares states with images of them."""

    def __init__(self, book: Book, folding: Folding, functions: Functions) -> None:
        self.book = book
        self.folding = folding
        self.functions = functions
        """Those of the search, so that of two states that are compared one costs nothing."""
        self.generators = folding.generators()
        self.done = 0
        self.folded_at = -1

    @staticmethod
    def due(first: int, count: int) -> Iterator[int]:
        """Yield the states among so many whose turn it is."""
        early = range(first, min(first + count, EVERY))
        yield from (number for number in early if is_due(number))
        begin = max(first, EVERY)
        yield from range(begin + -begin % EVERY, first + count, EVERY)

    def look(self, number: int, ids: Ids) -> None:
        """Compare a state with its image under one of the generators, if it is its turn. Raises AsymmetryError."""
        if is_due(number) and self.generators:
            numbers = self.generators[self.done % len(self.generators)]
            self.done += 1
            state = self.folding.state_of(ids)
            self.compare(state, self.folding.renumbered(state, numbers), self.folding.named(numbers))

    def fold(self, number: int, ids: Ids) -> Ids:
        """Return the row that stands for the orbit of a row met at a state; if its turn has come, one is compared."""
        folding = self.folding
        row = folding.fold(ids)
        if is_due(number) and number != self.folded_at and ids != row:
            self.folded_at = number
            self.compare(folding.state_of(ids), folding.state_of(row), "the way to the state that stands for the orbit")
        return row

    def compare(self, one: State, other: State, how: str) -> None:
        """Compare two states of an orbit."""
        if one == other:
            return
        slots = ", ".join(slot for slot in one if one[slot] != other[slot])
        ids, others_ids = self.folding.ids_of(one), self.folding.ids_of(other)
        functions = self.functions
        for number, observer in enumerate(functions.observers, functions.first_observer):
            if bool(functions.look(number, ids).result) != bool(functions.look(number, others_ids).result):
                raise AsymmetryError(f"{observer.name} tells a state from its image ({how}; {slots}): not a symmetry")
        ours, theirs = self._steps(one), self._steps(other)
        for missing, others in ((ours.keys() - theirs.keys(), theirs), (theirs.keys() - ours.keys(), ours)):
            if missing:
                mark = min(missing)
                raise AsymmetryError(self._told(mark, (ours | theirs)[mark], others, f"{how}; {slots}"))

    def _steps(self, state: State) -> dict[Mark, Move]:
        return {self._mark(state, move): move for move in reversed(self.moves(state))}

    def moves(self, state: State) -> tuple[Move, ...]:
        """Return every step from a state, as `semantics.moves` does, by what the functions of the search answer."""
        ids = self.folding.ids_of(state)
        found = tuple(self._moves_of(ids, self.functions.ordinary))
        if any(self.book.fair[move.action] for move in found):
            return found
        return found + tuple(self._moves_of(ids, self.functions.quiet))

    def _moves_of(self, ids: Ids, numbers: Sequence[int]) -> Iterator[Move]:
        actions = self.book.machine.actions
        for number in numbers:
            for effect in self._effects(number, ids):
                after, urgent = self._settled(patched(ids, effect))
                if after != ids:
                    step = Step.of(actions[number], effect.outcome, urgent)
                    yield Move(number, effect.ordinal, step, self.folding.state_of(after))

    def _settled(self, ids: Ids) -> tuple[Ids, tuple[Step, ...]]:
        """Run the urgent actions, the first enabled one each time, until none changes anything."""
        steps: list[Step] = []
        actions = self.book.machine.actions
        while len(steps) <= URGENT_LIMIT:
            found = ((number, effect) for number in self.functions.urgent for effect in self._effects(number, ids))
            first = next(((number, effect) for number, effect in found if patched(ids, effect) != ids), None)
            if first is None:
                return ids, tuple(steps)
            number, effect = first
            steps.append(Step.of(actions[number], effect.outcome))
            ids = patched(ids, effect)
        raise UrgentError(f"urgent steps do not settle; the last was {steps[-1].action}")

    def _effects(self, number: int, ids: Ids) -> tuple[Effect, ...]:
        effects: tuple[Effect, ...] = self.functions.look(number, ids).result
        return effects

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
