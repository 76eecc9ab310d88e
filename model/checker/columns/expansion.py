"""From a batch of states to all their steps: what functions say is looked up, or asked in Python once a situation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ...machine import Symmetry
from ..book import Book
from ..layout import CODES, Layout
from ..semantics import UrgentError
from ..symmetry.audit import Audit
from ..symmetry.orbits import Folding
from ..trees.functions import Functions, Inherited
from . import kernels, packing
from .batch import ASKED_AT_ONCE, Batch, Room, Steps, for_state
from .observed import ObservedStates, WatchedSteps
from .plans import Plans
from .states import States
from .symmetry import Orbits
from .tables import Tables
from .threads import Together

BATCH = 2048
FIRST_BATCH = 64
PLANS_FROM = 4096
"""Leaves are looked up directly when there are so many states."""


class Expansion:
    """A machine as tables of integers, its states, and what goes from these to their steps."""

    def __init__(
        self,
        book: Book,
        together: Together,
        *,
        exact: bool,
        symmetry: Symmetry | None = None,
        inherited: Inherited | None = None,
    ) -> None:
        self.book = book
        slots = book.machine.slots()
        if inherited is None:
            layout = Layout(slots, CODES[-1])
            folding = None if symmetry is None else Folding(symmetry, layout)
            inherited = Inherited(Functions(book, layout, memo=True), folding)
        self.functions, book.folding = functions, folding = inherited.functions, inherited.folding
        self.layout = functions.layout
        self.layout.widen(CODES[-1])
        self.tables = Tables(functions, self.layout, functions.first_observer)
        self.states = States(len(slots), exact=exact, together=together)
        self.orbits = None if folding is None else Orbits(Audit(book, folding, functions), self.states)
        """Where one state of each orbit is kept: what leads to it. With one thread only."""
        observers = range(functions.first_observer, len(functions.trees))
        self.kinds = np.array([*functions.ordinary, *observers, *functions.urgent], dtype=np.int64)
        """The functions every state is asked, in the order of the rows of `Batch.leaves`.

        No urgent action is enabled in any state; what it reads to find that out is what can set it off.
        """
        self.observed = ObservedStates(book, functions, self.tables, len(functions.ordinary))
        self.watched = WatchedSteps(book, functions, self.tables)
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

    def batch(self, head: int, count: int, room: int = 0) -> Batch:
        """Return a batch of the states from the head on, in one of the rooms: that room's last batch is gone then."""
        if room == len(self.rooms) or len(self.rooms[room].fair) < count:
            size, slots = max(count, BATCH), len(self.layout.places)
            self.rooms[room:] = [Room(size, slots, len(self.kinds), len(self.urgent), self.states.words)]
        return Batch(head, count, self.rooms[room])

    def fit(self) -> None:
        """Let the words hold every value that was interned."""
        if self.states.fit([len(table) for table in self.layout.tables]):
            self.packed = 0

    def rows_of(self, ids: Sequence[Sequence[int]]) -> NDArray[np.uint64]:
        """Return states, given by the ids of their values, as words."""
        self.fit()
        rows = np.zeros((len(ids), self.states.words), dtype=np.uint64)
        word, shift, _ = self.states.layout
        for row, some in zip(rows, ids, strict=True):
            for place, number in enumerate(some):
                row[word[place]] |= np.uint64(number) << shift[place]
        return rows

    def ready(self, head: int) -> None:
        """Bring everything that the loops read up to date with what was learnt; nobody may be in them meanwhile."""
        self.fit()
        for place, number in enumerate(self.functions.urgent):
            self.urgent_reads[place] = self.tables.reads(number)
        self._pack()
        if head >= PLANS_FROM:
            self.plans.update()

    def is_packed(self, batch: Batch) -> bool:
        """Tell whether the steps of a batch are written in the words as they are now."""
        return batch.packed == self.states.repacked

    def unpack(self, batch: Batch) -> None:
        """Spread the states of a batch into columns."""
        offset = batch.head - self.states.forgotten
        packing.unpack(self.states.view(), offset, batch.count, *self.states.layout, batch.columns)

    def expand(self, batch: Batch) -> Iterator[None]:
        """Write down the steps of a batch that is unpacked.

        Yields before it asks Python functions, and after: until then nobody else runs. What is done otherwise only
        reads what all batches share (tables, states, the set of visited ones) and writes its own room. So it does not
        matter in which order batches do it, or whether at the same time.
        """
        if not batch.looked:
            yield from self._looking(batch)
            batch.looked = True
        yield from self._stepping(batch)
        while self.orbits is not None and not self._lead(batch, self.orbits):
            yield from self._stepping(batch)

    def _lead(self, batch: Batch, orbits: Orbits) -> bool:
        """Lead the steps of a batch to the states that stand for their orbits; False if it must write them anew."""
        orbits.look(batch.head, batch.columns, batch.count)
        rows = batch.room.steps.rows[: batch.made]

        def fits() -> bool:
            self.ready(batch.head)
            return self.is_packed(batch)

        return orbits.lead(batch.head, rows, fits)

    def _looking(self, batch: Batch) -> Iterator[None]:
        """Find what every function says of every state, asking those that were never asked in such a situation."""
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
            leaf = for_state(state, self.tables.learn, int(self.kinds[kind]), batch.ids(state))
            self.plans.drop(kind)
            self.observed.learnt(kind, leaf)
        self.ready(batch.head)

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
            watch = (tables.watch_ends.data, tables.watchers.used, tables.truth.data, self.watched.known(batch))
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
                if self.watched.broken(batch, state, made):
                    batch.made = int(made)
                    yield
                    return
                made = int(np.searchsorted(steps.sources[:made], state))
            elif how == kernels.RESTLESS:
                for_state(state, self._restless, int(ask[0]))
            else:
                ids = pair[: len(self.layout.places) if how == kernels.ASK else len(pair), 0].tolist()
                for_state(state, tables.learn, int(ask[0]), ids)
                self.ready(batch.head)
            yield
            if batch.packed != states.repacked:
                state = made = 0
                batch.packed = states.repacked

    def _restless(self, action: int) -> None:
        name = self.book.machine.actions[action].name
        raise UrgentError(f"urgent steps do not settle; the last was {name}")

    # What the compiled loops are given.

    def _trees(self) -> kernels.Trees:
        tables = self.tables
        return (
            tables.roots.data, tables.nodes.data, tables.branches.cells.data,
            tables.projections.data, tables.images.cells.data,
        )  # fmt: skip

    def _plans(self) -> kernels.Plans:
        plans = self.plans
        return plans.base, plans.ends, plans.slots, plans.strides, plans.cells.data

    def _effects(self) -> kernels.Effects:
        tables = self.tables
        return (
            tables.leaf_ends.data, tables.effect_ends.data, tables.effect_slot.data, tables.effect_id.data,
            tables.written.data, self.keep, self.put, tables.effect_action.data,
        )  # fmt: skip

    def _pack(self) -> None:
        """Bring the effects as words up to date."""
        tables, words = self.tables, self.states.words
        count = tables.effect_action.size
        if self.keep.shape[1] != words or len(self.keep) < count:
            room = max(2 * count, 64)
            self.keep, self.put = (np.zeros((room, words), dtype=np.uint64) for _ in range(2))
            self.packed = 0
        if self.packed < count:
            packing.pack_effects(
                self.packed, tables.effect_ends.used, tables.effect_slot.data, tables.effect_id.data,
                self.states.layout, words, self.keep, self.put,
            )  # fmt: skip
            self.packed = count
