"""Pure functions of a view, worked out once for each situation that they read: a tree of reads and values.

What is read next follows from what was read before, for the function is pure: so an inner node is a read, its children
are by the values that were met there, and a leaf holds the result. Engines have their own trees over numbers
(`tree`); this one is for functions that others call.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Any, Generic, TypeVar

from attrs import define, field

from ...machine import View

T = TypeVar("T")
Read = tuple[str, Callable[[Any], Hashable] | None]


@define(eq=False)
class _Node(Generic[T]):
    read: Read | None = None
    children: dict[Any, _Node[T]] = field(factory=dict)
    result: tuple[T, ...] | None = None


@define(eq=False)
class _Recording:
    view: View
    reads: list[tuple[Read, Any]] = field(factory=list)

    def __getitem__(self, slot: str) -> Any:
        value = self.view[slot]
        self.reads.append(((slot, None), value))
        return value

    def via(self, transform: Callable[[Any], Hashable], slot: str) -> Any:
        value = self.view.via(transform, slot)
        self.reads.append(((slot, transform), value))
        return value


@define(eq=False)
class Remembered(Generic[T]):
    """A function of a view that remembers what it has given."""

    call: Callable[[View], Iterable[T]]
    root: _Node[T] = field(factory=_Node)

    def __call__(self, view: View) -> tuple[T, ...]:
        """Return what the function gives for a view."""
        node: _Node[T] | None = self.root
        while node is not None and node.read is not None:
            slot, transform = node.read
            node = node.children.get(view[slot] if transform is None else view.via(transform, slot))
        return node.result if node is not None and node.result is not None else self._learnt(view)

    def _learnt(self, view: View) -> tuple[T, ...]:
        recording = _Recording(view)
        result, node = tuple(self.call(recording)), self.root
        for read, value in recording.reads:
            node.read = node.read or read
            node = node.children.setdefault(value, _Node())
        node.result = result
        return result
