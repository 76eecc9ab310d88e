"""Leaves by direct look-up: one cell for every combination of the values that a function reads.

A decision tree is walked node by node. Where the slots it ever read have few values together, the leaf of every
combination is kept in a cell, whose number is a sum over the slots: no branches, and the loop over the states is a few
additions. A cell is written from the tree, for a state that is at hand. What it says stays true: a leaf depends on the
slots on its path alone, and those are among the slots of the plan when the cell is written (a plan is dropped as soon
as its tree reads another slot). A plan is made anew when a slot has a new value, before any state can have it.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from .tables import Column, Tables

MOST = 1 << 16
"""A plan has at most so many cells."""
ALL = 1 << 21
"""All plans together, those given up included, have at most so many."""


class Plans:
    """The plans of the functions that every state is asked (`kinds`, by their numbers)."""

    def __init__(self, tables: Tables, kinds: Sequence[int]) -> None:
        self._tables = tables
        self._kinds = list(kinds)
        self._open = set(range(len(kinds)))
        """Kinds that may still have a plan: what is too wide once stays so."""
        self._reads = [0] * len(kinds)
        self._sizes: list[int] = []
        self._parts: list[list[tuple[int, int]]] = [[] for _ in kinds]
        self.base = np.full(len(kinds), -1, dtype=np.int64)
        self.ends = np.zeros(len(kinds) + 1, dtype=np.int64)
        self.slots, self.strides = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.uint64)
        self.cells = Column(np.int32)

    def drop(self, kind: int) -> None:
        """Drop a plan whose tree reads another slot; tell nobody but `update`."""
        if self._tables.trees[self._kinds[kind]].reads != self._reads[kind]:
            self.base[kind] = -1

    def update(self) -> None:
        """Make plans for what was read and found since; to be called before any state has a value that is new."""
        sizes = [len(table) for table in self._tables.layout.tables]
        trees = self._tables.trees
        grown = sum(1 << slot for slot, size in enumerate(sizes) if not self._sizes or size != self._sizes[slot])
        self._sizes = sizes
        stale = [
            kind
            for kind in self._open
            if (reads := trees[self._kinds[kind]].reads) != self._reads[kind] or reads & grown
        ]
        for kind in sorted(stale):
            self._plan(kind, trees[self._kinds[kind]].reads)
        if stale:
            self._write_down()

    def _plan(self, kind: int, reads: int) -> None:
        self._reads[kind] = reads
        self.base[kind] = -1
        self._parts[kind] = []
        slots = [slot for slot in range(len(self._sizes)) if reads >> slot & 1]
        cells = prod(self._sizes[slot] for slot in slots)
        if cells > MOST or self.cells.size + cells > ALL:
            self._open.discard(kind)
            return
        self.base[kind] = self.cells.extend(cells, -1)
        stride = 1
        for slot in slots:
            self._parts[kind].append((slot, stride))
            stride *= self._sizes[slot]

    def _write_down(self) -> None:
        self.ends[1:] = np.cumsum([len(parts) for parts in self._parts])
        flat = [part for parts in self._parts for part in parts]
        self.slots = np.array([slot for slot, _ in flat], dtype=np.int64)
        self.strides = np.array([stride for _, stride in flat], dtype=np.uint64)
