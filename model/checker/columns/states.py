"""Where the column engine keeps its states: packed into 64-bit words in the order found, which is also the queue.

A slot has as many bits as its values need, none while it has one value, and never straddles two words; when a slot
needs one more bit, every state is packed anew. The visited set is one 64-bit entry per place: exact, the number of a
state and 24 bits of its hash (the state itself decides); as fingerprints, 64 bits and nothing else, and the states that
were expanded are forgotten.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from functools import partial
from mmap import mmap
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import packing, visited
from .batch import Steps
from .mapped import Mapped
from .threads import Together

Layout = tuple[NDArray[np.int64], NDArray[np.uint64], NDArray[np.uint64]]
"""Per slot its word, how far it is shifted there, and its bits as a mask."""

WORD = 64
LOAD = 0.75
"""The table of visited states is never fuller than this."""
FIRST_TABLE = 1 << 12
SMALL_TABLE = 1 << 20
"""A table below this grows fourfold when it is full; a larger one by half."""
LARGE_TABLE = 1 << 16
"""From here on threads fill a table together."""
SPARE = 4
"""A slot has up to so many bits more than it needs, where that makes no state longer."""
FORGET = 1 << 16
"""Expanded states are forgotten, where they may be, when there are so many and more than wait."""
NO_LIMIT = 1 << 62
SEED = 0x6B756265
"""Of the random numbers that make fingerprints; any other seed is a second opinion."""


def as_bytes(numbers: NDArray[Any]) -> memoryview:
    """Return the same memory as bytes, for an `array` to take in."""
    return numbers.reshape(-1).view(np.uint8).data


def _empty(size: int) -> NDArray[np.uint64]:
    """Return an empty table in pages of its own, which go back to the system as soon as it is dropped."""
    return np.frombuffer(mmap(-1, 8 * size), dtype=np.uint64)


def _places(bits: Sequence[int]) -> tuple[int, list[int], list[int]]:
    """Return the number of words, and for each slot its word and its place there."""
    word, shift = [], []
    at = used = 0
    for wide in bits:
        if used + wide > WORD:
            at, used = at + 1, 0
        word.append(at)
        shift.append(used % WORD)
        used += wide
    return at + 1, word, shift


def _with_spare(bits: list[int]) -> list[int]:
    """Return every slot as many more bits as make the states no longer: fewer times they are packed anew."""
    words = _places(bits)[0]
    wider = ([wide + spare for wide in bits] for spare in range(SPARE, 0, -1))
    return next((more for more in wider if _places(more)[0] == words), bits)


class States:
    """The states of one search and the set of those visited."""

    def __init__(self, slots: int, *, exact: bool, together: Together | None = None) -> None:
        self.exact = exact
        self._together = together
        self.count = 0
        self.forgotten = 0
        """States before this one are no longer in the store."""
        self.bits = [0] * slots
        self.needed = [0] * slots
        self._place()
        self.store: array[int] | Mapped = array("Q")
        self.table = _empty(FIRST_TABLE)
        self._generator = np.random.default_rng(SEED)
        self.random = self._numbers(16)
        self.repacked = 0
        """How often the states were packed anew."""

    def _numbers(self, ids: int) -> NDArray[np.uint64]:
        return self._generator.integers(0, 2**64, (len(self.bits), ids), dtype=np.uint64)

    def _place(self) -> None:
        """Assign every slot its word and its place there."""
        self.words, word, shift = _places(self.bits)
        masks = np.array([(1 << bits) - 1 for bits in self.bits], dtype=np.uint64)
        self.layout = (np.array(word, dtype=np.int64), np.array(shift, dtype=np.uint64), masks)

    def view(self) -> NDArray[np.uint64]:
        """Look at the store, one row per state; the store cannot grow while somebody does."""
        if not len(self.store):
            return np.zeros((0, self.words), dtype=np.uint64)
        store = self.store
        words = store.view() if isinstance(store, Mapped) else np.frombuffer(store, dtype=np.uint64)
        return words.reshape(-1, self.words)

    def fit(self, values: Sequence[int]) -> bool:
        """Make room for so many values per slot; tell whether the layout changed."""
        needed = [(count - 1).bit_length() for count in values]
        widest = max(values)
        if not self.exact and widest > self.random.shape[1]:
            self.random = np.hstack([self.random, self._numbers(max(widest, self.random.shape[1]))])
        if all(need <= bits for need, bits in zip(needed, self.bits, strict=True)):
            return False
        old, words = self.layout, self.words
        self.bits = _with_spare([max(pair) for pair in zip(needed, self.needed, strict=True)])
        self.needed = needed
        self._place()
        self._repack(old, words)
        self.repacked += 1
        if self.exact:
            self._rehash(len(self.table))
        return True

    def _repack(self, layout: Layout, words: int) -> None:
        """Write every state in the words as they are now, a stretch at a time."""
        old = self.store
        self.store = array("Q") if isinstance(old, array) else Mapped("Q", old.folder)
        for at in range(0, len(old), words * FORGET):
            rows = np.frombuffer(old[at : at + words * FORGET], dtype=np.uint64).reshape(-1, words)
            new = np.zeros((len(rows), self.words), dtype=np.uint64)
            packing.repack(rows, *layout, self.layout[0], self.layout[1], new)
            self.store.frombytes(as_bytes(new))

    def map_to(self, folder: Path | None) -> None:
        """Move the states into a file, where they are what the table refers to; the table stays in memory."""
        if self.exact and isinstance(self.store, array):
            self.store = Mapped.of(self.store, folder)

    def _enough(self, more: int) -> int:
        """Return the places of a table that holds so many more states."""
        size = len(self.table)
        while self.count + more > LOAD * size:
            size = size * 4 if size < SMALL_TABLE else size * 3 // 2
        return size

    def growth(self, more: int) -> int:
        """Return the bytes that the table must grow by for so many more states."""
        size = self._enough(more)
        kept = len(self.table) if self.exact or size == len(self.table) else 0
        return (size - kept) * self.table.itemsize

    def admit(self, more: int) -> None:
        """Make the table large enough for so many more states."""
        size = self._enough(more)
        if size > len(self.table):
            self._rehash(size)

    def rehash(self) -> None:
        """Fill the table with the states of the store."""
        self._rehash(len(self.table))

    def _rehash(self, size: int) -> None:
        if self.exact:
            self.table = np.zeros(0, dtype=np.uint64)  # The store knows it all: never two tables at a time.
            self.table = _empty(size)
            if not self._by_parts():
                self.table = _empty(size)
                visited.rehash(self.table, self.view())
        else:
            old, self.table = self.table, _empty(size)
            visited.refill(self.table, old)

    def _by_parts(self) -> bool:
        """Fill the empty table, a part by each thread; False where that does not pay, or too many are left over."""
        if self._together is None or self._together.threads == 1 or len(self.table) < LARGE_TABLE:
            return False
        threads, table, store = self._together.threads, self.table, self.view()
        ends = [len(table) * part // threads for part in range(threads + 1)]
        left = [np.empty(1 << 12, dtype=np.int64) for _ in range(threads)]
        counts = [0] * threads

        def fill(part: int) -> None:
            counts[part] = int(visited.rehash_part(table, store, ends[part], ends[part + 1], left[part]))

        self._together.at_once([partial(fill, part) for part in range(threads)])
        for some, count in zip(left, counts, strict=True):
            visited.rehash_left(table, store, some, count)
        return min(counts) >= 0

    def probe(self, steps: Steps, count: int) -> int:
        """Hash the rows of steps and look them up; return how many are `fresh`, not known. Nothing is written here."""
        found = steps.hashes, steps.targets, steps.fresh
        if self.exact:
            return int(visited.probe(self.table, self.view(), steps.rows, count, *found))
        return int(visited.probe_fingerprints(self.table, steps.rows, count, self.layout, self.random, *found))

    def insert(
        self, steps: Steps, made: int, fresh: int, limit: int = NO_LIMIT, *, anew: bool = False
    ) -> tuple[int, int]:
        """Put the fresh ones among so many steps in; return how many steps were gone through, and how many are new.

        Up to a limit of states. `anew`: they were looked up in another table.
        """
        gone, new = visited.insert(
            self.table, self.view(), self.count, limit, steps.rows, made, steps.hashes, steps.targets,
            (steps.fresh, fresh), anew, self.exact, steps.new, steps.origin,
        )  # fmt: skip
        return int(gone), int(new)

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
        """Return the bytes that states and table take."""
        return len(self.store) * self.store.itemsize + int(self.table.nbytes)
