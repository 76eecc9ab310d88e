"""How a state becomes one number: every slot's values are interned, the ids stand side by side in one integer.

A step then is two operations on that integer, whatever the number of slots: clear the written slots, put the new ids.
The same integer as bytes is the key of the visited set.
"""

from __future__ import annotations

import struct
from collections.abc import Hashable, Iterable, Mapping, Sequence, Sized
from functools import reduce
from operator import or_
from typing import Any

from attrs import field, frozen

from ..machine import MachineError, Outcome

CODES = ("H", "I")
"""Widths of an id, tried in turn: 16 bits until some slot has more values than that, then 32."""


class TooNarrow(Exception):  # noqa: N818 - no error: the search starts anew with wider ids
    """A slot took more values than its ids can tell apart."""


@frozen
class Effect:
    """An outcome on rows: `row & keep | put`. `written` is a bit set of places, `pairs` the same as (place, id).

    What to keep and to put follows from the pairs, for one width of ids.
    """

    ordinal: int
    outcome: Outcome = field(repr=False)
    keep: int = field(repr=False, eq=False)
    put: int = field(repr=False, eq=False)
    written: int = field(repr=False)
    pairs: tuple[tuple[int, int], ...] = field(repr=False)


class Layout:
    """The places of the slots, their values, and rows packed into integers."""

    def __init__(self, slots: tuple[str, ...], code: str) -> None:
        self.places = {slot: place for place, slot in enumerate(slots)}
        self.tables: list[list[Any]] = [[] for _ in slots]
        self._ids: list[dict[Hashable, int]] = [{} for _ in slots]
        self.widen(code)

    def widen(self, code: str) -> None:
        """Set another width for ids. The values keep theirs; rows and effects made before are of the old width."""
        self.code = code
        self._row = struct.Struct(f"<{len(self.places)}{code}")
        self.bits = 8 * struct.calcsize(f"<{code}")
        self.size = self._row.size
        self.unpack = self._row.unpack
        self._all = (1 << (8 * self.size)) - 1

    def intern(self, place: int, value: Hashable) -> int:
        """Return the id of a value in a slot."""
        ids = self._ids[place]
        number = ids.get(value)
        if number is None:
            number = ids[value] = len(ids)
            if number >> self.bits:
                raise TooNarrow
            self.tables[place].append(value)
        return number

    def take(self, tables: Iterable[Iterable[Hashable]]) -> None:
        """Intern the values of all slots in the order of these tables."""
        for place, values in enumerate(tables):
            for value in values:
                self.intern(place, value)

    def ids(self, values: Iterable[Any]) -> tuple[int, ...]:
        """Return the ids of the values of a state."""
        return tuple(self.intern(place, value) for place, value in enumerate(values))

    def pack(self, ids: tuple[int, ...]) -> int:
        """Return the row of these ids."""
        return int.from_bytes(self._row.pack(*ids), "little")

    def effect(self, ordinal: int, outcome: Outcome, who: str, known: Mapping[int, Hashable]) -> Effect | None:
        """Compile an outcome; writes of what is `known` to be there already are dropped, None when nothing is left."""
        pairs: list[tuple[int, int]] = []
        for slot, value in outcome.updates.items():
            place = self.places.get(slot)
            if place is None:
                raise MachineError(f"{who} writes {slot!r}, which is no slot")
            if place in known and known[place] == value:
                continue
            pairs.append((place, self.intern(place, value)))
        if not pairs:
            return None
        shifts = [place * self.bits for place, _ in pairs]
        clear = reduce(or_, (((1 << self.bits) - 1) << shift for shift in shifts))
        put = reduce(or_, (number << shift for shift, (_, number) in zip(shifts, pairs, strict=True)))
        written = reduce(or_, (1 << place for place, _ in pairs))
        return Effect(ordinal, outcome, self._all & ~clear, put, written, tuple(pairs))


def patched(ids: Sequence[int], effect: Effect) -> tuple[int, ...]:
    """Return the ids of a state after an effect."""
    after = list(ids)
    for place, number in effect.pairs:
        after[place] = number
    return tuple(after)


def widest(slots: Iterable[str], tables: Iterable[Sized]) -> tuple[tuple[str, int], ...]:
    """Return the slots with their numbers of values, the widest first, by name where equal."""
    counts = ((slot, len(table)) for slot, table in zip(slots, tables, strict=True))
    return tuple(sorted(counts, key=lambda pair: (-pair[1], pair[0])))
