"""One worker's part of a search that is spread over several: the states whose hash says that they are its own.

The search goes level by level. In a round every worker expands some states of the level (`expand`), new values get
their agreed numbers and the steps are dealt out to the owners of the states they lead to (`deal`, `arrive`). When the
level is expanded, the new states of all workers are numbered as one process would number them: by the step that found
them first, that is, by the number of the state it leaves and its position among that state's steps (`finish`, `rank`,
`number`). So every count, verdict and trace is the one that a single process gives; `search` conducts it,
and its docstring has the argument.

What the workers send each other are arrays. Expansion itself is that of the engine of columns. Left out on purpose:
fingerprints, and anything about processes, files and networks (`harness.distributed`).
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from attrs import evolve, frozen
from numpy.typing import NDArray

from ...machine import Machine, MachineError, Property
from ..book import Book
from ..columns.batch import Batch, Shorter, Steps
from ..columns.compiled import Words
from ..columns.doubts import Doubts
from ..columns.expansion import BATCH, FIRST_BATCH, Expansion
from ..columns.states import Layout, States, as_bytes
from ..columns.threads import Together
from ..engine import Costs
from ..guard import resident_memory
from ..semantics import initial_states
from . import kernels
from .links import Links, joined
from .told import Begun, Expanded, Told, names_of
from .values import Dictionary, Parcel, Parcels

AT_ONCE = 1 << 14
"""So many steps are looked up at a time: what they touch should stay in the cache."""
NOBODY = np.uint64((1 << 64) - 1)
"""More than any key."""
NONE = np.zeros(0, dtype=np.uint64)
NO_CHOICE = np.zeros(0, dtype=np.uint32)
ACTION = np.uint32(16)
"""Where the action begins in a choice."""
POSITIONS = 1 << kernels.POSITION_BITS


@frozen
class Piece:
    """Steps of a batch, with the layout of the words they were written in."""

    rows: Words
    keys: Words
    choices: NDArray[np.uint32]
    bits: list[int]
    layout: Layout


class Part:
    """The states of one worker. Local numbers are those of its store; a level's follow the order of all numbers."""

    def __init__(self, machine: Machine, properties: Sequence[Property], me: int, size: int, *, urgent: bool) -> None:
        self.book = Book(machine, properties, urgent=urgent, stop_at_first=False)
        self.expansion = expansion = Expansion(self.book, Together(1), exact=True)
        self.states, self.tables, self.layout = expansion.states, expansion.tables, expansion.layout
        self.doubts = Doubts(self.tables, expansion.kinds.tolist(), later=False)
        self.counts = np.zeros((3, len(machine.actions)), dtype=np.int64)
        self.pending: tuple[int, BaseException] | None = None
        self.me = me
        self.workers = size
        self.dictionary = Dictionary(self.layout)
        self.road = States(len(self.layout.places), exact=True)
        """No states: how rows are laid out that go from worker to worker. All do the same to it, at the same times."""
        self.numbers = array("Q")
        """Of each state, its number in all."""
        self.keys = array("Q")
        """Of each state, the step that found it first: the number of where it leaves, and its position there."""
        self.choices = array("I")
        self.head = 0
        """The next state to expand; those of the level begin at `level` and end at `last`."""
        self.level = self.last = 0
        self.pieces: list[Piece] = []
        self.best: Words = np.zeros(0, dtype=np.uint64)
        self.best_choices: NDArray[np.uint32] = np.zeros(0, dtype=np.uint32)
        self.fault: tuple[int, str, str] | None = None
        self.arrivals = Steps(0, 1)
        self.links = Links(wanted=bool(self.book.liveness))

    # The beginning.

    def begin(self, values: bytes) -> Begun:
        """Take those initial states that are one's own; no value in them is to be a new one."""
        roots = initial_states(self.book.machine, urgent=self.book.urgent)
        self.dictionary.learn(values)
        self.road.fit([len(table) for table in self.layout.tables])
        ids = [self.layout.ids(state.values_in_order) for state in roots]
        if self.dictionary.news():
            raise MachineError("a worker's machine begins otherwise than that of the search")
        rows = self.expansion.rows_of(ids)
        owners = np.zeros(len(rows), dtype=np.int32)
        self._find_owners(self._on_the_road(Piece(rows, NONE, NO_CHOICE, self.states.bits, self.states.layout)), owners)
        mine = np.flatnonzero(owners == self.me)
        nothing = np.zeros(len(mine), dtype=np.uint64)
        self._take_in(rows[mine].copy(), nothing, nothing.astype(np.uint32))
        self._enter(nothing, nothing.astype(np.uint32))
        self._rise(mine.astype(np.uint64))
        return Begun(names_of(self.book), tuple(ids), tuple(mine.tolist()))

    # A round: expand, deal, arrive.

    def expand(self, most: int) -> Expanded:
        """Expand up to so many states of the level; where a function fails, the level ends for this worker."""
        end = min(self.head + most, self.last)
        try:
            self._expand(end)
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - told to who conducts, who does the same again to see it
            self.fault = (int(self.numbers[self.head]), type(error).__name__, str(error))
            self.last = self.head
        done = self.head - self.level
        return Expanded(self.head < self.last, done, self.dictionary.news(), resident_memory(), self.fault)

    def _expand(self, end: int) -> None:
        size = FIRST_BATCH
        while self.head < end:
            count = min(size, end - self.head)
            if self.pending is not None:
                at, error = self.pending
                if at == self.head:
                    raise error
                count = min(count, at - self.head)
            try:
                self._expand_batch(count)
            except Shorter as cut:
                size = cut.states
                if cut.error is not None:
                    self.pending = (self.head + cut.states, cut.error)
                continue
            self.head += count
            size = min(2 * size, BATCH)

    def _expand_batch(self, count: int) -> None:
        expansion = self.expansion
        batch = expansion.batch(self.head, count)
        expansion.unpack(batch)
        expansion.ready(self.head)
        for _ in expansion.expand(batch):
            pass
        self.doubts.raise_about(batch, batch.made)
        expansion.observed.tell(batch, count)
        expansion.watched.tell(batch, batch.made)
        self._name(batch)
        expansion.observed.tell_stuck(batch, count)
        degrees = np.bincount(batch.room.steps.sources[: batch.made], minlength=count)
        self.links.leave(degrees, self.pieces[-1].choices)
        expansion.observed.close(batch, count)

    def _name(self, batch: Batch) -> None:
        """Keep the steps of a batch until they are dealt."""
        steps, tables, made = batch.room.steps, self.tables, batch.made
        keys, choices = np.empty(made, dtype=np.uint64), np.empty(made, dtype=np.uint32)
        numbers = np.array(self.numbers[batch.head : batch.head + batch.count], dtype=np.uint64)
        highest = kernels.name_steps(
            steps.sources, steps.chosen, made, numbers, tables.effect_action.data, tables.effect_ordinal.data,
            keys, choices, self.counts,
        )  # fmt: skip
        if highest >= POSITIONS:
            raise MachineError(f"a state has more than {POSITIONS:,} steps")
        self.book.transitions += made
        self.pieces.append(Piece(steps.rows[:made].copy(), keys, choices, self.states.bits, self.states.layout))

    def deal(self, additions: bytes) -> tuple[int, Parcels]:
        """Take in agreed values; give the number of steps of the round, and them to the owners of where they lead."""
        self.dictionary.learn(additions)
        self.expansion.fit()
        self.road.fit([len(table) for table in self.layout.tables])
        no_rows = np.zeros((0, self.road.words), dtype=np.uint64)
        rows = np.concatenate([no_rows, *map(self._on_the_road, self.pieces)])
        keys = joined([piece.keys for piece in self.pieces], np.uint64)
        choices = joined([piece.choices for piece in self.pieces], np.uint32)
        self.pieces = []
        owners = np.empty(len(rows), dtype=np.int32)
        self._find_owners(rows, owners)
        self.links.send(owners)
        ends = np.cumsum(np.bincount(owners, minlength=self.workers))
        places = np.concatenate((np.zeros(1, dtype=np.int64), ends[:-1]))
        dealt = (np.empty_like(rows), np.empty_like(keys), np.empty_like(choices))
        kernels.deal(rows, keys, choices, owners, places, dealt)
        return len(rows), tuple(zip(*(np.split(column, ends[:-1]) for column in dealt), strict=True))

    def _on_the_road(self, piece: Piece) -> Words:
        """Return the rows of a piece as all know them: agreed numbers, in the layout that these have."""
        if self.dictionary.same and piece.bits == self.road.bits:
            return piece.rows
        return self._translated(piece.rows, piece.layout, self.dictionary.to_agreed, self.road)

    def _at_home(self, rows: Words) -> Words:
        """Return rows that came as one's own store has them."""
        if self.dictionary.same and self.states.bits == self.road.bits:
            return rows
        return self._translated(rows, self.road.layout, self.dictionary.to_own, self.states)

    def _translated(self, rows: Words, layout: Layout, images: NDArray[np.int32], into: States) -> Words:
        out = np.empty((len(rows), into.words), dtype=np.uint64)
        kernels.translate(rows, len(rows), layout, self.dictionary.bases, images, into.layout, out)
        return out

    def _find_owners(self, rows: Words, owners: NDArray[np.int32]) -> None:
        book = self.dictionary
        kernels.find_owners(rows, len(rows), self.road.layout, book.bases, book.random, self.workers, owners)

    def arrive(self, *parcels: Parcel) -> int:
        """Take in the steps to one's own states; give how many states of the next level there are so far."""
        ends: list[NDArray[np.int64]] = []
        for rows, keys, choices in map(_writable, parcels):
            targets = np.empty(len(rows), dtype=np.int64)
            own = self._at_home(rows)
            for at in range(0, len(own), AT_ONCE):
                some = slice(at, at + AT_ONCE)
                targets[some] = self._take_in(own[some], keys[some], choices[some])
            ends.append(targets)
        self.links.receive(tuple(ends))
        return self.states.count - len(self.numbers)

    def _take_in(self, rows: Words, keys: Words, choices: NDArray[np.uint32]) -> NDArray[np.int64]:
        """Look states up and keep the new ones; give the place of each in the store."""
        made, states, steps = len(rows), self.states, self._arrivals(rows)
        states.admit(made)
        _, new = states.insert(steps, made, states.probe(steps, made))
        states.append(steps.new[:new])
        self._make_room(states.count - len(self.numbers))
        targets = steps.targets[:made]
        kernels.keep_least(targets, keys, choices, len(self.numbers), self.best, self.best_choices)
        return targets

    def _arrivals(self, rows: Words) -> Steps:
        """Return room for these rows to be looked up, and put them there."""
        if self.arrivals.new.shape[1] != self.states.words or len(self.arrivals.sources) < len(rows):
            self.arrivals = Steps(max(len(rows), AT_ONCE), self.states.words)
        self.arrivals.rows = rows
        return self.arrivals

    def _make_room(self, fresh: int) -> None:
        if fresh <= len(self.best):
            return
        room = max(fresh, 2 * len(self.best), 1 << 10)
        best, choices = np.full(room, NOBODY), np.zeros(room, dtype=np.uint32)
        best[: len(self.best)], choices[: len(self.best)] = self.best, self.best_choices
        self.best, self.best_choices = best, choices

    # The end of a level: finish, rank, number, link.

    def finish(self, first: int, last: int) -> tuple[Told, Parcels]:
        """Put the new states in order; deal out their keys by the share of the level (first to last) they come from."""
        known, states = len(self.numbers), self.states
        fresh = states.count - known
        order = np.argsort(self.best[:fresh])
        places = np.empty(fresh, dtype=np.int64)
        ordered = np.empty((fresh, states.words), dtype=np.uint64)
        rows = states.view()
        if not kernels.locate(states.table, rows, known, places):
            raise AssertionError("a state is not where its hash says")
        kernels.reorder(states.table, rows, known, places, order, ordered)
        rows[known:] = ordered
        del rows
        self.links.move(known, order)
        keys, choices = self.best[order], self.best_choices[order]
        self.counts[2] += np.bincount(choices >> ACTION, minlength=self.counts.shape[1])
        self._enter(keys, choices)
        bounds = [first + (last - first) * rank // self.workers for rank in range(1, self.workers)]
        shares = np.searchsorted(keys, np.array(bounds, dtype=np.uint64) << np.uint64(kernels.POSITION_BITS))
        return self.tell(), tuple((share,) for share in np.split(keys, shares))

    def rank(self, *parcels: Parcel) -> tuple[int, Parcels]:
        """Count the keys of one share, and tell each worker the places of its own among all of them."""
        every = np.sort(np.concatenate([keys for (keys,) in parcels]))
        return len(every), tuple((np.searchsorted(every, keys).astype(np.uint64),) for (keys,) in parcels)

    def number(self, begins: Sequence[int], *parcels: Parcel) -> None:
        """Return the new states, now the level, their numbers: those of each share begin somewhere."""
        self._rise(np.concatenate([ranks + np.uint64(begin) for begin, (ranks,) in zip(begins, parcels, strict=True)]))

    def answer(self) -> tuple[None, Parcels]:
        """Tell the senders of steps the numbers of the states they led to."""
        return None, self.links.tell(np.array(self.numbers, dtype=np.uint64), self.workers)

    def link(self, *parcels: Parcel) -> None:
        """Note where the steps of the level lead."""
        self.links.close(parcels)

    def _enter(self, keys: Words, choices: NDArray[np.uint32]) -> None:
        """Write down how the new states were found."""
        self.keys.frombytes(as_bytes(keys))
        self.choices.frombytes(as_bytes(choices))
        self.best[: len(keys)] = NOBODY

    def _rise(self, numbers: Words) -> None:
        """Make the new states the level to expand."""
        self.numbers.frombytes(as_bytes(numbers))
        self.level = self.head = self.last
        self.last = len(self.numbers)

    # What is asked of it.

    def tell(self) -> Told:
        """Return sums and firsts, states by their numbers."""
        book = self.book
        return Told(
            book.transitions,
            tuple(tuple(row) for row in self.counts.tolist()),
            {claim: evolve(finding, state=self.numbers[finding.state]) for claim, finding in book.findings.items()},
            frozenset(book.occurred),
            {claim: self.numbers[state] for claim, state in book.reached.items()},
        )

    def costs(self) -> Costs:
        """Say what it has cost."""
        return self.tables.costs()

    def origin(self, number: int) -> tuple[int, int] | None:
        """Return the number of the state a state was found from, and the choice (action, ordinal), if it is here."""
        at = bisect_left(self.numbers, number)
        if at == len(self.numbers) or self.numbers[at] != number:
            return None
        return self.keys[at] >> kernels.POSITION_BITS, self.choices[at]

    def graph(self, expanded: int) -> dict[str, NDArray[Any]]:
        """Return the numbers of one's states below `expanded`, their steps, and what properties of whole runs saw."""
        count = bisect_left(self.numbers, expanded)
        counts, targets, choices = self.links.arrays()
        steps = int(counts[:count].sum())
        found = {"numbers": np.array(self.numbers[:count], dtype=np.uint64), "counts": counts[:count]}
        found |= {"targets": targets[:steps], "choices": choices[:steps]}
        return found | self._flags(count)

    def _flags(self, count: int) -> dict[str, NDArray[Any]]:
        every = (("goal", self.book.goal), ("when", self.book.when))
        return {
            f"{role} {number}": np.array(flags[:count], dtype=np.uint8)
            for role, some in every
            for number, flags in some.items()
        }

    # Between two levels: what must be kept for all to go back there.

    def everything(self) -> dict[str, NDArray[Any]]:
        """Return everything found so far as arrays, in agreed numbers; some are views, dropped before going on."""
        counts, targets, choices = self.links.arrays()
        word, shift, mask = self.road.layout
        rows = self._on_the_road(Piece(self.states.view(), NONE, NO_CHOICE, self.states.bits, self.states.layout))
        kept: dict[str, NDArray[Any]] = {
            "rows": rows,
            "word": word,
            "shift": shift,
            "mask": mask,
            "numbers": np.frombuffer(self.numbers, dtype=np.uint64) if self.numbers else NONE,
            "keys": np.frombuffer(self.keys, dtype=np.uint64) if self.keys else NONE,
            "choices": np.frombuffer(self.choices, dtype=np.uint32) if self.choices else NO_CHOICE,
            "head": np.array([self.head, self.book.transitions], dtype=np.int64),
            "tally": self.counts,
            "edge counts": counts,
            "edge targets": targets,
            "edge choices": choices,
        }
        return kept | self._flags(self.head)

    def restore(self, values: bytes, kept: Mapping[str, NDArray[Any]]) -> None:
        """Become, being new, what `everything` was when the agreed values were these."""
        self.dictionary.learn(values)
        self.expansion.fit()
        self.road.fit([len(table) for table in self.layout.tables])
        rows, layout = kept["rows"], (kept["word"], kept["shift"], kept["mask"])
        if rows.shape[1] != layout[0].max() + 1 or len(layout[0]) != len(self.layout.places):
            raise ValueError("a worker's part does not fit the machine")
        rows = self._translated(rows, layout, self.dictionary.to_own, self.states)
        self.states.admit(len(rows))
        self.states.append(rows)
        self.states.rehash()
        self._enter(kept["keys"], kept["choices"])
        self.numbers.frombytes(as_bytes(kept["numbers"]))
        self.head, self.book.transitions = kept["head"].tolist()
        self.level, self.last = self.head, len(self.numbers)
        self.counts[:] = kept["tally"]
        self.links.fill(kept["edge counts"], kept["edge targets"], kept["edge choices"])
        for role, some in (("goal", self.book.goal), ("when", self.book.when)):
            for number, flags in some.items():
                flags.extend(kept[f"{role} {number}"].tobytes())


def _writable(parcel: Parcel) -> Parcel:
    """Return arrays that the compiled loops take: what came through shared memory may be read only."""
    return tuple(column if column.flags.writeable else column.copy() for column in parcel)
