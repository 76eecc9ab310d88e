"""Where the steps of one worker lead, for properties of whole runs: the states at their ends lie with other workers.

While a level is expanded, whoever sends steps remembers to whom each went, and whoever receives them remembers where
in its store each one ends. When the level's new states have their numbers, the receivers send these back. All of it is
kept only where some property wants the graph.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..columns.states import as_bytes
from .values import Parcel, Parcels

Numbers = NDArray[np.int64]


class Links:
    """The steps of the states of one worker, and those to its states in the level at hand."""

    def __init__(self, *, wanted: bool) -> None:
        self.wanted = wanted
        self.counts = array("I")
        """Of each expanded state, the number of its steps."""
        self.targets = array("Q")
        self.choices = array("I")
        self._owners: list[NDArray[np.int32]] = []
        """Per round, to whom each step went."""
        self._ends: list[tuple[Numbers, ...]] = []
        """Per round, where in the store the steps of each worker end."""
        self._degrees: list[Numbers] = []
        self._sent: list[NDArray[np.uint32]] = []

    def leave(self, degrees: Numbers, choices: NDArray[np.uint32]) -> None:
        """Remember the steps of a batch."""
        if self.wanted:
            self._degrees.append(degrees)
            self._sent.append(choices)

    def send(self, owners: NDArray[np.int32]) -> None:
        """Remember to whom the steps of a round go."""
        if self.wanted:
            self._owners.append(owners)

    def receive(self, ends: tuple[Numbers, ...]) -> None:
        """Remember where the steps of a round end that came from each worker."""
        if self.wanted:
            self._ends.append(ends)

    def move(self, known: int, order: Numbers) -> None:
        """Follow the states from `known` on into their new order."""
        moved = np.empty(len(order), dtype=np.int64)
        moved[order] = np.arange(known, known + len(order), dtype=np.int64)
        for some in self._ends:
            for ends in some:
                fresh = ends >= known
                ends[fresh] = moved[ends[fresh] - known]

    def tell(self, numbers: NDArray[np.uint64], size: int) -> Parcels:
        """Send each worker the numbers of the states that its steps led to."""
        told = tuple((joined([numbers[some[worker]] for some in self._ends], np.uint64),) for worker in range(size))
        self._ends = []
        return told

    def close(self, parcels: Parcels) -> None:
        """Write down where the steps of the level lead."""
        owners = joined(self._owners, np.int32)
        targets = np.empty(len(owners), dtype=np.uint64)
        for worker, (numbers,) in enumerate(parcels):
            targets[owners == worker] = numbers
        self.targets.frombytes(as_bytes(targets))
        self.counts.frombytes(as_bytes(joined(self._degrees, np.int64).astype(np.uint32)))
        self.choices.frombytes(as_bytes(joined(self._sent, np.uint32)))
        self._owners, self._degrees, self._sent = [], [], []

    def arrays(self) -> Parcel:
        """Return what was written down: counts, targets, choices."""
        counts, choices = (np.array(column, dtype=np.uint32) for column in (self.counts, self.choices))
        return counts, np.array(self.targets, dtype=np.uint64), choices

    def fill(self, counts: NDArray[np.uint32], targets: NDArray[np.uint64], choices: NDArray[np.uint32]) -> None:
        """Take back what was written down."""
        self.counts.frombytes(as_bytes(counts))
        self.targets.frombytes(as_bytes(targets))
        self.choices.frombytes(as_bytes(choices))


def joined(columns: Sequence[NDArray[Any]], kind: DTypeLike) -> NDArray[Any]:
    """Put columns one after the other; none are an empty one."""
    return np.concatenate(columns) if columns else np.zeros(0, dtype=kind)
