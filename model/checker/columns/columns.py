"""The column engine: breadth-first search in batches over arrays, by compiled loops (an extra: numba).

A batch of states is spread into one column of ids per slot; every function's tree is walked for the whole batch;
what the trees do not know is asked in Python, once per situation; then every step is written down as packed words,
looked up, and what is new is numbered in the order in which the other engines find it. So states, transitions, numbers,
traces and verdicts are the same as theirs, to the last one. What cannot go on inside a batch (a function that raises,
a breach to stop at, Ctrl-C) makes it do the batch again with fewer states, so that it happens where it does elsewhere.

Once in a thousand steps a function is asked again and its answer compared. Left out on purpose: calling functions
without remembering them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from ...machine import State, Symmetry
from ..book import Book
from ..checkpoint import Saved
from ..engine import Costs
from ..guard import NEWS, TICK, Guard
from ..options import OPTIONS, Options
from ..semantics import initial_states
from ..trees.functions import Inherited
from . import visited
from .batch import Batch, Shorter, Steps
from .doubts import Doubts
from .expansion import BATCH, FIRST_BATCH, Expansion
from .kept import Packed, packed, repacked
from .memory import Spare
from .states import NO_LIMIT, as_bytes
from .threads import Together


class Columns:
    """One search with the column engine."""

    def __init__(
        self,
        book: Book,
        guard: Guard,
        options: Options = OPTIONS,
        collect: Callable[[State], None] | None = None,
        symmetry: Symmetry | None = None,
        inherited: Inherited | None = None,
    ) -> None:
        self.book = book
        self.guard = guard
        self.collect = collect
        self.together = Together(options.threads if symmetry is None else 1)  # What folds rows is Python all the time.
        # Properties of whole runs need to know which state a step leads to, and a fingerprint does not tell its number.
        exact = options.visited == "exact" or bool(book.liveness)
        self.expansion = expansion = Expansion(book, self.together, exact=exact, symmetry=symmetry, inherited=inherited)
        if book.folding is not None:
            book.folding.look = guard.patience.look
        self.states, self.tables, self.layout = expansion.states, expansion.tables, expansion.layout
        kept = options.checkpoint
        self.spare = Spare(guard, book, self.states, None if kept is None else kept.path.parent)
        self.doubts = Doubts(self.tables, expansion.kinds.tolist(), later=self.together.threads > 1)
        self.size = FIRST_BATCH
        self.counts = np.zeros((3, len(book.machine.actions)), dtype=np.int64)
        self.pending: tuple[int, BaseException] | None = None

    def run(self, saved: Saved | None = None) -> None:
        """Search until every state is expanded; `StopSearch` where the guard or a breach ends it earlier."""
        try:
            if saved is None:
                self.book.clear()
                self._begin()
            else:
                self._take_up(saved)
            self._search()
        finally:
            self.together.end()
            self._tell_counts()

    def _tell_counts(self) -> None:
        self.book.enabled, self.book.taken, self.book.new = self.counts.tolist()

    def _search(self) -> None:
        head = bound = self.book.expanded
        while head < self.states.count:
            if head == bound:
                bound = self.guard.bound(self.book, head)
            count = min(self.states.count, bound) - head
            if self.pending is not None:
                at, error = self.pending
                if at == head:
                    raise error
                count = min(count, at - head)
            head = self._round(head, count)
            self.states.forget(head)
        self.doubts.settle()

    def _begin(self) -> None:
        roots = initial_states(self.book.machine, urgent=self.book.urgent)
        if (folding := self.book.folding) is not None:
            stands = {folding.representative(state): state for state in reversed(roots)}
            self.book.add_roots(tuple(reversed(stands.values())))
            roots = tuple(reversed(stands))
        else:
            self.book.add_roots(roots)
        rows, states = self.expansion.rows_of([self.layout.ids(state.values_in_order) for state in roots]), self.states
        steps = Steps(len(rows), states.words)
        steps.rows = rows
        states.admit(len(rows))
        states.insert(steps, len(rows), states.probe(steps, len(rows)))
        states.append(rows)

    def _take_up(self, saved: Saved) -> None:
        """Go on with what was kept, be it by this engine or by another one."""
        saved.fill(self.book)
        book, states = self.book, self.states
        self.counts[:] = (book.enabled, book.taken, book.new)
        self.layout.take(saved.kept.tables)
        self.expansion.fit()
        rows = repacked(saved.kept, states)
        states.admit(len(rows))
        states.append(rows)
        states.rehash()
        if self.collect is not None:
            places = self.layout.places
            for number in range(book.expanded):
                self.collect(State(places, saved.kept.values(number)))

    def capture(self, count: int) -> Packed:
        """Return the first so many states, as they are until the next step is taken."""
        return packed(self.states, count, tuple(map(tuple, self.layout.tables)))

    def _round(self, head: int, count: int) -> int:
        """Expand some states from the head on, at most so many; give where the next round begins.

        A round is a batch per thread. All are expanded at the same time, as far as that only reads what all share;
        then each is finished, in order, as if the ones before it had never been at the same time.
        """
        batches = self._batches(head, count)
        self._tick(head, batches[-1].head + batches[-1].count - head)
        self.expansion.ready(head)
        self.together.expand(batches, self._ahead, self.expansion.is_packed, self.doubts.settle)
        for batch in batches:
            try:
                if batch.cut is not None:
                    raise batch.cut
                self._finish(batch)
            except Shorter as cut:
                self.size = max(cut.states, 1)
                if cut.error is not None:
                    self.pending = (batch.head + cut.states, cut.error)
                return batch.head
        self.size = min(2 * self.size, BATCH)
        return batches[-1].head + batches[-1].count

    def _batches(self, head: int, count: int) -> list[Batch]:
        """Cut the states at hand into batches, each in a room of its own."""
        parts = [1] if self.collect is not None else self.together.parts(count, self.size)
        batches = []
        for number, part in enumerate(parts):
            batches.append(self.expansion.batch(head, part, number))
            head += part
        return batches

    def _tick(self, head: int, count: int) -> None:
        self._tell_counts()
        for every in (NEWS, TICK):
            number = -(-head // every) * every
            if number < head + count:
                if every == NEWS:
                    self.spare.look()
                self.guard.tick(self.book, number)
                return

    def _ahead(self, batch: Batch) -> Iterator[None]:
        """Write down the steps of a batch and look them up; like `Expansion.expand`, writing in its own room only."""
        if not batch.looked:
            self.expansion.unpack(batch)
            self._show(batch)
        yield from self.expansion.expand(batch)
        self._find(batch)

    def _show(self, batch: Batch) -> None:
        """Return the state to the collector: where there is one, batches have one state."""
        if self.collect is not None:
            values = tuple(table[at] for table, at in zip(self.layout.tables, batch.ids(0), strict=True))
            self.collect(State(self.layout.places, values))

    def _find(self, batch: Batch) -> None:
        """Look up where the steps of a batch lead, and count them."""
        steps = batch.room.steps
        batch.fresh = self.states.probe(steps, batch.made)
        batch.table = self.states.table
        if self.together.threads > 1:
            steps.for_twins(batch.fresh)
            batch.fresh = visited.pair_up(
                steps.rows, steps.hashes, steps.fresh, batch.fresh, steps.seen, steps.twins, self.states.exact
            )  # fmt: skip
        self._count(batch, batch.made)

    def _count(self, batch: Batch, gone: int) -> None:
        """Count, per action, the states where it is enabled and the steps, of the first so many steps."""
        steps, actions = batch.room.steps, self.tables.effect_action.data
        batch.counts = np.zeros((2, self.counts.shape[1]), dtype=np.int64)
        visited.tally(steps.sources, steps.chosen, actions, batch.made, gone, batch.counts)

    def _finish(self, batch: Batch) -> None:
        """Take in what a batch found."""
        observed = self.expansion.observed
        if self.book.stop_at_first:
            observed.stop_early(batch)
        self.doubts.raise_about(batch, batch.made)
        gone = self._arrive(batch)
        done = self._done(batch, gone)
        observed.tell(batch, min(done + 1, batch.count))
        self.expansion.watched.tell(batch, gone)
        self._close(batch, done, gone)
        if gone < batch.made:
            self.guard.admit(self.states.count)

    def _arrive(self, batch: Batch) -> int:
        """Take the new states in and write down how they were reached; give how many steps were gone through."""
        book, states, steps, tables = self.book, self.states, batch.room.steps, self.tables
        limit = self.guard.limits.max_states
        self.spare.admit(batch.fresh)
        anew = batch.table is not states.table
        gone, new = states.insert(steps, batch.made, batch.fresh, NO_LIMIT if limit is None else limit, anew=anew)
        if self.together.threads > 1 and book.liveness:
            visited.settle_twins(steps.targets, steps.twins, gone)
        effects = (tables.effect_action.data, tables.effect_ordinal.data)
        visited.describe(
            steps.origin, new, batch.head, steps.sources, steps.chosen, *effects, steps.reached, self.counts[2]
        )  # fmt: skip
        states.append(steps.new[:new])
        for column, found in zip((book.parent, book.action, book.ordinal), steps.reached, strict=True):
            column.frombytes(as_bytes(found[:new]))
        if gone < batch.made:
            self._count(batch, gone)
        self.counts[:2] += batch.counts
        book.transitions += gone
        return gone

    def _done(self, batch: Batch, gone: int) -> int:
        """Return the number of states all of whose steps were gone through."""
        if batch.fault:
            return 0
        return batch.count if gone == batch.made else int(batch.room.steps.sources[gone])

    def _close(self, batch: Batch, done: int, gone: int) -> None:
        """End the expansion of the first `done` states of the batch."""
        book, steps, tables, observed = self.book, batch.room.steps, self.tables, self.expansion.observed
        if book.liveness:
            per_state = np.bincount(steps.sources[:gone], minlength=batch.count)
            ends = len(book.edge_to) + np.cumsum(per_state[:done])
            whole = int(per_state[:done].sum())
            chosen = steps.chosen[:whole]
            book.edge_to.frombytes(as_bytes(steps.targets[:whole].astype(np.uint32)))
            book.edge_action.frombytes(as_bytes(tables.effect_action.data[chosen].astype(np.uint16)))
            book.edge_ordinal.frombytes(as_bytes(tables.effect_ordinal.data[chosen].astype(np.uint16)))
            observed.close(batch, done)
            book.edges_end.frombytes(as_bytes(ends.astype(np.uint64)))
        book.expanded = batch.head + done
        observed.tell_stuck(batch, done)

    def costs(self) -> Costs:
        """Say what it has cost so far."""
        return self.tables.costs()
