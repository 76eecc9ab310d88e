"""The fast engine: breadth-first search on packed rows, with every function of the machine behind a decision tree.

What it costs to expand a state does not grow with what did not change: each state starts from the leaves its parent had
and looks again only at those that the written slots can affect; a successor is two operations on one integer.
Left out on purpose: batches over arrays, several processes, and states kept on disk.
"""

from __future__ import annotations

from bisect import insort
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from itertools import islice
from typing import cast

from ..machine import MachineError, State, Symmetry
from .book import Book, Finding
from .checkpoint import Kept, Saved
from .engine import Costs
from .guard import TICK, Guard
from .layout import CODES, Effect, Layout, TooNarrow, patched
from .options import OPTIONS, Options
from .semantics import URGENT_LIMIT, UrgentError, initial_states
from .symmetry.audit import Audit
from .symmetry.orbits import Folding
from .trees.functions import Functions, Inherited, Leaves

REMEMBERED = 1 << 18
"""So many rows are remembered with those that stand for their orbits."""

MicroStep = tuple[int, Effect, Sequence[int], Sequence[int]]
"""An action's effect, and the ids before and after it."""


def fingerprint(key: bytes) -> int:
    """Return 64 bits that stand for a row; the same in every process."""
    return int.from_bytes(blake2b(key, digest_size=8).digest(), "little")


class Rows:
    """One search with the fast engine."""

    def __init__(
        self,
        book: Book,
        guard: Guard,
        options: Options = OPTIONS,
        collect: Callable[[State], None] | None = None,
        symmetry: Symmetry | None = None,
    ) -> None:
        self.book = book
        self.guard = guard
        self.collect = collect
        self.memo = options.memo
        self.fingerprints = options.visited == "fingerprint"
        self.symmetry = symmetry
        self.collected = 0
        self._prepare(CODES[0])

    def _prepare(self, code: str) -> None:
        self.layout = Layout(self.book.machine.slots(), code)
        self.functions = Functions(self.book, self.layout, memo=self.memo)
        self.book.folding = folding = (
            None if self.symmetry is None else Folding(self.symmetry, self.layout, self.guard.patience.look)
        )
        self.audit = None if folding is None else Audit(self.book, folding, self.functions)
        self.folded: dict[int, int] = {}
        """Rows that stand for nothing, and those that stand for their orbits."""
        self.index: dict[bytes | int, int] = {}
        self.queue: deque[tuple[int, Leaves, int]] = deque()
        """Rows to expand, with the leaves of the parent and the slots written since."""

    @property
    def inherited(self) -> Inherited:
        """What another search of the machine may go on with."""
        return Inherited(self.functions, self.book.folding)

    def run(self, saved: Saved | None = None) -> None:
        """Search until every state is expanded, anew with wider ids if the narrow ones do not suffice."""
        for code in CODES:
            self.book.clear()
            self._prepare(code)
            try:
                self._search(saved)
            except TooNarrow:
                continue
            return
        raise MachineError("a slot takes more values than can be numbered")

    def _search(self, saved: Saved | None) -> None:
        if saved is None:
            self._begin()
        else:
            self._take_up(saved)
        tick, queue, expand = self.guard.tick, self.queue, self._expand
        number = bound = self.book.expanded
        while queue:
            if not number % TICK:
                tick(self.book, number)
            if number == bound:
                bound = self.guard.bound(self.book, number)
            expand(number, *queue.popleft())
            number += 1

    def _begin(self) -> None:
        roots: list[State] = []
        nothing_known = self.functions.nothing_known()
        for state in initial_states(self.book.machine, urgent=self.book.urgent):
            ids = self.layout.ids(state.values_in_order)
            row = self.layout.pack(ids if self.audit is None else self.audit.folding.fold(ids))
            if self.index.setdefault(self._key(row), len(roots)) == len(roots):
                roots.append(state)
                self.queue.append((row, nothing_known, -1))
        self.book.add_roots(tuple(roots))

    def _take_up(self, saved: Saved) -> None:
        saved.fill(self.book)
        self.layout.take(saved.kept.tables)
        if self.audit is not None and saved.learnt is not None:
            self.audit.folding.learn(saved.learnt)
        nothing_known = self.functions.nothing_known()
        for number, ids in enumerate(saved.kept.ids()):
            row = self.layout.pack(ids)
            self.index[self._key(row)] = number
            if number < saved.mark.expanded:
                self._show(number, ids)
            else:
                self.queue.append((row, nothing_known, -1))

    def capture(self, count: int) -> Kept:
        """Return the first so many states."""
        tables = tuple(map(tuple, self.layout.tables))
        return Kept(tables, self.layout.code, b"".join(cast("Iterable[bytes]", islice(self.index, count))))

    def _key(self, row: int) -> bytes | int:
        key = row.to_bytes(self.layout.size, "little")
        return fingerprint(key) if self.fingerprints else key

    def _expand(self, number: int, row: int, parent_leaves: Leaves, changed: int) -> None:
        functions, book = self.functions, self.book
        ids = self.layout.unpack(row.to_bytes(self.layout.size, "little"))
        if self.collect is not None:
            self._show(number, ids)
        if self.audit is not None:
            self.audit.look(number, ids)
        leaves = parent_leaves.copy()
        for at in functions.refresh(leaves, ids, changed):
            book.observe(functions.observers[at - functions.first_observer], number, leaves[at].result)
        fair = self._fire(functions.ordinary, number, row, ids, leaves)
        if functions.quiet and not fair:
            for n in functions.quiet:
                leaves[n] = functions.look(n, ids)
            fair = self._fire(functions.quiet, number, row, ids, leaves)
        book.close(number, self._liveness_answers(leaves), fair=fair)

    def _show(self, number: int, ids: Sequence[int]) -> None:
        """Return a state to the collector, unless a search with narrower ids already did."""
        if self.collect is not None and number >= self.collected:
            self.collected += 1
            values = tuple(table[at] for table, at in zip(self.layout.tables, ids, strict=True))
            self.collect(State(self.layout.places, values))

    def _liveness_answers(self, leaves: Leaves) -> list[tuple[int, bool, tuple[str, ...]]]:
        if not self.book.liveness:
            return []
        answers: list[tuple[int, bool, tuple[str, ...]]] = []
        when = False
        functions = self.functions
        for observer, leaf in zip(functions.observers, leaves[functions.first_observer :], strict=True):
            if observer.role == "when":
                when = leaf.result
            elif observer.role == "goal":
                answers.append((observer.number, when, leaf.result))
        return answers

    def _fire(self, actions: list[int], number: int, row: int, ids: Sequence[int], leaves: Leaves) -> bool:
        """Take every step of these actions; tell whether a fair one is among them."""
        book, functions = self.book, self.functions
        watched, no_urgent = functions.watched, not functions.urgent
        fair = False
        for n in actions:
            enabled = False
            for effect in leaves[n].result:
                after = row & effect.keep | effect.put
                if after == row:
                    continue
                written = effect.written
                urgent = () if no_urgent else functions.set_off(written, leaves)
                if watched[n] or urgent:
                    micro: list[MicroStep] = [(n, effect, ids, patched(ids, effect))]
                    if urgent:
                        after, written = self._settle(after, urgent, leaves, micro)
                        if after == row:
                            continue
                    self._check_steps(number, micro)
                enabled = True
                if self.audit is not None:
                    after, written = self._fold(self.audit, (number, ids), after, written)
                self._arrive(number, (n, effect.ordinal), after, leaves, written)
            if enabled:
                book.enabled[n] += 1
                fair = fair or book.fair[n]
        return fair

    def _fold(self, audit: Audit, state: tuple[int, Sequence[int]], row: int, written: int) -> tuple[int, int]:
        """Return the row that stands for the orbit of a successor, and the slots in which it differs from the state."""
        if self._key(row) in self.index:
            return row, written
        number, parent = state
        known = self.folded.get(row)
        if known is None:
            ids = self.layout.unpack(row.to_bytes(self.layout.size, "little"))
            if len(self.folded) >= REMEMBERED:
                self.folded.clear()
            known = self.folded[row] = self.layout.pack(audit.fold(number, ids))
        if known == row or self._key(known) in self.index:
            return known, written
        ids = self.layout.unpack(known.to_bytes(self.layout.size, "little"))
        return known, sum(1 << place for place, (old, new) in enumerate(zip(parent, ids, strict=True)) if old != new)

    def _arrive(self, number: int, choice: tuple[int, int], row: int, leaves: Leaves, written: int) -> None:
        book, index = self.book, self.index
        n, ordinal = choice
        key: bytes | int = row.to_bytes(self.layout.size, "little")
        if self.fingerprints:
            key = self._key(row)
        target = index.get(key)
        if target is None:
            target = len(index)
            self.guard.admit(target)
            index[key] = target
            book.parent.append(number)
            book.action.append(n)
            book.ordinal.append(ordinal)
            book.new[n] += 1
            self.queue.append((row, leaves, written))
        book.transitions += 1
        book.taken[n] += 1
        if book.liveness:
            book.edge_to.append(target)
            book.edge_action.append(n)
            book.edge_ordinal.append(ordinal)

    def _settle(self, row: int, set_off: Sequence[int], leaves: Leaves, micro: list[MicroStep]) -> tuple[int, int]:
        """Run urgent actions, the first enabled one each time; give the final row and all that was written."""
        written = micro[0][1].written
        waiting = list(set_off)
        leaves = leaves.copy()
        for _ in range(URGENT_LIMIT + 1):
            step = self._first_enabled(row, waiting, leaves, micro[-1][3])
            if step is None:
                return row, written
            n, effect, row = step
            micro.append((n, effect, micro[-1][3], patched(micro[-1][3], effect)))
            written |= effect.written
            for other in self.functions.set_off(effect.written, leaves):
                if other not in waiting:
                    insort(waiting, other)
        raise UrgentError(f"urgent steps do not settle; the last was {self.book.machine.actions[micro[-1][0]].name}")

    def _first_enabled(
        self, row: int, waiting: list[int], leaves: Leaves, ids: Sequence[int]
    ) -> tuple[int, Effect, int] | None:
        while waiting:
            n = waiting.pop(0)
            leaves[n] = self.functions.look(n, ids)
            for effect in leaves[n].result:
                after = row & effect.keep | effect.put
                if after != row:
                    return n, effect, after
        return None

    def _check_steps(self, number: int, micro: list[MicroStep]) -> None:
        first = (micro[0][0], micro[0][1].ordinal)
        for n, effect, before, after in micro:
            for claim in self.functions.watched[n]:
                if claim[1].premise is None:
                    self.book.occurred.add(claim[0])
                if lines := self.functions.breaches(claim, effect.outcome.label, (*before, *after)):
                    self.book.breach(claim[0], Finding("step", number, lines, first))

    def costs(self) -> Costs:
        """Say what it has cost so far."""
        return self.functions.costs()
