"""Where the column engine keeps its states: packed into 64-bit words in the order found, which is also the queue.

A slot has as many bits as its values need, none while it has one value, and never straddles two words; when a slot
needs one more bit, every state is packed anew. The visited set is one 64-bit entry per place: exact, the number of a
state and 24 bits of its hash (the state itself decides); as fingerprints, 64 bits and nothing else, and the states that
were expanded are forgotten.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from mmap import mmap
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import columns_kernels as kernels

LOAD = 0.75
"""The table of visited states is never fuller than this."""
FIRST_TABLE = 1 << 12
SMALL_TABLE = 1 << 20
"""A table below this doubles when it is full; a larger one grows by half."""
FORGET = 1 << 16
"""Expanded states are forgotten, where they may be, when there are so many and more than wait."""
SEED = 0x6B756265
"""Of the random numbers that make fingerprints; any other seed is a second opinion."""


def as_bytes(numbers: NDArray[Any]) -> memoryview:
    """Give the same memory as bytes, for an `array` to take in."""
    return numbers.reshape(-1).view(np.uint8).data


def _empty(size: int) -> NDArray[np.uint64]:
    """Give an empty table in pages of its own, which go back to the system as soon as it is dropped."""
    return np.frombuffer(mmap(-1, 8 * size), dtype=np.uint64)


class States:
    """The states of one search and the set of those visited."""

    def __init__(self, slots: int, *, exact: bool) -> None:
        self.exact = exact
        self.count = 0
        self.forgotten = 0
        """States before this one are no longer in the store."""
        self.bits = [0] * slots
        self._place()
        self.store = array("Q")
        self.table = _empty(FIRST_TABLE)
        self._generator = np.random.default_rng(SEED)
        self.random = self._numbers(16)
        self.repacked = 0
        """How often the states were packed anew."""

    def _numbers(self, ids: int) -> NDArray[np.uint64]:
        return self._generator.integers(0, 2**64, (len(self.bits), ids), dtype=np.uint64)

    def _place(self) -> None:
        """Give every slot its word and its place there."""
        word, shift = [], []
        at = used = 0
        for bits in self.bits:
            if used + bits > 64:
                at, used = at + 1, 0
            word.append(at)
            shift.append(used % 64)
            used += bits
        self.words = at + 1
        masks = np.array([(1 << bits) - 1 for bits in self.bits], dtype=np.uint64)
        self.layout = (np.array(word, dtype=np.int64), np.array(shift, dtype=np.uint64), masks)

    def view(self) -> NDArray[np.uint64]:
        """Look at the store, one row per state; the store cannot grow while somebody does."""
        if not self.store:
            return np.zeros((0, self.words), dtype=np.uint64)
        return np.frombuffer(self.store, dtype=np.uint64).reshape(-1, self.words)

    def fit(self, values: Sequence[int]) -> bool:
        """Make room for so many values per slot; tell whether the layout changed."""
        needed = [max(bits, (count - 1).bit_length()) for bits, count in zip(self.bits, values, strict=True)]
        widest = max(values)
        if not self.exact and widest > self.random.shape[1]:
            self.random = np.hstack([self.random, self._numbers(max(widest, self.random.shape[1]))])
        if needed == self.bits:
            return False
        old = self.layout
        view = self.view()
        self.bits = needed
        self._place()
        packed = np.zeros((len(view), self.words), dtype=np.uint64)
        kernels.repack(view, *old, self.layout[0], self.layout[1], packed)
        del view
        self.store = array("Q")
        self.store.frombytes(as_bytes(packed))
        self.repacked += 1
        if self.exact:
            self._rehash(len(self.table))
        return True

    def admit(self, more: int) -> None:
        """Make the table large enough for so many more states."""
        size = len(self.table)
        while self.count + more > LOAD * size:
            size = size * 2 if size < SMALL_TABLE else size * 3 // 2
        if size > len(self.table):
            self._rehash(size)

    def _rehash(self, size: int) -> None:
        if self.exact:
            self.table = np.zeros(0, dtype=np.uint64)  # The store knows it all: never two tables at a time.
            self.table = _empty(size)
            kernels.rehash(self.table, self.view())
        else:
            old, self.table = self.table, _empty(size)
            kernels.refill(self.table, old)

    def probe(
        self, rows: NDArray[np.uint64], count: int, hashes: NDArray[np.uint64], targets: NDArray[np.int64]
    ) -> None:
        """Hash rows and look each up once."""
        if self.exact:
            kernels.probe(self.table, self.view(), rows, count, hashes, targets)
        else:
            kernels.probe_fingerprints(self.table, rows, count, self.layout, self.random, hashes, targets)

    def append(self, rows: NDArray[np.uint64]) -> None:
        """Put the states at the end that the table already knows by their numbers."""
        self.store.frombytes(as_bytes(rows))
        self.count += len(rows)

    def forget(self, before: int) -> None:
        """Drop the states before this one, if that is worth it and allowed."""
        gone = before - self.forgotten
        if not self.exact and gone >= FORGET and gone >= self.count - before:
            del self.store[: gone * self.words]
            self.forgotten = before

    def size(self) -> int:
        """Give the bytes that states and table take."""
        return len(self.store) * self.store.itemsize + int(self.table.nbytes)
