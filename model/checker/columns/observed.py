"""What properties say of the states and steps of a batch, taken from the leaves into the book."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ...machine import StepProperty
from ..book import Book, Finding
from ..trees.functions import Functions
from . import kernels
from .batch import Batch, Shorter
from .tables import Tables


class ObservedStates:
    """What the properties of states say: observer by observer, in the rows of `Batch.leaves` from `first` on."""

    def __init__(self, book: Book, functions: Functions, tables: Tables, first: int) -> None:
        self.book = book
        self.observers = functions.observers
        self.tables = tables
        self.first, self.last = first, first + len(functions.observers)
        self.told: set[int] = set()
        self.untold: set[int] = set()
        """Leaves of observers that the book has been told of, and those it has not."""
        rows = {(observer.number, observer.role): row for row, observer in enumerate(self.observers, start=first)}
        self.whole_runs = tuple((n, rows[n, "when"], rows[n, "goal"]) for n in book.liveness)
        """Every property of whole runs with the rows of leaves that say `when` and `goal`."""

    def learnt(self, row: int, leaf: int) -> None:
        """Note a leaf that a function in some row was found to have."""
        if self.first <= row < self.last and leaf not in self.told:
            self.untold.add(leaf)

    def _news(self, batch: Batch, count: int) -> list[tuple[int, int, int]]:
        """List what observers say for the first time, as (state, observer, leaf)."""
        if not self.untold:
            return []
        news: list[tuple[int, int, int]] = []
        for row, leaves in enumerate(batch.leaves[self.first : self.last, :count]):
            found, first = np.unique(leaves, return_index=True)
            pairs = zip(found.tolist(), first.tolist(), strict=True)
            news.extend((state, row, leaf) for leaf, state in pairs if leaf in self.untold)
        return sorted(news)

    def tell(self, batch: Batch, count: int) -> None:
        """Tell the book what is new in the first so many states."""
        for state, row, leaf in self._news(batch, count):
            self.book.observe(self.observers[row], batch.head + state, self.tables.results[leaf])
            self.untold.discard(leaf)
            self.told.add(leaf)

    def stop_early(self, batch: Batch) -> None:
        """Where a breach inside the batch ends the search, let the batch end there."""
        for state, row, leaf in self._news(batch, batch.count):
            if self.observers[row].role == "check" and self.tables.results[leaf]:
                if state:
                    raise Shorter(state)
                self.tell(batch, 1)
        stuck = [np.flatnonzero(flags)[:1] for _, _, flags in self._stuck(batch, batch.count)]
        first = min((int(at[0]) for at in stuck if at.size), default=batch.count)
        if first + 1 < batch.count:
            raise Shorter(first + 1)

    def close(self, batch: Batch, count: int) -> None:
        """Write down what properties of whole runs say of the first so many states."""
        for number, when, goal in self.whole_runs:
            self.book.when[number].extend(self._truth(batch, when, count).tobytes())
            self.book.goal[number].extend((~self._truth(batch, goal, count)).tobytes())

    def tell_stuck(self, batch: Batch, count: int) -> None:
        """Tell the book of the first among so many states that is no goal and where nothing fair can happen."""
        for number, goal, flags in self._stuck(batch, count):
            if flags.any():
                state = int(flags.argmax())
                reasons = self.tables.results[int(batch.leaves[goal, state])]
                self.book.breach(number, Finding("stuck", batch.head + state, reasons))

    def _stuck(self, batch: Batch, count: int) -> Iterator[tuple[int, int, NDArray[np.bool_]]]:
        """Flag such states, per property, which comes with the row that says `goal`."""
        still = batch.fair[:count] == 0
        for number, when, goal in self.whole_runs:
            if number in self.book.rests:
                yield number, goal, still & self._truth(batch, when, count) & self._truth(batch, goal, count)

    def _truth(self, batch: Batch, row: int, count: int) -> NDArray[np.bool_]:
        flags: NDArray[np.bool_] = self.tables.truth.data[batch.leaves[row, :count]].astype(np.bool_)
        return flags


class WatchedSteps:
    """What the properties of steps say: a tree for each of them and each label that it watches."""

    def __init__(self, book: Book, functions: Functions, tables: Tables) -> None:
        self.book = book
        self.tables = tables
        self.first = len(functions.trees)

    def _trees(self) -> Iterator[tuple[int, int]]:
        """Return every tree of a step property with the number of that property."""
        return enumerate(self.tables.step_claim, start=self.first)

    def known(self, batch: Batch) -> NDArray[np.uint8]:
        """Say of the trees of step properties whether a breach is known already, and keep whether any was taken."""
        before, size = len(batch.known), self.tables.roots.size
        if before < size:
            batch.known = np.concatenate((batch.known, np.zeros(size - before, dtype=np.uint8)))
            found = {*self.book.findings, *(claim for _, claim, _ in batch.breaches)}
            for tree, claim in self._trees():
                if tree >= before and claim in found:
                    batch.known[tree] |= kernels.KNOWN
        return batch.known

    def broken(self, batch: Batch, state: int, made: int) -> bool:
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
        for other, owner in self._trees():
            if owner == claim:
                batch.known[other] |= kernels.KNOWN
        return batch.fault

    def tell(self, batch: Batch, gone: int) -> None:
        """Tell the book which steps were taken, and of the first breach of each property among so many steps."""
        known = self.known(batch)
        for tree, claim in self._trees():
            prop = self.book.properties[claim]
            if known[tree] & kernels.TAKEN and isinstance(prop, StepProperty) and prop.premise is None:
                self.book.occurred.add(claim)
        for step, claim, finding in batch.breaches:
            if step <= gone:
                self.book.breach(claim, finding)
