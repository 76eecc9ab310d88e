"""Inclusion: whatever one machine shows, a simpler one may show, too, step by step, and rests where that one may rest.

Beside a state of the concrete machine goes the set of all states in which the abstract one may be by then, having shown
the same (the subset construction). A step that shows something has to be one of some of them; one that shows nothing
leaves the set as it is, for what the abstract machine may do unseen is in it. Nobody has to say which state stands for
which, as in `refine`, so it also tells of machines that do the same in another order where nobody looks.

Left out on purpose: what fairness promises, but for the end: where the concrete machine has nothing left that it must
do, the abstract one may have nothing left either.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator

from ..machine import Action, Invariant, Machine, Outcome, Sometimes, State, View
from .explore import explore
from .results import NO_LIMITS, Exploration, Limits
from .semantics import Move, initial_states, is_fair, moves

Shown = Callable[[View], Hashable]
"""What there is to be seen of a state of either machine."""
CONCRETE, ABSTRACT = "concrete", "abstract"
INCLUDED, RESTS, MOVES = "included", "rests", "moves"


class Steps:
    """A machine whose steps are worked out once for every state that occurs, and what they show."""

    def __init__(self, machine: Machine, shown: Shown) -> None:
        self.machine = machine
        self.shown = shown
        self._moves: dict[State, tuple[Move, ...]] = {}

    def moves(self, state: State) -> tuple[Move, ...]:
        """Return every step from a state, with the urgent ones that it sets off."""
        if state not in self._moves:
            self._moves[state] = moves(self.machine, state, urgent=True)
        return self._moves[state]

    def rests(self, state: State) -> bool:
        """Tell whether nobody is bound to do anything."""
        return not any(is_fair(self.machine.actions[move.action], urgent=True) for move in self.moves(state))

    def unseen(self, states: Iterable[State]) -> frozenset[State]:
        """Return what some states may become by steps that show nothing."""
        found, left = set(states), list(states)
        while left:
            state = left.pop()
            for move in self.moves(state):
                if move.after not in found and self.shown(move.after) == self.shown(state):
                    found.add(move.after)
                    left.append(move.after)
        return frozenset(found)

    def after(self, states: frozenset[State], shown: Hashable) -> frozenset[State]:
        """Return what some states may become by one step that leads to where this is shown, and unseen ones."""
        return self.unseen(
            {move.after for state in states for move in self.moves(state) if self.shown(move.after) == shown}
        )


def includes(
    concrete: Machine, abstract: Machine, of_concrete: Shown, of_abstract: Shown, *, limits: Limits = NO_LIMITS
) -> Exploration:
    """Search the concrete machine for a step, or an end, that the abstract one cannot show.

    Verdicts: `included`, `rests`, and `moves`, which is violated where the concrete machine never shows anything, so
    that the others say nothing.
    """
    fine, coarse = Steps(concrete, of_concrete), Steps(abstract, of_abstract)
    begins = initial_states(abstract, urgent=True)

    def step(view: View) -> Iterator[Outcome]:
        state, possible = view[CONCRETE], view[ABSTRACT]
        for move in fine.moves(state) if possible else ():
            shown = fine.shown(move.after)
            seen = shown != fine.shown(state)
            then = coarse.after(possible, shown) if seen else possible
            yield Outcome(f"{move.step.action}: {move.step.label}", {CONCRETE: move.after, ABSTRACT: then})

    starts = initial_states(concrete, urgent=True)
    first = {state: fine.shown(state) for state in starts}
    initial: tuple[dict[str, Hashable], ...] = tuple(
        {CONCRETE: state, ABSTRACT: coarse.unseen([begin for begin in begins if coarse.shown(begin) == first[state]])}
        for state in starts
    )
    both = Machine(initial, (Action("step", "all", step),))
    asked = (
        Invariant(INCLUDED, "The abstract machine may show the same.", _cannot),
        Invariant(RESTS, "The abstract machine may rest where the concrete one does.", _goes_on(fine, coarse)),
        Sometimes(MOVES, "Something is shown.", lambda view: fine.shown(view[CONCRETE]) not in first.values()),
    )
    return explore(both, asked, limits=limits)


def _cannot(view: View) -> Iterator[str]:
    if not view[ABSTRACT]:
        yield "the abstract machine cannot show this"


def _goes_on(fine: Steps, coarse: Steps) -> Callable[[View], Iterator[str]]:
    def check(view: View) -> Iterator[str]:
        if view[ABSTRACT] and fine.rests(view[CONCRETE]) and not any(map(coarse.rests, view[ABSTRACT])):
            yield "the abstract machine has still something to do, wherever it is"

    return check
