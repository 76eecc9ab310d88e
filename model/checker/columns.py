"""The column engine: breadth-first search in batches over arrays, by compiled loops (an extra: numba).

A batch of states is spread into one column of ids per slot; every function's tree is walked for the whole batch;
what the trees do not know is asked in Python, once per situation; then every step is written down as packed words,
looked up, and what is new is numbered in the order in which the other engines find it. So states, transitions, numbers,
traces and verdicts are the same as theirs, to the last one. What cannot go on inside a batch (a function that raises,
a breach to stop at, Ctrl-C) makes it do the batch again with fewer states, so that it happens where it does elsewhere.

Once in a thousand steps a function is asked again and its answer compared. Left out on purpose: calling functions
without remembering them, threads, and states kept on disk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..machine import State, StepProperty
from . import columns_kernels as kernels
from .book import Book, Finding
from .columns_states import States, as_bytes
from .columns_tables import Tables
from .functions import Functions
from .guard import NEWS, TICK, Guard
from .layout import CODES, Layout
from .semantics import URGENT_LIMIT, UrgentError, initial_states

BATCH = 2048
FIRST_BATCH = 64
ASKED_AT_ONCE = 4096
RECHECK = 1000
"""Once in so many steps a function is asked again."""
NO_LIMIT = 1 << 62


class Shorter(Exception):  # noqa: N818 - no error: the batch is done again with fewer states
    """A batch must end before one of its states, where `error`, if any, is then raised."""

    def __init__(self, states: int, error: BaseException | None = None) -> None:
        self.states = states
        self.error = error


class Batch:
    """What is known of the states at hand."""

    def __init__(self, head: int, count: int, slots: int, kinds: int) -> None:
        self.head = head
        self.count = count
        self.columns = np.empty((slots, count), dtype=np.int32)
        self.leaves = np.empty((kinds, count), dtype=np.int32)
        self.fair = np.zeros(count, dtype=np.uint8)
        self.breaches: list[tuple[int, int, Finding]] = []
        """Of step properties: the number of the step in the batch, that of the property, and what is wrong."""
        self.fault = False
        """The search ends with the last of these; the batch is cut to its first state, and that before that step."""

    def ids(self, state: int) -> list[int]:
        """Give the ids of one state."""
        row: list[int] = self.columns[:, state].tolist()
        return row


class Steps:
    """Room for the steps of a batch."""

    def __init__(self, room: int, words: int) -> None:
        self.rows = np.empty((room, words), dtype=np.uint64)
        self.sources = np.empty(room, dtype=np.int32)
        self.chosen = np.empty(room, dtype=np.int64)
        self.hashes = np.empty(room, dtype=np.uint64)
        self.targets = np.empty(room, dtype=np.int64)
        self.new = np.empty((room, words), dtype=np.uint64)
        self.origin = np.empty(room, dtype=np.int32)

    def larger(self, made: int) -> Steps:
        """Give twice the room, with the first `made` steps in it."""
        steps = Steps(2 * len(self.sources), self.rows.shape[1])
        steps.rows[:made] = self.rows[:made]
        steps.sources[:made] = self.sources[:made]
        steps.chosen[:made] = self.chosen[:made]
        return steps


class Columns:
    """One search with the column engine."""

    def __init__(
        self, book: Book, guard: Guard, collect: Callable[[State], None] | None, *, fingerprints: bool = False
    ) -> None:
        self.book = book
        self.guard = guard
        self.collect = collect
        slots = book.machine.slots()
        self.layout = Layout(slots, CODES[-1])
        self.functions = functions = Functions(book, self.layout, memo=True)
        self.tables = Tables(functions, self.layout, functions.first_observer)
        # Properties of whole runs need to know which state a step leads to, and a fingerprint does not tell its number.
        self.states = States(len(slots), exact=not fingerprints or bool(book.liveness))
        observers = range(functions.first_observer, len(functions.trees))
        self.kinds = np.array([*functions.ordinary, *observers, *functions.urgent], dtype=np.int64)
        """The functions every state is asked, in the order of the rows of `Batch.leaves`.

        No urgent action is enabled in any state; what it reads to find that out is what can set it off.
        """
        self.first_observer = len(functions.ordinary)
        self.first_urgent = self.first_observer + len(observers)
        self.who = (
            np.array(functions.ordinary, dtype=np.int64),
            np.array(functions.quiet, dtype=np.int64),
            np.array(book.fair, dtype=np.uint8),
        )
        self.urgent = np.array(functions.urgent, dtype=np.int64)
        words = self.tables.written.data.shape[1]
        self.urgent_reads = np.zeros((len(functions.urgent), words), dtype=np.uint64)
        self.work = (
            np.zeros((2 * len(slots), 1), dtype=np.int32),
            np.zeros(len(functions.urgent), dtype=np.uint8),
            np.zeros(URGENT_LIMIT + 1, dtype=np.int64),
            np.zeros(2, dtype=np.int64),
        )
        self.missing = np.zeros((ASKED_AT_ONCE, 2), dtype=np.int64)
        self.keep = np.zeros((0, 1), dtype=np.uint64)
        self.put = np.zeros((0, 1), dtype=np.uint64)
        self.packed = 0
        self.steps = Steps(4 * BATCH, 1)
        self.counts = np.zeros((3, len(book.machine.actions)), dtype=np.int64)
        self.pending: tuple[int, BaseException] | None = None
        self.observed: set[int] = set()
        self.unobserved: set[int] = set()
        """Leaves of observers that the book has been told of, and those it has not."""
        self.since_recheck = 0
        self.rechecks = 0

    def run(self) -> None:
        """Search until every state is expanded; `StopSearch` where the guard or a breach ends it earlier."""
        self.book.clear()
        self._begin()
        try:
            self._search()
        finally:
            self.book.enabled, self.book.taken, self.book.new = self.counts.tolist()

    def _search(self) -> None:
        head, size = 0, FIRST_BATCH
        largest = BATCH if self.collect is None else 1
        while head < self.states.count:
            count = min(size, largest, self.states.count - head)
            if self.pending is not None:
                at, error = self.pending
                if at == head:
                    raise error
                count = min(count, at - head)
            try:
                self._batch(head, count)
            except Shorter as cut:
                size = cut.states
                if cut.error is not None:
                    self.pending = (head + cut.states, cut.error)
                continue
            head += count
            size = min(2 * size, BATCH)
            self.states.forget(head)

    def _begin(self) -> None:
        roots = initial_states(self.book.machine, urgent=self.book.urgent)
        self.book.add_roots(roots)
        for state in roots:
            for place, value in enumerate(state.values_in_order):
                self.layout.intern(place, value)
        self._fit()
        rows = np.zeros((len(roots), self.states.words), dtype=np.uint64)
        word, shift, _ = self.states.layout
        for row, state in zip(rows, roots, strict=True):
            for place, value in enumerate(state.values_in_order):
                row[word[place]] |= np.uint64(self.layout.intern(place, value)) << shift[place]
        steps = Steps(len(roots), self.states.words)
        steps.sources[:], steps.chosen[:] = 0, 0
        self.states.admit(len(roots))
        self.states.probe(rows, len(roots), steps.hashes, steps.targets)
        one = np.zeros(1, dtype=np.int64)
        nobody = np.zeros((3, 1), dtype=np.int64)
        self._insert(steps, rows, len(roots), NO_LIMIT, one, nobody)
        self.states.append(rows)

    def _insert(
        self,
        steps: Steps,
        rows: NDArray[np.uint64],
        made: int,
        limit: int,
        actions: NDArray[np.int64],
        counts: NDArray[np.int64],
    ) -> tuple[int, int]:
        states = self.states
        gone, new = kernels.insert(
            states.table, states.view(), states.count, limit, rows, made, steps.hashes, steps.targets, states.exact,
            steps.sources, steps.chosen, actions, steps.new, steps.origin, counts,
        )  # fmt: skip
        return int(gone), int(new)

    def _fit(self) -> bool:
        """Let the words hold every value that was interned; tell whether that moved anything."""
        moved = self.states.fit([len(table) for table in self.layout.tables])
        if moved:
            self.packed = 0
            if self.steps.rows.shape[1] != self.states.words:
                self.steps = Steps(len(self.steps.sources), self.states.words)
        return moved

    def _batch(self, head: int, count: int) -> None:
        """Expand so many states, all of them or (`Shorter`) none."""
        self._tick(head, count)
        batch = Batch(head, count, len(self.layout.places), len(self.kinds))
        self._fit()  # A batch that was cut short may have left values that have no room yet.
        offset = head - self.states.forgotten
        kernels.unpack(self.states.view(), offset, count, *self.states.layout, batch.columns)
        self._show(batch)
        self._look(batch)
        made = self._generate(batch, offset)
        if self.book.stop_at_first:
            self._stop_early(batch)
        self._recheck(batch, made)
        gone = self._arrive(batch, made)
        done = self._done(batch, made, gone)
        self._observe(batch, min(done + 1, batch.count))
        self._settle_steps(batch, gone)
        self._close(batch, done, gone)
        if gone < made:
            self.guard.admit(self.states.count)

    def _done(self, batch: Batch, made: int, gone: int) -> int:
        """Give the number of states all of whose steps were gone through."""
        if batch.fault:
            return 0
        return batch.count if gone == made else int(self.steps.sources[gone])

    def _tick(self, head: int, count: int) -> None:
        for every in (NEWS, TICK):
            number = -(-head // every) * every
            if number < head + count:
                self.guard.tick(self.book, number)
                return

    def _try(self, state: int, call: Callable[..., Any], *arguments: Any) -> Any:
        """Call what may raise on behalf of a state of the batch: the states before it come first."""
        try:
            return call(*arguments)
        except BaseException as error:
            if state == 0:
                raise
            raise Shorter(state, error) from None

    def _show(self, batch: Batch) -> None:
        """Give the state to the collector: where there is one, batches have one state."""
        if self.collect is not None:
            values = tuple(table[at] for table, at in zip(self.layout.tables, batch.ids(0), strict=True))
            self.collect(State(self.layout.places, values))

    def _trees(self) -> kernels.Trees:
        tables = self.tables
        return (
            tables.roots.data, tables.nodes.data, tables.branches.cells.data,
            tables.projections.data, tables.images.cells.data,
        )  # fmt: skip

    def _look(self, batch: Batch) -> None:
        """Find what every function says of every state, asking those that were never asked in such a situation."""
        while True:
            missing = kernels.look(self.kinds, batch.count, batch.columns, self._trees(), batch.leaves, self.missing)
            if not missing:
                break
            kinds = self.kinds.tolist()
            wanted = sorted((state, kinds[kind], kind) for state, kind in self.missing[:missing].tolist())
            for state, number, kind in wanted:
                root = self.tables.roots.data[number]
                if kernels.descend(root, batch.columns, state, *self._trees()[1:]) != kernels.UNKNOWN:
                    continue  # It was learnt for a state before this one.
                leaf = self._try(state, self.tables.learn, number, batch.ids(state))
                if self.first_observer <= kind < self.first_urgent and leaf not in self.observed:
                    self.unobserved.add(leaf)
            self._fit()
            self._read()

    def _ask(self, number: int, ids: list[int]) -> None:
        self.tables.learn(number, ids)
        self._read()

    def _read(self) -> None:
        """Keep up with what the urgent actions have read so far."""
        for place, number in enumerate(self.functions.urgent):
            self.urgent_reads[place] = self.tables.reads(number)

    def _effects(self) -> kernels.Effects:
        """Give the tables of effects, those as words brought up to date."""
        tables, words = self.tables, self.states.words
        count = tables.effect_action.size
        if self.keep.shape[1] != words or len(self.keep) < count:
            room = max(2 * count, 64)
            self.keep, self.put = (np.zeros((room, words), dtype=np.uint64) for _ in range(2))
            self.packed = 0
        if self.packed < count:
            ends = tables.effect_ends.used
            kernels.pack_effects(
                self.packed, ends, tables.effect_slot.data, tables.effect_id.data, self.states.layout, words,
                self.keep, self.put,
            )  # fmt: skip
            self.packed = count
        return (
            tables.leaf_ends.data, tables.effect_ends.data, tables.effect_slot.data, tables.effect_id.data,
            tables.written.data, self.keep, self.put, tables.effect_action.data,
        )  # fmt: skip

    def _generate(self, batch: Batch, offset: int) -> int:
        """Write down every step of the batch; give their number."""
        self._mark_known()
        state = made = 0
        ask, pair = self.work[3], self.work[0]
        while True:
            steps, tables = self.steps, self.tables
            watch = (tables.watch_ends.data, tables.watchers.data, tables.truth.data, tables.known.data)
            how, state, made = kernels.generate(
                (state, batch.count, made), self.states.view(), offset, batch.columns, batch.leaves, self.who,
                (self.urgent, self.urgent_reads), self._trees(), self._effects(), watch, self.work,
                steps.rows, steps.sources, steps.chosen, batch.fair,
            )  # fmt: skip
            if how == kernels.DONE:
                return int(made)
            if how == kernels.FULL:
                self.steps = steps.larger(made)
            elif how == kernels.RESTLESS:
                self._try(state, self._restless, int(ask[0]))
            elif how == kernels.BROKEN:
                if self._broken(batch, state, made):
                    return int(made)
                made = int(np.searchsorted(steps.sources[:made], state))
            else:
                ids = pair[: len(self.layout.places) if how == kernels.ASK else len(pair), 0].tolist()
                self._try(state, self._ask, int(ask[0]), ids)
                if self._fit():
                    state = made = 0

    def _mark_known(self) -> None:
        """Say of the trees of step properties whether a breach is known already; whether any was taken, not yet."""
        known, tables = self.tables.known, self.tables
        for tree, claim in enumerate(tables.step_claim, start=len(self.functions.trees)):
            known.data[tree] = kernels.KNOWN if claim in self.book.findings else 0

    def _restless(self, action: int) -> None:
        name = self.book.machine.actions[action].name
        raise UrgentError(f"urgent steps do not settle; the last was {name}")

    def _broken(self, batch: Batch, state: int, made: int) -> bool:
        """Note a breach by a step; tell whether the search is to end with it."""
        tree, leaf = self.work[3].tolist()
        claim = self.tables.claim_of(tree)
        effect = int(self.work[2][0])
        step = (int(self.tables.effect_action.data[effect]), int(self.tables.effect_ordinal.data[effect]))
        finding = Finding("step", batch.head + state, self.tables.results[leaf], step)
        if self.book.stop_at_first:
            if state:
                raise Shorter(state)
            batch.count = 1
            batch.fault = True
        batch.breaches.append((made, claim, finding))
        for other, owner in enumerate(self.tables.step_claim, start=len(self.functions.trees)):
            if owner == claim:
                self.tables.known.data[other] |= kernels.KNOWN
        return batch.fault

    def _stop_early(self, batch: Batch) -> None:
        """Where a breach inside the batch ends the search, let the batch end there."""
        for state, row, leaf in self._news(batch, batch.count):
            if self.functions.observers[row].role == "check" and self.tables.results[leaf]:
                if state:
                    raise Shorter(state)
                self._observe(batch, 1)
        stuck = [np.flatnonzero(flags)[:1] for _, flags in self._stuck(batch, batch.count)]
        first = min((int(at[0]) for at in stuck if at.size), default=batch.count)
        if first + 1 < batch.count:
            raise Shorter(first + 1)

    def _news(self, batch: Batch, count: int) -> list[tuple[int, int, int]]:
        """List what observers say for the first time, as (state, observer, leaf)."""
        if not self.unobserved:
            return []
        news: list[tuple[int, int, int]] = []
        for row, leaves in enumerate(batch.leaves[self.first_observer : self.first_urgent, :count]):
            found, first = np.unique(leaves, return_index=True)
            pairs = zip(found.tolist(), first.tolist(), strict=True)
            news.extend((state, row, leaf) for leaf, state in pairs if leaf in self.unobserved)
        return sorted(news)

    def _observe(self, batch: Batch, count: int) -> None:
        for state, row, leaf in self._news(batch, count):
            self.book.observe(self.functions.observers[row], batch.head + state, self.tables.results[leaf])
            self.unobserved.discard(leaf)
            self.observed.add(leaf)

    def _recheck(self, batch: Batch, made: int) -> None:
        """Ask a function again once in a thousand steps; it must answer as before."""
        self.since_recheck += made
        while self.since_recheck >= RECHECK:
            self.since_recheck -= RECHECK
            self.rechecks += 1
            state = self.rechecks * 7919 % batch.count
            tree = self.tables.trees[int(self.kinds[self.rechecks % len(self.kinds)])]
            self._try(state, tree.learn, batch.ids(state))

    def _arrive(self, batch: Batch, made: int) -> int:
        """Take the new states in and write down how they were reached; give how many steps were gone through."""
        book, states, steps, tables = self.book, self.states, self.steps, self.tables
        limit = self.guard.limits.max_states
        states.admit(made)
        states.probe(steps.rows, made, steps.hashes, steps.targets)
        actions = tables.effect_action.data
        gone, new = self._insert(steps, steps.rows, made, NO_LIMIT if limit is None else limit, actions, self.counts)
        origin = steps.origin[:new]
        chosen = steps.chosen[origin]
        states.append(steps.new[:new])
        book.parent.frombytes(as_bytes((steps.sources[origin] + batch.head).astype(np.uint32)))
        book.action.frombytes(as_bytes(actions[chosen].astype(np.uint16)))
        book.ordinal.frombytes(as_bytes(tables.effect_ordinal.data[chosen].astype(np.uint16)))
        book.transitions += gone
        return gone

    def _settle_steps(self, batch: Batch, gone: int) -> None:
        """Tell the book of the steps that properties watch, and of the first breach of each."""
        tables = self.tables
        for tree, claim in enumerate(tables.step_claim, start=len(self.functions.trees)):
            prop = self.book.properties[claim]
            if tables.known.data[tree] & kernels.TAKEN and isinstance(prop, StepProperty) and prop.premise is None:
                self.book.occurred.add(claim)
        for step, claim, finding in batch.breaches:
            if step <= gone:
                self.book.breach(claim, finding)

    def _close(self, batch: Batch, done: int, gone: int) -> None:
        """End the expansion of the first `done` states of the batch."""
        book, steps, tables = self.book, self.steps, self.tables
        if book.liveness:
            per_state = np.bincount(steps.sources[:gone], minlength=batch.count)
            ends = len(book.edge_to) + np.cumsum(per_state[:done])
            whole = int(per_state[:done].sum())
            chosen = steps.chosen[:whole]
            book.edge_to.frombytes(as_bytes(steps.targets[:whole].astype(np.uint32)))
            book.edge_action.frombytes(as_bytes(tables.effect_action.data[chosen].astype(np.uint16)))
            book.edge_ordinal.frombytes(as_bytes(tables.effect_ordinal.data[chosen].astype(np.uint16)))
            for number, when, goal in self._liveness_rows():
                book.when[number].extend(self._truth(batch, when, done).tobytes())
                book.goal[number].extend((~self._truth(batch, goal, done)).tobytes())
            book.edges_end.frombytes(as_bytes(ends.astype(np.uint64)))
        book.expanded = batch.head + done
        for number, flags in self._stuck(batch, done):
            if flags.any():
                state = int(flags.argmax())
                goal = next(goal for other, _, goal in self._liveness_rows() if other == number)
                reasons = tables.results[batch.leaves[goal, state]]
                book.breach(number, Finding("stuck", batch.head + state, reasons))

    def _liveness_rows(self) -> Iterator[tuple[int, int, int]]:
        """Give every liveness property with the rows of leaves that say `when` and `goal`."""
        rows: dict[tuple[int, str], int] = {}
        for row, observer in enumerate(self.functions.observers, start=self.first_observer):
            rows[observer.number, observer.role] = row
        for number in self.book.liveness:
            yield number, rows[number, "when"], rows[number, "goal"]

    def _truth(self, batch: Batch, row: int, count: int) -> NDArray[np.bool_]:
        flags: NDArray[np.bool_] = self.tables.truth.data[batch.leaves[row, :count]].astype(np.bool_)
        return flags

    def _stuck(self, batch: Batch, count: int) -> Iterator[tuple[int, NDArray[np.bool_]]]:
        """Flag, per liveness property, the states that are no goal and where nothing fair can happen."""
        still = batch.fair[:count] == 0
        for number, when, goal in self._liveness_rows():
            if number not in self.book.rests:
                continue
            yield number, still & self._truth(batch, when, count) & self._truth(batch, goal, count)

    def costs(self) -> list[tuple[int, int]]:
        """Give (situations, calls) per action."""
        return self.functions.costs()

    def total_calls(self) -> int:
        """Give how often a function of the machine or a property was called."""
        return self.tables.calls()

    def widest(self) -> tuple[tuple[str, int], ...]:
        """Give the slots with their numbers of values, the widest first, by name where equal."""
        return self.layout.widest()
