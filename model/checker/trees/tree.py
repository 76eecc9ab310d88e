"""Decision trees over recorded reads: a pure function runs once per distinct situation it can see.

An inner node names a slot; its children are the values (by id) that were met there. A leaf holds the result and the set
of slots on the way to it: while none of those changes, neither does the result. A read through a transform branches on
the transformed value; ids that transform alike share the child.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import partial
from types import FunctionType
from typing import Any

from ...machine import MachineError
from ..layout import TooNarrow
from ..semantics import ImpureStepError, StepError

LEAF = -1
RECHECK = 1000
"""One look at what is known already in so many is repeated with the real function."""


def transform_key(transform: Callable[[Any], Hashable]) -> Hashable:
    """Tell transforms apart by what they do: a lambda made anew in every call is the same if it closes over equals.

    Code is known by its identity, so whoever keeps the key keeps the transform, too.
    """
    if isinstance(transform, FunctionType):
        if transform.__closure__ is None and transform.__defaults__ is None:
            return id(transform.__code__)
        cells = tuple(cell.cell_contents for cell in transform.__closure__ or ())
        return (id(transform.__code__), transform.__defaults__, cells)
    if isinstance(transform, partial):
        return (transform_key(transform.func), transform.args, tuple(sorted(transform.keywords.items())))
    return transform


class Image:
    """What a transform gives for the ids of a slot: once per id, and one object where results are equal.

    To compare such results, or to look them up, is quick then: it is by identity.
    """

    __slots__ = ("_by_id", "_hits", "_same", "_table", "transform")

    def __init__(self, transform: Callable[[Any], Hashable], table: Sequence[Any]) -> None:
        self.transform = transform
        self._table = table
        self._by_id: dict[int, Any] = {}
        self._same: dict[Any, Any] = {}
        self._hits = 0

    def __getitem__(self, raw: int) -> Any:
        """Return what the value with an id is transformed to; once in so many times it is worked out again."""
        try:
            value = self._by_id[raw]
        except KeyError:
            value = self.transform(self._table[raw])
            value = self._by_id[raw] = self._same.setdefault(value, value)
            return value
        self._hits += 1
        if not self._hits % RECHECK and self.transform(self._table[raw]) != value:
            raise ImpureStepError(f"{self.transform!r} of {self._table[raw]!r} gave {value!r}, and now something else")
        return value


Images = dict[tuple[int, Hashable], Image]
"""By place and key of the transform."""


class Reader:
    """A view of rows of value ids that records reads in order. Several rows side by side are one long row."""

    __slots__ = ("base", "images", "places", "row", "seen", "tables")

    def __init__(
        self,
        row: Sequence[int],
        tables: Sequence[Sequence[Any]],
        places: Mapping[str, int],
        seen: dict[tuple[int, Hashable], tuple[Callable[[Any], Hashable] | None, Any]],
        base: int = 0,
        images: Images | None = None,
    ) -> None:
        self.images = images
        self.row = row
        self.tables = tables
        self.places = places
        self.seen = seen
        self.base = base

    def __getitem__(self, slot: str) -> Any:
        place = self._place(slot)
        value = self.tables[place][self.row[place]]
        self.seen.setdefault((place, None), (None, value))
        return value

    def via(self, transform: Callable[[Any], Hashable], slot: str) -> Any:
        """Return `transform(value)` and record only that."""
        place = self._place(slot)
        key = (place, transform_key(transform))
        if key in self.seen:
            return self.seen[key][1]
        raw, table = self.row[place], self.tables[place]
        value = transform(table[raw]) if self.images is None else self._image(place - self.base, key[1], transform)[raw]
        if (place, None) not in self.seen:
            self.seen[key] = (transform, value)
        return value

    def _image(self, place: int, key: Hashable, transform: Callable[[Any], Hashable]) -> Image:
        """Return what is known of a transform of a slot, one for all rows."""
        assert self.images is not None  # noqa: S101 - it has been looked at
        image = self.images.get((place, key))
        if image is None:
            image = self.images[place, key] = Image(transform, self.tables[place])
        return image

    def _place(self, slot: str) -> int:
        place = self.places.get(slot)
        if place is None:
            raise MachineError(f"no slot is called {slot!r}")
        return self.base + place


_NONE: dict[Any, Node] = {}
"""The children of who can have none."""


class Node:
    """A branch on a slot, or (slot -1) a leaf with its result and the bit set of the slots on its path.

    `code` and `projection` are its number and its transform's where the trees are tables of integers.
    """

    __slots__ = ("by", "code", "key", "kids", "mask", "projection", "result", "slot", "transform")

    def __init__(self, slot: int, key: Hashable = None, transform: Callable[[Any], Hashable] | None = None) -> None:
        self.slot = slot
        self.key = key
        self.transform = transform
        self.kids: dict[int, Node] = _NONE if slot == LEAF else {}
        self.by: dict[Any, Node] = _NONE if transform is None else {}
        self.code: int | None = None
        self.projection = -1
        self.mask = 0
        self.result: Any = None


def everything() -> Node:
    """Return a leaf that every change affects: what is known before the first look."""
    leaf = Node(LEAF)
    leaf.mask = -1
    leaf.result = ()
    return leaf


def _nothing(_result: Any) -> int:
    return 0


class Tree:
    """The memo of one function over all slots, of `rows` rows side by side."""

    __slots__ = (
        "_call",
        "_images",
        "_name",
        "_places",
        "_rows",
        "_tables",
        "_width",
        "calls",
        "leaves",
        "memo",
        "reads",
        "root",
        "touches",
    )

    def __init__(
        self,
        name: str,
        call: Callable[..., Any],
        places: Mapping[str, int],
        tables: Sequence[Sequence[Any]],
        rows: int = 1,
        *,
        memo: bool = True,
        images: Images | None = None,
    ) -> None:
        self._images = images if memo else None
        self._name = name
        self._call = call
        self._places = places
        self._tables = tables
        self._width = len(places)
        self._rows = rows
        self.memo = memo
        self.root: Node | None = None
        self.reads = 0 if memo else -1
        """The bit set of all slots ever read: only a change there can matter."""
        self.touches: Callable[[Any], int] = _nothing
        """Slots whose change matters beyond the result: where a blind write would make a difference again."""
        self.calls = 0
        self.leaves = 0

    def look(self, row: Sequence[int]) -> Node:
        """Return the leaf of a row, calling the function if the situation is new."""
        node = self.root
        if node is not None and self.memo:
            try:
                while node.slot >= 0:
                    node = node.kids[row[node.slot]]
            except KeyError:
                return self._transformed(node, row) or self.learn(row)
            return node
        return self.learn(row)

    def _transformed(self, node: Node, row: Sequence[int]) -> Node | None:
        """Walk on from a node that does not know the id yet but may know what it transforms to."""
        while node.slot >= 0:
            raw = row[node.slot]
            child = node.kids.get(raw)
            if child is None:
                if node.transform is None:
                    return None
                child = node.by.get(self._image(node, raw))
                if child is None:
                    return None
                node.kids[raw] = child
            node = child
        return node

    def _image(self, node: Node, raw: int) -> Any:
        """Return what a node's transform gives for an id."""
        known = None if self._images is None else self._images.get((node.slot % self._width, node.key))
        if known is not None:
            return known[raw]
        assert node.transform is not None  # noqa: S101 - who asks has looked
        return node.transform(self._tables[node.slot][raw])

    def learn(self, row: Sequence[int]) -> Node:
        """Call the function and put what it read and gave into the tree; where it is known already, compare."""
        seen: dict[tuple[int, Hashable], tuple[Callable[[Any], Hashable] | None, Any]] = {}
        result = self._run(row, seen)
        if not self.memo:
            leaf = everything()
            leaf.result = result
            self.leaves += 1
            return leaf
        attach: Callable[[Node], None] = self._plant
        node = self.root
        for (slot, key), (transform, value) in seen.items():
            if node is None:
                node = Node(slot, key, transform)
                attach(node)
            elif (node.slot, node.key) != (slot, key):
                raise ImpureStepError(
                    f"{self._name} read {self._slot_name(slot)} where it had read something else before"
                )
            attach = partial(_hang, node, row[slot], value)
            node = node.kids.get(row[slot]) or (node.by.get(value) if transform is not None else None)
            if node is not None:
                attach(node)
        return self._leaf(node, attach, seen, result)

    def _leaf(self, node: Node | None, attach: Callable[[Node], None], seen: Mapping[Any, Any], result: Any) -> Node:
        if node is None:
            node = Node(LEAF)
            node.result = result
            node.mask = self.touches(result)
            for slot, _ in seen:
                node.mask |= 1 << slot
            self.leaves += 1
            self.reads |= node.mask
            attach(node)
        elif node.slot >= 0:
            raise ImpureStepError(f"{self._name} did not read {self._slot_name(node.slot)}, which it had read before")
        elif node.result != result:
            raise ImpureStepError(f"{self._name} gave {result!r} where it had given {node.result!r}")
        return node

    def _run(self, row: Sequence[int], seen: dict[Any, Any]) -> Any:
        self.calls += 1
        tables, places = self._tables, self._places
        views = [Reader(row, tables, places, seen, at * self._width, self._images) for at in range(self._rows)]
        try:
            return self._call(*views)
        except (MachineError, TooNarrow):
            raise
        except Exception as error:
            read = {self._slot_name(slot): self._tables[slot][row[slot]] for slot, _ in seen}
            raise StepError(self._name, read, error) from error

    def _plant(self, node: Node) -> None:
        self.root = node

    def _slot_name(self, slot: int) -> str:
        return tuple(self._places)[slot % self._width]


def _hang(parent: Node, raw: int, value: Any, child: Node) -> None:
    parent.kids[raw] = child
    if parent.transform is not None:
        parent.by[value] = child
