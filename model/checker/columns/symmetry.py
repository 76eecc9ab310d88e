"""Symmetry for the column engine: the steps of a batch are led to the states that stand for their orbits.

Which state stands for an orbit hangs only on the values that say something of members, and of these there are few
combinations. So rows are put together by those, `symmetry.Folding` is asked once for each combination, in Python, and
what it says is written into all rows of it at once. A fold may meet values that have no room in the words yet: then
nothing is written, the words are laid out anew and the batch writes its steps down once more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from ..symmetry.audit import Audit
from .compiled import Bytes, Ints, Longs, Words
from .packing import pack, unpack
from .states import States

FACTORS = np.random.default_rng(20).integers(1 << 62, size=1 << 12, dtype=np.uint64) | np.uint64(1)
"""Odd numbers by which rows are told apart, one for each place in turn."""
UNASKED = 2


class Orbits:
    """Finds the rows that stand for the orbits of others."""

    def __init__(self, audit: Audit, states: States) -> None:
        self.audit = audit
        self.states = states
        self.telling: list[Bytes] = [np.zeros(0, dtype=np.uint8) for _ in audit.folding.homes]
        """By place and id, whether the value says anything of members, or `UNASKED`."""

    def look(self, first: int, columns: Ints, count: int) -> None:
        """Compare some states with images of them, those whose turn it is."""
        for number in self.audit.due(first, count):
            self.audit.look(number, tuple(columns[:, number - first].tolist()))

    def lead(self, first: int, rows: Words, fits: Callable[[], bool]) -> bool:
        """Lead rows, steps of the states from `first` on, to those that stand for their orbits.

        `fits` makes room for what was met, and says whether it had not to move anything; if it had, this is False, and
        the rows are as they were.
        """
        word, shift, mask = self.states.layout
        columns = np.empty((len(word), len(rows)), dtype=np.int32)
        unpack(rows, 0, len(rows), word, shift, mask, columns)
        self._compare(first, columns)
        folding = self.audit.folding
        written = [(folding.places(columns[:, alike[0]].tolist()), alike) for alike in self._alike(columns)]
        if not fits():
            return False
        for places, alike in written:
            for place, number in places:
                columns[place, alike] = number
        rows[:] = 0
        pack(columns, len(rows), word, shift, rows)
        return True

    def _compare(self, first: int, columns: Ints) -> None:
        """Hold a row against the one that stands for its orbit, if it is the turn of the state whose step it is."""
        if any(self.audit.due(first, 1)):
            for number in range(columns.shape[1]):
                if self.audit.folded_at == first:
                    break
                self.audit.fold(first, tuple(columns[:, number].tolist()))

    def _alike(self, columns: Ints) -> Iterator[Longs]:
        """Yield the rows, by number, that have the same values wherever a value says anything of members."""
        told = np.zeros(columns.shape[1], dtype=np.uint64)
        said = np.where([self._tells(place, ids) for place, ids in enumerate(columns)], columns + 1, 0)
        for place, ids in enumerate(said):
            told += ids.astype(np.uint64) * FACTORS[place % len(FACTORS)]
        order = np.argsort(told, kind="stable")
        if not len(order):
            return
        last = said[:, order]
        begins = np.flatnonzero(np.r_[True, (last[:, 1:] != last[:, :-1]).any(axis=0)])
        yield from np.split(order, begins[1:])

    def _tells(self, place: int, ids: Ints) -> Bytes:
        known = self.telling[place]
        most = int(ids.max(initial=-1))
        if most >= len(known):
            new = np.full(2 * (most + 1), UNASKED, dtype=np.uint8)
            new[: len(known)] = known
            known = self.telling[place] = new
        found: Bytes = known[ids]
        if (found == UNASKED).any():
            for number in np.unique(ids[found == UNASKED]).tolist():
                known[number] = self.audit.folding.say(place, number) is not None
            found = known[ids]
        return found
