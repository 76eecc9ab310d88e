"""Numbers for values that all workers of a partitioned search agree on.

Every worker numbers the values of a slot as it meets them; the agreement numbers them for all. A value crosses to each
worker once, pickled, in a batch with all others that are new; states cross as rows of agreed numbers. Two values are
one when Python holds them equal, as everywhere in the checker.
"""

from __future__ import annotations

import pickle
from collections.abc import Hashable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...machine import MachineError
from ..layout import Layout
from . import kernels

Values = tuple[tuple[int, tuple[Hashable, ...]], ...]
"""New values per slot (its place), in the order of their numbers."""
Parcel = tuple[NDArray[Any], ...]
"""What one worker sends another."""
Parcels = tuple[Parcel, ...]
"""One for each worker, or one from each."""


def packed(values: Values) -> bytes:
    """Return values as bytes, none as no bytes; what cannot be pickled is a MachineError."""
    if not values:
        return b""
    try:
        return pickle.dumps(values, protocol=pickle.HIGHEST_PROTOCOL)
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        raise MachineError(f"the values of the machine cannot be sent to other processes: {error}") from None


def unpacked(content: bytes) -> Values:
    """Return the values back."""
    return tuple(pickle.loads(content)) if content else ()  # noqa: S301 - from the workers of this search


class Agreement:
    """The agreed numbers, kept where the search is conducted."""

    def __init__(self, slots: int) -> None:
        self.tables: list[list[Hashable]] = [[] for _ in range(slots)]
        self._known: list[dict[Hashable, int]] = [{} for _ in range(slots)]

    def take(self, news: Iterable[bytes]) -> bytes:
        """Return numbers to what workers have met, in their order; give back what is new to all."""
        before = [len(table) for table in self.tables]
        for values in map(unpacked, news):
            for place, some in values:
                self.add(place, some)
        return packed(self._since(before))

    def add(self, place: int, values: Iterable[Hashable]) -> None:
        """Return numbers to the values of one slot that are new."""
        known, table = self._known[place], self.tables[place]
        for value in values:
            if value not in known:
                known[value] = len(table)
                table.append(value)

    def numbers(self, values: Iterable[Hashable]) -> tuple[int, ...]:
        """Return the numbers of the values of one state, all of which have one."""
        return tuple(known[value] for known, value in zip(self._known, values, strict=True))

    def everything(self) -> bytes:
        """Return all values."""
        return packed(self._since([0] * len(self.tables)))

    def _since(self, before: Sequence[int]) -> Values:
        return tuple(
            (place, tuple(table[first:]))
            for place, (table, first) in enumerate(zip(self.tables, before, strict=True))
            if first < len(table)
        )


class Dictionary:
    """One worker's own numbers beside the agreed ones."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self._agreed: list[list[int]] = [[] for _ in layout.tables]
        """Per slot, the agreed number of each of the worker's own."""
        self._refresh()

    def news(self) -> bytes:
        """Return the values that have no agreed number yet."""
        return packed(
            tuple(
                (place, tuple(table[len(agreed) :]))
                for place, (table, agreed) in enumerate(zip(self.layout.tables, self._agreed, strict=True))
                if len(agreed) < len(table)
            )
        )

    def learn(self, additions: bytes) -> None:
        """Take in values with their agreed numbers: the next ones of their slots. Afterwards all own ones have one."""
        for place, values in unpacked(additions):
            agreed, first = self._agreed[place], len(self._agreed[place])
            own = [self.layout.intern(place, value) for value in values]
            agreed.extend([-1] * (len(self.layout.tables[place]) - first))
            for number, at in enumerate(own, start=first):
                agreed[at] = number
        if additions:
            self._refresh()

    def _refresh(self) -> None:
        widths = np.array([len(agreed) for agreed in self._agreed], dtype=np.int64)
        ends = np.cumsum(widths)
        self.bases: NDArray[np.int64] = ends - widths
        flat = [number for agreed in self._agreed for number in agreed]
        self.to_agreed: NDArray[np.int32] = np.array(flat, dtype=np.int32)
        start = np.repeat(self.bases, widths)
        plain = np.arange(len(flat), dtype=np.int64) - start
        self.to_own: NDArray[np.int32] = np.empty_like(self.to_agreed)
        self.to_own[start + self.to_agreed] = plain
        self.same = bool((self.to_agreed == plain).all())
        """Whether the worker's own numbers are the agreed ones."""
        self.random: NDArray[np.uint64] = np.zeros(len(flat), dtype=np.uint64)
        kernels.fill_random(self.bases, ends, self.random)
