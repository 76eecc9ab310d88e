"""Symmetry for the column engine: the steps of a batch are led to the states that stand for their orbits.

Rows that are equal are folded once, and a row that was folded before is not folded again; what is left is the work of
`symmetry.Folding`, in Python. A fold may meet values that have no room in the words yet: then nothing is written, the
words are laid out anew and the batch writes its steps down once more.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..symmetry.audit import Audit
from .compiled import Ints, Words
from .packing import pack, unpack
from .states import States

REMEMBERED = 1 << 18
"""So many rows are remembered with those that stand for their orbits."""


class Orbits:
    """Finds the rows that stand for the orbits of others."""

    def __init__(self, audit: Audit, states: States) -> None:
        self.audit = audit
        self.states = states
        self.known: dict[bytes, bytes] = {}
        """Ids of a row, and of the one that stands for its orbit."""

    def look(self, first: int, columns: Ints, count: int) -> None:
        """Compare some states with images of them, those whose turn it is."""
        for number in self.audit.due(first, count):
            self.audit.look(number, tuple(columns[:, number - first].tolist()))

    def lead(self, first: int, rows: Words, fits: Callable[[], bool]) -> bool:
        """Lead rows, steps of the states from `first` on, to those that stand for their orbits.

        `fits` makes room for what was met, and says whether it had not to move anything; if it had, this is False, and
        the rows are as they were.
        """
        distinct, inverse = np.unique(rows, axis=0, return_inverse=True)
        word, shift, mask = self.states.layout
        columns = np.empty((len(word), len(distinct)), dtype=np.int32)
        unpack(distinct, 0, len(distinct), word, shift, mask, columns)
        ids = np.ascontiguousarray(columns.T)
        folded = b"".join([self._fold(first, number.tobytes()) for number in ids])
        if not fits():
            return False
        found = np.frombuffer(folded, dtype=np.int32).reshape(ids.shape)
        packed = np.zeros_like(distinct)
        pack(np.ascontiguousarray(found.T), len(packed), word, shift, packed)
        rows[:] = packed[inverse.reshape(-1)]
        return True

    def _fold(self, number: int, row: bytes) -> bytes:
        known = self.known.get(row)
        if known is None:
            if len(self.known) >= REMEMBERED:
                self.known.clear()
            found = self.audit.fold(number, tuple(np.frombuffer(row, dtype=np.int32).tolist()))
            known = self.known[row] = np.array(found, dtype=np.int32).tobytes()
        return known
