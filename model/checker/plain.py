"""The oracle: breadth-first search over tuples of values, every function called in every state, nothing remembered.

Short enough to be believed; the fast engine is measured against it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from itertools import groupby, islice
from operator import attrgetter

from ..machine import State, StepProperty, Symmetry
from .book import Book, Finding, observers
from .checkpoint import Kept, Saved
from .engine import Costs
from .guard import Guard, peak_memory
from .layout import CODES, Layout, widest
from .options import OPTIONS, Options
from .semantics import Move, ask, checked, initial_states, micro_steps, moves
from .symmetry.orbits import Folding


class Plain:
    """One search with the plain engine."""

    def __init__(
        self,
        book: Book,
        guard: Guard,
        _options: Options = OPTIONS,
        collect: Callable[[State], None] | None = None,
        symmetry: Symmetry | None = None,
    ) -> None:
        self.book = book
        slots = book.machine.slots()
        self.folding = book.folding = None if symmetry is None else Folding(symmetry, Layout(slots, CODES[-1]))
        """Finds the state that stands for an orbit, where the search is to keep one of each."""
        self.guard = guard
        self.collect = collect
        self.calls = 0
        self.values: list[set[object]] = [set() for _ in slots]
        self.index: dict[tuple[object, ...], int] = {}
        self.observers = observers(book.properties)

    def run(self, saved: Saved | None = None) -> None:
        """Search until every state is expanded; `StopSearch` where the guard or a breach ends it earlier."""
        book = self.book
        roots = initial_states(book.machine, urgent=book.urgent)
        if saved is None:
            folded = {self._fold(state).values_in_order: state for state in reversed(roots)}
            book.add_roots(tuple(reversed(folded.values())))
            found = [roots[0].with_values(values) for values in reversed(folded)]
        else:
            saved.fill(book)
            found = [roots[0].with_values(saved.kept.values(n)) for n in range(len(book.parent))]
        self.index = index = {state.values_in_order: number for number, state in enumerate(found)}
        number = book.expanded
        for state in found[:number]:
            self._meet(state)
        queue = deque(found[number:])
        bound = number
        while queue:
            self.guard.tick(book, number)
            if number == bound:
                bound = self.guard.bound(book, number)
            self._expand(number, queue.popleft(), index, queue)
            number += 1

    def _expand(self, number: int, state: State, index: dict[tuple[object, ...], int], queue: deque[State]) -> None:
        book = self.book
        self._meet(state)
        answers = self._observe(number, state)
        self.calls += len(book.machine.actions)
        found = moves(book.machine, state, urgent=book.urgent)
        for action, steps in groupby(found, attrgetter("action")):
            for move in steps:
                self._check_step(number, state, move)
                self._take(number, move, index, queue)
            book.enabled[action] += 1
        book.close(number, answers, fair=any(book.fair[move.action] for move in found))

    def _meet(self, state: State) -> None:
        for seen, value in zip(self.values, state.values_in_order, strict=True):
            seen.add(value)
        if self.collect is not None:
            self.collect(state)

    def _observe(self, number: int, state: State) -> list[tuple[int, bool, tuple[str, ...]]]:
        when: dict[int, bool] = {}
        answers: list[tuple[int, bool, tuple[str, ...]]] = []
        for observer in self.observers:
            self.calls += 1
            result = ask(observer.name, observer.call, state)
            self.book.observe(observer, number, result)
            if observer.role == "when":
                when[observer.number] = result
            if observer.role == "goal":
                answers.append((observer.number, when[observer.number], result))
        return answers

    def _check_step(self, number: int, state: State, move: Move) -> None:
        for claim_number, claim in enumerate(self.book.properties):
            if not isinstance(claim, StepProperty):
                continue
            for step, before, after in micro_steps(state, move.step):
                if claim.actions is not None and not claim.actions(step.action):
                    continue
                self.calls += 1
                if claim.premise is None:
                    self.book.occurred.add(claim_number)
                lines = ask(claim.name, checked(claim, step.label), before, after)
                if lines:
                    at = (move.action, move.ordinal)
                    self.book.breach(claim_number, Finding("step", number, lines, at))

    def _fold(self, state: State) -> State:
        return state if self.folding is None else self.folding.representative(state)

    def _take(self, number: int, move: Move, index: dict[tuple[object, ...], int], queue: deque[State]) -> None:
        book = self.book
        after = self._fold(move.after)
        key = after.values_in_order
        target = index.get(key)
        if target is None:
            self.guard.admit(len(index))
            target = index[key] = len(index)
            book.parent.append(number)
            book.action.append(move.action)
            book.ordinal.append(move.ordinal)
            book.new[move.action] += 1
            queue.append(after)
        book.transitions += 1
        book.taken[move.action] += 1
        if book.liveness:
            book.edge_to.append(target)
            book.edge_action.append(move.action)
            book.edge_ordinal.append(move.ordinal)

    def capture(self, count: int) -> Kept:
        """Return the first so many states."""
        layout = Layout(self.book.machine.slots(), CODES[-1])
        rows = (layout.pack(layout.ids(values)) for values in islice(self.index, count))
        data = b"".join(row.to_bytes(layout.size, "little") for row in rows)
        return Kept(tuple(map(tuple, layout.tables)), CODES[-1], data)

    def costs(self) -> Costs:
        """Say what it has cost so far: every state is a situation of its own here, urgent steps are not counted."""
        book = self.book
        actions = ((book.expanded,) * 3,) * len(book.machine.actions)
        return Costs(actions, self.calls, widest(book.machine.slots(), self.values), peak_memory())
