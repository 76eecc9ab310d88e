"""The states of the column engine as a checkpoint keeps them: packed into words, as they lie in the store."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import Any

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from ..checkpoint import Kept, KeptStates
from . import packing
from .mapped import Mapped
from .states import States


@frozen
class Packed:
    """States as words, each state so many. `places`: per slot its word, how far it is shifted there, and its bits."""

    tables: tuple[tuple[Any, ...], ...]
    words: int
    places: tuple[tuple[int, int, int], ...]
    data: array[int] | Mapped = field(repr=False)

    def ids(self) -> Iterator[tuple[int, ...]]:
        """Return the ids of each state."""
        return map(self._ids, range(len(self.data) // self.words))

    def values(self, number: int) -> tuple[Any, ...]:
        """Return the values of one state."""
        return tuple(table[at] for table, at in zip(self.tables, self._ids(number), strict=True))

    def _ids(self, number: int) -> tuple[int, ...]:
        first = number * self.words
        return tuple(self.data[first + word] >> shift & (1 << bits) - 1 for word, shift, bits in self.places)


def packed(states: States, count: int, tables: tuple[tuple[Any, ...], ...]) -> Packed:
    """Return the first so many states as they lie in the store: the store itself where these are all of them."""
    word, shift, _ = (column.tolist() for column in states.layout)
    words = count * states.words
    data = states.store if len(states.store) == words else states.store[:words]
    return Packed(tables, states.words, tuple(zip(word, shift, states.bits, strict=True)), data)


def repacked(kept: KeptStates, states: States) -> NDArray[np.uint64]:
    """Return kept states in the words that they have here."""
    if isinstance(kept, Packed):
        rows = np.array(kept.data, dtype=np.uint64).reshape(-1, kept.words)
        places = np.array(kept.places, dtype=np.uint64).reshape(-1, 3)
        masks = (np.uint64(1) << places[:, 2]) - np.uint64(1)
        layout = (places[:, 0].astype(np.int64), places[:, 1].copy(), masks)
    else:
        rows = _rows(kept)
        slots = rows.shape[1]
        everything = np.full(slots, (1 << 32) - 1, dtype=np.uint64)
        layout = (np.arange(slots), np.zeros(slots, dtype=np.uint64), everything)
    words = np.zeros((len(rows), states.words), dtype=np.uint64)
    packing.repack(rows, *layout, states.layout[0], states.layout[1], words)
    return words


def _rows(kept: KeptStates) -> NDArray[np.uint64]:
    """Return one word per slot and state."""
    if not isinstance(kept, Kept):
        return np.array(list(kept.ids()), dtype=np.uint64)
    width = {"B": np.uint8, "H": np.uint16, "I": np.uint32}[kept.code]
    return np.frombuffer(kept.data, dtype=width).reshape(-1, len(kept.tables)).astype(np.uint64)
