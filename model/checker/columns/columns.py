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
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...machine import State, StepProperty, Symmetry
from ..book import Book, Finding, StopSearch
from ..checkpoint import COLUMNS, EDGES, Saved
from ..functions import Functions
from ..guard import NEWS, TICK, Guard, resident_memory
from ..layout import CODES, Layout
from ..semantics import ImpureStepError, StepError, UrgentError, initial_states
from ..symmetry import Folding
from ..symmetry_audit import Audit
from ..tree import Tree
from . import kernels, visited
from .batch import ASKED_AT_ONCE, Batch, Room, Shorter, Steps
from .compiled import on_disk
from .kept import Packed, packed, repacked
from .mapped import Mapped
from .plans import Plans
from .states import States, as_bytes
from .symmetry import Orbits
from .tables import Tables
from .threads import Together

BATCH = 2048
FIRST_BATCH = 64
IN_MEMORY = 0.6
"""When this share of the memory that is allowed is taken, states and how they were reached move into files."""
MAP_FROM = 1 << 16
"""Fewer states are not worth a file."""
PLANS_FROM = 4096
"""Leaves are looked up directly when there are so many states."""
RECHECK = 1000
"""Once in so many steps a function is asked again."""
NO_LIMIT = 1 << 62


class Columns:
    """One search with the column engine."""

    def __init__(
        self,
        book: Book,
        guard: Guard,
        collect: Callable[[State], None] | None,
        *,
        fingerprints: bool = False,
        threads: int = 1,
        folder: Path | None = None,
        symmetry: Symmetry | None = None,
    ) -> None:
        self.book = book
        self.guard = guard
        self.collect = collect
        self.fingerprints = fingerprints
        self.folder = folder
        """Where files go that take what memory may not; None leaves it to the system."""
        self.mapped = False
        self.saved: Saved | None = None
        """A search to be taken up."""
        slots = book.machine.slots()
        self.layout = Layout(slots, CODES[-1])
        self.functions = functions = Functions(book, self.layout, memo=True)
        self.tables = Tables(functions, self.layout, functions.first_observer)
        # Properties of whole runs need to know which state a step leads to, and a fingerprint does not tell its number.
        exact = not fingerprints or bool(book.liveness)
        self.together = Together(threads)
        self.states = States(len(slots), exact=exact, together=self.together)
        self.book.folding = folding = None if symmetry is None else Folding(symmetry, self.layout)
        self.orbits = None if folding is None else Orbits(Audit(book, folding), self.states)
        """Where one state of each orbit is kept: what leads to it. With one thread only."""
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
        self.plans = Plans(self.tables, self.kinds.tolist())
        self.keep = np.zeros((0, 1), dtype=np.uint64)
        self.put = np.zeros((0, 1), dtype=np.uint64)
        self.packed = 0
        self.rooms: list[Room] = []
        self.size = FIRST_BATCH
        self.counts = np.zeros((3, len(book.machine.actions)), dtype=np.int64)
        self.pending: tuple[int, BaseException] | None = None
        self.observed: set[int] = set()
        self.unobserved: set[int] = set()
        """Leaves of observers that the book has been told of, and those it has not."""
        self.since_recheck = 0
        self.rechecks = 0
        self.doubts: list[tuple[Tree, list[int]]] = []
        """With threads: what is to be asked again while the others are at work."""

    def run(self) -> None:
        """Search until every state is expanded; `StopSearch` where the guard or a breach ends it earlier."""
        if not on_disk(kernels.generate):
            self.guard.say("compiling the loops of the column engine: once after an installation, some 10 seconds")
        try:
            if self.saved is None:
                self.book.clear()
                self._begin()
            else:
                self._take_up(self.saved)
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
        self._ask_again()

    def _begin(self) -> None:
        roots = initial_states(self.book.machine, urgent=self.book.urgent)
        if (folding := self.book.folding) is not None:
            stands = {folding.representative(state): state for state in reversed(roots)}
            self.book.add_roots(tuple(reversed(stands.values())))
            roots = tuple(reversed(stands))
        else:
            self.book.add_roots(roots)
        for state in roots:
            for place, value in enumerate(state.values_in_order):
                self.layout.intern(place, value)
        self._fit()
        steps = Steps(len(roots), self.states.words)
        steps.rows[:] = 0
        word, shift, _ = self.states.layout
        for row, state in zip(steps.rows, roots, strict=True):
            for place, value in enumerate(state.values_in_order):
                row[word[place]] |= np.uint64(self.layout.intern(place, value)) << shift[place]
        self.states.admit(len(roots))
        fresh = self.states.probe(steps.rows, len(roots), steps.hashes, steps.targets, steps.fresh)
        self._insert(steps, len(roots), fresh, NO_LIMIT, anew=False)
        self.states.append(steps.rows)

    def _take_up(self, saved: Saved) -> None:
        """Go on with what was kept, be it by this engine or by another one."""
        saved.fill(self.book)
        book, states = self.book, self.states
        self.counts[:] = (book.enabled, book.taken, book.new)
        for place, table in enumerate(saved.kept.tables):
            for value in table:
                self.layout.intern(place, value)
        self._fit()
        rows = repacked(saved.kept, states)
        states.admit(len(rows))
        states.append(rows)
        states.rehash()
        if self.collect is not None:
            places = self.layout.places
            for number in range(book.expanded):
                self.collect(State(places, saved.kept.values(number)))

    def capture(self, count: int) -> Packed:
        """Give the first so many states, as they are until the next step is taken."""
        return packed(self.states, count, tuple(map(tuple, self.layout.tables)))

    def _insert(self, steps: Steps, made: int, fresh: int, limit: int, *, anew: bool) -> tuple[int, int]:
        states = self.states
        gone, new = visited.insert(
            states.table, states.view(), states.count, limit, steps.rows, made, steps.hashes, steps.targets,
            (steps.fresh, fresh), anew, states.exact, steps.new, steps.origin,
        )  # fmt: skip
        return int(gone), int(new)

    def _fit(self) -> bool:
        """Let the words hold every value that was interned; tell whether that moved anything."""
        moved = self.states.fit([len(table) for table in self.layout.tables])
        if moved:
            self.packed = 0
        return moved

    def _round(self, head: int, count: int) -> int:
        """Expand some states from the head on, at most so many; give where the next round begins.

        A round is a batch per thread. All are expanded at the same time, as far as that only reads what all share;
        then each is finished, in order, as if the ones before it had never been at the same time.
        """
        batches = self._batches(head, count)
        self._tick(head, batches[-1].head + batches[-1].count - head)
        self._ready(head)
        self.together.expand(batches, self._ahead, self._is_packed, self._ask_again)
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
        size = self.size
        parts = [1] if self.collect is not None else self.together.parts(count, size)
        batches = []
        for number, part in enumerate(parts):
            batches.append(self.batch(head, part, number))
            head += part
        return batches

    def batch(self, head: int, count: int, room: int = 0) -> Batch:
        """Give a batch of the states from the head on, in one of the rooms: that room's last batch is gone then."""
        return Batch(head, count, self._room(room, count))

    def _room(self, number: int, states: int) -> Room:
        if number == len(self.rooms) or len(self.rooms[number].fair) < states:
            size = max(states, BATCH)
            slots, urgent = len(self.layout.places), len(self.functions.urgent)
            self.rooms[number:] = [Room(size, slots, len(self.kinds), urgent, self.states.words)]
        return self.rooms[number]

    def _ready(self, head: int) -> None:
        """Bring everything that the loops read up to date with what was learnt; nobody may be in them meanwhile."""
        self._fit()
        for place, number in enumerate(self.functions.urgent):
            self.urgent_reads[place] = self.tables.reads(number)
        self._pack()
        if head >= PLANS_FROM:
            self.plans.update()

    def _ahead(self, batch: Batch) -> Iterator[None]:
        """Write down the steps of a batch and look them up.

        Yields before it asks Python functions, and after: until then nobody else runs. What is done otherwise only
        reads what all batches share (tables, states, the set of visited ones) and writes its own room. So it does not
        matter in which order batches do it, or whether at the same time.
        """
        if not batch.looked:
            offset = batch.head - self.states.forgotten
            kernels.unpack(self.states.view(), offset, batch.count, *self.states.layout, batch.columns)
            self._show(batch)
            yield from self._looking(batch)
            batch.looked = True
        yield from self._stepping(batch)
        while self.orbits is not None and not self._lead(batch, self.orbits):
            yield from self._stepping(batch)
        self._find(batch)

    def _lead(self, batch: Batch, orbits: Orbits) -> bool:
        """Lead the steps of a batch to the states that stand for their orbits; False if it must write them anew."""
        orbits.look(batch.head, batch.columns, batch.count)
        rows = batch.room.steps.rows[: batch.made]

        def fits() -> bool:
            self._ready(batch.head)
            return self._is_packed(batch)

        return orbits.lead(batch.head, rows, fits)

    def _is_packed(self, batch: Batch) -> bool:
        """Tell whether the steps of a batch are written in the words as they are now."""
        return batch.packed == self.states.repacked

    def _finish(self, batch: Batch) -> None:
        """Take in what a batch found."""
        if self.book.stop_at_first:
            self._stop_early(batch)
        self._recheck(batch, batch.made)
        gone = self._arrive(batch, batch.made)
        done = self._done(batch, batch.made, gone)
        self._observe(batch, min(done + 1, batch.count))
        self._settle_steps(batch, gone)
        self._close(batch, done, gone)
        if gone < batch.made:
            self.guard.admit(self.states.count)

    def _done(self, batch: Batch, made: int, gone: int) -> int:
        """Give the number of states all of whose steps were gone through."""
        if batch.fault:
            return 0
        return batch.count if gone == made else int(batch.room.steps.sources[gone])

    def _tick(self, head: int, count: int) -> None:
        self._tell_counts()
        for every in (NEWS, TICK):
            number = -(-head // every) * every
            if number < head + count:
                if every == NEWS:
                    self._spare_memory()
                self.guard.tick(self.book, number)
                return

    def _spare_memory(self) -> None:
        """Where memory is limited and gets short, move what only grows at its end into files."""
        limit, book, states = self.guard.limits.max_memory, self.book, self.states
        if limit is None or states.count < MAP_FROM:
            return
        names = (*COLUMNS, *EDGES, "edges_end")
        if not self.mapped and resident_memory() > IN_MEMORY * limit:
            self.mapped = True
            states.map_to(self.folder)
            for name in names:
                setattr(book, name, Mapped.of(getattr(book, name), self.folder))
        for column in (states.store, *(getattr(book, name) for name in names)):
            if isinstance(column, Mapped):
                column.rest()

    def _admit(self, more: int) -> None:
        """Make room in the table of visited states, which is never in a file."""
        limit, growth = self.guard.limits.max_memory, self.states.growth(more)
        if growth and limit is not None and self.states.count >= MAP_FROM:
            self._spare_memory()
            if resident_memory() + growth > limit:
                raise StopSearch(
                    f"the memory limit of {limit:,} bytes was hit: the table of visited states would grow by {growth:,}"
                )
        self.states.admit(more)

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
        self._ready(batch.head)
        for _ in self._looking(batch):
            pass

    def _looking(self, batch: Batch) -> Iterator[None]:
        room, missing = batch.room, ASKED_AT_ONCE
        while missing == ASKED_AT_ONCE:
            missing = kernels.look(
                self.kinds, batch.count, batch.columns, self._trees(), self._plans(), batch.leaves, room.missing,
                room.index,
            )  # fmt: skip
            if missing:
                yield
                self._learn(batch, missing)
                yield

    def _learn(self, batch: Batch, missing: int) -> None:
        """Ask what no tree knows, the earliest state first."""
        asked = batch.room.missing
        order = np.lexsort((self.kinds[asked[:missing, 1]], asked[:missing, 0]))
        at = 0
        if batch.head >= PLANS_FROM:
            self.plans.update()
        while True:
            at = kernels.fill(
                asked, order, at, self.kinds, batch.columns, self._trees(), self._plans(), batch.leaves
            )  # fmt: skip
            if at == missing:
                break
            state, kind = asked[order[at]].tolist()
            leaf = self._try(state, self.tables.learn, int(self.kinds[kind]), batch.ids(state))
            self.plans.drop(kind)
            if self.first_observer <= kind < self.first_urgent and leaf not in self.observed:
                self.unobserved.add(leaf)
        self._ready(batch.head)

    def _plans(self) -> kernels.Plans:
        plans = self.plans
        return plans.base, plans.ends, plans.slots, plans.strides, plans.cells.data

    def _pack(self) -> None:
        """Bring the effects as words up to date."""
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

    def _effects(self) -> kernels.Effects:
        tables = self.tables
        return (
            tables.leaf_ends.data, tables.effect_ends.data, tables.effect_slot.data, tables.effect_id.data,
            tables.written.data, self.keep, self.put, tables.effect_action.data,
        )  # fmt: skip

    def _generate(self, batch: Batch, offset: int) -> int:
        """Write down every step of the batch; give their number."""
        assert offset == batch.head - self.states.forgotten  # noqa: S101 - a batch knows its place
        for _ in self._stepping(batch):
            pass
        return batch.made

    def _stepping(self, batch: Batch) -> Iterator[None]:
        room, states = batch.room, self.states
        state = made = 0
        batch.breaches, batch.known, batch.fault = [], np.zeros(0, dtype=np.uint8), False
        batch.packed = states.repacked
        ask, pair = room.work[3], room.work[0]
        while True:
            if room.steps.rows.shape[1] != states.words:
                room.steps = Steps(len(room.steps.sources), states.words)
            steps, tables = room.steps, self.tables
            watch = (tables.watch_ends.data, tables.watchers.used, tables.truth.data, self._known(batch))
            how, state, made = kernels.generate(
                (state, batch.count, made), states.view(), batch.head - states.forgotten, batch.columns, batch.leaves,
                self.who, (self.urgent, self.urgent_reads), self._trees(), self._effects(), watch, room.work,
                steps.rows, steps.sources, steps.chosen, batch.fair,
            )  # fmt: skip
            if how == kernels.DONE:
                batch.made = int(made)
                return
            if how == kernels.FULL:
                room.steps = steps.larger(made)
                continue
            yield
            if how == kernels.BROKEN:
                if self._broken(batch, state, made):
                    batch.made = int(made)
                    yield
                    return
                made = int(np.searchsorted(steps.sources[:made], state))
            elif how == kernels.RESTLESS:
                self._try(state, self._restless, int(ask[0]))
            else:
                ids = pair[: len(self.layout.places) if how == kernels.ASK else len(pair), 0].tolist()
                self._try(state, self.tables.learn, int(ask[0]), ids)
                self._ready(batch.head)
            yield
            if batch.packed != states.repacked:
                state = made = 0
                batch.packed = states.repacked

    def _find(self, batch: Batch) -> None:
        """Look up where the steps of a batch lead, and count them."""
        steps = batch.room.steps
        batch.fresh = self.states.probe(steps.rows, batch.made, steps.hashes, steps.targets, steps.fresh)
        batch.table = self.states.table
        if self.together.threads > 1:
            steps.for_twins(batch.fresh)
            batch.fresh = visited.pair_up(
                steps.rows, steps.hashes, steps.fresh, batch.fresh, steps.seen, steps.twins, self.states.exact
            )  # fmt: skip
        batch.counts = np.zeros((2, self.counts.shape[1]), dtype=np.int64)
        visited.tally(
            steps.sources, steps.chosen, self.tables.effect_action.data, batch.made, batch.made, batch.counts
        )  # fmt: skip

    def _known(self, batch: Batch) -> NDArray[np.uint8]:
        """Say of the trees of step properties whether a breach is known already, and keep whether any was taken."""
        tables = self.tables
        before = len(batch.known)
        if before < tables.roots.size:
            batch.known = np.concatenate((batch.known, np.zeros(tables.roots.size - before, dtype=np.uint8)))
            found = {*self.book.findings, *(claim for _, claim, _ in batch.breaches)}
            first = len(self.functions.trees)
            for tree in range(max(first, before), tables.roots.size):
                if tables.step_claim[tree - first] in found:
                    batch.known[tree] |= kernels.KNOWN
        return batch.known

    def _restless(self, action: int) -> None:
        name = self.book.machine.actions[action].name
        raise UrgentError(f"urgent steps do not settle; the last was {name}")

    def _broken(self, batch: Batch, state: int, made: int) -> bool:
        """Note a breach by a step; tell whether the search is to end with it."""
        _, _, micro, ask = batch.room.work
        tree, leaf = ask.tolist()
        claim = self.tables.claim_of(tree)
        effect = int(micro[0])
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
                batch.known[other] |= kernels.KNOWN
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
            if self.together.threads == 1:
                self._try(state, tree.learn, batch.ids(state))
            else:
                self.doubts.append((tree, batch.ids(state)))

    def _ask_again(self) -> None:
        doubts, self.doubts = self.doubts, []
        for tree, ids in doubts:
            try:
                tree.learn(ids)
            except StepError as error:
                raise ImpureStepError(f"{error}, which it had not done before") from error

    def _arrive(self, batch: Batch, made: int) -> int:
        """Take the new states in and write down how they were reached; give how many steps were gone through."""
        book, states, steps, tables = self.book, self.states, batch.room.steps, self.tables
        limit = self.guard.limits.max_states
        self._admit(batch.fresh)
        anew = batch.table is not states.table
        gone, new = self._insert(steps, made, batch.fresh, NO_LIMIT if limit is None else limit, anew=anew)
        if self.together.threads > 1 and book.liveness:
            visited.settle_twins(steps.targets, steps.twins, gone)
        effects = (tables.effect_action.data, tables.effect_ordinal.data)
        visited.describe(
            steps.origin, new, batch.head, steps.sources, steps.chosen, *effects, steps.reached, self.counts[2]
        )  # fmt: skip
        states.append(steps.new[:new])
        for column, found in zip((book.parent, book.action, book.ordinal), steps.reached, strict=True):
            column.frombytes(as_bytes(found[:new]))
        if gone < made:
            batch.counts[:] = 0
            visited.tally(steps.sources, steps.chosen, tables.effect_action.data, made, gone, batch.counts)
        self.counts[:2] += batch.counts
        book.transitions += gone
        return gone

    def _settle_steps(self, batch: Batch, gone: int) -> None:
        """Tell the book of the steps that properties watch, and of the first breach of each."""
        known = self._known(batch)
        for tree, claim in enumerate(self.tables.step_claim, start=len(self.functions.trees)):
            prop = self.book.properties[claim]
            if known[tree] & kernels.TAKEN and isinstance(prop, StepProperty) and prop.premise is None:
                self.book.occurred.add(claim)
        for step, claim, finding in batch.breaches:
            if step <= gone:
                self.book.breach(claim, finding)

    def _close(self, batch: Batch, done: int, gone: int) -> None:
        """End the expansion of the first `done` states of the batch."""
        book, steps, tables = self.book, batch.room.steps, self.tables
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
                reasons = tables.results[int(batch.leaves[goal, state])]
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
