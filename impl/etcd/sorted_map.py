"""A persistent sorted map: a new one with one key changed shares all but a few nodes with the old one.

A B+ tree (Comer, The Ubiquitous B-Tree, 1979) as etcd keeps its index (server/storage/mvcc/index.go, google/btree):
what a change costs grows with the height, so a store of ten times the keys is hardly dearer. Left out on purpose:
joining nodes that deletions have thinned out; empty ones go.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Generic, TypeVar

from attrs import field, frozen

Value = TypeVar("Value")
WIDTH = 64
"""A node holds at most twice as many entries; one more, and it is split in halves."""


@frozen(eq=False)
class _Leaf:
    keys: tuple[bytes, ...] = ()
    values: tuple[Any, ...] = ()


@frozen(eq=False)
class _Branch:
    """`keys` holds the first key of each child, or one that is no larger."""

    keys: tuple[bytes, ...]
    children: tuple[_Leaf | _Branch, ...]


_Node = _Leaf | _Branch
EMPTY = _Leaf()


@frozen(eq=False)
class SortedMap(Mapping[bytes, Value], Generic[Value]):
    """Keys in order with their values; equal to every mapping that holds the same."""

    _root: _Node = EMPTY
    _size: int = 0
    _hash: list[int] = field(factory=list, init=False, repr=False)

    @classmethod
    def of(cls, pairs: Iterable[tuple[bytes, Value]]) -> SortedMap[Value]:
        """Make one of pairs; a later one of the same key wins."""
        made: SortedMap[Value] = cls()
        for key, value in pairs:
            made = made.set(key, value)
        return made

    def __getitem__(self, key: bytes) -> Value:
        leaf = self._root
        while isinstance(leaf, _Branch):
            leaf = leaf.children[_child(leaf, key)]
        at = bisect_left(leaf.keys, key)
        if at == len(leaf.keys) or leaf.keys[at] != key:
            raise KeyError(key)
        found: Value = leaf.values[at]
        return found

    def __iter__(self) -> Iterator[bytes]:
        return (key for key, _ in self.between(b"", None))

    def __len__(self) -> int:
        return self._size

    def __eq__(self, other: object) -> bool:
        if self is other or (isinstance(other, SortedMap) and self._root is other._root):
            return True
        return isinstance(other, Mapping) and len(self) == len(other) and dict(self) == dict(other)

    def __hash__(self) -> int:
        if not self._hash:
            self._hash.append(hash(tuple(self.between(b"", None))))
        return self._hash[0]

    def between(self, start: bytes, end: bytes | None) -> Iterator[tuple[bytes, Value]]:
        """Return the entries from `start` on and before `end` (None: all of them), in order."""
        return _between(self._root, start, end)

    def set(self, key: bytes, value: Value) -> SortedMap[Value]:
        """Return the map with a key set."""
        parts, new = _set(self._root, key, value)
        root = parts[0] if len(parts) == 1 else _Branch(tuple(part.keys[0] for part in parts), parts)
        return SortedMap(root, self._size + new)

    def delete(self, key: bytes) -> SortedMap[Value]:
        """Return the map without a key that is there; KeyError if it is not."""
        root = _deleted(self._root, key) or EMPTY
        while isinstance(root, _Branch) and len(root.children) == 1:
            (root,) = root.children
        return SortedMap(root, self._size - 1)


def _child(branch: _Branch, key: bytes) -> int:
    """Return the place of the child that would hold a key."""
    return max(bisect_right(branch.keys, key) - 1, 0)


def _between(node: _Node, start: bytes, end: bytes | None) -> Iterator[tuple[bytes, Any]]:
    if isinstance(node, _Leaf):
        first = bisect_left(node.keys, start)
        last = len(node.keys) if end is None else bisect_left(node.keys, end)
        yield from zip(node.keys[first:last], node.values[first:last], strict=True)
        return
    last = len(node.keys) if end is None else max(bisect_left(node.keys, end), 1)
    for child in node.children[_child(node, start) : last]:
        yield from _between(child, start, end)


def _set(node: _Node, key: bytes, value: Any) -> tuple[tuple[_Node, ...], bool]:
    """Return the node with a key set, in one part or two, and whether the key is new."""
    if isinstance(node, _Leaf):
        at = bisect_left(node.keys, key)
        new = at == len(node.keys) or node.keys[at] != key
        after = at + (not new)
        keys = (*node.keys[:at], key, *node.keys[after:]) if new else node.keys
        return _halves(_Leaf(keys, (*node.values[:at], value, *node.values[after:]))), new
    at = _child(node, key)
    parts, new = _set(node.children[at], key, value)
    keys = (*node.keys[:at], *(part.keys[0] for part in parts), *node.keys[at + 1 :])
    return _halves(_Branch(keys, (*node.children[:at], *parts, *node.children[at + 1 :]))), new


def _halves(node: _Node) -> tuple[_Node, ...]:
    if len(node.keys) <= 2 * WIDTH:
        return (node,)
    if isinstance(node, _Leaf):
        return _Leaf(node.keys[:WIDTH], node.values[:WIDTH]), _Leaf(node.keys[WIDTH:], node.values[WIDTH:])
    return _Branch(node.keys[:WIDTH], node.children[:WIDTH]), _Branch(node.keys[WIDTH:], node.children[WIDTH:])


def _deleted(node: _Node, key: bytes) -> _Node | None:
    """Return the node without a key; None when nothing is left of it."""
    if isinstance(node, _Leaf):
        at = bisect_left(node.keys, key)
        if at == len(node.keys) or node.keys[at] != key:
            raise KeyError(key)
        left = _Leaf((*node.keys[:at], *node.keys[at + 1 :]), (*node.values[:at], *node.values[at + 1 :]))
        return left if left.keys else None
    at = _child(node, key)
    child = _deleted(node.children[at], key)
    if child is not None:
        return _Branch(node.keys, (*node.children[:at], child, *node.children[at + 1 :]))
    if len(node.keys) == 1:
        return None
    keys = (*node.keys[:at], *node.keys[at + 1 :])
    return _Branch(keys, (*node.children[:at], *node.children[at + 1 :]))
